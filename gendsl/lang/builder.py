"""The mutable side of a graph: nodes are typed as they are added, so a mistake fails on the line that makes it.

A builder may have a parent: it then records a step (of a scan, an ODE, a Markov chain), and a value of the parent that
the step uses becomes an input of the step, a *capture*. An operation on outer values alone is added outside, and so is
computed once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gendsl.errors import Location, ModelError, caller
from gendsl.graph.infer import infer_node
from gendsl.graph.node import Array, Axis, Graph, Node, Plate, Subgraph
from gendsl.graph.ops import Problem
from gendsl.graph.types import ArrayType, Size, Type
from gendsl.networks import Network

if TYPE_CHECKING:
    from gendsl.lang.expr import Expr

__all__ = ["Builder", "identity", "model_error"]


def model_error(problem: Problem, node: str | None, where: Location | None, given: str | None = None) -> ModelError:
    """A Problem as the error that the user sees."""
    return ModelError(
        problem.problem,
        node=node,
        given=problem.given or given,
        needed=problem.needed,
        fix=problem.fix,
        where=where,
    )


def identity(name: str) -> str:
    """What tells a name from others: Python takes identifiers that are equal under NFKC for one."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


_Mark = tuple[int, dict[str, Location | None], dict[str, Plate], dict[str, Axis], dict[str, Network]]


