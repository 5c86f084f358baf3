"""Classes whose calls are checked against their signature even where they are called with nothing."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["Called"]


class Called(type):
    """The class of classes whose `__new__` checks its arguments where there are some, and cannot where there are none:
    a copy is made without. What is called with none goes through `unfilled`."""

    def __call__(cls, *args: Any, **options: Any) -> Any:
        """An instance."""
        if not args and not options:
            cls.unfilled()
        return super().__call__(*args, **options)

    @property
    def __signature__(cls) -> inspect.Signature:
        """What a call takes, as notebooks show it: by name those first that must be given."""
        whole = inspect.signature(type.__getattribute__(cls, "__init__"))
        given = list(whole.parameters.values())[1:]
        ordered = sorted(given, key=cls._place)
        return whole.replace(parameters=ordered, return_annotation=inspect.Signature.empty)

    def _place(cls, p: inspect.Parameter) -> tuple[int, ...]:
        if p.kind is not p.KEYWORD_ONLY:
            return (p.kind,)
        return p.kind, p.default is not p.empty, cls._standing(p.name)

    def _standing(cls, name: str) -> int:
        """The rank of an argument that is given by name; of one rank, base classes come first."""
        return 0

    def unfilled(cls) -> None:
        """Raise a ModelError where a call without arguments lacks some."""
