"""Plates: named dimensions along which draws are conditionally independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gendsl.errors import ModelError, caller
from gendsl.graph.node import Plate as PlateSpec
from gendsl.lang.builder import Builder

if TYPE_CHECKING:
    from gendsl.lang.expr import Expr

__all__ = ["Axis", "Dims", "Plate", "derived", "dim_names"]


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
        return derived(self, k + 1, 0)

    def __lt__(self, k: int) -> Plate:
        raise ModelError(
            f"'{self.name} < {k}' would have a size of its own",
            needed="a plate that is cut by a fixed number of elements",
            fix=f"drop elements at the end: {self.name}[:-1]",
            where=caller(),
        )

    __le__ = __lt__

    def __getitem__(self, key: slice) -> Plate:
        if not isinstance(key, slice) or key.step not in (None, 1):
            raise ModelError("a plate is cut with a slice of step 1", given=repr(key), where=caller())
        start, stop = key.start or 0, key.stop or 0
        if start < 0 or stop > 0:
            raise ModelError(
                f"{self.name}[{key.start}:{key.stop}] depends on the size of the plate",
                needed="a start counted from the front, a stop counted from the end",
                fix=f"for example {self.name}[2:] or {self.name}[:-1]",
                where=caller(),
            )
        return derived(self, start, -stop)

    def __repr__(self) -> str:
        return f"<plate {self.name}>"


def derived(base: Plate, start: int, stop: int) -> Plate:
    """The plate without its first `start` and last `stop` elements; the same plate when asked for again."""
    if not isinstance(start, int) or start < 0:
        raise ModelError(f"'{base.name} >= {start!r}' needs a nonnegative number", where=caller())
    if start == stop == 0:
        return base
    name = f"{base.name}_from_{start}" if start else base.name
    name += f"_drop_{stop}" if stop else ""
    if name not in base.builder.plates:
        base.builder.plates[name] = PlateSpec(name, base=base.name, start=start, stop=stop, where=caller())
    return Plate(base.builder, name)


class Axis:
    """A handle to a named event axis: its name for arviz and its length."""

    __slots__ = ("name", "size")

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    def __index__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"<axis {self.name}, length {self.size}>"


Dims = Plate | str | Sequence["Plate | str"] | None
"""How dims are given: a plate, its name, or several."""


def dim_names(dims: Dims, builder: Builder, node: str | None) -> tuple[str, ...]:
    """The names of dims, each of which must be a plate of this model."""
    given: Sequence[Any] = () if dims is None else (dims,) if isinstance(dims, (Plate, str)) else tuple(dims)
    out: list[str] = []
    for d in given:
        if isinstance(d, Plate):
            if d.builder.root is not builder.root and d.name not in builder.plates:
                raise ModelError(
                    f"plate '{d.name}' belongs to model '{d.builder.root.name}'",
                    node=node,
                    fix=f'declare it here too: m.plate("{d.name}")',
                    where=caller(),
                )
            name = d.name
        elif isinstance(d, str):
            name = d
        else:
            raise ModelError(
                "dims are plates or names of plates",
                node=node,
                given=f"{type(d).__name__}: {d!r}",
                needed='for example dims=school or dims=("school", "student")',
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
            raise ModelError(f"dim '{name}' is given twice", node=node, where=caller())
        out.append(name)
    return tuple(out)
