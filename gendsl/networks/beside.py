"""A context beside an event, where a network sees both as one value.

The context's numbers stand behind the event's last axis, the same at every place of its other axes: a vector is longer
by them, an image has as many more channels, a sequence as many more features. A single number becomes a vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gendsl.networks.layers import Array, broadcast_lead, lead_of

if TYPE_CHECKING:
    from gendsl.backend import Ops
    from gendsl.networks.base import Event

__all__ = ["beside", "seen_event"]


def seen_event(event: Event, context: int) -> Event:
    """The event shape of both.

    Args:
        event: the event's own.
        context: numbers in the context; 0 for none.
    """
    return (*event[:-1], (event[-1] if event else 1) + context) if context else tuple(event)


def beside(ops: Ops, x: Array, context: Array | None, rank: int) -> Array:
    """Both as one value, (..., *seen_event(event, numbers)); x itself where there is no context.

    Args:
        ops: array functions.
        x: (..., *event).
        context: (..., numbers); its left axes broadcast with those of x.
        rank: event axes of x.
    """
    if context is None:
        return x
    if not rank:
        x, rank = x[..., None], 1
    x = broadcast_lead(ops, x, rank, lead_of(context, 1))
    numbers = context.shape[-1]
    at = broadcast_lead(ops, context, 1, lead_of(x, rank))
    at = ops.reshape(at, (*lead_of(x, rank), *(1,) * (rank - 1), numbers))
    return ops.concatenate([x, ops.broadcast_to(at, (*x.shape[:-1], numbers))], -1)
