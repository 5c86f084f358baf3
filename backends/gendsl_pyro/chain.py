"""One chain of Pyro's NUTS on a fused density."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from pyro.ops.integrator import _EXCEPTION_HANDLERS

from gendsl.methods import nutpie
from gendsl.methods.chains import Chain
from gendsl_pyro.kernel import FlatNUTS, Step
from gendsl_pyro.seeded import seeded
from gendsl_pyro.straight import straighten, value_and_grad

__all__ = ["Settings", "run_chain", "run_nutpie"]

_DTYPES: dict[str, type[np.generic]] = {"n_steps": np.int64, "tree_depth": np.int64, "diverging": np.bool_}
_LONG = 400
"""Iterations from which recording the density (a second or two) pays."""

_INTERVAL = 0.1  # seconds between reports


@dataclass(frozen=True)
class Settings:
    """What a chain needs to know besides its density; it can be sent to another process.

    Attributes:
        shapes: site -> unconstrained shape, in order.
        draws: kept draws.
        warmup: adaptation draws.
        target_accept: acceptance probability that the step size is adapted to.
        max_tree_depth: most doublings.
        dense: whether the mass matrix is dense.
        seed: seed of the run.
        nutpie: what nutpie needs to know, where it runs.
    """

    shapes: dict[str, tuple[int, ...]]
    draws: int
    warmup: int
    target_accept: float
    max_tree_depth: int
    dense: bool
    seed: int
    nutpie: nutpie.Settings | None = None


def run_chain(
    log_density: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    settings: Settings,
    chain: int,
    start: np.ndarray,
    report: Callable[[int, int], None],
    stopped: Callable[[], bool] = lambda: False,
) -> Chain:
    """Warm up and sample one chain; a KeyboardInterrupt or `stopped` ends it early with what there is.

    The generator is seeded by (seed, chain) alone, and the caller's random state, and validation, are as before.

    Args:
        log_density: of a dict of unconstrained sites.
        settings: of the run.
        chain: its number.
        start: the starting point as a vector.
        report: called with the iterations done and the divergences so far.
        stopped: whether to stop now.
    """
    s = settings
    if s.nutpie is not None:
        return run_nutpie(log_density, s.nutpie, s.shapes, chain, start, report, stopped)
    unflatten = _unflatten(s.shapes)
    first = torch.from_numpy(start.copy())

    def potential(q: torch.Tensor) -> torch.Tensor:
        return -log_density(unflatten(q))

    kept: list[np.ndarray] = []
    steps: list[Step] = []
    times: list[float] = []
    divergences, reported = 0, 0.0
    with seeded(_seed(s.seed, chain)):
        kernel = FlatNUTS(
            potential,
            first,
            straighten(potential, [first, 0.5 * first, -first]) if s.warmup + s.draws >= _LONG else None,
            dense=s.dense,
            target_accept=s.target_accept,
            max_tree_depth=s.max_tree_depth,
        )
        times = [time.perf_counter()]
        try:
            kernel.setup(s.warmup)
            for i in range(s.warmup + s.draws):
                if stopped():
                    break
                q, step = kernel.step()
                divergences += step.diverging
                if i >= s.warmup:
                    kept.append(q.numpy())
                    steps.append(step)
                elif i == s.warmup - 1:
                    times.append(time.perf_counter())
                if (now := time.perf_counter()) > reported + _INTERVAL:
                    reported = now
                    report(i + 1, divergences)
        except KeyboardInterrupt:
            pass
    times.append(time.perf_counter())
    n = min(len(kept), len(steps))
    if n == s.draws:
        report(s.warmup + n, divergences)
    rows = [asdict(step) for step in steps[:n]]
    names = list(Step.__dataclass_fields__)
    stats = {k: np.array([r[k] for r in rows], _DTYPES.get(k, np.float64)) for k in names}
    positions = np.stack(kept[:n]) if n else np.zeros((0, start.size))
    seconds = {"warmup": times[1] - times[0] if s.warmup else 0.0, "sampling": times[-1] - times[-2]}
    return Chain(positions, stats, seconds)


def run_nutpie(
    log_density: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    settings: nutpie.Settings,
    shapes: dict[str, tuple[int, ...]],
    chain: int,
    start: np.ndarray,
    report: Callable[[int, int], None],
    stopped: Callable[[], bool] = lambda: False,
) -> Chain:
    """Like `run_chain`, by nutpie.

    Args:
        log_density: of a dict of unconstrained sites.
        settings: of the run.
        shapes: site -> unconstrained shape, in order.
        chain: its number.
        start: the starting point as a vector.
        report: called with the iterations done and the divergences so far.
        stopped: whether to stop now.
    """
    unflatten = _unflatten(shapes)
    first = torch.from_numpy(start.copy())
    log_p = lambda q: log_density(unflatten(q))  # noqa: E731
    long = settings.warmup + settings.draws >= _LONG
    both = straighten(log_p, [first, 0.5 * first, -first]) if long else None
    both = both or value_and_grad(log_p)

    def density(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = both(torch.tensor(z, dtype=first.dtype))
        return value.item(), gradient.numpy().astype(np.float64)

    def singular(e: Exception) -> bool:
        return any(handler(e) for handler in _EXCEPTION_HANDLERS.values())

    return nutpie.run_chain(density, settings, chain, start, report, stopped, singular)


def _unflatten(shapes: dict[str, tuple[int, ...]]) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    names = list(shapes)
    sizes = [int(np.prod(shape, dtype=int)) for shape in shapes.values()]
    views = list(shapes.values())

    def unflatten(q: torch.Tensor) -> dict[str, torch.Tensor]:
        parts = torch.split(q, sizes)
        return {name: part.view(view) for name, part, view in zip(names, parts, views, strict=True)}

    return unflatten


def _seed(seed: int, chain: int) -> int:
    return int(np.random.SeedSequence([seed, chain]).generate_state(1, np.uint64)[0] >> np.uint64(1))
