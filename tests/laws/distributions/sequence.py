"""Cases of distributions along a plate: Markov chains, hidden Markov chains, Gaussian processes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import special, stats

import gendsl as gd
from tests.laws.distributions.case import Many, Row
from tests.laws.distributions.checks import Check, Mean, Ranks, frequencies
from tests.laws.distributions.multivariate import Rows

__all__ = ["CASES"]

LENGTH = 5


def _paths(p: Row) -> np.ndarray:
    rng = np.random.default_rng(9)
    return rng.normal(size=(24, LENGTH)) * np.repeat([0.1, 1.0, 3.0, 100.0], 6)[:, None]


# -- Markov ---------------------------------------------------------------------------------------------------------
def _chain(p: Row, t: gd.Plate) -> gd.Distribution:
    def step(x: gd.Expr, clock: gd.Expr) -> gd.Distribution:
        return gd.Normal(p.drift * clock + p.pull * x, p.scale)

    return gd.Markov(gd.Normal(p.start, 1.0), step, dim=t, inputs=[gd.to_float(t.index)])


def _means(p: Row, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clock = np.arange(1, LENGTH)
    mean = np.concatenate([np.full((len(x), 1), p.start), p.drift * clock + p.pull * x[:, :-1]], 1)
    return mean, np.concatenate([[1.0], np.full(LENGTH - 1, p.scale)])


def _chain_density(p: Row) -> Rows:
    return Rows(lambda x: float(stats.norm(*(v[0] if v.ndim > 1 else v for v in _means(p, x[None]))).logpdf(x).sum()))


def _chain_checks(p: Row, x: np.ndarray) -> list[Check]:
    mean, scale = _means(p, x)
    return [Ranks(f"element {t}", stats.norm.cdf((x[:, t] - mean[:, t]) / scale[t])) for t in range(LENGTH)]


def _counting(p: Row, t: gd.Plate) -> gd.Distribution:
    return gd.Markov(gd.Poisson(p.rate), lambda k: gd.Poisson(p.rate + 0.5 * k), dim=t)


def _counting_density(p: Row) -> Rows:
    def one(k: np.ndarray) -> float:
        rates = np.concatenate([[p.rate], p.rate + 0.5 * k[:-1]])
        return float(stats.poisson(rates).logpmf(k).sum())

    return Rows(one)


def _counting_checks(p: Row, x: np.ndarray) -> list[Check]:
    table = stats.poisson(p.rate).pmf(np.arange(60))
    gaps = x[:, 1:] - (p.rate + 0.5 * x[:, :-1])
    return [frequencies("first", x[:, 0], table), Mean("innovations", gaps, 0.0, cap=1.0)]


# -- hidden Markov --------------------------------------------------------------------------------------------------
START = [[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]]
MOVES = [[[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5], [0.2, 0.8]], [[0.05, 0.95], [1e-6, 1.0 - 1e-6]]]
LEVELS = [[-2.0, 2.0], [0.0, 0.5], [1.0, 10.0]]


def _hidden(p: Row, t: gd.Plate) -> gd.Distribution:
    return gd.HiddenMarkov(p.initial, p.transition, gd.Normal(p.loc, 1.0), dim=t)


def _hidden_density(p: Row) -> Rows:
    """The sum over all paths of states."""

    def one(x: np.ndarray) -> float:
        each = stats.norm(p.loc[None, :], 1.0).logpdf(x[:, None])
        terms = []
        for path in itertools.product(range(2), repeat=LENGTH):
            moves = sum(np.log(p.transition[a, b]) for a, b in itertools.pairwise(path))
            terms.append(np.log(p.initial[path[0]]) + moves + sum(each[t, s] for t, s in enumerate(path)))
        return float(special.logsumexp(terms))

    return Rows(one)


def _hidden_checks(p: Row, x: np.ndarray) -> list[Check]:
    share, out = p.initial, []
    for t in range(LENGTH):
        cdf = (share * stats.norm(p.loc, 1.0).cdf(x[:, t, None])).sum(-1)
        out.append(Ranks(f"element {t}", cdf))
        share = share @ p.transition
    first = np.einsum("i,ij,i,j->", p.initial, p.transition, p.loc, p.loc)
    return [*out, Mean("neighbours", x[:, 0] * x[:, 1], float(first))]


# -- Gaussian process -----------------------------------------------------------------------------------------------
def _process(p: Row, t: gd.Plate) -> gd.Distribution:
    kernel = gd.kernel.SquaredExponential(scale=p.scale, length=p.length)
    return gd.GaussianProcess(kernel, gd.to_float(t.index), noise=p.noise, mean=p.mean)


def _covariance(p: Row) -> np.ndarray:
    gap = np.subtract.outer(np.arange(LENGTH), np.arange(LENGTH)) / p.length
    return p.scale**2 * np.exp(-0.5 * gap**2) + (p.noise + 1e-10) * np.eye(LENGTH)


def _process_checks(p: Row, x: np.ndarray) -> list[Check]:
    z = np.linalg.solve(np.linalg.cholesky(_covariance(p)), (x - p.mean).T).T
    return [Ranks("coordinates", stats.norm.cdf(z)), Ranks("distance", stats.chi2(LENGTH).cdf((z**2).sum(-1)))]


def _along(family: str, form: str, params: dict[str, Any], make: Any, oracle: Any, checks: Any, **more: Any) -> Many:
    inside = more.pop("inside", _paths)
    return Many(family, params, form, make, oracle, inside=inside, checks=checks, length=LENGTH, **more)


CASES: list[Many] = [
    _along(
        "Markov",
        "",
        {"start": [0.0, 2.0, -1.0], "pull": [1.0, 0.5, -0.9], "drift": [0.0, 1.0, 0.2], "scale": [1.0, 0.3, 2.0]},
        _chain,
        _chain_density,
        _chain_checks,
    ),
    _along(
        "Markov",
        "counts",
        {"rate": [3.0, 0.5, 10.0]},
        _counting,
        _counting_density,
        _counting_checks,
        counts=True,
        latent=False,
        inside=lambda p: np.random.default_rng(10).poisson(6.0, (24, LENGTH)),
    ),
    _along(
        "HiddenMarkov",
        "",
        {"initial": START, "transition": MOVES, "loc": LEVELS},
        _hidden,
        _hidden_density,
        _hidden_checks,
    ),
    _along(
        "JointNormal",
        "",
        {"scale": [2.0, 0.5, 1.0], "length": [1.0, 3.0, 0.4], "noise": [1.0, 0.1, 0.01], "mean": [0.0, 3.0, -1.0]},
        _process,
        lambda p: stats.multivariate_normal(np.full(LENGTH, p.mean), _covariance(p)),
        _process_checks,
    ),
]
