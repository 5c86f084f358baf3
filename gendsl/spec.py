"""Specs: what a user declares of processes, samplers and their parts, as frozen dataclasses checked at construction.

A spec goes to JSON as {"class": ..., field: value, ...}, and comes back through a closed table of classes: reading runs
no code but their own checks. A field that a later version has added takes its default.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, NoReturn, Self, get_args, get_type_hints

import numpy as np

from gendsl.errors import FormatError, ModelError, caller, check_call

__all__ = ["Spec", "decode", "encode"]


@dataclass(frozen=True)
class Spec:
    """Base of specs: misspelt arguments are refused by name, and fields check themselves with the helpers here."""

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if args or options:  # a copy is made without
            check_call(cls.__name__, inspect.signature(cls.__init__), (None, *args), options)
        return super().__new__(cls)

    def _number(
        self, name: str, low: float = -math.inf, high: float = math.inf, *, closed: tuple[bool, bool] = (False, False)
    ) -> None:
        """The field is a finite number between two bounds; it is kept as a Python float."""
        value = getattr(self, name)
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        inside = (
            number
            and math.isfinite(value)
            and (value > low or (closed[0] and value == low))
            and (value < high or (closed[1] and value == high))
        )
        if not inside:
            left = "" if math.isinf(low) else f"{'at least' if closed[0] else 'above'} {low:g}"
            right = "" if math.isinf(high) else f"{'at most' if closed[1] else 'below'} {high:g}"
            words = " and ".join(w for w in (left, right) if w)
            self._refuse(f"{name} is a number {words}".rstrip(), value, f"a finite number {words}".rstrip())
        object.__setattr__(self, name, float(value))

    def _count(self, name: str, least: int = 1) -> None:
        """The field is an integer of at least `least`; it is kept as a Python int."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            self._refuse(f"{name} counts", value, f"an integer of at least {least}")
        object.__setattr__(self, name, int(value))

    def _flag(self, name: str) -> None:
        """The field is True or False."""
        value = getattr(self, name)
        if not isinstance(value, (bool, np.bool_)):
            self._refuse(f"{name} is True or False", value, "a boolean")
        object.__setattr__(self, name, bool(value))

    def _is(self, name: str, kind: type[Any], example: str) -> None:
        """The field is an instance of a class; one of an enum may be given by its value."""
        value = getattr(self, name)
        if issubclass(kind, Enum) and value in [k.value for k in kind]:
            object.__setattr__(self, name, kind(value))
        elif not isinstance(value, kind):
            fix = f"{name}={value.__name__}(...)" if isinstance(value, type) and issubclass(value, kind) else None
            needed = " or ".join(f"'{k.value}'" for k in kind) if issubclass(kind, Enum) else f"for example {example}"
            self._refuse(f"{name} is of another kind", value, needed, fix)

    def _refuse(self, problem: str, given: Any, needed: str, fix: str | None = None) -> NoReturn:
        raise ModelError(
            f"{type(self).__name__}: {problem}", given=repr(given)[:80], needed=needed, fix=fix, where=caller()
        )


def encode(value: Any) -> Any:
    """A spec, or a value in one, as JSON values.

    Raises:
        FormatError: if it holds something that JSON has no form for, such as a function.
    """
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": type(value).__name__} | {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, np.generic):
        return encode(value.item())
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, tuple):
        return [encode(v) for v in value]
    raise FormatError(
        f"a {type(value).__name__} has no form in JSON",
        given=repr(value)[:80],
        needed="numbers, strings, and gendsl's own specs",
        fix="declare the process by one of gendsl.processes.PROCESSES" if callable(value) else None,
        where=caller(),
    )


def decode(content: Any, known: Mapping[str, type[Any]]) -> Any:
    """The spec that `encode` wrote.

    Args:
        content: JSON values.
        known: the classes that may stand in it, by name.

    Raises:
        FormatError: if it is no spec, of an unknown class, or has other fields than its class.
    """
    if not isinstance(content, dict) or "class" not in content:
        raise FormatError("this is no spec", given=repr(content)[:80], needed='an object with "class"')
    kind = known.get(str(content["class"]))
    if kind is None:
        raise FormatError(
            f"the class '{content['class']}' is unknown",
            needed=f"one of {', '.join(sorted(known))}",
            fix="upgrade gendsl, if a later one wrote this",
        )
    given = {k: v for k, v in content.items() if k != "class"}
    own = {f.name: f for f in fields(kind)}
    absent = [n for n, f in own.items() if n not in given and f.default is MISSING and f.default_factory is MISSING]
    if sorted(set(given) - set(own)) or absent:
        raise FormatError(
            f"{kind.__name__} has other fields than it should", given=", ".join(given), needed=", ".join(own)
        )
    hints = get_type_hints(kind)
    try:
        return kind(**{name: _value(hints[name], v, known) for name, v in given.items()})
    except (ModelError, TypeError, ValueError) as e:
        raise FormatError(f"{kind.__name__} is damaged", given=str(e).splitlines()[0]) from None


def _value(hint: Any, value: Any, known: Mapping[str, type[Any]]) -> Any:
    if isinstance(value, dict):
        return decode(value, known)
    if isinstance(value, list):
        return tuple(_value(None, v, known) for v in value)
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, Enum) and value is not None:
            return kind(value)
    return value
