"""Objectives: losses, drawn first and evaluated on the draws."""

from gendsl.objectives.base import OBJECTIVES, Objective
from gendsl.objectives.diffusion import DenoisingScoreMatching, FlowMatching, Times, Weight
from gendsl.objectives.evidence import ELBO, IWAE, Gradient
from gendsl.objectives.likelihood import MaximumLikelihood

__all__ = [
    "ELBO",
    "IWAE",
    "OBJECTIVES",
    "DenoisingScoreMatching",
    "FlowMatching",
    "Gradient",
    "MaximumLikelihood",
    "Objective",
    "Times",
    "Weight",
]
