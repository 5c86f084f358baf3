"""Equal seeds give equal draws, however the work is spread; and a run leaves nothing behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import Draws
from gendsl.fit import Fit
from gendsl.progress import Silent
from tests.fit.models import NATIVE, QUICK, SCHOOLS, schools


def _same(a: Draws, b: Draws) -> bool:
    return all(np.array_equal(x, b.unconstrained[k]) for k, x in a.unconstrained.items()) and all(
        np.array_equal(x, b.stats[k]) for k, x in a.stats.items()
    )


def _fit(backend: str, seed: int, method: gd.NUTS = QUICK) -> Fit:
    return schools().fit(SCHOOLS, method, backend=backend, seed=seed, progress=False)


def test_a_seed_determines_the_draws(fitted: Callable[[str, str], Fit], backend: str) -> None:
    first = fitted("schools", backend)
    assert _same(first.raw, _fit(backend, 1).raw)
    other = _fit(backend, 2)
    assert not np.array_equal(first.draws["mu"], other.draws["mu"])


def test_chains_differ_and_do_not_depend_on_each_other(fitted: Callable[[str, str], Fit], backend: str) -> None:
    two = fitted("schools", backend).raw.unconstrained["mu"]
    one = _fit(backend, 1, replace(QUICK, chains=1)).raw.unconstrained["mu"]
    assert not np.array_equal(two[0], two[1])
    assert np.array_equal(two[:1], one)


def test_processes_draw_what_one_process_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl_pyro import mcmc
    from gendsl_pyro.mcmc import PyroEngine

    bound = schools().compile("pyro").bind(SCHOOLS)
    monkeypatch.setattr(mcmc, "_SMALL", 0)
    method = gd.NUTS(chains=3, warmup=30, draws=10, engine=NATIVE)
    spread = PyroEngine(processes=2).mcmc(bound, method, 5, Silent())
    alone = PyroEngine(processes=1).mcmc(bound, method, 5, Silent())
    assert spread.complete
    assert _same(spread, alone)


def test_both_backends_start_from_the_same_points(monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl.methods import start
    from gendsl.methods.start import starts

    seen: list[Any] = []

    def spy(*args: Any, **options: Any) -> Any:
        seen.append(starts(*args, **options))
        return seen[-1]

    monkeypatch.setattr(start, "starts", spy)
    for backend in ("numpyro", "pyro"):
        _fit(backend, 9, gd.NUTS(chains=2, warmup=0, draws=1))
    a, b = seen
    assert all(np.array_equal(x[k], y[k]) for x, y in zip(a, b, strict=True) for k in x)
    assert all((np.abs(x[k]) <= 2).all() for x in a for k in x)


def _globals() -> dict[str, Any]:
    import jax
    import pyro
    import torch

    return {
        "x64": jax.config.jax_enable_x64,
        "platforms": jax.config.jax_platforms,
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": np.random.get_state()[1].tobytes(),  # type: ignore[index,union-attr]
        "random": random.getstate(),
        "store": list(pyro.get_param_store().keys()),
        "validation": (
            pyro.distributions.is_validation_enabled(),
            pyro.infer.util.is_validation_enabled(),
            pyro.poutine.util.is_validation_enabled(),
        ),
        "errors": np.geterr(),
    }


@pytest.mark.parametrize("engine", gd.Engine)
def test_a_run_changes_no_global_state(backend: str, engine: gd.Engine) -> None:
    before = _globals()
    fit = _fit(backend, 4, replace(QUICK, engine=engine))
    _ = fit.idata, fit.check(), fit.summary()
    assert _globals() == before


def test_a_handler_around_a_fit_sees_nothing_of_it() -> None:
    import pyro

    with pyro.poutine.trace() as seen:
        _fit("pyro", 4, gd.NUTS(chains=1, warmup=2, draws=2, engine=NATIVE))
    assert not [n for n in seen.trace.nodes if not n.startswith("_")]
