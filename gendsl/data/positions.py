"""Positions against lengths: every index that follows from the data must lie on the axis that it indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from gendsl.data.index import from_1, unseen
from gendsl.data.known import names_of
from gendsl.data.read import first
from gendsl.errors import DataError
from gendsl.graph.constraints import Integers
from gendsl.graph.node import Array, Graph, Node, Subgraph
from gendsl.graph.types import ArrayType, Size

__all__ = ["check_positions", "positions"]

Place = tuple[Size, int | None, int, str]
"""An axis' length, and the index: a node of the graph or, if None, a number; and the name of what is indexed."""


def positions(graph: Graph) -> list[int]:
    """The nodes that index something."""
    return [i for _, i, _, _ in _places(graph) if i is not None]


def check_positions(
    graph: Graph, known: Mapping[int, np.ndarray], sizes: Mapping[str, int], drawn: Collection[str] = ()
) -> None:
    """Compare every index whose value, or whose largest value, is known with the length of its axis.

    Args:
        graph: the graph.
        known: values of nodes.
        sizes: of plates.
        drawn: plates whose sizes a fit's draws of latents fix.

    Raises:
        DataError: if an index is out of range.
    """
    for size, index, at, source in _places(graph):
        n = sizes.get(size) if isinstance(size, str) else size
        if n is None:
            continue
        if index is None:
            x = np.asarray(at)
        elif index in known:
            x = known[index]
        else:
            t = graph.nodes[index].type
            upper = t.support.upper if isinstance(t, ArrayType) and isinstance(t.support, Integers) else None
            x = np.asarray(int(upper) if isinstance(upper, (int, float)) and np.isfinite(upper) else 0)
        bad = (x < -n) | (x >= n)
        if bad.any():
            raise _out_of_range(graph, index, x, bad, size, n, source, drawn)


def _places(graph: Graph) -> Iterator[Place]:
    yield from _within(graph, graph.nodes, {i: i for i in range(len(graph.nodes))})


def _within(graph: Graph, nodes: Iterable[Node], outer: Mapping[int, int]) -> Iterator[Place]:
    """The indices among these nodes; `outer` says which of them stand for a node of the graph."""
    nodes = tuple(nodes)
    for n in nodes:
        if n.op == "index" and isinstance(t := nodes[n.args[0]].type, ArrayType):
            yield t.event[n.attr["axis"]], None, n.attr["at"], _source(graph, outer, n)
        elif n.op == "gather" and isinstance(t := nodes[n.args[0]].type, ArrayType):
            for size, a in zip(t.event, n.args[1:], strict=False):
                if a in outer:
                    yield size, outer[a], 0, _source(graph, outer, n)
                elif nodes[a].op == "const":
                    value = nodes[a].attr["value"]
                    x = value.numpy() if isinstance(value, Array) else np.asarray(value)
                    yield from ((size, None, int(k), _source(graph, outer, n)) for k in (x.min(), x.max()))
        for step, inputs, args in _steps(n):
            yield from _within(
                graph, step.nodes, {i: outer[k] for i, k in zip(inputs, args, strict=True) if k in outer}
            )


def _steps(n: Node) -> Iterator[tuple[Subgraph, tuple[int, ...], tuple[int, ...]]]:
    """A node's step with those of its inputs that hold values of the graph, and which these are."""
    if n.op == "scan":
        k = n.attr["carries"]
        yield n.attr["step"], n.attr["step"].inputs[k:], n.args[k:]
    elif n.op == "odeint":
        yield n.attr["step"], n.attr["step"].inputs[2:], n.args[3:]
    else:
        for _, v in n.attr.get("static", ()):
            if isinstance(v, Subgraph):
                yield v, v.inputs[1:], n.args[len(n.attr["params"]) :]


def _source(graph: Graph, outer: Mapping[int, int], n: Node) -> str:
    """Words for what is indexed."""
    at = outer.get(n.args[0])
    return ", ".join(names_of(graph, at)) if at is not None else ""


def _out_of_range(
    graph: Graph,
    index: int | None,
    x: np.ndarray,
    bad: np.ndarray,
    size: Size,
    n: int,
    source: str,
    drawn: Collection[str],
) -> DataError:
    names = names_of(graph, index) if index is not None else []
    name = names[0] if names else source.split(", ")[0]
    found = graph.inputs.get(name, graph.sites.get(name))
    axis = f"plate '{size}'" if isinstance(size, str) else "an axis"
    low, high = int(x.min()), int(x.max())
    fix = "indices count from 0"
    plain = index is not None and graph.nodes[index].op in ("data", "from_event", "to_event", "shift")
    if plain and from_1(x, n, all_of_them=size in drawn):
        fix += f': give data["{name}"] - 1'
    elif plain and size in drawn and low >= 0:
        fix = unseen(str(size), name, n, x)
    elif plain and isinstance(size, str):
        fix += f'; for labels, declare m.data("{name}", ..., indexes="{size}")'
    else:
        fix += f": the last element is {n - 1}"
    given = f"values from {low} to {high}, the first bad one {first(bad, name)} = {x[bad][0]}" if x.ndim else f"{x}"
    computed = "" if plain or not names else f", computed from {', '.join(names)}"
    return DataError(
        "an index is out of range",
        node=name or None,
        given=given + computed,
        needed=f"0 to {n - 1}, for the {n} elements of {axis}" + (f" of {source}" if source else ""),
        fix=fix,
        where=None if found is None else graph.nodes[found].where,
    )
