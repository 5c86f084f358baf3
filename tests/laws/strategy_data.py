"""Random data inside a support."""

from __future__ import annotations

from typing import Any

import numpy as np

from gendsl.graph.constraints import (
    Circular,
    Constraint,
    CorrCholesky,
    CorrMatrix,
    Counts,
    Integers,
    Interval,
    LowerCholesky,
    Ordered,
    PositiveDefinite,
    PositiveOrdered,
    Simplex,
    Sphere,
)

__all__ = ["inside", "literal"]


def literal(x: Any) -> str:
    """The source of an array's values."""
    return repr(np.asarray(x).tolist()).replace("nan", "np.nan")


def inside(rng: np.random.Generator, c: Constraint, shape: tuple[int, ...]) -> np.ndarray:
    """Random values of a set, `shape` with its event axes; no set whose bounds depend on another value."""
    if isinstance(c, Interval):
        return _interval(rng, c, shape)
    if isinstance(c, Integers):
        low = int(c.lower) if isinstance(c.lower, float) else 0
        high = int(c.upper) if isinstance(c.upper, float) else low + 5
        return rng.integers(low, high + 1, shape)
    if isinstance(c, Circular):
        return np.round(rng.uniform(-3, 3, shape), 3)
    if isinstance(c, Simplex):
        return rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1])
    if isinstance(c, Ordered | PositiveOrdered):
        steps = np.round(rng.uniform(0.2, 1.5, shape), 3)
        return steps.cumsum(-1) - (1.0 if isinstance(c, Ordered) else 0.0)
    if isinstance(c, Sphere):
        x = rng.normal(size=shape)
        return x / np.linalg.norm(x, axis=-1, keepdims=True)
    if isinstance(c, Counts):
        total = int(c.total) if isinstance(c.total, int | float) else 5
        return rng.multinomial(total, np.full(shape[-1], 1 / shape[-1]), shape[:-1])
    return _matrix(rng, c, shape)


def _interval(rng: np.random.Generator, c: Interval, shape: tuple[int, ...]) -> np.ndarray:
    low = float(c.lower) if isinstance(c.lower, int | float) else None
    high = float(c.upper) if isinstance(c.upper, int | float) else None
    if low is not None and high is not None:
        x = low + (high - low) * rng.uniform(0.06, 0.94, shape)
    elif low is not None:
        x = low + 0.05 + rng.gamma(2.0, 0.6, shape)
    elif high is not None:
        x = high - 0.05 - rng.gamma(2.0, 0.6, shape)
    else:
        x = rng.normal(size=shape) * 1.3
    return np.round(x, 3)


def _matrix(rng: np.random.Generator, c: Constraint, shape: tuple[int, ...]) -> np.ndarray:
    n = shape[-1]
    factor = np.tril(rng.normal(size=shape) * 0.7, -1) + np.eye(n) * rng.uniform(0.6, 1.6, (*shape[:-1], 1))
    if isinstance(c, LowerCholesky):
        return factor
    unit = factor / np.linalg.norm(factor, axis=-1, keepdims=True)
    if isinstance(c, CorrCholesky):
        return unit
    if isinstance(c, CorrMatrix):
        out = unit @ np.swapaxes(unit, -1, -2)
        out[..., range(n), range(n)] = 1.0
        return (out + np.swapaxes(out, -1, -2)) / 2
    if isinstance(c, PositiveDefinite):
        out = factor @ np.swapaxes(factor, -1, -2)
        return (out + np.swapaxes(out, -1, -2)) / 2
    raise TypeError(f"no values of {c!r}")
