"""Coupling: the first k elements choose how the others are mapped, over `ops`.

    y_a = x_a,   y_b = f(x_b; theta(x_a)),   log|dy/dx| = sum_b log f'(x_b; theta(x_a)),

f being any monotone map of the line (`Scalar`) and theta any function (the conditioner), called once in either
direction. Which elements are the first is for a permutation to say.

Reference:
    Density estimation using Real NVP (Dinh, Sohl-Dickstein, Bengio, 2016) | https://arxiv.org/abs/1605.08803
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gendsl.math.flows.scalar import Scalar

__all__ = ["forward", "inverse"]


def forward(ops: Any, scalar: Scalar, conditioner: Callable[[Any], Any], x: Any, k: int) -> tuple[Any, Any]:
    """y (..., d) and log|dy/dx| (...).

    Args:
        ops: array functions.
        scalar: the map of one element.
        conditioner: (..., k) -> parameters (..., d - k, scalar.size).
        x: the vector, (..., d).
        k: how many elements stay as they are.
    """
    return _both(ops, scalar.forward, conditioner, x, k)


def inverse(ops: Any, scalar: Scalar, conditioner: Callable[[Any], Any], y: Any, k: int) -> tuple[Any, Any]:
    """x (..., d) and log|dx/dy| (...); arguments as for `forward`."""
    return _both(ops, scalar.inverse, conditioner, y, k)


def _both(ops: Any, move: Callable[..., Any], conditioner: Callable[[Any], Any], x: Any, k: int) -> tuple[Any, Any]:
    first, rest = x[..., :k], x[..., k:]
    moved, ladj = move(ops, conditioner(first), rest)
    return ops.concatenate([first, moved], -1), ops.sum(ladj, -1)
