"""The base of enumerations that stand in specs: they print as one would write them."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Choice"]


class Choice(StrEnum):
    """An enumeration whose members are also their texts."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"
