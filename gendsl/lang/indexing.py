"""Indexing: integers, slices and integer expressions on dims and event axes; conditions on plates; lags and copies.

The axes of a value are its dims, in order, followed by its event axes. An integer expression on a dim gathers:
`theta[county]` with `county` over `obs` has dims (obs,). A plate derived from another (`late = t >= 2`) cuts:
`y[late]`; `lag(y, k, late)` is y[t - k] for the t in `late`.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.node import Plate as PlateSpec
from gendsl.graph.types import DType, Size
from gendsl.lang.builder import identity
from gendsl.lang.expr import Expr, apply, as_expr
from gendsl.lang.plates import Plate, at_home

__all__ = ["at", "from_event", "getitem", "lag", "rename", "to_event"]


def to_event(x: Expr, dims: Sequence[str]) -> Expr:
    """The named dims as the leading event axes."""
    if not dims:
        return x
    sizes = tuple(x.builder.root_size(d) if d in x.builder.plates else d for d in dims)
    return apply("to_event", x, dims=tuple(dims), sizes=sizes)


def from_event(x: Expr, dims: Sequence[str]) -> Expr:
    """The leading event axes as named dims."""
    return apply("from_event", x, dims=tuple(dims)) if dims else x


def at(x: Expr, axis: int, k: int) -> Expr:
    """One element of one event axis."""
    return apply("index", x, axis=axis, at=k)


def rename(x: Expr, names: Mapping[str, str]) -> Expr:
    """The value over copies of plates, for pairwise terms.

    Args:
        x: the value.
        names: old plate name -> new plate name.

    Raises:
        ModelError: if the value has no such dim, or the new name is taken by something else.
    """
    plates = x.builder.plates
    for old, new in names.items():
        if old not in x.dims:
            raise ModelError(
                f"the value has no dim '{old}' to rename",
                given=repr(x),
                needed=f"one of {x.dims}",
                where=caller(),
            )
        if not isinstance(new, str) or not new.isidentifier() or keyword.iskeyword(new):
            raise ModelError(
                f"'{new}' is not a name",
                given=f"{type(new).__name__}: {new!r}",
                needed="a new name, a Python identifier",
                fix=f'x.rename({old}="{old}2")',
                where=caller(),
            )
        if new in x.dims and new != old:
            raise ModelError(
                f"the value varies over '{new}' already",
                given=repr(x),
                needed="a name that is not among its dims",
                where=caller(),
            )
        have = plates.get(new)
        if have is None and identity(new) in x.builder.root.names:
            raise ModelError(
                f"the name '{new}' is taken", needed="a new name for the copy of the plate", where=caller()
            )
        if have is None:
            plates[new] = PlateSpec(new, base=old, where=caller())
            x.builder.root.names[identity(new)] = caller()
        elif x.builder.root_size(new) != x.builder.root_size(old):
            raise ModelError(
                f"plate '{new}' exists already and is not a copy of '{old}'",
                given=f"{old}={new!r}",
                fix="use another name",
                where=caller(),
            )
    out = x
    for old, new in names.items():
        out = from_event(to_event(out, (old,)), (new,))
    return out


def _shift(x: Expr, base: str, start: int, stop: int, plate: str) -> Expr:
    moved = apply("shift", to_event(x, (base,)), start=start, stop=stop, plate=plate)
    return from_event(moved, (plate,))


def cut(x: Expr, plate: Plate) -> Expr:
    """The part of a value over a plate that is derived from one of its dims."""
    at_home(plate, x.builder, x.name)
    spec = plate.spec
    base, start, stop = spec.base, spec.start, spec.stop
    while base is not None and base not in x.dims:
        up = x.builder.plates[base]
        base, start, stop = up.base, start + up.start, stop + up.stop
    if base is None:
        raise ModelError(
            f"plate '{plate.name}' is not part of a dim of the value",
            given=repr(x),
            needed="a plate made from one of its dims, as t >= 2",
            where=caller(),
        )
    return _shift(x, base, start, stop, plate.name)


def lag(x: Expr, k: int, plate: Plate) -> Expr:
    """x[t - k] for the t of a derived plate.

    Args:
        x: a value over the base plate t.
        k: how far back, from 0 to the number of elements that the derived plate drops at the front.
        plate: a plate derived from t, such as `t >= 2`.

    Raises:
        ModelError: if the plate does not start late enough for the lag.

    Example:
        >>> late = t >= 2                                                           # doctest: +SKIP
        >>> y1, y2 = gd.lag(y, 1, late), gd.lag(y, 2, late)                         # doctest: +SKIP
    """
    if (
        not isinstance(x, Expr)
        or not isinstance(plate, Plate)
        or isinstance(k, bool)
        or not isinstance(k, (int, np.integer))
    ):
        raise ModelError(
            "lag takes a value, a number of steps, and a plate",
            given=", ".join(repr(v)[:60] for v in (x, k, plate)),
            needed="gd.lag(x, k, t >= k)",
            where=caller(),
        )
    k = int(k)
    if k < 0:
        raise ModelError(
            f"a lag of {k} looks ahead",
            given=f"k={k}",
            needed="k of 0, 1, ... steps back",
            fix="cut the plate at its end to look ahead: x[t[1:]] beside x[t[:-1]]",
            where=caller(),
        )
    at_home(plate, x.builder, x.name)
    spec = plate.spec
    if spec.base is None or spec.base not in x.dims:
        raise ModelError(
            f"lag needs a plate derived from a dim of the value; '{plate.name}' is none",
            given=repr(x),
            needed=f"for example {x.dims[0] if x.dims else 't'} >= {k}",
            where=caller(),
        )
    if not 0 <= k <= spec.start:
        raise ModelError(
            f"a lag of {k} reaches before the first element",
            given=f"plate '{plate.name}' starts at {spec.start}",
            needed=f"a plate that starts at {k} or later",
            fix=f"use ({spec.base} >= {k})",
            where=caller(),
        )
    return _shift(x, spec.base, spec.start - k, spec.stop + k, plate.name)


def getitem(x: Expr, key: Any) -> Expr:
    """x[key]."""
    if isinstance(key, Plate):
        return cut(x, key)
    keys = list(key) if isinstance(key, tuple) else [key]
    before = next((i for i, k in enumerate(keys) if k is None or k is Ellipsis), len(keys))
    for i, k in enumerate(keys):
        _check_key(x, k, x.dims[i] if i < min(before, len(x.dims)) else None)
    total = len(x.dims) + x.ndim
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > total:
        raise ModelError("too many indices", given=f"{used} indices, {x!r}", needed=f"at most {total}", where=caller())
    if sum(k is Ellipsis for k in keys) > 1:
        raise ModelError("only one ellipsis may stand in an index", given=repr(key), where=caller())
    if not any(k is Ellipsis for k in keys):
        keys.append(Ellipsis)
    hole = next(i for i, k in enumerate(keys) if k is Ellipsis)
    keys[hole : hole + 1] = [slice(None)] * (total - used)

    dim_keys: dict[str, Any] = {}
    event_keys: list[Any] = []
    axis = 0
    for k in keys:
        if k is None:
            if axis < len(x.dims):
                raise ModelError("a new axis among the dims", fix="write x[..., None]", where=caller())
            event_keys.append(None)
            continue
        if axis < len(x.dims):
            dim_keys[x.dims[axis]] = k
        else:
            event_keys.append(k)
        axis += 1
    out, gathers = _event_part(x, event_keys)
    pointing = [i for i, k in enumerate(event_keys) if k is not None and not isinstance(k, slice)]
    together = not pointing or pointing[-1] - pointing[0] == len(pointing) - 1
    return _dim_part(out, {d: k for d, k in dim_keys.items() if not _is_full(k)}, gathers, together)


def _is_full(k: Any) -> bool:
    return isinstance(k, slice) and k == slice(None)


def _moved_position(k: Expr) -> bool:
    """Whether an index is t.index plus or minus something."""
    nodes = k.builder.nodes
    n = nodes[k.node]
    if n.op not in ("add", "sub"):
        return False
    inner = [nodes[a] for a in n.args]
    return any(a.op == "from_event" and nodes[a.args[0]].op == "arange" for a in inner)


def _check_key(x: Expr, k: Any, dim: str | None) -> None:
    """Raise where this cannot be an index, of a dim or (None) of an event axis."""
    if isinstance(k, Expr) and k.dtype is not DType.INT:
        fix = "declare it with m.data(..., dtype=int)"
        if dim is not None and k.builder.nodes[k.node].op == "data":
            dims = f"dims={', '.join(k.dims)}, " if len(k.dims) == 1 else "dims=..., " if k.dims else ""
            fix = (
                f'say which plate it points into: m.data("{k.name}", {dims}indexes={dim}); labels or integers are given'
            )
        if k.dtype is DType.BOOL:
            fix = "cut a plate with a condition on the plate itself (x[t >= 2]); mask with gd.where"
        raise ModelError(
            "an index must be an integer",
            node=k.name,
            given=repr(k),
            needed="integer data",
            fix=fix,
            where=caller(),
        )
    if isinstance(k, Expr) and _moved_position(k):
        raise ModelError(
            "an index computed from positions along a plate can leave the plate",
            given=repr(k),
            needed="data, or positions that stay inside (with %)",
            fix="for earlier elements write late = t >= 1 and gd.lag(x, 1, late)",
            where=caller(),
        )
    if isinstance(k, (bool, float)) or (isinstance(k, np.ndarray | list) and _kind(k) not in "iu"):
        raise ModelError(
            "an index must be an integer",
            given=repr(k)[:100],
            needed="an integer, or an array of integers",
            fix="a mask changes the size of an array: use gd.where, or np.flatnonzero(mask) for a fixed one",
            where=caller(),
        )
    if isinstance(k, slice) and (
        k.step == 0 or any(not isinstance(p, (int, np.integer, type(None))) for p in (k.start, k.stop, k.step))
    ):
        raise ModelError(
            "a slice of event axes needs fixed integers",
            given=f"[{k.start!r}:{k.stop!r}:{k.step!r}]",
            needed="integers; a step other than 0",
            fix="for a part that depends on a value, use gd.where with an index",
            where=caller(),
        )
    if not isinstance(k, (int, np.integer, slice, Expr, np.ndarray, list, type(None), type(Ellipsis))):
        raise ModelError(
            "this cannot index a value",
            given=f"{type(k).__name__}: {k!r}"[:100],
            needed="integers, slices, integer data, or a derived plate",
            where=caller(),
        )


def _kind(k: Any) -> str:
    try:
        return np.asarray(k).dtype.kind
    except ValueError:  # rows of different lengths
        return "?"


def _in_range(x: Expr, k: Any, size: Size) -> None:
    """Fixed indices against the declared length of what they index."""
    n = x.builder.length(size)
    if n is None or isinstance(k, Expr):
        return
    at = np.atleast_1d(np.asarray(k))
    bad = at[(at < -n) | (at >= n)]
    if bad.size:
        raise ModelError(
            f"index {bad[0]} is out of range",
            node=x.name,
            given=f"{'plate ' + repr(size) if isinstance(size, str) else 'an axis'} of length {n}",
            needed=f"0 to {n - 1}",
            fix="indices count from 0",
            where=caller(),
        )


def _event_part(x: Expr, keys: list[Any]) -> tuple[Expr, list[tuple[int, Expr]]]:
    """Apply slices, integers and new axes; return what is left to gather as (axis from the left, index)."""
    out = x
    position = 0  # axis from the left of the event axes of `out`
    gathers: list[tuple[int, Expr]] = []
    for k in keys:
        axis = position - out.ndim
        if k is not None and not isinstance(k, slice) and isinstance(size := out.event[axis], str):
            _in_range(x, k, size)
        if k is None:
            out = apply("expand_dims", out, axis=position - out.ndim - 1)
            position += 1
        elif isinstance(k, slice):
            if not _is_full(k):
                out = apply("slice", out, axis=axis, start=k.start, stop=k.stop, step=k.step)
            position += 1
        elif isinstance(k, (int, np.integer)):
            out = at(out, axis, int(k))
        else:
            gathers.append((position, k if isinstance(k, Expr) else as_expr(np.asarray(k), x.builder)))
            position += 1
    return out, gathers


def _dim_part(x: Expr, dims: dict[str, Any], gathers: list[tuple[int, Expr]], together: bool) -> Expr:
    """Gather along dims and event axes; the indices' own axes stand where numpy puts them."""
    if not dims and not gathers:
        return x
    for d, k in dims.items():
        if not isinstance(k, slice):
            _in_range(x, k, d)
        if isinstance(k, slice):
            raise ModelError(
                f"a slice of dim '{d}' has no plate of its own",
                given=f"[{k.start}:{k.stop}:{k.step}]",
                needed="a derived plate",
                fix=f"write late = {d} >= 2 (or {d}[2:], {d}[:-1]) and x[late]",
                where=caller(),
            )
        if isinstance(k, Expr):
            declared = k.builder.nodes[k.node].attr.get("indexes")
            if declared is not None and x.builder.root_size(declared) != x.builder.root_size(d):
                raise ModelError(
                    f"'{k.name}' indexes plate '{declared}', not '{d}'",
                    given=repr(k),
                    needed=f"integers that index '{d}'",
                    fix=f'declare data with indexes="{d}"',
                    where=caller(),
                )
    rank = x.ndim
    if gathers:
        first = [p for p, _ in gathers]
        order = first + [a for a in range(rank) if a not in first]
        if order != list(range(rank)):
            x = apply("transpose", x, axes=tuple(a - rank for a in order))
    out = to_event(x, tuple(dims))
    indices = [
        k if isinstance(k, Expr) else int(k) if isinstance(k, (int, np.integer)) else np.asarray(k)
        for k in dims.values()
    ]
    numbers = [i for i in indices if isinstance(i, int)]
    if len(numbers) == len(indices) and not gathers:
        for i in numbers:
            out = at(out, -out.ndim, i)
        return out
    out = apply("gather", out, *indices, *(k for _, k in gathers))
    place = gathers[0][0] if gathers and together and not dims else 0
    own = out.ndim - (rank - len(gathers))
    order = [*range(own, own + place), *range(own), *range(own + place, out.ndim)]
    return apply("transpose", out, axes=tuple(a - out.ndim for a in order)) if own and place else out
