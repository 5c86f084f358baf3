"""Rows in pieces of equal length, so that what is computed of many of them holds little at once."""

from __future__ import annotations

import numpy as np

__all__ = ["contexts_of_rows", "pieced", "pieces"]


def pieces(rows: int, most: int) -> tuple[int, int]:
    """How many pieces of at most so many rows, all of one length, and the length."""
    count = max(1, -(-rows // max(1, most)))
    return count, -(-rows // count)


def pieced(x: np.ndarray, count: int, each: int) -> np.ndarray:
    """Rows as pieces of equal length, the last row repeated: (count, each, ...)."""
    return np.concatenate([x, np.repeat(x[-1:], count * each - len(x), 0)]).reshape(count, each, *x.shape[1:])


def contexts_of_rows(value: np.ndarray | None, lead: tuple[int, ...]) -> np.ndarray | None:
    """A context for each row, (rows, numbers)."""
    return None if value is None else np.broadcast_to(value, (*lead, value.shape[-1])).reshape(-1, value.shape[-1])
