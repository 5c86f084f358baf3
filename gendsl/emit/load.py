"""Emitted source as a module's names; tracebacks show its lines."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["load"]

_NUMBER = itertools.count()
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def load(source: str, name: str, title: str, given: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
    """Execute a program's source.

    Args:
        source: the text, which the emitter wrote from a checked graph.
        name: the model's name.
        title: words for its "file" in tracebacks.
        given: names that it finds defined.
    """
    filename = f"<gendsl {name} {title} {next(_NUMBER)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    out: dict[str, Any] = {"__name__": f"gendsl_program_{name}", **given}
    exec(compile(source, filename, "exec"), out)  # noqa: S102 - the source is our own
    return out
