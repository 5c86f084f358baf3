"""Errors that a user can meet.

Every error names the node, the problem, what was given, what is needed and the likely fix, and, where it is known, the
line on which the node was declared. The message is laid out the same way everywhere:

    node 'theta' (schools.py:12): the scale must be positive
      given:  'mu', real, dims (school)
      needed: a positive value
      fix:    wrap it, for example gd.exp(mu) or gd.softplus(mu)
      line:   theta = schools.latent("theta", gd.Normal(mu, mu), dims=school)
"""

from __future__ import annotations

import linecache
import os
import sys
from dataclasses import dataclass

__all__ = [
    "BackendError",
    "CompileError",
    "DataError",
    "FitError",
    "FormatError",
    "GendslError",
    "Location",
    "ModelError",
    "caller",
]

_ROOT = os.path.dirname(os.path.abspath(__file__)) + os.sep


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the user's program."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """The source line, stripped; empty where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line}"


def caller() -> Location | None:
    """The innermost line on the call stack that lies outside the package gendsl."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        generated = file == "<string>" and str(frame.f_globals.get("__name__")).startswith("gendsl.")
        if not file.startswith(_ROOT) and not generated:  # generated: the __init__ of a dataclass
            return Location(file, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return None


class GendslError(Exception):
    """Base of all errors that gendsl raises on purpose.

    Args:
        problem: what is wrong, in one line.
        node: the name of the node (or plate, or file) that is wrong.
        given: what the user gave.
        needed: what is needed instead.
        fix: the likely mend.
        where: the line that declared the node.
    """

    def __init__(
        self,
        problem: str,
        *,
        node: str | None = None,
        given: str | None = None,
        needed: str | None = None,
        fix: str | None = None,
        where: Location | None = None,
    ) -> None:
        self.problem, self.node, self.given = problem, node, given
        self.needed, self.fix, self.where = needed, fix, where
        super().__init__(self._message())

    def _message(self) -> str:
        place = f" ({self.where})" if self.where else ""
        head = f"node '{self.node}'{place}: {self.problem}" if self.node else f"{self.problem}{place}"
        rows = [("given", self.given), ("needed", self.needed), ("fix", self.fix)]
        if self.where and self.where.text:
            rows.append(("line", self.where.text))
        return "\n".join([head, *(f"  {label + ':':<8}{text}" for label, text in rows if text)])


class ModelError(GendslError, ValueError):
    """A declaration that cannot stand: dims, shapes, dtypes, supports, names."""


class DataError(GendslError, ValueError):
    """Data that do not fit the declared model."""


class CompileError(GendslError, RuntimeError):
    """A model that a backend cannot express."""


class BackendError(GendslError, ImportError):
    """A backend that is missing or does not satisfy the contract."""


class FitError(GendslError, RuntimeError):
    """An inference run that could not start or could not go on."""


class FormatError(GendslError, ValueError):
    """A file or text that is not what gendsl wrote."""
