"""Divergences of a function that maps events to events, rows independent of each other.

    exact:       sum_i dF_i / dx_i, one forward-mode derivative for each element of an event
    Hutchinson:  z . (J z), unbiased for E[z z^T] = 1

For signs z (Rademacher) the estimate is exact where the Jacobian is diagonal, and for a symmetric Jacobian its variance
is 2 (|J|_F^2 - sum J_ii^2); for normal z it is 2 |J|_F^2.

Reference:
    A Stochastic Estimator of the Trace of the Influence Matrix (Hutchinson, 1989) |
    https://doi.org/10.1080/03610919008812866
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["exact_divergence", "hutchinson"]

Array = Any


def _inner(ops: Any, x: Array, y: Array, rank: int) -> Array:
    return ops.sum(x * y, tuple(range(-rank, 0))) if rank else x * y


def exact_divergence(ops: Any, function: Callable[[Array], Array], x: Array, rank: int = 1) -> tuple[Array, Array]:
    """F(x), (..., *event), and its divergence, (...).

    Args:
        ops: array functions.
        function: F, from (..., *event) to the same, row by row.
        x: points.
        rank: event axes.
    """
    event = x.shape[x.ndim - rank :]
    size = math.prod(event)
    basis = ops.reshape(ops.eye(size, like=x), (size, *event))

    def along(direction: Array) -> tuple[Array, Array]:
        tangent = ops.broadcast_to(direction, x.shape)
        value, change = ops.jvp(function, (x,), (tangent,))
        return value, _inner(ops, change, tangent, rank)

    values, parts = ops.vmap(along)(basis)
    return values[0], ops.sum(parts, 0)


def hutchinson(
    ops: Any, function: Callable[[Array], Array], x: Array, probes: Array, rank: int = 1
) -> tuple[Array, Array]:
    """F(x), (..., *event), and an estimate of its divergence for each probe, (k, ...).

    Args:
        ops: array functions.
        function: F, from (..., *event) to the same, row by row.
        x: points.
        probes: z, (k, ..., *event): signs or standard normal numbers.
        rank: event axes.
    """

    def along(z: Array) -> tuple[Array, Array]:
        value, change = ops.jvp(function, (x,), (z,))
        return value, _inner(ops, change, z, rank)

    values, parts = ops.vmap(along)(probes)
    return values[0], parts
