"""Factors beside observations: what a log-likelihood leaves out.

LOO, pointwise log-likelihoods and log predictive densities are of observations. `m.factor` adds a number to the
log-density and does not say whether it belongs to the prior or to the likelihood, as that of a censored row does:

    m.observe("seen", gd.Weibull(scale, k), value=t, mask=event)
    m.factor("censored", gd.where(event, 0.0, -((t / scale) ** k)))

What can be told from the graph: a factor that no data enter is a prior's; one that data enter, over a plate that an
observation runs over or with data over it, is most likely part of the likelihood, and is named.
"""

from __future__ import annotations

from gendsl.errors import warn
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.request import root

__all__ = ["like_likelihoods", "warn_of_factors"]


def like_likelihoods(graph: Graph) -> list[tuple[Node, str]]:
    """The factors of a declared graph that are most likely part of its likelihood, each with the plate shared."""
    along: list[frozenset[str]] = []  # plates of the data that a node is made of
    known: list[bool] = []  # whether it is made of data
    for n in graph.nodes:
        own = _dims(graph, n) if n.op == "data" else set()
        along.append(frozenset(own).union(*(along[a] for a in n.args)))
        known.append(n.op == "data" or any(known[a] for a in n.args))
    observed = [d for _, n in graph.of("observe") for d in sorted(along[n.args[1]] | _dims(graph, n))]
    out = []
    for i, n in graph.of("factor"):
        mine = along[i] | _dims(graph, n)
        if known[i] and (shared := [d for d in observed if d in mine]):
            out.append((n, shared[0]))
    return out


def _dims(graph: Graph, n: Node) -> set[str]:
    """The plates that a node varies over."""
    return {root(graph, d) for d in n.type.dims} if isinstance(n.type, ArrayType) else set()


def warn_of_factors(graph: Graph, what: str) -> None:
    """Warn of each factor that a log-likelihood leaves out although it is most likely part of it.

    Args:
        graph: the declared graph.
        what: what leaves it out.
    """
    for n, plate in like_likelihoods(graph):
        name = str(n.name)
        warn(
            f"{what} counts observations only, so factor '{name}' is not in it",
            node=name,
            given=f"a factor made of data along plate '{plate}', which observations run along: most likely a part of "
            "the likelihood, as that of a censored row is",
            needed="a likelihood made of observations; a factor that belongs to the prior may stay",
            fix=f'write it as an observation. A log-probability w <= 0 is that of no event: m.observe("{name}", '
            "gd.Poisson(-w), value=gd.where(there, 0, 1), mask=there), for the elements where `there` is True",
            where=n.where,
        )
