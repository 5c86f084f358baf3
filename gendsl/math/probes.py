"""Random directions z with E[z z^T] = 1, along which derivatives are taken where all of them would be too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gendsl.choice import Choice

__all__ = ["Probe", "directions"]


class Probe(Choice):
    """What directions are drawn from: SIGN, independent signs, has the least variance; NORMAL, standard normal."""

    SIGN = "sign"
    NORMAL = "normal"


def directions(ops: Any, probe: Probe, key: Any, shape: Sequence[int], like: Any) -> Any:
    """Directions of a shape, a function of the key."""
    return (ops.rademacher if probe is Probe.SIGN else ops.normal)(key, tuple(shape), like=like)
