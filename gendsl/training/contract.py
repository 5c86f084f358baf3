"""The contract between the training loop and a backend.

The loop (`gendsl.training.loop`) decides how many steps come next, records, evaluates, writes checkpoints and stops. A
backend's *learner* holds parameters, optimisers and averages on its device and does those steps:

    for each step i of a plan, for each player p, `p.steps` times (a *move*):
        batch      rows of batch number (move number) of the source
        noise      game.draw(p, fold_in(key(seed), move number), batch)
        loss       game.loss(p, params, batch, noise, state), and its gradient in what p moves
        guard      where the loss or the norm of the gradient is not finite, nothing is changed and the run ends
        clip       gradient times `clip / max(norm, clip)`
        optimiser  with the plan's rate for p
        state      those entries of the game's state that the loss gives
    average        after the last move of the step

Everything enters and leaves as numpy, so a state that one backend left, the other can take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gendsl.backend import CPU
from gendsl.training.history import History

if TYPE_CHECKING:
    import os

    from gendsl.methods.train import Train
    from gendsl.objectives.game import Game
    from gendsl.training.data import Source
    from gendsl.training.state import TrainState

__all__ = [
    "Arrays",
    "Job",
    "Learner",
    "Outcome",
    "Piece",
    "Plan",
    "Prepared",
    "Report",
    "Snapshot",
    "Trained",
]

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be trained.

    Attributes:
        game: the objective, bound to a model, the backend's ops and the shapes of the data.
        data: rows by name (name -> array, the row is the leading axis), `gendsl.training.Table` or `Stream`.
        method: how.
        seed: of everything: first parameters, order of rows, noise.
        device: where.
        resume: a checkpoint file, a folder of them (the newest is taken), or the state that a run left.
        identity: what tells this model from others, such as the SHA-256 of its graph; written into checkpoints.
    """

    game: Game
    data: Any
    method: Train
    seed: int = 0
    device: str = CPU
    resume: TrainState | str | os.PathLike[str] | None = None
    identity: str = ""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a learner holds, as numpy.

    Attributes:
        params: all parameters.
        average: their average; empty where there is none.
        memory: player -> slot -> parameter -> what its optimiser remembers (`Optimizer.slots`).
        game: the game's state.
    """

    params: Arrays
    average: Arrays
    memory: dict[str, dict[str, Arrays]]
    game: Arrays


@dataclass(frozen=True, eq=False)
class Plan:
    """The next steps.

    Attributes:
        first: number of the first one, from 0.
        count: how many.
        rates: learning rates, (count, players).
        index: rows of each move's batch, (count, moves, size); None where a batch is all that is held, or blocks.
        blocks: the rows themselves, (count, moves, size, ...); empty where they are held.
    """

    first: int
    count: int
    rates: np.ndarray
    index: np.ndarray | None
    blocks: Arrays


@dataclass(frozen=True, eq=False)
class Failure:
    """A move whose loss or gradient was not finite.

    Attributes:
        player: whose move.
        values: its loss and named terms, under the names of their curves.
        gradients: names of the parameters whose gradients are not finite.
        why: what an engine says of it, in a few words.
    """

    player: str
    values: dict[str, float]
    gradients: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a plan.

    Attributes:
        done: steps that were done whole.
        curves: their values, name -> (done,).
        failure: what ended it early, if it was not the wish to stop.
    """

    done: int
    curves: Arrays
    failure: Failure | None = None


@dataclass(frozen=True, eq=False)
class Piece:
    """Some of the held-out rows.

    Attributes:
        rows: name -> array.
        count: how many.
    """

    rows: Arrays
    count: int


@dataclass(frozen=True, eq=False)
class Prepared:
    """A job, checked, with all that a learner needs.

    Attributes:
        job: the job.
        moves: player -> names of the parameters that it moves.
        source: of batches.
        whole: arrays that every batch has as they are.
        pieces: held-out rows.
        start: parameters, memories and state to begin with.
        step: steps that were done before.
        batches: batches of a step.
    """

    job: Job
    moves: dict[str, list[str]]
    source: Source
    whole: Arrays
    pieces: tuple[Piece, ...]
    start: Snapshot
    step: int

    @property
    def batches(self) -> int:
        """Batches, and moves, of a step."""
        return sum(p.steps for p in self.job.game.players)


class Learner(Protocol):
    """What a backend does.

    Attributes:
        longest: most steps of a plan; None for any number.
    """

    longest: int | None

    def begin(self) -> None:
        """Take the start over to the device, and compile what is to be compiled."""

    def advance(self, plan: Plan, stopped: Callable[[], bool]) -> Outcome:
        """Do the steps of a plan, unless it is told to stop between two of them."""

    def evaluate(self) -> dict[str, float]:
        """Losses of all players on the held-out rows, and their terms, under the names of their curves."""

    def snapshot(self) -> Snapshot:
        """What it holds, as numpy arrays of their own."""


class Report(Protocol):
    """Where a run tells how far it is."""

    def start(self, total: int) -> None:
        """A run of so many steps begins."""

    def update(self, done: int, values: Mapping[str, float]) -> None:
        """So many steps are done; the last losses, by player."""

    def stop(self) -> None:
        """The run is over."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of training, as numpy.

    Attributes:
        params: parameters after the last step, or the best on held-out rows where early stopping was asked for.
        average: their average; empty where there is none.
        game: the game's state.
        step: steps after which these were.
        history: what happened.
        complete: whether all steps were done, or early stopping ended them.
        note: why not, and what else there is to say of the run.
        error: what was not finite, where that ended the run.
        seconds: wall time of the named parts (compile, training).
        state: what it takes to go on.
    """

    params: Arrays
    average: Arrays
    game: Arrays
    step: int
    history: History
    complete: bool
    note: str
    error: str
    seconds: dict[str, float]
    state: TrainState

    @property
    def best(self) -> Arrays:
        """The parameters to use: the average where there is one."""
        return self.average or self.params
