"""Keyed draws on torch: numbers are a function of a key, and no generator's state is left anywhere.

A key is a tuple of integers. Each draw seeds a generator of its own from the key, through numpy's SeedSequence, whose
hash makes the streams of different keys independent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

__all__ = ["Key", "fold_in", "key", "normal", "permutation", "rademacher", "randint", "split", "uniform"]

Key = tuple[int, ...]


def key(*entropy: int) -> Key:
    """The key of some entropy, nonnegative integers."""
    return tuple(int(e) for e in entropy)


def split(key: Key, count: int = 2) -> tuple[Key, ...]:
    """Independent keys."""
    return tuple((*key, k) for k in range(count))


def fold_in(key: Key, number: int) -> Key:
    """The key of number's branch; another namespace than that of `split`."""
    return (*key, 0xF01D, int(number))


def _generator(key: Key, device: torch.device) -> torch.Generator:
    entropy = (len(key), *key)  # (1,) and (1, 0) are one entropy to numpy
    (state,) = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state))


def normal(key: Key, shape: Sequence[int], *, like: torch.Tensor) -> torch.Tensor:
    """Standard normal draws with the dtype and device of another array."""
    return torch.randn(tuple(shape), generator=_generator(key, like.device), dtype=like.dtype, device=like.device)


def uniform(key: Key, shape: Sequence[int], *, like: torch.Tensor) -> torch.Tensor:
    """Draws from [0, 1)."""
    return torch.rand(tuple(shape), generator=_generator(key, like.device), dtype=like.dtype, device=like.device)


def rademacher(key: Key, shape: Sequence[int], *, like: torch.Tensor) -> torch.Tensor:
    """Signs, -1.0 or 1.0."""
    return 2.0 * randint(key, shape, 0, 2, like=like).to(like.dtype) - 1.0


def randint(key: Key, shape: Sequence[int], low: int, high: int, *, like: torch.Tensor) -> torch.Tensor:
    """Integers from [low, high)."""
    return torch.randint(low, high, tuple(shape), generator=_generator(key, like.device), device=like.device)


def permutation(key: Key, count: int, *, like: torch.Tensor) -> torch.Tensor:
    """A random order of 0, ..., count - 1."""
    return torch.randperm(count, generator=_generator(key, like.device), device=like.device)
