"""Permutations of a vector's elements, over `ops`: y_i = x_order(i), with log-determinant 0."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["forward", "inverse", "shuffled"]


def forward(ops: Any, order: Sequence[int], x: Any) -> tuple[Any, Any]:
    """y (..., d) and zeros (...).

    Args:
        ops: array functions.
        order: where each element of y comes from, d integers.
        x: the vector, (..., d).
    """
    return x[..., np.asarray(order)], ops.zeros(tuple(x.shape[:-1]), like=x)


def inverse(ops: Any, order: Sequence[int], y: Any) -> tuple[Any, Any]:
    """x (..., d) and zeros (...); arguments as for `forward`."""
    return forward(ops, np.argsort(np.asarray(order)).tolist(), y)


@lru_cache(maxsize=256)
def shuffled(seed: int, count: int) -> tuple[int, ...]:
    """A random order in one cycle, so that no element stays where it is; of two elements, the exchange.

    Equal seeds give equal orders under every version of numpy, whose raw Philox numbers are fixed.
    """
    around = np.argsort(np.random.Philox(seed).random_raw(count), kind="stable")
    order = np.empty(count, int)
    order[around] = np.roll(around, 1)
    return tuple(order.tolist())
