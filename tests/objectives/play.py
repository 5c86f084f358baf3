"""Games evaluated on both backends with numpy in and out, and models of energies and pushforwards that they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.networks.base import Network
from gendsl.networks.parameter import Init, Parameter
from gendsl.objectives import Objective
from gendsl.objectives.game import Loss
from gendsl.objectives.setting import Setting

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True, repr=False)
class Quadratic(Network):
    """x' P x / 2 - b' x of x in R^2: the energy of N(P^-1 b, P^-1)."""

    def output(self, event: Any) -> tuple[int, ...]:
        return (1,)

    def parameters(self, event: Any) -> dict[str, Parameter]:
        return {"scale": Parameter((2,), Init.ONES), "cross": Parameter(()), "b": Parameter((2,))}

    def forward(self, nn: Any, params: Any, x: Any, time: Any, event: Any) -> Any:
        squares = 0.5 * nn.ops.sum(params["scale"] * x * x, -1) + params["cross"] * x[..., 0] * x[..., 1]
        return (squares - nn.ops.sum(params["b"] * x, -1))[..., None]


@dataclass(frozen=True, kw_only=True, repr=False)
class Regressed(Quadratic):
    """x' P x / 2 - (b + B c)' x of x in R^2 with a context c behind it: the energy of N(P^-1 (b + B c), P^-1)."""

    def parameters(self, event: Any) -> dict[str, Parameter]:
        return super().parameters(event) | {"B": Parameter((2, event[0] - 2))}

    def forward(self, nn: Any, params: Any, x: Any, time: Any, event: Any) -> Any:
        x, c = x[..., :2], x[..., 2:]
        pull = nn.ops.sum(params["B"] * c[..., None, :], -1)
        return super().forward(nn, params, x, time, event) - nn.ops.sum(pull * x, -1)[..., None]


def energy(network: Network, event: Any = 2, **more: Any) -> gd.Model:
    """Rows of an energy."""
    m = gd.Model("rows")
    m.observe("x", gd.Energy(network, event, **more), dims=m.plate("row"))
    return m


def pushforward(network: Network, noise: Any) -> gd.Model:
    """Rows of a pushforward."""
    m = gd.Model("rows")
    m.observe("x", gd.Pushforward(noise, network), dims=m.plate("row"))
    return m


def gaussian(fit: Any) -> tuple[np.ndarray, np.ndarray]:
    """P and b of a trained `Quadratic`."""
    p = {k.removeprefix("x.network."): v for k, v in fit.params.items()}
    return np.array([[p["scale"][0], p["cross"]], [p["cross"], p["scale"][1]]]), p["b"]


class Play:
    """An objective bound to a model with data, on a backend."""

    def __init__(self, model: gd.Model, objective: Objective, data: Any, backend: str, batched: bool = False) -> None:
        self.b = get_backend(backend)
        self.made = objective.bind(Setting.of(model.graph, data, backend, batched=batched))
        self.game: Any = self.made.game
        self.players = {p.name: p for p in self.game.players}

    def _in(self, arrays: Arrays) -> dict[str, Any]:
        return {k: self.b.array(np.asarray(v), "float64") for k, v in arrays.items()}

    def _out(self, arrays: dict[str, Any]) -> Arrays:
        return {k: np.asarray(self.b.numpy(v)) for k, v in arrays.items()}

    def noise(self, player: str, key: int) -> Arrays:
        with self.b.context("float64"):
            batch = self._in(self.made.rows | self.made.whole)
            return self._out(self.game.draw(self.players[player], self.b.ops.key(key), batch))

    def loss(
        self, player: str, params: Arrays, noise: Arrays, state: Arrays | None = None
    ) -> tuple[Any, Arrays, Arrays]:
        """The value, its gradient in all parameters, and terms and state together."""
        with self.b.context("float64"):
            batch, eps, before = (self._in(a) for a in (self.made.rows | self.made.whole, noise, state or {}))

            def value(p: dict[str, Any]) -> Any:
                out: Loss = self.game.loss(self.players[player], p, batch, eps, before)
                return out.value, out.parts | {f"state {k}": v for k, v in out.state.items()}

            both = self.b.ops.value_and_grad(value, has_aux=True)
            (at, more), gradient = _compiled(self.b.name, both)(self._in(params))
            return float(self.b.numpy(at)), self._out(gradient), self._out(more)


def _compiled(backend: str, f: Any) -> Any:
    if backend == "numpyro":
        import jax

        return jax.jit(f)
    return f
