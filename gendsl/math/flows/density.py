"""The density of a transformed variable, over `ops`.

With z ~ q and y = f(z),

    log p(y) = log q(f^-1(y)) + log|d f^-1 / dy|,

and a draw of y is f at a draw of z; its log-density, log q(z) - log|df/dz|, costs nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["log_prob", "sample", "standard_normal"]

Map = Callable[[Any], tuple[Any, Any]]


def standard_normal(ops: Any, z: Any) -> Any:
    """log N(z; 0, I), (...) for z (..., d)."""
    return -0.5 * ops.sum(z * z, -1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)


def log_prob(base: Callable[[Any], Any], inverse: Map, y: Any) -> Any:
    """log p(y), (...).

    Args:
        base: log q, (..., d) -> (...).
        inverse: y -> (z, log|dz/dy|).
        y: the value, (..., d).
    """
    z, ladj = inverse(y)
    return base(z) + ladj


def sample(base: Callable[[Any], Any], forward: Map, z: Any) -> tuple[Any, Any]:
    """y (..., d) and log p(y) (...).

    Args:
        base: log q, (..., d) -> (...).
        forward: z -> (y, log|dy/dz|).
        z: a draw of q, (..., d).
    """
    y, ladj = forward(z)
    return y, base(z) - ladj
