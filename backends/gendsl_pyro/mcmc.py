"""Pyro's engine: its own NUTS and HMC kernels on the fused density."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from gendsl.backend import Draws, Progress
from gendsl.errors import BackendError, caller
from gendsl.methods import ChainMethod, nutpie
from gendsl.methods.chains import Chain, Start, cores, gather, is_dense, resume
from gendsl.methods.clock import Clock
from gendsl.methods.interrupt import interrupts
from gendsl.methods.start import begin_chains
from gendsl_pyro.chain import Settings, run_chain
from gendsl_pyro.density import VectorDensity, evaluator
from gendsl_pyro.pool import run_pool
from gendsl_pyro.worker import Job

if TYPE_CHECKING:
    from gendsl import training
    from gendsl.coordinates import Coordinates
    from gendsl.methods import MCMC
    from gendsl.program import BoundProgram
    from gendsl.state import SamplerState

__all__ = ["PyroEngine"]

_SMALL = 1000
"""Iterations, of all chains together, below which starting processes costs more than it saves."""


class PyroEngine:
    """What Pyro runs.

    Args:
        processes: processes at most; left out, one for each core. With 1, chains run one after the other in this one.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.processes = processes

    def train(self, job: training.Job, report: training.Report) -> training.Trained:
        """Train a game by gradients; see `gendsl.training`."""
        from gendsl_pyro.train import train

        return train(job, report)

    def density(self, program: BoundProgram, coordinates: Coordinates | None, iterations: int) -> VectorDensity:
        """The density for samplers that are written over `ops`."""
        return VectorDensity(program, coordinates, iterations)

    def mcmc(
        self,
        program: BoundProgram,
        method: MCMC,
        seed: int,
        progress: Progress,
        state: SamplerState | None = None,
    ) -> Draws:
        """Sample with Pyro's kernel or nutpie's, or go on from a state.

        Several chains run in processes of their own, each with one torch thread. A chain's draws depend on the seed,
        its number and where it starts, in which the others' candidates have a say.

        Raises:
            FitError: if no starting point is found, a chain fails, or the deadline comes before the first draw.
            BackendError: if nutpie is wanted and not installed, or chains are to be vectorised.
        """
        if method.chain_method is ChainMethod.VECTORIZED:
            raise BackendError(
                f"{type(method).__name__}: Pyro's chains cannot be vectorised",
                given="chain_method=gd.ChainMethod.VECTORIZED",
                needed="gd.ChainMethod.PARALLEL, which is processes, or SEQUENTIAL",
                fix='leave chain_method out, or fit with backend="numpyro"',
                where=caller(),
            )
        if not method.native:
            nutpie.require()
        clock, began = Clock(method.deadline), time.perf_counter()
        whitened = program.coordinates if method.whiten else None
        coordinates = state.coordinates if state else whitened
        if state is None:
            chains = begin_chains(program, evaluator(program), method, seed, whitened, clock.hurry)
            dense = is_dense(method, program.dimension)
        else:
            chains = resume(state)
            dense = state.inverse_mass.ndim == 3
        chains = [replace(c, position=c.position.astype(program.program.precision)) for c in chains]
        device = program.program.device
        settings = Settings(program.shapes, method, dense, seed, state.run + 1 if state else 0, device, coordinates)
        seconds = {"start": time.perf_counter() - began}
        total = (0 if state and method.native else method.warmup) + method.draws * method.thinning
        at_once = 1 if method.chain_method is ChainMethod.SEQUENTIAL else self.processes or cores()
        workers = min(at_once, len(chains)) if sys.executable else 1
        small = method.chain_method is ChainMethod.AUTO and len(chains) * total <= _SMALL
        alone = workers == 1 or small
        clock.share(len(chains), 1 if alone else workers)
        progress.start([c.number for c in chains], total)
        try:
            if alone:
                runs = _run_here(program, settings, chains, progress, clock)
            else:
                runs = run_pool(_job(program, settings), chains, workers, progress, clock)
        finally:
            progress.stop()
        return gather(
            runs,
            program.shapes,
            len(chains),
            method.draws,
            seconds,
            seed=seed,
            run=settings.run,
            deadline=method.deadline,
            coordinates=coordinates,
        )


def _run_here(
    program: BoundProgram, settings: Settings, chains: list[Start], progress: Progress, clock: Clock
) -> list[Chain]:
    runs: list[Chain] = []
    with interrupts() as pressed:
        for chain in chains:

            def report(done: int, divergences: int, number: int = chain.number) -> None:
                progress.update(number, done, divergences)

            runs.append(run_chain(program.log_density, settings, replace(chain, until=clock.start()), report, pressed))
            cut = len(runs[-1]) < settings.method.draws and not runs[-1].late and not runs[-1].error
            if pressed() or cut:
                break  # interrupted
    return runs


def _job(program: BoundProgram, settings: Settings) -> Job:
    def sendable(x: Any) -> Any:
        return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x

    arguments = tuple({k: sendable(v) for k, v in group.items()} for group in program.density_arguments)
    return Job(program.program.source, program.program.graph.name, arguments, settings)
