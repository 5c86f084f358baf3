"""Samplers of diffusions, as specs.

A sampler is added by writing its table (gendsl/math/diffusion), its class, and an entry in `SAMPLERS`; the law tests
measure the order that it declares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gendsl.namespace import namespace
from gendsl.samplers import grids as grid
from gendsl.samplers.base import Sampler
from gendsl.samplers.grids import GivenTimes, Grid, Karras, UniformLogSNR, UniformTime
from gendsl.samplers.methods import DDIM, Ancestral, DPMSolver, EulerMaruyama, Heun, Variance
from gendsl.samplers.probability_flow import ProbabilityFlow, Probe

__all__ = [
    "DDIM",
    "GRIDS",
    "SAMPLERS",
    "Ancestral",
    "DPMSolver",
    "EulerMaruyama",
    "Grid",
    "Heun",
    "Karras",
    "ProbabilityFlow",
    "Probe",
    "Sampler",
    "GivenTimes",
    "UniformLogSNR",
    "UniformTime",
    "Variance",
    "grid",
]

SAMPLERS: dict[str, type[Sampler]] = {c.__name__: c for c in (Ancestral, DDIM, DPMSolver, EulerMaruyama, Heun)}
"""The samplers by name."""

GRIDS: dict[str, type[Grid]] = {c.__name__: c for c in (Karras, GivenTimes, UniformLogSNR, UniformTime)}
"""The grids by name."""


if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.sampler", __all__, {"DDPM": "Ancestral"})
