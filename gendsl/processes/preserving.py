"""Processes that keep the variance of data of unit variance, or stay below it.

    VP:      alpha = exp(-B / 2), sigma^2 = 1 - exp(-B),     f = -beta / 2, g^2 = beta
    sub-VP:  alpha = exp(-B / 2), sigma   = 1 - exp(-B),     f = -beta / 2, g^2 = beta (1 - exp(-2 B))
    OU:      alpha = exp(-theta t), sigma^2 = s^2 (1 - exp(-2 theta t)) / (2 theta),   f = -theta, g = s

References:
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
    https://arxiv.org/abs/2011.13456
    On the Theory of the Brownian Motion (Uhlenbeck, Ornstein, 1930) | https://doi.org/10.1103/PhysRev.36.823
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gendsl.processes.base import ForwardProcess
from gendsl.processes.schedule import Linear, Schedule

__all__ = ["OU", "VP", "SubVP"]

Array = Any


@dataclass(frozen=True, repr=False)
class _Scheduled(ForwardProcess):
    """alpha = exp(-B / 2) on a schedule.

    Args:
        schedule: beta(t).
        start: first time. At t = 0 there is no noise, and scores are infinite.
        end: last time; left out, the schedule's.
    """

    schedule: Schedule = Linear()
    start: float = 1e-3
    end: float = None  # type: ignore[assignment]  # a float after __post_init__

    def __post_init__(self) -> None:
        self._part("schedule", Schedule, "gd.schedule.Linear(0.1, 20.0)")
        if self.end is None:
            self._set("end", self.schedule.end)
        self._number("end", 0.0, self.schedule.end, closed=(False, True))
        self._number("start", 0.0, self.end)

    def alpha(self, ops: Any, t: Array) -> Array:
        """exp(-B / 2)."""
        return ops.exp(-0.5 * self.schedule.integral(ops, t))

    def f(self, ops: Any, t: Array) -> Array:
        """-beta / 2."""
        return -0.5 * self.schedule.beta(ops, t)


@dataclass(frozen=True, repr=False)
class VP(_Scheduled):
    """Variance preserving: alpha^2 + sigma^2 = 1."""

    def sigma(self, ops: Any, t: Array) -> Array:
        """sqrt(1 - exp(-B))."""
        return ops.sqrt(-ops.expm1(-self.schedule.integral(ops, t)))

    def g2(self, ops: Any, t: Array) -> Array:
        """The schedule's beta."""
        return self.schedule.beta(ops, t)


@dataclass(frozen=True, repr=False)
class SubVP(_Scheduled):
    """Sub-VP: the variance of the noise is the square of VP's."""

    def sigma(self, ops: Any, t: Array) -> Array:
        """1 - exp(-B)."""
        return -ops.expm1(-self.schedule.integral(ops, t))

    def g2(self, ops: Any, t: Array) -> Array:
        """beta (1 - exp(-2 B))."""
        return -self.schedule.beta(ops, t) * ops.expm1(-2.0 * self.schedule.integral(ops, t))


@dataclass(frozen=True, repr=False)
class OU(ForwardProcess):
    """The Ornstein-Uhlenbeck process; with rate = 1 and diffusion = sqrt(2) it tends to N(0, 1).

    Args:
        rate: theta, at which what was is forgotten.
        diffusion: s, of the noise.
        start: first time.
        end: last time.
    """

    rate: float = 1.0
    diffusion: float = math.sqrt(2.0)
    start: float = 1e-3
    end: float = 5.0

    def __post_init__(self) -> None:
        self._number("rate", 0.0)
        self._number("diffusion", 0.0)
        self._number("end", 0.0)
        self._number("start", 0.0, self.end)

    def alpha(self, ops: Any, t: Array) -> Array:
        """exp(-theta t)."""
        return ops.exp(-self.rate * t)

    def sigma(self, ops: Any, t: Array) -> Array:
        """s sqrt((1 - exp(-2 theta t)) / (2 theta))."""
        return self.diffusion * ops.sqrt(-ops.expm1(-2.0 * self.rate * t) / (2.0 * self.rate))

    def f(self, ops: Any, t: Array) -> Array:
        """-theta."""
        return -self.rate * ops.ones_like(t)

    def g2(self, ops: Any, t: Array) -> Array:
        """s^2."""
        return self.diffusion**2 * ops.ones_like(t)

    def clock(self, ops: Any, t: Array) -> Array:
        """t / end."""
        return t / self.end
