"""Quadratic energies, whose best fits are known, and the exact minimum of losses that are quadratic in parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["COV", "MEAN", "PAIRS", "minimum", "precision_of", "quadratic", "sample"]

MEAN = np.array([0.7, -1.2])
COV = np.array([[1.0, 0.6], [0.6, 0.8]])
PAIRS = ((0, 0), (0, 1), (1, 1))
"""Parameters of a quadratic energy: the precision's entries, then the two of b."""


def sample(count: int, seed: int = 0) -> np.ndarray:
    """Rows of N(MEAN, COV)."""
    return MEAN + np.random.default_rng(seed).standard_normal((count, 2)) @ np.linalg.cholesky(COV).T


def quadratic(theta: Any, x: Any) -> Any:
    """E(x) = x' P x / 2 - b' x, for parameters (P11, P12, P22, b1, b2) and x (..., 2): N(P^-1 b, P^-1)."""
    a, b = x[..., 0], x[..., 1]
    return 0.5 * (theta[0] * a * a + 2 * theta[1] * a * b + theta[2] * b * b) - theta[3] * a - theta[4] * b


def precision_of(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P and b."""
    return np.array([[theta[0], theta[1]], [theta[1], theta[2]]]), theta[3:]


def minimum(gradient: Callable[[np.ndarray], np.ndarray], size: int) -> np.ndarray:
    """Where a quadratic function's gradient, which is affine, is zero."""
    at_zero = gradient(np.zeros(size))
    hessian = np.stack([gradient(e) - at_zero for e in np.eye(size)], 1)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-8, atol=1e-10)
    assert (np.linalg.eigvalsh(hessian) > 0).all()
    out: np.ndarray = -np.linalg.solve(hessian, at_zero)
    return out
