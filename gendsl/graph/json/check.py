"""What names, plates, axes and types of a graph must satisfy; and how a fault is reported."""

from __future__ import annotations

import datetime
import keyword
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NoReturn

import numpy as np

from gendsl.errors import FormatError
from gendsl.graph.node import Axis, Plate
from gendsl.graph.types import DistType, TupleType, Type

__all__ = ["check_axis", "check_name", "check_plate", "check_type", "fail", "is_count", "is_int", "listed"]

_LABEL = (int, float, str, bool, type(None), datetime.date)


def fail(
    problem: str,
    at: str,
    *,
    given: str | None = None,
    needed: str | None = None,
    fix: str | None = None,
    node: str | None = None,
) -> NoReturn:
    """Raise the FormatError of a place in the file."""
    raise FormatError(f"{at}: {problem}", node=node, given=given, needed=needed, fix=fix)


def check_name(name: Any, at: str) -> str:
    """A name that may stand in emitted programs."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        fail(
            "is not a name",
            at,
            given=repr(name)[:80],
            needed="a Python identifier: letters, digits and _, not a keyword",
        )
    return name


def is_int(x: Any) -> bool:
    """Whether x is an integer and no bool."""
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def is_count(x: Any) -> bool:
    """Whether x is a nonnegative integer."""
    return is_int(x) and bool(x >= 0)


def check_plate(p: Plate, earlier: Collection[str], at: str) -> Plate:
    """A plate with a free name, a sensible size, and a base that stands before it."""
    _check_labels(p.name, p.size, p.coords, earlier, at)
    if p.subsample is not None and not (is_int(p.subsample) and 1 <= p.subsample <= (p.size or p.subsample)):
        fail("a minibatch is smaller than its plate", f"{at}.subsample", given=repr(p.subsample), node=p.name)
    if p.base is not None and p.base not in earlier:
        fail("the base is no earlier plate", f"{at}.base", given=repr(p.base), needed=_one_of(earlier), node=p.name)
    if not (is_count(p.start) and is_count(p.stop)) or (p.base is None and (p.start or p.stop)):
        fail(
            "start and stop count elements dropped from a base",
            at,
            given=f"start={p.start!r}, stop={p.stop!r}",
            node=p.name,
        )
    return p


def check_axis(a: Axis, earlier: Collection[str], at: str) -> Axis:
    """An axis with a free name and a length."""
    _check_labels(a.name, a.size, a.coords, earlier, at)
    if a.size is None:
        fail("an axis has a length", f"{at}.size", given="null", needed="a positive integer", node=a.name)
    return a


def _check_labels(name: Any, size: Any, coords: Any, earlier: Collection[str], at: str) -> None:
    if check_name(name, f"{at}.name") in earlier:
        fail("the name is taken", f"{at}.name", given=repr(name), needed="one name for each")
    if size is not None and not (is_int(size) and size >= 1):
        fail("is no size", f"{at}.size", given=repr(size)[:40], needed="a positive integer, or null", node=name)
    if coords is None:
        return
    if (
        not isinstance(coords, tuple)
        or not all(isinstance(c, _LABEL) for c in coords)
        or len(coords) != (size or len(coords))
    ):
        fail(
            "coords are one label for each element",
            f"{at}.coords",
            given=repr(coords)[:80],
            needed=f"{size or 'some'} numbers, strings or dates",
            node=name,
        )


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    return ", ".join(sorted(names)) or "none"


def _one_of(names: Collection[str]) -> str:
    return "one of " + ", ".join(sorted(names)[:12]) if names else "none is declared"


def check_type(t: Type, plates: Collection[str], at: str, node: str | None) -> None:
    """Every dim and every size that is a name is a plate."""
    for name in _plates_of(t):
        if name not in plates:
            fail(f"there is no plate {name!r}", at, given=str(t), needed=_one_of(plates), node=node)


def _plates_of(t: Type) -> Iterator[str]:
    if isinstance(t, TupleType):
        for item in t.items:
            yield from _plates_of(item)
        return
    yield from t.dims
    yield from (s for s in t.event if isinstance(s, str))
    if isinstance(t, DistType):
        yield from t.joint
