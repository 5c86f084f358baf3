"""Linear transforms: permutations, which mix nothing and cost nothing, and a learned invertible matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gendsl.graph.constraints import Constraint
from gendsl.math.flows import linear, permutation
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameter, Parameters
from gendsl.transforms.base import Event, Pair, Transform

__all__ = ["LULinear", "Permutation", "Reverse", "Shuffle"]


@dataclass(frozen=True, kw_only=True, repr=False)
class _Reordering(Transform):
    def _order(self, d: int) -> Sequence[int]:
        raise NotImplementedError

    def image(self, domain: Constraint) -> Constraint:
        """The same: elements change places."""
        return domain

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """y, and zeros."""
        return permutation.forward(nn.ops, self._order(x.shape[-1]), x)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """x, and zeros."""
        return permutation.inverse(nn.ops, self._order(y.shape[-1]), y)


@dataclass(frozen=True, repr=False)
class Permutation(_Reordering):
    """y_i = x_order(i).

    Args:
        order: where each element comes from: each of 0 ... d - 1 once.

    Raises:
        ModelError: if it is no permutation.
    """

    order: tuple[int, ...]

    def __post_init__(self) -> None:
        given = self.order
        order = tuple(given) if isinstance(given, (tuple, list, range, np.ndarray)) else ()
        if not order or sorted(order) != list(range(len(order))):
            self._refuse(
                "a permutation has each element once",
                f"order={given!r}",
                "the integers 0, 1, ..., d - 1 in some order",
                "transform.Permutation((2, 0, 1)), or transform.Shuffle(seed) for a random one",
            )
        self._set("order", tuple(map(int, order)))

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """None."""
        if self._vector(event) != len(self.order):
            self._refuse("the order has another length", f"{len(self.order)} elements, event {tuple(event)}", "as many")
        return {}

    def _order(self, d: int) -> Sequence[int]:
        return self.order


@dataclass(frozen=True, repr=False)
class Reverse(_Reordering):
    """y_i = x_(d - 1 - i): what comes first and what comes last change places."""

    def _order(self, d: int) -> Sequence[int]:
        return range(d - 1, -1, -1)


@dataclass(frozen=True, repr=False)
class Shuffle(_Reordering):
    """A random permutation in one cycle, so that no element stays; the same wherever the seed and the length are.

    Args:
        seed: a nonnegative integer.

    Raises:
        ModelError: if it is none.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        self._count("seed", 0)

    def _order(self, d: int) -> Sequence[int]:
        return permutation.shuffled(self.seed, d)


@dataclass(frozen=True, repr=False)
class LULinear(Transform):
    """y = L U x + b, with L and U triangular (gendsl/math/flows/linear.py).

    Reference:
        Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma, Dhariwal, 2018) |
        https://arxiv.org/abs/1807.03039
    """

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """factors (d, d), both triangles in one and the log-diagonal of U; bias (d,). Zeros at first, the identity."""
        d = self._vector(event)
        return {"factors": Parameter((d, d)), "bias": Parameter((d,))}

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """y and log|dy/dx|."""
        return linear.forward(nn.ops, params["factors"], params["bias"], x)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """x and log|dx/dy|."""
        return linear.inverse(nn.ops, params["factors"], params["bias"], y)
