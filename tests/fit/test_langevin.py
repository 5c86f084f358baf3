"""MALA and ULA through `model.fit`: exact laws, ULA's bias, statistics, adaptation; on both backends."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import arviz as az
import numpy as np
import pytest
import torch

import gendsl as gd
from gendsl.fit import Fit
from gendsl.methods import MALA, ULA, Langevin
from gendsl.progress import Silent
from gendsl.run import infer
from gendsl_models import reference
from gendsl_models.registry import ZOO
from tests.fit.models import COV, MEAN, SCHOOLS, X, Y, regression, schools
from tests.fit.test_stop import Interrupt

METHOD = MALA(warmup=300, draws=1500)


@cache
def fitted(backend: str) -> Fit:
    return regression().fit({"x": X, "y": Y}, METHOD, backend=backend, seed=2, progress=False)


def _close(draws: np.ndarray, truth: float, cap: float) -> None:
    error = 4 * float(az.mcse(draws))
    assert error < cap, "too few draws to tell"
    assert abs(draws.mean() - truth) < error


def normal() -> gd.Model:
    """One standard normal latent, whose fused density is exactly that."""
    m = gd.Model("standard")
    m.latent("x", gd.Normal(0, 1))
    return m


# -- laws ----------------------------------------------------------------------------------------------------------
def test_mean_and_covariance_of_a_gaussian(backend: str) -> None:
    w = fitted(backend).draws["w"]
    assert w.shape == (4, 1500, 3)
    for i in range(3):
        _close(w[..., i], MEAN[i], 0.15)
        for j in range(i + 1):
            _close((w[..., i] - MEAN[i]) * (w[..., j] - MEAN[j]), COV[i, j], 0.15)


def test_ula_is_biased_as_it_should_be_and_mala_is_not(backend: str) -> None:
    """M1: at h = 0.5 a standard normal comes out with the variance 1 / (1 - h / 2) = 4 / 3."""
    method = ULA(step_size=0.5, precondition=False, chains=20, warmup=0, draws=3000)
    x = normal().fit({}, method, backend=backend, seed=1, progress=False).draws["x"][:, 50:]
    _close(x**2, 4 / 3, 0.1)
    assert abs((x**2).mean() - 1.0) > 4 * float(az.mcse(x**2))
    step = MALA(step_size=0.5, precondition=False, chains=20, warmup=0, draws=3000)
    x = normal().fit({}, step, backend=backend, seed=1, progress=False).draws["x"][:, 50:]
    _close(x**2, 1.0, 0.1)


def test_check_says_that_ula_is_biased() -> None:
    fit = normal().fit({}, ULA(step_size=0.5, precondition=False), backend="numpyro", seed=1, progress=False)
    check = fit.check(prior=False)
    assert "ULA's draws are biased" in str(check)
    assert "a variance of 1.33" in str(check)
    assert "gd.MALA" in str(check)
    assert not any("biased" in p for p in fitted("numpyro").check().notes)


def test_eight_schools_reach_their_reference(backend: str) -> None:
    """On the unconstrained, non-centred space: means and deviations within the bounds, or 4 standard errors."""
    case = "eight_schools_noncentered"
    if not reference.available():
        pytest.skip("the reference posteriors are absent")
    method = MALA(draws=2000, thinning=5 if backend == "numpyro" else 2)
    fit = ZOO[case].build().fit(ZOO[case].data(), method, backend=backend, seed=0, progress=False)
    rows = reference.check(case, fit.draws, fit.raw.stats["diverging"])
    assert rows
    for row in rows:
        assert row.mean_within_sd, row
        assert row.mean_within_mcse or abs(row.mean - row.reference_mean) < 4 * row.mcse, row
        assert row.sd_passed, row
    assert fit.check().ok, str(fit.check())


# -- adaptation ----------------------------------------------------------------------------------------------------
def test_steps_reach_their_target_and_the_metric_is_the_covariance(backend: str) -> None:
    """M4, in the latents' own coordinates."""
    method = replace(METHOD, chains=16, whiten=False, dense=True, warmup=1000)
    fit = regression().fit({"x": X, "y": Y}, method, backend=backend, seed=4, progress=False)
    assert abs(fit.raw.stats["acceptance_rate"].mean() - 0.574) < 0.05
    assert fit.state is not None
    np.testing.assert_allclose(fit.state.inverse_mass, np.broadcast_to(COV, (16, 3, 3)), rtol=0.05, atol=0.02)


def test_without_a_preconditioner_there_is_none() -> None:
    fit = regression().fit({"x": X, "y": Y}, replace(METHOD, precondition=False), backend="numpyro", progress=False)
    assert fit.state is not None
    assert np.array_equal(fit.state.inverse_mass, np.ones((4, 3)))


