"""Activations: functions of one number between the layers of a network.

Phi is the normal distribution function itself and not its approximation by tanh:

    SILU       x / (1 + exp(-x))
    GELU       x Phi(x)
    RELU       max(x, 0)
    LEAKY_RELU max(x, 0) + 0.2 min(x, 0)
    TANH, SIGMOID, SOFTPLUS
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

__all__ = ["Activation"]

_SLOPE = 0.2


class Activation(StrEnum):
    """Which function stands between layers."""

    GELU = "gelu"
    LEAKY_RELU = "leaky_relu"
    RELU = "relu"
    SIGMOID = "sigmoid"
    SILU = "silu"
    SOFTPLUS = "softplus"
    TANH = "tanh"

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __call__(self, ops: Any, x: Any) -> Any:
        """The function at x, elementwise."""
        if self is Activation.LEAKY_RELU:
            return ops.where(x > 0, x, _SLOPE * x)
        return getattr(ops, self.value)(x)
