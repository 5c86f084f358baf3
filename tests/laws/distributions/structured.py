"""Cases of distributions made of distributions, and of the special ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

import gendsl as gd
from tests.laws.distributions.case import Counted, Domain, Many, One, Row
from tests.laws.distributions.checks import Check, Mean, Ranks
from tests.laws.distributions.multivariate import Rows, spread
from tests.laws.distributions.oracles import Folded, Inflated, Mixed, Scaled

__all__ = ["CASES"]

WEIGHTS = [[0.2, 0.5, 0.3], [0.7, 0.1, 0.2], [0.05, 0.05, 0.9]]
CENTERS = [[-2.0, 0.0, 3.0], [0.0, 0.1, 0.2], [1.0, -3.0, 0.0]]
WIDTHS = [[1.0, 0.5, 2.0], [0.3, 1.0, 3.0], [1.0, 2.0, 0.2]]


def _half(p: Row) -> Domain:
    return Domain(low=0.0)


# -- mixtures -------------------------------------------------------------------------------------------------------
def _normals(p: Row) -> Mixed:
    return Mixed(p.weights, tuple(stats.norm(m, s) for m, s in zip(p.loc, p.scale, strict=True)))


def _poissons(p: Row) -> Mixed:
    return Mixed(p.weights, tuple(stats.poisson(r) for r in p.rate))


def _uniforms(p: Row) -> Mixed:
    return Mixed(p.weights, tuple(stats.uniform(0.0, h) for h in p.high))


def _paretos(p: Row) -> Mixed:
    return Mixed(p.weights, tuple(stats.pareto(3.0, 0.0, s) for s in p.scale))


def _general(p: Row) -> Mixed:
    parts = (stats.norm(p.loc, 1.0), stats.t(p.df, p.loc, p.scale), stats.laplace(p.loc, p.scale))
    return Mixed(p.weights, parts)


def _general_counts(p: Row) -> Mixed:
    return Mixed(p.weights, (stats.poisson(p.rate), stats.nbinom(p.rate, 0.5), Inflated(stats.poisson(3.0), 0.2)))


def _declared_general(p: Row) -> gd.Distribution:
    parts = [gd.Normal(p.loc, 1.0), gd.StudentT(p.df, p.loc, p.scale), gd.Laplace(p.loc, p.scale)]
    return gd.Mixture(p.weights, parts)


def _declared_counts(p: Row) -> gd.Distribution:
    parts = [gd.Poisson(p.rate), gd.GammaPoisson(p.rate, 1.0), gd.ZeroInflatedPoisson(3.0, 0.2)]
    return gd.Mixture(p.weights, parts)


CORNERS = np.random.default_rng(8).normal(size=(3, 3, 2)) * 3
TRIL = np.array([[1.0, 0.0], [0.5, 0.8]])


def _vectors(p: Row) -> Mixed:
    return Mixed(p.weights, tuple(stats.multivariate_normal(m, TRIL @ TRIL.T) for m in p.loc))


def _coordinates(p: Row) -> list[Mixed]:
    return [Mixed(p.weights, tuple(stats.norm(m, 0.5) for m in side)) for side in p.loc.T]


def _independent(p: Row) -> Rows:
    return Rows(lambda x: float(sum(side.logpdf(v) for side, v in zip(_coordinates(p), x, strict=True))))


def _independent_checks(p: Row, x: np.ndarray) -> list[Check]:
    sides = _coordinates(p)
    centred = x - np.array([p.weights @ m for m in p.loc.T])
    return [
        *(Ranks(f"coordinate {i}", side.cdf(x[:, i])) for i, side in enumerate(sides)),
        Mean("independent", centred[:, 0] * centred[:, 1], 0.0, cap=1.0),
    ]


def _vector_checks(p: Row, x: np.ndarray) -> list[Check]:
    sides = [Mixed(p.weights, tuple(stats.norm(m[i], (TRIL @ TRIL.T)[i, i] ** 0.5) for m in p.loc)) for i in (0, 1)]
    second = np.einsum("k,ki,kj->ij", p.weights, p.loc, p.loc) + TRIL @ TRIL.T
    return [
        *(Ranks(f"coordinate {i}", side.cdf(x[:, i])) for i, side in enumerate(sides)),
        Mean("second moments", x[:, :, None] * x[:, None, :], second),
    ]


# -- the rest -------------------------------------------------------------------------------------------------------
def _inflated(p: Row) -> Inflated:
    gate = float(p.gate) if hasattr(p, "gate") else float(special.expit(p.gate_logits))
    return Inflated(stats.poisson(p.rate), gate)


def _declared_inflated(p: Row) -> gd.Distribution:
    gate = {"gate": p.gate} if hasattr(p, "gate") else {"gate_logits": p.gate_logits}
    return gd.ZeroInflated(gd.Poisson(p.rate), **gate)


def _delta(p: Row) -> Rows:
    return Rows(lambda x: float(p.log_density) if x == p.v else -np.inf)


def _skewed_circle(p: Row) -> Rows:
    base = stats.vonmises(p.concentration, p.loc)
    return Rows(lambda x: float((base.logpdf(x) + np.log1p(p.skewness * np.sin(x - p.loc))).sum()))


def _skew_checks(p: Row, x: np.ndarray) -> list[Check]:
    grid = np.linspace(-np.pi, np.pi, 4001)
    density = np.exp([_skewed_circle(p).one(np.array([g])) for g in grid])
    cdf = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2) * (grid[1] - grid[0])])
    return [Ranks("angle", np.interp(x[:, 0], grid, cdf))]


def _one(family: str, form: str, params: dict[str, Any], make: Any, oracle: Any, domain: Any, **more: Any) -> One:
    return One(family, params, form, make=make, oracle=oracle, domain=domain, **more)


CASES: list[One | Counted | Many] = [
    _one(
        "Folded",
        "Normal",
        {"loc": [0.0, -1.5, 3.0], "scale": [1.0, 0.4, 5.0]},
        lambda p: gd.Folded(gd.Normal(p.loc, p.scale)),
        lambda p: Folded(stats.norm(p.loc, p.scale)),
        _half,
    ),
    _one(
        "Folded",
        "StudentT",
        {"df": [4.0, 1.5, 30.0], "loc": [0.0, -1.5, 3.0]},
        lambda p: gd.Folded(gd.StudentT(p.df, p.loc, 0.7)),
        lambda p: Folded(stats.t(p.df, p.loc, 0.7)),
        _half,
    ),
    _one(
        "MixtureOf",
        "Normal",
        {"weights": WEIGHTS, "loc": CENTERS, "scale": WIDTHS},
        lambda p: gd.Mixture(p.weights, gd.Normal(p.loc, p.scale)),
        _normals,
        lambda p: Domain(center=float(p.loc[np.argmin(p.scale)]), width=float(p.scale.min())),
        stackable=False,
    ),
    _one(
        "MixtureOf",
        "Exponential",
        {"weights": WEIGHTS, "rate": WIDTHS},
        lambda p: gd.Mixture(p.weights, gd.Exponential(p.rate)),
        lambda p: Mixed(p.weights, tuple(stats.expon(0, 1 / r) for r in p.rate)),
        _half,
        stackable=False,
    ),
    Many(
        "MixtureOf",
        {"weights": WEIGHTS, "high": WIDTHS},
        "Uniform",
        make=lambda p: gd.Mixture(p.weights, gd.Uniform(0.0, p.high)),
        oracle=_uniforms,
        inside=lambda p: np.linspace(0.03, p.high.max() - 0.02, 24),
        beyond=lambda p: np.array([-1.0, p.high.max() + 1e-9]),
        checks=lambda p, x: [Ranks("value", _uniforms(p).cdf(x))],
        latent=False,
        stackable=False,
    ),
    Many(
        "MixtureOf",
        {"weights": WEIGHTS, "scale": WIDTHS},
        "Pareto",
        make=lambda p: gd.Mixture(p.weights, gd.Pareto(p.scale, 3.0)),
        oracle=_paretos,
        inside=lambda p: np.linspace(p.scale.min() + 0.01, 9.0, 24),
        beyond=lambda p: np.array([-1.0, p.scale.min() - 1e-9]),
        checks=lambda p, x: [Ranks("value", _paretos(p).cdf(x))],
        latent=False,
        stackable=False,
    ),
    Many(
        "MixtureOf",
        {"weights": WEIGHTS, "loc": CORNERS},
        "independent axes",
        make=lambda p: gd.Mixture(p.weights, gd.Normal(p.loc.T, 0.5)),
        oracle=_independent,
        inside=lambda p: spread(p.loc[0], np.eye(2)),
        checks=_independent_checks,
        stackable=False,
    ),
    _one(
        "MixtureGeneral",
        "lines",
        {"weights": WEIGHTS, "loc": [0.0, -1.5, 3.0], "scale": [1.0, 0.4, 5.0], "df": [4.0, 1.5, 30.0]},
        _declared_general,
        _general,
        lambda p: Domain(center=float(p.loc)),
        stackable=False,
    ),
    Counted(
        "MixtureOf",
        {"weights": WEIGHTS, "rate": [[1.0, 4.0, 20.0], [0.2, 3.0, 3.0], [9.0, 1.0, 30.0]]},
        "Poisson",
        make=lambda p: gd.Mixture(p.weights, gd.Poisson(p.rate)),
        oracle=_poissons,
        stackable=False,
    ),
    Counted(
        "MixtureGeneral",
        {"weights": WEIGHTS, "rate": [1.0, 0.3, 12.0]},
        "counts",
        make=_declared_counts,
        oracle=_general_counts,
        stackable=False,
    ),
    Many(
        "MixtureOf",
        {"weights": WEIGHTS, "loc": CORNERS},
        "vectors",
        make=lambda p: gd.Mixture(p.weights, gd.MultivariateNormal(p.loc, scale_tril=TRIL)),
        oracle=_vectors,
        inside=lambda p: spread(p.loc[0], TRIL),
        checks=_vector_checks,
        stackable=False,
    ),
    Counted(
        "ZeroInflated",
        {"rate": [3.0, 0.2, 40.0], "gate": [0.3, 0.9, 0.01]},
        "gate",
        make=_declared_inflated,
        oracle=_inflated,
    ),
    Counted(
        "ZeroInflated",
        {"rate": [3.0, 0.2, 40.0], "gate_logits": [0.0, 2.0, -4.0]},
        "gate logits",
        make=_declared_inflated,
        oracle=_inflated,
    ),
    Many(
        "SineSkewed",
        {"loc": [0.0, -2.9, 1.2], "concentration": [1.0, 0.2, 40.0], "skewness": [[0.0], [0.9], [-0.5]]},
        "one angle",
        make=lambda p: gd.SineSkewed(gd.VonMises(p.loc, p.concentration).expand(1), p.skewness),
        oracle=_skewed_circle,
        inside=lambda p: np.linspace(-3.1, 3.1, 24)[:, None],
        checks=_skew_checks,
        stackable=False,
    ),
    Many(
        "Delta",
        {"v": [1.0, -2.0, 0.5], "log_density": [0.0, 1.0, -3.0]},
        oracle=_delta,
        inside=lambda p: np.full(2, p.v),
        beyond=lambda p: p.v + np.array([1.0, -1e-6]),
        checks=lambda p, x: [Mean("value", x, float(p.v))],
        latent=False,
    ),
    One(
        "Masked",
        {"loc": [0.0, -1.5, 3.0], "keep": [True, False, True]},
        "Normal",
        make=lambda p: gd.Normal(p.loc, 2.0).mask(bool(p.keep) if isinstance(p.keep, np.ndarray) else p.keep),
        oracle=lambda p: Scaled(stats.norm(p.loc, 2.0), bool(p.keep)),
        domain=lambda p: Domain(center=float(p.loc)),
        stackable=False,
    ),
]
