"""Keyed draws on jax: its own keys, made from any number of integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

__all__ = ["fold_in", "key", "normal", "permutation", "rademacher", "randint", "split", "uniform"]


def key(*entropy: int) -> jax.Array:
    """The key of some entropy, nonnegative integers."""
    (state,) = np.random.SeedSequence([len(entropy), *(int(e) for e in entropy)]).generate_state(1, np.uint32)
    return jax.random.key(int(state))


def split(key: jax.Array, count: int = 2) -> tuple[jax.Array, ...]:
    """Independent keys."""
    return tuple(jax.random.split(key, count))


def fold_in(key: jax.Array, number: Any) -> jax.Array:
    """The key of number's branch, another namespace than that of `split`; the number may be traced, or a float."""
    branch = number.astype("uint32") if hasattr(number, "astype") else number
    return jax.random.fold_in(jax.random.fold_in(key, 0xF01D), branch)


def normal(key: jax.Array, shape: Sequence[int], *, like: jax.Array) -> jax.Array:
    """Standard normal draws with the dtype of another array."""
    return jax.random.normal(key, tuple(shape), like.dtype)


def uniform(key: jax.Array, shape: Sequence[int], *, like: jax.Array) -> jax.Array:
    """Draws from [0, 1)."""
    return jax.random.uniform(key, tuple(shape), like.dtype)


def rademacher(key: jax.Array, shape: Sequence[int], *, like: jax.Array) -> jax.Array:
    """Signs, -1.0 or 1.0."""
    return jax.random.rademacher(key, tuple(shape), like.dtype)


def randint(key: jax.Array, shape: Sequence[int], low: int, high: int, *, like: jax.Array) -> jax.Array:
    """Integers from [low, high)."""
    return jax.random.randint(key, tuple(shape), low, high)


def permutation(key: jax.Array, count: int, *, like: jax.Array) -> jax.Array:
    """A random order of 0, ..., count - 1."""
    return jax.random.permutation(key, count)
