"""Every scalar family whose draws have a path in a guide: one that is the prior makes the bound the mean likelihood.

With q = p, log w is the log-likelihood alone, whatever is drawn, so that the ELBO of data that do not depend on the
latent is their log-density.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.families import FAMILIES
from gendsl.objectives import ELBO
from tests.objectives.gauss import Run, bound

PARAMETERS: dict[str, dict[str, float]] = {
    "Normal": {"loc": 0.3, "scale": 0.7},
    "HalfNormal": {"scale": 0.7},
    "LogNormal": {"loc": 0.3, "scale": 0.7},
    "Cauchy": {"loc": 0.3, "scale": 0.7},
    "HalfCauchy": {"scale": 0.7},
    "StudentT": {"df": 4.0, "loc": 0.3, "scale": 0.7},
    "Laplace": {"loc": 0.3, "scale": 0.7},
    "AsymmetricLaplace": {"loc": 0.3, "scale": 0.7, "asymmetry": 1.3},
    "SoftLaplace": {"loc": 0.3, "scale": 0.7},
    "Logistic": {"loc": 0.3, "scale": 0.7},
    "Gumbel": {"loc": 0.3, "scale": 0.7},
    "TruncatedNormal": {"loc": 0.3, "scale": 0.7, "low": -0.5, "high": 0.9},
    "Exponential": {"rate": 0.7},
    "Gamma": {"concentration": 2.0, "rate": 0.7},
    "Chi2": {"df": 4.0},
    "InverseGamma": {"concentration": 2.0, "rate": 0.7},
    "Weibull": {"scale": 0.7, "concentration": 1.4},
    "Pareto": {"scale": 0.7, "alpha": 3.0},
    "Beta": {"concentration1": 2.0, "concentration0": 1.4},
    "Kumaraswamy": {"concentration1": 2.0, "concentration0": 1.4},
    "RelaxedBernoulli": {"temperature": 0.6, "probs": 0.4},
}
FIXED = {("TruncatedNormal", "low"), ("TruncatedNormal", "high"), ("Pareto", "scale")}  # the support must not move
DATA = {"y": np.array([0.4, -1.2, 2.0])}


def _pair(family: str) -> tuple[gd.Model, gd.Model]:
    """One latent that rows share and one of each row."""
    kind: Any = getattr(gd, family)
    m, g = gd.Model("m"), gd.Model("g")
    row, own = m.plate("row"), g.plate("row")
    given: dict[str, Any] = {}
    for name, x in PARAMETERS[family].items():
        inside = gd.unit_interval if name == "probs" else gd.real if name == "loc" else gd.positive
        given[name] = x if (family, name) in FIXED else g.param(name, x, constraint=inside)
    for name, p, q in (("s", None, None), ("t", row, own)):
        m.latent(name, kind(**PARAMETERS[family]), dims=p)
        g.latent(name, kind(**given), dims=q)
    m.observe("y", gd.Normal(0, 1), dims=row)
    return m, g


def test_all_are_here() -> None:
    scalar = [k for k, f in FAMILIES.items() if f.params and all(p.kind == "value" and not p.rank for p in f.params)]
    assert {k for k in scalar if FAMILIES[k].reparametrised} == {*PARAMETERS, "Uniform", "Delta", "Unit"}


def _check(family: str, particles: int, backend: str) -> None:
    m, g = _pair(family)
    run = Run(bound(m, ELBO(guide=g, particles=particles), DATA, backend), backend)
    params = run.game.initial_params(0)
    value, slope = run.value(params, run.noise(0))
    assert value == pytest.approx(0.5 * (np.log(2 * np.pi) * 3 + (DATA["y"] ** 2).sum()), rel=1e-8)
    assert all(np.isfinite(x).all() for x in slope.values())


@pytest.mark.parametrize("family", PARAMETERS)
def test_a_prior_as_guide(family: str) -> None:
    _check(family, 3, "pyro")


@pytest.mark.slow
@pytest.mark.parametrize("particles", [1, 3])
@pytest.mark.parametrize("family", PARAMETERS)
def test_a_prior_as_guide_on_both(family: str, particles: int, backend: str) -> None:
    """On NumPyro, a minute of compilation for most."""
    _check(family, particles, backend)


def test_an_image_of_normal_noise() -> None:
    """A draw of a log-normal is a function of the noise that is given: equal values and gradients on both backends."""
    m, g = _pair("LogNormal")
    found = []
    for b in ("pyro", "numpyro"):
        run = Run(bound(m, ELBO(guide=g, particles=3), DATA, b), b)
        params = {k: x + 0.1 for k, x in run.game.initial_params(0).items()}
        noise = {k: np.random.default_rng(1).normal(size=x.shape) for k, x in run.noise(0).items()}
        found.append(run.value(params, noise))
    (v, p), (w, q) = found
    assert v == pytest.approx(w, rel=1e-10)
    for k in p:
        np.testing.assert_allclose(p[k], q[k], rtol=1e-10)


def test_a_guide_without_data_over_its_plate(backend: str) -> None:
    """The size is the model's: with a parameter for each row, the posterior N(y / 2, 1 / 2) is exact."""
    m, g = gd.Model("m"), gd.Model("g")
    row, own = m.plate("row"), g.plate("row")
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1), dims=row), 1), dims=row)
    g.latent("z", gd.Normal(g.param("a", 0.0, dims=own), np.sqrt(0.5)), dims=own)
    run = Run(bound(m, ELBO(guide=g), DATA, backend), backend)
    value, slope = run.value({"a": DATA["y"] / 2}, run.noise(0))
    assert value == pytest.approx(0.5 * (np.log(4 * np.pi) * 3 + (DATA["y"] ** 2).sum() / 2), rel=1e-10)
    assert slope["a"].shape == (3,)
