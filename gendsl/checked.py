"""Values of configurations, checked as they are given: each is what it should be, or a ModelError says what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from gendsl.called import Called
from gendsl.errors import ModelError, caller, check_call

__all__ = ["Configuration", "boolean", "number", "refuse", "whole"]


class Configuration(metaclass=Called):
    """The base of frozen dataclasses that a user writes: a call that does not fit is a ModelError.

    Attributes:
        where: the namespace that the user finds it in.
        other: names that other libraries use -> names here.
    """

    where: ClassVar[str] = "gd"
    other: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if args or options:  # a copy is made without
            check_call(cls.who(), cls.__signature__, args, options, cls.other)
        return super().__new__(cls)

    @classmethod
    def unfilled(cls) -> None:
        """See `Called`."""
        check_call(cls.who(), cls.__signature__, (), {}, cls.other)

    @classmethod
    def who(cls) -> str:
        """What it is, as the user writes it."""
        return f"{cls.where}.{cls.__name__}"


def number(
    who: str,
    name: str,
    value: Any,
    *,
    low: float = 0.0,
    high: float = math.inf,
    closed: bool = False,
    needed: str = "a positive number",
    usual: str | None = None,
) -> float:
    """A finite number in (low, high), or in [low, high) where `closed`.

    Args:
        who: the configuration, as the user writes it.
        name: its argument.
        value: what was given; numpy's numbers too.
        low: where the interval begins.
        high: where it ends; it does not belong to it.
        closed: whether `low` belongs to it.
        needed: its words.
        usual: a value that would do.

    Raises:
        ModelError: if it is none.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not (low < value or closed and low == value) or not value < high:
        refuse(who, f"{name} is {needed}", value, needed, f"for example {name}={usual}" if usual else None)
    return float(value)


def whole(who: str, name: str, value: Any, *, least: int = 1, usual: str | None = None) -> int:
    """An integer that is at least `least`.

    Raises:
        ModelError: if it is none.
    """
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < least:
        words = {0: "a nonnegative integer", 1: "a positive integer"}.get(least, f"an integer, at least {least}")
        refuse(who, f"{name} is {words}", value, words, f"for example {name}={usual}" if usual else None)
    return int(value)


def boolean(who: str, name: str, value: Any) -> bool:
    """True or False.

    Raises:
        ModelError: if it is neither.
    """
    if not isinstance(value, (bool, np.bool_)):
        refuse(who, f"{name} is True or False", value, "a boolean", None)
    return bool(value)


def refuse(
    who: str, problem: str, given: Any, needed: str, fix: str | None = None, *, in_words: bool = False
) -> NoReturn:
    """Raise the ModelError of an argument, which is shown as Python shows it unless it is given in words."""
    shown = str(given) if in_words else repr(given)[:80]
    raise ModelError(f"{who}: {problem}", given=shown, needed=needed, fix=fix, where=caller())
