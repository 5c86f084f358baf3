"""A posterior that is known exactly."""

from __future__ import annotations

from collections.abc import Callable

import arviz as az
import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from tests.fit.models import COV, MEAN, X, Y, regression

Fitted = Callable[[str, str], Fit]


def _errors(draws: np.ndarray, truth: float) -> float:
    """The error of the mean of (chain, draw) in its Monte Carlo standard errors."""
    return float(abs(draws.mean() - truth) / az.mcse(draws))


def test_mean_and_covariance_of_a_gaussian(fitted: Fitted, backend: str) -> None:
    w = fitted("regression", backend).draws["w"]
    assert w.shape == (4, 400, 3)
    assert w.dtype == np.float64
    for i in range(3):
        assert _errors(w[..., i], MEAN[i]) < 4
        for j in range(i + 1):
            product = (w[..., i] - MEAN[i]) * (w[..., j] - MEAN[j])
            assert _errors(product, COV[i, j]) < 4


@pytest.mark.parametrize("rows", [1_000, 1_000_000])
def test_many_rows_have_the_posterior_in_closed_form(rows: int, backend: str) -> None:
    """b | v ~ N(0, v K), v ~ InverseGamma(2, 3), y = X b + N(0, v): v is inverse gamma and b of Student's t."""
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(rows), rng.normal(50.0, 3.0, rows)])
    y = x @ [2.0, -0.3] + 1.5 * rng.normal(size=rows)
    m = gd.Model("rows")
    row, width = m.plate("row"), np.array([10.0, 1.0])
    v = m.latent("v", gd.InverseGamma(2.0, 3.0))
    b = m.latent("b", gd.Normal(0.0, gd.sqrt(v) * width), centered=True)
    m.observe("y", gd.Normal(m.data("x", dims=row, event=2) @ b, gd.sqrt(v)), dims=row)
    method = gd.NUTS(chains=2, warmup=200, draws=250 if backend == "pyro" else 1000)  # in one process
    fit = m.fit({"x": x, "y": y}, method, backend=backend, seed=0, progress=False)
    precision = x.T @ x + np.diag(width**-2.0)
    mean = np.linalg.solve(precision, x.T @ y)
    shape, rate = 2.0 + rows / 2, 3.0 + 0.5 * ((y - x @ mean) @ (y - x @ mean) + ((mean / width) ** 2).sum())
    cov = np.linalg.inv(precision) * rate / (shape - 1)
    assert _errors(fit.draws["v"], rate / (shape - 1)) < 4
    assert _errors((fit.draws["v"] - rate / (shape - 1)) ** 2, (rate / (shape - 1)) ** 2 / (shape - 2)) < 4
    for i in range(2):
        assert _errors(fit.draws["b"][..., i], mean[i]) < 4
        for j in range(i + 1):
            product = (fit.draws["b"][..., i] - mean[i]) * (fit.draws["b"][..., j] - mean[j])
            assert _errors(product, cov[i, j]) < 4


@pytest.mark.parametrize("engine", [gd.Engine.NATIVE, gd.Engine.NUTPIE])
def test_single_precision(backend: str, engine: gd.Engine) -> None:
    method = gd.NUTS(chains=2, warmup=300, draws=400, engine=engine)
    fit = regression().fit({"x": X, "y": Y}, method, backend=backend, precision="float32", seed=2, progress=False)
    assert fit.program.precision == "float32"
    w = fit.draws["w"]
    assert w.dtype == np.float64
    assert np.array_equal(w, w.astype(np.float32))  # the numbers themselves are single
    assert all(_errors(w[..., i], MEAN[i]) < 4 for i in range(3))
    assert set(fit.sample()) == {"y"}
    with pytest.raises(gd.CompileError, match="unknown precision"):
        regression().fit({"x": X, "y": Y}, method, backend=backend, precision="double", progress=False)


