"""Gaussian processes at new inputs, given the fit: against conditional normal distributions in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import gendsl as gd
from gendsl.fit import Fit
from gendsl.predict import Task, posterior_task
from tests.predict.exact import fit_of, within

X = np.array([0.0, 0.4, 1.1, 2.0, 2.3])
Y = np.array([0.3, 0.9, 0.2, -0.8, -0.5])
AT = np.array([0.4, 0.7, 3.0])
V, LENGTHS = 0.2, np.array([0.6, 1.3])
Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def squared(length: float, scale: float = 1.0) -> Kernel:
    return lambda a, b: scale**2 * np.exp(-0.5 * ((a[:, None] - b) / length) ** 2)


def conditional(
    k: Kernel, x: np.ndarray, y: np.ndarray, at: np.ndarray, noise: Any = V, more: Any = V, jitter: float = 1e-10
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of new values given y, by the formulas of the book; the mean function is zero."""
    own = k(x, x) + (np.asarray(noise) + jitter) * np.eye(len(x))
    cross = k(at, x)
    cov = k(at, at) + (np.asarray(more) + jitter) * np.eye(len(at))
    return cross @ np.linalg.solve(own, y), cov - cross @ np.linalg.solve(own, cross.T)


def moments(fit: Fit, data: Mapping[str, Any], name: str = "y", **more: Any) -> tuple[np.ndarray, np.ndarray]:
    """What the fit predicts with, of all draws."""
    return moments_of(posterior_task(fit, (name,), frozenset({name}), data, **more), name)


