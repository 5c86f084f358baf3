"""An energy of two moons: a density up to its constant."""

import numpy as np

import gendsl as gd
from gendsl_models import toys

__all__ = ["data", "moons_energy"]


def moons_energy(width: int = 96) -> gd.Model:
    """Points in the plane whose log-density is, up to a constant, a network's output.

        p(x[row]) = exp(-E(x)) / Z,  E(x) = network(x) + |x|^2 / (2 spread^2)

    It is trained by persistent contrastive divergence: E falls at data and rises at samples of its own, which Langevin
    steps carry on.

    Data: x (row, 2).

    Reference:
        Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient (Tieleman, 2008) |
        https://doi.org/10.1145/1390156.1390290
    """
    m = gd.Model("moons_energy")
    m.observe("x", gd.Energy(gd.MLP(1, hidden=(width, width)), 2, spread=3.0), dims=m.plate("row"))
    m.objective(gd.PersistentContrastiveDivergence(steps=10, step_size=0.02, particles=1024, spread=1.5, decay=0.01))
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """20,000 points to learn from, or 5,000 others."""
    return {"x": toys.two_moons(5_000, 1) if held_out else toys.two_moons(20_000)}
