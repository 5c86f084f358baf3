"""Cases of matrices and of directions: LKJ, Wishart, projected normal, angles in pairs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special, stats

import gendsl as gd
from tests.laws.distributions.case import Many, Row
from tests.laws.distributions.checks import Check, Mean, Ranks
from tests.laws.distributions.multivariate import COV, Rows

__all__ = ["CASES"]

DIM = 3


# -- correlations ---------------------------------------------------------------------------------------------------
def _factors(p: Row) -> np.ndarray:
    """Cholesky factors of correlation matrices: rows on the sphere, diagonal positive, some nearly singular."""
    rng = np.random.default_rng(4)
    z = np.tanh(rng.normal(size=(24, 3)) * np.repeat([0.05, 0.5, 1.0, 3.0], 6)[:, None])
    out = np.zeros((24, DIM, DIM))
    out[:, 0, 0] = 1.0
    out[:, 1, 0], out[:, 1, 1] = z[:, 0], np.sqrt(1 - z[:, 0] ** 2)
    rest = np.sqrt(1 - z[:, 1] ** 2)
    out[:, 2, 0], out[:, 2, 1], out[:, 2, 2] = z[:, 1], z[:, 2] * rest, rest * np.sqrt(1 - z[:, 2] ** 2)
    return out


def _log_constant(eta: float) -> float:
    """Lewandowski, Kurowicka and Joe's normaliser (2009, equation 16)."""
    k = np.arange(1, DIM)
    beta = eta + (DIM - k - 1) / 2
    powers = (2 * eta - 2 + DIM - k) * (DIM - k) * np.log(2.0)
    return float((powers + (DIM - k) * special.betaln(beta, beta)).sum())


def _lkj(p: Row) -> Rows:
    eta = float(p.concentration)
    return Rows(lambda r: (eta - 1) * float(np.linalg.slogdet(r)[1]) - _log_constant(eta))


def _lkj_factor(p: Row) -> Rows:
    eta = float(p.concentration)
    powers = DIM - np.arange(2, DIM + 1) + 2 * eta - 2
    return Rows(lambda f: float((powers * np.log(np.diag(f)[1:])).sum()) - _log_constant(eta))


def _correlation_checks(p: Row, r: np.ndarray) -> list[Check]:
    a = float(p.concentration) - 1 + DIM / 2
    pairs = np.stack([r[:, 1, 0], r[:, 2, 0], r[:, 2, 1]], 1)
    eta = float(p.concentration)
    grow = np.exp(_log_constant(eta + 1) - _log_constant(eta))
    return [
        *(Ranks(f"pair {i}", stats.beta(a, a).cdf((pairs[:, i] + 1) / 2)) for i in range(3)),
        Mean("determinant", np.linalg.det(r), grow),
        Mean("product", pairs.prod(1) - (1 - (pairs**2).sum(1) - np.linalg.det(r)) / -2, 0.0, cap=1.0),
    ]


def _factor_checks(p: Row, f: np.ndarray) -> list[Check]:
    return _correlation_checks(p, f @ np.swapaxes(f, -1, -2))


# -- Wishart --------------------------------------------------------------------------------------------------------
def _scale(p: Row) -> np.ndarray:
    if hasattr(p, "covariance_matrix"):
        return p.covariance_matrix
    if hasattr(p, "precision_matrix"):
        return np.linalg.inv(p.precision_matrix)
    return p.scale_tril @ p.scale_tril.T


def _definite(p: Row) -> np.ndarray:
    """Positive-definite matrices, small to large."""
    rng = np.random.default_rng(5)
    a = np.linalg.cholesky(_scale(p)) @ rng.normal(size=(24, DIM, 2 * DIM))
    size = np.repeat([1e-3, 0.3, 1.0, 1e3], 6)[:, None, None]
    return size * a @ np.swapaxes(a, -1, -2)


