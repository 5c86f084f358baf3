"""Training on jax: the learner of `gendsl.training.contract`.

Many steps are one dispatch: a while loop over the steps of a plan, compiled once for any number of them, so that what
is learnt does not depend on how steps are divided. Rows stay on the device, and what the loop moves is donated to it.
A move whose loss or gradient is not finite is not made, and ends the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gendsl.backend import CPU
from gendsl.methods.train import Precision
from gendsl.training.contract import Failure, Job, Outcome, Plan, Prepared, Report, Snapshot, Trained
from gendsl.training.loop import run
from gendsl.training.losses import checked
from gendsl.training.prepare import optimizer_of, prepare
from gendsl_numpyro import random
from gendsl_numpyro.optimizers import Rule

if TYPE_CHECKING:
    from gendsl.objectives.game import Player

__all__ = ["JaxLearner", "train"]

Arrays = dict[str, Any]

_VALIDATION = 1
"""The namespace of the noise on held-out rows."""

_BYTES = 4 << 20  # of rows, or of their numbers, that travel with a plan
_LONGEST, _UNFED = 1024, 8192  # steps of a plan; of one that takes no rows along
_MIXED = "BF16_BF16_F32"


def train(job: Job, report: Report) -> Trained:
    """Train a game.

    Raises:
        DataError: if the data cannot be trained on.
        FitError: if the method does not fit the game, the first step has no finite loss, or there is nothing to resume.
        FormatError: if the checkpoint to be resumed is damaged.
    """
    prepared, state = prepare(job)
    return run(prepared, state, JaxLearner(prepared), report)


class _Held(NamedTuple):
    """What the steps change.

    Attributes:
        params, average, game: as in `Snapshot`.
        memory: player -> state of its optimiser.
    """

    params: Arrays
    average: Arrays
    memory: dict[str, Any]
    game: Arrays


class _Plan(NamedTuple):
    """A plan on the device; its arrays have room for `longest` steps."""

    first: Any
    count: Any
    rates: Any
    index: Any
    blocks: Arrays


class _Fixed(NamedTuple):
    """What the steps read."""

    rows: Arrays
    whole: Arrays
    key: Any


class JaxLearner:
    """See `gendsl.training.contract.Learner`.

    Args:
        prepared: the job.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared, self._game, self._method = prepared, prepared.job.game, prepared.job.method
        self._precision = self._method.precision.dtype
        self._rules = {p.name: Rule(optimizer_of(self._method, p.name)) for p in self._game.players}
        source = prepared.source
        row = sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in source.sample.values())
        size = (row + 4 * source.indexed) * source.size * prepared.batches
        self._most = min(_LONGEST, max(1, _BYTES // size)) if size else _UNFED
        self.longest: int | None = self._most

    def begin(self) -> None:
        """See `Learner.begin`."""
        p, start = self._prepared, self._prepared.start
        with self._context():
            params = self._arrays(start.params)
            memory = {
                player.name: self._rules[player.name].begin(
                    {k: params[k] for k in p.moves[player.name]}, start.memory[player.name], p.step * player.steps
                )
                for player in self._game.players
            }
            self._held = _Held(params, self._arrays(start.average), memory, self._arrays(start.game))
            self._fixed = _Fixed(self._arrays(p.source.held), self._arrays(p.whole), random.key(p.job.seed))
            self._pieces = [(self._arrays(piece.rows), piece.count) for piece in p.pieces]
            self._evaluated = jax.jit(self._evaluation)
            plan = self._packed(self._example())
            self._names = self._curves(plan)
            program = jax.jit(self._steps, donate_argnums=0)
            self._program = program.lower(self._held, self._fixed, plan).compile()

    def advance(self, plan: Plan, stopped: Callable[[], bool]) -> Outcome:
        """See `Learner.advance`; once dispatched, a plan is done whole."""
        with self._context():
            self._held, *out = self._program(self._held, self._fixed, self._packed(plan))
            done, failed, curves, squares = jax.device_get(out)
        done = int(done)
        names = [k for own in self._names.values() for k in own]
        values = {k: np.asarray(curves[k][:done], np.float64) for k in names}
        if failed < 0:
            return Outcome(done, values)
        player = self._game.players[int(failed)].name
        moves = self._prepared.moves[player]
        bad = tuple(k for k, x in zip(moves, squares[player], strict=True) if not np.isfinite(x))
        own = {k: float(curves[k][done]) for k in self._names[player] if not k.endswith(":gradient")}
        return Outcome(done, values, Failure(player, own, bad))

    def evaluate(self) -> dict[str, float]:
        """See `Learner.evaluate`."""
        total = sum(count for _, count in self._pieces)
        out: dict[str, float] = {}
        with self._context():
            params = self._held.average or self._held.params
            key = random.key(self._prepared.job.seed, _VALIDATION)
            for k, (rows, count) in enumerate(self._pieces):
                values = self._evaluated(params, self._held.game, rows, self._fixed.whole, key, k)
                for name, x in values.items():
                    out[name] = out.get(name, 0.0) + float(x) * count / total
        return out

    def snapshot(self) -> Snapshot:
        """See `Learner.snapshot`."""
        h, start = self._held, self._prepared.start
        memory = {name: rule.memory(h.memory[name]) for name, rule in self._rules.items()}
        return Snapshot(
            _numpy(h.params, start.params),
            _numpy(h.average, start.average),
            {
                player: {slot: _numpy(memory[player][slot], arrays) for slot, arrays in slots.items()}
                for player, slots in start.memory.items()
            },
            _numpy(h.game, start.game),
        )

    # -- what is compiled -------------------------------------------------------------------------------------------
    def _steps(self, held: _Held, fixed: _Fixed, plan: _Plan) -> tuple[_Held, Any, Any, Arrays, Arrays]:
        """The steps of a plan, until one fails.

        Returns:
            What is held after it, steps done, the failed player's number or -1, curves (longest,), and the sums of
            squares of the last gradients.
        """

        def step(state: Any) -> Any:
            i, failed, held, curves, squares = state
            held, failed, values, squares = self._step(held, fixed, plan, i)
            curves = {k: x.at[i].set(values[k].astype(x.dtype)) for k, x in curves.items()}
            return i + (failed < 0), failed, held, curves, squares

        curves = {k: jnp.zeros(self._most, self._precision) for names in self._names.values() for k in names}
        squares = {k: jnp.zeros(len(names), self._precision) for k, names in self._prepared.moves.items()}
        begin = (jnp.int32(0), jnp.int32(-1), held, curves, squares)
        i, failed, held, curves, squares = lax.while_loop(lambda s: (s[0] < plan.count) & (s[1] < 0), step, begin)
        return held, i, failed, curves, squares

    def _step(self, held: _Held, fixed: _Fixed, plan: _Plan, i: Any) -> tuple[_Held, Any, Arrays, Arrays]:
        """Every player moves; the average follows."""
        failed, at = jnp.int32(-1), 0
        values: Arrays = {}
        squares: Arrays = {}
        for number, player in enumerate(self._game.players):

            def one(state: Any, move: Any, number: int = number, player: Player = player) -> Any:
                held, failed = state
                held, fine, out = self._move(held, failed < 0, fixed, plan, i, move, number, player)
                return (held, jnp.where((failed < 0) & ~fine, number, failed)), out

            if player.steps == 1:
                (held, failed), (named, sums) = one((held, failed), at)
            else:
                moves = jnp.arange(at, at + player.steps)
                (held, failed), (named, sums) = lax.scan(one, (held, failed), moves)
                named, sums = {k: jnp.mean(x) for k, x in named.items()}, jnp.sum(sums, 0)
            values |= named
            squares[player.name] = sums
            at += player.steps
        if held.average:
            follow = 1 - (self._method.ema or 0.0)

            def averaged(average: Arrays) -> tuple[Arrays]:
                return ({k: x + follow * (held.params[k] - x) for k, x in average.items()},)

            (average,) = self._if(failed < 0, averaged, held.average)
            held = held._replace(average=average)
        return held, failed, values, squares

    def _move(
        self, held: _Held, live: Any, fixed: _Fixed, plan: _Plan, i: Any, move: Any, number: int, player: Player
    ) -> tuple[_Held, Any, tuple[Arrays, Any]]:
        """A player moves, if no move has failed.

        Returns:
            What is held, whether loss and gradient are finite, the values of its curves and the sums of squares of its
            gradients.
        """
        game, name = self._game, player.name
        batch = self._batch(fixed, plan, i, move)
        noise = game.draw(player, random.fold_in(fixed.key, (plan.first + i) * self._prepared.batches + move), batch)
        mine = {k: held.params[k] for k in self._prepared.moves[name]}

        def loss(mine: Arrays) -> Any:
            value, parts, state = checked(
                game.loss(player, held.params | mine, batch, noise, held.game), player, held.game
            )
            return value, (parts, state)

        (value, (parts, state)), gradients = jax.value_and_grad(loss, has_aux=True)(mine)
        squares = jnp.stack([jnp.sum(jnp.square(gradients[k])) for k in self._prepared.moves[name]])
        norm = jnp.sqrt(jnp.sum(squares))
        fine = jnp.isfinite(value) & jnp.isfinite(norm)

        def moved(mine: Arrays, memory: Any, before: Arrays) -> Any:
            clip, scaled = self._method.clip, gradients
            if clip is not None:
                scaled = {k: g * (clip / jnp.maximum(norm, clip)) for k, g in gradients.items()}
            after, memory = self._rules[name].step(mine, scaled, memory, plan.rates[i, number])
            return after, memory, {k: jnp.asarray(state[k], x.dtype) if k in state else x for k, x in before.items()}

        mine, memory, after = self._if(live & fine, moved, mine, held.memory[name], held.game)
        held = _Held(held.params | mine, held.average, held.memory | {name: memory}, after)
        values = {name: value, f"{name}:gradient": norm} | {f"{name}.{k}": x for k, x in parts.items()}
        return held, fine, (values, squares)

    def _if(self, true: Any, function: Callable[..., Any], *before: Any) -> Any:
        """The function of some values where something is true, else the values as they are.

        A branch on a CPU; on an accelerator, where a branch would wait for the host, a choice.
        """
        if self._prepared.job.device.startswith(CPU):
            return lax.cond(true, function, lambda *same: same, *before)
        return jax.tree.map(lambda new, old: jnp.where(true, new, old), function(*before), before)

    def _evaluation(self, params: Arrays, state: Arrays, rows: Arrays, whole: Arrays, key: Any, piece: Any) -> Arrays:
        """Losses and terms of all players on some held-out rows."""
        out: Arrays = {}
        for j, player in enumerate(self._game.players):
            batch = rows | whole
            noise = self._game.draw(player, random.fold_in(key, piece * len(self._game.players) + j), batch)
            value, parts, _ = checked(self._game.loss(player, params, batch, noise, state), player, state)
            out |= {player.name: value} | {f"{player.name}.{k}": x for k, x in parts.items()}
        return out

    def _batch(self, fixed: _Fixed, plan: _Plan, i: Any, move: Any) -> Arrays:
        if plan.blocks:
            rows = {k: x[i, move] for k, x in plan.blocks.items()}
        elif plan.index is not None:
            rows = {k: x.at[plan.index[i, move]].get(mode="promise_in_bounds") for k, x in fixed.rows.items()}
        else:
            rows = fixed.rows
        return rows | fixed.whole

    # -- to the device ----------------------------------------------------------------------------------------------
    def _example(self) -> Plan:
        """A plan of no steps, with the arrays that plans have."""
        source, moves = self._prepared.source, self._prepared.batches
        lead = (0, moves, source.size)
        index = np.zeros(lead, np.int64) if source.indexed else None
        blocks = {k: np.zeros((*lead, *shape), dtype) for k, (shape, dtype) in source.sample.items()}
        return Plan(0, 0, np.zeros((0, len(self._game.players))), index, blocks)

    def _packed(self, plan: Plan) -> _Plan:
        index = None if plan.index is None else jnp.asarray(self._room(plan.index.astype(np.int32)))
        blocks = self._arrays({k: self._room(x) for k, x in plan.blocks.items()})
        rates = jnp.asarray(self._room(plan.rates), self._precision)
        return _Plan(jnp.int32(plan.first), jnp.int32(plan.count), rates, index, blocks)

    def _room(self, x: np.ndarray) -> np.ndarray:
        """An array with room for `longest` steps."""
        out = np.zeros((self._most, *x.shape[1:]), x.dtype)
        out[: len(x)] = x
        return out

    def _curves(self, plan: _Plan) -> dict[str, list[str]]:
        """Player -> names of its curves, as its loss gives them."""
        out: dict[str, list[str]] = {}
        for number, player in enumerate(self._game.players):

            def values(held: _Held, fixed: _Fixed, plan: _Plan, number: int = number, player: Player = player) -> Any:
                named = self._move(held, True, fixed, plan, 0, 0, number, player)[2][0]
                out[player.name] = list(named)  # jax would sort them
                return named

            jax.eval_shape(values, self._held, self._fixed, plan)
        return out

    def _arrays(self, arrays: dict[str, np.ndarray]) -> Arrays:
        """Copies on the device, floats in the run's precision."""
        return {k: jnp.array(x, self._precision if x.dtype.kind == "f" else None) for k, x in arrays.items()}

    @contextmanager
    def _context(self) -> Iterator[None]:
        """Everything of the learner runs in it; jax's precision is a property of the thread."""
        from gendsl_numpyro.backend import backend

        mixed = self._method.precision is Precision.BF16
        with (
            backend.context(self._precision, self._prepared.job.device),
            jax.default_matmul_precision(_MIXED) if mixed else nullcontext(),
        ):
            yield


def _numpy(arrays: Arrays, order: Arrays) -> dict[str, np.ndarray]:
    """Copies, for a view would change when its array is donated; jax sorts names, which are put in order again."""
    return {k: np.array(arrays[k]) for k in order}
