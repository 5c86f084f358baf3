"""NumPyro's engine: its own NUTS and HMC kernels on the fused density."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, Draws, Progress
from gendsl.methods import NUTS, ChainMethod, nutpie
from gendsl.methods.chains import Chain, Start, Thinning, cores, gather, is_dense, limited, resume, tree_depth
from gendsl.methods.clock import Clock
from gendsl.methods.interrupt import interrupts
from gendsl.methods.kept import Kept
from gendsl.methods.start import begin_chains
from gendsl.state import entropy
from gendsl_numpyro.density import FlatDensity
from gendsl_numpyro.kernel import Sampler, sampler_of

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.methods import MCMC
    from gendsl.program import BoundProgram, Program
    from gendsl.state import SamplerState
    from gendsl.training import Job, Report, Trained

__all__ = ["NumpyroEngine"]

_PAUSE = 0.25  # seconds of computation between reports
_CALLS = 3
_SHORT = 200e-6  # seconds of a density for which a second thread does not pay
_POLL = 0.1  # seconds between looks at the keyboard


class NumpyroEngine:
    """What NumPyro runs.

    Where no chain method is named, one program runs all chains in lockstep on an accelerator. On a CPU each chain is a
    run of its own, on a thread of its own, which measured nearly twice as fast to compile and to run, because no chain
    waits for another's longer trajectory.
    """

    def train(self, job: Job, report: Report) -> Trained:
        """Train a game by gradients; see `gendsl.training`."""
        from gendsl_numpyro.train import train

        return train(job, report)

    def density(self, program: BoundProgram, coordinates: Coordinates | None, iterations: int) -> FlatDensity:
        """The density for samplers that are written over `ops`."""
        return FlatDensity(program, coordinates)

    def mcmc(
        self,
        program: BoundProgram,
        method: MCMC,
        seed: int,
        progress: Progress,
        state: SamplerState | None = None,
    ) -> Draws:
        """Sample with NumPyro's kernel or nutpie's, or go on from a state.

        A chain's draws depend on the seed, its number and where it starts, in which the others' candidates have a say.

        Raises:
            FitError: if no starting point is found, or the deadline comes before the first draw.
            BackendError: if nutpie is wanted and not installed.
        """
        if not method.native:
            nutpie.require()
        clock, began = Clock(method.deadline), time.perf_counter()
        whitened = program.coordinates if method.whiten else None
        density = FlatDensity(program, state.coordinates if state else whitened)
        if state is None:
            chains = begin_chains(program, density.evaluate, method, seed, whitened, clock.hurry)
        else:
            chains = resume(state)
        run = state.run + 1 if state else 0
        prepare = self._native if method.native else self._nutpie
        sample, groups, lanes = prepare(program, density, method, chains, (seed, run), progress)
        seconds = {"compile": time.perf_counter() - began}
        lanes = min(lanes, len(groups))
        clock.share(len(groups), lanes)
        warmup = 0 if state and method.native else method.warmup
        progress.start([c.number for c in chains], warmup + method.draws * method.thinning)
        try:
            runs = _in_threads(sample, groups, lanes, clock)
        finally:
            progress.stop()
        return gather(
            runs,
            program.shapes,
            len(chains),
            method.draws,
            seconds,
            seed=seed,
            run=run,
            deadline=method.deadline,
            coordinates=density.coordinates,
        )

    def _nutpie(
        self,
        program: BoundProgram,
        density: FlatDensity,
        method: MCMC,
        chains: list[Start],
        source: tuple[int, int],
        progress: Progress,
    ) -> tuple[_Sample, list[Any], int]:
        settings = nutpie.settings(method, *source)

        def sample(chain: Start, until: float | None, stopped: Callable[[], bool]) -> list[Chain]:
            def report(done: int, divergences: int) -> None:
                progress.update(chain.number, done, divergences)

            timed = replace(chain, until=until)
            return [nutpie.run_chain(density, settings, timed, report, stopped, prepare=density.stay)]

        # Threads of Python take turns: what is over in no time is done faster without waiting for each other.
        if method.chain_method is ChainMethod.AUTO:
            return sample, chains, 1 if _seconds(density, chains[0]) < _SHORT else cores()
        return sample, chains, 1 if method.chain_method is ChainMethod.SEQUENTIAL else cores()

    def _native(
        self,
        program: BoundProgram,
        density: FlatDensity,
        method: MCMC,
        chains: list[Start],
        source: tuple[int, int],
        progress: Progress,
    ) -> tuple[_Sample, list[Any], int]:
        p = program.program
        given = chains[0].inverse_mass
        dense = is_dense(method, program.dimension) if given is None else given.ndim == 2
        how = method.chain_method
        lockstep = how is ChainMethod.VECTORIZED or (how is ChainMethod.AUTO and not p.device.startswith(CPU))
        groups = [chains] if lockstep else [[c] for c in chains]
        names = _devices(p)[: len(groups)] if how is ChainMethod.PARALLEL else [p.device]
        data = {name: density.on(name) for name in names}
        where = [names[k % len(names)] for k in range(len(groups))]
        with p.context():
            sampler = sampler_of(p, density, method, dense, vectorised=lockstep)
        states = []
        for name, group in zip(where, groups, strict=True):
            with p.backend.context(p.precision, name):
                states.append(sampler.begin(data[name], group, [_key(source[0], c.number, source[1]) for c in group]))
                sampler.compile(data[name], states[-1])

        def sample(at: int, until: float | None, stopped: Callable[[], bool]) -> list[Chain]:
            # jax's precision and default device are properties of the thread.
            with p.backend.context(p.precision, where[at]):
                return _run(sampler, data[where[at]], method, states[at], groups[at], progress, until, stopped)

        lanes = 1 if how is ChainMethod.SEQUENTIAL else max(cores(), len(names))
        return sample, list(range(len(groups))), lanes


_Sample = Callable[[Any, float | None, Callable[[], bool]], list[Chain]]
"""Samples a group of chains until some time, unless it is told to stop before."""


def _devices(program: Program) -> list[str]:
    """The devices that a program may run on: all of a kind, unless one of them is named."""
    kind, _, number = program.device.partition(":")
    return [program.device] if number else [d for d in program.backend.devices() if d.partition(":")[0] == kind]


def _seconds(density: FlatDensity, start: Start) -> float:
    """The time of a call, compilation apart."""
    density(start.position)
    began = time.perf_counter()
    for _ in range(_CALLS):
        density(start.position)
    return (time.perf_counter() - began) / _CALLS


def _key(seed: int, chain: int, run: int) -> np.ndarray:
    """The raw key of a chain."""
    return np.random.SeedSequence(entropy(seed, chain, run)).generate_state(2, np.uint32)


def _in_threads(sample: _Sample, groups: Sequence[Any], lanes: int, clock: Clock) -> list[Chain]:
    """Run the groups, `lanes` at once; an interrupt stops them and keeps what they have."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="gendsl-chain")
    futures: list[Future[list[Chain]]] = []
    try:
        with interrupts() as pressed:
            futures += (pool.submit(lambda g: sample(g, clock.start(), stop.is_set), g) for g in groups)
            while wait(futures, _POLL).not_done:
                if pressed():
                    stop.set()
    except KeyboardInterrupt:
        stop.set()
        wait(futures)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    return [chain for f in futures for chain in f.result()]


