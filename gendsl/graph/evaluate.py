"""The numpy value of what depends on data and constants alone, in float64.

A value is laid out as (dims in the order of its type, event axes). An operation's numpy function works on event axes,
which it counts from the right, so most need only that their arguments be laid over the dims of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gendsl.graph.node import Array, Graph, Node
from gendsl.graph.ops import OPS
from gendsl.graph.ops.reductions import CUMULATIVE, REDUCTIONS
from gendsl.graph.types import ArrayType, DType

__all__ = ["computable", "evaluate", "spread"]

Values = list[np.ndarray]
Sizes = Mapping[str, int]

# Their numpy function takes dims on the left as they are.
_BATCHED = {
    "cholesky", "diag", "diagonal", "expand_dims", "flip", "index", "inv", "logdet", "outer", "slice", "tril",
    *CUMULATIVE,
}  # fmt: skip
_COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")


def spread(x: np.ndarray, have: ArrayType, dims: tuple[str, ...], rank: int) -> np.ndarray:
    """An array of type `have` laid out over `dims` and `rank` event axes; length 1 where it does not vary."""
    order = [have.dims.index(d) for d in dims if d in have.dims]
    k = len(have.dims)
    x = np.transpose(x, [*order, *range(k, x.ndim)])
    shape = [x.shape[order.index(have.dims.index(d))] if d in have.dims else 1 for d in dims]
    return x.reshape((*shape, *(1,) * (rank - have.rank), *x.shape[k:]))


def computable(graph: Graph) -> tuple[bool, ...]:
    """For each node, whether it is a value that `evaluate` finds from data."""
    out: list[bool] = []
    for n in graph.nodes:
        spec = OPS.get(n.op)
        plain = spec is not None and spec.elementwise and spec.numpy is not None
        known = plain or n.op in _SPECIAL or n.op in _BATCHED or n.op in REDUCTIONS or n.op == "data"
        out.append(known and isinstance(n.type, ArrayType) and all(out[a] for a in n.args))
    return tuple(out)


def evaluate(
    graph: Graph,
    arrays: Mapping[str, np.ndarray],
    sizes: Sizes,
    wanted: Iterable[int],
    allowed: Callable[[str], bool] | None = None,
    strict: bool = True,
) -> dict[int, np.ndarray]:
    """The values of the wanted nodes, where they follow from the data.

    Args:
        graph: the graph.
        arrays: the data by name, dims in declared order, then event axes.
        sizes: the lengths of the plates.
        wanted: the nodes.
        allowed: operations that are computed; all that can be, by default.
        strict: raise what numpy raises; else the value is not known.
    """
    wanted = set(wanted)
    uses = [0] * len(graph.nodes)
    for i in range(len(graph.nodes) - 1, -1, -1):
        if uses[i] or (i in wanted and not graph.random[i]):
            for a in graph.nodes[i].args:
                uses[a] += 1
    out: dict[int, np.ndarray] = {}
    for i, n in graph:
        ready = all(a in out for a in n.args) and (allowed is None or n.op == "data" or allowed(n.op))
        if (uses[i] or i in wanted) and ready and not graph.random[i] and isinstance(n.type, ArrayType):
            try:
                value = _value(graph, n, arrays, sizes, [out[a] for a in n.args])
            except (ValueError, TypeError, ArithmeticError, IndexError, ImportError):
                if strict:
                    raise
                value = None
            if value is not None:
                out[i] = value
        if uses[i] or i in wanted:
            for a in n.args:
                uses[a] -= 1
                if not uses[a] and a not in wanted:
                    out.pop(a, None)  # a column of a million rows is not kept longer than it is needed
    return {i: x for i, x in out.items() if i in wanted}


def _value(graph: Graph, n: Node, arrays: Mapping[str, np.ndarray], sizes: Sizes, args: Values) -> np.ndarray | None:
    types = [t for a in n.args if isinstance(t := graph.nodes[a].type, ArrayType)]
    t, spec = n.type, OPS.get(n.op)
    if n.op == "data":
        return arrays.get(str(n.name))
    if not isinstance(t, ArrayType) or spec is None:
        return None
    with np.errstate(all="ignore"):
        if n.op in _SPECIAL:
            return _SPECIAL[n.op](n, t, types, args, sizes)
        if n.op in REDUCTIONS:
            axes = (*n.attr["axes"], *(types[0].dims.index(d) for d in n.attr["dims"]))
            return np.asarray(REDUCTIONS[n.op](args[0], axis=axes)) if axes else args[0]
        if spec.numpy is None or not (spec.elementwise or n.op in _BATCHED):
            return None
        if spec.elementwise:
            args = _cast(n, t, args)
        rank = t.rank if spec.elementwise else 0
        laid = [spread(x, have, t.dims, max(rank, have.rank)) for x, have in zip(args, types, strict=True)]
        return np.asarray(spec.numpy(*laid, **n.attr))


def _cast(n: Node, t: ArrayType, args: Values) -> Values:
    """Arguments in the dtype of the result, where that is a number: True + True is 2, and exp(True) is no float16."""
    if t.dtype is DType.BOOL:
        return [x.astype(np.int64) if n.op in _COMPARED and x.dtype.kind == "b" else x for x in args]
    kinds = "biu" if t.dtype is DType.FLOAT else "b"
    target = np.float64 if t.dtype is DType.FLOAT else np.int64
    skip = 1 if n.op == "where" else 0
    return [x.astype(target) if k >= skip and x.dtype.kind in kinds else x for k, x in enumerate(args)]


# -- operations that need more than their numpy function --------------------------------------------------------------
_Compute = Callable[[Node, ArrayType, Sequence[ArrayType], Values, Sizes], np.ndarray | None]
_SPECIAL: dict[str, _Compute] = {}


def _computes(*names: str) -> Callable[[_Compute], _Compute]:
    def register(f: _Compute) -> _Compute:
        for name in names:
            _SPECIAL[name] = f
        return f

    return register


def _lengths(event: Sequence[int | str], sizes: Sizes) -> tuple[int, ...] | None:
    if any(isinstance(s, str) and s not in sizes for s in event):
        return None
    return tuple(s if isinstance(s, int) else sizes[s] for s in event)


@_computes("const")
def _const(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    value = n.attr["value"]
    return np.asarray(value.numpy() if isinstance(value, Array) else value)


@_computes("let", "precomputed")
def _same(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    return args[0]


@_computes("plate_size", "arange", "eye")
def _from_sizes(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray | None:
    length = _lengths((n.attr["size"] if n.op == "eye" else n.attr["plate"],), sizes)
    if length is None:
        return None
    return {"plate_size": np.asarray, "arange": np.arange, "eye": np.eye}[n.op](length[0])  # type: ignore[operator,no-any-return]


@_computes("shift")
def _shift(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    at = len(types[0].dims)
    stop = args[0].shape[at] - n.attr["stop"]
    return args[0][(slice(None),) * at + (slice(n.attr["start"], stop),)]


@_computes("to_event", "from_event")
def _moved(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    have = types[0]
    if n.op == "to_event":  # the dims that stay, the moved ones, the event axes
        order = [have.dims.index(d) for d in (*t.dims, *n.attr["dims"])]
    else:
        now = (*have.dims, *n.attr["dims"])
        order = [now.index(d) for d in t.dims]
    return np.transpose(args[0], [*order, *range(len(order), args[0].ndim)])


@_computes("matmul")
def _matmul(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    rank = max(2, *(have.rank for have in types))
    a, b = (x.astype(np.float64) for x in args)
    a = a[..., None, :] if types[0].rank == 1 else a
    b = b[..., :, None] if types[1].rank == 1 else b
    laid = [
        spread(x, ArrayType(have.dims, (1,) * max(have.rank, 2)), t.dims, rank)
        for x, have in zip((a, b), types, strict=True)
    ]
    out = np.matmul(*laid)
    out = out[..., 0] if types[1].rank == 1 else out
    if types[0].rank == 1:
        out = out[..., 0] if types[1].rank == 1 else out[..., 0, :]
    return np.asarray(out)


@_computes("stack")
def _stack(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    laid = [spread(x, have, t.dims, t.rank - 1) for x, have in zip(args, types, strict=True)]
    return np.stack(np.broadcast_arrays(*laid), -1)


@_computes("concatenate")
def _concatenate(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    laid = [spread(x, have, t.dims, t.rank) for x, have in zip(args, types, strict=True)]
    k = len(t.dims)
    lead = np.broadcast_shapes(*(x.shape[:k] for x in laid))
    return np.concatenate([np.broadcast_to(x, lead + x.shape[k:]) for x in laid], n.attr["axis"])


@_computes("transpose")
def _transpose(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    k, rank = len(types[0].dims), types[0].rank
    return np.transpose(args[0], [*range(k), *(k + rank + a for a in n.attr["axes"])])


@_computes("reshape", "broadcast_event")
def _shaped(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray | None:
    event, k = _lengths(t.event, sizes), len(t.dims)
    if event is None:
        return None
    shape = args[0].shape[:k] + event
    if n.op == "reshape":
        return np.reshape(args[0], shape)
    return np.broadcast_to(spread(args[0], types[0], t.dims, t.rank), shape)


@_computes("gather")
def _gather(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    """Numpy's integer arrays: the dims of x are indexed by their own positions."""
    rank = max(have.rank for have in types[1:])
    at: list[Any] = []
    for d in types[0].dims:
        positions = np.arange(args[0].shape[types[0].dims.index(d)])
        at.append(spread(positions, ArrayType((d,)), t.dims, rank))
    at += [spread(x, have, t.dims, rank) for x, have in zip(args[1:], types[1:], strict=True)]
    return np.asarray(args[0][tuple(at)])


