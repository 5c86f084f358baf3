"""Operations that only the passes make: they stand in the graph of the fused density, never in a file or a model.

`precomputed` marks a value that depends on data alone and is computed once, in numpy, when data are bound; it travels
with the data under the node's name. `triangle` is the R of a QR factorisation of rows that lie along dims, which has
fewer rows than its type says where there are fewer: what follows keeps them apart until it sums over them.
`segment_sum` is a sum of rows group by group.

Two stand for recurrences, along the leading event axis: `affine_scan` is x[t] = a[t] x[t-1] + b[t] for all t at once,
`delay` is x[t-1], the first from before the sequence. In reverse they run from the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gendsl.graph.constraints import real
from gendsl.graph.ops.registry import OPS, OpSpec, Problem, arrays
from gendsl.graph.types import ArrayType, DType, Type, broadcast, join_dims, promote

__all__: list[str] = []


def _precomputed(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    return x


def _triangle(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """Upper triangular R with R'R = sum over `dims` of x x', x of event (k,).

    It has as many rows as there are x, k at most; the type, which does not know how many, says k.
    """
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


def _affine_scan(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = a, b, init; b has event (T, *e), init e. a broadcasts to b, or holds matrices for the vectors of b."""
    a, b, init = arrays(args)
    k = b.event[-1:] if attrs["matrix"] else ()
    left, square = (a.event[:-2], a.event[-2:]) if attrs["matrix"] else (a.event, ())
    along = b.event[: len(b.event) - len(k)]
    if b.event[1:] != init.event or square != k + k or broadcast(left, along) != along:
        raise Problem("the parts of a recurrence do not fit", given=f"{a}; {b}; {init}")
    return ArrayType(join_dims(a.dims, b.dims, init.dims), b.event, DType.FLOAT, real)


def _delay(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = x, init: x of event (T, *e), init of event e."""
    x, init = arrays(args)
    if x.event[1:] != init.event or not x.event:
        raise Problem("a sequence and what stands before it do not fit", given=f"{x}; {init}")
    support = x.support if x.support == init.support else real
    return ArrayType(join_dims(x.dims, init.dims), x.event, promote(x.dtype, init.dtype), support)


OPS["precomputed"] = OpSpec("precomputed", _precomputed, lowered=True)
OPS["triangle"] = OpSpec("triangle", _triangle, ("dims",), lowered=True)
OPS["segment_sum"] = OpSpec("segment_sum", _segment_sum, ("dims", "sizes"), lowered=True)
OPS["affine_scan"] = OpSpec("affine_scan", _affine_scan, ("matrix", "reverse"), lowered=True)
OPS["delay"] = OpSpec("delay", _delay, ("reverse",), lowered=True)
