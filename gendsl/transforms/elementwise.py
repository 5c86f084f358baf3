"""Elementwise transforms: every element has its own map of the line, whose parameters depend on nothing."""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameter, Parameters
from gendsl.transforms.base import Event, Pair, Transform
from gendsl.transforms.scalar import Affine, ScalarSpec

__all__ = ["Elementwise"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Elementwise(Transform):
    """y_i = f(x_i; theta_i); with an affine f, the actnorm layer of Glow.

    Args:
        scalar: f.

    Raises:
        ModelError: if `scalar` is no map of the line.

    Reference:
        Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma, Dhariwal, 2018) |
        https://arxiv.org/abs/1807.03039
    """

    scalar: ScalarSpec = Affine()

    def __post_init__(self) -> None:
        if not isinstance(self.scalar, ScalarSpec):
            self._refuse("scalar is a map of the line", f"scalar={self.scalar!r}", "for example transform.Spline()")

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """theta, (d, size); zeros at first, the identity."""
        return {"theta": Parameter((self._vector(event), self.scalar.size))}

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """y and log|dy/dx|."""
        y, ladj = self.scalar.forward(nn.ops, params["theta"], x)
        return y, nn.ops.sum(ladj, -1)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """x and log|dx/dy|."""
        x, ladj = self.scalar.inverse(nn.ops, params["theta"], y)
        return x, nn.ops.sum(ladj, -1)
