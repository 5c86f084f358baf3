"""Pyro's engine: its own NUTS kernel on the fused density."""

from __future__ import annotations

import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pyro.ops.integrator import _EXCEPTION_HANDLERS

from gendsl.backend import Draws, Progress
from gendsl.methods import Engine, nutpie
from gendsl.methods.chains import Chain, cores, failed, gather, is_dense
from gendsl.methods.start import starts
from gendsl_pyro.chain import Settings, run_chain
from gendsl_pyro.pool import run_pool
from gendsl_pyro.worker import Job

if TYPE_CHECKING:
    from gendsl.methods import NUTS
    from gendsl.program import BoundProgram

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

    def nuts(self, program: BoundProgram, method: NUTS, seed: int, progress: Progress) -> Draws:
        """Sample with Pyro's NUTS or nutpie's.

        Several chains run in processes of their own, each with one torch thread. A chain's draws depend on the seed and
        its number alone.

        Raises:
            FitError: if no starting point is found, or a chain fails.
            BackendError: if nutpie is wanted and not installed.
        """
        if method.engine is Engine.NUTPIE:
            nutpie.require()
        began = time.perf_counter()
        found = starts(program, _evaluate(program), method.chains, seed)
        points = [np.concatenate([v.ravel() for v in u.values()]).astype(program.program.precision) for u in found]
        settings = Settings(
            shapes=program.shapes,
            draws=method.draws,
            warmup=method.warmup,
            target_accept=method.target_accept,
            max_tree_depth=method.max_tree_depth,
            dense=is_dense(method.dense, program.dimension, method.warmup),
            seed=seed,
            nutpie=nutpie.settings(method, seed) if method.engine is Engine.NUTPIE else None,
        )
        seconds = {"start": time.perf_counter() - began}
        total = method.warmup + method.draws
        workers = min(self.processes or cores(), method.chains) if sys.executable else 1
        progress.start(method.chains, total)
        try:
            if workers == 1 or method.chains * total <= _SMALL:
                runs = _run_here(program, settings, points, progress)
            else:
                runs = run_pool(_job(program, settings), points, workers, progress)
        finally:
            progress.stop()
        return gather(runs, program.shapes, method.chains, method.draws, seconds)


def _run_here(program: BoundProgram, settings: Settings, points: list[np.ndarray], progress: Progress) -> list[Chain]:
    runs: list[Chain] = []
    for chain, point in enumerate(points):

        def report(done: int, divergences: int, chain: int = chain) -> None:
            progress.update(chain, done, divergences)

        try:
            runs.append(run_chain(program.log_density, settings, chain, point, report))
        except Exception as e:
            raise failed(chain, traceback.format_exc()) from e
        if len(runs[-1]) < settings.draws:
            break  # interrupted
    return runs


def _job(program: BoundProgram, settings: Settings) -> Job:
    def sendable(x: Any) -> Any:
        return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x

    arguments = tuple({k: sendable(v) for k, v in group.items()} for group in program.arguments)
    return Job(program.program.source, program.program.graph.name, arguments, settings)


def _evaluate(program: BoundProgram) -> Any:
    p = program.program
    both = p.backend.value_and_grad(program.log_density)

    def evaluate(u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        try:
            value, gradient = both({k: p.backend.array(v, p.precision) for k, v in u.items()})
        except Exception as e:
            if any(handler(e) for handler in _EXCEPTION_HANDLERS.values()):  # a singular matrix
                return float("nan"), {}
            raise
        return float(value), {k: p.backend.numpy(g) for k, g in gradient.items()}

    return evaluate
