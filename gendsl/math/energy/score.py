"""The score of an energy, s(x) = -grad E(x), over `ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gendsl.math.events import scored
from gendsl.math.langevin import Target

__all__ = ["Energy", "Score", "score", "target"]

Array = Any

Energy = Callable[[Array], Array]
"""x (*batch, *event) -> E(x) (*batch); rows do not mix."""

Score = Callable[[Array], Array]
"""x (*batch, *event) -> (*batch, *event); rows do not mix."""


def target(ops: Any, energy: Energy) -> Target:
    """What Langevin samplers move in: -E with its gradient."""
    return scored(ops, lambda x: -energy(x))


def score(ops: Any, energy: Energy) -> Score:
    """s = -grad E."""
    both = target(ops, energy)
    return lambda x: both(x)[1]
