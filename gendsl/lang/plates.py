"""Plates: named dimensions along which draws are conditionally independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.node import Plate as PlateSpec
from gendsl.lang.builder import Builder, identity

if TYPE_CHECKING:
    from gendsl.lang.expr import Expr

__all__ = ["Axis", "Dims", "Plate", "at_home", "derived", "dim_names"]


class Plate:
    """A handle to a plate of a model.

    `t >= k` and `t[a:b]` make a plate derived from it, for lags and recurrences; `t.index` is 0, 1, ... along it;
    `t.size` its length.
    """

    __slots__ = ("builder", "name")

    def __init__(self, builder: Builder, name: str) -> None:
        self.builder, self.name = builder, name

    @property
    def spec(self) -> PlateSpec:
        """Its record in the graph."""
        return self.builder.plates[self.name]

    @property
    def size(self) -> Expr:
        """Its length, as an integer expression."""
        from gendsl.lang.expr import apply

        return apply("plate_size", builder=self.builder, plate=self.name)

    @property
    def index(self) -> Expr:
        """0, 1, ... along it."""
        from gendsl.lang.expr import apply
        from gendsl.lang.indexing import from_event

        return from_event(apply("arange", builder=self.builder, plate=self.name), (self.name,))

    def __ge__(self, k: int) -> Plate:
        return derived(self, k, 0)

    def __gt__(self, k: int) -> Plate:
        return derived(self, k + 1 if isinstance(k, (int, np.integer)) else k, 0)

    def __lt__(self, k: int) -> Plate:
        raise ModelError(
            f"'{self.name} < {k}' would have a size of its own",
            needed="a plate that is cut by a fixed number of elements",
            fix=f"drop elements at the end: {self.name}[:-1]",
            where=caller(),
        )

    __le__ = __lt__

    def __getitem__(self, key: slice) -> Plate:
        whole = isinstance(key, slice) and all(
            isinstance(k, (int, np.integer, type(None))) for k in (key.start, key.stop)
        )
        if not whole or key.step not in (None, 1):
            raise ModelError(
                "a plate is cut with a slice of step 1",
                given=repr(key),
                needed=f"for example {self.name}[2:] or {self.name}[:-1]",
                where=caller(),
            )
        start, stop = key.start or 0, key.stop or 0
        if start < 0 or stop > 0:
            raise ModelError(
                f"{self.name}[{key.start}:{key.stop}] depends on the size of the plate",
                needed="a start counted from the front, a stop counted from the end",
                fix=f"for example {self.name}[2:] or {self.name}[:-1]",
                where=caller(),
            )
        return derived(self, start, -stop)

    def __len__(self) -> int:
        raise ModelError(
            f"the length of plate '{self.name}' is known when data are given",
            needed="an expression",
            fix=f"use {self.name}.size",
            where=caller(),
        )

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        raise ModelError(
            f"there is no loop over plate '{self.name}'",
            needed="one declaration for all its elements",
            fix=f"declare values with dims={self.name}; they are computed together",
            where=caller(),
        )

    def _no_value(self, *_: Any) -> Any:
        raise ModelError(
            f"plate '{self.name}' is not a value",
            needed="an expression",
            fix=f"use {self.name}.index (0, 1, ... along it) or {self.name}.size",
            where=caller(),
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _no_value

    def __repr__(self) -> str:
        return f"<plate {self.name}>"


def derived(base: Plate, start: int, stop: int) -> Plate:
    """The plate without its first `start` and last `stop` elements; the same plate when asked for again."""
    if isinstance(start, bool) or not isinstance(start, (int, np.integer)) or start < 0:
        raise ModelError(
            f"'{base.name} >= {start!r}' needs a nonnegative number",
            given=type(start).__name__,
            needed="how many elements are dropped at the front: 0, 1, ...",
            fix=f"for example {base.name} >= 1",
            where=caller(),
        )
    start, stop = int(start), int(stop)
    if start == stop == 0:
        return base
    length, dropped, p = base.spec.size, start + stop, base.spec
    while p.base is not None:
        dropped, p = dropped + p.start + p.stop, base.builder.plates[p.base]
        length = p.size
    if length is not None and length <= dropped:
        raise ModelError(
            f"plate '{base.name}' has too few elements to be cut",
            node=base.name,
            given=f"'{p.name}' has {length}, {dropped} are dropped",
            needed="at least one element that stays",
            where=caller(),
        )
    name = f"{base.name}_from_{start}" if start else base.name
    name += f"_drop_{stop}" if stop else ""
    builder, wanted, k = base.builder, name, 2
    while (have := builder.plates.get(name)) is not None or identity(name) in builder.root.names:
        if have is not None and (have.base, have.start, have.stop) == (base.name, start, stop):
            return Plate(builder, name)
        name, k = f"{wanted}_{k}", k + 1
    builder.plates[name] = PlateSpec(name, base=base.name, start=start, stop=stop, where=caller())
    builder.root.names[identity(name)] = caller()
    return Plate(builder, name)


class Axis:
    """A handle to a named event axis: its name for arviz and its length."""

    __slots__ = ("name", "size")

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    def __index__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"<axis {self.name}, length {self.size}>"


def at_home(plate: Plate, builder: Builder, node: str | None) -> None:
    """Refuse a plate of another model, unless this one has the same (as a copy has)."""
    if plate.builder.root is builder.root or builder.plates.get(plate.name) == plate.spec:
        return
    whole, cut = plate.spec, ""
    while whole.base is not None and whole.name not in builder.plates:
        part = f"{whole.start or ''}:{-whole.stop if whole.stop else ''}"
        cut = f"[{part}]{cut}" if part != ":" else cut
        whole = plate.builder.plates[whole.base]
    raise ModelError(
        f"plate '{plate.name}' belongs to another model, '{plate.builder.root.name}'",
        node=node,
        given=repr(plate),
        needed="a plate of this model",
        fix=f'take it from this model: model.plates["{whole.name}"]{cut}'
        if whole.name in builder.plates
        else f'declare it here too: m.plate("{whole.name}")',
        where=caller(),
    )


Dims = Plate | str | Sequence["Plate | str"] | None
"""How dims are given: a plate, its name, or several."""


def dim_names(dims: Dims, builder: Builder, node: str | None) -> tuple[str, ...]:
    """The names of dims, each of which must be a plate of this model."""
    given: Sequence[Any] = () if dims is None else dims if isinstance(dims, (tuple, list)) else (dims,)
    out: list[str] = []
    for d in given:
        if isinstance(d, Plate):
            at_home(d, builder, node)
            name = d.name
        elif isinstance(d, str):
            name = d
        else:
            raise ModelError(
                "dims are plates or names of plates",
                node=node,
                given=f"{type(d).__name__}: {d!r}",
                needed='for example dims=school or dims=("school", "student")',
                fix='declare a plate: m.plate("school", size=...); lengths of event axes go into event=',
                where=caller(),
            )
        if name not in builder.plates:
            known = ", ".join(sorted(builder.plates)) or "none yet"
            raise ModelError(
                f"there is no plate '{name}'",
                node=node,
                needed=f"a plate of this model ({known})",
                fix=f'declare it first: m.plate("{name}")',
                where=caller(),
            )
        if name in out:
            raise ModelError(
                f"dim '{name}' is given twice",
                node=node,
                needed="each plate once",
                fix=f'for pairs, make a copy of the plate: x.rename({name}="{name}2")',
                where=caller(),
            )
        out.append(name)
    return tuple(out)