def _run(
    sampler: Sampler,
    data: Any,
    method: MCMC,
    state: Any,
    group: Sequence[Start],
    progress: Progress,
    until: float | None,
    stopped: Callable[[], bool],
) -> list[Chain]:
    """Warm up and sample a group of chains, in runs of iterations short enough to report and to stop between."""
    stopped, late = limited(stopped, until)
    divergences = np.zeros(len(group), int)
    thin, times = Thinning(method.thinning), {}
    warmup = method.warmup if group[0].step_size is None else 0
    before, kept = Kept(warmup), Kept(method.draws)
    done, length = 0, 1
    error = ""
    for phase, end in (("warmup", warmup), ("sampling", warmup + method.draws * method.thinning)):
        began = time.perf_counter()
        while done < end and not error and not stopped():
            t = time.perf_counter()
            n = min(length, end - done)
            try:
                state, out = sampler.run(data, state, n)
            except Exception:  # whatever XLA raises (no memory left), what was drawn before stays
                error = traceback.format_exc()
                continue
            divergences += out["diverging"].sum(1)
            if phase == "sampling":
                kept.add(thin(out))
            elif method.keep_warmup:
                before.add(out)
            done += n
            for row, chain in enumerate(group):
                progress.update(chain.number, done, int(divergences[row]))
            rate = n / max(time.perf_counter() - t, 1e-6)
            length = int(np.clip(rate * _PAUSE, 1, min(4 * length, sampler.longest)))
        times[phase] = time.perf_counter() - began
    # What fails has used up its state.
    sizes, masses = (np.full(len(group), np.nan), np.zeros((len(group), 0))) if error else sampler.adapted(state)
    chains = []
    for row, chain in enumerate(group):
        positions, stats = _of(kept, row, sampler.dimension, isinstance(method, NUTS))
        out_of_time = done < end and not error and late()
        made = Chain(positions, stats, times, error, chain.number, out_of_time, float(sizes[row]), masses[row])
        if method.keep_warmup and len(made) and warmup:
            made.warmup, made.warmup_stats = _of(before, row, sampler.dimension, isinstance(method, NUTS))
        chains.append(made)
    return chains


def _of(kept: Kept, row: int, dimension: int, tree: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The draws of one chain of the group, and their statistics."""
    positions, stats = kept.of(row, dimension)
    if tree and stats:
        stats["tree_depth"] = tree_depth(stats["n_steps"])
    return positions, stats
