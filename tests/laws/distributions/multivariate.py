"""Cases of vectors: normals, Student's t, Dirichlet, counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from tests.laws.distributions.case import Many, Row
from tests.laws.distributions.checks import Check, Mean, Ranks, frequencies

__all__ = ["CASES", "Rows", "spread"]

LOC = [[0.0, 1.0, -2.0], [3.0, 0.5, 10.0], [-1.0, 0.0, 0.3]]
COV = [
    [[3.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]],
    [[1.0, 0.5, -0.2], [0.5, 1.3, 0.3], [-0.2, 0.3, 0.9]],
    [[0.2, 0.01, 0.02], [0.01, 2.0, -0.4], [0.02, -0.4, 0.7]],
]
SIMPLEX = [[0.2, 0.5, 0.3], [0.9, 0.06, 0.04], [0.01, 0.49, 0.5]]
SCORES = [[0.0, 1.0, -2.0], [3.0, 0.3, 0.2], [-4.0, 0.0, 0.1]]


@dataclass(frozen=True)
class Rows:
    """A density of one vector or matrix, evaluated at many."""

    one: Callable[[np.ndarray], float]

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return np.array([self.one(v) for v in x])

    logpmf = logpdf


def spread(loc: Any, factor: Any) -> np.ndarray:
    """Points around loc: near, usual and far out."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(24, len(loc))) * np.repeat([1e-3, 1.0, 3.0, 1e4], 6)[:, None]
    return loc + z @ np.asarray(factor).T


def _cov(p: Row) -> np.ndarray:
    if hasattr(p, "covariance_matrix"):
        return p.covariance_matrix
    if hasattr(p, "precision_matrix"):
        return np.linalg.inv(p.precision_matrix)
    if hasattr(p, "scale_tril"):
        return p.scale_tril @ p.scale_tril.T
    return p.cov_factor @ p.cov_factor.T + np.diag(p.cov_diag)


def _white(p: Row, x: np.ndarray) -> np.ndarray:
    return np.linalg.solve(np.linalg.cholesky(_cov(p)), (x - p.loc).T).T


def _normal_checks(p: Row, x: np.ndarray) -> list[Check]:
    z = _white(p, x)
    square = (z**2).sum(-1)
    pairs = np.stack([z[:, 0] * z[:, 1], z[:, 1] * z[:, 2], z[:, 0] * z[:, 2]], 1)
    return [
        Ranks("coordinates", stats.norm.cdf(z)),
        Ranks("distance", stats.chi2(x.shape[-1]).cdf(square)),
        Mean("uncorrelated", pairs, 0.0),
    ]


def _normal(form: str, family: str = "MultivariateNormal", **scale: Any) -> Many:
    return Many(
        family,
        {"loc": LOC, **scale},
        form,
        oracle=lambda p: stats.multivariate_normal(p.loc, _cov(p)),
        inside=lambda p: spread(p.loc, np.linalg.cholesky(_cov(p))),
        checks=_normal_checks,
    )


def _student_checks(p: Row, x: np.ndarray) -> list[Check]:
    z = _white(p, x)
    return [
        Ranks("coordinates", stats.t(p.df).cdf(z)),
        Ranks("distance", stats.f(3, p.df).cdf((z**2).sum(-1) / 3)),
    ]


def _simplices(p: Row) -> np.ndarray:
    rng = np.random.default_rng(2)
    near = rng.dirichlet([1.0, 1.0, 1.0], 12)
    edge = special.softmax(rng.normal(size=(12, 3)) * 8.0, axis=-1)
    return np.concatenate([near, edge])


def _dirichlet_checks(p: Row, x: np.ndarray) -> list[Check]:
    c, total = p.concentration, p.concentration.sum()
    moments = (np.outer(c, c) + np.diag(c)) / (total * (total + 1))
    return [
        *(Ranks(f"share {i}", stats.beta(c[i], total - c[i]).cdf(x[:, i])) for i in range(3)),
        Mean("second moments", x[:, :, None] * x[:, None, :], moments),
        Mean("sum", x.sum(-1), 1.0),
    ]


