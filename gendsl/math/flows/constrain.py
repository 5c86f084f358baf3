"""Fixed maps of the line onto intervals, over `ops`; each gives one log-derivative an element.

    exp      y = exp(x)                  onto (0, inf)    log dy/dx = x
    softplus y = log(1 + exp(x))         onto (0, inf)    log dy/dx = log sigmoid(x)
    sigmoid  y = 1 / (1 + exp(-x))       onto (0, 1)      log dy/dx = log sigmoid(x) + log sigmoid(-x)
    affine   y = loc + scale x           onto the line    log dy/dx = log|scale|

An inverse at a value outside its interval gives x = 0 and the log-derivative -inf: a density that is carried by the map
is zero there, and neither it nor its gradient is NaN.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = [
    "affine_forward",
    "affine_inverse",
    "exp_forward",
    "exp_inverse",
    "sigmoid_forward",
    "sigmoid_inverse",
    "softplus_forward",
    "softplus_inverse",
]


def exp_forward(ops: Any, x: Any) -> tuple[Any, Any]:
    """exp(x), x."""
    return ops.exp(x), x


def exp_inverse(ops: Any, y: Any) -> tuple[Any, Any]:
    """log y, -log y."""
    inside = y > 0
    x = ops.log(ops.where(inside, y, 1.0))
    return x, ops.where(inside, -x, -math.inf)


def softplus_forward(ops: Any, x: Any) -> tuple[Any, Any]:
    """log(1 + exp(x)), log sigmoid(x)."""
    return ops.softplus(x), -ops.softplus(-x)


def softplus_inverse(ops: Any, y: Any) -> tuple[Any, Any]:
    """log(exp(y) - 1), and y less that."""
    inside = y > 0
    safe = ops.where(inside, y, math.log(2.0))
    gap = ops.log(-ops.expm1(-safe))
    return safe + gap, ops.where(inside, -gap, -math.inf)


def sigmoid_forward(ops: Any, x: Any) -> tuple[Any, Any]:
    """1 / (1 + exp(-x)), and the logarithm of its derivative."""
    return ops.sigmoid(x), -ops.softplus(x) - ops.softplus(-x)


def sigmoid_inverse(ops: Any, y: Any) -> tuple[Any, Any]:
    """log y - log(1 - y), -log y - log(1 - y)."""
    inside = (y > 0) & (y < 1)
    safe = ops.where(inside, y, 0.5)
    low, high = ops.log(safe), ops.log1p(-safe)
    return low - high, ops.where(inside, -low - high, -math.inf)


def affine_forward(ops: Any, x: Any, loc: float, scale: float) -> tuple[Any, Any]:
    """loc + scale x, log|scale|."""
    return loc + scale * x, ops.full(tuple(x.shape), math.log(abs(scale)), like=x)


def affine_inverse(ops: Any, y: Any, loc: float, scale: float) -> tuple[Any, Any]:
    """(y - loc) / scale, -log|scale|."""
    return (y - loc) / scale, ops.full(tuple(y.shape), -math.log(abs(scale)), like=y)
