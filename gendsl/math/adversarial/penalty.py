"""Penalties on a critic's gradient, over `ops`. The norm runs over all axes of an event, however many there are.

    gradient penalty    (|grad D(z)| - 1)^2 at z = u x + (1 - u) y,   x data, y samples, one u ~ U(0, 1) for each pair
    R1                  |grad D(x)|^2 / 2 at data

References:
    Improved Training of Wasserstein GANs (Gulrajani et al., 2017) | https://arxiv.org/abs/1704.00028
    Which Training Methods for GANs do actually Converge? (Mescheder, Geiger, Nowozin, 2018) |
    https://arxiv.org/abs/1801.04406
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gendsl.math.events import norm_sq, scored, spread

__all__ = ["gradient_norm", "gradient_penalty", "mixed", "r1"]

Array = Any

Critic = Callable[[Array], Array]
"""x (*batch, *event) -> (*batch); rows do not mix."""


def mixed(ops: Any, x: Array, y: Array, uniform: Array) -> Array:
    """Points on the lines between rows: u x + (1 - u) y.

    Args:
        ops: array functions.
        x: (*batch, *event).
        y: likewise.
        uniform: u in [0, 1), (*batch).
    """
    u = spread(ops, uniform, x)
    return u * x + (1.0 - u) * y


def _norm_sq(ops: Any, critic: Critic, x: Array) -> Array:
    value, gradient = scored(ops, critic)(x)
    return norm_sq(ops, gradient, value.ndim)


def gradient_norm(ops: Any, critic: Critic, x: Array) -> Array:
    """|grad D| at each row, (*batch); where it is zero, it counts as flat."""
    square = _norm_sq(ops, critic, x)
    there = square > 0
    return ops.where(there, ops.sqrt(ops.where(there, square, ops.ones_like(square))), square)


def gradient_penalty(ops: Any, critic: Critic, x: Array, *, one_sided: bool = False) -> Array:
    """(|grad D| - 1)^2 at each row, (*batch).

    Args:
        ops: array functions.
        critic: D.
        x: where, such as `mixed` points.
        one_sided: whether only norms above 1 count.
    """
    excess = gradient_norm(ops, critic, x) - 1.0
    return ops.square(ops.relu(excess) if one_sided else excess)


def r1(ops: Any, critic: Critic, x: Array) -> Array:
    """|grad D|^2 / 2 at each row, (*batch)."""
    return 0.5 * _norm_sq(ops, critic, x)
