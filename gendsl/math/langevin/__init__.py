"""Langevin samplers over `ops`: any log-density with a gradient, any batch of chains, noise as an argument.

The diffusion dX = M grad log p(X) dt + sqrt(2) L dW with M = L L' has p as its stationary law, whatever the
preconditioner L. A step of length h of its Euler-Maruyama discretisation is

    x' = x + h M grad log p(x) + sqrt(2 h) L noise,        noise ~ N(0, I).

ULA takes it as it is, and so draws from a law that is off by O(h): N(0, s^2) comes out with the variance
s^2 / (1 - h / (2 s^2)). MALA accepts or rejects it, and so draws from p.
"""

from gendsl.math.langevin.chains import Trace, mala_chain, ula_chain
from gendsl.math.langevin.preconditioner import Dense, Diagonal, Identity, Preconditioner
from gendsl.math.langevin.steps import Move, Point, Target, mala, ula

__all__ = [
    "Dense",
    "Diagonal",
    "Identity",
    "Move",
    "Point",
    "Preconditioner",
    "Target",
    "Trace",
    "mala",
    "mala_chain",
    "ula",
    "ula_chain",
]
