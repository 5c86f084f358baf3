"""Emission of recurrences that the passes have solved: affine scans, and sequences delayed by one."""

from __future__ import annotations

from dataclasses import replace

from gendsl.emit.arrays import emits, joined
from gendsl.emit.scope import Scope, cut
from gendsl.emit.values import Val
from gendsl.graph.node import Node
from gendsl.graph.types import DType

__all__: list[str] = []


@emits("affine_scan")
def _affine_scan(scope: Scope, i: int, n: Node) -> Val:
    """x[t] = a[t] x[t-1] + b[t]; arguments have their event axes aligned with those of b."""
    a, b, init = (scope.array(scope.floats(k)) for k in n.args)
    rank, matrix = scope.type(i).rank, n.attr["matrix"]
    a, b = a.aligned(rank + 1 if matrix else rank), b.aligned(rank)
    options = ", matrix=True" if matrix else ""
    options += ", reverse=True" if n.attr["reverse"] else ""
    axis = -rank
    options = f", axis={axis}{options}" if axis != (-2 if matrix else -1) else options
    scope.module.need("affine_scan")
    return joined([a, b, init], f"affine_scan({a}, {b}, {init}{options})", rank=rank)


@emits("delay")
def _delay(scope: Scope, i: int, n: Node) -> Val:
    """The sequence without its last element, after what stands before it."""
    result = scope.type(i)
    floats = result.dtype is DType.FLOAT
    x, init = (scope.array(scope.floats(k, strict=True) if floats else scope.vals[k], result.dtype) for k in n.args)
    rank = result.rank
    tail = [":"] * (rank - 1)
    first = replace(cut(init, ["...", "None", *tail]), rank=rank)
    rest = cut(x, ["...", "1:" if n.attr["reverse"] else ":-1", *tail])
    parts = [rest, first] if n.attr["reverse"] else [first, rest]
    items = ", ".join(v.code for v in parts)
    if any(v.spread for v in parts):
        scope.module.need("concatenate_batched")
        return joined(parts, f"concatenate_batched(({items}), {-rank}, {rank})", rank=rank)
    return joined(parts, scope.spell("concatenate", items=f"({items})", axis=-rank), rank=rank)
