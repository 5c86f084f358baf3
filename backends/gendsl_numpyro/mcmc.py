"""NumPyro's engine: its own NUTS kernel on the fused density."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from gendsl.backend import Draws, Progress
from gendsl.methods import Engine, nutpie
from gendsl.methods.chains import Chain, cores, gather, is_dense, tree_depth
from gendsl.methods.start import starts
from gendsl_numpyro.density import FlatDensity
from gendsl_numpyro.kernel import Sampler

if TYPE_CHECKING:
    from gendsl.methods import NUTS
    from gendsl.program import BoundProgram

__all__ = ["NumpyroEngine"]

_PAUSE = 0.25  # seconds of computation between reports


class NumpyroEngine:
    """What NumPyro runs.

    Args:
        vectorised: whether one program runs all chains in lockstep. Left out, it does on an accelerator; on a CPU each
            chain is a run of its own, on a thread of its own, which measured nearly twice as fast to compile and to
            run, because no chain waits for another's longer trajectory.
    """

    def __init__(self, vectorised: bool | None = None) -> None:
        self.vectorised = vectorised

    def nuts(self, program: BoundProgram, method: NUTS, seed: int, progress: Progress) -> Draws:
        """Sample with NumPyro's NUTS or nutpie's.

        A chain's draws depend on the seed and its number alone.

        Raises:
            FitError: if no starting point is found.
            BackendError: if nutpie is wanted and not installed.
        """
        run = self._nutpie if method.engine is Engine.NUTPIE else self._native
        return run(program, method, seed, progress)

    def _nutpie(self, program: BoundProgram, method: NUTS, seed: int, progress: Progress) -> Draws:
        nutpie.require()
        began = time.perf_counter()
        density = FlatDensity(program)
        points = [density.flat(u) for u in starts(program, density.evaluate, method.chains, seed)]
        seconds = {"compile": time.perf_counter() - began}
        settings = nutpie.settings(method, seed)
        stop = threading.Event()

        def sample(chain: int, point: np.ndarray) -> list[Chain]:
            def report(done: int, divergences: int) -> None:
                progress.update(chain, done, divergences)

            return [nutpie.run_chain(density, settings, chain, point, report, stop.is_set)]

        progress.start(method.chains, method.warmup + method.draws)
        try:
            runs = _in_threads(sample, range(method.chains), points, stop)
        finally:
            progress.stop()
        return gather(runs, program.shapes, method.chains, method.draws, seconds)

    def _native(self, program: BoundProgram, method: NUTS, seed: int, progress: Progress) -> Draws:
        p = program.program
        dense = is_dense(method.dense, program.dimension, method.warmup)
        lockstep = jax.default_backend() != "cpu" if self.vectorised is None else self.vectorised
        groups = [list(range(method.chains))] if lockstep else [[c] for c in range(method.chains)]
        began = time.perf_counter()
        with p.backend.precision(p.precision):
            sampler = Sampler(program, method, dense, vectorised=lockstep)
            points = starts(program, sampler.evaluate, method.chains, seed)
            states = [sampler.begin([points[c] for c in group], [_key(seed, c) for c in group]) for group in groups]
            sampler.compile(states[0])
        seconds = {"compile": time.perf_counter() - began}
        stop = threading.Event()

        def sample(group: list[int], state: Any) -> list[Chain]:
            # jax's precision is a property of the thread.
            with p.backend.precision(p.precision):
                return _run(sampler, method, state, group, progress, stop)

        progress.start(method.chains, method.warmup + method.draws)
        try:
            runs = _in_threads(sample, groups, states, stop)
        finally:
            progress.stop()
        return gather(runs, program.shapes, method.chains, method.draws, seconds)


def _key(seed: int, chain: int) -> np.ndarray:
    """The raw key of a chain."""
    return np.random.SeedSequence([seed, chain]).generate_state(2, np.uint32)


def _in_threads(
    sample: Callable[[Any, Any], list[Chain]], groups: Sequence[Any], states: Sequence[Any], stop: threading.Event
) -> list[Chain]:
    """Run the groups, as many at once as there are cores; an interrupt stops them and keeps what they have."""
    pool = ThreadPoolExecutor(min(len(groups), cores()), thread_name_prefix="gendsl-chain")
    futures = [pool.submit(sample, g, s) for g, s in zip(groups, states, strict=True)]
    try:
        wait(futures)
    except KeyboardInterrupt:
        stop.set()
        wait(futures)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    return [chain for f in futures for chain in f.result()]


def _run(
    sampler: Sampler, method: NUTS, state: Any, group: list[int], progress: Progress, stop: threading.Event
) -> list[Chain]:
    """Warm up and sample a group of chains, in runs of iterations short enough to report and to stop between."""
    parts: list[dict[str, np.ndarray]] = []
    divergences = np.zeros(len(group), int)
    times = {}
    done, length = 0, 1
    for phase, end in (("warmup", method.warmup), ("sampling", method.warmup + method.draws)):
        began = time.perf_counter()
        while done < end and not stop.is_set():
            t = time.perf_counter()
            n = min(length, end - done)
            state, out = sampler.run(state, n)
            divergences += out["diverging"].sum(1)
            if phase == "sampling":
                parts.append(out)
            done += n
            for row, chain in enumerate(group):
                progress.update(chain, done, int(divergences[row]))
            rate = n / max(time.perf_counter() - t, 1e-6)
            length = int(np.clip(rate * _PAUSE, 1, min(4 * length, sampler.longest)))
        times[phase] = time.perf_counter() - began
    return [_chain(parts, row, sampler.dimension, times) for row in range(len(group))]


def _chain(parts: list[dict[str, np.ndarray]], row: int, dimension: int, times: dict[str, float]) -> Chain:
    if not parts:
        return Chain(np.zeros((0, dimension)), {}, times)
    whole = {k: np.concatenate([part[k][row] for part in parts]) for k in parts[0]}
    whole["tree_depth"] = tree_depth(whole["n_steps"])
    return Chain(whole.pop("position"), whole, times)
