"""The truncated normal, over `ops`.

With a = (low - loc) / scale and b = (high - loc) / scale,

    log p(x) = -z^2 / 2 - log(scale sqrt(2 pi)) - log(Phi(b) - Phi(a)),   z = (x - loc) / scale,

where the normaliser is taken on the side of zero on which both tail probabilities are small:
log(Phi(b) - Phi(a)) = log(Phi(-a) - Phi(-b)).
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["log_mass", "log_prob", "quantile"]


def log_mass(ops: Any, a: Any, b: Any) -> Any:
    """log(Phi(b) - Phi(a)) for a < b."""
    right = (a + b) > 0  # mirror, so that the tail probabilities are small
    low, high = ops.where(right, -b, a), ops.where(right, -a, b)
    big, small = ops.log_ndtr(high), ops.log_ndtr(low)
    return big + ops.log(-ops.expm1(small - big))


def log_prob(ops: Any, x: Any, loc: Any, scale: Any, low: Any, high: Any) -> Any:
    """The log-density inside [low, high]."""
    z = (x - loc) / scale
    mass = log_mass(ops, (low - loc) / scale, (high - loc) / scale)
    return -0.5 * z * z - ops.log(scale) - 0.5 * math.log(2 * math.pi) - mass


def quantile(ops: Any, p: Any, loc: Any, scale: Any, low: Any, high: Any) -> Any:
    """The value below which a fraction p lies."""
    below, above = ops.ndtr((low - loc) / scale), ops.ndtr((high - loc) / scale)
    x = loc + scale * ops.ndtri(below + p * (above - below))
    return ops.minimum(ops.maximum(x, low), high)
