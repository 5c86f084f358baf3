"""The straight path from data to noise: alpha = 1 - t, sigma = t; f = -1 / (1 - t), g^2 = 2 t / (1 - t).

Its velocity alpha' x_0 + sigma' eps = eps - x_0 is finite everywhere; scores are infinite at t = 0, and f and g at
t = 1, so it runs from 0.001 to 0.999 unless told otherwise.

References:
    Flow Straight and Fast (Liu, Gong, Liu, 2022) | https://arxiv.org/abs/2209.03003
    Flow Matching for Generative Modeling (Lipman et al., 2022) | https://arxiv.org/abs/2210.02747
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gendsl.processes.base import ForwardProcess

__all__ = ["Rectified"]

Array = Any


@dataclass(frozen=True, repr=False)
class Rectified(ForwardProcess):
    """x_t = (1 - t) x_0 + t eps.

    Args:
        start: first time.
        end: last time.
    """

    start: float = 1e-3
    end: float = 1.0 - 1e-3

    def __post_init__(self) -> None:
        self._number("end", 0.0, 1.0)
        self._number("start", 0.0, self.end)

    def alpha(self, ops: Any, t: Array) -> Array:
        """1 - t."""
        return 1.0 - t

    def sigma(self, ops: Any, t: Array) -> Array:
        """t."""
        return t

    def d_alpha(self, ops: Any, t: Array) -> Array:
        """-1."""
        return -ops.ones_like(t)

    def d_sigma(self, ops: Any, t: Array) -> Array:
        """1."""
        return ops.ones_like(t)

    def g2(self, ops: Any, t: Array) -> Array:
        """2 t / (1 - t)."""
        return 2.0 * t / (1.0 - t)
