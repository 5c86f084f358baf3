"""Objectives: losses, drawn first and evaluated on the draws."""

from gendsl.math.adversarial import Minimax, NonSaturating, Wasserstein
from gendsl.objectives.adversarial import GAN, R1, WGAN, GradientPenalty
from gendsl.objectives.base import OBJECTIVES, Objective
from gendsl.objectives.baseline import Baseline
from gendsl.objectives.contrastive import ContrastiveDivergence, PersistentContrastiveDivergence
from gendsl.objectives.diffusion import DenoisingScoreMatching, FlowMatching, Times, Weight
from gendsl.objectives.energy import ImplicitScoreMatching, SlicedScoreMatching, SmoothedScoreMatching
from gendsl.objectives.evidence import ELBO, IWAE, Gradient
from gendsl.objectives.likelihood import MaximumLikelihood

__all__ = [
    "ELBO",
    "GAN",
    "IWAE",
    "OBJECTIVES",
    "R1",
    "WGAN",
    "Baseline",
    "ContrastiveDivergence",
    "DenoisingScoreMatching",
    "FlowMatching",
    "Gradient",
    "GradientPenalty",
    "ImplicitScoreMatching",
    "MaximumLikelihood",
    "Minimax",
    "NonSaturating",
    "Objective",
    "PersistentContrastiveDivergence",
    "SlicedScoreMatching",
    "SmoothedScoreMatching",
    "Times",
    "Wasserstein",
    "Weight",
]
