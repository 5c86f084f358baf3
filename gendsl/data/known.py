"""The values of nodes that follow from data and constants alone, so that they can be checked before a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gendsl.graph.node import Array, Graph, Node
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType, DType

__all__ = ["evaluate", "names_of", "spread"]

_ON_EVENT_AXES = ("index", "slice", "expand_dims", "flip", "cumsum", "cumprod")  # their axes count from the right


def names_of(graph: Graph, node: int) -> list[str]:
    """The named nodes that a value is made of."""
    out: dict[str, None] = {}
    todo = [node]
    while todo:
        n = graph.nodes[todo.pop()]
        if n.name is not None:
            out[n.name] = None
        else:
            todo.extend(reversed(n.args))
    return list(out)


def spread(x: np.ndarray, have: ArrayType, dims: tuple[str, ...], rank: int) -> np.ndarray:
    """An array of type `have` laid out over `dims` and `rank` event axes; length 1 where it does not vary."""
    order = [have.dims.index(d) for d in dims if d in have.dims]
    k = len(have.dims)
    x = np.transpose(x, [*order, *range(k, x.ndim)])
    shape = [x.shape[order.index(have.dims.index(d))] if d in have.dims else 1 for d in dims]
    return x.reshape((*shape, *(1,) * (rank - have.rank), *x.shape[k:]))


def evaluate(
    graph: Graph, arrays: Mapping[str, np.ndarray], wanted: Iterable[int], sizes: Mapping[str, int]
) -> dict[int, np.ndarray]:
    """The values of the wanted nodes and of those they need, where known; dims first, then event axes."""
    needed = [False] * len(graph.nodes)
    for i in wanted:
        needed[i] = not graph.random[i]
    for i in range(len(needed) - 1, -1, -1):
        if needed[i]:
            for a in graph.nodes[i].args:
                needed[a] = True
    out: dict[int, np.ndarray] = {}
    for i, n in graph:
        if needed[i] and isinstance(n.type, ArrayType) and all(a in out for a in n.args):
            value = _value(graph, n, arrays, [out[a] for a in n.args], sizes)
            if value is not None:
                out[i] = value
    return out


def _value(
    graph: Graph, n: Node, arrays: Mapping[str, np.ndarray], args: list[np.ndarray], sizes: Mapping[str, int]
) -> np.ndarray | None:
    if n.op == "data":
        return arrays.get(str(n.name))
    if n.op == "const":
        value = n.attr["value"]
        return np.asarray(value.numpy() if isinstance(value, Array) else value)
    if n.op == "let":
        return args[0]
    types = [t for a in n.args if isinstance(t := graph.nodes[a].type, ArrayType)]
    if n.op in ("to_event", "from_event", "shift"):
        return _moved(graph, n, types[0], args[0])
    if n.op in ("plate_size", "arange"):
        size = sizes.get(n.attr["plate"])
        return None if size is None else np.asarray(size) if n.op == "plate_size" else np.arange(size)
    spec = OPS.get(n.op)
    if n.op in _ON_EVENT_AXES and spec is not None and spec.numpy is not None:
        try:
            return np.asarray(spec.numpy(*args, **n.attr))
        except IndexError:  # reported as an index out of range
            return None
    if spec is None or not spec.elementwise or spec.numpy is None or not isinstance(n.type, ArrayType):
        return None
    rank = n.type.rank
    laid = [spread(x, t, n.type.dims, rank) for x, t in zip(args, types, strict=True)]
    if n.type.dtype is DType.FLOAT:
        laid = [x.astype(np.float64) if x.dtype.kind != "b" else x for x in laid]
    try:
        with np.errstate(all="ignore"):
            return np.asarray(spec.numpy(*laid))
    except (ValueError, TypeError, ArithmeticError, ImportError):
        return None


def _moved(graph: Graph, n: Node, t: ArrayType, x: np.ndarray) -> np.ndarray | None:
    out = n.type
    if not isinstance(out, ArrayType):
        return None
    if n.op == "shift":
        at = len(t.dims)
        stop = x.shape[at] - n.attr["stop"]
        return x[(slice(None),) * at + (slice(n.attr["start"], stop),)]
    if n.op == "to_event":  # the dims that stay, the moved ones, the event axes
        order = [t.dims.index(d) for d in (*out.dims, *n.attr["dims"])]
    else:
        now = (*t.dims, *n.attr["dims"])
        order = [now.index(d) for d in out.dims]
    return np.transpose(x, [*order, *range(len(order), x.ndim)])
