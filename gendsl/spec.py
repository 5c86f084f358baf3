"""Checks of specs whose fields are numbers in ranges, parts, and members of enumerations that may be given by text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from gendsl.networks.spec import Spec

__all__ = ["Checked"]


@dataclass(frozen=True, repr=False)
class Checked(Spec):
    """A spec with these checks. Subclasses are frozen dataclasses with `repr=False`."""

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
            self._refuse(
                f"{name} is a number {words}".rstrip(), f"{name}={value!r}", f"a finite number {words}".rstrip()
            )
        self._set(name, float(value))

    def _part(self, name: str, kind: type[Any], example: str) -> None:
        """The field is an instance of a class."""
        value = getattr(self, name)
        if not isinstance(value, kind):
            fix = f"{name}={value.__name__}(...)" if isinstance(value, type) and issubclass(value, kind) else None
            self._refuse(f"{name} is of another kind", f"{name}={value!r}", f"for example {name}={example}", fix)

    def _choice(self, name: str, kind: type[Enum]) -> None:
        """The field is a member of an enumeration, or the text of one."""
        value = getattr(self, name)
        texts = [k.value for k in kind]
        if value not in texts:
            near = next((t for t in texts if str(value).lower() in t.lower() or t.lower() in str(value).lower()), None)
            needed = f"one of {', '.join(map(repr, texts))}"
            self._refuse(f"{name} is none that is known", f"{name}={value!r}", needed, near and f"{name}={near!r}")
        self._set(name, kind(value))
