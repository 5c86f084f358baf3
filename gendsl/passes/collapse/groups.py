"""Parameters that depend on the row through an index alone: theta[county].

Rows of one group share their parameters, so the sums are taken group by group. A parameter is read back to `gather`s
with indices that are data; between them and the parameter there may be elementwise operations with values that no row
changes. It is then written over the groups, which are event axes, as it was over the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.graph.node import Node
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType, Size
from gendsl.passes.algebra import Num
from gendsl.passes.rewrite import Rewriter

__all__ = ["Groups", "by_group"]


@dataclass(frozen=True)
class Groups:
    """Groups of rows.

    Attributes:
        index: the indices, over the rows.
        sizes: how many groups there are along each.
    """

    index: tuple[Num, ...]
    sizes: tuple[Size, ...]


def by_group(r: Rewriter, roots: list[int], known: tuple[bool, ...]) -> tuple[list[Num], Groups] | None:
    """Parameters, nodes of the old graph, over the groups that they all share; None where they do not."""
    reader = _Reader(r, known)
    out = [reader.run(i) for i in roots]
    if reader.groups is None or any(x is None for x in out):
        return None
    return [x for x in out if x is not None], reader.groups


class _Reader:
    def __init__(self, r: Rewriter, known: tuple[bool, ...]) -> None:
        self.r, self.graph, self.known = r, r.graph, known
        self.groups: Groups | None = None
        self.index: tuple[int, ...] = ()

    def run(self, root: int) -> Num | None:
        """One parameter."""
        inner, todo = set(), [root]
        while todo:
            i = todo.pop()
            if i not in inner:
                inner.add(i)
                todo += () if self._ends(i) else self.graph.nodes[i].args
        new: dict[int, Num] = {}
        for i in sorted(inner):
            x = self._node(i, self.graph.nodes[i], new)
            if x is None:
                return None
            new[i] = x
        return new[root]

    def _ends(self, i: int) -> bool:
        n = self.graph.nodes[i]
        return n.op == "gather" or isinstance(n.type, ArrayType) and not n.type.dims

    def _node(self, i: int, n: Node, new: dict[int, Num]) -> Num | None:
        if not isinstance(n.type, ArrayType) or n.type.rank:
            return None
        if not n.type.dims:
            return Num(self.r, self.r.map[i])
        if n.op == "gather":
            return self._gathered(n)
        if n.op == "let":
            return new[n.args[0]]
        if n.op not in OPS or not OPS[n.op].elementwise or not self.graph.random[i]:
            return None
        return Num(self.r, self.r.add(n.op, [new[a].i for a in n.args], **n.attr))

    def _gathered(self, n: Node) -> Num | None:
        source, index = n.args[0], n.args[1:]
        t = self.graph.nodes[source].type
        data = all(not self.graph.random[i] and self.known[i] for i in index)
        if not isinstance(t, ArrayType) or t.dims or t.rank != len(index) or not data:
            return None
        if self.groups is None:
            self.index = index
            self.groups = Groups(tuple(Num(self.r, self.r.map[i]) for i in index), t.event)
        return Num(self.r, self.r.map[source]) if (self.index, self.groups.sizes) == (index, t.event) else None
