"""What transforms with a conditioner share: the map of one element, and the network that gives its parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gendsl.networks import Activation, Init
from gendsl.networks.parameter import Parameters
from gendsl.transforms.base import Transform
from gendsl.transforms.scalar import Affine, ScalarSpec

__all__ = ["Conditional"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Conditional(Transform):
    """A transform of elements whose parameters a network gives.

    Args:
        scalar: the map of one element.
        hidden: widths of the network's hidden layers.
        activation: the function between them.

    Raises:
        ModelError: if a value is not what it should be.
    """

    scalar: ScalarSpec = Affine()
    hidden: tuple[int, ...] = (64, 64)
    activation: Activation = Activation.SILU

    def __post_init__(self) -> None:
        if not isinstance(self.scalar, ScalarSpec):
            self._refuse("scalar is a map of the line", f"scalar={self.scalar!r}", "for example transform.Spline()")
        self._counts("hidden")
        self._member("activation", Activation)

    def _identity_at_first(self, parameters: Parameters) -> Parameters:
        """The network's parameters, its last layer zero: then the map is the identity, and training starts there."""
        last = f"layers.{len(self.hidden)}."
        return {k: replace(p, init=Init.ZEROS) if k.startswith(last) else p for k, p in parameters.items()}
