"""A step of training a diffusion, against loops written by hand in torch and in jax.

A denoiser of 3 x 256 units that sees the time, rows of 64 numbers, batch 128, Adam and an average of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from torch.nn.functional import silu

import gendsl as gd
from tests.benchmarks.learning.turns import RATE, Against, Other, bind, loss_of, same, train

__all__ = ["BATCH", "FREQUENCIES", "Denoiser", "diffusion", "measure", "noisy"]

SIZE, WIDTHS, BATCH, ROWS, DECAY = 64, (256, 256, 256), 128, 1797, 0.999
_TORCH, _JAX, _SCAN = 1.05, 1.0, 100
_LOW, _HIGH, _START, _END = 0.1, 20.0, 1e-3, 1.0
FREQUENCIES = [1000.0 * 10_000.0 ** (-k / 31) for k in range(32)]


def diffusion() -> gd.Model:
    """x is what a variance-preserving diffusion makes of noise."""
    m = gd.Model("diffusion")
    process = gd.VP(gd.schedule.Linear(_LOW, _HIGH))
    network = gd.MLP(SIZE, hidden=WIDTHS)
    m.observe("x", gd.Diffusion(process, network=network, predicts="eps", event=(SIZE,)), dims=m.plate("image"))
    m.objective(gd.DenoisingScoreMatching())
    return m


def measure() -> list[Against]:
    """On both backends."""
    data = {"x": np.random.default_rng(0).normal(size=(ROWS, SIZE)).astype(np.float32)}
    rng = np.random.default_rng(1)
    noise = {"u": rng.uniform(size=BATCH).astype(np.float32), "eps": rng.normal(size=(BATCH, SIZE)).astype(np.float32)}
    out = []
    for backend in ("pyro", "numpyro"):
        made = bind(diffusion(), data, backend, True)
        params = {k: np.asarray(v, np.float32) for k, v in made.game.initial_params(0).items()}
        own = {k[k.index("network.") + len("network.") :]: v for k, v in params.items()}
        ours = loss_of(made, backend, params, {f"x.{k}": v for k, v in noise.items()}, np.arange(BATCH))
        loops = (_torch if backend == "pyro" else _jax)(data["x"], own, noise, ours)
        out += train(f"diffusion step, {backend}", made, backend, loops, batch=BATCH, ema=DECAY)
    return out


def noisy(xp: Any, x: Any, u: Any, eps: Any) -> tuple[Any, Any]:
    """x_t and t of uniform numbers u, (n,)."""
    t = _START + (_END - _START) * u
    integral = _LOW * t + 0.5 * (_HIGH - _LOW) * t * t
    alpha, sigma = xp.exp(-0.5 * integral), xp.sqrt(-xp.expm1(-integral))
    return alpha[:, None] * x + sigma[:, None] * eps, t


# -- in torch -------------------------------------------------------------------------------------------------------
class Denoiser(torch.nn.Module):
    """A perceptron that the time scales and shifts."""

    def __init__(self) -> None:
        super().__init__()
        widths, linear = (SIZE, *WIDTHS, SIZE), torch.nn.Linear
        self.layers = torch.nn.ModuleList(linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.films = torch.nn.ModuleList(linear(128, 2 * w) for w in WIDTHS)
        self.time = torch.nn.Module()
        self.time.layers = torch.nn.ModuleList((linear(64, 128), linear(128, 128)))
        self.register_buffer("frequencies", torch.tensor(FREQUENCIES), persistent=False)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """The noise in x at time t."""
        angle = t[..., None] * self.frequencies
        c = torch.cat([torch.sin(angle), torch.cos(angle)], -1)
        for layer in self.time.layers:
            c = silu(layer(c))
        for layer, film in zip(self.layers, self.films, strict=False):
            scale, shift = film(c).chunk(2, -1)
            x = silu(layer(x) * (1.0 + scale) + shift)
        out: torch.Tensor = self.layers[-1](x)
        return out


def _torch(data: np.ndarray, params: dict[str, np.ndarray], noise: dict[str, np.ndarray], ours: float) -> list[Other]:
    rows = torch.tensor(data)

    def loss(net: Denoiser, x: torch.Tensor, u: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
        y, t = noisy(torch, x, u, eps)
        return ((net(y, t) - eps) ** 2).sum(-1).mean()

    def loop(fused: bool) -> Callable[[int], int]:
        net = Denoiser()
        net.load_state_dict({k: torch.tensor(v) for k, v in params.items()})
        same("torch", ours, loss(net, rows[:BATCH], *(torch.tensor(noise[k]) for k in ("u", "eps"))).item())
        weights = list(net.parameters())
        average = [w.detach().clone() for w in weights]
        optimizer = torch.optim.Adam(weights, RATE, fused=fused)
        losses: list[float] = []

        def steps(count: int) -> int:
            for _ in range(count):
                x = rows[torch.randint(ROWS, (BATCH,))]
                u = (torch.rand(()) + torch.arange(BATCH) / BATCH) % 1.0
                value = loss(net, x, u, torch.randn(BATCH, SIZE))
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                with torch.no_grad():
                    torch._foreach_lerp_(average, weights, 1.0 - DECAY)
                losses.append(value.item())
            return count

        return steps

    return [Other("torch", loop(False), _TORCH), Other("torch, fused Adam", loop(True), _TORCH)]


# -- in jax ---------------------------------------------------------------------------------------------------------
class _Net(eqx.Module):
    """The same in equinox, of one row."""

    layers: list[eqx.nn.Linear]
    films: list[eqx.nn.Linear]
    time: list[eqx.nn.Linear]

    def __call__(self, x: Any, t: Any) -> Any:
        angle = t * jnp.asarray(FREQUENCIES)
        c = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)])
        for layer in self.time:
            c = jax.nn.silu(layer(c))
        for layer, film in zip(self.layers, self.films, strict=False):
            scale, shift = jnp.split(film(c), 2)
            x = jax.nn.silu(layer(x) * (1.0 + scale) + shift)
        return self.layers[-1](x)


def _net(params: dict[str, np.ndarray]) -> _Net:
    def linear(name: str) -> eqx.nn.Linear:
        weight, bias = (jnp.asarray(params[f"{name}.{k}"]) for k in ("weight", "bias"))
        empty = eqx.nn.Linear(weight.shape[1], weight.shape[0], key=jax.random.key(0))
        return eqx.tree_at(lambda m: (m.weight, m.bias), empty, (weight, bias))

    return _Net(
        [linear(f"layers.{k}") for k in range(len(WIDTHS) + 1)],
        [linear(f"films.{k}") for k in range(len(WIDTHS))],
        [linear(f"time.layers.{k}") for k in range(2)],
    )


def _jax(data: np.ndarray, params: dict[str, np.ndarray], noise: dict[str, np.ndarray], ours: float) -> list[Other]:
    rows, optimizer = jnp.asarray(data), optax.adam(RATE)

    def loss(net: _Net, x: Any, u: Any, eps: Any) -> Any:
        y, t = noisy(jnp, x, u, eps)
        return jnp.mean(jnp.sum((jax.vmap(net)(y, t) - eps) ** 2, -1))

    same("jax", ours, float(loss(_net(params), data[:BATCH], noise["u"], noise["eps"])))

    def one(carry: Any, _: Any = None) -> Any:
        net, state, average, key = carry
        key, *keys = jax.random.split(key, 4)
        x = rows[jax.random.randint(keys[0], (BATCH,), 0, ROWS)]
        u = (jax.random.uniform(keys[1]) + jnp.arange(BATCH) / BATCH) % 1.0
        value, grads = jax.value_and_grad(loss)(net, x, u, jax.random.normal(keys[2], (BATCH, SIZE)))
        updates, state = optimizer.update(grads, state)
        net = optax.apply_updates(net, updates)
        average = jax.tree.map(lambda a, p: DECAY * a + (1.0 - DECAY) * p, average, net)
        return (net, state, average, key), value

    def begin() -> Any:
        net = _net(params)
        return jax.tree.map(jnp.copy, (net, optimizer.init(net), net, jax.random.key(0)))

    step = jax.jit(one, donate_argnums=0)
    many = jax.jit(lambda carry: jax.lax.scan(one, carry, None, _SCAN), donate_argnums=0)
    held = {"steps": begin(), "scan": begin()}

    def by_steps(count: int) -> int:
        for _ in range(count):
            held["steps"], value = step(held["steps"])
        jax.block_until_ready((held["steps"], value))
        return count

    def in_scan(count: int) -> int:
        blocks = max(1, round(count / _SCAN))
        for _ in range(blocks):
            held["scan"], value = many(held["scan"])
        jax.block_until_ready((held["scan"], value))
        return blocks * _SCAN

    return [Other("jax, jitted step", by_steps, _JAX), Other("jax, scan", in_scan, _JAX)]
