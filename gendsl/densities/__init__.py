"""Densities: learned distributions with exact log-density, as specs over a backend's layers."""

from gendsl.densities.autoregressive import (
    CONDITIONALS,
    AutoregressiveDensity,
    CategoricalElement,
    Element,
    NormalElement,
)
from gendsl.densities.base import Density, Noise
from gendsl.densities.diffusion import DiffusionDensity, Predicts
from gendsl.densities.flow import FlowDensity
from gendsl.densities.placed import Placed, placing

__all__ = [
    "CONDITIONALS",
    "DENSITIES",
    "AutoregressiveDensity",
    "CategoricalElement",
    "Density",
    "DiffusionDensity",
    "Element",
    "FlowDensity",
    "Noise",
    "NormalElement",
    "Placed",
    "Predicts",
    "placing",
]

DENSITIES: dict[str, type[Density]] = {k.__name__: k for k in (AutoregressiveDensity, DiffusionDensity, FlowDensity)}
"""The densities that files may hold, by name."""
