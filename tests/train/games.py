"""Small games over ops, with known answers, and a way to train them on a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gendsl.backend import get_backend
from gendsl.methods import Precision, Train
from gendsl.objectives.game import Loss, Player
from gendsl.training import Job, Trained
from gendsl.training.progress import Silent

__all__ = ["Duel", "Fitting", "Logistic", "Network", "Running", "Squares", "rows", "train"]


def rows(count: int = 64, predictors: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """Rows of a regression."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, predictors))
    return {"x": x, "y": x @ np.linspace(-1, 1, predictors) + 0.5 + 0.3 * rng.normal(size=count)}


@dataclass
class Fitting:
    """What the games share: one player, no noise, no state."""

    ops: Any
    players: tuple[Player, ...] = (Player(),)

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return {}

    def draw(self, player: Player, key: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
        return {}


@dataclass
class Squares(Fitting):
    """Least squares: mean (y - x w - b)^2, and optionally a noise of known scale on the targets.

    Attributes:
        noise: scale of the noise.
        bad: step after which the term "extra" is not finite: its weight is x[0] of a table of steps.
    """

    noise: float = 0.0

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return {"w": np.zeros(3), "b": np.zeros(())}

    def draw(self, player: Player, key: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
        return {"e": self.ops.normal(key, batch["y"].shape, like=batch["y"])} if self.noise else {}

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        o = self.ops
        target = batch["y"] + self.noise * noise["e"] if self.noise else batch["y"]
        error = target - o.matmul(batch["x"], params["w"]) - params["b"]
        fit = o.mean(o.square(error))
        return Loss(fit, {"fit": fit, "size": o.sum(o.square(params["w"]))})


@dataclass
class Logistic(Fitting):
    """Logistic regression with a ridge."""

    ridge: float = 0.1

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return {"w": np.zeros(3), "b": np.zeros(())}

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        o = self.ops
        logit = o.matmul(batch["x"], params["w"]) + params["b"]
        likelihood = o.mean(o.softplus(logit) - batch["y"] * logit)
        ridge = self.ridge * o.sum(o.square(params["w"]))
        return Loss(likelihood + ridge, {"likelihood": likelihood, "ridge": ridge})


@dataclass
class Duel(Fitting):
    """min over a, max over b of a b + (a - 1)^2 / 2 - (b + 1)^2 / 2: a saddle at a = 1, b = 0."""

    players: tuple[Player, ...] = (Player("low", ("a",)), Player("high", ("b.",), steps=2))

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return {"a": np.array([3.0]), "b.c": np.array([-2.0])}

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        o = self.ops
        a, b = params["a"], params["b.c"]
        value = o.sum(a * b + 0.5 * o.square(a - 1) - 0.5 * o.square(b + 1))
        return Loss(value if player.name == "low" else -value)


@dataclass
class Running(Fitting):
    """A state: the running mean m <- (1 - r) m + r mean(y); the loss is (b - m)^2, m as it was."""

    rate: float = 0.25

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return {"b": np.zeros(())}

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return {"mean": np.zeros(()), "count": np.zeros((), np.int64), "other": np.ones(2)}

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        o = self.ops
        mean = (1 - self.rate) * state["mean"] + self.rate * o.mean(batch["y"])
        value = o.square(params["b"] - o.stop_gradient(state["mean"]))
        return Loss(value, {}, {"mean": mean, "count": state["count"] + 1})


@dataclass
class Network(Fitting):
    """A denoiser: predict e from (1 - t) x + t e and t, by a network with hidden layers.

    Attributes:
        width: units of a hidden layer.
        depth: hidden layers.
        size: columns of x.
    """

    width: int = 8
    depth: int = 2
    size: int = 3
    parts: dict[str, float] = field(default_factory=dict)

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        sizes = [self.size + 1, *[self.width] * self.depth, self.size]
        out = {}
        for k, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
            out[f"layers.{k}.weight"] = rng.normal(size=(b, a)) / np.sqrt(a)
            out[f"layers.{k}.bias"] = np.zeros(b)
        return out

    def draw(self, player: Player, key: Any, batch: Any) -> dict[str, Any]:
        first, second = self.ops.split(key, 2)
        x = batch["x"]
        return {
            "t": self.ops.uniform(first, (x.shape[0], 1), like=x),
            "e": self.ops.normal(second, x.shape, like=x),
        }

    def loss(self, player: Player, params: Any, batch: Any, noise: Any, state: Any) -> Loss:
        o, t, e = self.ops, noise["t"], noise["e"]
        h = o.concatenate([(1 - t) * batch["x"] + t * e, t], -1)
        for k in range(self.depth + 1):
            h = o.matmul(h, params[f"layers.{k}.weight"].T) + params[f"layers.{k}.bias"]
            h = o.silu(h) if k < self.depth else h
        return Loss(o.mean(o.square(h - e)))


def train(
    backend: str,
    kind: type[Any],
    data: Any,
    *,
    seed: int = 0,
    report: Any = None,
    resume: Any = None,
    identity: str = "",
    options: Mapping[str, Any] | None = None,
    **method: Any,
) -> Trained:
    """Train a game on a backend, in float64 unless told otherwise."""
    b = get_backend(backend)
    method = {"precision": Precision.FLOAT64} | method
    job = Job(kind(b.ops, **(options or {})), data, Train(**method), seed, resume=resume, identity=identity)
    return b.engine.train(job, report or Silent())
