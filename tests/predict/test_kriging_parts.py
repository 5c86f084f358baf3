"""Gaussian processes at elements that the fit has in part, at missing values, and with parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import gendsl as gd
from gendsl.comparison import _fitted
from gendsl.fit import Fit
from tests.predict.exact import fit_of, within
from tests.predict.test_kriging import AT, LENGTHS, V, X, Y, conditional, latent, several, squared

HAND = np.array([5.0, 9.0])


# -- latent processes at known elements --------------------------------------------------------------------------------
def test_known_elements_at_other_inputs_are_refused(backend: str) -> None:
    fit, f = latent(backend)
    with pytest.raises(gd.FitError, match="'f' was drawn at other values of 'x'") as e:
        fit.sample({"x": pd.Series(HAND, ["a", "b"])}, names="f", new="t")
    assert "elements that the fit has" in str(e.value)
    assert "other labels" in str(e.value)
    with pytest.raises(gd.FitError, match="other values of 'x'"):
        fit.sample({"x": pd.Series([X[0], X[1] + 0.1, 7.0], ["a", "b", "new"])}, names="f", new="t")
    same = fit.sample({"x": pd.Series(X[[1, 0]], ["b", "a"])}, names="f", new="t")["f"][0]
    np.testing.assert_array_equal(same, f[:, [1, 0]])


def test_known_elements_under_another_period_are_refused(backend: str) -> None:
    m = gd.Model("m")
    t = m.plate("t")
    kernel = gd.kernel.Periodic(period=m.data("period"))
    f = m.latent("f", gd.GaussianProcess(kernel, m.data("x", dims=t), noise=0.01), dims=t)
    m.observe("y", gd.Normal(f, 1), dims=t)
    fit = fit_of(m, {"x": pd.Series(X, list("abcde")), "y": Y, "period": 2.0}, backend, {"f": Y[None, None]})
    known = {"x": pd.Series(X[:2], ["a", "b"])}
    np.testing.assert_array_equal(fit.sample(known | {"period": 2.0}, names="f", new="t")["f"][0, 0], Y[:2])
    with pytest.raises(gd.FitError, match="other values of 'period'"):
        fit.sample(known | {"period": 3.0}, names="f", new="t")


# -- several latent functions ------------------------------------------------------------------------------------------
def groups(backend: str, count: int = 1) -> tuple[Fit, np.ndarray]:
    m = gd.Model("groups")
    t, g = m.plate("t"), m.plate("g")
    x, length = m.data("x", dims=t), m.data("length", dims=g)
    f = m.latent("f", gd.GaussianProcess(gd.kernel.SquaredExponential(length=length), x, noise=0.01), dims=(g, t))
    m.observe("y", gd.Normal(f, 1), dims=(g, t))
    f = np.stack([Y, -2 * Y])
    data = {"x": pd.Series(X, list("abcde")), "length": pd.Series(LENGTHS, ["u", "v"]), "y": f}
    return fit_of(m, data, backend, {"f": f[None, None].repeat(count, 1)}), f


def test_known_functions_beside_new_plates_are_refused(backend: str) -> None:
    fit, _ = groups(backend)
    at = {"x": AT}
    with pytest.raises(gd.FitError, match="leave 'g' out of new=, and give all its elements"):
        fit.sample(at | {"length": pd.Series(LENGTHS[:1], ["u"])}, names="f", new=("g", "t"))
    with pytest.raises(gd.FitError, match="among others that are new"):
        fit.sample(at | {"length": pd.Series([0.6, 1.0], ["u", "w"])}, names="f", new=("g", "t"))


def test_new_functions_are_drawn_from_the_process(backend: str) -> None:
    fit, f = groups(backend, 3000)
    cov = squared(0.9)(AT, AT) + 0.01 * np.eye(3)
    new = {"length": pd.Series([0.9], ["w"])}
    for out in (
        fit.sample({"x": AT} | new, names="f", new=("g", "t"))["f"][0, :, 0],
        fit.sample({"x": pd.Series(AT, list("pqr"))} | new, names="f", new=("g", "t"))["f"][0, :, 0],
    ):
        within(out.mean(0), 0.0, np.sqrt(np.diag(cov) / 3000), 0.03)
        spread = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / 3000)
        within(np.cov(out.T), cov, spread, 0.05)
    x = {"x": pd.Series(X, list("abcde"))}
    out = fit.sample(x | new, names="f", new="g")["f"][0, :, 0]
    within(out.var(0), 1.01, 1.01 * np.sqrt(2 / 3000), 0.03)
    both = fit.sample(x | {"length": pd.Series([0.9, 1.3], ["w", "v"])}, names="f", new="g")["f"][0]
    np.testing.assert_array_equal(both[:, 1], np.broadcast_to(f[1], (3000, 5)))
    elsewhere = fit.sample({"x": pd.Series(X + 1, list("abcde"))} | new, names="f", new="g")["f"][0, :, 0]
    assert elsewhere.shape == (3000, 5)
    with pytest.raises(gd.FitError, match="other values of 'length'"):
        fit.sample(x | {"length": pd.Series([0.9, 1.4], ["w", "v"])}, names="f", new="g")


def test_known_functions_go_on_at_new_points(backend: str) -> None:
    fit, f = groups(backend, 3000)
    out = fit.sample({"x": AT, "length": pd.Series(LENGTHS, ["u", "v"])}, names="f", new="t")["f"][0]
    for k, length in enumerate(LENGTHS):
        mean, cov = conditional(squared(length), X, f[k], AT, 0.01, 0.01)
        within(out[:, k].mean(0), mean, np.sqrt(np.diag(cov) / 3000), 0.03)


def test_known_functions_that_were_observed_name_the_mend(backend: str) -> None:
    fit, _ = several(backend)
    with pytest.raises(gd.FitError, match="leave 'series' out of new=, and give all its elements"):
        fit.sample({"x": X, "length": pd.Series(LENGTHS, ["a", "b"])}, new="series")


# -- missing values ----------------------------------------------------------------------------------------------------
SEEN = np.array([True, False, True, True, False])


def holed(backend: str, dims: bool = False) -> Fit:
    m = gd.Model("holed")
    t = m.plate("t")
    over = (m.plate("series"), t) if dims else t
    x, length = m.data("x", dims=t), m.latent("length", gd.LogNormal(0, 1))
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(length=length), x, noise=V, mean=0.1 * x)
    m.observe("y", process, dims=over, missing=gd.Missing.IMPUTE)
    y = np.where(SEEN, Y, np.nan)
    y = np.stack([y, -2 * Y]) if dims else y
    return fit_of(m, {"x": X, "y": y}, backend, {"length": LENGTHS[None], "y_missing": np.full((1, 2, 2), 50.0)})


def own(length: float, x: np.ndarray, y: np.ndarray) -> float:
    k = squared(length)(x, x) + (V + 1e-10) * np.eye(len(x))
    return float(multivariate_normal(0.1 * x, k).logpdf(y))


def test_the_log_likelihood_is_that_of_what_was_observed(backend: str) -> None:
    fit = holed(backend)
    truth = np.array([own(n, X[SEEN], Y[SEEN]) for n in LENGTHS])
    np.testing.assert_allclose(fit.log_likelihood()["y"], truth[None], rtol=0, atol=1e-8)
    np.testing.assert_array_equal(_fitted(fit), Y[SEEN])
    added = fit.with_groups(log_likelihood=True).log_likelihood["y"]
    np.testing.assert_allclose(added.values, truth[None], rtol=0, atol=1e-8)


def test_the_log_likelihood_of_functions_of_which_one_has_missing_values(backend: str) -> None:
    found = holed(backend, dims=True).log_likelihood()["y"]
    truth = [[own(n, X[SEEN], Y[SEEN]), own(n, X, -2 * Y)] for n in LENGTHS]
    np.testing.assert_allclose(found, np.array(truth)[None], rtol=0, atol=1e-8)


def test_loo_and_compare_with_missing_values(backend: str) -> None:
    m = gd.Model("holed")
    t, series = m.plate("t"), m.plate("series")
    x, length = m.data("x", dims=t), m.latent("length", gd.LogNormal(0, 1))
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(length=length), x, noise=V)
    m.observe("y", process, dims=(t, series), missing=gd.Missing.IMPUTE)
    y = np.stack([np.where(SEEN, Y, np.nan), *(k * Y for k in np.linspace(-1, 1, 11))], 1)
    lengths = 1 + 0.01 * np.random.default_rng(0).standard_normal((4, 100))
    fit = fit_of(m, {"x": X, "y": y}, backend, {"length": lengths, "y_missing": np.full((4, 100, 2), 50.0)})
    k = [multivariate_normal(np.zeros(n), squared(1.0)(x, x) + V * np.eye(n)) for n, x in ((3, X[SEEN]), (5, X))]
    truth = k[0].logpdf(Y[SEEN]) + sum(k[1].logpdf(row) for row in y.T[1:])
    assert fit.loo().elpd_loo == pytest.approx(truth, abs=0.05)
    assert list(gd.compare({"a": fit, "b": fit}).index) == ["a", "b"]


def test_missing_new_values_of_other_joint_distributions_are_refused(backend: str) -> None:
    m = gd.Model("regimes")
    t = m.plate("t")
    emission = gd.Normal(np.array([-1.0, 1.0]), m.latent("s", gd.HalfNormal(1)))
    regimes = gd.HiddenMarkov(np.ones(2) / 2, np.ones((2, 2)) / 2, emission, dim=t)
    m.observe("y", regimes, dims=t, missing=gd.Missing.IMPUTE)
    y = np.where(SEEN, Y, np.nan)
    fit = fit_of(m, {"y": y}, backend, {"s": np.ones((1, 2)), "y_missing": np.zeros((1, 2, 2))})
    assert fit.log_likelihood()["y"].shape == (1, 2)
    with pytest.raises(gd.FitError, match="some of its new values are missing"):
        fit.log_prob({"y": y})
    assert np.isfinite(fit.log_prob({"y": Y}).value)


def test_missing_new_values_do_not_count(backend: str) -> None:
    fit = holed(backend)
    there, y = np.array([True, False, True]), np.array([0.5, np.nan, 0.1])
    moments = [conditional(squared(n), X[SEEN], (Y - 0.1 * X)[SEEN], AT[there]) for n in LENGTHS]
    each = [multivariate_normal(mean + 0.1 * AT[there], cov).pdf(y[there]) for mean, cov in moments]
    density = fit.log_prob({"x": AT, "y": y})
    assert density.value == pytest.approx(np.log(np.mean(each)), abs=1e-8)
    one = fit.log_prob({"x": AT[there], "y": y[there]})
    assert density.value == pytest.approx(one.value, abs=1e-8)


def test_missing_new_values_of_new_functions_are_refused(backend: str) -> None:
    fit = holed(backend, dims=True)
    y = np.array([[0.5, np.nan, 0.1], [0.1, 0.2, 0.3]])
    assert np.isfinite(fit.log_prob({"x": AT, "y": y}).value)
    with pytest.raises(gd.FitError, match="some of its new values are missing"):
        fit.log_prob({"x": AT, "y": y}, new="series")
    assert np.isfinite(fit.log_prob({"x": AT, "y": np.where(np.isnan(y), 0.0, y)}, new="series").value)


# -- trained parameters ------------------------------------------------------------------------------------------------
def trained(build: Any, data: dict[str, Any], backend: str) -> Any:
    m = gd.Model("trained")
    build(m)
    m.objective(gd.MaximumLikelihood())
    return m.fit(data, gd.Train(steps=2), backend=backend, progress=False)


def _pair(m: gd.Model) -> None:
    t, series = m.plate("t"), m.plate("series")
    scale = m.param("scale", 1.0, constraint=gd.positive)
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(scale=scale), m.data("x", dims=t), noise=V)
    m.observe("y", process, dims=(series, t))


def test_the_number_of_functions_is_that_of_the_fit(backend: str) -> None:
    fit = trained(_pair, {"x": X, "y": np.stack([Y, -2 * Y])}, backend)
    assert fit.sample({"x": AT}, draws=4)["y"].shape == (1, 4, 2, 3)
    assert fit.sample({"x": AT}, draws=4, sizes={"series": 2})["y"].shape == (1, 4, 2, 3)
    with pytest.raises(gd.FitError, match="functions over 'series' were observed for another number") as e:
        fit.sample({"x": AT}, draws=4, sizes={"series": 3})
    assert "new=" not in str(e.value)


def _mean_of_each(m: gd.Model) -> None:
    t = m.plate("t")
    x = m.data("x", dims=t)
    mean = m.param("c", 0.0, dims=t)
    m.observe("y", gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=V, mean=mean), dims=t)


def _normal_of_each(m: gd.Model) -> None:
    t = m.plate("t")
    m.observe("y", gd.Normal(m.param("c", 0.0, dims=t) + m.data("x", dims=t), 1), dims=t)


@pytest.mark.parametrize("build", [_mean_of_each, _normal_of_each])
def test_parameters_over_a_plate_keep_its_size(backend: str, build: Any) -> None:
    fit = trained(build, {"x": X, "y": Y}, backend)
    with pytest.raises(gd.FitError, match="parameter 'c' was learnt for the elements of 't'"):
        fit.sample({"x": AT}, draws=3)
    if build is _mean_of_each:
        with pytest.raises(gd.FitError, match="in which the elements of 't' meet"):
            fit.sample({"x": X + 1}, draws=3)
    else:
        assert fit.sample({"x": X + 1}, draws=3)["y"].shape == (1, 3, 5)
