"""From a job to what a learner begins with: everything that can be wrong is found here, before a step is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gendsl.errors import DataError, FitError, caller, warn
from gendsl.methods.train import Train
from gendsl.objectives.game import Game, moved
from gendsl.optim import Optimizer
from gendsl.training.checkpoint import find, refuse_earlier, refuse_file
from gendsl.training.contract import Arrays, Job, Piece, Prepared, Snapshot
from gendsl.training.data import Data, Table, as_data, gathered, rows_of
from gendsl.training.history import History
from gendsl.training.order import held_out
from gendsl.training.signature import compare, signature
from gendsl.training.state import TrainState

__all__ = ["optimizer_of", "prepare"]

_PIECE = 1024  # rows that are evaluated at once


def prepare(job: Job) -> tuple[Prepared, TrainState]:
    """Check a job and lay out its data.

    Returns:
        What a learner needs, and the state that the run begins with.

    Raises:
        DataError: if the data cannot be trained on.
        FitError: if the method does not fit the game, or what is to be resumed is not of this job.
        FormatError: if the checkpoint is damaged.
    """
    if isinstance(job.seed, bool) or not isinstance(job.seed, (int, np.integer)) or job.seed < 0:
        raise FitError("a seed is a nonnegative integer", given=repr(job.seed), where=caller())
    game, method = job.game, job.method
    _check_players(game, method)
    data = as_data(job.data)
    chosen, pieces = _validation(data, method, job.seed)
    source = gathered(data, chosen, method.batch_size, job.seed, method.remainder)
    start = _fresh(game, method, job.seed)
    moves = {p.name: moved(p, start.params) for p in game.players}
    start = Snapshot(start.params, start.average, _memory(game, method, start.params, moves), start.game)
    mine = signature(job, start, source)
    if method.checkpoint is not None:
        refuse_file(method.checkpoint.path)
    if job.resume is None:
        state = TrainState(0, int(job.seed), start, History(), signature=mine)
        if method.checkpoint is not None:
            refuse_earlier(method.checkpoint.path)
    else:
        state, what = (job.resume, "the state") if isinstance(job.resume, TrainState) else find(job.resume)
        compare(state.signature, mine, what)
        if state.seed != job.seed:
            raise FitError(
                f"{what} is of a run with another seed", given=f"seed={job.seed}", needed=f"seed={state.seed}",
                fix=f"seed={state.seed}", where=caller(),
            )  # fmt: skip
        again = state.step == method.steps and not isinstance(job.resume, TrainState)  # a finished job, started anew
        if state.step >= method.steps and not again:
            warn(
                f"nothing is left to train: {what} has {state.step} steps, and steps= counts them",
                given=f"gd.Train(steps={method.steps})",
                needed=f"more than {state.step} steps in all",
                fix=f"gd.Train(steps={state.step + method.steps}) for {method.steps} more",
            )
    whole = {k: np.asarray(v) for k, v in data.whole.items()}
    return Prepared(job, moves, source, whole, pieces, state.snapshot, state.step), state


def optimizer_of(method: Train, player: str) -> Optimizer:
    """Whose rule moves a player."""
    return method.players.get(player, method.optimizer)


def _check_players(game: Game, method: Train) -> None:
    names = [p.name for p in game.players]
    if not names or len(set(names)) < len(names) or any(p.steps < 1 for p in game.players):
        raise ValueError(f"an objective has players of different names, each with steps: {game.players}")
    for given, words in ((method.players, "an optimizer"), (_watched(method), "the validation")):
        for name in given:
            if name not in names:
                raise FitError(
                    f"{words} is for a player that the objective does not have",
                    given=repr(name),
                    needed=f"one of {', '.join(map(repr, names))}",
                    where=caller(),
                )


def _watched(method: Train) -> list[str]:
    player = method.validation.player if method.validation else None
    return [] if player is None else [player]


def _fresh(game: Game, method: Train, seed: int) -> Snapshot:
    params = {k: _typed(v, method) for k, v in game.initial_params(seed).items()}
    if not params:
        raise FitError(
            "there is nothing to train",
            given="a model without parameters or networks",
            fix='declare some, for example m.param("scale", ...) or m.network("decoder", ...)',
            where=caller(),
        )
    if odd := [k for k, x in params.items() if x.dtype.kind != "f"]:
        raise ValueError(f"parameters are floats, and '{odd[0]}' is {params[odd[0]].dtype}")
    average = {k: x.copy() for k, x in params.items()} if method.ema is not None else {}
    return Snapshot(params, average, {}, {k: _typed(v, method) for k, v in game.initial_state(seed).items()})


def _typed(x: Any, method: Train) -> np.ndarray:
    out = np.array(x)
    return out.astype(method.precision.dtype) if out.dtype.kind == "f" else out


def _memory(game: Game, method: Train, params: Arrays, moves: Mapping[str, list[str]]) -> dict[str, dict[str, Arrays]]:
    """Nothing is remembered yet."""
    return {
        p.name: {
            slot: {k: np.zeros_like(params[k]) for k in moves[p.name]} for slot in optimizer_of(method, p.name).slots
        }
        for p in game.players
    }


def _validation(data: Data, method: Train, seed: int) -> tuple[np.ndarray | None, tuple[Piece, ...]]:
    """Rows to train on (None for all) and the held-out ones."""
    v = method.validation
    if v is None:
        return None, ()
    if v.data is not None:
        rows, count = rows_of(v.data)
        _check_held(data, rows)
        return None, tuple(_pieces(rows, count))
    if not isinstance(data, Table) or not data.rows:
        raise DataError(
            "a fraction can be held out of rows that are there, not of a stream",
            given=f"validation of fraction {v.fraction:g}",
            needed="held-out rows",
            fix='validation=gd.Validation(data={"x": x})',
            where=caller(),
        )
    rows, count = rows_of(data.rows)
    train, held = held_out(count, v.fraction or 0.0, seed)
    if not len(train):
        raise DataError(
            "no rows are left to train on",
            given=f"{count} rows, of which {len(held)} are held out",
            needed="at least two rows, and a smaller fraction",
            where=caller(),
        )
    return train, tuple(_pieces({k: x[held] for k, x in rows.items()}, len(held)))


def _check_held(data: Data, rows: Arrays) -> None:
    if isinstance(data, Table):
        wanted = {k: np.shape(x)[1:] for k, x in data.rows.items()}
        given = {k: x.shape[1:] for k, x in rows.items()}
        if wanted != given:
            raise DataError(
                "the held-out rows are not like those to train on",
                given=", ".join(f"{k}: {s}" for k, s in given.items()),
                needed=", ".join(f"{k}: {s}" for k, s in wanted.items()),
                where=caller(),
            )


def _pieces(rows: Arrays, count: int) -> Iterator[Piece]:
    for at in range(0, count, _PIECE):
        part = {k: np.asarray(x[at : at + _PIECE], order="C") for k, x in rows.items()}
        yield Piece(part, min(_PIECE, count - at))
