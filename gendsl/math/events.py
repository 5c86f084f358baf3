"""Batch axes on the left, event axes on the right, over `ops`: sums over an event, and numbers spread over it.

An array is (*batch, *event); the number of batch axes is what a value per row has.
"""

from __future__ import annotations

from typing import Any

__all__ = ["norm_sq", "over_event", "spread"]


def over_event(ops: Any, x: Any, batch: int) -> Any:
    """The sum over all axes after the first `batch` ones: (*batch, *event) -> (*batch)."""
    axes = tuple(range(batch, x.ndim))
    return ops.sum(x, axes) if axes else x


def norm_sq(ops: Any, x: Any, batch: int) -> Any:
    """|x|^2 over the event axes, however many there are: (*batch, *event) -> (*batch)."""
    return over_event(ops, ops.square(x), batch)


def spread(ops: Any, value: Any, x: Any) -> Any:
    """A number, or one per row, shaped to broadcast against x (*batch, *event) from the left."""
    out = ops.constant(value, x)
    return out if not out.ndim else ops.reshape(out, (*out.shape, *(1,) * (x.ndim - out.ndim)))
