"""Conjugate Gaussian models with their exact evidence and posteriors, and games evaluated on both backends."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from gendsl.objectives import Objective
from gendsl.objectives.setting import Bindable, Setting

Arrays = dict[str, np.ndarray]


def regression(size: int = 12, seed: int = 3) -> tuple[gd.Model, Arrays]:
    """y = a + b x + noise of scale 0.5, a, b ~ N(0, 1)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=size) + 1.0  # so that a and b are correlated
    m = gd.Model("line")
    row = m.plate("row")
    xs = m.data("x", dims=row)
    a = m.latent("a", gd.Normal(0, 1))
    b = m.latent("b", gd.Normal(0, 1))
    m.observe("y", gd.Normal(a + b * xs, 0.5), dims=row)
    return m, {"x": x, "y": 0.3 - 0.8 * x + 0.5 * rng.normal(size=size)}


def regression_truth(data: Arrays) -> tuple[float, np.ndarray, np.ndarray]:
    """Log evidence, posterior mean and covariance."""
    x, y = data["x"], data["y"]
    h = np.stack([np.ones_like(x), x], 1)
    cov = h @ h.T + 0.25 * np.eye(len(x))
    evidence = -0.5 * (y @ np.linalg.solve(cov, y) + np.linalg.slogdet(2 * np.pi * cov)[1])
    precision = np.eye(2) + h.T @ h / 0.25
    return float(evidence), np.linalg.solve(precision, h.T @ y / 0.25), np.linalg.inv(precision)


def ppca(size: int = 7, seed: int = 5) -> tuple[gd.Model, gd.Model, Arrays, Arrays]:
    """x = W z + b + noise, z in R^2, x in R^5; an affine guide; data; and parameters of the exact posterior."""
    rng = np.random.default_rng(seed)
    w, b = np.linalg.qr(rng.normal(size=(5, 2)))[0] * [1.5, 0.6], rng.normal(size=5)
    m = gd.Model("ppca")
    n = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=n)
    weight, shift = m.param("weight", w), m.param("shift", b)
    m.observe("x", gd.Normal(weight @ z + shift, 0.7), dims=n)
    cov = np.linalg.inv(np.eye(2) + w.T @ w / 0.49)  # diagonal, for the columns of w are orthogonal
    g = gd.Model("inverse")
    k = g.plate("row")
    x = g.data("x", dims=k, event=(5,))
    encode, offset = g.param("encode", cov @ w.T / 0.49), g.param("offset", -cov @ w.T @ b / 0.49)
    scale = g.param("scale", np.sqrt(np.diag(cov)), constraint=gd.positive)
    g.latent("z", gd.Normal(encode @ x + offset, scale), dims=k)
    data = {"x": (rng.normal(size=(size, 2)) @ w.T + b + 0.7 * rng.normal(size=(size, 5)))}
    return m, g, data, {"w": w, "b": b}


def ppca_evidence(data: Arrays, truth: Arrays) -> np.ndarray:
    """log p(x) of each row."""
    cov = truth["w"] @ truth["w"].T + 0.49 * np.eye(5)
    d = data["x"] - truth["b"]
    return np.asarray(
        -0.5 * (np.einsum("ni,ij,nj->n", d, np.linalg.inv(cov), d) + np.linalg.slogdet(2 * np.pi * cov)[1])
    )


def bound(model: gd.Model, objective: Objective, data: Any, backend: str, batched: bool = False) -> Bindable:
    """An objective bound to a model."""
    return objective.bind(Setting.of(model.graph, data, backend, batched=batched))


class Run:
    """A game on a backend, with numpy arrays in and out."""

    def __init__(self, made: Bindable, backend: str) -> None:
        from gendsl.backend import get_backend

        self.made, self.game, self.b = made, made.game, get_backend(backend)
        self._compiled: Any = None
        self._stepped: Any = None
        self._value: Any = None

    def _in(self, arrays: Arrays) -> dict[str, Any]:
        return {k: self.b.array(np.asarray(v), "float64") for k, v in arrays.items()}

    def batch(self, index: Any = slice(None)) -> Arrays:
        return {k: v[index] for k, v in self.made.rows.items()} | dict(self.made.whole)

    def noise(self, key: int, index: Any = slice(None)) -> Arrays:
        with self.b.context("float64"):
            out = self.game.draw(self.game.players[0], self.b.ops.key(key), self._in(self.batch(index)))
            return {k: np.asarray(self.b.numpy(v)) for k, v in out.items()}

    def value(self, params: Arrays, noise: Arrays, index: Any = slice(None)) -> tuple[float, Arrays]:
        """The loss and its gradient."""
        with self.b.context("float64"):
            batch, eps = self._in(self.batch(index)), self._in(noise)
            player = self.game.players[0]
            if self.b.name == "numpyro":
                import jax

                if self._compiled is None:
                    self._compiled = jax.jit(
                        jax.value_and_grad(lambda p, batch, eps: self.game.loss(player, p, batch, eps, {}).value)
                    )
                value, gradient = self._compiled(self._in(params), batch, eps)
            else:
                both = self.b.value_and_grad(lambda p: self.game.loss(player, p, batch, eps, {}).value)
                value, gradient = both(self._in(params))
            return float(self.b.numpy(value)), {k: np.asarray(self.b.numpy(v)) for k, v in gradient.items()}

    def step(
        self, params: Arrays, noise: Arrays, state: Arrays, index: Any = slice(None)
    ) -> tuple[float, Arrays, Arrays]:
        """The loss, its gradient and the game's state after it."""
        player = self.game.players[0]

        def both(p: Any, batch: Any, eps: Any, before: Any) -> Any:
            out = self.game.loss(player, p, batch, eps, before)
            return out.value, out.state

        with self.b.context("float64"):
            p, *rest = (self._in(a) for a in (params, self.batch(index), noise, state))
            if self.b.name == "numpyro":
                import jax

                if self._stepped is None:
                    self._stepped = jax.jit(jax.value_and_grad(both, has_aux=True))
                (value, after), slopes = self._stepped(p, *rest)
            else:
                kept: dict[str, Any] = {}

                def once(p: Any) -> Any:
                    value, kept["state"] = both(p, *rest)
                    return value

                value, slopes = self.b.value_and_grad(once)(p)
                after = kept["state"]
            out = [{k: np.asarray(self.b.numpy(v)) for k, v in x.items()} for x in (slopes, after)]
            return float(self.b.numpy(value)), out[0], out[1]

    def loss(self, params: Arrays, noise: Arrays, index: Any = slice(None)) -> float:
        """The loss alone."""
        with self.b.context("float64"):
            if self._value is None:
                self._value = lambda p, batch, eps: self.game.loss(self.game.players[0], p, batch, eps, {}).value
                if self.b.name == "numpyro":
                    import jax

                    self._value = jax.jit(self._value)
            return float(self.b.numpy(self._value(*(self._in(a) for a in (params, self.batch(index), noise)))))
