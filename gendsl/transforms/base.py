"""Transforms: specs of bijections of events, with or without parameters.

A transform goes *forward* from noise to data. It knows shapes and arithmetic and holds no numbers: for an event shape
it names its parameters, and `forward` and `inverse` evaluate it on given ones over a backend's layers; each gives the
value and the log-determinant of its own Jacobian, log|dy/dx| and log|dx/dy|. Any axes stand on the left.

A transform may be conditional: where a *context* is declared, a vector of so many numbers, its networks see it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gendsl.graph.constraints import Constraint, real
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters, draw
from gendsl.networks.spec import Spec

__all__ = ["Event", "Pair", "Transform", "vector"]

Event = tuple[int, ...]
Pair = tuple[Array, Array]
"""A value (..., *event) and a log-determinant (...)."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Transform(Spec):
    """The base of all transforms. A subclass gives `forward` and `inverse`, and `parameters` where it has any.

    Attributes:
        rank: event axes that it works on; `Chain` lays events of other shapes out as one axis.
    """

    space: ClassVar[str] = "gd.transform"

    rank: ClassVar[int] = 1

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """Its parameters: name -> shape and initial distribution. At their start most transforms are the identity.

        Args:
            event: event shape.
            context: numbers in the context; 0 where there is none.

        Raises:
            ModelError: if the transform cannot act on such an event.
        """
        return {}

    def init(self, event: Event, seed: int, prefix: str = "", context: int = 0) -> dict[str, np.ndarray]:
        """Initial values, float64: keyed draws in numpy by (seed, full name), so equal on both backends."""
        return draw(self.parameters(event, context), seed, prefix)

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """From noise to data.

        Args:
            nn: a backend's layers.
            params: name -> array, names as in `parameters`.
            x: (..., *event).
            context: (..., numbers), with x's left axes.

        Returns:
            y (..., *event) and log|dy/dx| (...).
        """
        raise NotImplementedError

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """From data to noise: x (..., *event) and log|dx/dy| (...); arguments as for `forward`."""
        raise NotImplementedError

    def image(self, domain: Constraint) -> Constraint:
        """Where the elements of y lie, for elements of x in a domain.

        Raises:
            ModelError: if the transform does not act there.
        """
        if domain != real:
            self._refuse(
                "acts on all of the real line",
                f"elements that are {domain}",
                "real elements",
                "what constrains the support comes last",
            )
        return real

    def _vector(self, event: Any) -> int:
        """The length of an event that must be one axis."""
        if len(event) != 1:
            self._refuse("acts on vectors", f"event {tuple(event)}", "one event axis", "put it into a chain")
        return int(event[0])


def vector(nn: Layers, x: Array, context: Array | None) -> Array:
    """What a conditioner sees: the context, where there is one, and x."""
    return x if context is None else nn.ops.concatenate([context, x], -1)
