"""The base of all methods: frozen, typed configuration."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self

from gendsl.errors import check_call

__all__ = ["Method"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to infer. Subclasses are frozen dataclasses whose fields are all there is to configure.

    Attributes:
        other: names that other libraries use -> names here.
        leading: the argument that is named first.
    """

    leading: ClassVar[str] = "draws"

    other: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"samples": "draws", "num_samples": "draws", "tune": "warmup", "num_warmup": "warmup"}
        | {"warmup_steps": "warmup", "num_chains": "chains", "target_accept_prob": "target_accept"}
    )

    def __new__(cls, *args: Any, **options: Any) -> Self:
        if args or options:  # a copy is made without
            whole = inspect.signature(cls.__init__)
            ordered = sorted(whole.parameters.values(), key=lambda p: (p.kind, p.name != cls.leading))
            signature = whole.replace(parameters=ordered)
            check_call(f"gd.{cls.__name__}", signature, (None, *args), options, cls.other)
        return super().__new__(cls)
