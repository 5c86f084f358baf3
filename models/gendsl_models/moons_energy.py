"""An energy of two moons: a density up to its constant."""

import numpy as np

import gendsl as gd
from gendsl_models import toys

__all__ = ["data", "moons_energy"]


def moons_energy(width: int = 128) -> gd.Model:
    """Points in the plane whose log-density is, up to a constant, a network's output.

        p(x[row]) = exp(-E(x)) / Z,  E(x) = network(x) + |x|^2 / (2 spread^2)

    It is trained by sliced score matching: E v' ds/dx v + |s|^2 / 2, with the score s = -dE/dx and random directions v.
    The score fixes the shape of each moon; how much of the mass each has, it sees only where they meet.

    Data: x (row, 2).

    Reference:
        Sliced Score Matching: A Scalable Approach to Density and Score Estimation (Song, Garg, Shi, Ermon, 2019) |
        https://arxiv.org/abs/1905.07088
    """
    m = gd.Model("moons_energy")
    m.observe("x", gd.Energy(gd.MLP(1, hidden=(width,) * 3), 2, spread=3.0), dims=m.plate("row"))
    m.objective(gd.SlicedScoreMatching())
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """20,000 points to learn from, or 5,000 others."""
    return {"x": toys.two_moons(5_000, 1) if held_out else toys.two_moons(20_000)}