def _wishart_checks(p: Row, x: np.ndarray) -> list[Check]:
    v, df = _scale(p), float(p.df)
    spread = df * (v**2 + np.outer(np.diag(v), np.diag(v)))
    log_det = np.linalg.slogdet(x)[1] - np.linalg.slogdet(v)[1]
    centred = x - df * v
    return [
        *(Ranks(f"diagonal {i}", stats.chi2(df).cdf(x[:, i, i] / v[i, i])) for i in range(DIM)),
        Mean("mean", x, df * v),
        Mean("variance", centred**2, spread, cap=0.5),
        Mean("log det", log_det, special.digamma((df - np.arange(DIM)) / 2).sum() + DIM * np.log(2.0)),
    ]


def _wishart(form: str, **scale: Any) -> Many:
    return Many(
        "Wishart",
        {"df": [5.0, 3.5, 20.0], **scale},
        form,
        oracle=lambda p: Rows(lambda x: float(stats.wishart(float(p.df), _scale(p)).logpdf(x))),
        inside=_definite,
        checks=_wishart_checks,
        oracle_tolerance=1e-8,
    )


# -- directions -----------------------------------------------------------------------------------------------------
def _sphere(p: Row) -> np.ndarray:
    x = np.random.default_rng(6).normal(size=(24, len(p.concentration)))
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _projected(p: Row) -> Rows:
    """The normal density integrated along the ray: int r^(n-1) N(r x; c, I) dr."""
    c = p.concentration
    r, w = np.polynomial.legendre.leggauss(400)
    r, w = (r + 1) / 2 * (np.linalg.norm(c) + 12), w / 2 * (np.linalg.norm(c) + 12)

    def one(x: np.ndarray) -> float:
        square = ((r[:, None] * x - c) ** 2).sum(-1)
        ray = r ** (len(c) - 1) * np.exp(-0.5 * square) / (2 * np.pi) ** (len(c) / 2)
        return float(np.log((w * ray).sum()))

    return Rows(one)


def _direction_checks(p: Row, x: np.ndarray) -> list[Check]:
    """The angle to the mean direction, against the integrated density; the mean off that direction is zero."""
    c = p.concentration
    n, axis = len(c), c / np.linalg.norm(c)
    angle = np.linspace(0, np.pi, 801)
    side = np.eye(n)[np.argmin(np.abs(axis))]
    side = side - (side @ axis) * axis
    side /= np.linalg.norm(side)
    ring = np.cos(angle)[:, None] * axis + np.sin(angle)[:, None] * side
    density = np.exp(_projected(p).logpdf(ring)) * (2 if n == 2 else 2 * np.pi * np.sin(angle))
    cdf = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2) * (angle[1] - angle[0])])
    off = x - (x @ axis)[:, None] * axis
    return [
        Ranks("angle", np.interp(np.arccos(np.clip(x @ axis, -1, 1)), angle, cdf / cdf[-1])),
        Mean("length", (x**2).sum(-1), 1.0),
        Mean("off the axis", off, 0.0, cap=1.0),
    ]


def _direction(form: str, concentration: list[list[float]]) -> Many:
    return Many(
        "ProjectedNormal",
        {"concentration": concentration},
        form,
        oracle=_projected,
        inside=_sphere,
        checks=_direction_checks,
    )


# -- angles in pairs ------------------------------------------------------------------------------------------------
GRID = np.arange(400) * (2 * np.pi / 400) - np.pi


def _angles(p: Row) -> np.ndarray:
    return np.random.default_rng(7).uniform(-np.pi, np.pi, (24, 2))


def _pair(p: Row) -> Any:
    """The unnormalised log-density; the normaliser by the trapezoidal rule, exact for periodic functions."""
    a, b = float(p.phi_concentration), float(p.psi_concentration)
    rho = float(p.correlation) if hasattr(p, "correlation") else float(p.weighted_correlation) * np.sqrt(a * b)
    skew = getattr(p, "skewness", np.zeros(2))

    def energy(x: np.ndarray) -> np.ndarray:
        u, v = x[..., 0] - p.phi_loc, x[..., 1] - p.psi_loc
        tilt = np.log1p(skew[0] * np.sin(u) + skew[1] * np.sin(v))
        return a * np.cos(u) + b * np.cos(v) + rho * np.sin(u) * np.sin(v) + tilt

    return energy