def moments_of(task: Task, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """Means (chain * draw, *dims, m) and covariances (..., m, m) of an observed process at new inputs."""

    def covariance(ops: Any, mean: Any, scale: Any) -> Any:
        return ops.einsum("...ik,...jk->...ij", scale, scale)

    assert task.kriging is not None
    (p,) = task.kriging._observed([name])
    needed = task.kriging._needed(p)
    mean = task.kriging._each(p, None, needed, lambda ops, mean, scale: mean)
    return mean, task.kriging._each(p, None, needed, covariance)


def curve(kernel: Callable[[gd.Expr], Any], **more: Any) -> gd.Model:
    m = gd.Model("curve")
    t = m.plate("t")
    x = m.data("x", dims=t)
    length = m.latent("length", gd.LogNormal(0, 1))
    m.observe("y", gd.GaussianProcess(kernel(length), x, noise=V, **more), dims=t)
    return m


def plain(backend: str, count: int = 1) -> Fit:
    """A squared exponential kernel, half of the draws at each of two lengths."""
    m = curve(lambda length: gd.kernel.SquaredExponential(length=length))
    return fit_of(m, {"x": X, "y": Y}, backend, {"length": np.repeat(LENGTHS, count)[None]})


def matern(a: np.ndarray, b: np.ndarray, length: float) -> np.ndarray:
    r = np.sqrt(5) * np.abs(a[:, None] - b) / length
    return (1 + r + r**2 / 3) * np.exp(-r)


KERNELS: dict[str, tuple[Callable[[Any], Any], Callable[[float], Kernel]]] = {
    "squared": (lambda n: gd.kernel.SquaredExponential(scale=1.5, length=n), lambda n: squared(n, 1.5)),
    "matern": (lambda n: gd.kernel.Matern(nu=2.5, length=n), lambda n: lambda a, b: matern(a, b, n)),
    "periodic": (
        lambda n: gd.kernel.Periodic(period=1.7, length=n),
        lambda n: lambda a, b: np.exp(-2 * (np.sin(np.pi * (a[:, None] - b) / 1.7) / n) ** 2),
    ),
    "sum and product": (
        lambda n: gd.kernel.Linear(scale=n, center=0.5) * gd.kernel.SquaredExponential() + gd.kernel.White(0.3),
        lambda n: lambda a, b: n**2 * np.outer(a - 0.5, b - 0.5) * squared(1.0)(a, b) + 0.09 * (a[:, None] == b[None]),
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_moments_are_those_of_the_conditional_distribution(backend: str, kernel: str) -> None:
    declared, truth = KERNELS[kernel]
    fit = fit_of(curve(declared), {"x": X, "y": Y}, backend, {"length": LENGTHS[None]})
    mean, cov = moments(fit, {"x": AT})
    for k, length in enumerate(LENGTHS):
        m, c = conditional(truth(length), X, Y, AT)
        np.testing.assert_allclose(mean[k], m, rtol=0, atol=1e-8)
        np.testing.assert_allclose(cov[k], c, rtol=0, atol=1e-8)


def test_draws_have_these_moments(backend: str) -> None:
    count = 3000
    out = plain(backend, count).sample({"x": AT})["y"][0].reshape(2, count, 3)
    for draws, length in zip(out, LENGTHS, strict=True):
        mean, cov = conditional(squared(length), X, Y, AT)
        within(draws.mean(0), mean, np.sqrt(np.diag(cov) / count), 0.03)
        spread = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / count)
        within(np.cov(draws.T), cov, spread, 0.05)


def test_both_backends_draw_the_same() -> None:
    a, b = (plain(name, 3).sample({"x": AT}, seed=4)["y"] for name in ("pyro", "numpyro"))
    np.testing.assert_allclose(a, b, rtol=1e-10)


def test_without_new_data_the_observations_are_replicated(backend: str) -> None:
    count = 3000
    draws = plain(backend, count).sample()["y"][0][:count]
    cov = squared(LENGTHS[0])(X, X) + V * np.eye(len(X))
    within(draws.mean(0), 0.0, np.sqrt(np.diag(cov) / count), 0.03)
    spread = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / count)
    within(np.cov(draws.T), cov, spread, 0.05)


def test_the_density_of_new_values_is_given_those_of_the_fit(backend: str) -> None:
    y = np.array([0.5, 0.7, 0.1])
    density = plain(backend).log_prob({"x": AT, "y": y})
    each = [multivariate_normal(*conditional(squared(n), X, Y, AT)).pdf(y) for n in LENGTHS]
    assert density.value == pytest.approx(np.log(np.mean(each)), abs=1e-8)


def test_means_and_noise_of_each_element(backend: str) -> None:
    m = gd.Model("curve")
    t = m.plate("t")
    x, v = m.data("x", dims=t), m.data("v", dims=t)
    slope = m.latent("slope", gd.Normal(0, 1))
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=v, mean=slope * x)
    m.observe("y", process, dims=t)
    v, more = np.linspace(0.1, 0.5, 5), np.array([0.3, 0.1, 0.2])
    fit = fit_of(m, {"x": X, "y": Y, "v": v}, backend, {"slope": np.array([[0.0, 0.7]])})
    mean, cov = moments(fit, {"x": AT, "v": more})
    for k, slope in enumerate((0.0, 0.7)):
        m, c = conditional(squared(1.0), X, Y - slope * X, AT, v, more)
        np.testing.assert_allclose(mean[k], m + slope * AT, rtol=0, atol=1e-8)
        np.testing.assert_allclose(cov[k], c, rtol=0, atol=1e-8)


def test_missing_observations_are_not_conditioned_on(backend: str) -> None:
    m = gd.Model("curve")
    t = m.plate("t")
    x = m.data("x", dims=t)
    length = m.latent("length", gd.LogNormal(0, 1))
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(length=length), x, noise=V)
    m.observe("y", process, dims=t, missing=gd.Missing.IMPUTE)
    y = np.where([True, False, True, True, False], Y, np.nan)
    fit = fit_of(m, {"x": X, "y": y}, backend, {"length": LENGTHS[None], "y_missing": np.full((1, 2, 2), 50.0)})
    mean, cov = moments(fit, {"x": AT})
    there = ~np.isnan(y)
    for k, n in enumerate(LENGTHS):
        m, c = conditional(squared(n), X[there], Y[there], AT)
        np.testing.assert_allclose(mean[k], m, rtol=0, atol=1e-8)
        np.testing.assert_allclose(cov[k], c, rtol=0, atol=1e-8)


