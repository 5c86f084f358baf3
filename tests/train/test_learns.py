"""Every step is the declared one: against numpy's own steps, closed forms, and the other backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from gendsl.methods import Remainder
from gendsl.optim import SGD, Adam, AdamW, Cosine, Optimizer
from gendsl.training.order import Order
from tests.train.games import Duel, Logistic, Network, Running, Squares, rows, train

Params = dict[str, np.ndarray]
DATA = rows()


def gradient(p: Params, x: np.ndarray, y: np.ndarray) -> Params:
    """Of mean (y - x w - b)^2."""
    error = x @ p["w"] + p["b"] - y
    return {"w": 2 * x.T @ error / len(y), "b": 2 * error.mean()}


def by_hand(spec: Optimizer, steps: int, size: int, clip: float | None, ema: float) -> tuple[Params, Params]:
    """The formulas in the docstrings of gendsl/optim and gendsl/methods/train, one by one."""
    p: Params = {"w": np.zeros(3), "b": np.zeros(())}
    average = {k: v.copy() for k, v in p.items()}
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    order = Order(64, size, 0, Remainder.DROP)
    for t in range(steps):
        at, rate = order.batches(t, 1)[0], spec.schedule.rates(np.array(t), steps)
        g = gradient(p, DATA["x"][at], DATA["y"][at])
        norm = np.sqrt(sum(np.sum(v**2) for v in g.values()))
        if clip is not None:
            g = {k: v * min(1.0, clip / norm) for k, v in g.items()}
        for k in p:
            if isinstance(spec, Adam):
                first[k] = spec.beta1 * first[k] + (1 - spec.beta1) * g[k]
                second[k] = spec.beta2 * second[k] + (1 - spec.beta2) * g[k] ** 2
                m, s = first[k] / (1 - spec.beta1 ** (t + 1)), second[k] / (1 - spec.beta2 ** (t + 1))
                move = m / (np.sqrt(s) + spec.eps)
                move = move + (spec.weight_decay * p[k] if isinstance(spec, AdamW) else 0.0)
            elif isinstance(spec, SGD):
                own = g[k] + spec.weight_decay * p[k]
                first[k] = spec.momentum * first[k] + own
                move = own + spec.momentum * first[k] if spec.nesterov else first[k]
            p[k] = p[k] - rate * move
        average = {k: ema * average[k] + (1 - ema) * p[k] for k in p}
    return p, average


OPTIMIZERS: dict[str, tuple[Optimizer, float | None]] = {
    "adam": (Adam(0.02), None),
    "adam, a large eps": (Adam(0.05, beta1=0.7, beta2=0.9, eps=0.1), 0.4),
    "adamw": (AdamW(Cosine(0.03), weight_decay=0.3), 0.5),
    "sgd": (SGD(0.05), 0.5),
    "momentum": (SGD(0.02, momentum=0.8, weight_decay=0.1), None),
    "nesterov": (SGD(Cosine(0.02), momentum=0.8, nesterov=True), 1.0),
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_both_backends_take_the_declared_steps(case: str) -> None:
    """200 steps on the same batches, in float64; the noise is a column of the data."""
    spec, clip = OPTIMIZERS[case]
    params, average = by_hand(spec, 200, 24, clip, 0.95)
    for backend in ("pyro", "numpyro"):
        out = train(backend, Squares, DATA, steps=200, batch_size=24, optimizer=spec, clip=clip, ema=0.95)
        for k in params:
            np.testing.assert_allclose(out.params[k], params[k], rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(out.average[k], average[k], rtol=1e-9, atol=1e-11)
        assert out.complete
        assert out.step == 200
        assert list(out.params) == ["w", "b"]


def test_both_backends_record_the_same_curves() -> None:
    a, b = (train(k, Squares, DATA, steps=40, batch_size=16, optimizer=Adam(0.05)) for k in ("pyro", "numpyro"))
    assert list(a.history.curves) == list(b.history.curves) == ["loss", "loss:gradient", "loss.fit", "loss.size"]
    for k, x in a.history.curves.items():
        assert x.shape == (40,)
        np.testing.assert_allclose(b.history.curves[k], x, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(a.history.curves["loss"], a.history.curves["loss.fit"])
    first = gradient({"w": np.zeros(3), "b": np.zeros(())}, *(DATA[k][Order(64, 16, 0, Remainder.DROP).batches(0, 1)[0]] for k in "xy"))  # fmt: skip  # noqa: E501
    assert np.isclose(a.history.curves["loss:gradient"][0], np.sqrt(np.sum(first["w"] ** 2) + first["b"] ** 2))
    assert np.all(np.diff(a.history.seconds) > 0)
    assert a.history.steps[-1] == 40


def test_least_squares_reach_the_normal_equations(backend: str) -> None:
    out = train(backend, Squares, DATA, steps=600, optimizer=SGD(0.1, momentum=0.8))
    design = np.column_stack([DATA["x"], np.ones(64)])
    exact = np.linalg.lstsq(design, DATA["y"], rcond=None)[0]
    np.testing.assert_allclose([*out.params["w"], out.params["b"]], exact, rtol=1e-9)


def test_logistic_regression_reaches_its_maximum(backend: str) -> None:
    data = {"x": DATA["x"], "y": (DATA["y"] > 0).astype(float)}

    def loss(v: np.ndarray) -> Any:
        logit = data["x"] @ v[:3] + v[3]
        return np.mean(np.logaddexp(0, logit) - data["y"] * logit) + 0.1 * np.sum(v[:3] ** 2)

    exact = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    out = train(backend, Logistic, data, steps=1500, optimizer=Adam(Cosine(0.05)))
    np.testing.assert_allclose([*out.params["w"], out.params["b"]], exact.x, atol=2e-6)
    assert out.history.curves["loss"][-1] == pytest.approx(exact.fun, abs=1e-10)


def test_players_move_in_turn(backend: str) -> None:
    """`low` once, then `high` twice, each seeing what the others did; each has an optimiser of its own."""
    a, b, losses = 3.0, -2.0, []
    for _ in range(30):
        low = a * b + 0.5 * (a - 1) ** 2 - 0.5 * (b + 1) ** 2
        a -= 0.2 * (b + a - 1)
        high = []
        for _ in range(2):
            high.append(-(a * b + 0.5 * (a - 1) ** 2 - 0.5 * (b + 1) ** 2))
            b -= 0.1 * (b + 1 - a)
        losses.append((low, np.mean(high)))
    out = train(backend, Duel, {}, steps=30, optimizer=SGD(0.2), players={"high": SGD(0.1)})
    np.testing.assert_allclose([out.params["a"][0], out.params["b.c"][0]], [a, b], rtol=1e-12)
    np.testing.assert_allclose(np.stack([out.history.curves[k] for k in ("low", "high")], 1), losses, rtol=1e-10)
    more = train(backend, Duel, {}, steps=400, optimizer=SGD(0.2))
    np.testing.assert_allclose([more.params["a"][0], more.params["b.c"][0]], [1, 0], atol=1e-12)


def test_a_state_goes_from_step_to_step(backend: str) -> None:
    out = train(backend, Running, DATA, steps=20, batch_size=8, optimizer=SGD(0.1))
    mean, b = 0.0, 0.0
    for at in Order(64, 8, 0, Remainder.DROP).batches(0, 20):
        b, mean = b - 0.2 * (b - mean), 0.75 * mean + 0.25 * DATA["y"][at].mean()
    assert out.game["mean"] == pytest.approx(mean, rel=1e-12)
    assert out.params["b"] == pytest.approx(b, rel=1e-12)
    assert out.game["count"] == 20
    assert out.game["count"].dtype.kind == "i"
    np.testing.assert_array_equal(out.game["other"], [1.0, 1.0])  # no loss gives it


def test_the_average_is_its_closed_form(backend: str) -> None:
    """a_n = d^n theta_0 + (1 - d) sum_k d^(n - k) theta_k, with the thetas of runs of every length."""

    def after(steps: int) -> Params:
        return train(backend, Squares, DATA, steps=steps, optimizer=SGD(0.1), ema=0.8).params

    out = train(backend, Squares, DATA, steps=4, optimizer=SGD(0.1), ema=0.8)
    w = sum(0.2 * 0.8 ** (4 - k) * after(k)["w"] for k in (1, 2, 3, 4))
    np.testing.assert_allclose(out.average["w"], w, rtol=1e-12)


def test_noise_is_a_function_of_seed_and_step(backend: str) -> None:
    options = {"noise": 1.0}
    runs = [train(backend, Squares, DATA, steps=9, seed=s, options=options, batch_size=64) for s in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].params["w"], runs[1].params["w"])
    assert np.any(runs[0].params["w"] != runs[2].params["w"])
    assert len(set(runs[0].history.curves["loss"])) == 9


def test_noise_does_not_depend_on_the_length_of_plans(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl.training import pace

    whole = train(backend, Network, {"x": DATA["x"]}, steps=50, batch_size=16, ema=0.9)
    monkeypatch.setattr(pace, "_PAUSE", 0.0)  # one step a plan
    single = train(backend, Network, {"x": DATA["x"]}, steps=50, batch_size=16, ema=0.9)
    for k, x in whole.params.items():
        np.testing.assert_array_equal(single.params[k], x)
        np.testing.assert_array_equal(single.average[k], whole.average[k])
    np.testing.assert_array_equal(single.history.curves["loss"], whole.history.curves["loss"])


def test_a_parameter_that_no_loss_depends_on_only_decays(backend: str) -> None:
    class Idle(Squares):
        def initial_params(self, seed: int) -> Params:
            return super().initial_params(seed) | {"idle": np.ones(2)}

    out = train(backend, Idle, DATA, steps=10, optimizer=AdamW(0.1, weight_decay=0.5))
    np.testing.assert_allclose(out.params["idle"], np.full(2, 0.95**10), rtol=1e-12)


def test_optimisers_are_data() -> None:
    from gendsl.methods import Checkpoint, Precision, Train, Validation
    from gendsl.results.config import decode, encode

    method = Train(
        steps=70,
        optimizer=AdamW(Cosine(1e-3)),
        players={"critic": SGD(0.1, momentum=0.5)},
        precision=Precision.BF16,
        validation=Validation(data={"x": np.ones((3, 2))}, patience=2, every=7),
        checkpoint=Checkpoint(path="runs", every=10),
    )
    again = decode(encode(method))
    assert again == method
    assert hash(again) == hash(method)
    assert replace(method, steps=71) != method
