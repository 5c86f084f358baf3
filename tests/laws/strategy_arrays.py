"""Random operations on axes: reductions, shapes, indexing, linear algebra, plates."""

from __future__ import annotations

from collections.abc import Callable
from math import prod as total

from gendsl.graph.types import broadcast
from tests.laws.strategy_draft import TAME, Draft
from tests.laws.strategy_fit import shaped

__all__ = ["ARRAYS"]

Add = Callable[[Draft], "str | None"]
ARRAYS: dict[str, Add] = {}


def adds(*ops: str) -> Callable[[Callable[[Draft, str], str | None]], Callable[[Draft, str], str | None]]:
    """Register a function that adds a value by one of these operations."""

    def register(f: Callable[[Draft, str], str | None]) -> Callable[[Draft, str], str | None]:
        for name in ops:
            ARRAYS[name] = lambda d, name=name: f(d, name)  # type: ignore[misc]
        return f

    return register


def _with_event(d: Draft, least: int = 1) -> str:
    """A float value with at least so many event axes."""
    name = d.some_real(lambda e: e.ndim >= least)
    return name or shaped(d, tuple(d.choice.integer(2, 3) for _ in range(least)))


def _axis(d: Draft, name: str) -> int:
    """A random event axis, counted from either end."""
    rank = d.expr(name).ndim
    return d.choice.integer(-rank, rank - 1)


# -- reductions -------------------------------------------------------------------------------------------------------
@adds("sum", "prod", "mean", "max", "min", "logsumexp", "var")
def _reduce(d: Draft, op: str) -> str | None:
    over_dims = d.choice.chance(50)
    name = d.some_real(lambda e: bool(e.dims)) if over_dims else None
    name = name or _with_event(d)
    e = d.expr(name)
    dims = d.choice.subset(e.dims, 2) or ([d.choice.pick(e.dims)] if over_dims and e.dims else [])
    args = []
    if e.ndim and (not dims or d.choice.chance(40)):
        axes = sorted(d.choice.subset(range(e.ndim), 2)) or [_axis(d, name)]
        if len(axes) > 1:
            args.append(f"axis={tuple(axes)}")
        elif len(axes) < e.ndim or dims or d.choice.chance(60):
            args.append(str(axes[0]))
    if dims:
        shown = tuple(dims) if len(dims) > 1 else dims[0]
        args.append(f"dim={shown!r}")
    m = d.bound(name)
    n = total([*(d.size(x) for x in dims), *(s for s in e.event if isinstance(s, int))])
    bound = {"sum": m * n, "prod": m ** min(n, 9), "logsumexp": m + 4, "var": m * m}.get(op, m)
    if op in ("sum", "mean", "max", "min", "prod") and d.choice.chance(50):
        return d.real(f"{name}.{op}({', '.join(args)})", bound, op)
    return d.real(f"gd.{op}({', '.join([name, *args])})", bound, op)


@adds("all", "any")
def _truth(d: Draft, op: str) -> str | None:
    found = [b for b in d.pool.bools if d.allowed(b) and (d.expr(b).dims or d.expr(b).ndim)]
    if not found:
        return None
    name = d.choice.pick(found)
    d.use(name)
    e = d.expr(name)
    if e.dims and (not e.ndim or d.choice.chance(50)):
        return d.boolean(f'{name}.{op}(dim="{d.choice.pick(e.dims)}")', op)
    return d.boolean(f"gd.{op}({name}, {_axis(d, name)})", op)


@adds("count")
def _count(d: Draft, _: str) -> str | None:
    """A sum of integers or booleans."""
    found = [x for x in [*d.pool.ints, *d.pool.bools] if d.allowed(x) and d.expr(x).dims]
    if not found:
        return None
    name = d.choice.pick(found)
    d.use(name)
    dim = d.choice.pick(d.expr(name).dims)
    how = d.choice.integer(0, 3)
    if how == 0:
        return d.real(f'{name}.mean(dim="{dim}")', TAME + 1, "mean")
    if how == 1 and name in d.pool.ints:
        return d.integer(f'{name}.{d.choice.pick(("max", "min"))}(dim="{dim}")', "max")
    if how == 2:
        return d.integer(f'gd.cumsum({name}, dim="{dim}")', "cumsum")
    return d.integer(f'{name}.sum(dim="{dim}")', "sum")


