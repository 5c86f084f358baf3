"""What all tests share: threads, devices, and fits that several tests look at."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

# Before torch is first imported: the tests run several processes at once.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

# A shell that runs the tests in the background has Ctrl-C ignored, which the tests of interrupts press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

from gendsl.fit import Fit
from tests.fit import models

BACKENDS = ("numpyro", "pyro")
_MOST, _MORE = 3 << 30, 1 << 30  # bytes


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need an accelerator say so where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not _has_gpu():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and torch sees none"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """torch on one thread, should something have set it otherwise."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def _most() -> list[int]:
    """Bytes above which a worker lets go of what it compiled."""
    return [_MOST]


@pytest.fixture(autouse=True)
def _bounded_memory(_most: list[int]) -> Iterator[None]:
    """jax and gendsl keep what they compiled; thousands of models would fill the memory of a worker.

    Not all memory comes back, and letting go costs seconds: so the next time is when there is a gigabyte more.
    """
    yield
    if _resident() > _most[0]:
        import jax

        from gendsl import forward, program

        program._compiled.cache_clear()
        forward.compile_forward.cache_clear()
        jax.clear_caches()
        gc.collect()
        _trim()
        _most[0] = max(_MOST, _resident() + _MORE)


def _trim() -> None:
    """Give free memory back to the system, where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    """Bytes of memory in use; 0 where the system does not tell."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def fitted() -> Callable[[str, str], Fit]:
    """`fitted(case, backend)`: the fit of a case of tests/fit/models.py, made once in each worker."""

    @cache
    def get(case: str, backend: str) -> Fit:
        return models.CASES[case].fit(backend)

    return get
