"""New rows, known and new groups, observations of observations, missing elements, joint distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import gendsl as gd
from gendsl.fit import Fit
from tests.fit.models import SCHOOLS, schools
from tests.fit.test_reproducible import _globals
from tests.predict.exact import fit_of, prior_fit, within


def grouped(backend: str, coords: Any = None) -> Fit:
    """Observations in three counties, whose effects are drawn at 0, 10 and 20."""
    m = gd.Model("grouped")
    county, row = m.plate("county", coords=coords), m.plate("row")
    effect = m.latent("effect", gd.Normal(0, 30), dims=county)
    of = m.data("of", dims=row, indexes=county)
    m.observe("y", gd.Normal(effect[of], 0.1), dims=row)
    data = {"of": ["C", "A", "B", "A"] if coords is None else [coords[2], coords[0], coords[1]], "y": [20.0, 0, 10, 0]}
    data["y"] = data["y"][: len(data["of"])]
    return fit_of(m, data, backend, {"effect": np.tile([0.0, 10.0, 20.0], (2, 50, 1))})


def test_labels_are_those_of_the_fit(backend: str) -> None:
    fit = grouped(backend)
    out = fit.sample({"of": ["B", "B", "C"]})["y"]
    assert out.shape == (2, 50, 3)
    assert np.abs(out - [10, 10, 20]).max() < 1
    out = fit.sample({"of": pd.Categorical(["C"], categories=["C", "B"])})["y"]
    assert np.abs(out - 20).max() < 1
    with pytest.raises(gd.DataError, match="labels that plate 'county' does not have"):
        fit.sample({"of": ["B", "D"]})
    years = grouped("pyro", [2001, 2002, 2003])
    assert np.abs(years.sample({"of": [2002]})["y"] - 10).max() < 1


def test_new_groups_are_drawn_given_the_hyperparameters(backend: str) -> None:
    count = 4000
    draws = {"mu": np.full((1, count), 3.0), "tau": np.full((1, count), 2.0), "theta": np.zeros((1, count, 8))}
    fit = fit_of(schools(), SCHOOLS, backend, draws)
    out = fit.sample({"sigma": [1.0, 5.0]}, names=["y", "theta"], new="school")
    theta, y = out["theta"][0], out["y"][0]
    assert y.shape == (count, 2)
    within(theta.mean(0), 3.0, 2 / np.sqrt(count), 0.1)
    sd = np.sqrt(4 + np.array([1.0, 25.0]))
    within(y.var(0, ddof=1), sd**2, sd**2 * np.sqrt(2 / count), 1.0)
    old = fit.sample()["y"][0]
    within(old.mean(0), 0.0, np.array(SCHOOLS["sigma"]) / np.sqrt(count), 0.4)
    density = fit.log_prob({"sigma": [1.0, 5.0], "y": [2.0, 4.0]}, new=["school"])
    within(np.array(density.value), norm(3, sd).logpdf([2.0, 4.0]).sum(), density.se, 0.05)


def test_known_groups_beside_new_ones_keep_their_draws(backend: str) -> None:
    fit = grouped(backend)
    out = fit.sample({"of": ["B", "D", "C"]}, names=["effect", "y"], new="county", seed=3)
    assert np.all(out["effect"][..., :2] == [10.0, 20.0])  # B, C
    assert np.abs(out["y"][..., [0, 2]] - [10, 20]).max() < 1
    new = out["effect"][..., 2]
    within(new.mean(), 0.0, 30 / np.sqrt(new.size), 15.0)
    assert np.abs(out["y"][..., 1] - new).max() < 1
    again = fit.sample({"of": ["B", "D", "C"]}, names="effect", new="county", seed=3)["effect"]
    assert np.array_equal(again, out["effect"])
    codes = fit.sample({"of": [0, 1]}, names="effect", new="county")["effect"]  # without labels, all are new
    assert np.abs(codes).max() > 20.5


def test_known_groups_of_crossing_plates(backend: str) -> None:
    m = gd.Model("crossed")
    a, b, row = m.plate("a"), m.plate("b"), m.plate("row")
    effect = m.latent("effect", gd.Normal(0, 30), dims=(a, b))
    i, j = m.data("i", dims=row, indexes=a), m.data("j", dims=row, indexes=b)
    m.observe("y", gd.Normal(effect[i, j], 0.1), dims=row)
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    data = {"i": ["p", "q"], "j": ["s", "t"], "y": [1.0, 4.0]}
    fit = fit_of(m, data, backend, {"effect": np.tile(truth, (1, 30, 1, 1))})
    out = fit.sample({"i": ["o", "q"], "j": ["s", "t"]}, names="effect", new=["a", "b"])["effect"]
    assert np.all(out[:, :, 1] == truth[1])  # a: o, q
    assert out[:, :, 0].std() > 10
    out = fit.sample({"i": ["q", "p"], "j": ["s", "t"]}, names="effect", new="a")["effect"]
    assert np.all(out == truth)


def test_joint_groups_are_all_new_or_all_known(backend: str) -> None:
    m = gd.Model("joint")
    g, row = m.plate("g"), m.plate("row")
    x = m.data("x", dims=g)
    f = m.latent("f", gd.Markov(gd.Normal(0, 1), lambda before, x: gd.Normal(before + x, 1), dim=g, inputs=[x]), dims=g)
    of = m.data("of", dims=row, indexes=g)
    m.observe("y", gd.Normal(f[of], 0.1), dims=row)
    data = {"x": pd.Series([0.0, 1.0], ["p", "q"]), "of": ["p", "q"], "y": [0.0, 1.0]}
    fit = fit_of(m, data, backend, {"f": np.zeros((1, 20, 2))})
    with pytest.raises(gd.FitError, match="'f' is joint over 'g'"):
        fit.sample({"x": pd.Series([0.0, 2.0], ["p", "r"]), "of": ["p", "r"]}, new="g")


def linked() -> gd.Model:
    """x is observed, and y given x."""
    m = gd.Model("linked")
    row = m.plate("row")
    a = m.latent("a", gd.Normal(0, 1))
    x = m.observe("x", gd.Normal(a, 1.0), dims=row)
    m.observe("y", gd.Normal(10 * x, 0.1), dims=row)
    return m


def test_observations_that_are_not_named_are_held(backend: str) -> None:
    fit = fit_of(linked(), {"x": [1.0, 2.0], "y": [10.0, 20.0]}, backend, {"a": np.zeros((1, 200))})
    both = fit.sample()
    assert list(both) == ["x", "y"]
    assert np.abs(both["y"] - 10 * both["x"]).max() < 1  # y follows the drawn x
    assert both["x"].std() > 0.8
    assert np.abs(fit.sample(names=["y"])["y"] - [10, 20]).max() < 1
    assert np.abs(fit.sample({"x": [5.0]}, names=["y"])["y"] - 50).max() < 1
    assert fit.sample({}, sizes={"row": 7})["y"].shape == (1, 200, 7)
    assert fit.sample(sizes={"row": 7}, names=["y"])["y"].shape == (1, 200, 7)
    again = fit.log_likelihood()
    assert np.allclose(again["y"], norm(0, 0.1).logpdf(0))
    assert np.allclose(again["x"], norm(0, 1).logpdf([1.0, 2.0]))


@pytest.mark.parametrize("missing", [gd.Missing.MASK, gd.Missing.IMPUTE])
def test_missing_elements_are_predicted_and_have_no_likelihood(backend: str, missing: gd.Missing) -> None:
    m = gd.Model("gaps")
    row = m.plate("row", coords=["p", "q", "r", "s"])
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1), dims=row, missing=missing)
    draws: dict[str, np.ndarray] = {"mu": np.array([[0.5, 1.0]])}
    if missing is gd.Missing.IMPUTE:
        draws["y_missing"] = np.zeros((1, 2, 2))
    y = np.array([1.0, np.nan, 0.5, np.nan])
    fit = fit_of(m, {"y": y}, backend, draws)
    got = fit.log_likelihood()["y"]
    assert got.shape == (1, 2, 2)
    assert np.allclose(got, norm(draws["mu"][..., None], 1).logpdf([1.0, 0.5]))
    assert fit.sample()["y"].shape == (1, 2, 4)
    group = fit.with_groups(log_likelihood=True).log_likelihood["y"]
    assert group.dims == ("chain", "draw", "y_counted")
    assert group.coords["y_counted"].values.tolist() == ["p", "r"]
    assert np.isfinite(group).all()
    idata = m.prior_predictive({"y": y}, 5, backend=backend)
    assert list(idata.prior) == ["mu"]
    assert idata.prior_predictive["y"].shape == (1, 5, 4)
    assert np.array_equal(idata.observed_data["y"], y, equal_nan=True)


def test_imputed_covariates_need_the_data_of_the_fit() -> None:
    m = gd.Model("covariate")
    row = m.plate("row")
    x = m.observe("x", gd.Normal(0, 1), dims=row, missing=gd.Missing.IMPUTE)
    slope = m.latent("slope", gd.Normal(0, 1))
    m.observe("y", gd.Normal(slope * x, 0.1), dims=row)
    draws = {"slope": np.full((1, 3), 2.0), "x_missing": np.full((1, 3, 1), 7.0)}
    fit = fit_of(m, {"x": [1.0, np.nan], "y": [2.0, 14.0]}, "pyro", draws)
    assert np.abs(fit.sample(names=["y"])["y"] - [2, 14]).max() < 1  # x is held, its imputed element too
    assert fit.log_likelihood()["x"].shape == (1, 3, 1)
    assert fit.sample({}, sizes={"row": 3})["y"].shape == (1, 3, 3)
    assert np.abs(fit.sample({"x": [3.0, 4.0, 5.0]}, names=["y"])["y"] - [6, 8, 10]).max() < 1  # complete
    new = fit.log_prob({"x": [3.0, 4.0, 5.0], "y": [6.0, 8.0, 10.0]})
    assert np.allclose(new.elements["y"], norm(0, 0.1).logpdf(0))
    assert np.allclose(new.elements["x"], norm(0, 1).logpdf([3.0, 4.0, 5.0]))
    with pytest.raises(gd.FitError, match="missing elements of 'x' were imputed"):
        fit.sample({"x": [1.0, np.nan, 3.0]}, names=["y"])


def test_missing_elements_of_new_data_do_not_count(backend: str) -> None:
    m = gd.Model("gaps")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1), dims=m.plate("row"), missing=gd.Missing.IMPUTE)
    fit = fit_of(m, {"y": [1.0, np.nan]}, backend, {"mu": np.zeros((1, 4)), "y_missing": np.zeros((1, 4, 1))})
    out = fit.log_prob({"y": [0.5, np.nan, 2.0]})
    assert out.value == pytest.approx(norm(0, 1).logpdf([0.5, 2.0]).sum())
    assert out.elements["y"].shape == (2,)


def test_joint_observations_keep_their_declared_layout(backend: str) -> None:
    m = gd.Model("paths")
    t, series = m.plate("t", 5), m.plate("series", 2)
    level = m.latent("level", gd.Normal(0, 1), dims=series)
    s = m.latent("s", gd.HalfNormal(1))
    m.observe("y", gd.Markov(gd.Normal(level, 0.1), lambda x: gd.Normal(x, s), dim=t), dims=(t, series))
    y = np.arange(10.0).reshape(5, 2)
    draws = {"level": np.tile([0.0, 100.0], (2, 30, 1)), "s": np.full((2, 30), 0.01)}
    fit = fit_of(m, {"y": y}, backend, draws)
    out = fit.sample()["y"]
    assert out.shape == (2, 30, 5, 2)
    assert np.abs(out - [0.0, 100.0]).max() < 1
    got = fit.log_likelihood()["y"]
    assert got.shape == (2, 30, 2)
    steps = norm(0, 0.01).logpdf(np.diff(y, axis=0)).sum(0) + norm([0.0, 100.0], 0.1).logpdf(y[0])
    assert np.allclose(got, steps, rtol=1e-10)
    assert fit.with_groups(posterior_predictive=True).posterior_predictive["y"].dims == ("chain", "draw", "t", "series")


def test_values_outside_a_drawn_bound_have_no_likelihood(backend: str) -> None:
    m = gd.Model("bounded")
    top = m.latent("top", gd.HalfNormal(5))
    m.observe("y", gd.Uniform(0, top), dims=m.plate("row"))
    fit = fit_of(m, {"y": [1.0, 3.0]}, backend, {"top": np.array([[2.0, 4.0]])})
    got = fit.log_likelihood()["y"][0]
    assert np.array_equal(got, [[-np.log(2), -np.inf], [-np.log(4)] * 2])
    with pytest.raises(gd.FitError, match="log-likelihood is not finite"):
        fit.loo()
    out = fit.log_prob({"y": [1.0, 3.0]})
    assert out.value == pytest.approx(np.log(0.5 / 16))


def test_computed_values_outside_the_support_have_no_likelihood(backend: str) -> None:
    m = gd.Model("shifted")
    row = m.plate("row")
    y = m.data("y", dims=row)
    start = m.latent("start", gd.Normal(0, 1))
    m.observe("wait", gd.Exponential(2.0), value=y - start)
    m.observe("share", gd.Kumaraswamy(2.0, 2.0), value=y - start)
    fit = fit_of(m, {"y": [1.0, 3.0]}, backend, {"start": np.array([[0.5, 2.0]])})
    got = fit.log_likelihood()["wait"][0]
    assert np.allclose(got, [[np.log(2) - 1, np.log(2) - 5], [-np.inf, np.log(2) - 2]], atol=1e-10)
    share = fit.log_likelihood()["share"][0]
    assert share[0, 0] == pytest.approx(np.log(1.5))
    assert np.array_equal(share[[0, 1, 1], [1, 0, 1]], [-np.inf] * 3)
    assert fit.sample()["wait"].shape == (1, 2, 2)


def test_draws_of_counts_and_categories_feed_what_follows(backend: str) -> None:
    m = gd.Model("chain")
    row = m.plate("row", 500)
    x = m.observe("x", gd.Poisson(3.0), dims=row)
    on = m.observe("on", gd.Bernoulli(probs=0.5), dims=row)
    kind = m.observe("kind", gd.Categorical(probs=[0.2, 0.3, 0.5]), dims=row)
    shift = m.latent("shift", gd.Normal(0, 1).expand(3))
    m.observe("y", gd.Normal(x + 100.0 * gd.where(on > 0, 1.0, 0.0) + 1000 * shift[kind], 0.01), dims=row)
    idata = m.prior_predictive(draws=20, backend=backend)
    p = idata.prior_predictive
    assert all(p[k].dtype == np.int64 for k in ("x", "on", "kind"))
    shifts = np.take_along_axis(idata.prior["shift"].values[0], p.kind.values[0], -1)
    assert np.abs(p.y.values[0] - (p.x + 100 * p.on).values[0] - 1000 * shifts).max() < 0.1


def test_multinomial_draws_of_varying_totals(backend: str) -> None:
    m = gd.Model("votes")
    row = m.plate("row")
    n = m.data("n", dims=row, dtype=int)
    p = m.latent("p", gd.Dirichlet(np.ones(3)))
    m.observe("k", gd.Multinomial(n, probs=p), dims=row)
    k = m.prior_predictive({"n": [3, 5, 1]}, 50, backend=backend).prior_predictive["k"].values
    assert np.array_equal(k.sum(-1), np.tile([3, 5, 1], (1, 50, 1)))


@pytest.mark.parametrize("what", ["sample", "log_likelihood", "prior", "loo"])
def test_nothing_global_changes(backend: str, what: str) -> None:
    fit = prior_fit(schools(), SCHOOLS, backend, 30)
    calls: dict[str, Callable[[], Any]] = {
        "sample": fit.sample,
        "log_likelihood": fit.log_likelihood,
        "prior": lambda: schools().prior_predictive(SCHOOLS, 5, backend=backend),
        "loo": lambda: fit.with_groups(prior=True, posterior_predictive=True, log_likelihood=True),
    }
    before = _globals()
    calls[what]()
    assert _globals() == before


def test_a_handler_around_a_prediction_sees_nothing_of_it() -> None:
    import numpyro
    import pyro

    with pyro.poutine.trace() as seen:
        prior_fit(schools(), SCHOOLS, "pyro", 3).sample()
    assert not [n for n in seen.trace.nodes if not n.startswith("_")]
    with numpyro.handlers.trace() as sites:
        prior_fit(schools(), SCHOOLS, "numpyro", 3).sample()
    assert not sites


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_new_data_may_be_a_frame(backend: str) -> None:
    m = gd.Model("m")
    group, row = m.plate("group"), m.plate("row")
    at = m.data("at", dims=row, indexes=group)
    m.observe("y", gd.Normal(m.latent("a", gd.Normal(0, 1), dims=group)[at], 1.0), dims=row)
    frame = pd.DataFrame({"at": list("aabb"), "y": [0.1, 0.2, 1.0, 1.1]})
    fit = m.fit(frame, gd.NUTS(chains=1, draws=20, warmup=20), backend=backend, progress=False)
    plain = {"at": ["a", "b"], "y": [0.1, 1.0]}
    some = pd.DataFrame(plain)
    np.testing.assert_array_equal(fit.sample(some[["at"]])["y"], fit.sample({"at": plain["at"]})["y"])
    assert fit.log_prob(some).value == fit.log_prob(plain).value
    assert m.prior_predictive(frame[["at"]], backend=backend, draws=5).prior_predictive["y"].shape == (1, 5, 4)
