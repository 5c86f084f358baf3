"""Emitted source as a module's names; tracebacks show its lines."""

from __future__ import annotations

import itertools
import linecache
from typing import Any

__all__ = ["load"]

_NUMBER = itertools.count()


def load(source: str, name: str, title: str) -> dict[str, Any]:
    """Execute a program's source.

    Args:
        source: the text, which the emitter wrote from a checked graph.
        name: the model's name.
        title: words for its "file" in tracebacks.
    """
    filename = f"<gendsl {name} {title} {next(_NUMBER)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    out: dict[str, Any] = {"__name__": f"gendsl_program_{name}"}
    exec(compile(source, filename, "exec"), out)  # noqa: S102 - the source is our own
    return out
