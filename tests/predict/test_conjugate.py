"""Predictions of a regression whose posterior, predictive and leave-one-out densities are known in closed form."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import gendsl as gd
from gendsl.elpd import Kind, LogProb
from gendsl.fit import Fit
from tests.fit.models import COV, MEAN, NOISE, PRIOR, X, Y, regression
from tests.predict.exact import fit_of, regression_fit, within

NEW_X = np.array([[1.0, 3.0, -1.0], [1.0, 0.0, 0.0], [1.0, -2.0, 0.5], [1.0, 1.0, 1.0]])
NEW_Y = np.array([1.9, 0.3, -2.0, 1.1])
NEW_COV = NOISE**2 * np.eye(4) + NEW_X @ COV @ NEW_X.T


def test_predictive_mean_and_covariance_on_new_rows(backend: str) -> None:
    y = regression_fit(backend).sample({"x": NEW_X}, seed=3)["y"]
    assert y.shape == (4, 2000, 4)
    flat = y.reshape(-1, 4)
    n, sd = len(flat), np.sqrt(np.diag(NEW_COV))
    within(flat.mean(0), NEW_X @ MEAN, sd / np.sqrt(n), 0.1)
    within(flat.var(0, ddof=1), sd**2, sd**2 * np.sqrt(2 / n), 0.2)
    got = np.cov(flat.T)[0, 1]  # rows share the weights, so they are correlated
    within(got, NEW_COV[0, 1], np.sqrt((NEW_COV[0, 0] * NEW_COV[1, 1] + NEW_COV[0, 1] ** 2) / n), 0.1)


def test_recorded_values_and_latents_are_returned_on_request(backend: str) -> None:
    fit = regression_fit(backend, 400)
    out = fit.sample({"x": NEW_X}, names=["w", "first"])
    assert list(out) == ["w", "first"]
    assert np.array_equal(out["w"], fit.draws["w"])
    assert np.array_equal(out["first"], fit.draws["w"][..., 0])


def test_pointwise_log_likelihood(backend: str) -> None:
    fit = regression_fit(backend, 400)
    truth = norm(fit.draws["w"] @ X.T, NOISE).logpdf(Y)
    got = fit.log_likelihood()
    assert list(got) == ["y"]
    assert got["y"].shape == (4, 100, 6)
    assert np.abs(got["y"] - truth).max() < 1e-10


def test_log_density_of_new_data(backend: str) -> None:
    out = regression_fit(backend).log_prob({"x": NEW_X, "y": NEW_Y})
    exact = multivariate_normal(NEW_X @ MEAN, NEW_COV).logpdf(NEW_Y)
    within(np.array(out.value), exact, out.se, 0.05)
    alone = norm(NEW_X @ MEAN, np.sqrt(np.diag(NEW_COV))).logpdf(NEW_Y)
    within(out.elements["y"], alone, out.element_se["y"], 0.05)
    assert out.kind == "estimate"
    assert out.ok
    assert str(out).startswith("log p = -")


def test_an_exact_density_says_nothing_of_draws() -> None:
    assert str(LogProb(-1.5, 0.0, Kind.EXACT, {}, {}, 1.0)) == "log p = -1.500 ± 0.000 (exact)"
    assert "(estimate, 300 effective draws)" in str(LogProb(-1.5, 0.1, Kind.ESTIMATE, {}, {}, 300.0))


def test_the_standard_error_is_the_spread_of_estimates() -> None:
    """Over 40 independent fits, errors divided by their standard errors have the spread of standard normal numbers."""
    exact = multivariate_normal(NEW_X @ MEAN, NEW_COV).logpdf(NEW_Y)
    outs = [regression_fit("pyro", 1600, seed).log_prob({"x": NEW_X, "y": NEW_Y}) for seed in range(40)]
    z = np.array([(o.value - exact) / o.se for o in outs])
    within(np.array((z**2).mean()), 1.0, np.sqrt(2 / len(z)), 0.3)


def test_a_density_that_rests_on_few_draws_says_so() -> None:
    far = regression_fit("pyro", 400).log_prob({"x": 3 * NEW_X, "y": NEW_Y + 20})
    assert far.effective < 20
    assert not far.ok
    assert "rests on a few draws" in str(far)


HEIGHTS = np.random.default_rng(7).normal(0.5, 1.0, 15)


def mean_fit(backend: str, scale: float = 1.0, y: np.ndarray = HEIGHTS) -> Fit:
    """y[i] ~ Normal(mu, scale), mu ~ Normal(0, 2), with independent draws of its posterior."""
    m = gd.Model("mean")
    mu = m.latent("mu", gd.Normal(0, 2))
    m.observe("y", gd.Normal(mu, scale), dims=m.plate("row"))
    precision = len(y) / scale**2 + 0.25
    draws = np.random.default_rng(0).normal(y.sum() / scale**2 / precision, precision**-0.5, (4, 2000))
    return fit_of(m, {"y": y}, backend, {"mu": draws})


def test_loo_is_arvizs_and_near_the_exact_one(backend: str) -> None:
    fit = mean_fit(backend)
    got = fit.loo()
    idata = az.from_dict(posterior={"mu": fit.draws["mu"]}, log_likelihood=fit.log_likelihood())
    assert got.elpd_loo == pytest.approx(az.loo(idata, pointwise=True).elpd_loo, abs=1e-10)
    precision = len(HEIGHTS) - 1 + 0.25
    mean = (HEIGHTS.sum() - HEIGHTS) / precision
    exact = norm(mean, np.sqrt(1 + 1 / precision)).logpdf(HEIGHTS)
    assert np.abs(got.loo_i.values - exact).max() < 0.03  # importance sampling, 8000 draws
    assert abs(got.elpd_loo - exact.sum()) < 0.05
    assert fit.loo("y").elpd_loo == got.elpd_loo


def test_comparison_ranks_the_model_that_predicts_better() -> None:
    good, bad = mean_fit("pyro"), mean_fit("pyro", 20.0)
    table = gd.compare({"wide": bad, "right": good})
    assert list(table.index) == ["right", "wide"]
    assert table.loc["right", "elpd_loo"] == pytest.approx(good.loo().elpd_loo)
    assert table.loc["right", "weight"] > 0.9
    with pytest.raises(gd.FitError, match="different observations"):
        gd.compare({"a": good, "b": mean_fit("pyro", y=HEIGHTS + 1)})


def test_equal_seeds_give_equal_numbers_in_any_number_of_chunks(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl import forward

    fit = regression_fit(backend, 400)
    first, other = fit.sample(seed=5)["y"], fit.sample(seed=6)["y"]
    assert np.array_equal(first, fit.sample(seed=5)["y"])
    assert not np.array_equal(first, other)
    whole = fit.log_likelihood()["y"]
    monkeypatch.setattr(forward, "_BUDGET", 500)  # about 30 draws at once
    assert np.allclose(fit.log_likelihood()["y"], whole, rtol=1e-12)
    parts = fit.sample(seed=5)["y"]
    assert np.array_equal(parts, fit.sample(seed=5)["y"])
    prior = regression().prior_predictive({"x": X}, 200, backend=backend).prior["w"].values
    assert len(np.unique(prior)) == prior.size  # no chunk repeats another
    if backend == "numpyro":  # where a draw has a key of its own
        assert np.allclose(parts, first, rtol=1e-12)


def test_prior_predictive_moments_dims_and_coords(backend: str) -> None:
    idata = regression().prior_predictive({"x": X, "y": Y}, 8000, backend=backend, seed=1)
    assert list(idata.groups()) == ["prior", "prior_predictive", "observed_data", "constant_data"]
    assert idata.prior["w"].dims == ("chain", "draw", "weight")
    assert idata.prior["w"].coords["weight"].values.tolist() == ["constant", "slope", "bend"]
    assert idata.prior_predictive["y"].dims == ("chain", "draw", "row")
    assert dict(idata.prior_predictive["y"].sizes) == {"chain": 1, "draw": 8000, "row": 6}
    y, w = idata.prior_predictive["y"].values[0], idata.prior["w"].values[0]
    sd = np.sqrt(NOISE**2 + PRIOR**2 * (X**2).sum(1))
    within(y.mean(0), 0.0, sd / np.sqrt(8000), 0.1)
    within(y.var(0, ddof=1), sd**2, sd**2 * np.sqrt(2 / 8000), 0.7)
    within(w.var(0), PRIOR**2, PRIOR**2 * np.sqrt(2 / 8000), 0.1)
    assert np.allclose(idata.prior["first"].values[0], w[:, 0])
    residual = (y - w @ X.T) / NOISE  # y is drawn given w
    within(residual.var(), 1.0, np.sqrt(2 / residual.size), 0.02)
