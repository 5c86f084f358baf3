"""What all parts of networks share: frozen configuration that checks itself and prints as one would write it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Any, ClassVar, NoReturn, Self, TypeVar

import numpy as np

from gendsl.called import Called
from gendsl.errors import ModelError, caller, check_call

__all__ = ["Spec", "whole"]

E = TypeVar("E", bound=Enum)

_OTHER = {
    "widths": "hidden", "hidden_sizes": "hidden", "hidden_features": "hidden", "units": "hidden", "depth": "blocks",
    "layers": "blocks", "num_layers": "blocks", "num_heads": "heads", "features": "out", "output": "out",
    "out_features": "out", "act": "activation", "dim": "width", "hidden_size": "width", "time_embedding": "time",
    "num_bins": "bins", "n_bins": "bins", "tail_bound": "bound", "interval": "bound", "univariate": "scalar",
    "bijector": "scalar", "discriminator": "critic", "permutation": "order",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Spec(metaclass=Called):
    """A frozen dataclass whose fields are all there is to configure. Subclasses are declared with `repr=False`.

    Attributes:
        space: the namespace that the user finds it in.
    """

    space: ClassVar[str] = "gd"

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if args or options:  # a copy is made without
            check_call(cls.who(), cls.__signature__, args, options, _OTHER)
        return super().__new__(cls)

    @classmethod
    def unfilled(cls) -> None:
        """See `Called`."""
        check_call(cls.who(), cls.__signature__, (), {}, _OTHER)

    @classmethod
    def who(cls) -> str:
        """What it is, as the user writes it."""
        return f"{cls.space}.{cls.__name__}"

    def __repr__(self) -> str:
        parts = []
        for f in sorted(fields(self), key=lambda f: (f.kw_only, type(self)._standing(f.name))):
            value = getattr(self, f.name)
            if not f.kw_only:
                parts.append(repr(value))
            elif f.default is MISSING or value != f.default:
                parts.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"

    @classmethod
    def _standing(cls, name: str) -> int:
        """How far above its class a field is declared: its own are written first."""
        return next((k for k, c in enumerate(cls.__mro__) if name in vars(c).get("__annotations__", ())), 0)

    # -- checks -------------------------------------------------------------------------------------------------------
    def _refuse(self, problem: str, given: Any, needed: str, fix: str | None = None) -> NoReturn:
        name = type(self).__name__.removesuffix("Density")  # of a distribution, which the user writes without
        shown = given if isinstance(given, str) else repr(given)
        raise ModelError(f"{name}: {problem}", given=shown[:100], needed=needed, fix=fix, where=caller())

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _count(self, name: str, least: int = 1) -> None:
        """A whole number, which may be numpy's."""
        value = getattr(self, name)
        if not whole(value) or value < least:
            needed = "a positive integer" if least == 1 else f"an integer of at least {least}"
            self._refuse(f"{name} is {needed}", f"{name}={value!r}", needed, self._usual(name))
        self._set(name, int(value))

    def _counts(self, name: str, least: int = 0) -> None:
        """A tuple of positive integers, at least so many; one integer is a tuple of one."""
        value = getattr(self, name)
        items = (value,) if whole(value) else value
        fine = isinstance(items, (tuple, list, np.ndarray)) and all(whole(v) and v > 0 for v in items)
        if not fine or len(items) < least:
            needed = f"positive integers, at least {least}" if least else "positive integers, or () for none"
            self._refuse(f"{name} are {needed}", f"{name}={value!r}", needed, self._usual(name))
        self._set(name, tuple(int(v) for v in items))

    def _shape(self, name: str) -> None:
        """A length, or the lengths of event axes: one number stays a number."""
        value = getattr(self, name)
        if whole(value) and value > 0:
            self._set(name, int(value))
            return
        if not isinstance(value, (tuple, list)) or not all(whole(v) and v > 0 for v in value):
            needed = "a positive integer, or an event shape such as (8, 8, 1)"
            self._refuse(f"{name} is {needed}", f"{name}={value!r}", needed, f"{name}=1 for one number")
        self._set(name, tuple(int(v) for v in value))

    def _flag(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, (bool, np.bool_)):
            self._refuse(f"{name} is True or False", f"{name}={value!r}", "a boolean", self._usual(name))
        self._set(name, bool(value))

    def _positive(self, name: str) -> None:
        value = getattr(self, name)
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not number or not 0.0 < value < float("inf"):
            self._refuse(f"{name} is a positive number", f"{name}={value!r}", "a positive number", self._usual(name))
        self._set(name, float(value))

    def _member(self, name: str, kind: type[E]) -> None:
        """A member of an enumeration, not its text."""
        value = getattr(self, name)
        if not isinstance(value, kind):
            members: Collection[E] = list(kind)
            known = ", ".join(map(repr, members))
            same = next((m for m in members if str(value).lower() in (m.value, m.name.lower())), None)
            self._refuse(
                f"{name} is a gd.{kind.__name__}",
                f"{name}={value!r}",
                f"one of {known}",
                f"{name}=gd.{same!r}" if same is not None else self._usual(name),
            )

    def _usual(self, name: str) -> str | None:
        f = next(f for f in fields(self) if f.name == name)
        return None if f.default is MISSING else f"for example {name}={f.default!r}"


def whole(x: Any) -> bool:
    """Whether x is an integer, Python's or numpy's, and no truth value."""
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)
