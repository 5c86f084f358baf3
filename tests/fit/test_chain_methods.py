"""How chains share the machine says nothing of what they draw."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from tests.fit.models import SCHOOLS, schools

HOW = gd.ChainMethod
ENGINES = (gd.Engine.NATIVE, gd.Engine.NUTPIE)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import gendsl_numpyro.mcmc
    import gendsl_pyro.mcmc

    for module in (gendsl_numpyro.mcmc, gendsl_pyro.mcmc):
        monkeypatch.setattr(module, "cores", lambda: 2)


def fit(backend: str, engine: gd.Engine, how: gd.ChainMethod, warmup: int = 30) -> Fit:
    method = gd.NUTS(chains=3, warmup=warmup, draws=10, engine=engine, chain_method=how)
    return schools().fit(SCHOOLS, method, backend=backend, seed=4, progress=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_parallel_chains_draw_what_sequential_ones_draw(backend: str, engine: gd.Engine) -> None:
    one, other = fit(backend, engine, HOW.SEQUENTIAL), fit(backend, engine, HOW.PARALLEL)
    for k, x in one.raw.unconstrained.items():
        np.testing.assert_array_equal(other.raw.unconstrained[k], x)
    for k, x in one.raw.stats.items():
        np.testing.assert_array_equal(other.raw.stats[k], x)


def test_sequential_chains_stay_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl_pyro import mcmc

    monkeypatch.setattr(mcmc, "_SMALL", 0)
    monkeypatch.delattr(mcmc, "run_pool")
    assert fit("pyro", gd.Engine.NATIVE, HOW.SEQUENTIAL).raw.complete
    with pytest.raises(NameError, match="run_pool"):
        fit("pyro", gd.Engine.NATIVE, HOW.PARALLEL)


def test_vectorised_chains_draw_the_same_up_to_rounding() -> None:
    one, other = (fit("numpyro", gd.Engine.NATIVE, how, warmup=0) for how in (HOW.SEQUENTIAL, HOW.VECTORIZED))
    for k, x in one.raw.unconstrained.items():
        np.testing.assert_allclose(other.raw.unconstrained[k][:, 0], x[:, 0], rtol=1e-8)


def test_vectorised_chains_are_of_the_backend_s_own_kernel() -> None:
    """Where none is named, and nutpie's would run chains that are apart."""
    assert fit("numpyro", gd.Engine.AUTO, HOW.SEQUENTIAL).method.engine is gd.Engine.NUTPIE
    assert fit("numpyro", gd.Engine.AUTO, HOW.VECTORIZED).method.engine is gd.Engine.NATIVE


def test_pyro_has_no_vectorised_chains() -> None:
    with pytest.raises(gd.BackendError, match="Pyro's chains cannot be vectorised") as e:
        fit("pyro", gd.Engine.AUTO, HOW.VECTORIZED)
    assert 'backend="numpyro"' in str(e.value)


DEVICES = """
import numpy as np
import gendsl as gd
from gendsl_numpyro import kernel
from tests.fit.test_chain_methods import HOW, fit

places, place = set(), kernel._place
def seen(state):
    places.add(place(state))
    return place(state)
kernel._place = seen
one = fit("numpyro", gd.Engine.NATIVE, HOW.SEQUENTIAL)
print(len(places))
other = fit("numpyro", gd.Engine.NATIVE, HOW.PARALLEL)
print(len(places), all(np.array_equal(x, other.raw.unconstrained[k]) for k, x in one.raw.unconstrained.items()))
"""


def test_parallel_chains_take_all_devices() -> None:
    """Of a CPU that XLA splits in two, as it would of two GPUs."""
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", DEVICES],
        env=os.environ | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["1", "2", "True"], done.stderr[-2000:]
