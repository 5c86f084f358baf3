"""The networks of a graph: which there are, on what events they are called, and what they are.

A call is a node `network` whose attributes are the network's name and its spec; calls of one name share parameters, so
they have one spec and one event shape. Calls may stand in steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gendsl.errors import Location, ModelError
from gendsl.graph.node import Node, subgraphs
from gendsl.graph.types import ArrayType
from gendsl.networks import Network

__all__ = ["Used", "calls", "calls_at", "check_alike", "networks_of"]


@dataclass(frozen=True)
class Used:
    """A network as a graph uses it.

    Attributes:
        name: its name.
        spec: what it is.
        event: event shape of its input.
        where: the line of its first call.
    """

    name: str
    spec: Network
    event: tuple[int, ...]
    where: Location | None


def calls(nodes: Sequence[Node]) -> Iterator[Used]:
    """Every call, those in steps where their step stands."""
    for n in nodes:
        yield from calls_at(nodes, n)


def calls_at(nodes: Sequence[Node], n: Node) -> Iterator[Used]:
    """The calls that a node is or holds."""
    if n.op == "network":
        t = nodes[n.args[0]].type
        if not isinstance(t, ArrayType):
            raise TypeError("a network's input is a value")
        yield Used(n.attr["network"], n.attr["spec"], t.event, n.where)  # type: ignore[arg-type]
    for step in subgraphs(n):
        yield from calls(step.nodes)


def networks_of(nodes: Sequence[Node]) -> dict[str, Used]:
    """The networks by name, in order of their first calls.

    Raises:
        ModelError: if two calls of one name differ in their spec or their event.
    """
    out: dict[str, Used] = {}
    for call in calls(nodes):
        first = out.setdefault(call.name, call)
        check_alike(first, call)
    return out


def check_alike(first: Used, call: Used) -> None:
    """Raise a ModelError unless two calls of one name can share parameters."""
    if (first.spec, first.event) == (call.spec, call.event):
        return
    same = first.spec == call.spec
    raise ModelError(
        f"network '{call.name}' is called on two event shapes" if same else f"two networks are named '{call.name}'",
        node=call.name,
        given=f"event {call.event}, after {first.event}" if same else f"{call.spec!r}, after {first.spec!r}",
        needed="one event shape for all calls, which share the parameters" if same else "one name for each network",
        fix="declare a second network, with another name",
        where=call.where,
    )
