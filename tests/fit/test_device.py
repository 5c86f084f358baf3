"""Where a model runs: by name, on jax's second device, on a GPU where there is one, and what is said where not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import find_device, get_backend
from gendsl.methods import NUTS, Engine
from gendsl.methods.choose import chosen
from tests.fit.models import SCHOOLS, schools

BACKENDS = ["numpyro", "pyro"]


class _There:
    name = "somewhere"

    def devices(self) -> list[str]:
        return ["cpu", "cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cpu", "cpu"),
        ("cpu:0", "cpu"),
        ("cuda", "cuda:0"),
        ("gpu", "cuda:0"),
        ("CUDA:1", "cuda:1"),
        ("gpu:1", "cuda:1"),
    ],
)
def test_names(name: str, found: str) -> None:
    there: Any = _There()
    assert find_device(there, name) == found


@pytest.mark.parametrize("name", ["cuda:2", "tpu", "cpu:1", "", 1, None])
def test_a_device_that_is_not_there(name: Any) -> None:
    there: Any = _There()
    with pytest.raises(gd.BackendError, match="needed: one of cpu, cuda:0, cuda:1"):
        find_device(there, name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_fit_names_the_devices(backend: str) -> None:
    with pytest.raises(gd.BackendError, match=rf"{backend} finds no such device .*\n  given:  device='cuda:99'"):
        schools().fit(SCHOOLS, gd.NUTS(), backend=backend, device="cuda:99")


@pytest.mark.parametrize(
    ("method", "backend", "dimension", "on_cpu", "engine"),
    [
        (NUTS(), "numpyro", 10, True, Engine.NUTPIE),
        (NUTS(), "numpyro", 91, True, Engine.NATIVE),
        (NUTS(), "numpyro", 501, True, Engine.NUTPIE),
        (NUTS(), "numpyro", 24, True, Engine.NUTPIE),
        (NUTS(), "pyro", 91, True, Engine.NUTPIE),
        (NUTS(), "numpyro", 10, False, Engine.NATIVE),
        (NUTS(dense=False), "numpyro", 10, True, Engine.NATIVE),
        (NUTS(warmup=0), "pyro", 10, True, Engine.NATIVE),
        (NUTS(engine=Engine.NATIVE), "pyro", 10, True, Engine.NATIVE),
        (NUTS(engine=Engine.NUTPIE), "numpyro", 91, False, Engine.NUTPIE),
    ],
)
def test_the_engine_that_is_chosen(method: NUTS, backend: str, dimension: int, on_cpu: bool, engine: Engine) -> None:
    out = chosen(method, backend, dimension, on_cpu=on_cpu)
    assert isinstance(out, NUTS)
    assert out.engine is engine


def test_without_nutpie_the_backend_s_kernel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gendsl.methods.choose.available", lambda: False)
    out = chosen(NUTS(), "numpyro", 10, on_cpu=True)
    assert isinstance(out, NUTS)
    assert out.engine is Engine.NATIVE


_SECOND = """
import json, sys
import jax, numpy as np
import gendsl as gd
from tests.fit.models import SCHOOLS, schools
out = {}
for engine in gd.Engine:
    method = gd.NUTS(chains=2, warmup=50, draws=30, engine=engine)
    fits = [schools().fit(SCHOOLS, method, backend="numpyro", device=d, progress=False) for d in ("cpu", "cpu:1")]
    out[engine.value] = [f.draws["mu"].ravel().tolist() for f in fits]
(array, *_) = [v for v in fits[1].bound.arrays.values() if not isinstance(v, int)]
out["where"] = sorted(str(d) for d in array.devices())
fits[1].sample()
fits[1].save(sys.argv[1])
out["saved"] = gd.load(sys.argv[1]).program.device
print(json.dumps(out))
"""


def test_the_second_device_of_jax(tmp_path: Path) -> None:
    """Two devices on one CPU: the same numbers, on the device that was named."""
    env = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", _SECOND, str(tmp_path / "fit.nc")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    out = json.loads(done.stdout.splitlines()[-1])
    assert out.pop("where") == ["cpu:1"]
    assert out.pop("saved") == "cpu:1"
    assert gd.load(tmp_path / "fit.nc").program.device == "cpu"  # here there is one
    for first, second in out.values():
        np.testing.assert_allclose(first, second, rtol=1e-9)


def _gpu(backend: str) -> bool:
    return "cuda:0" in get_backend(backend).devices()


@pytest.mark.parametrize("backend", BACKENDS)
def test_on_a_gpu(backend: str, tmp_path: Path) -> None:
    if not _gpu(backend):
        pytest.skip(f"{backend} finds no GPU")
    method = gd.NUTS(chains=2, warmup=300, draws=300)
    here, there = (schools().fit(SCHOOLS, method, backend=backend, device=d, progress=False) for d in ("cpu", "cuda"))
    assert there.program.device == "cuda:0"
    for name in ("mu", "tau"):
        error = 4 * np.hypot(*(float(f.summary(name)["mcse_mean"].iloc[0]) for f in (here, there)))
        assert abs(here.draws[name].mean() - there.draws[name].mean()) < min(error, 2.0)
    assert there.sample()["y"].shape == (2, 300, 8)
    there.save(tmp_path / "fit.nc")
    assert gd.load(tmp_path / "fit.nc").continue_(20, progress=False).draws["mu"].shape == (2, 320)