def test_a_mean_drawn_for_each_point(backend: str) -> None:
    m = gd.Model("rough")
    t = m.plate("t")
    x = m.data("x", dims=t)
    rough = m.latent("rough", gd.Normal(0, 3), dims=t)
    m.observe("y", gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=V, mean=rough), dims=t)
    old = np.stack([Y - 1, Y + X])
    fit = fit_of(m, {"x": X, "y": Y}, backend, {"rough": old[None]})
    task = posterior_task(fit, ("y", "rough"), frozenset({"y"}), {"x": AT}, "t")
    mean, _ = moments_of(task)
    assert np.abs(task.given["rough"]).max() > 0.1
    for k in range(2):
        m, _ = conditional(squared(1.0), X, Y - old[k], AT)
        np.testing.assert_allclose(mean[k], m + task.given["rough"][k], rtol=0, atol=1e-8)
    out = fit.sample({"x": AT}, names=["y", "rough"], new="t")
    np.testing.assert_array_equal(out["rough"][0], task.given["rough"])


def test_observed_values_that_are_computed(backend: str) -> None:
    m = gd.Model("shifted")
    t = m.plate("t")
    x, z = m.data("x", dims=t), m.data("z", dims=t)
    shift = m.latent("shift", gd.Normal(0, 1))
    m.observe("y", gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=V), dims=t, value=z - shift)
    fit = fit_of(m, {"x": X, "z": Y}, backend, {"shift": np.array([[0.0, 2.0]])})
    mean, cov = moments(fit, {"x": AT})
    for k, shift in enumerate((0.0, 2.0)):
        m, c = conditional(squared(1.0), X, Y - shift, AT)
        np.testing.assert_allclose(mean[k], m, rtol=0, atol=1e-8)
    z = np.array([0.5, 0.7, 0.1])
    each = [multivariate_normal(mean[k], c).pdf(z - s) for k, s in enumerate((0.0, 2.0))]
    assert fit.log_prob({"x": AT, "z": z}).value == pytest.approx(np.log(np.mean(each)), abs=1e-8)


# -- several functions -------------------------------------------------------------------------------------------------
def several(backend: str, count: int = 1) -> tuple[Fit, np.ndarray]:
    """A function for each of two series, of lengths that differ; the data have the points first."""
    m = gd.Model("several")
    t, series = m.plate("t"), m.plate("series")
    x, length = m.data("x", dims=t), m.data("length", dims=series)
    m.latent("other", gd.Normal(0, 1))
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(length=length), x, noise=V)
    m.observe("y", process, dims=(t, series))
    y = np.stack([Y, -2 * Y], 1)
    data = {"x": X, "y": y, "length": pd.Series(LENGTHS, ["a", "b"])}
    return fit_of(m, data, backend, {"other": np.zeros((1, count))}), y


def test_each_series_has_its_own_function(backend: str) -> None:
    fit, y = several(backend)
    data = {"x": AT, "length": pd.Series(LENGTHS, ["a", "b"])}
    mean, cov = moments(fit, data)
    assert (mean.shape, cov.shape) == ((1, 2, 3), (1, 2, 3, 3))
    for k, n in enumerate(LENGTHS):
        m, c = conditional(squared(n), X, y[:, k], AT)
        np.testing.assert_allclose(mean[0, k], m, rtol=0, atol=1e-8)
        np.testing.assert_allclose(cov[0, k], c, rtol=0, atol=1e-8)
    assert fit.sample(data)["y"].shape == (1, 1, 3, 2)


