"""A preconditioner from draws x of warmup and the scores g = grad log p there.

It is the M under which draws and scores have the same covariance, M^-1/2 x and M^1/2 g; that is, the positive definite
solution of

    M cov(g) M = cov(x),          or, where M is diagonal, M_ii = sqrt(var(x_i) / var(g_i)).

For a Gaussian of precision P the scores are -P (x - m), and M = P^-1 whatever the draws are, even before the chain has
come to where the posterior is: an empirical covariance would need draws that are many and independent. Both covariances
are first scaled by the diagonal solution and by their size, and then a small multiple of I is added, (d / n)^2 / 10:
where there are few draws n, directions of which they say nothing are as in the diagonal solution.

Reference:
    Preconditioning Hamiltonian Monte Carlo by minimizing Fisher Divergence (Seyboldt, Carlson, Carpenter, 2026) |
    https://arxiv.org/abs/2603.18845
"""

from __future__ import annotations

import numpy as np

__all__ = ["learnt", "metric"]

_RIDGE = 0.1


def learnt(metrics: np.ndarray, draws: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The metric of each chain.

    Args:
        metrics: those before, which stay where nothing can be learnt: (chain, d), or (chain, d, d) where dense.
        draws: (chain, draw, d).
        scores: likewise.
    """
    found = (metric(x, g, dense=metrics.ndim == 3) for x, g in zip(draws, scores, strict=True))
    return np.stack([old if new is None else new for old, new in zip(metrics, found, strict=True)])


def metric(draws: np.ndarray, scores: np.ndarray, *, dense: bool) -> np.ndarray | None:
    """The metric of one chain, its diagonal (d,), or (d, d); None where a coordinate, or its score, does not vary.

    Args:
        draws: (draw, d).
        scores: (draw, d).
        dense: whether all of the matrix is wanted.
    """
    x, g = np.asarray(draws, np.float64), np.asarray(scores, np.float64)
    n, d = x.shape
    with np.errstate(all="ignore"):
        diagonal: np.ndarray = np.divide(x.std(0), g.std(0))
    if not (np.isfinite(diagonal).all() and (diagonal > 0).all()):
        return None
    if not dense:
        return diagonal
    scale = np.sqrt(diagonal)
    near = _RIDGE * (d / n) ** 2 * np.eye(d)
    of_draws, of_scores = (np.cov(v, rowvar=False).reshape(d, d) for v in (x / scale, g * scale))
    size = np.trace(of_draws) / d
    try:
        out: np.ndarray = scale[:, None] * _between(of_draws / size + near, of_scores / size + near) * scale
        np.linalg.cholesky(out)
    except np.linalg.LinAlgError:  # so ill-conditioned that rounding has eaten it
        return None
    return out


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The positive definite M with M b M = a, for positive definite a and b."""
    root = _power(b, 0.5)
    back = _power(b, -0.5)
    middle = back @ _power(root @ a @ root, 0.5) @ back
    out: np.ndarray = 0.5 * (middle + middle.T)
    return out


def _power(a: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(a)
    out: np.ndarray = (vectors * np.maximum(values, np.finfo(float).tiny) ** exponent) @ vectors.T
    return out
