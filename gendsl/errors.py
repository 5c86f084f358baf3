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

import difflib
import linecache
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import inspect

__all__ = [
    "FAULTS",
    "BackendError",
    "CompileError",
    "DataError",
    "FitError",
    "FormatError",
    "GendslError",
    "GendslWarning",
    "Location",
    "ModelError",
    "caller",
    "check_call",
    "said",
    "warn",
]

_NONE: Mapping[str, str] = MappingProxyType({})
_ROOT = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARY = frozenset({"contextlib", "dataclasses", "functools"})
"""What the standard library calls gendsl by."""
_ENGINES = frozenset({"gendsl_numpyro", "gendsl_pyro", "jax", "jaxlib", "numpyro", "pyro", "torch"}) | _LIBRARY
FAULTS = (TypeError, ValueError, RuntimeError, IndexError, AttributeError)
"""What a user's own function raises where it is called with what it was not written for."""


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
    """The innermost line on the call stack that lies outside gendsl, its backends, their engines and programs."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        name = str(frame.f_globals.get("__name__"))
        generated = file == "<string>" and name.startswith("gendsl.")  # the __init__ of a dataclass
        emitted = file.startswith("<gendsl ")
        if not (file.startswith(_ROOT) or generated or emitted or name.partition(".")[0] in _ENGINES):
            return Location(file, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return None


def said(error: Exception) -> str:
    """An error's class and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:160]


def check_call(
    name: str,
    signature: inspect.Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    other: Mapping[str, str] = _NONE,
) -> None:
    """Raise a ModelError where a call does not fit a signature: an unknown or missing argument.

    Args:
        name: the function, as the user writes it.
        signature: its signature.
        args: arguments by position.
        kwargs: arguments by name.
        other: names that other libraries use -> names here.
    """
    try:
        signature.bind(*args, **kwargs)
    except TypeError as e:
        known = [p for p in signature.parameters if p != "self"]
        unknown = next((k for k in kwargs if k not in known), None)
        fix = _meant(unknown, kwargs[unknown], known, other) if unknown else _by_name(signature, args, kwargs)
        raise ModelError(
            f"{name} has no argument '{unknown}'" if unknown else f"{name}: {e}",
            given=f"{unknown}={kwargs[unknown]!r}"[:80] if unknown else None,
            needed=f"{name}({', '.join(known)})",
            fix=fix,
            where=caller(),
        ) from None


def _meant(name: str, value: Any, known: Sequence[str], other: Mapping[str, str]) -> str | None:
    """The argument that was meant; `other` has its name, or what to write, with {} for the value."""
    argument, is_written, _ = other.get(name, "").partition("=")
    if "(" in argument:  # what to write elsewhere
        return other[name]
    if argument in known:
        return other[name].format(repr(value)[:40]) if is_written else f"did you mean '{argument}'?"
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else None


def _by_name(signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """What is left over by position, by the names of the first arguments that are only given by name."""
    parameters = signature.parameters.values()
    taken = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    over, free = list(args[taken:]), [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in kwargs]
    if not over or not free:
        return None
    if isinstance(free[0].default, tuple) and not any(isinstance(v, (tuple, list)) for v in over):
        over = [tuple(over)]
    shown = [repr(v) if isinstance(v, (bool, int, float, str, tuple, list)) else "..." for v in over]
    named = [f"{p.name}={text if len(text) <= 40 else '...'}" for p, text in zip(free, shown, strict=False)]
    return f"give it by name, for example {', '.join(named)}"


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

    def of(self, node: str) -> None:
        """Name the node of an error that names none, before it is raised again."""
        if self.node is None:
            self.node = node
            self.args = (self._message(),)

    def _message(self) -> str:
        return _lay_out(self.problem, self.node, self.given, self.needed, self.fix, self.where)


def _lay_out(
    problem: str, node: str | None, given: str | None, needed: str | None, fix: str | None, where: Location | None
) -> str:
    place = f" ({where})" if where else ""
    head = f"node '{node}'{place}: {problem}" if node else f"{problem}{place}"
    rows = [("given", given), ("needed", needed), ("fix", fix)]
    if where and where.text:
        rows.append(("line", where.text))
    return "\n".join([head, *(f"  {label + ':':<8}{text}" for label, text in rows if text)])


class GendslWarning(UserWarning):
    """What gendsl gives is less than it may seem; laid out as errors are."""


def warn(
    problem: str,
    *,
    node: str | None = None,
    given: str | None = None,
    needed: str | None = None,
    fix: str | None = None,
    where: Location | None = None,
) -> None:
    """Issue a GendslWarning at the user's line; the arguments are those of GendslError."""
    at = caller()
    file, line = (at.file, at.line) if at else ("<gendsl>", 0)
    message = _lay_out(problem, node, given, needed, fix, where)
    warnings.warn_explicit(message, GendslWarning, file, line)


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
