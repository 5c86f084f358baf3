"""What a chain starts from and leaves behind, and how chains become one set of draws; the same for every backend."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from gendsl.backend import Draws
from gendsl.errors import FitError
from gendsl.state import SamplerState

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.methods.mcmc import MCMC

__all__ = [
    "Chain",
    "HandOver",
    "Start",
    "Thinning",
    "cores",
    "doubles",
    "failed",
    "gather",
    "is_dense",
    "joined",
    "limited",
    "resume",
    "tree_depth",
]

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Start:
    """What a chain starts from.

    Attributes:
        number: the chain's number.
        position: a vector whose density is finite.
        step_size: as adapted before, where the chain goes on without warmup.
        inverse_mass: likewise.
        until: the time (`time.time`) at which it must end; None for no end.
    """

    number: int
    position: np.ndarray
    step_size: float | None = None
    inverse_mass: np.ndarray | None = None
    until: float | None = None


def resume(state: SamplerState) -> list[Start]:
    """What chains that go on start from."""
    parts = zip(state.chain, state.position, state.step_size, state.inverse_mass, strict=True)
    return [Start(int(n), z, float(s), m if m.size else None) for n, z, s, m in parts]


@dataclass
class Chain:
    """The kept draws of one chain.

    Attributes:
        positions: unconstrained draws, (draw, dimension).
        stats: arviz's name -> (draw,).
        seconds: wall time of its parts.
        error: the traceback of what ended it early; empty where nothing did.
        number: the chain's number.
        late: whether its time ended it.
        step_size: adapted step size.
        inverse_mass: adapted inverse mass matrix, a diagonal or whole; empty where the engine does not tell it.
        warmup: draws of warmup, (warmup, dimension), where they are kept.
        warmup_stats: their statistics.
    """

    positions: np.ndarray
    stats: dict[str, np.ndarray]
    seconds: dict[str, float] = field(default_factory=dict)
    error: str = ""
    number: int = 0
    late: bool = False
    step_size: float = float("nan")
    inverse_mass: np.ndarray = field(default_factory=lambda: np.zeros(0))
    warmup: np.ndarray | None = None
    warmup_stats: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)


HandOver = Callable[[Chain], None]
"""Takes the draws that a chain has made since the last time, in case it does not live to its end."""


def joined(parts: Sequence[Chain], error: str) -> Chain:
    """What a chain handed over before something ended it."""
    last = parts[-1]
    positions = np.concatenate([p.positions for p in parts])
    stats = {k: np.concatenate([p.stats[k] for p in parts]) for k in last.stats}
    return replace(last, positions=positions, stats=stats, error=error)


def gather(
    runs: Sequence[Chain],
    shapes: Shapes,
    chains: int,
    draws: int,
    seconds: dict[str, float],
    *,
    seed: int = 0,
    run: int = 0,
    deadline: float | None = None,
    coordinates: Coordinates | None = None,
) -> Draws:
    """Draws of all chains as arrays (chain, draw, ...).

    Chains that were cut short are cut to one length, and those that are too short for that are left out: whatever keeps
    the most draws.

    Args:
        runs: the chains, in order; some may be short or absent.
        shapes: site -> unconstrained shape, in the order in which positions hold them.
        chains: chains that were asked for.
        draws: draws that were asked for in each.
        seconds: wall time of the parts that the chains share.
        seed: seed of the run.
        run: how often it has been continued.
        deadline: of the run, in seconds.
        coordinates: those of the chains' positions.

    Raises:
        FitError: if not a single draw was kept because the density raised or the deadline came.
        KeyboardInterrupt: if not a single draw was kept.
    """
    lengths = sorted((len(r) for r in runs), reverse=True)
    length = max(lengths, key=lambda n: n * sum(m >= n for m in lengths), default=0)
    if not length:
        for r in runs:
            if r.error:
                raise failed(r.number, r.error)
        if any(r.late for r in runs):
            raise _too_late(deadline, seconds, run)
        raise KeyboardInterrupt("interrupted before the first draw was kept")
    kept = [r for r in runs if len(r) >= length]
    times = seconds | {k: max(r.seconds.get(k, 0.0) for r in kept) for k in {k for r in kept for k in r.seconds}}
    complete = len(kept) == chains and length == draws
    why = next((r.error.strip().splitlines()[-1] for r in runs if r.error), "")
    late = f"stopped at the deadline of {deadline:g} s" if any(r.late for r in runs) and deadline else "interrupted"
    ended = f"ended by an error ({why})" if why else late
    note = "" if complete else f"{ended}: {len(kept)} of {chains} chains and {length} of {draws} draws are kept"
    short = [len(r) for r in runs if len(r) < length] + [0] * (chains - len(runs))
    if not complete and short:
        had = ", ".join(map(str, short))
        note += f" (chains are kept at one length; the other{'s' * (len(short) > 1)} had {had})"
    same = len({r.inverse_mass.shape for r in kept}) == 1  # not where one has lost its state
    state = (
        None
        if not same
        else SamplerState(
            chain=np.array([r.number for r in kept], np.int64),
            position=np.stack([r.positions[length - 1] for r in kept]).astype(np.float64),
            step_size=np.array([r.step_size for r in kept]),
            inverse_mass=np.stack([r.inverse_mass for r in kept]).astype(np.float64),
            seed=seed,
            run=run,
            coordinates=coordinates,
        )
    )
    place = coordinates.forward if coordinates else lambda x: x
    warmup = [r.warmup for r in kept if r.warmup is not None]
    warmup = warmup if len(warmup) == len(kept) else []  # of a process that was killed there is none
    return Draws(
        _by_site(doubles(place(np.stack([r.positions[:length] for r in kept]))), shapes),
        {k: doubles(np.stack([r.stats[k][:length] for r in kept])) for k in kept[0].stats},
        times,
        complete,
        note,
        state,
        _by_site(doubles(place(np.stack(warmup))), shapes) if warmup else {},
        {k: doubles(np.stack([r.warmup_stats[k] for r in kept])) for k in kept[0].warmup_stats} if warmup else {},
        why,
    )


def _by_site(flat: np.ndarray, shapes: Shapes) -> dict[str, np.ndarray]:
    """Vectors (chain, draw, dimension) as sites."""
    at, sites = 0, {}
    for name, shape in shapes.items():
        size = int(np.prod(shape, dtype=int))
        sites[name] = flat[..., at : at + size].reshape(*flat.shape[:2], *shape)
        at += size
    return sites


def _too_late(deadline: float | None, seconds: dict[str, float], run: int) -> FitError:
    before = sum(seconds.values())
    spent = f", of which {before:.1f} s went by before the chains started" if before > 0.1 else ""
    return FitError(
        "the deadline came before the first draw" if run else "the deadline came before warmup was over",
        given=f"deadline={deadline:g} s{spent}" if deadline else None,
        needed="time for warmup and at least one draw of one chain",
        fix="a later deadline, or a shorter warmup or fewer chains",
    )


def failed(chain: int, trace: str) -> FitError:
    """The error of a chain whose density raised."""
    out = FitError(
        f"chain {chain} failed while sampling",
        given=trace.strip().splitlines()[-1],
        fix="the text below shows where",
    )
    out.add_note(trace)
    return out


class Thinning:
    """Keeps every k-th draw of those that pass by.

    Args:
        every: k.
    """

    def __init__(self, every: int) -> None:
        self._every, self._seen = every, 0
        self._waiting: np.ndarray | int = 0  # divergences since the last kept draw, (chain, 1)

    def __call__(self, part: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What is kept of the next iterations, arrays (chain, iteration, ...).

        Where some iteration since the last kept draw diverged, the kept one is marked.
        """
        if self._every == 1:
            return part
        count = part["diverging"].shape[1]
        at = np.flatnonzero((self._seen + 1 + np.arange(count)) % self._every == 0)
        total = self._waiting + np.cumsum(part["diverging"], 1)
        kept = total[:, at]
        marks = kept > np.concatenate([np.zeros_like(kept[:, :1]), kept[:, :-1]], 1)
        self._waiting = total[:, -1:] - (total[:, at[-1:]] if at.size else 0)
        self._seen += count
        return {k: v[:, at] for k, v in part.items()} | {"diverging": marks}


