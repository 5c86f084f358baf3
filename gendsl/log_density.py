"""What a log-density is worth: its value, how it was come by, and how exact it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Kind", "LogDensity"]

Array = Any


class Kind(StrEnum):
    """What a number says of a log-density.

    EXACT: it is the log-density, up to what a solver leaves. LOWER_BOUND: the expectation of the number is at most it.
    ESTIMATE: the expectation of the number is it.
    """

    EXACT = "exact"
    LOWER_BOUND = "lower bound"
    ESTIMATE = "estimate"


@dataclass(frozen=True, eq=False)
class LogDensity:
    """Log-densities of the rows of a batch, in nats.

    Attributes:
        value: (...).
        kind: what it says.
        standard_error: of an estimate's noise, (...); None where there is none, or too few draws to tell.
        error: an estimate of what a solver leaves, (...); None where it was not asked for.
        note: how it was computed, in words.
        evaluations: calls of the network; 0 where the solver does not tell.
    """

    value: Array
    kind: Kind
    standard_error: Array | None = None
    error: Array | None = None
    note: str = ""
    evaluations: int = 0
