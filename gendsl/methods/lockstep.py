"""Samplers of gendsl's own, run on the fused density of either backend: all chains move together, in blocks.

A block is some iterations of gendsl/math/langevin under `ops.scan`, which a backend compiles once. Between blocks there
is time to report, to stop and, where a window of warmup ends, to learn a preconditioner. Where blocks are compiled, a
shorter one is a block of which the last iterations change nothing. All noise comes from numpy generators, one for each
chain, so that a chain's draws depend on the seed and its number, and on both backends alike.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError
from gendsl.math import dual_averaging
from gendsl.math.dual_averaging import Averaging
from gendsl.math.langevin import Dense, Diagonal, Point
from gendsl.methods.blocks import KEPT, Noise, block
from gendsl.methods.chains import Chain, Start, Thinning, gather, is_dense, limited, resume
from gendsl.methods.clock import Clock
from gendsl.methods.interrupt import interrupts
from gendsl.methods.kept import Kept
from gendsl.methods.langevin import MALA, ULA, Langevin
from gendsl.methods.metric import learnt
from gendsl.methods.start import begin_chains
from gendsl.methods.windows import windows

if TYPE_CHECKING:
    from gendsl.backend import Density, Draws, Progress
    from gendsl.program import BoundProgram
    from gendsl.state import SamplerState

__all__ = ["BLOCK", "run"]

BLOCK, LOOP = 50, 10
"""Iterations of a block that is compiled, and of one that is a Python loop; draws do not depend on the machine."""

Array = Any
Stats = dict[str, np.ndarray]


def run(
    program: BoundProgram, method: Langevin, seed: int, progress: Progress, state: SamplerState | None = None
) -> Draws:
    """Sample, or go on from a state with `method.draws` more.

    Raises:
        FitError: if no starting point is found, a chain of ULA runs away at once, or the deadline comes before the
            first draw.
    """
    clock, began = Clock(method.deadline), time.perf_counter()
    p = program.program
    whitened = program.coordinates if method.whiten else None
    coordinates = state.coordinates if state else whitened
    iterations = (0 if state else method.warmup) + method.draws * method.thinning
    density = p.backend.engine.density(program, coordinates, iterations)
    if state is None:
        starts = begin_chains(program, density.evaluate, method, seed, whitened, clock.hurry)
    else:
        starts = resume(state)
    number = state.run + 1 if state else 0
    clock.share(1, 1)
    with p.context():
        walk = _Walk(program, density, method, starts, (seed, number), progress)
        seconds = {"start": time.perf_counter() - began}
        progress.start([s.number for s in starts], iterations)
        try:
            with interrupts() as pressed:
                chains = walk.all(*limited(pressed, clock.start()))
        finally:
            progress.stop()
    if not any(map(len, chains)) and (away := [c.number for c in chains if c.error == _AWAY]):
        raise _too_long(method, away[0])
    return gather(
        chains,
        program.shapes,
        len(starts),
        method.draws,
        seconds,
        seed=seed,
        run=number,
        deadline=method.deadline,
        coordinates=coordinates,
    )


class _Walk:
    """The chains of a run.

    Args:
        program: the bound program.
        density: its density of vectors.
        method: how to sample.
        starts: what chains start from, or go on from.
        source: seed, and how often the run has been continued.
        progress: told how far they are.
    """

    def __init__(
        self,
        program: BoundProgram,
        density: Density,
        method: Langevin,
        starts: Sequence[Start],
        source: tuple[int, int],
        progress: Progress,
    ) -> None:
        self._program, self._density, self._method, self._starts = program.program, density, method, starts
        self._progress, self._ops = progress, program.program.backend.ops
        self._known = starts[0].step_size is not None
        self._noise = [Noise(source[0], s.number, source[1], program.dimension) for s in starts]
        dense = method.precondition and is_dense(method, program.dimension)
        known = [s.inverse_mass for s in starts]
        one = np.eye(program.dimension) if dense else np.ones(program.dimension)
        self._metric = np.stack([one if m is None else m for m in known])
        values, scores = zip(*(density(s.position) for s in starts), strict=True)
        self._at = Point(*(self._array(np.array(x)) for x in ([s.position for s in starts], values, scores)))
        self._step = np.array([s.step_size or method.step_size for s in starts])
        target = method.target_accept if isinstance(method, MALA) else MALA.target_accept
        self._block = density.compiled(("langevin", target), lambda of: block(self._ops, of, target))
        self._errors = [""] * len(starts)
        self._done = 0

    def all(self, stopped: Callable[[], bool], late: Callable[[], bool]) -> list[Chain]:
        """Warm up and sample; what ends it early leaves what there is."""
        method = self._method
        warmup, sampling = Kept(method.warmup), Kept(method.draws)
        seconds = {"warmup": 0.0, "sampling": 0.0}
        thin = Thinning(method.thinning)
        total = method.draws * method.thinning
        try:
            began = time.perf_counter()
            for length, learning in [] if self._known else windows(method.warmup):
                self._adapt(length, learning, stopped, warmup)
            seconds["warmup"] = time.perf_counter() - began
            began = time.perf_counter()
            for part in self._iterate(total, isinstance(method, MALA), None, stopped):
                sampling.add(thin({k: x for k, x in part.items() if k != "score"}))
                seconds["sampling"] = time.perf_counter() - began
        except KeyboardInterrupt:
            pass
        except Exception:  # whatever the density or the backend raised, what was drawn before stays
            self._errors = [e or traceback.format_exc() for e in self._errors]
        out = []
        for row, start in enumerate(self._starts):
            positions, stats = sampling.of(row, self._metric.shape[1])
            error = self._errors[row]
            if error == _AWAY and stats:
                n = int(np.argmin([*_near(stats["lp"]), False]))
                positions, stats = positions[:n], {k: x[:n] for k, x in stats.items()}
            step, metric = float(self._step[row]), self._metric[row]
            ended = len(positions) < method.draws and not error and late()
            made = Chain(positions, stats, seconds, error, start.number, ended, step, metric)
            if method.keep_warmup and len(made) and len(warmup):
                made.warmup, made.warmup_stats = warmup.of(row, self._metric.shape[1])
            out.append(made)
        return out

    def _adapt(self, length: int, learning: bool, stopped: Callable[[], bool], kept: Kept) -> None:
        """A window of warmup: the step size, and what a metric is learnt from."""
        ops, method = self._ops, self._method
        averaging = dual_averaging.begin(ops, self._array(np.full(len(self._starts), method.step_size)))
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        for part in self._iterate(length, True, averaging, stopped):
            seen.append((part["position"], part.pop("score")))
            if method.keep_warmup:
                kept.add(part)
        if learning and method.precondition and seen:
            self._metric = learnt(self._metric, *(np.concatenate(x, 1) for x in zip(*seen, strict=True)))

    def _iterate(
        self, count: int, adjusted: bool, averaging: Averaging | None, stopped: Callable[[], bool]
    ) -> Iterator[Stats]:
        """So many iterations, block by block, as arrays (chain, iteration, ...)."""
        backend, done = self._program.backend, 0
        adapt = averaging is not None
        step = self._array(self._step)
        averaging = averaging or dual_averaging.begin(self._ops, step)
        preconditioner = self._preconditioner()
        while done < count and not stopped() and not all(self._errors):
            n = min(LOOP if backend.dialect.loops else BLOCK, count - done)
            length = n if backend.dialect.loops else BLOCK
            draws = (g.draw(n, length, adjusted) for g in self._noise)
            normal, uniform = (np.stack(x, 1) for x in zip(*draws, strict=True))
            live = np.arange(length) < n
            inputs = (self._array(normal), self._array(uniform), backend.array(live, self._program.precision))
            flag = backend.array(np.array(adapt), self._program.precision)
            (self._at, averaging), out = self._block(
                self._density.data, self._at, averaging, step, *inputs, flag, preconditioner
            )
            part = {k: np.moveaxis(backend.numpy(x)[:n], 0, 1) for k, x in zip(KEPT, out, strict=True)}
            part["diverging"] = np.zeros(part["lp"].shape, bool)
            if not adjusted:
                near = [bool(row.all()) for row in _near(part["lp"])]
                self._errors = [e or ("" if good else _AWAY) for e, good in zip(self._errors, near, strict=True)]
            done += n
            self._done += n
            if adapt:
                self._step = np.exp(backend.numpy(averaging.log_mean).astype(np.float64))
            for s in self._starts:
                self._progress.update(s.number, self._done, 0)
            yield part
        if adapt and isinstance(self._method, ULA):
            self._step = np.full(len(self._starts), self._method.step_size)

    def _preconditioner(self) -> Dense | Diagonal:
        if self._metric.ndim == 3:
            return Dense(self._array(np.linalg.cholesky(self._metric)))
        return Diagonal(self._array(np.sqrt(self._metric)))

    def _array(self, x: np.ndarray) -> Array:
        return self._program.backend.array(x, self._program.precision)


def _near(log_density: np.ndarray) -> np.ndarray:
    """Whether a chain has not run away."""
    out: np.ndarray = np.abs(log_density) < _FAR
    return out


_FAR = 1e30
_AWAY = "the chain ran away: its steps are too long for where the density is narrowest"


def _too_long(method: Langevin, chain: int) -> FitError:
    return FitError(
        f"ULA: chain {chain} ran away before its first draw",
        given=f"step_size={method.step_size:g}",
        needed="steps shorter than 2 / (the largest curvature of the negative log-density)",
        fix=f"step_size={method.step_size / 10:g}, or gd.MALA(), which adapts its steps",
    )
