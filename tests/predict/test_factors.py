"""Factors that LOO and its like leave out are named; the observation that the warning advises is the same term."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from gendsl.unscored import like_likelihoods
from tests.predict.exact import fit_of

T = np.array([0.4, 1.1, 2.0, 0.9, 1.6])
EVENT = np.array([True, True, False, True, False])
DATA = {"t": T, "event": EVENT}
DRAWS = {"k": np.linspace(0.8, 1.6, 40).reshape(2, 20), "scale": np.linspace(1.9, 1.1, 40).reshape(2, 20)}


def survival(observed: bool) -> gd.Model:
    m = gd.Model("survival")
    subject = m.plate("subject")
    t, event = m.data("t", dims=subject), m.data("event", dims=subject, dtype=bool)
    k, scale = m.latent("k", gd.LogNormal(0, 0.5)), m.latent("scale", gd.LogNormal(0, 1))
    m.observe("seen", gd.Weibull(scale, k), value=t, mask=event)
    hazard = (t / scale) ** k
    if observed:
        m.observe("censored", gd.Poisson(hazard), value=gd.where(event, 1, 0), mask=~event)
    else:
        m.factor("censored", gd.where(event, 0.0, -hazard))
    return m


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_of(survival(observed=False), DATA, "pyro", DRAWS)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f.loo(), "LOO of model 'survival' counts observations only"),
        (lambda f: f.log_likelihood(), "a log-likelihood counts observations only"),
        (lambda f: f.log_prob(DATA), "a log predictive density counts observations only"),
        (lambda f: f.with_groups(log_likelihood=True), "a log-likelihood counts observations only"),
        (lambda f: gd.compare({"a": f, "b": f}), "LOO of model 'survival' counts observations only"),
    ],
)
def test_a_factor_that_is_left_out_is_named(fit: Fit, call: Callable[[Fit], object], words: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(fit)
    said = [w for w in caught if w.category is gd.GendslWarning and "factor 'censored' is not in it" in str(w.message)]
    assert said
    message = str(said[0].message)
    assert words in message
    for part in ("node 'censored' (test_factors.py:", "plate 'subject'", 'm.observe("censored", gd.Poisson(-w)'):
        assert part in message
    assert said[0].filename == __file__  # the user's line


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_the_observation_advised_is_the_same_term(backend: str) -> None:
    """A censored row's log-probability -h is that of no event of a Poisson distribution with rate h."""
    bounds = [survival(observed).compile(backend).bind(DATA) for observed in (False, True)]
    engine = bounds[0].program.backend
    with bounds[0].program.context():
        u = {k: engine.array(np.full(s, 0.3), "float64") for k, s in bounds[0].shapes.items()}
        a, b = (float(engine.numpy(x.log_density(u))) for x in bounds)
    np.testing.assert_allclose(a, b, rtol=1e-12)
    fit = fit_of(survival(observed=True), DATA, backend, DRAWS)
    terms = fit.log_likelihood()
    hazard = (T[~EVENT] / DRAWS["scale"][..., None]) ** DRAWS["k"][..., None]
    np.testing.assert_allclose(terms["censored"], -hazard, rtol=1e-12)
    assert fit.loo().n_data_points == len(T)


def test_factors_of_priors_are_not_named() -> None:
    m = gd.Model("m")
    group, obs = m.plate("group"), m.plate("obs")
    where = m.data("where", dims=obs, indexes=group)
    a = m.latent("a", gd.Normal(0, 1), dims=group)
    both = m.latent("both", gd.Normal(0, 1), dims=obs)
    b = m.latent("b", gd.Normal(0, 1).expand(2), constraint=gd.ordered)  # declares a factor
    m.factor("sum_to_zero", -50.0 * gd.sum(a, dim=group) ** 2)
    m.factor("thin_tails", -(both**4))
    m.factor("known_size", m.data("weight", dims=group) * a)
    m.observe("y", gd.Normal(a[where] + b[0] + both, 1), dims=obs)
    assert like_likelihoods(m.graph) == []
    m.factor("summed", gd.sum(m.data("w", dims=obs) * a[where], dim=obs))
    late = obs >= 1
    m.factor("part", m["w"][late] * both[late])
    assert [(n.name, d) for n, d in like_likelihoods(m.graph)] == [("summed", "obs"), ("part", "obs")]
