"""The monotone rational-quadratic spline of the line, over `ops`.

K bins divide the box [-B, B] on both sides: bin k goes from (x_k, y_k) to (x_k+1, y_k+1), with slopes d_k, d_k+1 at its
ends. With the bin's width w, height h, mean slope s = h / w and xi = (x - x_k) / w,

    y     = y_k + h (s xi^2 + d_k xi (1 - xi)) / D,   D = s + (d_k + d_k+1 - 2 s) xi (1 - xi),
    dy/dx = s^2 (d_k+1 xi^2 + 2 s xi (1 - xi) + d_k (1 - xi)^2) / D^2.

Outside the box the map is the identity, and the slopes at its ends are 1. For the inverse, with v = y - y_k and
t = d_k + d_k+1 - 2 s, xi is the root in [0, 1] of a xi^2 + b xi + c,

    a = h (s - d_k) + v t,   b = h d_k - v t,   c = -s v,   xi = 2 c / (-b - sqrt(b^2 - 4 a c)).

`raw` has K numbers for the widths and K for the heights (softmax), and K - 1 for the slopes between bins (softplus);
zeros are the identity. Both branches are always computed, so the spline sees only values inside the box: a value
outside leaves no overflow in the branch that is not taken, and so none in the gradient.

Reference:
    Neural Spline Flows (Durkan, Bekasov, Murray, Papamakarios, 2019) | https://arxiv.org/abs/1906.04032
"""

from __future__ import annotations

import math
from typing import Any

from gendsl.math.flows.scalar import aligned

__all__ = ["MOST", "forward", "inverse", "size"]

_LEAST = 1e-3  # of a bin's share of the box, and of a slope
MOST = int(0.5 / _LEAST)
"""Bins that a box may have: at least half of it is for their shapes to learn."""
_UNIT = math.log(math.expm1(1.0 - _LEAST))  # softplus of it, and _LEAST, are 1
_TINY = 1e-30  # a discriminant that rounds to zero has no derivative of its root


def size(bins: int) -> int:
    """How many numbers `raw` has."""
    return 3 * bins - 1


def forward(ops: Any, raw: Any, x: Any, bound: float) -> tuple[Any, Any]:
    """y and log dy/dx.

    Args:
        ops: array functions.
        raw: widths, heights and slopes, unconstrained, (..., 3 K - 1).
        x: the value, (...).
        bound: B, half the side of the box.
    """
    raw, x = aligned(ops, raw, x)
    inside = (x > -bound) & (x < bound)
    (x0, y0, d0), (x1, y1, d1), within = _bin(ops, raw, x, bound, 0)
    w, h = x1 - x0, y1 - y0
    s, xi = h / w, (within - x0) / w
    log_slope, curve = _slope(ops, xi, s, d0, d1)
    y = y0 + h * (s * xi * xi + d0 * xi * (1 - xi)) / curve
    return ops.where(inside, y, x), ops.where(inside, log_slope, 0.0)


def inverse(ops: Any, raw: Any, y: Any, bound: float) -> tuple[Any, Any]:
    """x and log dx/dy; arguments as for `forward`."""
    raw, y = aligned(ops, raw, y)
    inside = (y > -bound) & (y < bound)
    (x0, y0, d0), (x1, y1, d1), within = _bin(ops, raw, y, bound, 1)
    w, h, v = x1 - x0, y1 - y0, within - y0
    s = h / w
    t = v * (d0 + d1 - 2 * s)
    a, b, c = h * (s - d0) + t, h * d0 - t, -s * v
    xi = 2 * c / (-b - ops.sqrt(ops.maximum(b * b - 4 * a * c, ops.full((), _TINY, like=y))))
    log_slope, _ = _slope(ops, xi, s, d0, d1)
    return ops.where(inside, x0 + w * xi, y), ops.where(inside, -log_slope, 0.0)


def _slope(ops: Any, xi: Any, s: Any, d0: Any, d1: Any) -> tuple[Any, Any]:
    """log dy/dx and D."""
    mixed = xi * (1 - xi)
    curve = s + (d0 + d1 - 2 * s) * mixed
    rise = d1 * xi * xi + 2 * s * mixed + d0 * (1 - xi) * (1 - xi)
    return 2 * ops.log(s) + ops.log(rise) - 2 * ops.log(curve), curve


def _bin(ops: Any, raw: Any, value: Any, bound: float, side: int) -> tuple[Any, Any, Any]:
    """The ends (x, y, slope) of the bin in which the value lies, and the value moved into the box.

    `side` is 0 for values of x and 1 for values of y.
    """
    bins = (raw.shape[-1] + 1) // 3
    left = tuple(raw.shape[:-1])
    within = ops.clip(value, -bound, bound)
    shares = ops.softmax(ops.reshape(raw[..., : 2 * bins], (*left, 2, bins)), axis=-1)
    shares = _LEAST + (1 - _LEAST * bins) * shares
    between = bound * (2 * ops.cumsum(shares[..., :-1], -1) - 1)  # (..., 2, K - 1)
    slopes = _LEAST + ops.softplus(raw[..., 2 * bins :] + _UNIT)
    end = ops.full((*left, 2, 1), bound, like=raw)
    one = ops.ones((*left, 1), like=raw)
    knots = ops.concatenate([-end, between, end], -1)
    table = ops.concatenate([knots, ops.concatenate([one, slopes, one], -1)[..., None, :]], -2)  # (..., 3, K + 1)
    k = ops.sum(within[..., None] >= between[..., side, :], -1)
    ends = ops.take_along_axis(table, ops.stack([k, k + 1], -1)[..., None, :], -1)
    low, high = ops.unstack(ends, -1)
    return tuple(ops.unstack(low, -1)), tuple(ops.unstack(high, -1)), within
