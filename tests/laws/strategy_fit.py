"""Making a value fit where it is wanted: its dims, its event shape, its support."""

from __future__ import annotations

from collections.abc import Iterable

from gendsl.graph.constraints import (
    Constraint,
    CorrCholesky,
    CorrMatrix,
    Interval,
    LowerCholesky,
    Ordered,
    PositiveDefinite,
    Simplex,
    implies,
    positive,
    real,
    unit_interval,
)
from gendsl.graph.types import broadcast
from tests.laws.strategy_data import inside, literal
from tests.laws.strategy_draft import Draft

__all__ = ["parameter", "shaped", "within"]

Event = tuple[int, ...]


def within(d: Draft, name: str, dims: Iterable[str]) -> str:
    """The value with its other dims summed, averaged, picked from or gathered along."""
    dims = set(dims)
    d.use(name)
    for dim in d.expr(name).dims:
        if dim in dims:
            continue
        e = d.expr(name)
        gathers = [i for i, to in d.pool.indexes.items() if to == dim and set(d.expr(i).dims) <= dims]
        how = d.choice.integer(0, 5)
        at = e.dims.index(dim)
        lead = ":, " * at
        if gathers and how >= 3 and d.depth == 0:
            index = d.choice.pick(gathers)
            d.use(index)
            name = d.define(f"{name}[{lead}{index}]")
            d.uses["gather"] += 1
        elif how == 2 and d.depth == 0:
            name = d.define(f"{name}[{lead}{d.choice.integer(0, d.size(dim) - 1)}]")
            d.uses["dim_index"] += 1
        else:
            kind = ("mean", "max", "sum")[min(how, 2) if d.size(dim) <= 3 else 0]
            if how == 1 and implies(e.support, positive):
                kind = "min"
            name = d.define(f'{name}.{kind}(dim="{dim}")')
            d.uses[f"op:{kind}"] += 1
        d.pool.reals.setdefault(name, 8.0)
    return name


def _flat(d: Draft, name: str) -> str:
    """The value without event axes."""
    if not d.expr(name).event:
        return name
    how = d.choice.integer(0, 3)
    text = (f"{name}.mean()", f"gd.logsumexp({name})", f"{name}.max()", f"gd.tanh({name}.sum())")[how]
    return d.define(text)


def shaped(d: Draft, event: Event, dims: Iterable[str] | None = None, *, exact: bool = True) -> str:
    """A tame float value of an event shape (or one that broadcasts to it), over at most these dims."""
    allowed = None if dims is None else set(dims)

    def fits(e: object) -> bool:
        have = e.event  # type: ignore[attr-defined]
        return have == event if exact or d.choice.chance(50) else broadcast(have, event) == event

    name = d.some_real(fits) if d.choice.chance(60) else None
    if name is None:
        scalar = _flat(d, d.any_real())
        if not event or (not exact and d.choice.chance(40)):
            name = scalar
        elif len(event) == 1 and event[0] <= 4 and d.choice.chance(50):
            parts = [scalar, _flat(d, d.any_real()), *(d.choice.number(-2, 2) for _ in range(event[0] - 2))]
            if event[0] == 1:
                parts = [scalar]
            name = d.define(f"gd.stack([{', '.join(parts)}])")
            d.uses["op:stack"] += 1
        else:
            name = d.define(f"{scalar} * {d.constant(event)}")
    return name if allowed is None else within(d, name, allowed)


def _raw(d: Draft, c: Constraint, event: Event, dims: set[str]) -> str | None:
    """A latent whose own support will do."""
    found = [
        n
        for n in d.pool.raw
        if d.allowed(n)
        and implies(d.expr(n).support, c)
        and (c.rank == 0 or d.expr(n).event[-c.rank :] == event[len(event) - c.rank :])
        and broadcast(d.expr(n).event, event) == event
        and (set(d.expr(n).dims) <= dims or c.rank == 0)
    ]
    if not found or not d.choice.chance(50):
        return None
    name = d.choice.pick(found)
    d.use(name)
    out = within(d, name, dims)
    return out if implies(d.expr(out).support, c) else None


