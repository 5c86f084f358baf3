"""A deadline ends sampling, keeps what was drawn, and says so."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.methods.clock import Clock
from gendsl.progress import Silent
from tests.fit.models import SCHOOLS, schools


def _engine(name: str) -> Any:
    if name == "numpyro":
        from gendsl_numpyro.mcmc import NumpyroEngine

        return NumpyroEngine()
    from gendsl_pyro.mcmc import PyroEngine

    return PyroEngine(processes=1 if name == "pyro" else 2)


NATIVE, NUTPIE = gd.Engine.NATIVE, gd.Engine.NUTPIE


@pytest.mark.parametrize(
    ("engine", "kernel"),
    [
        ("numpyro", NATIVE),
        ("numpyro", NUTPIE),
        ("pyro", NATIVE),
        ("pyro", NUTPIE),
        pytest.param("pyro in processes", NATIVE, marks=pytest.mark.slow),  # processes need their time to start
    ],
)
def test_what_was_drawn_is_kept(engine: str, kernel: gd.Engine) -> None:
    bound = schools().compile(engine.split()[0]).bind(SCHOOLS)
    deadline = 20.0 if "in" in engine else 6.0
    method = gd.NUTS(chains=3, warmup=10, draws=10**6, max_tree_depth=3, engine=kernel, deadline=deadline)
    began = time.perf_counter()
    draws = _engine(engine).mcmc(bound, method, 0, Silent())
    assert time.perf_counter() - began < deadline + 10
    assert not draws.complete
    chains, length = draws.unconstrained["mu"].shape
    assert 2 <= chains <= 3  # those that start last have had their share of the time
    assert 1 < length < method.draws
    assert draws.note.startswith(
        f"stopped at the deadline of {method.deadline:g} s: {chains} of 3 chains and {length} of 1000000 draws are kept"
    )
    assert all(x.shape == (chains, length) for x in draws.stats.values())
    assert draws.state is not None
    assert draws.state.position.shape == (chains, bound.dimension)


def test_a_fit_says_so_and_goes_on(backend: str) -> None:
    method = gd.HMC(chains=1, warmup=20, draws=10**6, deadline=5.0)
    fit = schools().fit(SCHOOLS, method, backend=backend, progress=False)
    assert "stopped at the deadline of 5 s" in repr(fit)
    assert fit.check().problems[0].startswith("stopped at the deadline")
    more = fit.continue_(10, progress=False)
    assert more.raw.complete
    assert more.draws["mu"].shape == (fit.draws["mu"].shape[0], fit.draws["mu"].shape[1] + 10)


@pytest.mark.parametrize("kernel", list(gd.Engine))
def test_a_deadline_during_warmup_is_an_error(backend: str, kernel: gd.Engine) -> None:
    method = gd.NUTS(chains=1, warmup=10**6, draws=10, deadline=1.5, engine=kernel)
    with pytest.raises(gd.FitError, match="the deadline came before warmup was over") as e:
        schools().fit(SCHOOLS, method, backend=backend, progress=False)
    assert (e.value.given or "").startswith("deadline=1.5 s")
    assert "a later deadline" in (e.value.fix or "")


def test_a_run_that_is_quick_enough_is_whole(backend: str) -> None:
    method = gd.NUTS(chains=2, warmup=20, draws=20, deadline=500.0, engine=NATIVE)
    fit = schools().fit(SCHOOLS, method, backend=backend, seed=1, progress=False)
    free = gd.NUTS(chains=2, warmup=20, draws=20, engine=NATIVE)
    same = schools().fit(SCHOOLS, free, backend=backend, seed=1, progress=False)
    assert fit.raw.complete
    assert np.array_equal(fit.draws["mu"], same.draws["mu"])


def test_the_clock_leaves_time_for_chains_that_start_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    clock = Clock(12.0)
    clock.share(chains=5, lanes=2)
    assert clock.start() == pytest.approx(104.0)  # three rounds
    assert clock.start() == pytest.approx(106.0)  # four left: two rounds
    now[0] = 104.0
    assert clock.start() == pytest.approx(108.0)
    now[0] = 106.0
    assert clock.start() == pytest.approx(112.0)
    now[0] = 108.0
    assert clock.start() == pytest.approx(112.0)
    now[0] = 120.0
    assert clock.start() == pytest.approx(120.0)
    assert Clock(None).start() is None
