"""The truncated normal, over `ops`.

With a = (low - loc) / scale and b = (high - loc) / scale,

    log p(x) = -z^2 / 2 - log(scale sqrt(2 pi)) - log(Phi(b) - Phi(a)),   z = (x - loc) / scale,

where the normaliser is taken on the side of zero on which both tail probabilities are small:
log(Phi(b) - Phi(a)) = log(Phi(-a) - Phi(-b)). Quantiles are found on the same side, from the logarithm of the
probability, so that a draw is right however far in a tail the interval lies. A bound that is None is infinite.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["log_mass", "log_prob", "quantile", "quantile_of_log"]

_NEWTON_STEPS = 6  # from -sqrt(-2 p), in double precision
_TINY = 1e-30  # a uniform draw of exactly zero would be an infinite quantile


def log_mass(ops: Any, a: Any, b: Any) -> Any:
    """log(Phi(b) - Phi(a)) for a < b."""
    if a is None or b is None:
        return 0.0 if a is b else ops.log_ndtr(-a) if b is None else ops.log_ndtr(b)
    right = (a + b) > 0  # mirror, so that the tail probabilities are small
    low, high = ops.where(right, -b, a), ops.where(right, -a, b)
    big, small = ops.log_ndtr(high), ops.log_ndtr(low)
    return big + ops.log(-ops.expm1(small - big))


def log_prob(ops: Any, x: Any, loc: Any, scale: Any, low: Any, high: Any) -> Any:
    """The log-density inside [low, high]."""
    z = (x - loc) / scale
    a, b = _standard(loc, scale, low, high)
    return -0.5 * z * z - ops.log(scale) - 0.5 * math.log(2 * math.pi) - log_mass(ops, a, b)


def quantile(ops: Any, p: Any, loc: Any, scale: Any, low: Any, high: Any) -> Any:
    """The value below which a fraction p lies."""
    a, b = _standard(loc, scale, low, high)
    p = ops.where(p > _TINY, p, _TINY)
    if a is None:
        z = quantile_of_log(ops, ops.log(p) + (0.0 if b is None else ops.log_ndtr(b)))
    elif b is None:
        z = -quantile_of_log(ops, ops.log(1 - p) + ops.log_ndtr(-a))
    else:
        right = (a + b) > 0
        below, above = ops.where(right, -b, a), ops.where(right, -a, b)
        share = ops.where(right, 1 - p, p)
        small, big = ops.log_ndtr(below), ops.log_ndtr(above)
        mixed = big + ops.log(share + (1 - share) * ops.exp(small - big))
        z = quantile_of_log(ops, mixed)
        z = ops.where(right, -z, z)
    x = loc + scale * z
    x = x if low is None else ops.where(x < low, low, x)
    return x if high is None else ops.where(x > high, high, x)


def quantile_of_log(ops: Any, log_p: Any) -> Any:
    """z with log Phi(z) = log_p. In the lower tail by Newton's method, which ascends, log Phi being concave."""
    near = log_p > -2.0
    p = ops.where(near, log_p, -2.0)
    target = ops.where(near, -2.0, log_p)
    z = -((-2 * target) ** 0.5)
    for _ in range(_NEWTON_STEPS):
        now = ops.log_ndtr(z)
        slope = ops.exp(-0.5 * z * z - 0.5 * math.log(2 * math.pi) - now)
        z = z + (target - now) / slope
    return ops.where(near, ops.ndtri(ops.exp(p)), z)


def _standard(loc: Any, scale: Any, low: Any, high: Any) -> tuple[Any, Any]:
    return None if low is None else (low - loc) / scale, None if high is None else (high - loc) / scale
