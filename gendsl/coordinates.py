"""Affine coordinates of some elements of a sampler's position; gendsl/whitening.py finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Coordinates"]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Some elements u_i of a position are c + A v_i; the others are as they are.

    Attributes:
        index: the elements, (k,).
        matrix: A, (k, k).
        shift: c, (k,).
        spread: about the posterior's standard deviation of v, (k,).
    """

    index: np.ndarray
    matrix: np.ndarray
    shift: np.ndarray
    spread: np.ndarray

    def forward(self, v: np.ndarray) -> np.ndarray:
        """Positions u of points v, (..., dimension); of the same precision."""
        out = np.array(v)
        out[..., self.index] = self.shift + out[..., self.index] @ self.matrix.T
        return out

    def inverse(self, u: np.ndarray) -> np.ndarray:
        """Points v of positions u, (..., dimension)."""
        out = np.array(u, np.float64)
        out[..., self.index] = np.linalg.solve(self.matrix, (out[..., self.index] - self.shift)[..., None])[..., 0]
        return out

    def layout(self, dimension: int) -> dict[str, np.ndarray]:
        """The arguments of `gendsl.math.affine.placed`, for vectors of a dimension."""
        rest = np.setdiff1d(np.arange(dimension), self.index)
        order = np.argsort(np.concatenate([rest, self.index]))
        return {"index": self.index, "rest": rest, "order": order, "matrix": self.matrix, "shift": self.shift}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """As arrays of numbers."""
        return {"index": self.index, "matrix": self.matrix, "shift": self.shift, "spread": self.spread}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Coordinates | None:
        """The coordinates that `to_arrays` gave; None where there are none."""
        if "matrix" not in arrays:
            return None
        rest = (np.asarray(arrays[k], np.float64) for k in ("matrix", "shift", "spread"))
        return cls(np.asarray(arrays["index"], np.int64), *rest)
