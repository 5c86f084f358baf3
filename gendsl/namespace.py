"""Modules that a user writes after `gd.`: what they list, and the error of a name that they do not have."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

__all__ = ["namespace", "nearest", "unknown"]

_NONE: Mapping[str, str] = MappingProxyType({})


def namespace(
    module: str, names: Sequence[str], other: Mapping[str, str] = _NONE
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a module.

    Args:
        module: as the user writes it.
        names: what it has.
        other: names that other libraries use -> names here.
    """

    def missing(name: str) -> object:
        raise unknown(module, name, names, other)

    return missing, lambda: sorted(names)


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """The name that was meant, if there is one: in other letters, small or large, or nearly."""
    return [k for k in known if k.lower() == name.lower()][:1] or difflib.get_close_matches(name, known, 1)


def unknown(module: str, name: str, known: Sequence[str], other: Mapping[str, str] = _NONE) -> AttributeError:
    """The error of a name that a module does not have.

    Args:
        module: the module, as the user writes it.
        name: what was asked for.
        known: what there is.
        other: names that other libraries use -> names here.
    """
    if name.startswith("__"):
        return AttributeError(f"{module} has no attribute '{name}'")
    near = [other[name]] if name in other else nearest(name, known)
    hint = f"did you mean {module}.{near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return AttributeError(f"{module} has no '{name}': {hint}")
