"""Rows: the plate along which data come in batches, and the passage from a batch to a program's data argument.

A batch holds, of each array over the plate, some of its rows, along the leading axis; other arrays are whole. Terms of
elements of the plate then stand for all N of them: they count N / B times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gendsl.emit.layout import arrange
from gendsl.errors import FitError, caller
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.program import BoundProgram

__all__ = ["Rows", "apart", "check_rows", "given", "leave", "mixing", "row_plate", "sizes_of_rows"]

Array = Any


@dataclass(frozen=True, eq=False)
class Rows:
    """How the arrays of some programs are found in a batch.

    Attributes:
        plate: the plate of the rows; None where every batch is all of the data.
        count: N, rows that are trained on; 1 where there is no plate.
        places: program -> name of an array -> its key in batches, and the axis of its rows (None: it is whole).
        numbers: program -> numbers of its data argument.
    """

    plate: str | None
    count: int
    places: Mapping[str, Mapping[str, tuple[str, int | None]]] = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def size(self, batch: Mapping[str, Array]) -> int:
        """B, rows of a batch."""
        for places in self.places.values():
            for key, axis in places.values():
                if axis is not None:
                    return int(batch[key].shape[0])
        return self.count

    def scale(self, batch: Mapping[str, Array]) -> float:
        """N / B."""
        return self.count / self.size(batch)

    def arrays(self, program: str, batch: Mapping[str, Array], ops: Any) -> dict[str, Any]:
        """The data argument of a program."""
        out: dict[str, Any] = dict(self.numbers[program])
        if self.plate in out:
            out[str(self.plate)] = self.size(batch)
        for name, (key, axis) in self.places[program].items():
            out[name] = batch[key] if axis is None else ops.moveaxis(batch[key], 0, axis)
        return out

    @classmethod
    def of(
        cls, programs: Mapping[str, BoundProgram], plate: str | None, count: int
    ) -> tuple[Rows, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The rows of some programs: how they are found, the arrays with rows, and the whole ones, by key."""
        places: dict[str, dict[str, tuple[str, int | None]]] = {}
        numbers: dict[str, dict[str, int]] = {}
        rows: dict[str, np.ndarray] = {}
        whole: dict[str, np.ndarray] = {}
        for program, bound in programs.items():
            places[program], numbers[program] = {}, {}
            layouts = {x.name: x for x in bound.program.emitted.inputs}
            for name, value in arrange(bound.program.emitted, bound.bound).items():
                if isinstance(value, int):
                    numbers[program][name] = value
                    continue
                layout, axis, x = layouts.get(name), None, np.asarray(value)
                if layout is not None and plate is not None and plate in layout.dims:
                    axis = layout.depth + layout.slots[layout.dims.index(plate)]
                    x = np.moveaxis(x, axis, 0)
                into = whole if axis is None else rows
                key = _key(into, program, name, x)
                into[key] = x
                places[program][name] = (key, axis)
        return cls(plate, count, places, numbers), rows, whole


def _key(into: Mapping[str, np.ndarray], program: str, name: str, x: np.ndarray) -> str:
    """A key of its own, or that of an array of the same name that is equal."""
    there = into.get(name)
    if there is None:
        return name
    same = there.shape == x.shape and there.dtype == x.dtype and np.array_equal(there, x)
    return name if same else f"{program}.{name}"


def leave(asked: Sequence[str]) -> str:
    """How to train on all rows, where some of batch_size, subsample and validation ask for a part of them."""
    return f"leave {' and '.join(asked) or 'batch_size'} out"


def given(asked: Sequence[str]) -> str:
    """What asks for a part, as it is written."""
    return ", ".join(f"{a}=" for a in asked)


def apart(asked: Sequence[str]) -> str:
    """What becomes of the rows."""
    return "some of which are held out" if list(asked) == ["validation"] else "which come in batches"


