"""A step of a recurrence evaluated at all its elements at once.

A node of the step becomes a node of the enclosing graph. A sequence's element becomes the sequence, with the plate of
the recurrence as a dim; what is computed from it has that dim too, by the rules that hold for any plate. A carry's
value before each step is the sequence of its values after each step, delayed by one, once those are known.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace

from gendsl.errors import Location
from gendsl.graph.infer import infer_node
from gendsl.graph.node import Array, Graph, Node, Subgraph
from gendsl.graph.ops import Problem
from gendsl.graph.types import ArrayType, DistType, DType, Size, TupleType
from gendsl.passes.algebra import Num, call
from gendsl.passes.rewrite import Rewriter

__all__ = ["Lift", "needed"]


def needed(step: Subgraph, roots: Iterable[int], known: Container[int] = ()) -> list[int]:
    """The nodes that the roots are computed from, in order, down to those that are known."""
    wanted = {i for i in roots if i not in known}
    for i in range(len(step.nodes) - 1, -1, -1):
        if i in wanted:
            wanted.update(a for a in step.nodes[i].args if a not in known)
    return sorted(wanted)


@dataclass
class Lift:
    """A step under evaluation.

    Attributes:
        r: the graph under rewriting.
        step: the step.
        time: the plate that the recurrence runs along.
        length: its length.
        reverse: whether it starts at the end.
        inits: the first value of each carry, in the new graph.
        after: the values of carries after each step, where they are known.
        new: nodes of the step -> nodes of the new graph; sequences and captures from the start.
    """

    r: Rewriter
    step: Subgraph
    time: str
    length: Size
    reverse: bool
    inits: tuple[Num, ...]
    after: dict[int, Num] = field(default_factory=dict)
    new: dict[int, int] = field(default_factory=dict)

    def value(self, root: int) -> Num:
        """A node of the step.

        Raises:
            Problem: if it holds a step of its own, or runs along a plate.
        """
        carries = {i: k for k, i in enumerate(self.step.inputs[: len(self.inits)])}
        for i in needed(self.step, [root], self.new):
            if i in carries:
                self.new[i] = self.before(carries[i]).i
            else:
                n = self.step.nodes[i]
                self.new[i] = self._add(n, tuple(self.new[a] for a in n.args), n.where)
        return Num(self.r, self.new[root])

    def _add(self, n: Node, args: tuple[int, ...], where: Location | None) -> int:
        held = [n.type, *dict(n.attr.get("static", ())).values(), *n.attr.values()]
        if any(isinstance(x, Subgraph | TupleType) or (isinstance(x, DistType) and x.joint) for x in held):
            raise Problem(f"{n.op} inside a step is not evaluated for all steps at once")
        t = infer_node(n.op, [self.r.nodes[a].type for a in args], n.attr, args)
        if isinstance(t, ArrayType) and isinstance(n.type, ArrayType) and not n.type.support.dynamic:
            t = replace(t, support=n.type.support)  # the values are the step's, so they lie where the step's lie
        self.r.nodes.append(Node(n.op, args, n.attrs, t, None, where))
        return len(self.r.nodes) - 1

    def before(self, k: int) -> Num:
        """The values of a carry before each step."""
        init = self.inits[k]
        if self.after[k].i == init.i:  # it never changes
            return init
        x = self.along(self.shaped(self.after[k], init.type.event))
        return self.back(call("delay", x, init, reverse=self.reverse), self.step.nodes[self.step.inputs[k]])

    def final(self, k: int) -> Num:
        """The value of a carry after the last step."""
        init = self.inits[k]
        if self.after[k].i == init.i:
            return init
        x = self.along(self.shaped(self.after[k], init.type.event))
        return call("index", x, axis=-x.type.rank, at=0 if self.reverse else -1)

    def known(self, k: int, after: Num) -> None:
        """Note the values of a carry after each step, which are those of the step's result."""
        self.after[k] = after
        self.new.setdefault(self.step.outputs[k], after.i)

    # -- between the plate and an event axis -----------------------------------------------------------------------
    def along(self, x: Num) -> Num:
        """A value with the recurrence's elements as leading event axis; repeated where it does not vary."""
        x = self.wide(x, (self.time,))
        source = self.r.nodes[x.i]
        if source.op == "from_event" and source.attr["dims"] == (self.time,):
            return Num(self.r, source.args[0])
        return call("to_event", x, dims=(self.time,), sizes=(self.length,))

    def back(self, x: Num, like: Node | None = None) -> Num:
        """The leading event axis as the plate; `like` is a node of the step with the same values."""
        out = call("from_event", x, dims=(self.time,))
        return out if like is None else self.like(out, like)

    def like(self, x: Num, n: Node) -> Num:
        """A value just made, with the support of a node of the step that has the same values."""
        t = n.type
        if isinstance(t, ArrayType) and not t.support.dynamic:
            self.r.nodes[x.i] = replace(self.r.nodes[x.i], type=replace(x.type, support=t.support))
        return x

    def varies(self, x: Num) -> bool:
        """Whether a value varies along the recurrence."""
        return self.time in x.type.dims

    def wide(self, x: Num, dims: tuple[str, ...]) -> Num:
        """A value with all of the dims, repeated along those that it lacks."""
        kind = x.type.dtype
        zero: float | bool = {DType.FLOAT: 0.0, DType.INT: 0, DType.BOOL: False}[kind]
        for d in dims:
            if d not in x.type.dims:
                row = call("broadcast_event", x.const(zero), shape=(self._size(d),))
                x = call("logical_or" if kind is DType.BOOL else "add", x, call("from_event", row, dims=(d,)))
        return x

    def _size(self, plate: str) -> Size:
        return self.length if plate == self.time else root(self.r.graph, plate)

    def shaped(self, x: Num, event: tuple[Size, ...]) -> Num:
        """A value with an event shape that it broadcasts to."""
        return x if x.type.event == event else call("broadcast_event", x, shape=event)

    def const(self, value: float | Array) -> Num:
        """A constant of the new graph."""
        return Num(self.r, self.r.add("const", (), value=value))


def root(graph: Graph, plate: str) -> str:
    """The plate whose size a plate has: a copy under another name has its base's."""
    p = graph.plate[plate]
    while p.base is not None and p.start == p.stop == 0:
        p = graph.plate[p.base]
    return p.name
