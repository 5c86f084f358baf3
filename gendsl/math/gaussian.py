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

from typing import Any

from gendsl.math.flows.density import standard_normal

__all__ = ["condition", "draw", "log_prob"]


def condition(ops: Any, loc: Any, covariance: Any, known: Any, there: Any = None) -> tuple[Any, Any]:
    """The distribution of the last coordinates given the first.

    Args:
        ops: array functions.
        loc: means, (..., n + m).
        covariance: (..., n + m, n + m).
        known: the first n coordinates, (..., n).
        there: which of all coordinates count, (..., n + m) or (n + m,); left out, all. Of the first, the others say
            nothing; of the last, they become standard normal and independent.

    Returns:
        Means (..., m), and the lower Cholesky factor of the covariance (..., m, m); not numbers where the whole
        covariance is not positive definite.
    """
    n, size = known.shape[-1], loc.shape[-1]
    gap = known - loc[..., :n]
    if there is not None:
        gap = ops.where(there[..., :n], gap, 0.0)
        both = there[..., :, None] & there[..., None, :]
        covariance = ops.where(both, covariance, ops.eye(size, like=loc))
    lower = ops.cholesky(covariance)
    lower = ops.broadcast_to(lower, (*gap.shape[:-1], size, size))
    z = ops.solve_triangular(lower[..., :n, :n], gap[..., None], lower=True)
    mean = loc[..., n:] + ops.matmul(lower[..., n:, :n], z)[..., 0]
    return mean, lower[..., n:, n:]


def draw(ops: Any, mean: Any, scale: Any, noise: Any) -> Any:
    """Draws from standard normal noise: mean (..., m), lower factor (..., m, m), noise (..., m) -> (..., m)."""
    return mean + ops.matmul(scale, noise[..., None])[..., 0]


def log_prob(ops: Any, mean: Any, scale: Any, x: Any, counts: Any = None) -> Any:
    """log N(x; mean, scale scale^T): (..., m) -> (...).

    Args:
        ops: array functions.
        mean: (..., m).
        scale: lower Cholesky factor, (..., m, m).
        x: (..., m).
        counts: 1 for the coordinates that count, 0 for those that are independent and standard normal, (..., m).
    """
    gap = x - mean if counts is None else ops.where(counts > 0, x - mean, 0.0)
    z = ops.solve_triangular(scale, gap[..., None], lower=True)[..., 0]
    if counts is None:
        normal = standard_normal(ops, z)
    else:
        normal = ops.sum(counts * standard_normal(ops, z[..., None]), -1)
    return normal - ops.sum(ops.log(ops.diagonal(scale)), -1)
