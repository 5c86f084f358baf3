"""SVI as users of Pyro and NumPyro run it: `SVI.step`, and `SVI.update` under `jit`, step by step and in a scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import numpyro
import pyro
import torch
from pyro.infer import SVI, Trace_ELBO

from tests.benchmarks.learning.turns import RATE, Other

__all__ = ["numpyro_loops", "pyro_loops"]

_SCAN = 100


def pyro_loops(
    model: Callable[..., Any], guide: Callable[..., Any], data: tuple[torch.Tensor, ...], batch: int | None, goal: float
) -> list[Other]:
    """`SVI.step` with Pyro's defaults, and without its checks.

    Args:
        model: the PPL model of some rows.
        guide: its guide.
        data: arrays; in batches, of rows.
        batch: rows of a batch; None for all.
        goal: of the ratio.
    """
    out = []
    for name, checked in (("Pyro, SVI.step", True), ("Pyro, SVI.step, unchecked", False)):
        svi = SVI(model, guide, pyro.optim.Adam({"lr": RATE}), Trace_ELBO())
        rows = _batches(len(data[0]), batch)

        def steps(count: int, svi: Any = svi, rows: Any = rows, checked: bool = checked) -> int:
            with pyro.validation_enabled(checked):
                for _ in range(count):
                    svi.step(*(data if batch is None else (x[next(rows)] for x in data)))
            return count

        out.append(Other(name, steps, goal))
    return out


def _batches(rows: int, batch: int | None) -> Iterator[torch.Tensor]:
    while batch is not None:
        yield from torch.randperm(rows)[: rows // batch * batch].split(batch)


def numpyro_loops(
    model: Callable[..., Any], guide: Callable[..., Any], data: tuple[np.ndarray, ...], batch: int | None, goal: float
) -> list[Other]:
    """A jitted step in a Python loop, and a hundred in a scan; arguments as for `pyro_loops`."""
    svi = numpyro.infer.SVI(model, guide, numpyro.optim.Adam(RATE), numpyro.infer.Trace_ELBO())
    arrays = tuple(jax.numpy.asarray(x) for x in data)

    def one(carry: Any, _: Any = None) -> Any:
        key, state = carry
        if batch is None:
            return _swapped(key, svi.update(state, *arrays))
        key, own = jax.random.split(key)
        chosen = jax.random.randint(own, (batch,), 0, len(arrays[0]))
        return _swapped(key, svi.update(state, *(x[chosen] for x in arrays)))

    def begin() -> Any:
        first = arrays if batch is None else tuple(x[:batch] for x in arrays)
        state = jax.random.PRNGKey(0), svi.init(jax.random.PRNGKey(1), *first)
        return jax.tree.map(jax.numpy.copy, state)  # what is donated is the loop's own

    step = jax.jit(one, donate_argnums=0)
    many = jax.jit(lambda carry: jax.lax.scan(one, carry, None, _SCAN), donate_argnums=0)
    held = {"steps": begin(), "scan": begin()}

    def by_steps(count: int) -> int:
        for _ in range(count):
            held["steps"], loss = step(held["steps"])
        jax.block_until_ready((held["steps"], loss))
        return count

    def in_scan(count: int) -> int:
        blocks = max(1, round(count / _SCAN))
        for _ in range(blocks):
            held["scan"], loss = many(held["scan"])
        jax.block_until_ready((held["scan"], loss))
        return blocks * _SCAN

    return [Other("NumPyro, jitted step", by_steps, goal), Other("NumPyro, scan", in_scan, goal)]


def _swapped(key: Any, out: Any) -> Any:
    state, loss = out
    return (key, state), loss
