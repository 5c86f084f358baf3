"""An adversarial game on eight Gaussians: a generator against a critic."""

import numpy as np

import gendsl as gd
from gendsl_models import toys

__all__ = ["data", "eight_gan"]

_RELU = gd.Activation.RELU


def eight_gan(noise: int = 4, width: int = 128, weight: float = 0.1) -> gd.Model:
    """Points in the plane as what a network makes of noise, judged by a critic that sees a Wasserstein distance.

        x[row] = network(z),  z ~ Normal(0, I)
        critic:    max_D  E D(x) - E D(network(z)) - weight E (|grad D| - 1)^2
        generator: min  -E D(network(z))

    There is no density. With the weight 10 that images are given, the critic is smooth, and the generator fills the
    middle; it is small here, as in the authors' own toys.

    Data: x (row, 2).

    Reference:
        Improved Training of Wasserstein GANs (Gulrajani et al., 2017) | https://arxiv.org/abs/1704.00028
    """
    m = gd.Model("eight_gan")
    made = gd.Pushforward(gd.Normal(0, 1).expand(noise), gd.MLP(2, hidden=(width,) * 3, activation=_RELU))
    m.observe("x", made, dims=m.plate("row"))
    critic = gd.MLP(1, hidden=(width,) * 3, activation=_RELU)
    m.objective(gd.WGAN(critic=critic, penalty=gd.GradientPenalty(weight)))
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """20,000 points to learn from, or 5,000 others."""
    return {"x": toys.eight_gaussians(5_000, 1) if held_out else toys.eight_gaussians(20_000)}
