"""Which observed value lies beyond a bound of its support at a point: why there is no density there.

Data are checked against bounds that are numbers or data when they are bound. A bound that latents give, or a value that
is computed from them, is known at a point alone; there it is found by the PPL model run forward.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gendsl.data.read import count, first
from gendsl.graph.constraints import Bound, Integers, Interval, Ref
from gendsl.graph.inside import must_check
from gendsl.graph.masks import masks
from gendsl.graph.node import Graph, Node
from gendsl.graph.show import expression
from gendsl.graph.types import DistType
from gendsl.passes.algebra import Num, call, where
from gendsl.passes.rewrite import Rewriter

if TYPE_CHECKING:
    from gendsl.program import BoundProgram

__all__ = ["beyond"]

_NAMES = ("outside", "value", "bound")


@dataclass(frozen=True)
class _Side:
    """One end of a support: its bound, the comparison that a value beyond it meets, and its words."""

    bound: Bound
    op: str
    words: str


def beyond(program: BoundProgram, u: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """The observations with a value beyond a bound: name, the first such value and the bound.

    Args:
        program: the bound program.
        u: a point, by sampled site.
    """
    graph = program.program.declared
    values = {k: v[0] for k, v in program.constrain({k: x[None] for k, x in u.items()}).items()}
    for _, n in graph.of("observe"):
        for side in _sides(graph, n):
            if words := _compared(program, n, side, values):
                yield str(n.name), words


def _sides(graph: Graph, n: Node) -> list[_Side]:
    d = graph.nodes[n.args[0]].type
    if not isinstance(d, DistType) or d.joint or not must_check(graph, n.args[0], n.args[1]):
        return []
    s = d.support
    if not isinstance(s, Interval | Integers):
        return []
    closed = s.closed if isinstance(s, Interval) else (True, True)
    lower = _Side(s.lower, "lt" if closed[0] else "le", "below its lower bound")
    upper = _Side(s.upper, "gt" if closed[1] else "ge", "above its upper bound")
    return [side for side in (lower, upper) if side.bound is not None]


def _compared(program: BoundProgram, n: Node, side: _Side, values: Mapping[str, np.ndarray]) -> str:
    from gendsl.forward import compile_forward, simulate
    from gendsl.program import BoundProgram

    p = program.program
    graph, names = _with_comparison(p.declared, n, side)
    forward = compile_forward(graph, p.backend.name, names, frozenset(), precision=p.precision, device=p.device)
    given = {str(x.name): values[str(x.name)][None] for _, x in forward.graph.of("latent")}
    found = simulate(BoundProgram(forward, program.bound), given, 1, (0,), values=names).values
    outside, value, bound = (found[k][0] for k in names)
    if not outside.any():
        return ""
    at = tuple(int(k[0]) for k in np.nonzero(outside)) if outside.ndim else ()
    shown = f"{float(bound[at]):g}"
    if isinstance(side.bound, Ref):
        shown = f"{expression(p.declared.nodes, side.bound.node, p.declared.plate)} = {shown}"
    return (
        f"{count(outside)} outside the support, the first {first(outside, str(n.name))} = {float(value[at]):g}, "
        f"{side.words}, {shown}"
    )


def _with_comparison(graph: Graph, n: Node, side: _Side) -> tuple[Graph, tuple[str, ...]]:
    """The graph with recorded values: which elements lie beyond a bound, they themselves, and the bound."""
    r = Rewriter(graph).keep_all()
    x = Num(r, r.map[n.args[1]]).as_float()
    b = side.bound
    bound = Num(r, r.map[b.node]).as_float() if isinstance(b, Ref) else x.const(0.0 if b is None else b)
    outside = call(side.op, x, bound)
    for m in masks(graph, n):
        outside = call("logical_and", outside, Num(r, r.map[m]))
    names = tuple(r.free_name(f"{n.name}_{k}") for k in _NAMES)
    for name, value in zip(names, (outside, where(outside, x, 0.0), where(outside, bound, 0.0)), strict=True):
        r.add("let", (value.i,), name, axes=())
    return r.finish(), names
