"""A diffusion on eight Gaussians."""

import numpy as np

import gendsl as gd
from gendsl_models import toys

__all__ = ["data", "eight_diffusion"]


def eight_diffusion(width: int = 96) -> gd.Model:
    """Points in the plane by a variance-preserving diffusion whose network predicts v.

        x_t = alpha(t) x_0 + sigma(t) eps,  beta(t) from 0.1 to 20
        v = alpha eps - sigma x_0 = network(x_t, t)
        x[row] = what the solver of the probability-flow ODE makes of noise

    It is trained by denoising score matching with the weight that bounds the likelihood.

    Data: x (row, 2).

    Reference:
        Maximum Likelihood Training of Score-Based Diffusion Models (Song, Durkan, Murray, Ermon, 2021) |
        https://arxiv.org/abs/2101.09258
    """
    m = gd.Model("eight_diffusion")
    network = gd.MLP(2, hidden=(width, width, width), time=gd.Fourier(size=32, width=64, scale=1.0))
    diffusion = gd.Diffusion(gd.VP(gd.schedule.Linear(0.1, 20.0)), network=network, predicts=gd.Predicts.V, event=2)
    m.observe("x", diffusion, dims=m.plate("row"))
    m.objective(gd.DenoisingScoreMatching(weight=gd.Weight.LIKELIHOOD))
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """20,000 points to learn from, or 2,000 others."""
    return {"x": toys.eight_gaussians(2_000, 1) if held_out else toys.eight_gaussians(20_000)}
