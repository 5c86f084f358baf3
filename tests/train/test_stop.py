"""What ends a run before its steps are done: Ctrl-C, a deadline, what is not finite, and held-out rows."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gendsl.errors import FitError
from gendsl.methods import Precision, Validation
from gendsl.objectives.game import Loss, Player
from gendsl.optim import SGD, Adam
from gendsl.training import loop
from tests.train.games import Duel, Network, Squares, rows, train

DATA = rows()


class Pressing:
    """Presses Ctrl-C once so many steps are done, and keeps what it is told."""

    def __init__(self, after: int = -1) -> None:
        self.after, self.seen, self.total, self.stopped = after, [0], 0, False

    def start(self, total: int) -> None:
        self.total = total

    def update(self, done: int, values: Mapping[str, float]) -> None:
        if 0 <= self.after <= done and self.seen[-1] < self.after:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        self.seen.append(done)

    def stop(self) -> None:
        self.stopped = True


def test_an_interrupt_returns_what_was_learnt(backend: str) -> None:
    report = Pressing(5)
    out = train(backend, Squares, DATA, steps=10**7, optimizer=SGD(0.01), report=report)
    assert not out.complete
    assert out.note == f"interrupted after step {out.step} of 10000000"
    assert 5 <= out.step == len(out.history.curves["loss"]) < 10**6
    assert report.stopped
    assert report.seen[-1] == out.step
    again = train(backend, Squares, DATA, steps=out.step, optimizer=SGD(0.01))
    np.testing.assert_array_equal(again.params["w"], out.params["w"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_deadline_ends_a_run(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock says that each look at it took a hundredth of a second."""
    ticks = count()
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: 0.01 * next(ticks)))
    out = train(backend, Squares, DATA, steps=10**8, deadline=0.2)
    assert not out.complete
    assert 0 < out.step < 20_000
    assert out.note == f"stopped at the deadline of 0.2 s after step {out.step} of 100000000"
    assert out.step == len(out.history.seconds)
    with pytest.raises(FitError, match="the deadline came before the first step"):
        train(backend, Squares, DATA, steps=10**8, deadline=0.001)


def test_an_interrupt_before_the_first_step_is_an_interrupt(backend: str) -> None:
    class Early(Pressing):
        def start(self, total: int) -> None:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="before the first step"):
        train(backend, Squares, DATA, steps=10**8, report=Early())


class Failing(Squares):
    """A term becomes infinite, or a gradient undefined, at step `at` (from 0), counted by the state."""

    at, what = 12, "value"

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return {"count": np.zeros(())}

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        o, out = self.ops, super().loss(player, params, batch, noise, state)
        left = self.at - state["count"]
        if self.what == "value":
            term = 1e-3 * o.sum(params["b"] * 0 + 1) / left
        else:  # the derivative of the root at zero is infinite, times zero
            term = o.sqrt(0 * params["b"] + o.minimum(o.abs(left), o.ones_like(left)))
        return Loss(out.value + term, out.parts | {"extra": term}, {"count": state["count"] + 1})


class FailingGradient(Failing):
    what = "gradient"


class AtOnce(Failing):
    at = 0


class GradientAtOnce(FailingGradient):
    at = 0


