"""The training loop, the same for every backend; what a backend does is a `Learner`.

The loop gives its learner a plan of some steps, so many that they take about a third of a second, records what comes
back, and between plans looks at the keyboard, the clock and the screen. Plans end where held-out rows are to be
evaluated or a checkpoint is to be written; what is learnt does not depend on how the steps are divided.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gendsl.methods.interrupt import interrupts
from gendsl.training import checkpoint, guard
from gendsl.training.contract import Learner, Outcome, Plan, Prepared, Report, Snapshot, Trained
from gendsl.training.history import Recorder
from gendsl.training.pace import Pace
from gendsl.training.prepare import optimizer_of
from gendsl.training.state import TrainState
from gendsl.training.watch import Watch

__all__ = ["run"]

_BYTES = 64 << 20  # rows that travel with a plan, at most


def run(prepared: Prepared, state: TrainState, learner: Learner, report: Report) -> Trained:
    """Train until the steps are done, or something ends it.

    Ctrl-C lets the plan or step in hand end and returns what was learnt; pressed a second time, it raises
    KeyboardInterrupt at once.

    Raises:
        FitError: if the very first step has no finite loss and gradient, the deadline comes before it, or a checkpoint
            cannot be written.
    """
    with interrupts() as pressed:
        return _Run(prepared, state, learner, report, pressed).go()


@dataclass(eq=False)
class _Run:
    """A run under way."""

    prepared: Prepared
    before: TrainState
    learner: Learner
    report: Report
    pressed: Callable[[], bool]
    step: int = 0
    note: str = ""
    error: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        method = self.prepared.job.method
        self.method, self.step = method, self.before.step
        self.began = time.perf_counter()
        self.recorder = Recorder(self.before.history)
        v = method.validation
        self.watch = Watch(v.patience, self.before.best) if v and v.patience else None
        self.written = self.before.step
        self.written_at = self.began

    def go(self) -> Trained:
        self.learner.begin()
        ready = time.perf_counter()
        self.report.start(self.method.steps)
        try:
            self._steps()
        finally:
            self.report.stop()
        self.seconds |= {"compile": ready - self.began, "training": time.perf_counter() - ready}
        state = self._state()
        if self.method.checkpoint and not self.error and state.step > self.written:
            self._write(state)
        return self._trained(state)

    def _steps(self) -> None:
        pace = Pace(self._most())
        while self.step < self.method.steps and not self._over():
            plan = self._plan(min(pace.count, self._boundary() - self.step))
            began = time.perf_counter()
            outcome = self.learner.advance(plan, self._stopped)
            ended = time.perf_counter()
            self._record(outcome, began, ended)
            if outcome.failure is not None:
                if not self.step:
                    raise guard.at_once(outcome.failure)
                self.error = guard.words(outcome.failure, self.step + 1)
                kept = f"the parameters after step {self.step} are kept"
                self.note = f"training ended early: {self.error}; {kept}; a lower rate, or clip=, may help"
                return
            pace.took(max(outcome.done, 1), ended - began)
            self._evaluate()
            self._checkpoint()

    def _over(self) -> bool:
        """Whether something ends the run here; the note says what."""
        deadline = self.method.deadline
        if self.watch is not None and self.watch.over:
            self.note = f"stopped early after step {self.step}"
        elif self.pressed():
            if not self.step:
                raise KeyboardInterrupt("interrupted before the first step")
            self.note = f"interrupted after step {self.step} of {self.method.steps}"
        elif deadline is not None and self._late():
            if not self.step:
                raise guard.too_late(deadline)
            self.note = f"stopped at the deadline of {deadline:g} s after step {self.step} of {self.method.steps}"
        return bool(self.note)

    def _late(self) -> bool:
        deadline = self.method.deadline
        return deadline is not None and time.perf_counter() - self.began > deadline

    def _stopped(self) -> bool:
        return self.pressed() or self._late()

    # -- plans ------------------------------------------------------------------------------------------------------
    def _most(self) -> int | None:
        """Steps of a plan at most: what the learner takes, and what rows need not too much memory."""
        source = self.prepared.source
        row = sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in source.sample.values())
        size = row * (source.size or 0) * self.prepared.batches
        limits = [self.learner.longest, max(1, _BYTES // size) if size else None]
        return min((n for n in limits if n is not None), default=None)

    def _boundary(self) -> int:
        """The next step after which there is something to do."""
        v, c = self.method.validation, self.method.checkpoint
        every = [n for n in (v.every if v else None, c.every if c else None) if n is not None]
        return min([self.method.steps, *((self.step // n + 1) * n for n in every)])

    def _plan(self, count: int) -> Plan:
        p, moves = self.prepared, self.prepared.batches
        steps = np.arange(self.step, self.step + count)
        schedules = [optimizer_of(self.method, player.name).schedule for player in p.job.game.players]
        rates = np.stack([s.checked(steps, self.method.steps) for s in schedules], 1)
        index = p.source.index(self.step * moves, count * moves)
        index = None if index is None else index.reshape(count, moves, -1)
        blocks = p.source.blocks(self.step * moves, count * moves)
        parts = {k: x.reshape(count, moves, *x.shape[1:]) for k, x in blocks.items()}
        return Plan(self.step, count, rates, index, parts)

    # -- what is kept -----------------------------------------------------------------------------------------------
    def _record(self, outcome: Outcome, began: float, ended: float) -> None:
        offset = self.before.seconds - self.began
        self.recorder.steps(outcome.curves, began + offset, ended + offset)
        self.step += outcome.done
        if outcome.done:
            players = [p.name for p in self.prepared.job.game.players]
            self.report.update(self.step, {name: float(outcome.curves[name][-1]) for name in players})

    def _evaluate(self) -> None:
        v = self.method.validation
        if v is None or self.step % v.every:
            return
        values = self.learner.evaluate()
        self.recorder.evaluation(self.step, values)
        if self.watch is not None:
            player = v.player or self.prepared.job.game.players[0].name
            self.watch.see(self.step, values[player], self.learner.snapshot)

    def _checkpoint(self) -> None:
        c = self.method.checkpoint
        if c is None:
            return
        by_steps = c.every is not None and self.step % c.every == 0
        by_time = c.minutes is not None and time.perf_counter() - self.written_at > 60 * c.minutes
        if (by_steps or by_time) and self.step > self.written:
            self._write(self._state())

    def _write(self, state: TrainState) -> None:
        c = self.method.checkpoint
        if c is not None:
            checkpoint.save(state, c.path, c.keep)
            self.written, self.written_at = self.step, time.perf_counter()

    def _state(self) -> TrainState:
        return TrainState(
            step=self.step,
            seed=self.before.seed,
            snapshot=self.learner.snapshot(),
            history=self.recorder.history(),
            best=self.watch.best if self.watch else None,
            seconds=self.before.seconds + time.perf_counter() - self.began,
            signature=self.before.signature,
        )

    def _trained(self, state: TrainState) -> Trained:
        now: Snapshot = state.snapshot
        best = state.best
        stopped_early = self.watch is not None and self.watch.over
        if best is not None and best.step != self.step:
            said = f"the parameters are those of step {best.step}, the best on held-out rows"
            self.note = f"{self.note}; {said}" if self.note else said
        return Trained(
            params=now.params if best is None else best.params,
            average=now.average if best is None else best.average,
            game=now.game,
            step=self.step if best is None else best.step,
            history=state.history,
            complete=self.step >= self.method.steps or stopped_early,
            note=self.note,
            error=self.error,
            seconds=self.seconds,
            state=state,
        )
