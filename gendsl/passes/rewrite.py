"""Rewriting a graph: a pass walks the nodes in order and keeps, replaces or adds; every node is typed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from gendsl.errors import Location
from gendsl.graph.infer import infer_node
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, Type

__all__ = ["Rewriter", "rewrite"]


@dataclass
class Rewriter:
    """A graph under rewriting.

    Attributes:
        graph: the graph that is read.
        nodes: the new nodes.
        map: old index -> new index.
        notes: what was done, in words.
    """

    graph: Graph
    nodes: list[Node] = field(default_factory=list)
    map: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        op: str,
        args: Sequence[int],
        name: str | None = None,
        where: Location | None = None,
        **attrs: Any,
    ) -> int:
        """Add a node on new indices."""
        t = infer_node(op, [self.nodes[a].type for a in args], attrs, args)
        self.nodes.append(Node(op, tuple(args), tuple(sorted(attrs.items())), t, name, where))
        return len(self.nodes) - 1

    def const(self, value: float) -> int:
        """Add a number."""
        return self.add("const", (), value=value)

    def dist(
        self, family: str, params: dict[str, int], expand: tuple[Any, ...] = (), static: tuple[Any, ...] = ()
    ) -> int:
        """Add a distribution."""
        return self.add(f"dist.{family}", tuple(params.values()), params=tuple(params), expand=expand, static=static)

    def keep(self, i: int) -> int:
        """Copy a node, with its arguments where they went."""
        n = self.graph.nodes[i]
        args = tuple(self.map[a] for a in n.args)
        unchanged = args == n.args and all(self.nodes[a].type is self.graph.nodes[a].type for a in args)
        t = n.type if unchanged else infer_node(n.op, [self.nodes[a].type for a in args], dict(n.attrs), args)
        self.nodes.append(Node(n.op, args, n.attrs, t, n.name, n.where))
        return len(self.nodes) - 1

    def keep_all(self) -> Self:
        """Copy every node, for a graph to which others are added."""
        for i, _ in self.graph:
            self.map[i] = self.keep(i)
        return self

    def type(self, i: int) -> Type:
        """The type of a new node."""
        return self.nodes[i].type

    def array(self, i: int) -> ArrayType:
        """The type of a new node that is a value."""
        t = self.nodes[i].type
        if not isinstance(t, ArrayType):
            raise TypeError(f"not a value: {t}")
        return t

    def free_name(self, wanted: str) -> str:
        """A site name that the graph does not have."""
        taken = {n.name for n in (*self.graph.nodes, *self.nodes)} | set(self.graph.plate)
        name, k = wanted, 2
        while name in taken:
            name, k = f"{wanted}_{k}", k + 1
        return name

    def finish(self) -> Graph:
        """The new graph."""
        return Graph(self.graph.name, tuple(self.nodes), self.graph.plates, self.graph.axes)


def rewrite(graph: Graph, visit: Callable[[Rewriter, int, Node], int | None]) -> tuple[Graph, list[str]]:
    """Visit every node in order; `visit` returns the new index that stands for it, or None to keep it as it is."""
    r = Rewriter(graph)
    for i, n in graph:
        new = visit(r, i, n)
        r.map[i] = r.keep(i) if new is None else new
    return r.finish(), r.notes


def dist_of(graph: Graph, n: Node) -> tuple[Node, DistType]:
    """The distribution node of a latent or observe node, and its type."""
    d = graph.nodes[n.args[0]]
    if not isinstance(d.type, DistType):
        raise TypeError(f"not a distribution: {d.type}")
    return d, d.type
