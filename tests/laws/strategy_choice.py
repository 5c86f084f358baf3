"""Where a random model's choices come from: hypothesis in the suite, a seeded generator in the fuzzer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

__all__ = ["Choice", "Drawn", "Seeded"]

T = TypeVar("T")


class Choice(ABC):
    """A source of choices; the first of several, and 0 and False, are the simplest."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""

    def chance(self, percent: int) -> bool:
        """True in so many cases of a hundred."""
        return self.integer(0, 99) >= 100 - percent

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.integer(0, len(items) - 1)]

    def subset(self, items: Sequence[T], most: int) -> list[T]:
        """Up to `most` different items, in random order."""
        left, out = list(items), []
        for _ in range(self.integer(0, min(most, len(left)))):
            out.append(left.pop(self.integer(0, len(left) - 1)))
        return out

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in another order."""
        left, out = list(items), []
        while left:
            out.append(left.pop(self.integer(0, len(left) - 1)))
        return out

    def number(self, low: float, high: float) -> str:
        """The source of a number of four digits."""
        return f"{low + (high - low) * (self.integer(0, 998) + 1) / 1000:.4g}"


class Seeded(Choice):
    """Choices of a generator."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 20_24])

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self._rng.integers(low, high + 1))


class Drawn(Choice):
    """Choices that hypothesis draws (and shrinks)."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        from hypothesis import strategies as st

        out: int = self._draw(st.integers(low, high))
        return out
