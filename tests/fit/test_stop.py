"""Interrupts keep what was drawn; failures and dead processes are reported; nothing stays behind."""

from __future__ import annotations

import gc
import os
import signal
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.methods.chains import Chain, Start, gather
from gendsl.methods.clock import Clock
from gendsl.methods.interrupt import interrupts
from tests.fit.models import SCHOOLS, schools


class Interrupt:
    """Presses Ctrl-C once a chain has done `after` iterations."""

    def __init__(self, after: int) -> None:
        self.after, self.pressed, self.stopped = after, False, False

    def start(self, chains: int, total: int) -> None:
        pass

    def update(self, chain: int, done: int, divergences: int) -> None:
        if done >= self.after and not self.pressed:
            self.pressed = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def stop(self) -> None:
        self.stopped = True


def _children() -> set[str]:
    out = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(") ", 1)[1].split()[1] == str(os.getpid()):
                    out.add(pid)
        except OSError:
            continue
    return out


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")


def _engine(name: str) -> Any:
    if name == "numpyro":
        from gendsl_numpyro.mcmc import NumpyroEngine

        return NumpyroEngine()
    from gendsl_pyro.mcmc import PyroEngine

    return PyroEngine(processes=1 if name == "pyro" else 2)


@needs_proc
@pytest.mark.parametrize("engine", ["numpyro", "pyro", "pyro in processes"])
def test_an_interrupt_keeps_what_was_drawn(engine: str) -> None:
    before = _children()
    bound = schools().compile(engine.split()[0]).bind(SCHOOLS)
    method = gd.NUTS(chains=2, warmup=30, draws=10_000_000 if engine == "numpyro" else 100_000)
    progress = Interrupt(after=60)
    draws = _engine(engine).mcmc(bound, replace(method, max_tree_depth=4), 0, progress)
    assert progress.stopped
    assert not draws.complete
    assert draws.note.startswith("interrupted: ")
    chains, length = draws.unconstrained["mu"].shape
    assert chains in (1, 2)
    assert 0 < length < method.draws
    assert all(x.shape == (chains, length) for x in draws.stats.values())
    assert _children() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("gendsl-chain")]


class Collector(Interrupt):
    """Presses Ctrl-C in a callback of the garbage collector: what it raises there, Python only prints."""

    def update(self, chain: int, done: int, divergences: int) -> None:
        if done >= self.after and not self.pressed:
            gc.callbacks.append(self._press)
            gc.collect()
            gc.callbacks.remove(self._press)

    def _press(self, phase: str, info: dict[str, int]) -> None:
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_in_the_collector_is_not_lost() -> None:
    bound = schools().compile("pyro").bind(SCHOOLS)
    method = gd.NUTS(chains=2, warmup=20, draws=2000, max_tree_depth=4)
    draws = _engine("pyro").mcmc(bound, method, 0, Collector(after=40))
    assert draws.note.startswith("interrupted: ")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_is_raised_at_once() -> None:
    with interrupts() as pressed:
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@needs_proc
@pytest.mark.parametrize("engine", ["numpyro", "pyro in processes"])
def test_an_interrupt_during_warmup_stays_an_interrupt(engine: str) -> None:
    before = _children()
    bound = schools().compile(engine.split()[0]).bind(SCHOOLS)
    with pytest.raises(KeyboardInterrupt):
        _engine(engine).mcmc(bound, gd.NUTS(chains=2, warmup=100_000, draws=10), 0, Interrupt(after=1))
    assert _children() == before


def _job(source: str) -> Any:
    from gendsl_pyro.chain import Settings
    from gendsl_pyro.worker import Job

    return Job(source, "broken", ({},), Settings({"x": ()}, gd.NUTS(draws=10, warmup=10), False, 0))


@needs_proc
@pytest.mark.parametrize(
    ("body", "words", "note"),
    [
        ("raise ValueError('boom')", "chain 0 failed while sampling\n  given:  ValueError: boom", "log_density"),
        ("import os; os.write(2, b'last words'); os._exit(3)", "exit status 3", "last words"),
    ],
)
def test_a_failing_worker_is_reported(body: str, words: str, note: str) -> None:
    from gendsl_pyro.pool import run_pool

    before = _children()
    with pytest.raises(gd.FitError) as e:
        run_pool(
            _job(f"def log_density(u, data):\n    {body}\n"),
            [Start(k, np.zeros(1)) for k in range(2)],
            1,
            Interrupt(10**9),
            Clock(None),
        )
    assert words in str(e.value)
    assert note in e.value.__notes__[0]
    assert _children() == before


def test_what_a_program_prints_does_no_harm() -> None:
    from gendsl_pyro.pool import run_pool

    source = "def log_density(u, data):\n    print('here')\n    return -0.5 * u['x'] ** 2\n"
    (chain,) = run_pool(_job(source), [Start(0, np.zeros(1))], 1, Interrupt(10**9), Clock(None))
    assert chain.positions.shape == (10, 1)


def _chain(n: int) -> Chain:
    return Chain(np.arange(2.0 * n).reshape(n, 2), {"lp": np.arange(float(n))}, {"sampling": float(n)})


def test_short_chains_are_cut_or_left_out_whichever_keeps_more() -> None:
    shapes: dict[str, tuple[int, ...]] = {"a": (), "b": (1,)}
    full = gather([_chain(5), _chain(5)], shapes, 2, 5, {"start": 1.0})
    assert full.complete
    assert full.seconds == {"start": 1.0, "sampling": 5.0}
    assert full.unconstrained["b"].shape == (2, 5, 1)
    cut = gather([_chain(5), _chain(4)], shapes, 2, 5, {})
    assert (cut.unconstrained["a"].shape, cut.stats["lp"].shape) == ((2, 4), (2, 4))
    out = gather([_chain(5), _chain(2), Chain(np.zeros((0, 2)), {})], shapes, 3, 5, {})
    assert out.unconstrained["a"].shape == (1, 5)
    assert out.note == "interrupted: 1 of 3 chains and 5 of 5 draws are kept"
    with pytest.raises(KeyboardInterrupt):
        gather([], shapes, 3, 5, {})
