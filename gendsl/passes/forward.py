"""A graph to be run forward: drawn observations become latents, and only what is asked for stays.

An observation `y` whose values are data of its own becomes a latent, and whatever was computed from those data after it
was declared is computed from the draw: with x ~ N(0, 1) and y ~ N(x, 1), both observed, drawing both draws y given the
drawn x. Missing elements are drawn like the others: the latents that would impute them go. An observation of an
expression (`value=y[late]`) is drawn too, but what its distribution depends on stays data.

No latent is rewritten here (no bounds, no non-centring): each is drawn from its prior as declared, so that what a fit
has drawn under a declared name can be set, in the user's layout.
"""

from __future__ import annotations

from collections.abc import Collection

from gendsl.graph.node import Graph, Node
from gendsl.graph.types import DistType
from gendsl.passes.rewrite import Rewriter

__all__ = ["forward", "imputing"]


def forward(
    graph: Graph,
    wanted: Collection[str],
    drawn: Collection[str],
    kept: Collection[str] = (),
    as_data: tuple[Collection[str], Collection[str]] = ((), ()),
) -> Graph:
    """The part of a declared graph that gives the wanted sites.

    Args:
        graph: the declared graph.
        wanted: names of latents, recorded values and observations.
        drawn: observations that are drawn; others are held at their data.
        kept: data that stay although nothing uses them: their shapes and labels tell sizes of plates.
        as_data: held observations whose missing elements are not imputed: those without any, whose data then stand
            for them everywhere, and those with some, which do not count.
    """
    r = Rewriter(graph)
    for i, n in graph:
        if n.op == "observe" and n.name in drawn:
            r.map[i] = _draw(r, n)
        elif n.op == "observe" and any(n.name in names for names in as_data):
            r.map[i] = _hold(r, n, n.name in as_data[0])
        else:
            r.map[i] = r.keep(i)
    return _only(r.finish(), wanted, kept)


def imputing(graph: Graph) -> dict[str, str]:
    """The latents that stand for missing elements: latent -> the observation that they belong to."""
    plates = {
        n.attr["indexes"]: n.attr["derived"][1]
        for _, n in graph.of("data")
        if n.attr["derived"] and n.attr["derived"][0] == "missing_position"
    }
    return {str(n.name): plates[d] for _, n in graph.of("latent") for d in n.attr["dims"] if d in plates}


def _draw(r: Rewriter, n: Node) -> int:
    graph, name = r.graph, str(n.name)
    own = graph.inputs.get(name)
    axes = graph.nodes[own].attr["axes"] if own is not None else ()
    attrs = {"dims": r.array(r.map[n.args[1]]).dims, "centered": True, "axes": axes}
    new = r.add("latent", (r.map[n.args[0]],), name, n.where, **attrs)
    if own is None:
        return new
    dist = graph.nodes[n.args[0]].type
    joint = dist.joint if isinstance(dist, DistType) else ()
    shown = r.add("from_event", (new,), dims=joint) if joint else new
    seen = graph.nodes[n.args[1]].args[0] if joint else n.args[1]  # the data, or the data with imputed elements
    r.map[n.args[1]], r.map[seen], r.map[own] = new, shown, shown
    return new


def _hold(r: Rewriter, n: Node, whole: bool) -> int:
    """An observation of its data, where they are not imputed."""
    own = r.map[r.graph.inputs[str(n.name)]]
    dist = r.graph.nodes[n.args[0]].type
    joint = dist.joint if isinstance(dist, DistType) else ()
    seen = r.graph.nodes[n.args[1]]
    value = r.add("to_event", (own,), **seen.attr) if joint else own
    out = r.add("observe", (r.map[n.args[0]], value, *(r.map[m] for m in n.args[2:])), n.name, n.where)
    if whole:
        r.map[n.args[1]] = value
        r.map[seen.args[0] if joint else n.args[1]] = own
    return out


def _only(graph: Graph, wanted: Collection[str], kept: Collection[str]) -> Graph:
    """The nodes that the wanted sites need, and the data that are kept."""
    derived = {n.name for _, n in graph.of("data") if n.attr["derived"] and n.attr["derived"][1] in kept}
    data = set(kept) | {name for name in derived if _kind(graph, name) == "observed"}
    needed = [n.name in wanted and n.op != "data" or n.op == "data" and n.name in data for n in graph.nodes]
    for i in range(len(needed) - 1, -1, -1):
        if needed[i]:
            for a in graph.nodes[i].args:
                needed[a] = True
    r = Rewriter(graph)
    for i, _ in graph:
        if needed[i]:
            r.map[i] = r.keep(i)
    return r.finish()


def _kind(graph: Graph, name: str | None) -> str:
    derived = graph.nodes[graph.inputs[str(name)]].attr["derived"]
    return str(derived[0]) if derived else ""
