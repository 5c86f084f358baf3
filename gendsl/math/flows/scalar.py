"""What couplings and autoregressive maps ask of a monotone map of the line."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

__all__ = ["Scalar", "aligned"]


class Scalar(Protocol):
    """A monotone map of the line, whose parameters are `size` unconstrained numbers; zeros are the identity."""

    @property
    def size(self) -> int:
        """How many numbers."""

    def forward(self, ops: Any, raw: Any, x: Any) -> tuple[Any, Any]:
        """y and log dy/dx, both of x's shape; raw is (..., size)."""

    def inverse(self, ops: Any, raw: Any, y: Any) -> tuple[Any, Any]:
        """x and log dx/dy."""


def aligned(ops: Any, raw: Any, x: Any) -> tuple[Any, Any]:
    """raw (..., size) and x (...) with the axes that they share made equal."""
    if tuple(raw.shape[:-1]) == tuple(x.shape):
        return raw, x
    shape = np.broadcast_shapes(tuple(raw.shape[:-1]), tuple(x.shape))
    return ops.broadcast_to(raw, (*shape, raw.shape[-1])), ops.broadcast_to(x, shape)
