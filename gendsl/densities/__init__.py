"""Densities: learned distributions, as specs over a backend's layers."""

from gendsl.densities.autoregressive import (
    CONDITIONALS,
    AutoregressiveDensity,
    CategoricalElement,
    Element,
    NormalElement,
)
from gendsl.densities.base import Density, Noise
from gendsl.densities.diffusion import DiffusionDensity, Predicts
from gendsl.densities.energy import EnergyDensity
from gendsl.densities.flow import FlowDensity
from gendsl.densities.placed import Placed, placing
from gendsl.densities.pushforward import PushforwardDensity

__all__ = [
    "CONDITIONALS",
    "DENSITIES",
    "AutoregressiveDensity",
    "CategoricalElement",
    "Density",
    "DiffusionDensity",
    "Element",
    "EnergyDensity",
    "FlowDensity",
    "Noise",
    "NormalElement",
    "Placed",
    "Predicts",
    "PushforwardDensity",
    "placing",
]

DENSITIES: dict[str, type[Density]] = {
    k.__name__: k for k in (AutoregressiveDensity, DiffusionDensity, EnergyDensity, FlowDensity, PushforwardDensity)
}
"""The densities that files may hold, by name."""