def _compositions(p: Row) -> np.ndarray:
    n = int(p.total_count)
    rng = np.random.default_rng(3)
    corners = [[n, 0, 0], [0, n, 0], [0, 0, n]]
    return np.concatenate([corners, rng.multinomial(n, [0.3, 0.3, 0.4], 21)]).astype(int)


def _counts(p: Row) -> np.ndarray:
    return p.probs if hasattr(p, "probs") else special.softmax(p.logits)


def _multinomial_checks(p: Row, x: np.ndarray) -> list[Check]:
    n, probs = int(p.total_count), _counts(p)
    k = np.arange(n + 1)
    moments = n * (n - 1) * np.outer(probs, probs) + n * np.diag(probs)
    return [
        *(frequencies(f"class {i}", x[:, i], stats.binom(n, probs[i]).pmf(k)) for i in range(3)),
        Mean("second moments", x[:, :, None] * x[:, None, :], moments, cap=0.2),
    ]


def _polya_checks(p: Row, x: np.ndarray) -> list[Check]:
    n, c = int(p.total_count), p.concentration
    k = np.arange(n + 1)
    marginal = [stats.betabinom(n, c[i], c.sum() - c[i]).pmf(k) for i in range(3)]
    return [*(frequencies(f"class {i}", x[:, i], marginal[i]) for i in range(3)), Mean("sum", x.sum(-1), float(n))]


_TRIL = [np.linalg.cholesky(np.array(c)).tolist() for c in COV]

CASES: list[Many] = [
    _normal("covariance", covariance_matrix=COV),
    _normal("precision", precision_matrix=[np.linalg.inv(np.array(c)) for c in COV]),
    _normal("tril", scale_tril=_TRIL),
    _normal(
        "",
        "LowRankMultivariateNormal",
        cov_factor=[[[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]], [[0.3, 2.0], [0.1, 0.0], [1.0, 1.0]], [[0.0, 0.1]] * 3],
        cov_diag=[[1.0, 2.0, 1.0], [0.2, 0.3, 0.1], [1.5, 0.7, 3.0]],
    ),
    Many(
        "MultivariateStudentT",
        {"df": [5.0, 2.5, 30.0], "loc": LOC, "scale_tril": _TRIL},
        oracle=lambda p: stats.multivariate_t(p.loc, _cov(p), df=float(p.df)),
        inside=lambda p: spread(p.loc, p.scale_tril),
        checks=_student_checks,
    ),
    Many(
        "Dirichlet",
        {"concentration": [[2.0, 3.0, 1.0], [0.7, 0.5, 0.9], [20.0, 5.0, 30.0]]},
        oracle=lambda p: Rows(lambda x: float(((p.concentration - 1) * np.log(x)).sum() - _log_beta(p.concentration))),
        inside=_simplices,
        checks=_dirichlet_checks,
    ),
    Many(
        "Multinomial",
        {"total_count": [9, 9, 9], "probs": SIMPLEX},
        "probs",
        oracle=lambda p: stats.multinomial(int(p.total_count), _counts(p)),
        inside=_compositions,
        checks=_multinomial_checks,
        counts=True,
        latent=False,
    ),
    Many(
        "Multinomial",
        {"total_count": [1, 7, 40], "logits": SCORES},
        "logits",
        oracle=lambda p: stats.multinomial(int(p.total_count), _counts(p)),
        inside=_compositions,
        checks=_multinomial_checks,
        counts=True,
        latent=False,
    ),
    Many(
        "DirichletMultinomial",
        {"concentration": [[2.0, 3.0, 1.0], [0.7, 0.5, 0.9], [20.0, 5.0, 30.0]], "total_count": [1, 7, 40]},
        oracle=lambda p: stats.dirichlet_multinomial(p.concentration, int(p.total_count)),
        inside=_compositions,
        checks=_polya_checks,
        counts=True,
        latent=False,
    ),
]


def _log_beta(c: np.ndarray) -> float:
    return float(special.gammaln(c).sum() - special.gammaln(c.sum()))
