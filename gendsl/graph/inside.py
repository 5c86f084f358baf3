"""Whether a value is known to lie in a support, from what the graph says of both."""

from __future__ import annotations

from gendsl.graph.constraints import Constraint, Integers, Interval, Ref, implies
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType, DistType

__all__ = ["must_check", "surely"]


def must_check(graph: Graph, dist: int, value: int) -> bool:
    """Whether an observed value may lie outside: it is computed, or a bound of the support is drawn.

    Data are checked before a run against bounds that are numbers or data.
    """
    d, v = graph.nodes[dist].type, graph.nodes[value]
    if not isinstance(d, DistType) or not isinstance(v.type, ArrayType):
        raise TypeError("an observation is a value and its distribution")
    s = d.support
    if not isinstance(s, Interval | Integers) or surely(v.type.support, s):
        return False
    drawn = any(isinstance(b, Ref) and graph.random[b.node] for b in (s.lower, s.upper))
    return drawn or v.op != "data"


def surely(given: Constraint, needed: Constraint) -> bool:
    """Whether a value cannot even lie on an end that the support leaves out (`relu(x)` under a LogNormal)."""
    if not implies(given, needed):
        return False
    if isinstance(needed, Interval) and isinstance(given, Interval | Integers):
        ends = given.closed if isinstance(given, Interval) else (True, True)
        touching = (given.lower == needed.lower, given.upper == needed.upper)
        return not any(
            touch and mine and not theirs and bound is not None
            for touch, mine, theirs, bound in zip(
                touching, ends, needed.closed, (needed.lower, needed.upper), strict=True
            )
        )
    return True
