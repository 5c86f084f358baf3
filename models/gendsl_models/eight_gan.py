"""An adversarial game on eight Gaussians: a generator against a critic."""

import numpy as np

import gendsl as gd
from gendsl_models import toys

__all__ = ["data", "eight_gan"]


def eight_gan(noise: int = 4, width: int = 128) -> gd.Model:
    """Points in the plane as what a network makes of noise, judged by a critic that sees a Wasserstein distance.

        x[row] = network(z),  z ~ Normal(0, I)
        critic:    max_D  E D(x) - E D(network(z)) - 10 E (|grad D| - 1)^2
        generator: min  -E D(network(z))

    There is no density, so nothing else of this model's family would learn it.

    Data: x (row, 2).

    Reference:
        Improved Training of Wasserstein GANs (Gulrajani et al., 2017) | https://arxiv.org/abs/1704.00028
    """
    m = gd.Model("eight_gan")
    made = gd.Pushforward(gd.Normal(0, 1).expand(noise), gd.MLP(2, hidden=(width, width)))
    m.observe("x", made, dims=m.plate("row"))
    m.objective(gd.WGAN(critic=gd.MLP(1, hidden=(width, width))))
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """20,000 points to learn from, or 5,000 others."""
    return {"x": toys.eight_gaussians(5_000, 1) if held_out else toys.eight_gaussians(20_000)}
