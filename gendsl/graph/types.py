"""Types of nodes: named dims, positional event axes, dtype and support.

A value has two kinds of dimension. *Dims* are plates, aligned by name. *Event axes* are positional and right-aligned as
in numpy. A size is an int, or the name of a plate whose size the data give (`Size`). An array of type
(dims (a, b), event (3,)) is one event of shape (3,) for each pair of a and b.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gendsl.graph.constraints import Constraint, real

__all__ = [
    "ArrayType",
    "DType",
    "DistType",
    "Size",
    "TupleType",
    "Type",
    "broadcast",
    "join_dims",
    "show_shape",
]

Size = int | str
"""The length of an event axis: a number, or the name of the plate it runs over."""


class DType(StrEnum):
    """Kinds of numbers; the precision of floats is chosen when a program is compiled."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"


_ORDER = {DType.BOOL: 0, DType.INT: 1, DType.FLOAT: 2}


def promote(*dtypes: DType) -> DType:
    """The smallest dtype that holds all."""
    return max(dtypes, key=_ORDER.__getitem__)


@dataclass(frozen=True, slots=True)
class ArrayType:
    """The type of a value."""

    dims: tuple[str, ...] = ()
    event: tuple[Size, ...] = ()
    dtype: DType = DType.FLOAT
    support: Constraint = real

    @property
    def rank(self) -> int:
        """The number of event axes."""
        return len(self.event)

    def __str__(self) -> str:
        return f"{self.dtype}, {show_shape(self.dims, self.event)}"


@dataclass(frozen=True, slots=True)
class DistType:
    """The type of a distribution: what one draw looks like.

    Attributes:
        dims: plates of the parameters (a draw is one for each element).
        event: event axes of one draw; the last `family_rank` belong to the family, the others are independent.
        dtype: dtype of a draw.
        support: where a draw lies.
        joint: plates that the distribution itself runs over (a Gaussian process, a Markov chain); they are the leading
            event axes, in order.
        family_rank: event axes of the family itself.
    """

    dims: tuple[str, ...] = ()
    event: tuple[Size, ...] = ()
    dtype: DType = DType.FLOAT
    support: Constraint = real
    joint: tuple[str, ...] = ()
    family_rank: int = 0

    @property
    def rank(self) -> int:
        """The number of event axes of a draw."""
        return len(self.event)

    def draw(self) -> ArrayType:
        """The type of one draw."""
        return ArrayType(self.dims, self.event, self.dtype, self.support)

    def __str__(self) -> str:
        joint = f", joint over {', '.join(self.joint)}" if self.joint else ""
        return f"distribution of {self.dtype}, {show_shape(self.dims, self.event)}{joint}"


@dataclass(frozen=True, slots=True)
class TupleType:
    """The type of a node with several results (a scan)."""

    items: tuple[ArrayType, ...]

    def __str__(self) -> str:
        return "(" + "; ".join(map(str, self.items)) + ")"


Type = ArrayType | DistType | TupleType


def show_shape(dims: tuple[str, ...], event: tuple[Size, ...]) -> str:
    """Words for a shape: `dims (a, b), event (3,)`, or `scalar`."""
    parts = []
    if dims:
        parts.append(f"dims ({', '.join(dims)})")
    if event:
        inner = ", ".join(map(str, event))
        parts.append(f"event ({inner}{',' if len(event) == 1 else ''})")
    return ", ".join(parts) or "scalar"


def join_dims(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """Union in order of first appearance."""
    return tuple(dict.fromkeys(d for g in groups for d in g))


def broadcast(*events: tuple[Size, ...]) -> tuple[Size, ...] | None:
    """numpy's broadcasting of event shapes; None where they do not fit."""
    rank = max(map(len, events), default=0)
    out: list[Size] = [1] * rank
    for event in events:
        for i, size in enumerate(reversed(event)):
            have = out[rank - 1 - i]
            if have == 1:
                out[rank - 1 - i] = size
            elif size not in (1, have):
                return None
    return tuple(out)
