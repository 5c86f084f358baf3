"""A normal distribution given some of its coordinates, over `ops`.

    (a, b) ~ N((m, k), [[A, C^T], [C, B]])
    b | a  ~ N(k + C A^-1 (a - m), B - C A^-1 C^T)

With the Cholesky factor of the whole, [[P, 0], [Q, R]], these are C A^-1 (a - m) = Q P^-1 (a - m) and
B - C A^-1 C^T = R R^T: one factorisation gives both, and no covariance is subtracted from another.

For a Gaussian process a are the values at known inputs, with their noise, and b those at others: kriging.

Reference:
    Gaussian Processes for Machine Learning (Rasmussen, Williams, 2006), section 2.2 | http://gaussianprocess.org/gpml/
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["condition", "draw", "log_prob"]


def condition(ops: Any, loc: Any, covariance: Any, known: Any, there: Any = None) -> tuple[Any, Any]:
    """The distribution of the last coordinates given the first.

    Args:
        ops: array functions.
        loc: means, (..., n + m).
        covariance: (..., n + m, n + m).
        known: the first n coordinates, (..., n).
        there: which of them are known, (..., n) or (n,); left out, all. The others say nothing.

    Returns:
        Means (..., m), and the lower Cholesky factor of the covariance (..., m, m); not numbers where the whole
        covariance is not positive definite.
    """
    n, size = known.shape[-1], loc.shape[-1]
    gap = known - loc[..., :n]
    if there is not None:
        gap = ops.where(there, gap, 0.0)
        counts = ops.concatenate([there, ops.ones((*there.shape[:-1], size - n), like=loc) > 0], -1)
        both = counts[..., :, None] & counts[..., None, :]
        covariance = ops.where(both, covariance, ops.eye(size, like=loc))
    lower = ops.cholesky(covariance)
    lower = ops.broadcast_to(lower, (*gap.shape[:-1], size, size))
    z = ops.solve_triangular(lower[..., :n, :n], gap[..., None], lower=True)
    mean = loc[..., n:] + ops.matmul(lower[..., n:, :n], z)[..., 0]
    return mean, lower[..., n:, n:]


def draw(ops: Any, mean: Any, scale: Any, noise: Any) -> Any:
    """Draws from standard normal noise: mean (..., m), lower factor (..., m, m), noise (..., m) -> (..., m)."""
    return mean + ops.matmul(scale, noise[..., None])[..., 0]


def log_prob(ops: Any, mean: Any, scale: Any, x: Any) -> Any:
    """log N(x; mean, scale scale^T): (..., m) -> (...)."""
    z = ops.solve_triangular(scale, (x - mean)[..., None], lower=True)[..., 0]
    size = x.shape[-1]
    return -0.5 * ops.sum(z * z, -1) - ops.sum(ops.log(ops.diagonal(scale)), -1) - 0.5 * size * math.log(2 * math.pi)
