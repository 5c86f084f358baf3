"""What a chain leaves behind, and how chains become one set of draws; the same for every backend."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gendsl.backend import Draws
from gendsl.errors import FitError

__all__ = ["Chain", "cores", "failed", "gather", "is_dense", "tree_depth"]


@dataclass
class Chain:
    """The kept draws of one chain.

    Attributes:
        positions: unconstrained draws, (draw, dimension).
        stats: arviz's name -> (draw,).
        seconds: wall time of its parts.
        error: the traceback of what ended it early; empty where nothing did.
    """

    positions: np.ndarray
    stats: dict[str, np.ndarray]
    seconds: dict[str, float] = field(default_factory=dict)
    error: str = ""

    def __len__(self) -> int:
        return len(self.positions)


def gather(
    runs: Sequence[Chain], shapes: dict[str, tuple[int, ...]], chains: int, draws: int, seconds: dict[str, float]
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

    Raises:
        FitError: if not a single draw was kept because the density raised.
        KeyboardInterrupt: if not a single draw was kept.
    """
    lengths = sorted((len(r) for r in runs), reverse=True)
    length = max(lengths, key=lambda n: n * sum(m >= n for m in lengths), default=0)
    if not length:
        for number, run in enumerate(runs):
            if run.error:
                raise failed(number, run.error)
        raise KeyboardInterrupt("interrupted before the first draw was kept")
    kept = [r for r in runs if len(r) >= length]
    flat = np.stack([r.positions[:length] for r in kept])
    at, sites = 0, {}
    for name, shape in shapes.items():
        size = int(np.prod(shape, dtype=int))
        sites[name] = flat[..., at : at + size].reshape(*flat.shape[:2], *shape)
        at += size
    stats = {k: np.stack([r.stats[k][:length] for r in kept]) for k in kept[0].stats}
    times = seconds | {k: max(r.seconds[k] for r in kept) for k in kept[0].seconds}
    complete = len(kept) == chains and length == draws
    why = next((r.error.strip().splitlines()[-1] for r in runs if r.error), "")
    ended = f"ended by an error ({why})" if why else "interrupted"
    note = "" if complete else f"{ended}: {len(kept)} of {chains} chains and {length} of {draws} draws are kept"
    return Draws(sites, stats, times, complete, note)


def failed(chain: int, trace: str) -> FitError:
    """The error of a chain whose density raised."""
    out = FitError(
        f"chain {chain} failed while sampling",
        given=trace.strip().splitlines()[-1],
        fix="the traceback below shows the line of the emitted program",
    )
    out.add_note(trace)
    return out


def is_dense(dense: bool | None, dimension: int, warmup: int) -> bool:
    """Whether the mass matrix is dense.

    Left out, it is where warmup has at least 20 draws for each of at most 100 dimensions. A covariance from fewer draws
    is so ill-conditioned that trajectories grow: radon (91 dimensions, warmup of 1000) takes 6 times the gradients.
    """
    return dimension <= min(100, warmup // 20) if dense is None else dense


def tree_depth(n_steps: np.ndarray) -> np.ndarray:
    """Doublings that were begun, from the leapfrog steps of trajectories: 2^(depth - 1) <= steps < 2^depth."""
    out: np.ndarray = np.floor(np.log2(np.maximum(n_steps, 1))).astype(np.int64) + 1
    return out


def cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
