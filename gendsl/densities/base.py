"""Densities: specs of learned distributions of events.

A density knows shapes and arithmetic and holds no numbers. `log_prob` is a function of parameters and a value, `sample`
of parameters and noise, both over a backend's layers, with any axes on the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gendsl.graph.constraints import Constraint, real
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters, draw
from gendsl.networks.spec import Spec

__all__ = ["Density", "Event", "Noise"]

Event = tuple[int, ...]


class Noise(StrEnum):
    """What a draw is made of: independent numbers, one for each element of the event; NONE where it takes a sampler."""

    NORMAL = "normal"
    UNIFORM = "uniform"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, repr=False)
class Density(Spec):
    """The base of all densities.

    Attributes:
        context: numbers in the context, a vector that the density is conditional on; 0 for none.
    """

    context: int = 0

    @property
    def noise(self) -> Noise:
        """The distribution of the noise."""
        return Noise.NORMAL

    @property
    def offers(self) -> tuple[str, ...]:
        """What it can do: some of "sample", "reparam" (draws are smooth in the noise), "log_prob" (the log-density),

        "energy" (the log-density up to a constant), "score" (its gradient)."""
        smooth = ("reparam",) if self.noise is Noise.NORMAL else ()
        return "sample", *smooth, "log_prob", *(() if self.support.discrete else ("score",))

    @property
    def support(self) -> Constraint:
        """Where the elements of a draw lie."""
        return real

    def parameters(self, event: Event) -> Parameters:
        """Its parameters: name -> shape and initial distribution.

        Args:
            event: event shape of a draw.

        Raises:
            ModelError: if there is no such distribution of events of this shape.
        """
        raise NotImplementedError

    def init(self, event: Event, seed: int, prefix: str = "") -> dict[str, np.ndarray]:
        """Initial values, float64: keyed draws in numpy by (seed, full name), so equal on both backends."""
        return draw(self.parameters(event), seed, prefix)

    def log_prob(
        self,
        nn: Layers,
        params: Values,
        x: Array,
        context: Array | None = None,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
    ) -> Array:
        """The log-density.

        Args:
            nn: a backend's layers.
            params: name -> array, names as in `parameters`.
            x: the value, (..., *event).
            context: (..., numbers); its left axes broadcast with those of x.
            event: event shape of x; left out, its last axis.
            base: log-density of the noise, (..., *event) -> (...); left out, that of independent standard noise.

        Returns:
            (...); -inf outside the support.
        """
        raise NotImplementedError

    def sample(
        self, nn: Layers, params: Values, noise: Array, context: Array | None = None, event: Event | None = None
    ) -> Array:
        """The draw (..., *event) that noise (..., *event) makes; other arguments as for `log_prob`."""
        raise NotImplementedError

    def sample_and_log_prob(
        self,
        nn: Layers,
        params: Values,
        noise: Array,
        context: Array | None = None,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
    ) -> tuple[Array, Array | None]:
        """The draw and its log-density, where this comes with the draw; else None. Arguments as for `log_prob`."""
        return self.sample(nn, params, noise, context, event), None
