"""Who reads the missing elements of an observation.

Under `gd.Missing.MASK` something stands in for each missing element, and its term is left out. The value that the
declaration returns holds those stand-ins, so whatever else is computed from them would be a number made of nothing. A
set of elements is followed through the graph: an element of a node is touched where an element that it is made of is.
Operations that keep the elements of plates apart carry the set along; through all others, every element is touched.
What a condition that is known leaves out of gd.where, or of a mask, touches nothing, and neither do elements of an
observation that do not count.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

import numpy as np

from gendsl.data.known import evaluate, spread
from gendsl.data.numeric import array_type
from gendsl.errors import DataError
from gendsl.graph.masks import layers
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DType

__all__ = ["refuse_readers"]

_SINKS = ("factor", "latent", "let", "observe")
_WORDS = {
    "factor": "the factor '{}'",
    "latent": "the distribution of '{}'",
    "let": "the recorded value '{}'",
    "observe": "the observation '{}'",
}
_SHORT = {"logical_and": False, "logical_or": True}
"""Operations that have a result whatever the other argument is, where one argument has this value."""


def refuse_readers(
    graph: Graph,
    arrays: Mapping[str, np.ndarray],
    missing: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    fix: str | None = None,
) -> None:
    """Raise where something that counts is computed from missing elements.

    Args:
        graph: the graph.
        arrays: the data by name, derived ones included.
        missing: which elements of an observation are missing, over its dims; by its name.
        sizes: the lengths of the plates.
        fix: what to do, with {} for the name of the observation; left out, to change the declaration or the data.

    Raises:
        DataError: naming the observation and the first such reader.
    """
    above = {name: _above(graph, graph.inputs[name]) for name, gone in missing.items() if gone.any()}
    above = {name: nodes for name, nodes in above.items() if any(_reads(graph, k, name) for k in nodes)}
    if not above:
        return
    known = evaluate(
        graph, arrays, {c for nodes in above.values() for k in nodes for c in _conditions(graph, k)}, sizes
    )
    for name, nodes in above.items():
        touched = {graph.inputs[name]: missing[name]}
        for k in nodes:
            touched[k] = _touched(graph, k, touched, known, name)
            if touched[k].any() and _reads(graph, k, name):
                raise _error(graph, name, graph.nodes[k], missing[name], fix)


def _above(graph: Graph, at: int) -> list[int]:
    """What is computed from a node, in order; not beyond latents, whose values are their own."""
    out: list[int] = []
    waiting = [*graph.users[at]]
    heapq.heapify(waiting)
    while waiting:
        k = heapq.heappop(waiting)
        if (out and out[-1] == k) or _chosen(graph, k, at):
            continue
        out.append(k)
        if graph.nodes[k].op != "latent":
            for user in graph.users[k]:
                heapq.heappush(waiting, user)
    return out


def _chosen(graph: Graph, k: int, at: int) -> bool:
    """Whether a node takes what is there of an observation, and something else for what is not: it is imputed."""
    n = graph.nodes[k]
    if n.op != "where" or n.args[1] != at or n.args[2] == at:
        return False
    condition = graph.nodes[n.args[0]]
    return condition.op == "data" and condition.attr["derived"] == ("observed", graph.nodes[at].name)


def _reads(graph: Graph, k: int, name: str) -> bool:
    n = graph.nodes[k]
    return n.op in _SINKS and not (n.op == "observe" and n.name == name)


def _masks(n: Node) -> tuple[int, ...]:
    """Which elements of a distribution or an observation count."""
    return n.args[2:] if n.op == "observe" else n.args[1:2] if n.op == "dist.Masked" else ()


def _conditions(graph: Graph, k: int) -> tuple[int, ...]:
    """The arguments that decide on which others an element depends."""
    n = graph.nodes[k]
    return n.args[:1] if n.op == "where" else n.args if n.op in _SHORT else _masks(n)


def _dims(n: Node) -> tuple[str, ...]:
    return tuple(getattr(n.type, "dims", ()))


def _touched(
    graph: Graph, k: int, touched: Mapping[int, np.ndarray], known: Mapping[int, np.ndarray], name: str
) -> np.ndarray:
    """Which elements of a node are made of missing ones, over its dims; length 1 where that does not vary."""
    n = graph.nodes[k]
    if (moved := _moved(graph, n, touched)) is not None:
        return moved
    args = n.args
    dims = _dims(graph.nodes[args[1]]) if n.op == "observe" else _dims(n)
    if n.op == "latent":  # it is drawn from what stands under masks
        args = (layers(graph, args[0])[1],)

    def laid(a: int) -> np.ndarray:
        x = touched.get(a)
        if x is None or not set(_dims(graph.nodes[a])) <= set(dims):
            return np.full((1,) * len(dims), x is not None and bool(x.any()))
        return spread(x, ArrayType(_dims(graph.nodes[a])), dims, 0)

    def surely(a: int, value: bool) -> np.ndarray:
        """Where an argument has a truth value that missing elements do not change."""
        have = graph.nodes[a].type
        if a not in known or not isinstance(have, ArrayType) or have.rank or not set(have.dims) <= set(dims):
            return np.zeros((1,) * len(dims), bool)
        truth = spread(known[a], have, dims, 0).astype(bool)
        return np.asarray((truth if value else ~truth) & ~laid(a))

    out = np.zeros((1,) * len(dims), bool)
    if n.op == "where":
        condition, yes, no = args
        chosen = (laid(yes) & ~surely(condition, False)) | (laid(no) & ~surely(condition, True))
        return np.asarray(laid(condition) | chosen)
    for a in args:
        out = out | laid(a)
    if n.op in _SHORT:
        for a in args:
            out = out & ~surely(a, _SHORT[n.op])
    for mask in _masks(n):
        out = out & ~surely(mask, False)
    return out


def _moved(graph: Graph, n: Node, touched: Mapping[int, np.ndarray]) -> np.ndarray | None:
    """The same for a part of a plate, y[late] or a lag, which is made of the elements that it is cut from."""
    if n.op != "from_event" or (shift := graph.nodes[n.args[0]]).op != "shift":
        return None
    event = graph.nodes[shift.args[0]]
    if event.op != "to_event" or len(event.attr["dims"]) != 1 or len(n.attr["dims"]) != 1:
        return None
    source, [base], [plate] = event.args[0], event.attr["dims"], n.attr["dims"]
    x, dims = touched.get(source), _dims(graph.nodes[source])
    if x is None:
        return None
    at = dims.index(base)
    if x.shape[at] > 1:
        stop = x.shape[at] - shift.attr["stop"]
        x = np.take(x, np.arange(shift.attr["start"], stop), at)
    return spread(x, ArrayType(tuple(plate if d == base else d for d in dims)), _dims(n), 0)


def _error(graph: Graph, name: str, reader: Node, gone: np.ndarray, fix: str | None) -> DataError:
    source = graph.nodes[graph.inputs[name]]
    t = array_type(source)
    words, counted = _WORDS[reader.op].format(reader.name), f"{int(gone.sum())} of {gone.size}"
    if fix is None and name not in graph.sites:  # a graph that is run forward: held, while its reader is drawn
        fix = f"give all its values, or leave '{name}' out of the data so that it is drawn"
    elif fix is None and t.dtype is DType.FLOAT and not t.rank and t.dims:
        fix = f'm.observe("{name}", ..., missing=gd.Missing.IMPUTE) infers them; or give their values'
    where = f", or mask= of '{reader.name}', False there" if reader.op == "observe" else ""
    return DataError(
        f"{words} is computed from '{name}', of which elements are missing",
        node=name,
        given=f"{counted} missing, for which gd.Missing.MASK has no values",
        needed=f"values of '{name}' wherever '{reader.name}' depends on them{where}",
        fix=(fix or "give their values, or drop those rows").format(name),
        where=source.where,
    )