def test_functions_of_new_series_are_new(backend: str) -> None:
    fit, _ = several(backend, 3000)
    out = fit.sample({"x": X, "length": pd.Series([0.6], ["c"])}, new="series")["y"][0, :, :, 0]
    cov = squared(0.6)(X, X) + V * np.eye(5)
    within(out.mean(0), 0.0, np.sqrt(np.diag(cov) / 3000), 0.03)
    with pytest.raises(gd.FitError, match="among others that are new"):
        fit.sample({"x": X, "length": pd.Series([0.6, 1.0], ["a", "c"])}, new="series")
    with pytest.raises(gd.DataError):
        fit.sample({"x": X, "length": [0.6, 0.7, 0.8]})
    with pytest.raises(gd.FitError):
        fit.sample({"x": X, "length": [0.6, 0.7]}, sizes={"series": 3})


# -- latent processes --------------------------------------------------------------------------------------------------
def latent(backend: str, count: int = 1) -> tuple[Fit, np.ndarray]:
    m = gd.Model("latent")
    t = m.plate("t")
    x = m.data("x", dims=t)
    f = m.latent("f", gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=0.01), dims=t)
    m.observe("y", gd.Poisson(gd.exp(f)), dims=t)
    f = np.stack([Y, Y[::-1]])[None].repeat(count, 1)
    return fit_of(m, {"x": pd.Series(X, list("abcde")), "y": np.ones(5, int)}, backend, {"f": f}), f[0]


def test_a_latent_process_goes_on_from_its_draws(backend: str) -> None:
    count = 2000
    fit, f = latent(backend, count)
    out = fit.sample({"x": AT}, names=["f", "y"], new="t")
    assert out["y"].shape == (1, 2 * count, 3)
    for draws, values in ((out["f"][0, :count], f[0]), (out["f"][0, count:], f[-1])):
        mean, cov = conditional(squared(1.0), X, values, AT, 0.01, 0.01)
        within(draws.mean(0), mean, np.sqrt(np.diag(cov) / count), 0.05)
        spread = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / count)
        within(np.cov(draws.T), cov, spread, 0.05)


def test_known_elements_of_a_latent_process_keep_their_draws(backend: str) -> None:
    fit, f = latent(backend)
    data = {"x": pd.Series([X[3], 0.7, X[0]], ["d", "new", "a"])}
    out = fit.sample(data, names="f", new="t")["f"][0]
    assert np.array_equal(out[:, [0, 2]], f[:, [3, 0]])
    assert np.abs(out[:, 1] - f[:, 0]).max() < 2


def test_inputs_of_a_latent_process_stay_where_its_elements_are_not_new(backend: str) -> None:
    fit, _ = latent(backend)
    with pytest.raises(gd.FitError, match="'f' was drawn at other values of 'x'") as e:
        fit.sample({"x": pd.Series(X + 1, list("abcde"))})
    assert 'new="t"' in str(e.value)
    assert fit.sample({"x": pd.Series(X, list("abcde"))})["y"].shape == (1, 2, 5)


def test_a_process_over_draws_of_another(backend: str) -> None:
    m = gd.Model("deep")
    t = m.plate("t")
    x = m.data("x", dims=t)
    f = m.latent("f", gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=0.01), dims=t)
    m.observe("y", gd.GaussianProcess(gd.kernel.SquaredExponential(), f, noise=V), dims=t)
    fit = fit_of(m, {"x": X, "y": Y}, backend, {"f": X[None, None] + 0.1})
    task = posterior_task(fit, ("y",), frozenset({"y"}), {"x": AT}, "t")
    mean, cov = moments_of(task)
    m, c = conditional(squared(1.0), X + 0.1, Y, task.given["f"][0])
    np.testing.assert_allclose(mean[0], m, rtol=0, atol=1e-8)
    np.testing.assert_allclose(cov[0], c, rtol=0, atol=1e-8)


# -- what is refused ---------------------------------------------------------------------------------------------------
def _meeting(m: gd.Model, t: gd.Plate) -> Any:
    x = m.data("x", dims=t)
    return gd.GaussianProcess(gd.kernel.SquaredExponential(), x - gd.mean(x, dim=t), noise=V)