def parameter(d: Draft, c: Constraint, event: Event, dims: Iterable[str], *, exact: bool = False) -> str:
    """The source of a value that satisfies a constraint, of event shape `event` (its own axes included)."""
    dims = set(dims)
    raw = _raw(d, c, event, dims)
    if raw is not None and (not exact or d.expr(raw).event == event):
        return raw
    if isinstance(c, Interval):
        return _number(d, c, event, dims, exact)
    if d.choice.chance(25):
        return f"np.array({literal(inside(d.rng, c, event))})"
    if isinstance(c, Simplex):
        v = shaped(d, event, dims)
        d.uses["softmax"] += 1
        return f"gd.softmax({v})" if d.choice.chance(70) else f"gd.exp(gd.log_softmax({v}))"
    if isinstance(c, Ordered):
        d.uses["op:cumsum"] += 1
        return f"gd.cumsum(0.3 + gd.softplus({shaped(d, event, dims)})) - 1.5"
    return _matrix(d, c, event, dims)


def _number(d: Draft, c: Interval, event: Event, dims: set[str], exact: bool) -> str:
    if d.choice.chance(20):
        low, high = _range(c)
        return d.constant(event if exact or d.choice.chance(30) else (), low, high)
    v = shaped(d, event, dims, exact=exact)
    if c == real:
        return v if d.choice.chance(70) else f"{d.choice.number(-1, 1)} + 0.5 * {v}"
    if implies(unit_interval, c):
        inner = d.choice.pick((f"gd.sigmoid({v})", f"0.1 + 0.8 * gd.sigmoid({v})", f"0.5 - 0.4 * gd.tanh({v})"))
        if c.lower == -1.0:
            inner = f"0.9 * gd.tanh({v})"
        return inner
    if implies(positive, c):
        return d.choice.pick(
            (
                f"0.3 + gd.softplus({v})",
                f"gd.exp(0.5 * gd.tanh({v}))",
                f"gd.sqrt(0.2 + gd.square({v}))",
                f"0.4 + abs({v})",
                f"1.0 / (0.5 + gd.sigmoid({v}))",
            )
        )
    low, high = _range(c)
    return f"{(low + high) / 2:.4g} + {(high - low) * 0.45:.4g} * gd.tanh({v})"


def _range(c: Interval) -> tuple[float, float]:
    low = float(c.lower) if isinstance(c.lower, int | float) else None
    high = float(c.upper) if isinstance(c.upper, int | float) else None
    if low is not None and high is not None:
        return low + 0.05 * (high - low), high - 0.05 * (high - low)
    if low is not None:
        return low + 0.3, low + 2.5
    return (high - 2.5, high - 0.3) if high is not None else (-1.5, 1.5)


def _matrix(d: Draft, c: Constraint, event: Event, dims: set[str]) -> str:
    n = event[-1]
    loading = d.choice.number(0.5, 1.5)
    if isinstance(c, LowerCholesky):
        how = d.choice.integer(0, 3)
        if how == 0:
            d.uses["op:diag"] += 1
            return f"gd.diag(0.5 + gd.softplus({shaped(d, event[:-1], dims)}))"
        if how == 1:
            factor = _raw(d, CorrCholesky(), event[-2:], dims)
            factor = factor or f"np.array({literal(inside(d.rng, CorrCholesky(), (n, n)))})"
            return f"(0.4 + gd.softplus({shaped(d, event[:-1], dims)}))[..., None] * {factor}"
        if how == 2:
            d.uses["op:tril"] += 1
            a = shaped(d, event, dims)
            return f"gd.tril({a}, -1) + gd.diag(0.5 + gd.softplus(gd.diagonal({a})))"
        d.uses["op:cholesky"] += 1
        return f"gd.cholesky({_matrix(d, PositiveDefinite(), event, dims)})"
    a = shaped(d, event, dims)
    d.uses["op:add_diagonal"] += 1
    pd = d.define(f"gd.add_diagonal({a} @ gd.swap({a}), {loading})")
    if isinstance(c, PositiveDefinite):
        if d.choice.chance(20):
            d.uses["op:inv"] += 1
            return f"gd.inv({pd})"
        return pd
    s = d.define(f"1.0 / gd.sqrt(gd.diagonal({pd}))")
    corr = d.define(f"{pd} * gd.outer({s}, {s})")
    return corr if isinstance(c, CorrMatrix) else f"gd.cholesky({corr})"