@pytest.mark.parametrize("warmup", [0, 7, 20, 230])
@pytest.mark.parametrize("kind", [MALA, ULA])
def test_any_length_of_warmup(kind: type[Langevin], warmup: int) -> None:
    method = kind(chains=2, warmup=warmup, draws=7, step_size=0.05)
    fit = regression().fit({"x": X, "y": Y}, method, backend="numpyro", progress=False)
    assert fit.draws["w"].shape == (2, 7, 3)
    assert np.isfinite(fit.draws["w"]).all()
    sizes = fit.raw.stats["step_size"]
    assert (sizes == sizes[:, :1]).all()
    assert (sizes == 0.05).all() == (kind is ULA or warmup == 0)


# -- statistics ----------------------------------------------------------------------------------------------------
def test_statistics_mean_what_they_say(backend: str) -> None:
    fit = fitted(backend)
    s = fit.raw.stats
    assert set(s) == {"lp", "acceptance_rate", "step_size", "diverging"}
    assert all(x.shape == (4, 1500) for x in s.values())
    assert s["diverging"].dtype == bool
    assert not s["diverging"].any()
    assert (s["step_size"] == s["step_size"][:, :1]).all()
    assert set(fit.idata.sample_stats) == set(s)
    assert f"by MALA on {backend}: 4 chains of 1500 draws" in repr(fit)
    w, lp = fit.draws["w"], s["lp"]
    same = (w[:, 1:] == w[:, :-1]).all(-1)
    assert (same == (lp[:, 1:] == lp[:, :-1])).all()
    assert abs((1 - same).mean() - s["acceptance_rate"][:, 1:].mean()) < 0.05
    p = fit.program
    with p.backend.context("float64"):
        for at in [(0, 0), (1, 7), (3, 1499)]:
            u = {k: p.backend.array(v[at], "float64") for k, v in fit.raw.unconstrained.items()}
            assert float(p.backend.numpy(fit.bound.log_density(u))) == pytest.approx(lp[at], rel=1e-12)


def test_both_backends_take_the_same_steps() -> None:
    """The noise is one: with few iterations rounding has no time to grow, and draws are equal."""
    fits = [
        schools().fit(SCHOOLS, MALA(chains=2, warmup=40, draws=10), backend=b, seed=3, progress=False)
        for b in ("numpyro", "pyro")
    ]
    a, b = (np.concatenate([x.reshape(2, 10, -1) for x in f.draws.values()], -1) for f in fits)
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_a_chain_depends_on_the_seed_and_its_number(backend: str) -> None:
    def draws(chains: int, seed: int = 3) -> np.ndarray:
        method = MALA(chains=chains, warmup=30, draws=10)
        return schools().fit(SCHOOLS, method, backend=backend, seed=seed, progress=False).draws["mu"]

    three = draws(3)
    assert np.array_equal(three, draws(3))
    np.testing.assert_allclose(three[:1], draws(1), rtol=1e-8)  # other numbers of chains may round otherwise
    assert not np.array_equal(three[0], three[1])
    assert not np.array_equal(three, draws(3, seed=4))


def test_ula_tells_how_far_it_is_from_mala() -> None:
    near, far = (
        normal().fit({}, ULA(step_size=h, precondition=False, warmup=0), backend="numpyro", progress=False)
        for h in (0.01, 1.0)
    )
    assert near.raw.stats["acceptance_rate"].mean() > 0.99
    assert 0.5 < far.raw.stats["acceptance_rate"].mean() < 0.95
    moved = np.diff(far.draws["x"], axis=1) != 0
    assert moved.all()


# -- runs ----------------------------------------------------------------------------------------------------------
def test_thinning_and_kept_warmup(backend: str) -> None:
    whole = MALA(chains=2, warmup=60, draws=30, keep_warmup=True)
    a, b = (
        regression().fit({"x": X, "y": Y}, m, backend=backend, seed=1, progress=False)
        for m in (whole, replace(whole, draws=10, thinning=3))
    )
    np.testing.assert_allclose(b.draws["w"], a.draws["w"][:, 2::3], rtol=1e-9)
    assert a.idata.warmup_posterior["w"].shape == (2, 60, 3)
    assert set(a.raw.warmup_stats) == set(a.raw.stats)


def test_single_precision(backend: str) -> None:
    fit = regression().fit({"x": X, "y": Y}, METHOD, backend=backend, precision="float32", seed=2, progress=False)
    w = fit.draws["w"]
    assert np.array_equal(w, w.astype(np.float32))
    for i in range(3):
        _close(w[..., i], MEAN[i], 0.15)


@pytest.mark.parametrize("kind", [MALA, ULA])
def test_a_fit_goes_on(backend: str, kind: type[Langevin]) -> None:
    method = kind(chains=4, warmup=300, draws=60, step_size=0.05)
    first = regression().fit({"x": X, "y": Y}, method, backend=backend, seed=3, progress=False)
    more, again = (first.continue_(400, progress=False) for _ in range(2))
    assert np.array_equal(more.draws["w"], again.draws["w"])
    assert more.draws["w"].shape == (4, 460, 3)
    assert np.array_equal(more.draws["w"][:, :60], first.draws["w"])
    assert first.state is not None
    assert more.state is not None
    for k in ("step_size", "inverse_mass"):
        assert np.array_equal(getattr(first.state, k), getattr(more.state, k))
    assert (more.raw.stats["step_size"] == more.raw.stats["step_size"][:, :1]).all()
    for i in range(3):
        _close(more.draws["w"][:, 60:, i], MEAN[i], 0.6)


