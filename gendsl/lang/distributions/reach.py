"""Which expressions take every real value, whatever the data are.

An expression that is linear in an unknown of any sign, a + b x in a or in b, takes every real value as that unknown
does, the others held. Such a value is not a probability, a rate or a scale, and the engines disagree on what a
distribution is then: one clamps it, the other does not.

Only what is certain is said: an unknown met once more inside a function that is not linear, or an expression of very
many operations, is let pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from gendsl.graph.constraints import real
from gendsl.graph.node import Node
from gendsl.graph.types import ArrayType, DType
from gendsl.networks import Native

__all__ = ["unbounded"]

_MOST = 200
"""Operations looked through."""
_SAME = frozenset((
    "broadcast_event", "cumsum", "expand_dims", "flip", "from_event", "item", "let", "mean", "neg", "reshape", "slice",
    "sum", "to_event", "transpose",
))  # fmt: skip
_JOINED = frozenset(("concatenate", "stack"))  # one part may be picked later: all must be linear
_PICKED = frozenset(("gather", "index"))
_UNKNOWN = frozenset(("latent", "network", "param"))
_NONE: frozenset[int] = frozenset()


def unbounded(nodes: Sequence[Node], root: int) -> int | None:
    """The latent, parameter or network in which an expression is linear, by its index; None where none is known."""
    order = _operations(nodes, root)
    linear: dict[int, frozenset[int]] = {}
    other: dict[int, frozenset[int]] = {}
    for k in order:
        n = nodes[k]
        fixed = n.op == "latent" and nodes[n.args[0]].op == "dist.Delta"  # is what it is made of
        linear[k], other[k] = (_NONE, frozenset({k})) if fixed else _one(k, n, linear, other)
    return min(linear.get(root, _NONE), default=None)


def _operations(nodes: Sequence[Node], root: int) -> list[int]:
    """What an expression is made of, arguments first; nothing where that is too much."""
    seen, waiting = {root}, [root]
    while waiting:
        n = nodes[waiting.pop()]
        new = set() if n.op in _UNKNOWN else set(n.args) - seen
        seen |= new
        waiting += new
        if len(seen) > _MOST:
            return []
    return sorted(seen)


def _one(
    k: int, n: Node, linear: dict[int, frozenset[int]], other: dict[int, frozenset[int]]
) -> tuple[frozenset[int], frozenset[int]]:
    """In which unknowns a node is linear, and on which it depends otherwise."""
    if n.op in _UNKNOWN:
        t = n.type
        free = isinstance(t, ArrayType) and t.support == real and t.dtype is DType.FLOAT
        free = free and not (n.op == "network" and isinstance(n.attr["spec"], Native))
        return (frozenset({k}), _NONE) if free else (_NONE, frozenset({k}))
    each = [(linear[a], other[a]) for a in n.args]
    every = _NONE.union(*(a | b for a, b in each))
    if n.op in _SAME or n.op in ("add", "sub"):
        kept = _NONE.union(*(a for a, _ in each)) - _NONE.union(*(b for _, b in each))
    elif n.op in _JOINED:
        kept = frozenset.intersection(*(a for a, _ in each)) - _NONE.union(*(b for _, b in each))
    elif n.op in _PICKED or n.op == "div":
        kept = each[0][0] - each[0][1] - _NONE.union(*(a | b for a, b in each[1:]))
    elif n.op in ("mul", "matmul", "outer"):
        (a, p), (b, q) = each
        kept = (a - p - b - q) | (b - q - a - p)
    else:
        kept = _NONE
    return kept, every - kept