@pytest.mark.parametrize("chosen", [False, True])
def test_accelerators_choose_where_cpus_branch(chosen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl_numpyro import train as module

    monkeypatch.setattr(module, "CPU", "another" if chosen else "cpu")
    out = train("numpyro", Failing, DATA, steps=40, optimizer=SGD(0.01, momentum=0.5), ema=0.5)
    good = train("numpyro", Failing, DATA, steps=12, optimizer=SGD(0.01, momentum=0.5), ema=0.5)
    assert out.step == 12
    np.testing.assert_array_equal(out.average["w"], good.average["w"])


@pytest.mark.parametrize("kind", [Failing, FailingGradient])
def test_what_is_not_finite_ends_a_run_with_the_last_good_state(backend: str, kind: type[Failing]) -> None:
    out = train(backend, kind, DATA, steps=40, optimizer=SGD(0.01, momentum=0.5), ema=0.5)
    good = train(backend, kind, DATA, steps=12, optimizer=SGD(0.01, momentum=0.5), ema=0.5)
    assert good.complete
    assert not out.complete
    assert out.step == 12
    for a, b in ((out.params, good.params), (out.average, good.average), (out.game, good.game)):
        for k, x in b.items():
            np.testing.assert_array_equal(a[k], x)
    np.testing.assert_array_equal(
        out.state.snapshot.memory["loss"]["momentum"]["w"], good.state.snapshot.memory["loss"]["momentum"]["w"]
    )
    if kind is Failing:
        assert out.error == "the loss became inf at step 13: its term 'extra' (inf)"
    else:
        assert out.error.startswith("the gradient of the loss is not finite in 'b' at step 13, where")
    assert out.error in out.note
    assert len(out.history.curves["loss.extra"]) == 12


@pytest.mark.parametrize(("kind", "words"), [(AtOnce, "its term 'extra' (inf)"), (GradientAtOnce, "node 'b'")])
def test_a_run_that_fails_at_once_is_an_error(backend: str, kind: type[Failing], words: str) -> None:
    with pytest.raises(FitError) as e:
        train(backend, kind, DATA, steps=40)
    assert words in str(e.value)
    assert "at step 1" in str(e.value)


def test_the_player_that_fails_is_named(backend: str) -> None:
    """`high` diverges: its moves are too long; `low` stands."""

    class Far(Duel):
        def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
            out = super().loss(player, params, batch, noise, state)
            if player.name == "low":
                return out
            return Loss(out.value + 0 * self.ops.exp(self.ops.sum(self.ops.square(params["b.c"]))))

    out = train(backend, Far, {}, steps=400, optimizer=SGD(0.1), players={"high": SGD(3.0)})
    assert "'high'" in out.error
    assert 0 < out.step < 20
    assert all(np.isfinite(x).all() for x in out.params.values())


class Overfitting(Squares):
    """Rows to train on pull the parameter away from held-out ones."""

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return {"b": np.zeros(())}

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        value = self.ops.mean(self.ops.square(params["b"] - batch["y"]))
        return Loss(value, {"half": value / 2})


def test_early_stopping_keeps_the_best_parameters(backend: str) -> None:
    """b moves from 0 to 1 by equal factors; held-out rows are least at b = 0.5."""
    held = Validation(data={"y": np.array([0.4, 0.6])}, every=5, patience=2)
    out = train(backend, Overfitting, {"y": np.ones(4)}, steps=1000, optimizer=SGD(0.01), validation=held)
    b = 1 - 0.98 ** np.arange(5, 1001, 5)
    losses = (b - 0.5) ** 2 + 0.01
    best = int(np.argmin(losses))
    assert out.complete
    assert out.step == 5 * (best + 1)
    assert out.params["b"] == pytest.approx(b[best], rel=1e-10)
    assert out.state.step == 5 * (best + 3)
    np.testing.assert_allclose(out.history.validation["loss"], losses[: best + 3], rtol=1e-9)
    np.testing.assert_allclose(out.history.validation["loss.half"], losses[: best + 3] / 2, rtol=1e-9)
    assert list(out.history.validation_step) == list(range(5, 5 * (best + 3) + 1, 5))
    stopped = f"stopped early after step {out.state.step}"
    assert out.note == f"{stopped}; the parameters are those of step {out.step}, the best on held-out rows"
    assert out.state.snapshot.params["b"] > out.params["b"]


def test_held_out_rows_are_evaluated_with_the_average_and_equal_noise(backend: str) -> None:
    data = {"x": rows(1500)["x"]}
    held = Validation(data=data, every=2)
    method = {"batch_size": 8, "validation": held, "precision": Precision.FLOAT64}
    still = train(backend, Network, data, steps=6, optimizer=SGD(1e-300), **method)
    assert len(set(still.history.validation["loss"])) == 1  # more than one piece of rows, the same noise every time
    assert list(still.history.validation_step) == [2, 4, 6]
    slow = train(backend, Network, data, steps=6, optimizer=Adam(0.1), ema=1 - 1e-16, **method)
    assert slow.history.validation["loss"][-1] == pytest.approx(still.history.validation["loss"][0], rel=1e-10)


class Vector(Squares):
    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        return Loss(params["w"])


class Term(Squares):
    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        return Loss(self.ops.sum(params["w"]), {"w": params["w"]})


class Unknown(Squares):
    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        return Loss(self.ops.sum(params["w"]), {}, {"new": params["b"]})


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Vector, "the loss is a scalar"), (Term, "its term 'w' is a scalar"), (Unknown, "the state has no 'new'")],
)
def test_a_game_must_keep_its_contract(backend: str, kind: type[Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        train(backend, kind, DATA, steps=2)


def test_bfloat16_is_mixed() -> None:
    """Parameters and losses are float32; torch's products are rounded to bfloat16, so values differ a little."""
    data = {"x": rows()["x"]}
    runs = {
        p: train("pyro", Network, data, steps=30, batch_size=32, precision=p, optimizer=Adam(0.01))
        for p in (Precision.FLOAT32, Precision.BF16)
    }
    full, mixed = (runs[p].history.curves["loss"] for p in (Precision.FLOAT32, Precision.BF16))
    assert all(x.dtype == np.float32 for x in runs[Precision.BF16].params.values())
    assert 0 < np.max(np.abs(full - mixed)) < 0.03
    jaxs = train("numpyro", Network, data, steps=3, batch_size=32, precision=Precision.BF16)
    assert all(x.dtype == np.float32 for x in jaxs.params.values())


def test_training_leaves_no_global_state(backend: str) -> None:
    import jax
    import torch

    before = torch.random.get_rng_state().sum(), jax.config.jax_enable_x64, torch.get_default_dtype()
    train(backend, Network, {"x": DATA["x"]}, steps=3, batch_size=8, precision=Precision.BF16)
    assert before == (torch.random.get_rng_state().sum(), jax.config.jax_enable_x64, torch.get_default_dtype())
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.slow
def test_torch_compiles_the_loss() -> None:
    runs = [
        train("pyro", Network, {"x": DATA["x"]}, steps=20, batch_size=8, optimizer=Adam(0.01), compiled=c)
        for c in (False, True)
    ]
    for k, x in runs[0].params.items():
        np.testing.assert_allclose(runs[1].params[k], x, rtol=1e-9)
