"""Noise schedules of processes that preserve variance: beta(t) and its integral B(t) on [0, 1], alpha = exp(-B / 2).

    Linear:   beta = low + (high - low) t,                          B = low t + (high - low) t^2 / 2
    Cosine:   alpha = cos(pi/2 (t + s) / (1 + s)) / cos(pi/2 s / (1 + s)),
              B = -2 log(alpha),                                    beta = pi / (1 + s) tan(pi/2 (t + s) / (1 + s))
    Sigmoid:  alpha^2 = (S(t) - S(1)) / (S(0) - S(1)),              S(t) = sigmoid(-(start + (end - start) t) / tau)

Cosine and sigmoid schedules end with alpha = 0, where beta is infinite, so a process on them ends at t = 0.999.

References:
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
    https://arxiv.org/abs/2011.13456
    Improved Denoising Diffusion Probabilistic Models (Nichol, Dhariwal, 2021) | https://arxiv.org/abs/2102.09672
    Scalable Adaptive Computation for Iterative Generation (Jabri, Fleet, Chen, 2023) |
    https://arxiv.org/abs/2212.11972
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gendsl.namespace import namespace
from gendsl.spec import Checked

__all__ = ["Cosine", "CosineSchedule", "Linear", "LinearSchedule", "Schedule", "Sigmoid", "SigmoidSchedule"]

Array = Any


@dataclass(frozen=True, repr=False)
class Schedule(Checked):
    """beta(t) and its integral, over `ops`.

    Attributes:
        end: the last time at which a process on this schedule is regular.
    """

    end: ClassVar[float] = 1.0

    def beta(self, ops: Any, t: Array) -> Array:
        """The rate at which the signal is lost, (...)."""
        raise NotImplementedError

    def integral(self, ops: Any, t: Array) -> Array:
        """B(t), the integral of beta from 0."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class LinearSchedule(Schedule):
    """beta grows linearly from `low` to `high`."""

    low: float = 0.1
    high: float = 20.0

    def __post_init__(self) -> None:
        self._number("low", 0.0, closed=(True, False))
        self._number("high", 0.0)

    def beta(self, ops: Any, t: Array) -> Array:
        """low + (high - low) t."""
        return self.low + (self.high - self.low) * t

    def integral(self, ops: Any, t: Array) -> Array:
        """low t + (high - low) t^2 / 2."""
        return t * (self.low + 0.5 * (self.high - self.low) * t)


@dataclass(frozen=True, repr=False)
class CosineSchedule(Schedule):
    """alpha falls like a cosine, so that noise is added slowly at both ends.

    Args:
        offset: s; it keeps beta off 0 at t = 0.
    """

    offset: float = 0.008
    end: ClassVar[float] = 0.999

    def __post_init__(self) -> None:
        self._number("offset", 0.0)

    def _angle(self, t: Array) -> Array:
        return 0.5 * math.pi * (t + self.offset) / (1.0 + self.offset)

    def beta(self, ops: Any, t: Array) -> Array:
        """pi / (1 + s) tan(angle)."""
        angle = self._angle(t)
        return math.pi / (1.0 + self.offset) * ops.sin(angle) / ops.cos(angle)

    def integral(self, ops: Any, t: Array) -> Array:
        """-2 log(alpha), without cancellation near either end.

        With a the angle and a0 that at 0: (cos a / cos a0)^2 = 1 - sin(a - a0) sin(a + a0) / cos^2 a0.
        """
        first = self._angle(0.0)
        step = 0.5 * math.pi * t / (1.0 + self.offset)
        lost = ops.sin(step) * ops.sin(step + 2.0 * first) / math.cos(first) ** 2
        late = -2.0 * (ops.log(ops.cos(step + first)) - math.log(math.cos(first)))
        return ops.where(t < 0.5, -ops.log1p(-lost), late)


@dataclass(frozen=True, repr=False)
class SigmoidSchedule(Schedule):
    """alpha^2 falls like a sigmoid.

    Args:
        first: the sigmoid's argument at t = 0, times tau.
        last: at t = 1.
        tau: temperature.
    """

    first: float = -3.0
    last: float = 3.0
    tau: float = 1.0
    end: ClassVar[float] = 0.999

    def __post_init__(self) -> None:
        for name in ("first", "last"):
            self._number(name)
        self._number("tau", 0.0)
        if self.first >= self.last:
            self._refuse("first lies below last", (self.first, self.last), "first < last")

    def _level(self, ops: Any, t: Array) -> Array:
        return ops.sigmoid(-(self.first + (self.last - self.first) * t) / self.tau)

    def beta(self, ops: Any, t: Array) -> Array:
        """-d log(alpha^2) / dt."""
        level = self._level(ops, t)
        speed = (self.last - self.first) / self.tau * level * (1.0 - level)
        return speed / (level - _sigmoid(-self.last / self.tau))

    def integral(self, ops: Any, t: Array) -> Array:
        """-log(alpha^2), without cancellation near t = 0."""
        high, low = _sigmoid(-self.first / self.tau), _sigmoid(-self.last / self.tau)
        # S(0) - S(t) = S(0) (1 - S(t)) (1 - exp(-(last - first) t / tau))
        change = -ops.expm1(-(self.last - self.first) * t / self.tau)
        lost = high * (1.0 - self._level(ops, t)) * change
        return -ops.log1p(-lost / (high - low))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


Linear, Cosine, Sigmoid = LinearSchedule, CosineSchedule, SigmoidSchedule

if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.schedule", __all__)
