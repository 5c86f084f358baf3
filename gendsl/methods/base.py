"""The base of all methods: frozen, typed configuration."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Self

from gendsl.errors import check_call

__all__ = ["Method"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to infer. Subclasses are frozen dataclasses whose fields are all there is to configure."""

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if args or options:  # a copy is made without
            other = {"samples": "draws", "num_samples": "draws", "tune": "warmup", "num_warmup": "warmup"}
            other |= {"warmup_steps": "warmup", "num_chains": "chains", "target_accept_prob": "target_accept"}
            check_call(f"gd.{cls.__name__}", inspect.signature(cls.__init__), (None, *args), options, other)
        return super().__new__(cls)
