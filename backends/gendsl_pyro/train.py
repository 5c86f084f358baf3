"""Training on torch: the learner of `gendsl.training.contract`.

Parameters are leaves in a dict, moved in place by torch's fused optimisers; no store, no module and no generator's
state is left anywhere. A step costs its loss and gradient, one pass over the gradients for the guard and one over the
parameters each for the optimiser and the average.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gendsl.methods.train import Precision
from gendsl.training.contract import Failure, Job, Outcome, Plan, Prepared, Report, Snapshot, Trained
from gendsl.training.loop import run
from gendsl.training.losses import checked
from gendsl.training.prepare import optimizer_of, prepare
from gendsl_pyro import random
from gendsl_pyro.density import singular
from gendsl_pyro.device import on
from gendsl_pyro.optimizers import Mover

if TYPE_CHECKING:
    from gendsl.objectives.game import Player

__all__ = ["TorchLearner", "train"]

Tensors = dict[str, torch.Tensor]
_Evaluate = Callable[[Tensors, Tensors, Any, Tensors], tuple[torch.Tensor, Tensors, Tensors]]

_REFUSED = re.compile(
    r"Expected (?:parameter (?P<name>\w+) \(.*?of distribution (?P<family>\w+)\(.*?"
    r"to satisfy the constraint (?P<constraint>.+?), but found"
    r"|value argument \(.*?to be within the support \((?P<support>.+?)\) of the distribution (?P<judge>\w+)\()",
    re.DOTALL,
)
"""What torch's validation of arguments says."""
_VALIDATION = 1
"""The namespace of the noise on held-out rows."""


def train(job: Job, report: Report) -> Trained:
    """Train a game.

    Raises:
        DataError: if the data cannot be trained on.
        FitError: if the method does not fit the game, the first step has no finite loss, or there is nothing to resume.
        FormatError: if the checkpoint to be resumed is damaged.
    """
    prepared, state = prepare(job)
    return run(prepared, state, TorchLearner(prepared), report)


@dataclass(eq=False)
class _Player:
    """A player on the device.

    Attributes:
        player: who.
        names: what it moves.
        leaves: the parameters that it moves.
        view: all parameters, those of others without gradients.
        mover: its optimiser.
        loss: its loss as a function of tensors.
    """

    player: Player
    names: list[str]
    leaves: list[torch.Tensor]
    view: Tensors
    mover: Mover
    loss: _Evaluate


