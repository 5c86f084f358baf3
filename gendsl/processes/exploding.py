"""Processes that keep the data and add noise that grows: alpha = 1, f = 0.

    VE:   sigma = low (high / low)^t,      g^2 = 2 sigma^2 log(high / low),      0 <= t <= 1
    EDM:  sigma = t,                       g^2 = 2 t,                            low <= t <= high

For data of unit scale; `high` is several times their width, so that the end is a Gaussian of that width.

References:
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
    https://arxiv.org/abs/2011.13456
    Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022) |
    https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gendsl.processes.base import ForwardProcess

__all__ = ["EDM", "VE"]

Array = Any


@dataclass(frozen=True, repr=False)
class _Exploding(ForwardProcess):
    """alpha = 1.

    Args:
        sigma_min: noise at the first time.
        sigma_max: noise at the last time.
    """

    sigma_min: float
    sigma_max: float

    def __post_init__(self) -> None:
        self._number("sigma_max", 0.0)
        self._number("sigma_min", 0.0, self.sigma_max)

    @property
    def _ratio(self) -> float:
        return math.log(self.sigma_max / self.sigma_min)

    def alpha(self, ops: Any, t: Array) -> Array:
        """1."""
        return ops.ones_like(t)

    def f(self, ops: Any, t: Array) -> Array:
        """0."""
        return ops.zeros_like(t)


@dataclass(frozen=True, repr=False)
class VE(_Exploding):
    """Variance exploding: the noise grows geometrically."""

    sigma_min: float = 0.01
    sigma_max: float = 50.0
    start: ClassVar[float] = 0.0  # type: ignore[misc]
    end: ClassVar[float] = 1.0  # type: ignore[misc]

    def sigma(self, ops: Any, t: Array) -> Array:
        """low (high / low)^t."""
        return self.sigma_min * ops.exp(self._ratio * t)

    def g2(self, ops: Any, t: Array) -> Array:
        """2 sigma^2 log(high / low)."""
        return 2.0 * self._ratio * ops.square(self.sigma(ops, t))


@dataclass(frozen=True, repr=False)
class EDM(_Exploding):
    """Time is the noise's standard deviation."""

    sigma_min: float = 0.002
    sigma_max: float = 80.0

    @property
    def start(self) -> float:  # type: ignore[override]
        """sigma_min."""
        return self.sigma_min

    @property
    def end(self) -> float:  # type: ignore[override]
        """sigma_max."""
        return self.sigma_max

    def sigma(self, ops: Any, t: Array) -> Array:
        """t."""
        return t

    def g2(self, ops: Any, t: Array) -> Array:
        """2 t."""
        return 2.0 * t

    def spread(self, ops: Any, u: Array) -> tuple[Array, Array]:
        """log(t) is uniform: a uniform t would be large nearly always."""
        t = self.sigma_min * ops.exp(self._ratio * u)
        return t, self._ratio * t

    def clock(self, ops: Any, t: Array) -> Array:
        """log(t) / 4."""
        return 0.25 * ops.log(t)
