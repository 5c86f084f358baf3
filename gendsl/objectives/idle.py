"""Parameters and networks that an objective would not learn, because it reads one kind of distribution alone."""

from __future__ import annotations

from gendsl.graph.networks import networks_of
from gendsl.graph.node import Graph
from gendsl.objectives.base import Refusal

__all__ = ["idle"]


def idle(graph: Graph, who: str, kind: str) -> list[Refusal]:
    """The first parameter or network of a graph, all of which stand beside the distributions.

    Args:
        graph: the declared graph.
        who: the objective, as the user writes it.
        kind: what it learns, such as "diffusion".
    """
    found = [(str(n.name), n.where) for _, n in graph.of("param")]
    found += [(name, used.where) for name, used in networks_of(graph.nodes).items()]
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