@lru_cache(maxsize=8)
def _grid() -> np.ndarray:
    return np.stack(np.meshgrid(GRID, GRID, indexing="ij"), -1)


def _bivariate(p: Row) -> Rows:
    energy = _pair(p)
    total = np.log(np.exp(energy(_grid())).sum() * (2 * np.pi / 400) ** 2)
    return Rows(lambda x: float(energy(x) - total))


def _torus_checks(p: Row, x: np.ndarray) -> list[Check]:
    mass = np.exp(_pair(p)(_grid()))
    mass /= mass.sum()
    out: list[Check] = []
    for i, name in enumerate(("phi", "psi")):
        one = mass.sum(1 - i)
        cdf = np.cumsum(one) - one / 2  # the rectangle around a node, halved at the node
        out.append(Ranks(name, np.interp(x[:, i], GRID, cdf)))
    product = np.sin(_grid()[..., 0] - p.phi_loc) * np.sin(_grid()[..., 1] - p.psi_loc)
    seen = np.sin(x[:, 0] - p.phi_loc) * np.sin(x[:, 1] - p.psi_loc)
    return [*out, Mean("sine product", seen, float((mass * product).sum()))]


_PAIR = {
    "phi_loc": [0.0, -2.0, 1.0],
    "psi_loc": [1.0, 0.5, -3.0],
    "phi_concentration": [2.0, 0.7, 8.0],
    "psi_concentration": [3.0, 1.2, 6.0],
}


def _on_torus(family: str, form: str, **more: Any) -> Many:
    return Many(
        family,
        {**_PAIR, **{k: v for k, v in more.items() if k != "make"}},
        form,
        make=more.get("make"),
        stackable=family != "SineSkewed",
        oracle=_bivariate,
        inside=_angles,
        checks=_torus_checks,
    )


def _skewed(p: Row) -> gd.Distribution:
    base = {k: getattr(p, k) for k in (*_PAIR, "correlation")}
    return gd.SineSkewed(gd.SineBivariateVonMises(**base), p.skewness)


CASES: list[Many] = [
    Many(
        "LKJ",
        {"concentration": [1.0, 2.5, 0.8]},
        make=lambda p: gd.LKJ(DIM, p.concentration),
        oracle=_lkj,
        inside=lambda p: _factors(p) @ np.swapaxes(_factors(p), -1, -2),
        checks=_correlation_checks,
        tolerance=1e-8,
        oracle_tolerance=1e-8,
        single_tolerance=1e-3,
    ),
    Many(
        "LKJCholesky",
        {"concentration": [1.0, 2.5, 0.8]},
        make=lambda p: gd.LKJCholesky(DIM, p.concentration),
        oracle=_lkj_factor,
        inside=_factors,
        checks=_factor_checks,
    ),
    _wishart("covariance", covariance_matrix=COV),
    _wishart("precision", precision_matrix=[np.linalg.inv(np.array(c)) for c in COV]),
    _wishart("tril", scale_tril=[np.linalg.cholesky(np.array(c)) for c in COV]),
    _direction("circle", [[1.0, 2.0], [-0.3, 0.1], [4.0, -3.0]]),
    _direction("sphere", [[1.0, 2.0, 0.0], [-0.3, 0.1, 0.2], [4.0, -3.0, 2.0]]),
    _on_torus("SineBivariateVonMises", "correlation", correlation=[1.0, 0.3, -4.0]),
    _on_torus("SineBivariateVonMises", "weighted", weighted_correlation=[0.5, 0.2, -0.6]),
    _on_torus(
        "SineSkewed", "", correlation=[1.0, 0.3, -4.0], skewness=[[0.0, 0.0], [0.5, -0.4], [-0.2, 0.7]], make=_skewed
    ),
]
