"""The intermediate representation: frozen nodes in declaration order.

A node holds its operation, its arguments in order as indices of earlier nodes, its attributes and its type; so a
graph is a tuple in which every argument comes before its use, and walking it needs no recursion. Named nodes of the
operations `latent`, `observe`, `data`, `param`, `let` and `factor` are the *sites*. Equality compares everything but
the line on which a node was declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gendsl.errors import Location
from gendsl.graph.constraints import Constraint
from gendsl.graph.types import DType, Type

__all__ = ["Array", "Attr", "Axis", "Graph", "Node", "Plate", "Subgraph", "subgraphs"]


@dataclass(frozen=True)
class Array:
    """A constant array as hashable data: dtype, shape and the bytes in C order."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, value: Any) -> Array:
        """Freeze an array-like; floats become float64, integers int64."""
        x = np.asarray(value)
        kind = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}.get(x.dtype.kind)
        if kind is None:
            raise TypeError(f"an array of dtype {x.dtype} cannot be a constant")
        return cls(np.dtype(kind).name, x.shape, np.ascontiguousarray(x, kind).tobytes())

    def numpy(self) -> np.ndarray:
        """The array, read-only."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Subgraph:
    """A closed function: the nodes of a step of a scan, an ODE's right-hand side, a Markov step.

    The first `len(inputs)` nodes are its inputs; `captures` are indices, in the enclosing graph, of the values that the
    last `len(captures)` inputs stand for.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


Attr = int | float | str | bool | None | tuple[Any, ...] | Array | Constraint | Subgraph | DType


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Attributes:
        op: the registered name of the operation, or `dist.<Family>`.
        args: indices of the argument nodes, in order.
        attrs: static attributes, as sorted pairs.
        type: dims, event shape, dtype and support of the result.
        name: the name of a site.
        where: the line that declared it (not compared).
    """

    op: str
    args: tuple[int, ...]
    attrs: tuple[tuple[str, Any], ...]
    type: Type
    name: str | None = None
    where: Location | None = field(default=None, compare=False, repr=False)

    @cached_property
    def attr(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return dict(self.attrs)


@dataclass(frozen=True)
class Plate:
    """A named dimension along which draws are independent.

    Attributes:
        name: its name.
        size: its length; None where the data give it.
        coords: labels of its elements.
        subsample: minibatch size in training.
        base: the plate it is derived from, with `start` elements dropped at the front and `stop` at the end;
            a base with `start = stop = 0` is a copy under another name (`x.rename`).
        start: elements dropped at the front of the base.
        stop: elements dropped at the end of the base.
    """

    name: str
    size: int | None = None
    coords: tuple[Any, ...] | None = None
    subsample: int | None = None
    base: str | None = None
    start: int = 0
    stop: int = 0
    where: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Axis:
    """A named event axis, for arviz: its length and labels."""

    name: str
    size: int
    coords: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Graph:
    """A whole model: its nodes, plates and axes."""

    name: str
    nodes: tuple[Node, ...]
    plates: tuple[Plate, ...] = ()
    axes: tuple[Axis, ...] = ()

    def __iter__(self) -> Iterator[tuple[int, Node]]:
        return iter(enumerate(self.nodes))

    @cached_property
    def plate(self) -> dict[str, Plate]:
        """Plates by name."""
        return {p.name: p for p in self.plates}

    @cached_property
    def sites(self) -> dict[str, int]:
        """Indices of the named nodes that are no data."""
        return {n.name: i for i, n in enumerate(self.nodes) if n.name is not None and n.op != "data"}

    @cached_property
    def inputs(self) -> dict[str, int]:
        """Indices of the data nodes by name."""
        return {n.name: i for i, n in enumerate(self.nodes) if n.name is not None and n.op == "data"}

    def of(self, *ops: str) -> list[tuple[int, Node]]:
        """The nodes with one of these operations, in order."""
        return [(i, n) for i, n in enumerate(self.nodes) if n.op in ops]

    @cached_property
    def users(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the nodes that use it, with repeats."""
        out: list[list[int]] = [[] for _ in self.nodes]
        for i, n in enumerate(self.nodes):
            for a in n.args:
                out[a].append(i)
        return tuple(map(tuple, out))

    @cached_property
    def random(self) -> tuple[bool, ...]:
        """For each node, whether its value depends on a latent, a parameter or a network: data alone do not tell it."""
        return self._reached(("latent", "param", "network"))

    @cached_property
    def drawn(self) -> tuple[bool, ...]:
        """For each node, whether its value depends on a latent."""
        return self._reached(("latent",))

    def _reached(self, ops: tuple[str, ...]) -> tuple[bool, ...]:
        """For each node, whether it is one of these operations, holds one in a step, or depends on such a node."""
        out: list[bool] = []
        for n in self.nodes:
            out.append(n.op in ops or any(out[a] for a in n.args) or _holds(n, ops))
        return tuple(out)


def subgraphs(n: Node) -> list[Subgraph]:
    """The steps that a node holds."""
    values = [v for _, v in n.attrs]
    values += [v for _, v in dict(n.attrs).get("static", ())]
    return [v for v in values if isinstance(v, Subgraph)]


def _holds(n: Node, ops: tuple[str, ...]) -> bool:
    return any(m.op in ops or _holds(m, ops) for step in subgraphs(n) for m in step.nodes)