@adds("cumsum", "cumprod", "logcumsumexp")
def _cumulative(d: Draft, op: str) -> str | None:
    name = d.some_real(lambda e: bool(e.dims)) if d.choice.chance(50) and not d.depth else None
    if name is not None:
        where = f'dim="{d.choice.pick(d.expr(name).dims)}"'
    else:
        name = _with_event(d)
        where = str(_axis(d, name))
    m = d.bound(name)
    bound = {"cumsum": 4 * m, "cumprod": m**4, "logcumsumexp": m + 2}[op]
    return d.real(f"gd.{op}({name}, {where})", bound, op)


@adds("softmax", "log_softmax")
def _softmax(d: Draft, op: str) -> str | None:
    name = _with_event(d)
    d.uses["softmax"] += 1
    return d.real(f"gd.{op}({name}, {_axis(d, name)})", 1 if op == "softmax" else 2 * d.bound(name) + 2)


# -- shape ------------------------------------------------------------------------------------------------------------
@adds("reshape")
def _reshape(d: Draft, op: str) -> str | None:
    name = _with_event(d)
    event = d.expr(name).event
    n = total(event)  # type: ignore[arg-type]
    shapes = [(n,), (1, n), (n, 1), *((k, n // k) for k in (2, 3) if n % k == 0), event[::-1]]
    shape = d.choice.pick(shapes)
    text = f"{name}.reshape{shape}" if d.choice.chance(50) else f"np.reshape({name}, {shape})"
    if d.choice.chance(20):
        text = f"gd.reshape({name}, -1)"
    return d.real(text, d.bound(name), op)


@adds("transpose")
def _transpose(d: Draft, op: str) -> str | None:
    name = _with_event(d, d.choice.integer(2, 3))
    rank = d.expr(name).ndim
    texts = (f"{name}.T", f"gd.transpose({name}, {tuple(d.choice.shuffled(range(rank)))})", f"np.transpose({name})")
    return d.real(d.choice.pick(texts), d.bound(name), op)


@adds("expand_dims", "flip")
def _one_axis(d: Draft, op: str) -> str | None:
    name = _with_event(d)
    axis = _axis(d, name)
    texts = {"flip": f"gd.flip({name}, {axis})", "expand_dims": f"gd.expand_dims({name}, {axis})"}
    text = texts[op]
    if op == "expand_dims" and d.choice.chance(50):
        text = d.choice.pick((f"{name}[..., None]", f"{name}[..., None, :]"))
    return d.real(text, d.bound(name), op)


@adds("broadcast_event")
def _broadcast(d: Draft, op: str) -> str | None:
    name = d.any_real()
    event = d.expr(name).event
    shape = (d.choice.integer(2, 3), *event) if len(event) < 3 else event
    if broadcast(event, shape) != shape:
        return None
    return d.real(f"gd.broadcast_to({name}, {shape})", d.bound(name), op)


@adds("stack")
def _stack(d: Draft, op: str) -> str | None:
    first = d.some_real(lambda e: e.ndim <= 2)
    if first is None:
        return None
    parts = [first, d.partner(first)]
    if d.choice.chance(40):
        parts.append(d.choice.number(-1, 1))
    rank = max(d.expr(p).ndim for p in parts[:2])
    axis = f", {d.choice.integer(-rank - 1, rank)}" if d.choice.chance(50) else ""
    return d.real(f"gd.stack([{', '.join(d.choice.shuffled(parts))}]{axis})", max(map(d.bound, parts[:2])), op)


@adds("concatenate")
def _concatenate(d: Draft, op: str) -> str | None:
    first = _with_event(d)
    event = d.expr(first).event
    axis = _axis(d, first)
    other = list(event)
    other[axis] = d.choice.integer(1, 3)
    second = shaped(d, tuple(other)) if d.choice.chance(70) else d.constant(tuple(other))  # type: ignore[arg-type]
    parts = d.choice.shuffled([first, second])
    if not parts[0].isidentifier() and d.choice.chance(50):
        parts.append(first)
    return d.real(f"gd.concatenate([{', '.join(parts)}], {axis})", TAME, op)


# -- indexing ---------------------------------------------------------------------------------------------------------
@adds("index", "slice")
def _index(d: Draft, op: str) -> str | None:
    name = _with_event(d)
    e = d.expr(name)
    size = e.event[-1]
    if not isinstance(size, int):
        return None
    if op == "index":
        key = str(d.choice.integer(-size, size - 1))
        if e.ndim > 1 and d.choice.chance(40):
            key = d.choice.pick((f"0, {key}", f"{key}, None", "0, :"))
    else:
        key = d.choice.pick(("1:", ":-1", "::2", "::-1", "-1:", ":1", "::-2" if size > 2 else "::-1"))
        if size == 1:
            key = "::-1"
        if e.ndim > 1 and d.choice.chance(40):
            key = d.choice.pick((f"{key}, 0", f"{key}, :") if e.event[-2] == size else (f"0, {key}",))
    return d.real(f"{name}[..., {key}]", d.bound(name), op)


@adds("gather_event")
def _gather_event(d: Draft, _: str) -> str | None:
    """Integer arrays and integer data on event axes."""
    name = _with_event(d)
    e = d.expr(name)
    size = e.event[-1]
    if not isinstance(size, int):
        return None
    ints = [n for n in d.pool.ints if d.allowed(n) and not d.expr(n).ndim and d.meet(e, d.expr(n))]
    picks = d.rng.integers(0, size, d.choice.pick(((2,), (3,), (2, 2))))
    key = f"np.array({picks.tolist()})"
    if ints and d.choice.chance(60):
        n = d.choice.pick(ints)
        d.use(n)
        key = f"{n} % {size}"
    if e.ndim > 1 and isinstance(e.event[-2], int) and d.choice.chance(40):
        other = d.rng.integers(0, e.event[-2], picks.shape[-1:]).tolist()
        key = d.choice.pick((f"{key}, :", f"{other}, {key}", f"0, {key}", f"1:, {key}")) if e.event[-2] > 1 else key
        if key.endswith(":") and e.event[-2] != size:
            key = f":, np.array({picks.tolist()})"
    return d.real(f"{name}[..., {key}]", d.bound(name), "gather")


@adds("gather_plate")
def _gather_plate(d: Draft, _: str) -> str | None:
    """Integer data along one or two plates, and along a plate and an event axis."""
    pointing = {to for i, to in d.pool.indexes.items() if d.allowed(i)}
    name = d.some_real(lambda e: bool(pointing & set(e.dims)) and len(e.dims) <= 2) if not d.depth else None
    if name is None:
        return None
    e = d.expr(name)
    keys = []
    for dim in e.dims:
        indexes = [i for i, to in d.pool.indexes.items() if to == dim]
        plain = [n for n in d.pool.ints if not d.expr(n).ndim and d.meet(e, d.expr(n))]
        if indexes and (len(e.dims) == 1 or d.choice.chance(75)):
            index = d.choice.pick(indexes)
            d.use(index)
            keys.append(index)
        elif plain and d.choice.chance(30):
            n = d.choice.pick(plain)
            d.use(n)
            keys.append(f"{n} % {d.size(dim)}")
        elif d.choice.chance(20):
            keys.append(str(d.choice.integer(0, d.size(dim) - 1)))
        else:
            keys.append(":")
    if all(k == ":" for k in keys):
        return None
    last = e.event[-1] if e.event else None
    if isinstance(last, int) and d.choice.chance(40):
        ints = [n for n in d.pool.ints if not d.expr(n).ndim and d.meet(e, d.expr(n))]
        tail = ["0", f"np.array({d.rng.integers(0, last, 2).tolist()})", *(f"{n} % {last}" for n in ints)]
        keys += ["...", d.choice.pick(tail)]
    d.uses["gather_two" if sum(k not in (":", "...") for k in keys) > 1 else "gather_one"] += 1
    return d.real(f"{name}[{', '.join(keys)}]", d.bound(name), "gather")
