"""The iterations that are kept, in arrays that are allocated once: what is kept is not held twice while it grows."""

from __future__ import annotations

import numpy as np

__all__ = ["Kept"]


class Kept:
    """Iterations of chains that go together.

    Args:
        size: the most iterations that will be kept. Memory is taken by those that are.
    """

    def __init__(self, size: int) -> None:
        self._size, self._count = size, 0
        self._arrays: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, part: dict[str, np.ndarray]) -> None:
        """Keep the next iterations, arrays (chain, iteration, ...) of the same names each time."""
        count = next(iter(part.values())).shape[1]
        for name, values in part.items():
            if name not in self._arrays:
                self._arrays[name] = np.empty((len(values), self._size, *values.shape[2:]), values.dtype)
            self._arrays[name][:, self._count : self._count + count] = values
        self._count += count

    def of(self, row: int, dimension: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The positions of one chain, (iteration, dimension), and its statistics; views."""
        if not self._count:
            return np.zeros((0, dimension)), {}
        whole = {name: values[row, : self._count] for name, values in self._arrays.items()}
        return whole.pop("position"), whole
