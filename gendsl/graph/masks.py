"""Which elements of a draw count: masks of an observation, and those around its distribution."""

from __future__ import annotations

from gendsl.graph.node import Graph, Node

__all__ = ["layers", "masks"]


def layers(graph: Graph, dist: int) -> tuple[tuple[Node, ...], int]:
    """The masked distributions around one, the outermost first, and that one; the arguments of each: base, mask."""
    out: list[Node] = []
    while (n := graph.nodes[dist]).op == "dist.Masked":
        out.append(n)
        dist = n.args[0]
    return tuple(out), dist


def masks(graph: Graph, site: Node) -> tuple[int, ...]:
    """All masks of an observation or a latent: an element counts where all hold."""
    return (*site.args[2:], *(n.args[1] for n in layers(graph, site.args[0])[0]))
