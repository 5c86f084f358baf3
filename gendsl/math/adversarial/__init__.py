"""Adversarial objectives over `ops`: a generator against a critic that tells its samples from data.

A critic D gives each row a number. It raises

    V = E_p real(D(x)) + E_q fake(D(x)),

and the generator, whose samples have the law q, lowers what its own function says of D at its samples. A loss is these
three functions of a number (gendsl/math/adversarial/losses.py); penalties keep the critic smooth
(gendsl/math/adversarial/penalty.py).
"""

from gendsl.math.adversarial.losses import LOSSES, AdversarialLoss, Minimax, NonSaturating, Wasserstein
from gendsl.math.adversarial.penalty import gradient_norm, gradient_penalty, mixed, r1

__all__ = [
    "LOSSES",
    "AdversarialLoss",
    "Minimax",
    "NonSaturating",
    "Wasserstein",
    "gradient_norm",
    "gradient_penalty",
    "mixed",
    "r1",
]