@_computes("triangle")
def _triangle(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray:
    """The rows are the dims that go, laid behind those that stay."""
    x = args[0].astype(np.float64)
    order = [types[0].dims.index(d) for d in (*t.dims, *n.attr["dims"])]
    x = np.transpose(x, [*order, x.ndim - 1])
    x = x.reshape((*x.shape[: len(t.dims)], -1, x.shape[-1]))
    return np.asarray(np.linalg.qr(x, mode="r"))


@_computes("segment_sum")
def _segment_sum(n: Node, t: ArrayType, types: Sequence[ArrayType], args: Values, sizes: Sizes) -> np.ndarray | None:
    """The rows lie along the dims that go; the groups of each element of those that stay are numbered apart."""
    shape = _lengths(n.attr["sizes"], sizes)
    if shape is None:
        return None
    dims, k = (*t.dims, *n.attr["dims"]), len(t.dims)
    x = spread(args[0].astype(np.float64), types[0], dims, types[0].rank)
    index = [spread(a, have, dims, 0) for a, have in zip(args[1:], types[1:], strict=True)]
    lengths = np.broadcast_shapes(x.shape[: len(dims)], *(i.shape for i in index))
    x = np.broadcast_to(x, lengths + x.shape[len(dims) :])
    group = [np.broadcast_to(np.where(i < 0, i + size, i), lengths) for i, size in zip(index, shape, strict=True)]
    at = np.ravel_multi_index((*np.indices(lengths, sparse=True)[:k], *group), lengths[:k] + shape)
    at = np.broadcast_to(at, lengths).ravel()
    columns = x.reshape(at.size, -1).T
    count = int(np.prod(lengths[:k] + shape, dtype=int))
    out = np.stack([np.bincount(at, column, count) for column in columns], -1)
    return out.reshape(lengths[:k] + shape + x.shape[len(dims) :])
