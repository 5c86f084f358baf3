"""Energies over `ops`: p(x) = exp(-E(x)) / Z with Z unknown, learnt by its score or against its own samples.

The score s(x) = grad log p(x) = -grad E(x) does not need Z, and Langevin samplers need nothing but the score and
differences of E. The sign is the physicist's: an energy is low where data are.
"""

from gendsl.math.energy.contrastive import contrast, negatives, restarted, turned
from gendsl.math.energy.score import score, target
from gendsl.math.energy.score_matching import denoising, implicit, sliced

__all__ = [
    "contrast",
    "denoising",
    "implicit",
    "negatives",
    "restarted",
    "score",
    "sliced",
    "target",
    "turned",
]