class TorchLearner:
    """See `gendsl.training.contract.Learner`.

    Args:
        prepared: the job.
    """

    longest: int | None = None

    def __init__(self, prepared: Prepared) -> None:
        self._prepared, self._game, self._method = prepared, prepared.job.game, prepared.job.method
        self._device = torch.device(prepared.job.device)
        self._bf16 = self._method.precision is Precision.BF16
        self._clip = math.inf if self._method.clip is None else self._method.clip
        self._key = random.key(prepared.job.seed)

    def begin(self) -> None:
        """See `Learner.begin`."""
        p, start = self._prepared, self._prepared.start
        self._params = {k: self._tensor(v).requires_grad_(True) for k, v in start.params.items()}
        self._average = {k: self._tensor(v) for k, v in start.average.items()}
        self._game_state = {k: self._tensor(v) for k, v in start.game.items()}
        self._rows = {k: self._tensor(v) for k, v in p.source.held.items()}
        self._whole = {k: self._tensor(v) for k, v in p.whole.items()}
        self._pieces = [({k: self._tensor(v) for k, v in piece.rows.items()}, piece.count) for piece in p.pieces]
        self._players = [self._player(player) for player in self._game.players]
        self._values = [x.detach() for x in self._params.values()]
        self._averages = list(self._average.values())
        self._averaging = None if self._method.ema is None else get_ema_multi_avg_fn(self._method.ema)

    def advance(self, plan: Plan, stopped: Callable[[], bool]) -> Outcome:
        """See `Learner.advance`."""
        record = _Record(self._game.players)
        index = None if plan.index is None else torch.from_numpy(plan.index).to(self._device)
        done, failure = 0, None
        with on(str(self._device)):
            for i in range(plan.count):
                if stopped():
                    break
                failure = self._step(plan, i, index, record)
                if failure is not None:
                    break
                done += 1
        return Outcome(done, record.curves(done), failure)

    def _step(self, plan: Plan, i: int, index: torch.Tensor | None, record: _Record) -> Failure | None:
        """Every player moves; the average follows."""
        move = 0
        for number, player in enumerate(self._players):
            rate = float(plan.rates[i, number])
            for _ in range(player.player.steps):
                batch = self._batch(plan, i, move, index)
                failure = self._move(player, batch, (plan.first + i) * self._prepared.batches + move, rate, record)
                if failure is not None:
                    return failure
                move += 1
        if self._averaging is not None:
            self._averaging(self._averages, self._values, 0)
        return None

    def _move(self, p: _Player, batch: Tensors, number: int, rate: float, record: _Record) -> Failure | None:
        noise = self._game.draw(p.player, random.fold_in(self._key, number), batch)
        name = p.player.name
        try:
            with self._autocast():
                value, parts, state = p.loss(p.view, batch, noise, self._game_state)
        except (ValueError, RuntimeError) as e:
            return Failure(name, {name: math.nan}, (), _no_density(e))
        grads = _gradients(value, p)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
        v, n = torch.stack((value.detach().to(norm.dtype), norm)).tolist()
        if not (math.isfinite(v) and math.isfinite(n)):
            values = {name: v} | {f"{name}.{k}": float(x.detach()) for k, x in parts.items()}
            bad = tuple(k for k, g in zip(p.names, grads, strict=True) if not bool(torch.isfinite(g.sum())))
            return Failure(name, values, bad)
        if n > self._clip:
            torch._foreach_mul_(grads, self._clip / n)
        p.mover.step(grads, rate)
        self._game_state |= {k: x.detach() for k, x in state.items()}
        record.move(name, v, n, parts)
        return None

    def evaluate(self) -> dict[str, float]:
        """See `Learner.evaluate`."""
        params = self._average or {k: v.detach() for k, v in self._params.items()}
        key = random.key(self._prepared.job.seed, _VALIDATION)
        total = sum(count for _, count in self._pieces)
        out: dict[str, float] = {}
        unknown: set[str] = set()
        with torch.no_grad(), on(str(self._device)), self._autocast():
            for k, (rows, count) in enumerate(self._pieces):
                batch = rows | self._whole
                for j, p in enumerate(self._players):
                    noise = self._game.draw(p.player, random.fold_in(key, k * len(self._players) + j), batch)
                    try:
                        value, parts, _ = p.loss(params, batch, noise, self._game_state)
                    except (ValueError, RuntimeError) as e:
                        _no_density(e)
                        value, parts = torch.tensor(math.nan), {}
                        unknown.add(p.player.name)
                    named = {p.player.name: value} | {f"{p.player.name}.{part}": x for part, x in parts.items()}
                    for name, x in named.items():
                        out[name] = out.get(name, 0.0) + float(x) * count / total
        return {k: math.nan if k.partition(".")[0] in unknown else x for k, x in out.items()}

    def snapshot(self) -> Snapshot:
        """See `Learner.snapshot`."""
        memory = {p.player.name: p.mover.memory() for p in self._players}
        return Snapshot(_numpy(self._params), _numpy(self._average), memory, _numpy(self._game_state))

    # -- parts ------------------------------------------------------------------------------------------------------
    def _player(self, player: Player) -> _Player:
        names = self._prepared.moves[player.name]
        leaves = [self._params[k] for k in names]
        view = {k: v if k in names else v.detach() for k, v in self._params.items()}
        memory = self._prepared.start.memory[player.name]
        count = self._prepared.step * player.steps
        mover = Mover(optimizer_of(self._method, player.name), names, leaves, memory, count)
        game = self._game

        def loss(params: Tensors, batch: Tensors, noise: Any, state: Tensors) -> tuple[torch.Tensor, Tensors, Tensors]:
            return checked(game.loss(player, params, batch, noise, state), player, state)

        return _Player(player, names, leaves, view, mover, torch.compile(loss) if self._method.compiled else loss)

    def _batch(self, plan: Plan, i: int, move: int, index: torch.Tensor | None) -> Tensors:
        if plan.blocks:
            rows = {k: self._tensor(x[i, move]) for k, x in plan.blocks.items()}
        elif index is not None:
            rows = {k: x.index_select(0, index[i, move]) for k, x in self._rows.items()}
        else:
            rows = self._rows
        return rows | self._whole

    def _tensor(self, x: np.ndarray) -> torch.Tensor:
        """A copy on the device, in torch's own memory, whose alignment its sums depend on."""
        dtype = getattr(torch, self._method.precision.dtype) if x.dtype.kind == "f" else None
        return torch.tensor(x, dtype=dtype, device=self._device)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext()


class _Record:
    """Values of the moves of a plan."""

    def __init__(self, players: tuple[Player, ...]) -> None:
        self._moves: dict[str, dict[str, list[Any]]] = {p.name: {} for p in players}
        self._steps = {p.name: p.steps for p in players}

    def move(self, player: str, value: float, norm: float, parts: Mapping[str, torch.Tensor]) -> None:
        moves = self._moves[player]
        moves.setdefault(player, []).append(value)
        moves.setdefault(f"{player}:gradient", []).append(norm)
        for name, x in parts.items():
            moves.setdefault(f"{player}.{name}", []).append(x.detach())

    def curves(self, done: int) -> dict[str, np.ndarray]:
        """Name -> (done,), the means over a player's moves."""
        out = {}
        for player, steps in self._steps.items():
            for name, values in self._moves[player].items():
                x = _stacked(values)[: done * steps]
                out[name] = x.reshape(done, steps).mean(1)
        return out


def _stacked(values: list[Any]) -> np.ndarray:
    if isinstance(values[0], float):
        return np.array(values)
    out: np.ndarray = torch.stack(values).to(torch.float64).cpu().numpy()
    return out


def _no_density(error: Exception) -> str:
    """Why torch refuses to make a distribution or to judge a value, where jax goes on with nan; else the error itself.

    Raises:
        ValueError, RuntimeError: if the error is of another kind.
    """
    if singular(error):
        return "a matrix is not positive definite"
    found = _REFUSED.match(str(error))
    if found is None:
        raise error
    if found["name"]:
        return f"the {found['name']} of a {found['family']} does not satisfy {found['constraint']}"
    return f"a value lies outside the support of a {found['judge']}, {found['support']}"


def _gradients(value: torch.Tensor, p: _Player) -> list[torch.Tensor]:
    """Gradients of the player's parameters, which also stand in `leaf.grad`; zeros where the loss does not depend."""
    for leaf in p.leaves:
        leaf.grad = None
    if value.requires_grad:
        torch.autograd.backward(value, inputs=p.leaves)
    grads = []
    for leaf in p.leaves:
        if leaf.grad is None:
            leaf.grad = torch.zeros_like(leaf)
        grads.append(leaf.grad)
    return grads


def _numpy(tensors: Tensors) -> dict[str, np.ndarray]:
    return {k: v.detach().cpu().numpy().copy() for k, v in tensors.items()}
