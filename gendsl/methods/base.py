"""The base of all methods: frozen, typed configuration."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Method"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to infer. Subclasses are frozen dataclasses whose fields are all there is to configure."""
