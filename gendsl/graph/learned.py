"""What of a graph has learned parameters under a name: its networks, and its learned distributions.

A learned distribution is a node `dist.<family>` whose statics hold a density (`spec`) and the name of its parameters
(`name`), the site's unless one was given; distributions of one name share parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gendsl.densities import Density
from gendsl.errors import Location, ModelError
from gendsl.graph.networks import Used, networks_of
from gendsl.graph.node import Graph, Node, subgraphs
from gendsl.graph.types import DistType

__all__ = ["Learned", "UsedDensity", "context_of", "densities", "learned_of", "parts"]


@dataclass(frozen=True)
class UsedDensity:
    """A learned distribution as a graph uses it.

    Attributes:
        name: the name of its parameters.
        spec: what it is.
        event: event shape of a draw.
        where: the line of its first use.
    """

    name: str
    spec: Density
    event: tuple[int, ...]
    where: Location | None


Learned = Used | UsedDensity


def densities(nodes: Sequence[Node]) -> Iterator[UsedDensity]:
    """Every learned distribution, those in steps where their step stands.

    Raises:
        ModelError: if one has no name.
    """
    for n in nodes:
        static = dict(n.attr["static"]) if n.op.startswith("dist.") else {}
        spec, t = static.get("spec"), n.type
        if isinstance(spec, Density) and isinstance(t, DistType):
            event = t.event[t.rank - t.family_rank :]
            yield UsedDensity(_named(static.get("name"), n), spec, event, n.where)  # type: ignore[arg-type]
        for step in subgraphs(n):
            yield from densities(step.nodes)


def learned_of(nodes: Sequence[Node]) -> dict[str, Learned]:
    """All of it by name: networks, then distributions, in order of their first use.

    Raises:
        ModelError: if two of one name differ in their spec or their event.
    """
    out: dict[str, Learned] = dict(networks_of(nodes))
    for d in densities(nodes):
        first = out.setdefault(d.name, d)
        if (first.spec, first.event) != (d.spec, d.event):
            raise ModelError(
                f"two things of the model learn parameters named '{d.name}'",
                node=d.name,
                given=f"{d.spec!r}, event {d.event}, after {first.spec!r}, event {first.event}"[:200],
                needed="equal distributions of one event shape, which then share parameters",
                fix="give each its own name",
                where=d.where,
            )
    return out


def parts(graph: Graph, site: Node) -> Iterator[Node]:
    """The distribution of a site, and those that it is made of."""
    todo = [site.args[0]]
    while todo:
        d = graph.nodes[todo.pop()]
        yield d
        todo += [a for a in d.args if isinstance(graph.nodes[a].type, DistType)]


def context_of(dist: Node) -> int | None:
    """The node of the context that a distribution is conditional on; None where there is none."""
    names = dist.attr["params"]
    return dist.args[names.index("context")] if "context" in names else None


def _named(name: object, n: Node) -> str:
    if isinstance(name, str) and name:
        return name
    raise ModelError(
        "a learned distribution outside a site needs a name for its parameters",
        node=n.op.removeprefix("dist."),
        given="no name",
        needed="a name, under which its parameters are found",
        fix='name="..." in its declaration',
        where=n.where,
    )
