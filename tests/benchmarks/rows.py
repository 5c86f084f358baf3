"""Time of one gradient of a Gaussian regression against the number of its rows: it should not grow.

All sizes of a backend are timed in turn in one process, A B C D A B C D ..., so that a change of the machine's load
meets them alike; the ratio to the smallest is taken round by round.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.program import BoundProgram

__all__ = ["SIZES", "Row", "measure", "regression", "simulate"]

SIZES = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Row:
    """Seconds for one size.

    Attributes:
        rows: the number of rows.
        bind: seconds to bind the data, once: the statistics are computed then.
        low, median, high: seconds a gradient: 10 %, 50 %, 90 % of the rounds.
        ratio: the median over rounds of the time over that of the smallest size.
    """

    rows: int
    bind: float
    low: float
    median: float
    high: float
    ratio: float


def regression(predictors: int = 5) -> gd.Model:
    """y[n] ~ Normal(alpha + x[n] . beta, sigma)."""
    m = gd.Model("regression")
    row = m.plate("row")
    x = m.data("x", dims=row, event=predictors)
    alpha = m.latent("alpha", gd.Normal(0, 10))
    beta = m.latent("beta", gd.Normal(0, 1).expand(predictors))
    sigma = m.latent("sigma", gd.HalfNormal(1))
    m.observe("y", gd.Normal(alpha + x @ beta, sigma), dims=row)
    return m


def simulate(rows: int, predictors: int = 5) -> dict[str, Any]:
    """Rows with known coefficients."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, predictors))
    return {"x": x, "y": 1.0 + x @ np.linspace(-1, 1, predictors) + 0.5 * rng.normal(size=rows)}


def measure(backend: str, sizes: tuple[int, ...] = SIZES, rounds: int = 21, calls: int = 200) -> list[Row]:
    """Time gradients at each size, compiled where the backend compiles."""
    gradients: list[Callable[[], Any]] = []
    binds = []
    with get_backend(backend).context("float64"):
        for size in sizes:
            program, data = regression().compile(backend), simulate(size)
            start = time.perf_counter()
            bound = program.bind(data)
            binds.append(time.perf_counter() - start)
            gradients.append(_gradient(bound))
        for g in gradients:
            _seconds(g, calls)
        times = np.array([[_seconds(g, calls) for g in gradients] for _ in range(rounds)])
    low, median, high = np.quantile(times, [0.1, 0.5, 0.9], axis=0)
    ratio = np.median(times / times[:, :1], axis=0)
    return [Row(n, *map(float, row)) for n, *row in zip(sizes, binds, low, median, high, ratio, strict=True)]


def _gradient(bound: BoundProgram) -> Callable[[], Any]:
    b = bound.program.backend
    u = {k: b.array(np.full(s, 0.1), "float64") for k, s in bound.shapes.items()}
    f = b.value_and_grad(bound.log_density)
    return lambda: f(u)


def _seconds(gradient: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    out: Any = None
    for _ in range(calls):
        out = gradient()
    if hasattr(out[0], "block_until_ready"):
        out[0].block_until_ready()
    return (time.perf_counter() - start) / calls
