"""HMC: a known Gaussian, its statistics, and the bound on its steps; on both backends."""

from __future__ import annotations

from functools import cache

import arviz as az
import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from tests.fit.models import COV, MEAN, SCHOOLS, X, Y, regression, schools

METHOD = gd.HMC(chains=4, warmup=300, draws=500)


@cache
def fitted(backend: str) -> Fit:
    return regression().fit({"x": X, "y": Y}, METHOD, backend=backend, seed=2, progress=False)


def _close(draws: np.ndarray, truth: float, cap: float) -> None:
    error = 4 * float(az.mcse(draws))
    assert error < cap, "too few draws to tell"
    assert abs(draws.mean() - truth) < error


def test_mean_and_covariance_of_a_gaussian(backend: str) -> None:
    w = fitted(backend).draws["w"]
    assert w.shape == (4, 500, 3)
    for i in range(3):
        _close(w[..., i], MEAN[i], 0.15)
        for j in range(i + 1):
            _close((w[..., i] - MEAN[i]) * (w[..., j] - MEAN[j]), COV[i, j], 0.15)
    assert fitted(backend).check().ok, str(fitted(backend).check())


def test_statistics_mean_what_they_say(backend: str) -> None:
    fit = fitted(backend)
    s = fit.raw.stats
    assert set(s) == {"lp", "energy", "n_steps", "acceptance_rate", "step_size", "diverging"}
    assert all(x.shape == (4, 500) for x in s.values())
    assert s["n_steps"].dtype == np.int64
    assert s["diverging"].dtype == bool
    assert not s["diverging"].any()
    assert ((s["acceptance_rate"] >= 0) & (s["acceptance_rate"] <= 1)).all()
    assert abs(s["acceptance_rate"].mean() - METHOD.target_accept) < 0.15
    assert (s["step_size"] == s["step_size"][:, :1]).all()
    length = s["n_steps"] * s["step_size"]
    assert (length <= METHOD.trajectory * (1 + 1e-12)).all()
    assert (length > METHOD.trajectory - s["step_size"]).all()
    assert f"by HMC on {backend}" in repr(fit)
    assert set(fit.idata.sample_stats) == set(s)


def test_lp_is_the_density_and_energy_adds_the_momentum(backend: str) -> None:
    fit = fitted(backend)
    p, s = fit.program, fit.raw.stats
    with p.backend.context("float64"):
        for at in [(0, 0), (1, 7), (3, 499)]:
            u = {k: p.backend.array(v[at], "float64") for k, v in fit.raw.unconstrained.items()}
            assert float(p.backend.numpy(fit.bound.log_density(u))) == pytest.approx(s["lp"][at], rel=1e-12)
    kinetic = s["energy"] + s["lp"]  # at stationarity half a chi-squared of 3 degrees of freedom
    assert (kinetic > 0).all()
    _close(kinetic, 1.5, 0.3)


def test_rejected_proposals_repeat_the_draw(backend: str) -> None:
    """With steps too long for the posterior some are refused: exactly then the draw, and lp, stay."""
    method = gd.HMC(chains=2, warmup=200, draws=800, target_accept=0.5)
    fit = regression().fit({"x": X, "y": Y}, method, backend=backend, seed=5, progress=False)
    w, lp = fit.draws["w"], fit.raw.stats["lp"]
    same = (w[:, 1:] == w[:, :-1]).all(-1)
    assert 0.1 < same.mean() < 0.9
    assert (same == (lp[:, 1:] == lp[:, :-1])).all()
    assert abs((1 - same).mean() - fit.raw.stats["acceptance_rate"][:, 1:].mean()) < 0.1
    # Where the proposal was refused, the energy is that of the state which stayed, with the momentum it had.
    _close(fit.raw.stats["energy"] + lp, 1.5, 0.5)


def test_the_bound_on_steps_shortens_trajectories(backend: str) -> None:
    method = gd.HMC(chains=1, warmup=30, draws=20, trajectory=50.0, max_steps=7)
    fit = schools().fit(SCHOOLS, method, backend=backend, seed=5, progress=False)
    assert (fit.raw.stats["n_steps"] == 7).all()


@pytest.mark.parametrize("warmup", [0, 21])
def test_any_length_of_warmup_and_a_dense_matrix(backend: str, warmup: int) -> None:
    method = gd.HMC(chains=1, warmup=warmup, draws=3, dense=True)
    fit = regression().fit({"x": X, "y": Y}, method, backend=backend, progress=False)
    assert np.isfinite(fit.draws["w"]).all()
    assert fit.state is not None
    assert fit.state.inverse_mass.shape == (1, 3, 3)


def test_a_singular_matrix_on_the_way_is_no_failure() -> None:
    """Pyro counts a point whose density raises as one without density."""
    m = gd.Model("wall")
    x = m.latent("x", gd.Normal(0, 1))
    m.let("root", gd.cholesky(gd.diag(gd.stack([1.0 - x, 1.0]))))
    m.factor("f", m["root"].sum() * 0.0)
    fit = m.fit({}, gd.HMC(chains=1, warmup=50, draws=100), backend="pyro", seed=1, progress=False)
    assert fit.draws["x"].max() < 1
