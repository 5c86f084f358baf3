"""Rows over `ops`: batch axes on the left, event axes on the right, and functions in which rows do not mix.

An array is (*batch, *event); the number of batch axes is what a value per row has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["norm_sq", "over_event", "scored", "spread"]

Array = Any


def over_event(ops: Any, x: Array, batch: int) -> Array:
    """The sum over all axes after the first `batch` ones: (*batch, *event) -> (*batch)."""
    axes = tuple(range(batch, x.ndim))
    return ops.sum(x, axes) if axes else x


def norm_sq(ops: Any, x: Array, batch: int) -> Array:
    """|x|^2 over the event axes, however many there are: (*batch, *event) -> (*batch)."""
    return over_event(ops, ops.square(x), batch)


def spread(ops: Any, value: Array, x: Array) -> Array:
    """A number, or one per row, shaped to broadcast against x (*batch, *event) from the left."""
    out = ops.constant(value, x)
    return out if not out.ndim else ops.reshape(out, (*out.shape, *(1,) * (x.ndim - out.ndim)))


def scored(ops: Any, function: Callable[[Array], Array]) -> Callable[[Array], tuple[Array, Array]]:
    """A function of rows, (*batch, *event) -> (*batch), together with its gradient, (*batch, *event).

    Args:
        ops: array functions.
        function: its value at a row depends on that row alone.
    """

    def total(x: Array) -> tuple[Array, Array]:
        value = function(x)
        return ops.sum(value), value

    both = ops.value_and_grad(total, has_aux=True)

    def call(x: Array) -> tuple[Array, Array]:
        (_, value), gradient = both(x)
        return value, gradient

    return call
