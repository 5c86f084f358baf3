"""Autoregressive maps: each element is mapped as those before it say, over `ops`.

    y_i = f(x_i; theta_i(x_<i)),   log|dy/dx| = sum_i log f'(x_i; theta_i(x_<i)),

f being any monotone map of the line (`Scalar`) and theta a function whose i-th output sees x_<i only (a masked
network). Forward takes one call of it. The inverse takes d: after pass i the first i elements are right, and the others
are kept at zero, since what passes through a masked network must be finite even where its weight is zero.

References:
    Masked Autoregressive Flow for Density Estimation (Papamakarios, Pavlakou, Murray, 2017) |
    https://arxiv.org/abs/1705.07057
    Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al., 2016) |
    https://arxiv.org/abs/1606.04934
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gendsl.math.flows.scalar import Scalar

__all__ = ["forward", "inverse"]


def forward(ops: Any, scalar: Scalar, conditioner: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """y (..., d) and log|dy/dx| (...).

    Args:
        ops: array functions.
        scalar: the map of one element.
        conditioner: (..., d) -> parameters (..., d, scalar.size), strictly autoregressive.
        x: the vector, (..., d).
    """
    y, ladj = scalar.forward(ops, conditioner(x), x)
    return y, ops.sum(ladj, -1)


def inverse(ops: Any, scalar: Scalar, conditioner: Callable[[Any], Any], y: Any) -> tuple[Any, Any]:
    """x (..., d) and log|dx/dy| (...); arguments as for `forward`."""
    place = ops.arange(y.shape[-1], like=y)

    def step(carry: tuple[Any, Any], i: Any) -> tuple[tuple[Any, Any], Any]:
        x, ladj = scalar.inverse(ops, conditioner(carry[0]), y)
        return (ops.where(place <= i, x, ops.zeros_like(x)), ladj), i

    start = ops.zeros_like(y)
    (x, ladj), _ = ops.scan(step, (start, start), place)
    return x, ops.sum(ladj, -1)
