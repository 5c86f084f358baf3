"""Operations that only the passes make: they stand in the graph of the fused density, never in a file or a model.

`precomputed` marks a value that depends on data alone and is computed once, in numpy, when data are bound; it travels
with the data under the node's name. `triangle` is the R of a QR factorisation of rows that lie along dims,
`segment_sum` a sum of rows group by group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gendsl.graph.constraints import real
from gendsl.graph.ops.registry import OPS, OpSpec, Problem, arrays
from gendsl.graph.types import ArrayType, DType, Type, join_dims

__all__: list[str] = []


def _precomputed(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    return x


def _triangle(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """Upper triangular R of shape (k, k) with R'R = sum over `dims` of x x', x of event (k,)."""
    (x,) = arrays(args)
    if x.rank != 1 or not set(attrs["dims"]) <= set(x.dims):
        raise Problem("triangle needs rows along its dims", given=str(x), needed="one event axis")
    dims = tuple(d for d in x.dims if d not in attrs["dims"])
    return ArrayType(dims, (x.event[0], x.event[0]), DType.FLOAT, real)


def _segment_sum(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = value, indices: the sum over `dims` of each group's values; the groups are leading event axes."""
    x, *index = arrays(args)
    if any(t.rank for t in index) or len(index) != len(attrs["sizes"]):
        raise Problem("segment_sum takes as many indices as axes for each row", given=str(x))
    dims = tuple(d for d in join_dims(*(t.dims for t in (x, *index))) if d not in attrs["dims"])
    return ArrayType(dims, (*attrs["sizes"], *x.event), DType.FLOAT, real)


OPS["precomputed"] = OpSpec("precomputed", _precomputed, lowered=True)
OPS["triangle"] = OpSpec("triangle", _triangle, ("dims",), lowered=True)
OPS["segment_sum"] = OpSpec("segment_sum", _segment_sum, ("dims", "sizes"), lowered=True)