def test_an_interrupt_keeps_what_was_drawn_and_can_be_made_up_for(backend: str) -> None:
    method = MALA(chains=2, warmup=50, draws=10**7)
    progress = Interrupt(after=200)
    fit = infer(schools().compile(backend).bind(SCHOOLS), method, 0, progress)
    have = fit.draws["mu"].shape[1]
    assert progress.stopped
    assert 0 < have < method.draws
    assert fit.raw.note == f"interrupted: 2 of 2 chains and {have} of 10000000 draws are kept"
    whole = replace(fit, method=replace(method, draws=have + 30)).continue_(progress=False)
    assert whole.raw.complete
    assert whole.draws["mu"].shape == (2, have + 30)


def test_an_interrupt_during_warmup_stays_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        infer(schools().compile("numpyro").bind(SCHOOLS), MALA(warmup=10**7), 0, Interrupt(after=1))


def test_a_deadline_keeps_what_was_drawn(backend: str) -> None:
    method = MALA(chains=2, warmup=50, draws=10**7, deadline=6.0)
    fit = infer(schools().compile(backend).bind(SCHOOLS), method, 0, Silent())
    assert fit.raw.note.startswith("stopped at the deadline of 6 s: 2 of 2 chains")
    assert 5.0 < fit.seconds["total"] < 12.0
    with pytest.raises(gd.FitError, match="the deadline came before warmup was over"):
        infer(schools().compile(backend).bind(SCHOOLS), replace(method, deadline=1e-3), 0, Silent())


def test_a_saved_fit_is_as_it_was(tmp_path: object) -> None:
    fit = regression().fit(
        {"x": X, "y": Y}, ULA(chains=2, warmup=30, draws=20, step_size=0.02), backend="numpyro", progress=False
    )
    fit.save(f"{tmp_path}/fit.nc")
    back = gd.load(f"{tmp_path}/fit.nc")
    assert back.method == fit.method
    assert np.array_equal(back.continue_(5, progress=False).draws["w"], fit.continue_(5, progress=False).draws["w"])


def test_centring_is_learnt_with_mala_too() -> None:
    fit = schools().fit(
        SCHOOLS, MALA(warmup=600, draws=100, centering=gd.Centering.LEARNED), backend="numpyro", progress=False
    )
    assert "'theta' is centred by" in fit.raw.note


# -- what goes wrong -----------------------------------------------------------------------------------------------
def test_a_chain_that_runs_away_is_told(backend: str) -> None:
    with pytest.raises(gd.FitError, match=r"ran away before its first draw\n  given:  step_size=5"):
        normal().fit(
            {},
            ULA(step_size=5.0, precondition=False, warmup=0, draws=2000, thinning=2000),
            backend=backend,
            progress=False,
        )
    fit = normal().fit(
        {}, ULA(step_size=5.0, precondition=False, warmup=0, draws=2000), backend=backend, progress=False
    )
    assert "ended by an error (the chain ran away" in fit.raw.note
    assert (np.abs(fit.raw.stats["lp"]) < 1e30).all()
    assert 10 < fit.draws["x"].shape[1] < 2000
    assert not fit.check()


def test_a_singular_matrix_on_the_way_is_no_failure() -> None:
    """On Pyro a point whose density raises is one without density, and only its chain stays where it is."""
    m = gd.Model("wall")
    x = m.latent("x", gd.Normal(0, 1))
    m.let("root", gd.cholesky(gd.diag(gd.stack([1.0 - x, 1.0]))))
    m.factor("f", m["root"].sum() * 0.0)
    fit = m.fit({}, MALA(chains=2, warmup=50, draws=100, step_size=0.5), backend="pyro", seed=1, progress=False)
    assert fit.draws["x"].max() < 1
    assert np.ptp(fit.draws["x"]) > 0.5


def test_a_solver_with_its_own_steps_is_not_mapped() -> None:
    """On torch an adaptive solver cannot run for several points at once."""
    m = gd.Model("decay")
    time = m.plate("time")
    rate = m.latent("rate", gd.LogNormal(0, 0.3))
    y = gd.odeint(lambda t, y: -rate * y, 1.0, m.data("t", dims=time))
    m.observe("y", gd.Normal(y, 0.1), dims=time)
    t = np.linspace(0.5, 2.0, 4)
    method = MALA(chains=2, warmup=0, draws=8, step_size=0.02)
    fit = m.fit({"y": np.exp(-t), "t": t}, method, backend="pyro", seed=1, progress=False)
    lp = fit.bound.log_density({k: torch.tensor(x[1, -1]) for k, x in fit.raw.unconstrained.items()})
    assert float(lp) == pytest.approx(fit.raw.stats["lp"][1, -1], rel=1e-12)
    assert len(np.unique(fit.draws["rate"])) > 2
