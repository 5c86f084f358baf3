"""Training in turns: some steps of ours, as many of each other loop, and again, in one process.

Ours is a whole run of training: keyed noise, guard, history, what the loop does between plans, all but compilation.
Whenever it reports, the other loops do as many steps, so a change of the machine's load meets all alike; ratios are
taken turn by turn. The memory of the process is read at each change of turns, and its growth counted for whose turn it
was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.objectives.choose import default_objective
from gendsl.objectives.setting import Bindable, Setting
from gendsl.training import Job, Table

__all__ = ["RATE", "Against", "Other", "bind", "loss_of", "resident", "same", "train"]

RATE = 1e-3
_SKIPPED = 6  # plans grow fourfold from one step


@dataclass(frozen=True)
class Other:
    """A loop that ours is measured against.

    Attributes:
        name: what it is.
        steps: does about so many steps, waits for them, and says how many it did.
        goal: the ratio that is wanted; None where it is shown for comparison alone.
    """

    name: str
    steps: Callable[[int], int]
    goal: float | None = None


@dataclass(frozen=True)
class Against:
    """Ours against another loop.

    Attributes:
        what: what is done.
        name: the other loop.
        ours, theirs: seconds a step, medians.
        low, median, high: the ratio: 10 %, 50 % and 90 % of the turns.
        goal: of the ratio.
        grown: bytes that the process grew by in our turns, and in theirs.
        steps: of ours.
        note: why there are no numbers.
    """

    what: str
    name: str
    ours: float = float("nan")
    theirs: float = float("nan")
    low: float = float("nan")
    median: float = float("nan")
    high: float = float("nan")
    goal: float | None = None
    grown: tuple[int, int] = (0, 0)
    steps: int = 0
    note: str = ""


def bind(model: gd.Model, data: Mapping[str, Any], backend: str, batched: bool) -> Bindable:
    """The model's objective in float32."""
    setting = Setting.of(model.graph, data, backend, batched=batched, precision="float32")
    return (model.objective() or default_objective(model.graph)).bind(setting)


def loss_of(
    made: Bindable, backend: str, params: Mapping[str, Any], noise: Mapping[str, Any], rows: np.ndarray | None = None
) -> float:
    """Our loss at given parameters, noise and rows."""
    b, game = get_backend(backend), made.game
    with b.context("float32"):
        batch = {k: v if rows is None else v[rows] for k, v in made.rows.items()} | made.whole
        arrays = [{k: b.array(np.asarray(v), "float32") for k, v in x.items()} for x in (params, batch, noise)]
        return float(game.loss(game.players[0], *arrays, {}).value)


def same(what: str, ours: float, theirs: float) -> None:
    """Raise where two losses of equal parameters and noise differ: then the loops do not do the same work."""
    if not abs(ours - theirs) <= 2e-5 * max(1.0, abs(ours)):
        raise ValueError(f"{what}: the losses differ, {ours!r} and {theirs!r}")


def train(
    what: str,
    made: Bindable,
    backend: str,
    others: Sequence[Other],
    *,
    batch: int | None = None,
    ema: float | None = None,
    seconds: float = 15.0,
) -> list[Against]:
    """Train in turns with the others.

    Args:
        what: a name for it.
        made: from `bind`.
        backend: ours.
        others: the loops.
        batch: rows of a batch.
        ema: decay of the average.
        seconds: of all turns.
    """
    method = gd.Train(steps=10**9, batch_size=batch, optimizer=gd.optim.Adam(RATE), ema=ema)
    for other in others:
        other.steps(300)  # compiled
    turns = _Turns(others, seconds)
    with suppress(_Enough):
        get_backend(backend).engine.train(Job(made.game, Table(made.rows, made.whole), method), turns)
    ours, theirs = np.array(turns.ours[_SKIPPED:]), np.array(turns.theirs[_SKIPPED:])
    grown = np.array(turns.grown[_SKIPPED:]).sum(0)
    out = []
    for k, other in enumerate(others):
        low, median, high = (float(q) for q in np.quantile(ours / theirs[:, k], [0.1, 0.5, 0.9]))
        middle = float(np.median(ours)), float(np.median(theirs[:, k]))
        both = int(grown[0]), int(grown[1 + k])
        out.append(Against(what, other.name, *middle, low, median, high, other.goal, both, turns.done))
    return out


class _Enough(Exception):
    """The turns are over."""


@dataclass(eq=False)
class _Turns:
    """A report of training that lets the others run."""

    others: Sequence[Other]
    seconds: float
    ours: list[float] = field(default_factory=list)
    theirs: list[list[float]] = field(default_factory=list)
    grown: list[list[int]] = field(default_factory=list)
    done: int = 0

    def start(self, total: int) -> None:
        self._first = self._began = time.perf_counter()
        self._held = resident()

    def update(self, done: int, values: Mapping[str, float]) -> None:
        now, held, count = time.perf_counter(), resident(), done - self.done
        self.done = done
        self.ours.append((now - self._began) / count)
        grown, theirs = [held - self._held], []
        for other in self.others:
            began, before = time.perf_counter(), resident()
            did = other.steps(count)
            theirs.append((time.perf_counter() - began) / did)
            grown.append(resident() - before)
        self.theirs.append(theirs)
        self.grown.append(grown)
        self._began, self._held = time.perf_counter(), resident()
        if len(self.ours) > 2 * _SKIPPED and self._began - self._first > self.seconds:
            raise _Enough

    def stop(self) -> None:
        pass


def resident() -> int:
    """Bytes that the process holds in memory; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
