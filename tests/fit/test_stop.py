"""Interrupts keep what was drawn; failures and dead processes are reported; nothing stays behind."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gendsl as gd
from gendsl.methods.chains import Chain, Start, gather
from gendsl.methods.clock import Clock
from gendsl.methods.interrupt import interrupts
from tests.fit.models import SCHOOLS, schools


class Interrupt:
    """Presses Ctrl-C once a chain has done `after` iterations."""

    def __init__(self, after: int) -> None:
        self.after, self.pressed, self.stopped = after, False, False

    def start(self, chains: Sequence[int], total: int) -> None:
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


@pytest.mark.parametrize("continued", [False, True])
def test_an_interrupt_after_the_last_draw_loses_none(monkeypatch: pytest.MonkeyPatch, continued: bool) -> None:
    """What is drawn is mapped to the declared latents, which takes a while where that is compiled."""
    from gendsl import run

    method = gd.NUTS(chains=2, warmup=10, draws=20, engine=gd.Engine.NATIVE)
    before = schools().fit(SCHOOLS, method, backend="pyro", progress=False)
    real = run.constrained

    def pressed(*args: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(run, "constrained", pressed)
    if continued:
        fit = before.continue_(5, progress=False)
    else:
        fit = schools().fit(SCHOOLS, method, backend="pyro", progress=False)
    assert fit.draws["theta"].shape == (2, 25 if continued else 20, 8)
    assert "interrupted when all draws were made" in repr(fit)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert "interrupted" not in repr(before)


def test_a_late_interrupt_ends_a_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl import run

    real, calls = run.constrained, []

    def pressed(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(run, "constrained", pressed)
    m = gd.Model("m")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=m.plate("row", 3))
    method = gd.NUTS(chains=1, warmup=10, draws=20)
    out = gd.calibrate(m, {}, method, simulations=6, draws=9, backend="pyro", processes=1, progress=False)
    assert not out.complete
    assert len(out.ess) == 2


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
    starts = [Start(k, np.zeros(1)) for k in range(2)]
    runs = run_pool(_job(f"def log_density(u, data):\n    {body}\n"), starts, 1, Interrupt(10**9), Clock(None))
    with pytest.raises(gd.FitError) as e:
        gather(runs, {"x": ()}, 2, 10, {})
    assert words in str(e.value)
    assert note in e.value.__notes__[0]
    assert _children() == before


class Killer(Interrupt):
    """Kills all child processes once both chains have done `after` iterations."""

    def __init__(self, after: int, spared: set[str]) -> None:
        super().__init__(after)
        self.spared, self.done = spared, [0, 0]

    def update(self, chain: int, done: int, divergences: int) -> None:
        self.done[chain] = done
        if min(self.done) >= self.after and not self.pressed:
            self.pressed = True
            for pid in _children() - self.spared:
                os.kill(int(pid), signal.SIGKILL)


@needs_proc
@pytest.mark.parametrize("kernel", [gd.Engine.NATIVE, gd.Engine.NUTPIE])
def test_a_killed_process_has_handed_its_draws_over(kernel: gd.Engine) -> None:
    before = _children()
    bound = schools().compile("pyro").bind(SCHOOLS)
    method = gd.NUTS(chains=2, warmup=50, draws=10**6, max_tree_depth=4, engine=kernel)
    progress = Killer(400, before)
    draws = _engine("pyro in processes").mcmc(bound, method, 0, progress)
    assert "exit status -9 (killed; out of memory?)" in draws.note
    assert draws.unconstrained["mu"].shape[1] >= 100
    point = {k: torch.tensor(x[0, -1]) for k, x in draws.unconstrained.items()}
    assert float(bound.log_density(point)) == pytest.approx(draws.stats["lp"][0, -1], rel=1e-12)
    assert draws.state is not None
    assert _children() == before


def test_others_take_the_chains_of_a_dead_process(tmp_path: Path) -> None:
    from gendsl_pyro.pool import run_pool

    source = f"""
import os
calls = 0
def log_density(u, data):
    global calls
    calls += 1
    if calls == 20:
        try:
            os.close(os.open({str(tmp_path / "first")!r}, os.O_CREAT | os.O_EXCL))
            os._exit(3)
        except FileExistsError:
            pass
    return -0.5 * u['x'] ** 2
"""
    starts = [Start(k, np.zeros(1)) for k in range(4)]
    runs = run_pool(_job(source), starts, 2, Interrupt(10**9), Clock(None))
    assert [r.number for r in runs] == [0, 1, 2, 3]
    assert sorted(len(r) for r in runs)[1:] == [10, 10, 10]
    (lost,) = [r for r in runs if len(r) < 10]
    assert "exit status 3" in lost.error


_BREAKS = """
calls = 0


def log_density(u, *data):
    global calls
    calls += 1
    if float(u["mu"].detach()) > -1e9 and calls > 2500:  # the first part keeps it from being recorded
        raise ValueError("the dog ate it")
    return whole(u, *data)


def whole("""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_density_that_raises_keeps_the_draws(processes: int) -> None:
    from gendsl_pyro.mcmc import PyroEngine

    program = schools().compile("pyro")
    source = program.source.replace("def log_density(", _BREAKS)
    broken = replace(program, emitted=replace(program.emitted, source=source))
    method = gd.NUTS(chains=2, warmup=100, draws=10**6, max_tree_depth=3, engine=gd.Engine.NATIVE)
    draws = PyroEngine(processes).mcmc(broken.bind(SCHOOLS), method, 0, Interrupt(10**9))
    assert draws.note.startswith("ended by an error (ValueError: the dog ate it)")
    assert draws.unconstrained["mu"].shape[1] > 0


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
    assert out.note == (
        "interrupted: 1 of 3 chains and 5 of 5 draws are kept (chains are kept at one length; the others had 2, 0)"
    )
    with pytest.raises(KeyboardInterrupt):
        gather([], shapes, 3, 5, {})


def test_of_a_chain_that_died_there_is_neither_warmup_nor_perhaps_a_state() -> None:
    whole, part = _chain(5), _chain(5)
    whole.warmup, whole.warmup_stats = np.zeros((3, 2)), {"lp": np.zeros(3)}
    for runs in ([whole, part], [part, whole]):
        out = gather(runs, {"a": (), "b": (1,)}, 2, 5, {})
        assert out.unconstrained["a"].shape == (2, 5)
        assert not out.warmup
        assert not out.warmup_stats
        assert out.state is not None
    part.inverse_mass = np.ones(2)
    assert gather([whole, part], {"a": (), "b": (1,)}, 2, 5, {}).state is None


def test_numpyro_keeps_what_was_drawn_before_xla_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl_numpyro.kernel import Sampler

    real, calls = Sampler.run, [0]

    def run(self: Sampler, *args: Any) -> Any:
        calls[0] += 1
        if calls[0] == 30:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return real(self, *args)

    monkeypatch.setattr(Sampler, "run", run)
    bound = schools().compile("numpyro").bind(SCHOOLS)
    method = gd.NUTS(chains=2, warmup=100, draws=3000, engine=gd.Engine.NATIVE)
    draws = _engine("numpyro").mcmc(bound, method, 0, Interrupt(10**9))
    assert "RESOURCE_EXHAUSTED" in draws.error
    assert draws.unconstrained["mu"].shape[1] > 100
