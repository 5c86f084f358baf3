"""Emission of operations on values: every operation of gendsl/graph/ops, once, over the dialect's templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gendsl.emit.scope import Scope, cut
from gendsl.emit.values import ATOM, Val, number
from gendsl.graph.node import Array, Node
from gendsl.graph.ops import OPS
from gendsl.graph.types import DType

__all__ = ["emit_value", "emits", "joined"]

# infix operators: symbol and precedence (Python's order)
INFIX: dict[str, tuple[str, int]] = {
    "logical_or": ("|", 6),
    "logical_xor": ("^", 7),
    "logical_and": ("&", 8),
    "eq": ("==", 5),
    "ne": ("!=", 5),
    "lt": ("<", 5),
    "le": ("<=", 5),
    "gt": (">", 5),
    "ge": (">=", 5),
    "add": ("+", 10),
    "sub": ("-", 10),
    "mul": ("*", 11),
    "div": ("/", 11),
    "floordiv": ("//", 11),
    "mod": ("%", 11),
    "pow": ("**", 30),
}
_RIGHT = {"sub", "mul", "div", "floordiv", "mod", "pow"}  # the right operand needs higher precedence
_COMPARE = {"eq", "ne", "lt", "le", "gt", "ge"}

_JITTER, _JITTER_SINGLE = 1e-10, 1e-5

Emit = Callable[[Scope, int, Node], Val]
EMIT: dict[str, Emit] = {}


def emits(*names: str) -> Callable[[Emit], Emit]:
    """Register the emission of operations."""

    def register(f: Emit) -> Emit:
        for n in names:
            EMIT[n] = f
        return f

    return register


def emit_value(scope: Scope, i: int) -> Val:
    """The code of a node whose arguments are emitted."""
    n = scope.nodes[i]
    special = EMIT.get(n.op)
    if special is not None:
        return special(scope, i, n)
    if OPS[n.op].elementwise:
        return _elementwise(scope, i, n)
    return _plain(scope, i, n)


def joined(vals: list[Val], code: str, prec: int = 100, rank: int | None = None) -> Val:
    """Code over several values, in their common layout."""
    return Val(
        code,
        prec,
        max(v.rank for v in vals) if rank is None else rank,
        max(v.slots for v in vals),
        any(v.batched for v in vals),
    )


def _elementwise(scope: Scope, i: int, n: Node) -> Val:
    result = scope.type(i)
    cast = result.dtype is DType.FLOAT and n.op != "to_float"
    vals = []
    inverse = n.op == "pow" and all(scope.type(a).dtype is not DType.FLOAT for a in n.args)  # 2 ** -1 is 0.5
    for k, a in enumerate(n.args):
        skip = n.op == "where" and k == 0
        strict = n.op not in INFIX or (inverse and k == 0)
        v = scope.floats(a, strict=strict) if cast and not skip else scope.vals[a]
        if (
            not (cast or skip)
            and n.op not in _COMPARE
            and scope.type(a).dtype is DType.BOOL
            and result.dtype is DType.INT
            and not v.number
        ):
            v = v.with_(scope.op("to_int", v, int=scope.module.dtype("int")))
        vals.append(v)
    if n.op == "where":
        vals[0] = scope.array(vals[0], DType.BOOL)
    rank = max(v.rank for v in vals)
    vals = [v.aligned(rank) for v in vals]
    if n.op in INFIX:
        symbol, prec = INFIX[n.op]
        right = prec + 1 if n.op in _RIGHT or n.op in _COMPARE else prec
        left = prec + 1 if n.op == "pow" or n.op in _COMPARE else prec
        code = f"{vals[0].at(left)} {symbol} {vals[1].at(right)}"
        if n.op == "floordiv" and cast and "detach" in scope.module.dialect.ops:
            return joined(vals, scope.op("detach", Val(code, prec)), rank=rank)
        return replace(joined(vals, code, prec, rank), number=all(v.number for v in vals))
    if n.op == "neg":
        return joined(vals, f"-{vals[0].at(20)}", 20, rank)
    if n.op == "logical_not":
        return joined(vals, f"~{vals[0].at(20)}", 20, rank)
    if n.op == "square":
        return joined(vals, f"{vals[0].at(31)} ** 2", 30, rank)
    if n.op in scope.module.dialect.number_ops:
        vals = [scope.array(v, result.dtype) for v in vals]
    elif n.op == "where" and all(v.number for v in vals[1:]):
        vals = [vals[0], *(scope.array(v, result.dtype) for v in vals[1:])]
    elif n.op not in ("where", "clip"):
        vals = [scope.array(v) for v in vals]  # functions of the engines take arrays
    kinds = scope.module.dialect.dtypes(scope.module.precision)
    return joined(vals, scope.op(n.op, *vals, **kinds), rank=rank)


def _plain(scope: Scope, i: int, n: Node) -> Val:
    """Operations on event axes whose template needs only the arguments and attributes."""
    vals = [scope.array(scope.floats(a, strict=scope.type(i).dtype is DType.FLOAT)) for a in n.args]
    return joined(vals, scope.op(n.op, *vals, **n.attr), rank=scope.type(i).rank)


@emits("const")
def _const(scope: Scope, i: int, n: Node) -> Val:
    return scope.literal(n.attr["value"], scope.type(i).dtype)


@emits("plate_size")
def _plate_size(scope: Scope, i: int, n: Node) -> Val:
    code = scope.size(n.attr["plate"])
    return Val(code, 10 if " - " in code else ATOM, number=True)


@emits("arange")
def _arange(scope: Scope, i: int, n: Node) -> Val:
    return Val(scope.spell("arange", size=scope.size(n.attr["plate"])), rank=1)


@emits("eye")
def _eye(scope: Scope, i: int, n: Node) -> Val:
    return Val(scope.spell("eye", size=scope.size(n.attr["size"]), dtype=scope.module.dtype("float")), rank=2)


# -- between dims and event axes --------------------------------------------------------------------------------------
@emits("to_event")
def _to_event(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    for d in reversed(n.attr["dims"]):
        v = plate_to_event(scope, v, scope.module.slots[d])
    return v


def plate_to_event(scope: Scope, v: Val, slot: int) -> Val:
    """The plate at `slot` as the leading event axis."""
    k = v.rank
    if not v.batched and v.slots == -slot:  # the leftmost axis: nothing stays in its place
        out = scope.move(v, slot - k, -k - 1)
        return replace(out, rank=k + 1, slots=v.slots - 1)
    out = cut(v, ["...", "None", *[":"] * (-slot + k)])
    out = scope.move(out, slot - k, -k - 1)
    return replace(out, rank=k + 1)


@emits("from_event")
def _from_event(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    for d in n.attr["dims"]:
        v = event_to_plate(scope, v, scope.module.slots[d])
    return v


def event_to_plate(scope: Scope, v: Val, slot: int) -> Val:
    """The leading event axis as the plate at `slot`."""
    k = v.rank - 1
    depth = -slot
    if not v.batched and v.slots < depth:
        if v.slots:
            v = scope.move(v, -v.rank, 0)
        gap = depth - 1 - v.slots
        if gap:
            v = cut(v, [":", *["None"] * gap, "..."] if k + v.slots else [":", *["None"] * gap])
        return replace(v, rank=k, slots=depth)
    v = scope.plain(v, depth + v.rank)
    v = scope.move(v, -k - 1, slot - k - 1)
    out = cut(v, ["...", "0", *[":"] * (depth - 1 + k)])
    return replace(out, rank=k, slots=max(v.slots, depth))


@emits("shift")
def _shift(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    start, stop = n.attr["start"], n.attr["stop"]
    window = f"{start or ''}:{-stop if stop else ''}"
    tail = [":"] * (v.rank - 1)
    exact = not v.batched and v.slots == 0
    return cut(v, [window] if exact else ["...", window, *tail])


# -- indexing ---------------------------------------------------------------------------------------------------------
@emits("slice")
def _slice(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    a = n.attr
    window = f"{'' if a['start'] is None else a['start']}:{'' if a['stop'] is None else a['stop']}"
    if a["step"] not in (None, 1):
        if a["step"] < 0:
            size = v.rank  # torch has no negative steps: take explicit positions
            length = scope.type(n.args[0]).event[a["axis"]]
            picks = list(range(length))[slice(a["start"], a["stop"], a["step"])]
            return cut(v, ["...", repr(picks), *[":"] * (-a["axis"] - 1)]) if size else v
        window += f":{a['step']}"
    return cut(v, ["...", window, *[":"] * (-a["axis"] - 1)])


@emits("index")
def _index(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    axis, at = n.attr["axis"], n.attr["at"]
    tail = [":"] * (-axis - 1)
    keys = [str(at)] if not v.batched and not v.slots and axis == -v.rank else ["...", str(at), *tail]
    return replace(cut(v, keys), rank=v.rank - 1)


@emits("gather")
def _gather(scope: Scope, i: int, n: Node) -> Val:
    x, *indices = (scope.vals[a] for a in n.args)
    rank = max(v.rank for v in indices)
    rest = x.rank - len(indices)
    if not x.batched and x.slots == 0 and not any(v.batched for v in indices):
        aligned = [v.aligned(rank) for v in indices]
        out = cut(x, [v.code for v in aligned])
        return replace(out, rank=rank + rest, slots=max(v.slots for v in indices))
    indices = [v.aligned(rank) for v in indices]
    source = cut(x, ["...", *["None"] * rank, *[":"] * x.rank]) if rank else x
    scope.module.need("Vindex")
    keys = ["...", *(v.code for v in indices), *[":"] * rest]
    code = f"Vindex({source.code})[{', '.join(keys)}]"
    slots = max(x.slots, *(v.slots for v in indices))
    return Val(code, rank=rank + rest, slots=slots, batched=x.batched or any(v.batched for v in indices))


# -- shape ------------------------------------------------------------------------------------------------------------
@emits("reshape")
def _reshape(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    new = scope.type(i).event
    if not v.spread:
        return v.with_(f"{v.p}.reshape({scope.sizes(new)})", rank=len(new))
    v = scope.assign(v)
    lead = f"{v.code}.shape[:{-v.rank}]" if v.rank else f"{v.code}.shape"
    return v.with_(f"{v.code}.reshape({lead} + {scope.sizes(new)})", rank=len(new))


@emits("broadcast_event")
def _broadcast_event(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    new = scope.type(i).event
    if v.number:
        code = scope.spell("full", v, shape=scope.sizes(new), dtype=scope.module.dtype(scope.type(i).dtype))
        return Val(code, rank=len(new))
    if not v.spread:
        return v.with_(scope.spell("broadcast_to", v, shape=scope.sizes(new)), rank=len(new))
    v = scope.assign(v.aligned(len(new)))
    shape = f"{v.code}.shape[:{-len(new)}] + {scope.sizes(new)}"
    return v.with_(scope.spell("broadcast_to", v, shape=shape), rank=len(new))


@emits("transpose")
def _transpose(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    axes = n.attr["axes"]
    rank = len(axes)
    if axes == (*range(-rank, -2), -1, -2):
        return v.with_(scope.spell("swapaxes", v, a=-2, b=-1))
    return v.with_(scope.spell("moveaxes", v, source=tuple(axes), destination=tuple(range(-rank, 0))))


@emits("expand_dims")
def _expand_dims(scope: Scope, i: int, n: Node) -> Val:
    v = scope.array(scope.vals[n.args[0]])
    out = cut(v, ["...", "None", *[":"] * (-n.attr["axis"] - 1)])
    return replace(out, rank=v.rank + 1)


@emits("stack")
def _stack(scope: Scope, i: int, n: Node) -> Val:
    result = scope.type(i)
    cast = result.dtype is DType.FLOAT
    vals = [scope.array(scope.floats(a) if cast else scope.vals[a], result.dtype) for a in n.args]
    rank = result.rank - 1
    vals = [v.aligned(rank) for v in vals]
    types = [scope.type(a) for a in n.args]
    layouts = {(v.slots, v.rank, t.event, frozenset(t.dims)) for v, t in zip(vals, types, strict=True)}
    same = len(layouts) == 1
    inner = ", ".join(v.code for v in vals) + ("," if len(vals) == 1 else "")
    items = f"({inner})"
    if not (same and not any(v.batched for v in vals)):
        items = scope.spell("broadcast_arrays", items=inner)
    return joined(vals, scope.spell("stack", items=items, axis=-1), rank=result.rank)


@emits("concatenate")
def _concatenate(scope: Scope, i: int, n: Node) -> Val:
    cast = scope.type(i).dtype is DType.FLOAT
    vals = [scope.array(scope.floats(a) if cast else scope.vals[a]) for a in n.args]
    if any(v.spread for v in vals):
        scope.module.need("concatenate_batched")
        items = ", ".join(v.code for v in vals)
        return joined(vals, f"concatenate_batched(({items}), {n.attr['axis']}, {scope.type(i).rank})")
    items = ", ".join(v.code for v in vals)
    return joined(vals, scope.spell("concatenate", items=f"({items})", axis=n.attr["axis"]))


@emits("flip")
def _flip(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    return v.with_(scope.op("flip", v, axis=n.attr["axis"]))


# -- reductions -------------------------------------------------------------------------------------------------------
@emits("sum", "prod", "mean", "max", "min", "logsumexp", "all", "any")
def _reduce(scope: Scope, i: int, n: Node) -> Val:
    v = scope.floats(n.args[0], strict=True) if n.op in ("mean", "logsumexp") else scope.vals[n.args[0]]
    if n.op in ("max", "min") and scope.type(n.args[0]).dtype is DType.BOOL:
        v = v.with_(scope.op("to_int", v, int=scope.module.dtype("int")))
    for d in n.attr["dims"]:
        slot = scope.module.slots[d]
        leftmost = not v.batched and v.slots == -slot
        code = (
            scope.op(f"{n.op}", v, axis=slot - v.rank) if leftmost else scope.op(f"{n.op}_keep", v, axis=slot - v.rank)
        )
        v = v.with_(code, slots=v.slots - 1 if leftmost else v.slots)
    for a in sorted(n.attr["axes"]):
        v = v.with_(scope.op(n.op, v, axis=a), rank=v.rank - 1)
    return v


@emits("cumsum", "cumprod", "logcumsumexp")
def _cumulative(scope: Scope, i: int, n: Node) -> Val:
    v = scope.floats(n.args[0], strict=True) if n.op == "logcumsumexp" else scope.vals[n.args[0]]
    return v.with_(scope.op(n.op, v, axis=n.attr["axis"]))


# -- linear algebra ---------------------------------------------------------------------------------------------------
@emits("matmul")
def _matmul(scope: Scope, i: int, n: Node) -> Val:
    a, b = (scope.array(scope.floats(k, strict=True)) for k in n.args)
    rank = scope.type(i).rank
    if a.rank == 1 and b.rank == 1:
        if (a.spread and b.spread) or a.batched or b.batched:
            return joined([a, b], scope.op("vecdot", a, b), rank=0)
        if b.spread:
            a, b = b, a
        return joined([a, b], f"{a.at(11)} @ {b.at(12)}", 11, 0)
    if b.rank == 1:
        if not b.spread:
            return joined([a, b], f"{a.at(11)} @ {b.at(12)}", 11, rank)
        column = replace(cut(b, ["...", "None"]), rank=2).aligned(a.rank)
        return joined([a, b], f"({a.at(11)} @ {column.code})[..., 0]", rank=rank)
    if a.rank == 1:
        if not a.spread and not b.spread:
            return joined([a, b], f"{a.at(11)} @ {b.at(12)}", 11, rank)
        row = cut(a, ["...", "None", ":"])
        row = replace(row, rank=2).aligned(b.rank)
        return joined([a, b], f"({row.code} @ {b.at(12)})[..., 0, :]", rank=rank)
    top = max(a.rank, b.rank)
    a, b = a.aligned(top), b.aligned(top)
    return joined([a, b], f"{a.at(11)} @ {b.at(12)}", 11, rank)


@emits("jitter")
def _jitter(scope: Scope, i: int, n: Node) -> Val:
    """1e-10; in single precision a part of the mean variance, as rounding errors are."""
    if scope.module.precision == "float64":
        return number(_JITTER)
    v = scope.array(scope.floats(n.args[0]))
    diagonal = v.with_(scope.op("diagonal", v), rank=v.rank - 1)
    mean = diagonal.with_(scope.op("mean", diagonal, axis=-1), rank=v.rank - 2)
    return mean.with_(f"{_JITTER_SINGLE} * {mean.code}", prec=11)


@emits("outer")
def _outer(scope: Scope, i: int, n: Node) -> Val:
    a, b = (scope.array(scope.floats(k)) for k in n.args)
    rank = max(a.rank, b.rank)
    a, b = a.aligned(rank), b.aligned(rank)
    code = f"{cut(a, ['...', ':', 'None']).code} * {cut(b, ['...', 'None', ':']).code}"
    return joined([a, b], code, 11, rank + 1)


@emits("solve", "solve_triangular")
def _solve(scope: Scope, i: int, n: Node) -> Val:
    a, b = (scope.array(scope.floats(k)) for k in n.args)
    vector = b.rank == 1
    if vector:
        b = replace(cut(b, ["...", "None"]), rank=2)
    rank = max(a.rank, b.rank)
    a, b = a.aligned(rank), b.aligned(rank)
    if n.op == "solve":
        code = scope.op("solve_batched" if a.spread or b.spread or a.rank != b.rank else "solve", a, b)
    else:
        lower = bool(n.attr["lower"])
        if n.attr["transposed"]:
            a, lower = a.with_(scope.spell("swapaxes", a, a=-2, b=-1)), not lower
        if a.spread or b.spread or a.rank > 2:
            scope.module.need("solve_triangular_batched")
            code = scope.op("solve_triangular_batched", a, b, lower=lower, upper=not lower)
        else:
            code = scope.op("solve_triangular", a, b, lower=lower, upper=not lower)
    out = joined([a, b], code, rank=rank)
    return replace(cut(out, ["...", "0"]), rank=rank - 1) if vector else out


@emits("add_diagonal")
def _add_diagonal(scope: Scope, i: int, n: Node) -> Val:
    x = scope.array(scope.floats(n.args[0]))
    d = scope.floats(n.args[1])
    size = scope.size(scope.type(n.args[0]).event[-1])
    eye = Val(scope.spell("eye", size=size, dtype=scope.module.dtype("float")), rank=2)
    if d.rank:
        d = replace(cut(d, ["...", "None"]), rank=d.rank + 1)
    else:
        d = d.aligned(2)
    rank = max(x.rank, d.rank)
    x, d = x.aligned(rank), d.aligned(rank)
    return joined([x, d, eye], f"{x.at(10)} + {d.at(11)} * {eye.code}", 10, scope.type(i).rank)


@emits("diag")
def _diag(scope: Scope, i: int, n: Node) -> Val:
    v = scope.floats(n.args[0])
    size = scope.size(scope.type(n.args[0]).event[-1])
    eye = scope.spell("eye", size=size, dtype=scope.module.dtype("float"))
    return v.with_(f"{cut(v, ['...', 'None']).code} * {eye}", prec=11, rank=v.rank + 1)


@emits("vector_to_tril")
def _vector_to_tril(scope: Scope, i: int, n: Node) -> Val:
    v = scope.vals[n.args[0]]
    size = n.attr["size"]
    lower = [[r * (r + 1) // 2 + c if c <= r else 0 for c in range(size)] for r in range(size)]
    flat = Array.of(lower)
    picks = scope.literal(flat, DType.INT)
    tril = cut(v, ["...", picks.code])
    return replace(tril.with_(scope.op("tril", tril, k=0)), rank=v.rank + 1)


from gendsl.emit import control as _control  # noqa: E402 - registers scan, odeint and item
from gendsl.emit import recurrences as _recurrences  # noqa: E402 - registers affine_scan and delay

__all__ += ["_control", "_recurrences"]