def limited(stopped: Callable[[], bool], until: float | None) -> tuple[Callable[[], bool], Callable[[], bool]]:
    """Whether to stop now, and whether the time is up, for a chain that must end at some time."""
    if until is None:
        return stopped, lambda: False

    def late() -> bool:
        return time.time() >= until

    return lambda: stopped() or late(), late


def is_dense(method: MCMC, dimension: int) -> bool:
    """Whether the mass matrix is dense.

    Left out, it is where warmup has at least 20 draws for each of at most 100 dimensions. A covariance from fewer draws
    is so ill-conditioned that trajectories grow: radon (91 dimensions, warmup of 1000) takes 6 times the gradients.
    """
    return dimension <= min(100, method.warmup // 20) if method.dense is None else method.dense


def tree_depth(n_steps: np.ndarray) -> np.ndarray:
    """Doublings that were begun, from the leapfrog steps of trajectories: 2^(depth - 1) <= steps < 2^depth."""
    out: np.ndarray = np.floor(np.log2(np.maximum(n_steps, 1))).astype(np.int64) + 1
    return out


def doubles(x: np.ndarray) -> np.ndarray:
    """Floats in double precision, whatever they were computed in: what comes after, diagnostics above all, needs it."""
    return x.astype(np.float64, copy=False) if x.dtype.kind == "f" else x


def cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
