"""Gaussian forward processes, as specs.

A process is added by writing its class: a frozen dataclass derived from `ForwardProcess` with `alpha`, `sigma`, and `f`
and `g2` (or their derivatives), and an entry in `PROCESSES`; the law tests hold it to its equations.
"""

from __future__ import annotations

from typing import Any

from gendsl.processes import schedule
from gendsl.processes.base import ForwardProcess, check
from gendsl.processes.exploding import EDM, VE
from gendsl.processes.given import FromDrift, FromLogSNR, FromMarginals, Given, Process
from gendsl.processes.preserving import OU, VP, SubVP
from gendsl.processes.rectified import Rectified

__all__ = [
    "EDM",
    "OU",
    "PROCESSES",
    "SCHEDULES",
    "VE",
    "VP",
    "ForwardProcess",
    "FromDrift",
    "FromLogSNR",
    "FromMarginals",
    "Given",
    "Process",
    "Rectified",
    "SubVP",
    "check",
    "schedule",
]

PROCESSES: dict[str, type[ForwardProcess]] = {c.__name__: c for c in (EDM, OU, Rectified, SubVP, VE, VP)}
"""The processes by name; those of functions of time are made by `Process` and have no form in JSON."""

SCHEDULES: dict[str, type[Any]] = {c.__name__: c for c in (schedule.Cosine, schedule.Linear, schedule.Sigmoid)}
"""The noise schedules by name."""