class Builder:
    """Nodes, plates and axes under construction."""

    def __init__(self, name: str, parent: Builder | None = None) -> None:
        self.name = name
        self.parent = parent
        self.nodes: list[Node] = []
        self.captures: dict[int, int] = {}
        self.plates: dict[str, Plate] = parent.root.plates if parent else {}
        self.axes: dict[str, Axis] = parent.root.axes if parent else {}
        self.networks: dict[str, Network] = parent.root.networks if parent else {}
        self.names: dict[str, Location | None] = {}  # by identity
        self.closed_dims: frozenset[str] = frozenset()

    @property
    def root(self) -> Builder:
        """The builder of the model itself."""
        builder = self
        while builder.parent is not None:
            builder = builder.parent
        return builder

    def type(self, node: int) -> Type:
        """The type of a node."""
        return self.nodes[node].type

    def label(self, node: int) -> str:
        """Words for a node in messages: its name, or its operation."""
        n = self.nodes[node]
        return f"'{n.name}' ({n.type})" if n.name else f"{n.op.removeprefix('dist.')} ({n.type})"

    def append(
        self,
        op: str,
        args: Sequence[int],
        attrs: dict[str, Any],
        name: str | None = None,
        where: Location | None = None,
    ) -> int:
        """Type a node and add it; raises ModelError at the declaring line."""
        try:
            type_ = infer_node(op, [self.nodes[a].type for a in args], attrs, args)
        except Problem as e:
            given = "; ".join(self.label(a) for a in args) or None
            if e.given is not None and (of := [n for a in args if (n := self.nodes[a].name)]):
                e.given += f" (in {', '.join(map(repr, of))})"
            called = attrs["network"] if op == "network" else op.removeprefix("dist.")
            raise model_error(e, name or called, where or caller(), given) from None
        self.nodes.append(Node(op, tuple(args), tuple(sorted(attrs.items())), type_, name, where))
        return len(self.nodes) - 1

    def constant(self, value: Any) -> int:
        """A constant node; scalars stay Python numbers."""
        import numpy as np

        try:
            x = np.asarray(value)
        except (ValueError, TypeError):
            x = np.asarray("?")
        if x.dtype.kind not in "biuf":
            raise ModelError(
                "a value must be a number, an array of numbers or an expression",
                given=f"{type(value).__name__}: {value!r}"[:120],
                fix="return a value from the function" if value is None else "give numbers, all rows of one length",
                where=caller(),
            )
        if x.dtype.kind == "u" and x.size and x.max() > np.iinfo(np.int64).max:
            raise ModelError(
                "an integer is too large",
                given=f"{value!r}"[:120],
                needed=f"integers up to {np.iinfo(np.int64).max}",
                fix="give it as a float",
                where=caller(),
            )
        x = x.astype(np.int64) if x.dtype.kind == "u" else x
        attr: Any = x.item() if x.ndim == 0 else Array.of(x)
        return self.append("const", (), {"value": attr})

    def capture(self, outer: int) -> int:
        """The input that stands for a node of the parent."""
        if outer not in self.captures:
            assert_parent = self.parent
            if assert_parent is None:
                raise RuntimeError("a model's own graph captures nothing")
            t = assert_parent.type(outer)
            if isinstance(t, ArrayType) and (bad := self.closed_dims & set(t.dims)):
                raise ModelError(
                    f"a value that varies along '{min(bad)}' is used inside a step along '{min(bad)}'",
                    given=assert_parent.label(outer),
                    needed="one element for each step",
                    fix="pass it to gd.scan as a sequence, and use the step's argument",
                    where=caller(),
                )
            self.captures[outer] = self.append("input", (), {"type": t})
        return self.captures[outer]

    def lift(self, expr: Expr) -> int:
        """The index of an expression in this builder, through captures where it belongs to an outer one."""
        if expr.builder is self:
            return expr.node
        chain: list[Builder] = []
        at: Builder | None = self
        while at is not None and at is not expr.builder:
            chain.append(at)
            at = at.parent
        if at is None and expr.builder.root is self.root:
            raise ModelError(
                "a value made inside a step is used outside it",
                given=expr.builder.label(expr.node),
                needed="values that are declared outside, or that the step returns",
                fix="return it from the step; a random step is gd.Markov, or innovations passed in as a sequence",
                where=caller(),
            )
        if at is None:
            raise ModelError(
                f"an expression of model '{expr.builder.root.name}' is used in "
                + (f"model '{self.root.name}'" if self.root.name != expr.builder.root.name else "a copy of it"),
                given=expr.builder.label(expr.node),
                needed="expressions of one model",
                fix=self._home_of(expr),
                where=caller(),
            )
        node = expr.node
        for builder in reversed(chain):
            node = builder.capture(node)
        return node

    def _home_of(self, expr: Expr) -> str:
        """What to do about an expression of another model."""
        nodes = expr.builder.nodes
        plates = [p for n in self._above(nodes, expr.node) if (p := n.attr.get("plate")) in self.plates]
        if plates:
            return f'take the plate from this model: model.plates["{plates[0]}"]'
        name = nodes[expr.node].name
        if name is not None and any(n.name == name for n in self.root.nodes):
            return f'take it from this model: model["{name}"]'
        return "declare the value in this model too, or build both parts in one model"

    @staticmethod
    def _above(nodes: Sequence[Node], node: int) -> list[Node]:
        """A node and what it is made of, while that has no name."""
        todo, out = [node], []
        while todo:
            n = nodes[todo.pop()]
            out.append(n)
            todo.extend(a for a in n.args if nodes[a].name is None)
        return out

    def root_size(self, plate: str) -> str:
        """The plate whose size this plate has: a copy made by `rename` has its base's."""
        p = self.plates[plate]
        while p.base is not None and p.start == p.stop == 0:
            p = self.plates[p.base]
        return p.name

    def length(self, size: Size) -> int | None:
        """The declared length of an event axis or plate; None where the data give it."""
        dropped = 0
        while isinstance(size, str):
            p = self.plates[size]
            if p.base is None:
                return None if p.size is None else p.size - dropped
            size, dropped = p.base, dropped + p.start + p.stop
        return size

    def subgraph(self, inputs: Sequence[int], outputs: Sequence[int]) -> tuple[Subgraph, tuple[int, ...]]:
        """Close the step: its nodes, and the parent's nodes that it captured."""
        step = Subgraph(tuple(self.nodes), (*inputs, *self.captures.values()), tuple(outputs))
        return step, tuple(self.captures)

    def mark(self) -> _Mark:
        """Where the builder stands, for `reset`."""
        return len(self.nodes), dict(self.names), dict(self.plates), dict(self.axes), dict(self.networks)

    def reset(self, mark: _Mark) -> None:
        """Forget what was added since."""
        del self.nodes[mark[0] :]
        tables: list[tuple[dict[str, Any], dict[str, Any]]]
        tables = [(self.names, mark[1]), (self.plates, mark[2]), (self.axes, mark[3]), (self.networks, mark[4])]
        for own, before in tables:
            own.clear()
            own.update(before)

    def graph(self) -> Graph:
        """A frozen snapshot."""
        return Graph(self.name, tuple(self.nodes), tuple(self.plates.values()), tuple(self.axes.values()))
