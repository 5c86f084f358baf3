"""Classes whose calls are checked against their signature even where they are called with nothing."""

from __future__ import annotations

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

    def unfilled(cls) -> None:
        """Raise a ModelError where a call without arguments lacks some."""