def row_plate(graph: Graph, batched: bool, asked: Sequence[str] = ("batch_size",)) -> str | None:
    """The plate along which data come in batches.

    It is the one that is declared with `subsample=`, or else the one plate that all observations run over.

    Args:
        graph: the declared graph.
        batched: whether a part of the rows is asked for.
        asked: by what, of batch_size and validation.

    Raises:
        FitError: if it is, and there is no such plate, or there are several.
    """
    declared = [p.name for p in graph.plates if p.subsample is not None]
    if len(declared) > 1:
        plate = graph.plate[declared[1]]
        raise FitError(
            "only one plate can be given in batches",
            node=plate.name,
            given=f"subsample= of {', '.join(map(repr, declared))}",
            needed="one plate with subsample=",
            fix=f'leave subsample out: m.plate("{plate.name}")',
            where=plate.where,
        )
    if declared:
        return declared[0]
    if not batched:
        return None
    seen = [set(n.type.dims) for _, n in graph.of("observe") if isinstance(n.type, ArrayType)]
    common = [p.name for p in graph.plates if p.base is None and seen and all(p.name in dims for dims in seen)]
    if len(common) == 1:
        return common[0]
    for _, n in graph.of("observe") if not common else ():
        d = graph.nodes[n.args[0]]
        if joint := getattr(d.type, "joint", ()):
            kind = "GaussianProcess" if d.op == "dist.JointNormal" else d.op.removeprefix("dist.")
            raise FitError(
                f"'{n.name}' is one draw over all of '{joint[0]}' together, of which no part can be taken",
                node=n.name,
                given=f"gd.{kind}, joint over '{joint[0]}'; {given(asked)}",
                needed="all rows at every step",
                fix=leave(asked),
                where=n.where,
            )
    among = ", ".join(map(repr, common))
    raise FitError(
        "it is not clear of which plate a batch is a part",
        given=f"observations over {among} alike" if common else "no plate that all observations run over",
        needed="one plate of rows",
        fix=(f'm.plate("{common[0]}", subsample=128)' if common else 'observe with dims=m.plate("row")')
        + f", or {leave(asked)}",
        where=caller(),
    )


def sizes_of_rows(graph: Graph, plate: str | None, rows: int) -> dict[str, int]:
    """Sizes of plates that make so many rows: of the plate of the rows, or of the only one.

    Args:
        graph: the declared graph.
        plate: the plate along which data came in batches; None where there was none.
        rows: how many.

    Raises:
        FitError: if there are several plates, or none.
    """
    roots = [p.name for p in graph.plates if p.base is None]
    if plate is None and len(roots) != 1:
        raise FitError(
            "it is not clear of which plate rows are to be drawn",
            given=f"{rows} rows of a model over {', '.join(map(repr, roots)) or 'no plate'}",
            needed="one plate of rows",
            fix=f'sizes={{"{roots[0]}": {rows}}}' if roots else f"draws={rows}",
            where=caller(),
        )
    return {plate or roots[0]: rows}


def check_rows(graph: Graph, plate: str, asked: Sequence[str] = ("batch_size",)) -> None:
    """Raise a FitError where the elements of a plate do not stand for themselves, so that no part of them will do.

    Args:
        graph: the declared graph.
        plate: the plate.
        asked: what asks for a part of them, of batch_size, subsample and validation.
    """
    for _, n in graph.of("param"):
        if plate in _dims(n):
            raise FitError(
                f"parameter '{n.name}' has a value for each element of '{plate}', {apart(asked)}",
                node=n.name,
                given=f'm.param("{n.name}", ..., dims={plate}); {given(asked)}',
                needed="parameters that all batches share",
                fix=f"{leave(asked)}, or compute it by a network of data of the row",
                where=n.where,
            )
    part = "part" if list(asked) == ["validation"] else "batch"
    for n in mixing(graph, plate):
        name = n.name or next((str(m.name) for m in _above(graph, n) if m.name), None)
        raise FitError(
            f"a {part} of '{plate}' is not enough: {_what(n)} looks at all of its elements together",
            node=name,
            given=f"{n.op.removeprefix('dist.')} over '{plate}'",
            needed=f"values that each element of '{plate}' has for itself",
            fix=f"{leave(asked)}, to use all rows at every step",
            where=n.where,
        )


def _what(n: Node) -> str:
    return f"'{n.name}'" if n.name else "an expression"


def _above(graph: Graph, n: Node) -> Iterable[Node]:
    """The nodes that use it, the nearest first."""
    seen = {id(n)}
    for m in graph.nodes:
        if any(id(graph.nodes[a]) in seen for a in m.args):
            seen.add(id(m))
            yield m


def mixing(graph: Graph, plate: str) -> Iterable[Node]:
    """The nodes in which elements of the plate meet, and values that depend on how many there are."""
    family = {p.name for p in graph.plates if p.base == plate} | {plate}
    for n in graph.nodes:
        own = {d for d in _dims(n) if d in family}
        below = {d for a in n.args for d in _dims(graph.nodes[a]) if d in family}
        sized = n.op in ("plate_size", "arange") and n.attr.get("plate", n.attr.get("dim")) in family
        events = isinstance(n.type, ArrayType) and set(map(str, n.type.event)) & family
        if below - own or own - {plate} or sized or events or n.attr.get("indexes") in family:
            yield n


def _dims(n: Node) -> tuple[str, ...]:
    return tuple(getattr(n.type, "dims", ()))
