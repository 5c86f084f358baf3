"""A diffusion of handwritten digits in 17 levels of grey."""

import numpy as np

import gendsl as gd
from gendsl_models import digits

__all__ = ["data", "digits_diffusion"]


def digits_diffusion(width: int = 256, blocks: int = 3) -> gd.Model:
    """Images of 8 x 8 pixels by a variance-preserving diffusion whose network is a residual one and predicts v.

        x_t = alpha(t) x_0 + sigma(t) eps,  beta(t) from 0.1 to 20
        v = alpha eps - sigma x_0 = network(x_t, t)
        x[image] = what the solver of the probability-flow ODE makes of noise

    It is trained by denoising score matching: E |eps - eps_hat(x_t, t)|^2.

    Data: x (image, 8, 8, 1), from -1 to 1.

    Reference:
        Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    """
    m = gd.Model("digits_diffusion")
    diffusion = gd.Diffusion(
        gd.VP(gd.schedule.Linear(0.1, 20.0)),
        network=gd.ResNet((8, 8, 1), width=width, blocks=blocks),
        predicts=gd.Predicts.V,
        event=(8, 8, 1),
        flow=gd.ProbabilityFlow(probes=4),
    )
    m.observe("x", diffusion, dims=m.plate("image"))
    m.objective(gd.DenoisingScoreMatching())
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """1,500 digits to learn from, or the 297 held out."""
    return {"x": digits.images(held_out=held_out)[..., None] / 8.0 - 1.0}
