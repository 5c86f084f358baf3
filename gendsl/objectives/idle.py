"""Parameters and networks that an objective would not learn, because it reads one kind of distribution alone."""

from __future__ import annotations

from gendsl.graph.networks import calls_at, networks_of
from gendsl.graph.node import Graph
from gendsl.objectives.base import Refusal

__all__ = ["idle"]


def idle(graph: Graph, who: str, kind: str) -> list[Refusal]:
    """The first parameter or network of a graph that no observation's distribution depends on, not by its context.

    Args:
        graph: the declared graph.
        who: the objective, as the user writes it.
        kind: what it learns, such as "diffusion".
    """
    reached = _reached(graph)
    found = [(str(n.name), n.where) for _, n in graph.of("param")]
    found += [(name, used.where) for name, used in networks_of(graph.nodes).items()]
    found = [(name, where) for name, where in found if name not in reached]
    return [
        Refusal(
            f"no {kind} depends on '{name}', so {who} does not learn it",
            node=name,
            given=f"'{name}' beside the network of the {kind}",
            needed=f"a model of a {kind} alone",
            fix=f"leave '{name}' out, or declare it in a model of its own",
            where=where,
        )
        for name, where in found[:1]
    ]


def _reached(graph: Graph) -> set[str]:
    """The parameters and networks that the distributions of observations depend on."""
    needed = {n.args[0] for _, n in graph.of("observe")}
    out: set[str] = set()
    for i in range(len(graph.nodes) - 1, -1, -1):
        if i in needed:
            n = graph.nodes[i]
            needed.update(n.args)
            out |= {str(n.name)} if n.op == "param" else {used.name for used in calls_at(graph.nodes, n)}
    return out
