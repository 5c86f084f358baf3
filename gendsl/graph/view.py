"""A graph as networkx graphs: every node, or the sites alone.

networkx is a view here, for drawing and for its algorithms; it is imported when a view is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.graph.networks import calls_at
from gendsl.graph.node import Graph, Node
from gendsl.graph.show import dims_of, joint_of, own_data
from gendsl.graph.types import ArrayType, DistType

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SITE_OPS", "digraph", "site_graph"]

SITE_OPS = ("data", "param", "latent", "let", "observe", "factor")


def digraph(graph: Graph) -> nx.MultiDiGraph:
    """Every node and every argument.

    Args:
        graph: the graph.

    Returns:
        A graph whose nodes are the indices 0, 1, ..., with `op`, `name`, `type` (in words), and, for values and
        distributions, `dims`, `event`, `dtype` and `support`; and whose edges go from an argument to its user, with the
        argument's `position` as attribute and key, so that `x * x` has two.
    """
    import networkx as nx

    out = nx.MultiDiGraph(name=graph.name)
    for i, n in graph:
        out.add_node(i, op=n.op, name=n.name, type=str(n.type), **_typed(n))
        out.add_edges_from((a, i, k, {"position": k}) for k, a in enumerate(n.args))
    return out


def _typed(n: Node) -> dict[str, Any]:
    t = n.type
    if not isinstance(t, (ArrayType, DistType)):
        return {}
    return {"dims": t.dims, "event": t.event, "dtype": str(t.dtype), "support": str(t.support)}


def site_graph(graph: Graph) -> nx.DiGraph:
    """The sites, with an edge wherever one depends on another through deterministic nodes alone.

    An observation and the data of the same name are one node, of kind "observe". One walk over the graph: the sites
    that a deterministic node depends on are a bit mask, which is dropped after its last use.

    Args:
        graph: the graph.

    Returns:
        A graph whose nodes are the names of the sites, and of the networks where they are first called, in order, with
        `kind` (their operation; "network"), `index`, `plates` (all plates that the site is in), `joint` (those over
        which its distribution is joint, and so are not independent), `event` (event axes besides those of joint
        plates), `dtype`, and `derived`, True for data that are computed from other data (where they are missing). A
        network stands for its parameters: what depends on its calls depends on it, and it depends on nothing.
    """
    import networkx as nx

    places = [i for i, n in graph if n.op in SITE_OPS and n.name is not None]
    networks = {i: called for i, n in graph if (called := [u.name for u in calls_at(graph.nodes, n)])}
    edges = list(_edges(graph, places, networks))
    own = own_data(graph)
    for a, b in edges:  # data that a site before the observation depends on stay apart: no cycles
        if isinstance(a, int) and a in own and b < own[a]:
            del own[a]
    names = {i: str(graph.nodes[i].name) for i in places}
    for d in own_data(graph).keys() - own.keys():
        names[d] += " (data)"
    out = nx.DiGraph(name=graph.name)
    for i in sorted({*places, *networks}):
        for name in networks.get(i, ()):
            if name not in out:
                out.add_node(name, **_NETWORK, index=i)
        if i in names and i not in own:
            out.add_node(names[i], **_described(graph, i))
    for a, b in edges:
        source = a if isinstance(a, str) else names[own.get(a, a)]
        if source != names[b] and b not in own:
            out.add_edge(source, names[b])
    return out


_NETWORK: dict[str, Any] = {
    "kind": "network", "plates": (), "joint": (), "event": (), "dtype": "float", "derived": False,
}  # fmt: skip


def _described(graph: Graph, i: int) -> dict[str, Any]:
    n = graph.nodes[i]
    t = n.type
    if not isinstance(t, ArrayType):
        raise TypeError(f"a site is a value: {n.name}")
    joint = joint_of(graph, n)
    return {
        "kind": n.op,
        "index": i,
        "plates": dims_of(graph, n),
        "joint": joint,
        "event": t.event[len(joint) :],
        "dtype": str(t.dtype),
        "derived": n.op == "data" and n.attr["derived"] is not None,
    }


def _edges(graph: Graph, places: list[int], networks: dict[int, list[str]]) -> Iterator[tuple[int | str, int]]:
    """Pairs (site or network, site that depends on it), each once; `networks` are called at nodes."""
    sources: list[int | str] = [*places, *dict.fromkeys(name for names in networks.values() for name in names)]
    bit = {source: k for k, source in enumerate(sources)}
    last = {a: i for i, n in graph for a in n.args}  # the last user of a node
    masks: dict[int, int] = {}
    for i, n in graph:
        mask = 0
        for a in n.args:
            mask |= masks[a]
        for name in networks.get(i, ()):
            mask |= 1 << bit[name]
        for a in n.args:
            if last[a] == i:
                masks.pop(a, None)
        if i in bit:
            yield from ((sources[k], i) for k in _bits(mask))
            mask = 1 << bit[i]
        if i in last:
            masks[i] = mask


def _bits(mask: int) -> list[int]:
    """The positions of the ones."""
    raw = np.frombuffer(mask.to_bytes((mask.bit_length() + 7) // 8, "little"), np.uint8)
    positions: list[int] = np.flatnonzero(np.unpackbits(raw, bitorder="little")).tolist()
    return positions
