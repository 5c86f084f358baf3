"""Pieces of emitted source: a value's code with its precedence, and what is known of the array behind it.

An emitted array has the layout (left batch axes..., plate slots..., event axes...). Plates hold negative slots: -1 is
the axis just left of the event. `slots` counts the slot axes that are there; `batched` says that there may be more
axes on the left (vectorised particles, parallel prediction), and so that `slots` axes are only what is there at least.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["ATOM", "Val", "index", "number"]

ATOM = 100
_LONG = 64  # a longer expression gets a name of its own


@dataclass(frozen=True)
class Val:
    """An emitted value.

    Attributes:
        code: its source.
        prec: precedence of its outermost operator; ATOM for names, calls and indexing.
        rank: event axes.
        slots: plate axes that are there.
        batched: whether there may be further axes on the left.
        number: whether the code is a Python number.
    """

    code: str
    prec: int = ATOM
    rank: int = 0
    slots: int = 0
    batched: bool = False
    number: bool = False

    def __str__(self) -> str:
        return self.code

    def __format__(self, spec: str) -> str:
        return self.code

    @property
    def p(self) -> str:
        """The code as an operand of a postfix: `x` of x[...] or x.sum()."""
        return self.code if self.prec >= ATOM and not self.number else f"({self.code})"

    def at(self, prec: int) -> str:
        """The code as an operand of an infix operator of this precedence."""
        return self.code if self.prec >= prec else f"({self.code})"

    @property
    def is_name(self) -> bool:
        """Whether the code is a variable or a number."""
        return self.number or self.code.isidentifier()

    @property
    def long(self) -> bool:
        """Whether it should get a name."""
        return len(self.code) > _LONG

    @property
    def spread(self) -> bool:
        """Whether an event axis must be inserted to align it with a value of more event axes."""
        return self.batched or self.slots > 0

    def with_(self, code: str, **changes: Any) -> Val:
        """The same layout with other code (an atom unless said otherwise)."""
        return replace(self, **{"code": code, "prec": ATOM, "number": False, **changes})

    def aligned(self, rank: int) -> Val:
        """With `rank` event axes, new axes of length 1 inserted left of its own; where it needs them."""
        if self.rank >= rank or not self.spread:
            return self
        new = ["None"] * (rank - self.rank)
        return self.with_(index(self, ["...", *new, *[":"] * self.rank]), rank=rank)


def index(x: Val, keys: list[str]) -> str:
    """x[keys], without a trailing ellipsis' worth of colons where it can be left out."""
    return f"{x.p}[{', '.join(keys)}]"


def number(value: float | int | bool) -> Val:
    """A Python number."""
    if isinstance(value, int):
        code = repr(value)
    elif math.isinf(value) or math.isnan(value):
        return Val(f'float("{value}")')
    else:
        code = repr(float(value))
    return Val(code, prec=ATOM if not code.startswith("-") else 20, number=True)
