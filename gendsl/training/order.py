"""The order in which rows are used: keyed permutations, equal on every backend.

Pass e goes through the rows in the order of a permutation that is a function of the seed and e. With n rows and batches
of b, batch k is

    DROP    rows j b, ..., j b + b - 1 of pass e, where e = k div (n div b), j = k mod (n div b)
    WRAP    places k b, ..., k b + b - 1 of the passes one after the other

Every row of a batch is uniform over all rows, so the mean of a batch is an unbiased estimate of the mean of all.
"""

from __future__ import annotations

import numpy as np

from gendsl.methods.train import Remainder

__all__ = ["Order", "held_out"]

_PASS, _HELD = 0x9A55, 0x4E1D
"""Namespaces of the seed."""


class Order:
    """Which rows each batch has.

    Args:
        rows: how many there are.
        size: rows of a batch, at most `rows`.
        seed: of the run.
        remainder: what becomes of rows that do not fill a batch.
    """

    def __init__(self, rows: int, size: int, seed: int, remainder: Remainder) -> None:
        self.rows, self.size, self.seed, self.remainder = rows, size, seed, remainder
        self._kept: dict[int, np.ndarray] = {}

    def batches(self, first: int, count: int) -> np.ndarray:
        """Rows of the batches first, ..., first + count - 1: integers, (count, size)."""
        k, j = np.arange(first, first + count)[:, None], np.arange(self.size)
        if self.remainder is Remainder.WRAP:
            epoch, place = np.divmod(k * self.size + j, self.rows)
        else:
            whole = self.rows // self.size
            epoch, place = np.broadcast_arrays(k // whole, (k % whole) * self.size + j)
        low, high = int(epoch[0, 0]), int(epoch[-1, -1])
        table = np.stack([self._permutation(e) for e in range(low, high + 1)])
        self._kept = {e: x for e, x in self._kept.items() if e >= high}
        out: np.ndarray = table[epoch - low, place]
        return out

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch not in self._kept:
            self._kept[epoch] = _rng(self.seed, _PASS, epoch).permutation(self.rows)
        return self._kept[epoch]


def held_out(rows: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to hold out, both in order; at least one of the latter."""
    count = max(1, round(fraction * rows))
    order = _rng(seed, _HELD).permutation(rows)
    return np.sort(order[count:]), np.sort(order[:count])


def _rng(*entropy: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([len(entropy), *entropy])))
