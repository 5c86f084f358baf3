"""Log-probability of an expression: -inf outside the support.

An engine with validation off extends some densities beyond their support (an Exponential to negative numbers) and gives
NaN for others. So a value that is not known to lie in the support is compared with its bounds; where it lies outside, a
value inside takes its place, so that no NaN reaches a gradient, and the result is -inf:

    where(inside, D.log_prob(where(inside, x, inner)), -inf)

Latents and checked data are inside by construction. Angles count modulo 2 pi. Supports of vectors and matrices are not
checked: they are thin sets (a simplex), or a check costs a factorisation.
"""

from __future__ import annotations

from collections.abc import Sequence

from gendsl.emit.dialect import Dialect
from gendsl.emit.scope import Scope
from gendsl.emit.values import Val, number
from gendsl.graph.constraints import Bound, Constraint, Integers, Interval, Ref
from gendsl.graph.inside import surely
from gendsl.graph.node import Node
from gendsl.graph.types import ArrayType, DistType, DType

__all__ = ["as_drawn", "draws_floats", "guard"]

_WRAPPERS = ("dist.Masked", "dist.MixtureOf", "dist.MixtureGeneral", "dist.Markov", "dist.HiddenMarkov")
_COMPARISON, _AND, _SUM, _PRODUCT = 5, 8, 10, 11  # precedences


def draws_floats(dialect: Dialect, nodes: Sequence[Node], i: int) -> bool:
    """Whether the engine's draws of a distribution are floats although they count."""
    n = nodes[i]
    if n.op in _WRAPPERS:
        return any(draws_floats(dialect, nodes, a) for a in n.args if isinstance(nodes[a].type, DistType))
    return n.op[5:] in dialect.float_draws


def as_drawn(scope: Scope, dist: int, value: int) -> Val:
    """A value as an array, in the dtype of the engine's draws."""
    v = scope.array(scope.vals[value])
    if scope.type(value).dtype is not DType.FLOAT and draws_floats(scope.module.dialect, scope.nodes, dist):
        return v.with_(scope.op("to_float", v, float=scope.module.dtype("float")))
    return v


def guard(scope: Scope, support: Constraint, given: ArrayType, value: Val) -> tuple[Val, Val, Val] | None:
    """The value under a name, where it lies inside the support, and a value inside; None where no check is needed.

    Args:
        scope: the function being emitted.
        support: the distribution's support.
        given: what is known of the value.
        value: its code.
    """
    if not isinstance(support, Interval | Integers) or surely(given.support, support):
        return None
    x = scope.assign(value)
    closed = support.closed if isinstance(support, Interval) else (True, True)
    low, high = _bound(scope, support.lower, x), _bound(scope, support.upper, x)
    parts: list[str] = []
    if low is not None:
        parts.append(f"{x.at(_SUM)} {'>=' if closed[0] else '>'} {low.at(_SUM)}")
    if high is not None:
        parts.append(f"{x.at(_SUM)} {'<=' if closed[1] else '<'} {high.at(_SUM)}")
    if isinstance(support, Integers) and given.dtype is DType.FLOAT:
        parts.append(f"{x.at(_SUM)} == {scope.op('floor', x)}")
    if not parts:
        return None
    code = parts[0] if len(parts) == 1 else " & ".join(f"({p})" for p in parts)
    inside = _like([x, *(b for b in (low, high) if b is not None)], code, _COMPARISON if len(parts) == 1 else _AND)
    return x, inside, _middle(low, high, isinstance(support, Integers))


def _bound(scope: Scope, bound: Bound, x: Val) -> Val | None:
    if bound is None:
        return None
    if isinstance(bound, Ref):
        return scope.assign(scope.vals[bound.node].aligned(x.rank))
    return number(int(bound) if float(bound).is_integer() and abs(bound) < 2**31 else float(bound))


def _like(over: list[Val], code: str, prec: int) -> Val:
    """Code over several values, in their common layout."""
    rank, slots = max(v.rank for v in over), max(v.slots for v in over)
    return Val(code, prec, rank, slots, any(v.batched for v in over))


def _middle(low: Val | None, high: Val | None, whole: bool) -> Val:
    """A value inside."""
    if low is None and high is None:
        return number(0)
    if whole or low is None or high is None:
        b = low if low is not None else high
        if b is None or whole:
            return b if b is not None else number(0)
        step = 1.0 if low is not None else -1.0
        return number(float(b.code) + step) if b.number else _like([b], f"{b.at(_SUM)} + {step}", _SUM)
    if low.number and high.number:
        return number(0.5 * (float(low.code) + float(high.code)))
    return _like([low, high], f"0.5 * ({low} + {high})", _PRODUCT)
