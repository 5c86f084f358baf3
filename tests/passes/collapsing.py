"""Models whose likelihoods collapse to sufficient statistics, and helpers to look at what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.graph.node import Graph
from gendsl.passes import lower

__all__ = ["FAMILIES", "REGRESSIONS", "Family", "density_graph", "observed"]

Data = dict[str, Any]


def density_graph(model: gd.Model) -> Graph:
    """The graph of the fused density."""
    return lower(model.graph)[1]


def observed(model: gd.Model) -> list[str]:
    """The observations that are still there in the fused density."""
    return [str(n.name) for _, n in density_graph(model).of("observe")]


@dataclass(frozen=True)
class Family:
    """One exponential family.

    Attributes:
        dist: its distribution, of two real random values and of counts that are data.
        draw: rows of it, of some shape.
        vector: whether its parameters or draws are vectors.
    """

    dist: Callable[[Any, Any, Any], Any]
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    vector: bool = False


FACTOR = np.linalg.cholesky(np.array([[1.0, 0.3, -0.2], [0.3, 2.0, 0.5], [-0.2, 0.5, 1.5]]))


def _simplex(a: Any, b: Any) -> Any:
    return gd.softmax(gd.stack([a, b, a * b]))


FAMILIES: dict[str, Family] = {
    "Normal": Family(lambda a, b, n: gd.Normal(a, gd.exp(b)), lambda r, s: r.normal(3.0, 2.0, s)),
    "LogNormal": Family(lambda a, b, n: gd.LogNormal(a, gd.exp(b)), lambda r, s: r.lognormal(0.3, 1.0, s)),
    "HalfNormal": Family(lambda a, b, n: gd.HalfNormal(gd.exp(b)), lambda r, s: np.abs(r.normal(0, 1, s))),
    "Laplace": Family(lambda a, b, n: gd.Laplace(1.0, gd.exp(b)), lambda r, s: r.laplace(1.0, 1.0, s)),
    "Exponential": Family(lambda a, b, n: gd.Exponential(gd.exp(a)), lambda r, s: r.exponential(1.0, s)),
    "Gamma": Family(lambda a, b, n: gd.Gamma(gd.exp(a), gd.exp(b)), lambda r, s: r.gamma(2.0, 1.0, s)),
    "InverseGamma": Family(
        lambda a, b, n: gd.InverseGamma(gd.exp(a), gd.exp(b)), lambda r, s: 1 / r.gamma(2.0, 1.0, s)
    ),
    "Chi2": Family(lambda a, b, n: gd.Chi2(gd.exp(a)), lambda r, s: r.chisquare(3.0, s)),
    "Pareto": Family(lambda a, b, n: gd.Pareto(0.5, gd.exp(b)), lambda r, s: 0.5 * (1 + r.pareto(2.0, s))),
    "Beta": Family(lambda a, b, n: gd.Beta(gd.exp(a), gd.exp(b)), lambda r, s: r.beta(2.0, 3.0, s)),
    "Dirichlet": Family(
        lambda a, b, n: gd.Dirichlet(gd.exp(gd.stack([a, b, a + b]))),
        lambda r, s: r.dirichlet([1.0, 2.0, 3.0], s),
        vector=True,
    ),
    "MultivariateNormal": Family(
        lambda a, b, n: gd.MultivariateNormal(gd.stack([a, b, a * b]), scale_tril=gd.exp(b) * FACTOR),
        lambda r, s: r.normal(2.0, 1.0, (*s, 3)),
        vector=True,
    ),
    "Bernoulli": Family(lambda a, b, n: gd.Bernoulli(logits=a + b), lambda r, s: r.binomial(1, 0.3, s)),
    "Binomial": Family(lambda a, b, n: gd.Binomial(n, probs=gd.sigmoid(a)), lambda r, s: r.binomial(3, 0.3, s)),
    "Geometric": Family(lambda a, b, n: gd.Geometric(probs=gd.sigmoid(a) * 0.9), lambda r, s: r.geometric(0.3, s) - 1),
    "NegativeBinomial": Family(
        lambda a, b, n: gd.NegativeBinomial(n + 0.5, logits=a), lambda r, s: r.negative_binomial(2, 0.4, s)
    ),
    "Poisson": Family(lambda a, b, n: gd.Poisson(gd.exp(a)), lambda r, s: r.poisson(2.0, s)),
    "Categorical": Family(
        lambda a, b, n: gd.Categorical(probs=_simplex(a, b)), lambda r, s: r.integers(0, 3, s), vector=True
    ),
    "Multinomial": Family(
        lambda a, b, n: gd.Multinomial(6, logits=gd.stack([a, b, a * b])),
        lambda r, s: r.multinomial(6, [0.2, 0.3, 0.5], s),
        vector=True,
    ),
}


# -- regressions ------------------------------------------------------------------------------------------------------
def _regression(build: Callable[..., Any], *, log: bool = False) -> Callable[[], tuple[gd.Model, Data]]:
    """A regression over 40 rows of two plates; `build` gets the model, what it may use, and returns loc and scale."""

    def make() -> tuple[gd.Model, Data]:
        m = gd.Model("regression")
        group, row, county = m.plate("group", 4), m.plate("row"), m.plate("county", 5)
        r = np.random.default_rng(3)
        given: dict[str, Any] = {
            "x": m.data("x", dims=row),
            "k": m.data("k", dims=(group, row), dtype=int),
            "late": m.data("late", dims=row, dtype=bool),
            "w": m.data("w", dims=(group, row), support=gd.positive),
            "X": m.data("X", dims=(row, group), event=(3,)),
            "a": m.latent("a", gd.Normal(0, 1)),
            "b": m.latent("b", gd.Normal(0, 1)),
            "beta": m.latent("beta", gd.Normal(0, 1).expand(3)),
            "s": m.latent("s", gd.HalfNormal(1)),
            "g": m.latent("g", gd.Normal(0, 1), dims=group),
            "c": m.latent("c", gd.Normal(0, 1), dims=county),
            "at": m.data("at", dims=(group, row), indexes=county),
        }
        loc, scale = build(**given)
        m.observe("y", (gd.LogNormal if log else gd.Normal)(loc, scale), dims=(group, row))
        shape = (4, 10)
        y = r.normal(size=shape) + 2.0
        data: Data = {
            "x": r.normal(size=10),
            "k": r.integers(0, 5, shape),
            "late": r.random(10) < 0.5,
            "w": r.uniform(0.5, 2.0, shape),
            "X": r.normal(size=(10, 4, 3)),
            "at": r.choice([0, 1, 2, 4], shape),
            "y": np.exp(y) if log else y,
        }
        return m, data

    return make


REGRESSIONS: Mapping[str, Callable[[], tuple[gd.Model, Data]]] = {
    "intercept and slope": _regression(lambda a, b, x, s, **_: (a + b * x, s)),
    "matrix": _regression(lambda beta, X, s, **_: (X @ beta, s)),
    "vector on the left": _regression(lambda beta, X, s, **_: (beta @ X, s)),
    "sum of products": _regression(lambda beta, X, s, **_: ((X * beta).sum(), s)),
    "matrix, intercept, offset": _regression(lambda a, beta, X, x, s, **_: (3 * x - a + X @ beta / 2.0, s)),
    "elements of a vector": _regression(
        lambda beta, x, k, s, **_: (beta[0] + beta[1] * x - beta[2] * x * k + beta[0] * k, s)
    ),
    "one element of a vector": _regression(lambda beta, a, x, s, **_: (a + beta[1] * x, s)),
    "elements beside the matrix": _regression(lambda beta, X, x, s, **_: (X @ beta + beta[1] * x, s)),
    "quotients": _regression(lambda a, b, x, w, s, **_: ((a + b * x) / w + x / a, s)),
    "nested": _regression(lambda a, b, x, k, s, **_: (-(a * (x - 2 * k) + b * (a - x)) * 0.5, s)),
    "where": _regression(lambda a, b, x, late, s, **_: (gd.where(late, a * x, b - x), s)),
    "equal coefficients": _regression(lambda a, x, k, s, **_: (a * x + a * k + a, s)),
    "dependent columns": _regression(lambda a, b, beta, X, x, s, **_: (a + b + a * b + X @ beta + b * x, s)),
    "noise that varies": _regression(lambda a, b, x, w, s, **_: (a + b * x, s * w / 2.0)),
    "known noise": _regression(lambda a, b, x, w, **_: (a + b * x, w)),
    "a number as noise": _regression(lambda a, b, x, **_: (a + b * x, 1.5)),
    "data as mean": _regression(lambda x, s, **_: (2 * x, s)),
    "a precision": _regression(lambda a, b, x, s, **_: (a * x, 1 / gd.sqrt(s))),
    "levels of a plate": _regression(lambda g, b, x, s, **_: (g + b * x, s)),
    "noise of a plate": _regression(lambda a, g, b, x, **_: (a + b * x, gd.exp(g))),
    "levels": _regression(lambda a, c, at, beta, X, x, s, **_: (a + x - c[at] / 2.0 + X @ beta, s)),
    "levels and no columns": _regression(lambda a, c, at, x, w, s, **_: (c[at] * a + x, s * w)),
    "levels, noise that varies": _regression(
        lambda b, c, at, beta, X, x, w, s, **_: (gd.exp(c)[at] + c[at] + b * x, s / w)
    ),
    "of the logarithm": _regression(lambda a, b, x, w, s, **_: (a + b * x, s * w), log=True),
}
