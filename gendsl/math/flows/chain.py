"""Composition of maps of vectors: values pass through in order, log-determinants add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["chain"]

Map = Callable[[Any], tuple[Any, Any]]


def chain(ops: Any, maps: Iterable[Map], x: Any) -> tuple[Any, Any]:
    """The last map's value (..., d), and the sum of the log-determinants (...).

    Args:
        ops: array functions.
        maps: functions (..., d) -> (value, log-determinant), the first to be applied first. For the inverse of a chain
            they are the inverses in reverse order.
        x: the vector, (..., d).
    """
    ladj = ops.zeros(tuple(x.shape[:-1]), like=x)
    for move in maps:
        x, more = move(x)
        ladj = ladj + more
    return x, ladj
