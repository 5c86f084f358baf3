"""Going on from a fit: no warmup, the same law, repeatable, and what an interrupt cost is made up for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import arviz as az
import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from gendsl.progress import Silent
from gendsl.run import infer
from gendsl.state import SamplerState, entropy
from tests.fit.models import COV, MEAN, NATIVE, SCHOOLS, X, Y, regression, schools
from tests.fit.test_stop import Interrupt
from tests.predict.exact import regression_fit

# In the latents' own coordinates there is a mass matrix to learn; tests/passes/test_design.py goes on in others.
NUTS = gd.NUTS(chains=4, warmup=300, draws=60, engine=NATIVE, whiten=False)
METHODS: dict[str, gd.methods.MCMC] = {
    "NUTS": NUTS,
    "HMC": gd.HMC(chains=4, warmup=300, draws=60, dense=False, whiten=False),
    "nutpie": gd.NUTS(chains=4, warmup=300, draws=60, engine=gd.Engine.NUTPIE),
}


@cache
def fitted(backend: str, name: str) -> tuple[Fit, Fit]:
    """A short fit, and 500 more draws."""
    first = regression().fit({"x": X, "y": Y}, METHODS[name], backend=backend, seed=3, progress=False)
    return first, first.continue_(500, progress=False)


@pytest.mark.parametrize("name", METHODS)
def test_what_follows_has_the_same_law(backend: str, name: str) -> None:
    first, more = fitted(backend, name)
    assert more.draws["w"].shape == (4, 560, 3)
    assert np.array_equal(more.draws["w"][:, :60], first.draws["w"])
    new = more.draws["w"][:, 60:]
    for i in range(3):
        for x, truth in ((new[..., i], MEAN[i]), ((new[..., i] - MEAN[i]) ** 2, COV[i, i])):
            error = 4 * float(az.mcse(x))
            assert error < 0.2
            assert abs(x.mean() - truth) < error
    assert more.raw.complete
    assert more.check().ok, str(more.check())
    assert {k: v.shape for k, v in more.raw.stats.items()} == dict.fromkeys(first.raw.stats, (4, 560))
    assert dict(more.idata.posterior.sizes)["draw"] == 560


@pytest.mark.parametrize("name", ["NUTS", "HMC"])
def test_the_kernel_goes_on_as_it_was(backend: str, name: str) -> None:
    first, more = fitted(backend, name)
    a, b = first.state, more.state
    assert a is not None
    assert b is not None
    assert np.array_equal(a.step_size, b.step_size)
    assert np.array_equal(a.inverse_mass, b.inverse_mass)
    assert a.inverse_mass.shape == ((4, 3, 3) if name == "NUTS" else (4, 3))
    assert (a.run, b.run) == (0, 1)
    last = np.concatenate([more.raw.unconstrained[k][:, -1].reshape(4, -1) for k in more.bound.shapes], 1)
    assert np.array_equal(b.position, last)
    sizes = more.raw.stats["step_size"]
    assert (sizes == sizes[:, :1]).all()
    # The mass matrix was learnt, and is nearer to the posterior's covariance than that is to the identity.
    diagonals = np.diagonal(a.inverse_mass, axis1=1, axis2=2) if a.inverse_mass.ndim == 3 else a.inverse_mass
    assert np.abs(np.log(diagonals / np.diag(COV))).max() < 1.0
    assert not np.allclose(diagonals, 1.0, atol=0.2)


def test_nutpie_says_that_it_warmed_up_again(backend: str) -> None:
    _, more = fitted(backend, "nutpie")
    assert "nutpie warmed up again for 100 iterations" in more.raw.note
    assert "warmed up again" in repr(more)
    assert more.state is not None
    assert more.state.inverse_mass.shape == (4, 0)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_continuation_repeats(backend: str, name: str) -> None:
    first, _ = fitted(backend, name)
    a, b = first.continue_(20, progress=False), first.continue_(20, progress=False)
    assert np.array_equal(a.draws["w"], b.draws["w"])
    twice = a.continue_(20, progress=False)
    assert twice.state is not None
    assert twice.state.run == 2
    assert not np.array_equal(twice.draws["w"][:, 80:], a.draws["w"][:, 60:])
    assert np.array_equal(twice.draws["w"][:, :80], a.draws["w"])


def test_processes_go_on_as_one_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl_pyro import mcmc

    first, _ = fitted("pyro", "NUTS")
    alone = first.continue_(20, progress=False)
    monkeypatch.setattr(mcmc, "_SMALL", 0)
    assert np.array_equal(first.continue_(20, progress=False).draws["w"], alone.draws["w"])


def test_lockstep_chains_go_on() -> None:
    from gendsl_numpyro.mcmc import NumpyroEngine

    first, more = fitted("numpyro", "NUTS")
    method = replace(NUTS, draws=20, chain_method=gd.ChainMethod.VECTORIZED)
    raw = NumpyroEngine().mcmc(first.bound, method, 3, Silent(), first.state)
    assert raw.state is not None
    assert first.state is not None
    assert np.array_equal(raw.state.step_size, first.state.step_size)
    np.testing.assert_allclose(raw.unconstrained["w"][:, 0], more.raw.unconstrained["w"][:, 60], rtol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_an_interrupted_fit_is_completed(backend: str, name: str) -> None:
    method = replace(METHODS[name], chains=2, warmup=50, draws=40_000 if backend == "numpyro" else 8_000)
    fit = infer(schools().compile(backend).bind(SCHOOLS), method, 0, Interrupt(after=150))
    have = fit.draws["mu"].shape[1]
    assert not fit.raw.complete
    assert have < method.draws
    fit = replace(fit, method=replace(method, draws=have + 30))
    whole = fit.continue_(progress=False)
    assert whole.raw.complete
    assert whole.draws["mu"].shape[1] == have + 30
    assert not whole.check().problems or "interrupted" not in whole.check().problems[0]
    chains = whole.draws["mu"].shape[0]
    assert ("of 2 chains that were kept" in whole.raw.note) == (chains < 2)


def test_a_complete_fit_goes_on_for_as_many_draws_again() -> None:
    fit = schools().fit(
        SCHOOLS, gd.NUTS(chains=1, warmup=20, draws=15, thinning=2, engine=NATIVE), backend="numpyro", progress=False
    )
    more = fit.continue_(progress=False)
    assert more.draws["mu"].shape == (1, 30)
    assert more.method == replace(fit.method, draws=30)


def test_kept_warmup_stays_with_the_fit() -> None:
    method = gd.NUTS(chains=1, warmup=20, draws=15, keep_warmup=True, engine=NATIVE)
    fit = schools().fit(SCHOOLS, method, backend="numpyro", progress=False)
    more = fit.continue_(5, progress=False)
    assert np.array_equal(more.idata.warmup_posterior["mu"], fit.idata.warmup_posterior["mu"])


def test_a_state_is_plain_arrays() -> None:
    first, _ = fitted("numpyro", "NUTS")
    state = first.state
    assert state is not None
    for seed in (0, 3, 2**32, 2**70 + 5):
        arrays = replace(state, seed=seed, run=2).to_arrays()
        assert all(isinstance(x, np.ndarray) and x.dtype.kind in "iuf" for x in arrays.values())
        back = SamplerState.from_arrays(arrays)
        assert (back.seed, back.run) == (seed, 2)
        for k in ("chain", "position", "step_size", "inverse_mass"):
            assert np.array_equal(getattr(back, k), getattr(state, k))
    restored = replace(first, raw=replace(first.raw, state=SamplerState.from_arrays(state.to_arrays())))
    a, b = restored.continue_(5, progress=False), first.continue_(5, progress=False)
    assert np.array_equal(a.draws["w"], b.draws["w"])


def test_runs_never_share_random_numbers() -> None:
    seen = {tuple(entropy(seed, chain, run)) for seed in range(3) for chain in range(3) for run in range(3)}
    assert len(seen) == 27


def test_a_fit_without_a_state_cannot_go_on() -> None:
    with pytest.raises(gd.FitError, match="holds no state of a sampler"):
        regression_fit("numpyro", 8).continue_()