def test_lockstep_chains_draw_from_the_same_gaussian() -> None:
    from gendsl.progress import Silent
    from gendsl_numpyro.mcmc import NumpyroEngine

    bound = regression().compile("numpyro").bind({"x": X, "y": Y})
    # An engine that is asked itself runs its kernel.
    method = gd.NUTS(chains=3, warmup=300, draws=400, chain_method=gd.ChainMethod.VECTORIZED)
    engine = NumpyroEngine()
    draws = engine.mcmc(bound, method, 3, Silent())
    more = engine.mcmc(
        bound, gd.NUTS(chains=4, warmup=300, draws=20, chain_method=method.chain_method), 3, Silent()
    )  # compiled anew
    assert more.unconstrained["w"].shape == (4, 20, 3)
    w = draws.unconstrained["w"]
    assert w.shape == (3, 400, 3)
    assert all(_errors(w[..., i], MEAN[i]) < 4 for i in range(3))
    assert all(x.shape == (3, 400) for x in draws.stats.values())


def test_statistics_have_arviz_names_and_mean_what_they_say(fitted: Fitted, backend: str) -> None:
    fit = fitted("regression", backend)
    s = fit.raw.stats
    assert set(s) == {"lp", "energy", "n_steps", "tree_depth", "acceptance_rate", "step_size", "diverging"}
    assert all(x.shape == (4, 400) for x in s.values())
    assert s["diverging"].dtype == bool
    assert not s["diverging"].any()
    for k in ("n_steps", "tree_depth"):
        assert s[k].dtype == np.int64
    assert (s["tree_depth"] == np.floor(np.log2(s["n_steps"])) + 1).all()
    assert ((s["acceptance_rate"] > 0) & (s["acceptance_rate"] <= 1)).all()
    assert abs(s["acceptance_rate"].mean() - fit.method.target_accept) < 0.08  # type: ignore[attr-defined]
    assert (s["step_size"] == s["step_size"][:, :1]).all()


def test_lp_is_the_density_and_energy_adds_the_momentum(fitted: Fitted, backend: str) -> None:
    fit = fitted("regression", backend)
    p = fit.program
    density = p.backend.value_and_grad(fit.bound.log_density)
    with p.backend.context("float64"):
        for at in [(0, 0), (1, 7), (3, 399)]:
            u = {k: p.backend.array(v[at], "float64") for k, v in fit.raw.unconstrained.items()}
            assert float(density(u)[0]) == pytest.approx(fit.raw.stats["lp"][at], rel=1e-12)
    # At stationarity the kinetic energy of the accepted state is half a chi-squared of 3 degrees of freedom.
    kinetic = fit.raw.stats["energy"] + fit.raw.stats["lp"]
    assert (kinetic > 0).all()
    assert _errors(kinetic, 1.5) < 4
    assert _errors((kinetic - 1.5) ** 2, 1.5) < 4


def test_check_and_summary_of_a_good_run(fitted: Fitted, backend: str) -> None:
    fit = fitted("regression", backend)
    assert fit.check().ok, str(fit.check())
    table = fit.summary()
    assert list(table.index) == ["w[constant]", "w[slope]", "w[bend]", "first"]
    assert np.allclose(table["mean"], [*MEAN, MEAN[0]], atol=0.15)
    assert list(fit.summary(["first"], prob=0.5, round_to=1).index) == ["first"]
    assert set(fit.seconds) >= {"warmup", "sampling", "total"}
    assert f"by NUTS on {backend}: 4 chains of 400 draws" in repr(fit)


@pytest.mark.parametrize("warmup", [0, 5, 21])
def test_any_length_of_warmup_runs(backend: str, warmup: int) -> None:
    method = gd.NUTS(chains=1, warmup=warmup, draws=3, max_tree_depth=3, dense=True)
    fit = regression().fit({"x": X, "y": Y}, method, backend=backend, progress=False)
    assert fit.draws["w"].shape == (1, 3, 3)
    assert np.isfinite(fit.draws["w"]).all()
    assert (fit.raw.stats["n_steps"] <= 7).all()
