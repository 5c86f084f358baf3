"""Factors L of a preconditioner M = L L', over `ops`; tuples of arrays, so that they are inputs of what is compiled.

The best M is the covariance of the target: L^-1 x then has covariance I, and one step length fits all directions.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

__all__ = ["Dense", "Diagonal", "Identity", "Preconditioner"]

Array = Any


class Preconditioner(Protocol):
    """A factor L of M = L L'."""

    def times(self, ops: Any, x: Array) -> Array:
        """L x, for x of shape (*batch, *event)."""

    def transposed(self, ops: Any, x: Array) -> Array:
        """L' x."""


class Identity(NamedTuple):
    """L = I; events of any rank."""

    def times(self, ops: Any, x: Array) -> Array:
        """L x."""
        return x

    def transposed(self, ops: Any, x: Array) -> Array:
        """L' x."""
        return x


class Diagonal(NamedTuple):
    """A diagonal L; events of any rank.

    Attributes:
        scale: the diagonal, broadcast against (*batch, *event).
    """

    scale: Array

    def times(self, ops: Any, x: Array) -> Array:
        """L x."""
        return self.scale * x

    def transposed(self, ops: Any, x: Array) -> Array:
        """L' x."""
        return self.scale * x


class Dense(NamedTuple):
    """Any L, of vectors.

    Attributes:
        factor: (d, d) for all chains alike, or (*batch, d, d).
    """

    factor: Array

    def times(self, ops: Any, x: Array) -> Array:
        """L x."""
        return ops.einsum("...ij,...j->...i", self.factor, x)

    def transposed(self, ops: Any, x: Array) -> Array:
        """L' x."""
        return ops.einsum("...ji,...j->...i", self.factor, x)
