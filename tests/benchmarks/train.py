"""Time of a training step against hand-written loops: `python -m tests.benchmarks.train`.

A denoiser of 3 x 256 units on rows of 64 numbers, batch 128, Adam and an average of the parameters, float32. Ours runs
whole, as a fit would: keyed noise, guard, history. The others are what a person writes:

    torch           torch.optim.Adam with its defaults, and with fused=True
    jax, steps      one jitted step, called in a Python loop, rows and noise inside
    jax, scan       100 of them in a scan

All are timed in turn in one process, A B C A B C ..., and ratios are taken turn by turn; on a machine with other work
the ratio of the shortest times says most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from torch.nn.functional import linear, silu

from gendsl.backend import get_backend
from gendsl.methods import Precision, Train
from gendsl.optim import Adam
from gendsl.training import Job
from gendsl.training.progress import Silent
from tests.train.games import Network

__all__ = ["Step", "main", "measure"]

SIZE, WIDTH, DEPTH, BATCH, ROWS = 64, 256, 3, 128, 1797
OPTIONS = {"width": WIDTH, "depth": DEPTH, "size": SIZE}
STEPS, SCAN = 200, 100


@dataclass(frozen=True)
class Step:
    """Seconds a step of one loop.

    Attributes:
        name: of the loop.
        least: the shortest turn.
        median: over turns.
        ratio: ours over it: of the shortest times.
        ratio_median: the median over turns.
    """

    name: str
    least: float
    median: float
    ratio: float
    ratio_median: float


def _ours(backend: str, data: dict[str, np.ndarray]) -> Callable[[], float]:
    b = get_backend(backend)
    game: Any = Network(b.ops, **OPTIONS)  # type: ignore[arg-type]
    method = Train(steps=STEPS, batch_size=BATCH, optimizer=Adam(1e-4), ema=0.999, precision=Precision.FLOAT32)

    def once() -> float:
        out = b.engine.train(Job(game, data, method), Silent())
        return out.seconds["training"] / STEPS

    return once


def _params() -> dict[str, np.ndarray]:
    params: dict[str, np.ndarray] = Network(None, **OPTIONS).initial_params(0)  # type: ignore[arg-type]
    return params


def _torch(data: dict[str, np.ndarray], fused: bool | None) -> Callable[[], float]:
    rows = torch.tensor(data["x"], dtype=torch.float32)

    def once() -> float:
        generator = torch.Generator().manual_seed(0)
        params = {k: torch.tensor(v, dtype=torch.float32, requires_grad=True) for k, v in _params().items()}
        weights = list(params.values())
        average = [w.detach().clone() for w in weights]
        optimizer = torch.optim.Adam(weights, 1e-4, fused=fused)
        losses = []
        began = time.perf_counter()
        for _ in range(STEPS):
            x = rows[torch.randint(ROWS, (BATCH,), generator=generator)]
            t, e = torch.rand(BATCH, 1, generator=generator), torch.randn(BATCH, SIZE, generator=generator)
            h = torch.cat([(1 - t) * x + t * e, t], -1)
            for k in range(DEPTH + 1):
                h = linear(h, params[f"layers.{k}.weight"], params[f"layers.{k}.bias"])
                h = silu(h) if k < DEPTH else h
            loss = ((h - e) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, weights, 0.001)
            losses.append(loss.item())
        return (time.perf_counter() - began) / STEPS

    return once


_OPTIMIZER = optax.adam(1e-4)


def _step(carry: Any, rows: Any, key: Any) -> Any:
    params, state, average = carry
    rows_key, t_key, e_key = jax.random.split(key, 3)

    def loss(params: Any) -> Any:
        x = rows[jax.random.randint(rows_key, (BATCH,), 0, ROWS)]
        t, e = jax.random.uniform(t_key, (BATCH, 1)), jax.random.normal(e_key, (BATCH, SIZE))
        h = jnp.concatenate([(1 - t) * x + t * e, t], -1)
        for k in range(DEPTH + 1):
            h = h @ params[f"layers.{k}.weight"].T + params[f"layers.{k}.bias"]
            h = jax.nn.silu(h) if k < DEPTH else h
        return jnp.mean((h - e) ** 2)

    value, grads = jax.value_and_grad(loss)(params)
    updates, state = _OPTIMIZER.update(grads, state)
    params = optax.apply_updates(params, updates)
    average = jax.tree.map(lambda a, p: 0.999 * a + 0.001 * p, average, params)
    return (params, state, average), value


def _jax(data: dict[str, np.ndarray], scanned: bool) -> Callable[[], float]:
    rows = jnp.asarray(data["x"], jnp.float32)
    step = jax.jit(_step, donate_argnums=0)

    @partial(jax.jit, donate_argnums=0)
    def many(carry: Any, rows: Any, keys: Any) -> Any:
        return jax.lax.scan(lambda c, k: _step(c, rows, k), carry, keys)

    def begin() -> Any:
        params = {k: jnp.array(v, jnp.float32) for k, v in _params().items()}
        return params, _OPTIMIZER.init(params), jax.tree.map(jnp.copy, params)

    def once() -> float:
        carry, keys = begin(), jax.random.split(jax.random.key(0), STEPS)
        separate = list(keys)
        jax.block_until_ready((carry, separate))
        began = time.perf_counter()
        if scanned:
            for at in range(0, STEPS, SCAN):
                carry, losses = many(carry, rows, keys[at : at + SCAN])
        else:
            for key in separate:
                carry, losses = step(carry, rows, key)
        jax.block_until_ready((carry, losses))
        return (time.perf_counter() - began) / STEPS

    return once


def measure(turns: int = 7) -> list[Step]:
    """Time all loops."""
    data = {"x": np.random.default_rng(0).normal(size=(ROWS, SIZE)).astype(np.float32)}
    groups = (
        ("ours, pyro", _ours("pyro", data), {"torch": _torch(data, None), "torch, fused": _torch(data, True)}),
        ("ours, numpyro", _ours("numpyro", data), {"jax, steps": _jax(data, False), "jax, scan": _jax(data, True)}),
    )
    out = []
    for name, ours, others in groups:
        loops = {name: ours} | others
        for loop in loops.values():
            loop()
        times = np.array([[loop() for loop in loops.values()] for _ in range(turns)])
        for k, label in enumerate(loops):
            least, ratio = times[:, k].min(), times[:, 0].min() / times[:, k].min()
            middle = float(np.median(times[:, 0] / times[:, k]))
            out.append(Step(label, float(least), float(np.median(times[:, k])), float(ratio), middle))
    return out


def main() -> None:
    """Print the table; one torch thread."""
    from rich.console import Console
    from rich.table import Table

    torch.set_num_threads(1)
    table = Table("loop", "us, least", "us, median", "ours / it, least", "median", title="a training step")
    for s in measure():
        numbers = (f"{1e6 * s.least:.0f}", f"{1e6 * s.median:.0f}", f"{s.ratio:.3f}", f"{s.ratio_median:.3f}")
        table.add_row(s.name, *numbers)
    Console().print(table)


if __name__ == "__main__":
    main()