def _counting(m: gd.Model, t: gd.Plate) -> Any:
    return gd.GaussianProcess(gd.kernel.SquaredExponential(), m.data("x", dims=t) + t.index, noise=V)


def _masked(m: gd.Model, t: gd.Plate) -> Any:
    return gd.Masked(gd.GaussianProcess(gd.kernel.SquaredExponential(), m.data("x", dims=t), noise=V), True)


def _part(m: gd.Model, t: gd.Plate) -> Any:
    return gd.GaussianProcess(gd.kernel.SquaredExponential(), m.data("x", dims=t >= 1), noise=V)


@pytest.mark.parametrize("process", [_meeting, _counting, _masked, _part])
def test_what_cannot_be_conditioned_is_refused(process: Callable[..., Any]) -> None:
    m = gd.Model("m")
    t = m.plate("t")
    m.latent("other", gd.Normal(0, 1) if process is not _part else gd.Normal(m.data("z", dims=t).sum(dim=t), 1))
    m.observe("y", process(m, t), dims=t >= 1 if process is _part else t)
    more = {"z": np.zeros(6)} if process is _part else {}
    fit = fit_of(m, {"x": X, "y": Y} | more, "pyro", {"other": np.zeros((1, 2))})
    assert fit.sample()["y"].shape == (1, 2, 5)
    with pytest.raises(gd.FitError, match="cannot be predicted at new inputs"):
        fit.sample({"x": AT})
    more = {"z": np.zeros(4)} if process is _part else {}
    with pytest.raises(gd.FitError, match="cannot be predicted at new inputs"):
        fit.log_prob({"x": AT, "y": Y[:3]} | more)


def test_other_values_of_what_all_points_share_are_refused(backend: str) -> None:
    m = gd.Model("m")
    t = m.plate("t")
    m.latent("other", gd.Normal(0, 1))
    kernel = gd.kernel.Periodic(period=m.data("period"))
    m.observe("y", gd.GaussianProcess(kernel, m.data("x", dims=t), noise=V), dims=t)
    fit = fit_of(m, {"x": X, "y": Y, "period": 2.0}, backend, {"other": np.zeros((1, 2))})
    assert fit.sample({"x": AT, "period": 2.0})["y"].shape == (1, 2, 3)
    with pytest.raises(gd.FitError, match="other values of 'period'"):
        fit.sample({"x": AT, "period": 3.0})


def test_equal_inputs_without_noise_or_jitter_are_refused(backend: str) -> None:
    m = gd.Model("m")
    t = m.plate("t")
    m.latent("other", gd.Normal(0, 1))
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(), m.data("x", dims=t), jitter=0.0)
    m.observe("y", process, dims=t)
    fit = fit_of(m, {"x": X, "y": Y}, backend, {"other": np.zeros((1, 2))})
    with pytest.raises(gd.FitError, match="not positive definite"):
        fit.sample({"x": [X[0], X[0]]})


def test_trained_parameters_predict_given_the_data(backend: str) -> None:
    m = gd.Model("trained")
    t = m.plate("t")
    scale = m.param("scale", 1.0, constraint=gd.positive)
    process = gd.GaussianProcess(gd.kernel.SquaredExponential(scale=scale), m.data("x", dims=t), noise=V)
    m.observe("y", process, dims=t)
    m.objective(gd.MaximumLikelihood())
    fit = m.fit({"x": X, "y": Y}, gd.Train(steps=3), backend=backend, progress=False)
    out = fit.sample({"x": AT}, draws=3000)["y"][0]
    mean, cov = conditional(squared(1.0, float(fit.params["scale"])), X, Y, AT)
    within(out.mean(0), mean, np.sqrt(np.diag(cov) / 3000), 0.03)
    assert fit.sample()["y"].shape == (1, 1000, 5)
