"""The local level model: a random walk seen through noise, with unknown scales."""

import numpy as np

import gendsl as gd

__all__ = ["local_level", "simulate"]


def local_level() -> gd.Model:
    """A level that moves, and observations around it; linear and Gaussian given the scales.

        innovation, noise ~ HalfNormal(1)
        level[1] ~ Normal(0, 5); level[t] ~ Normal(level[t-1], innovation)
        y[t] ~ Normal(level[t], noise)

    Data: y (time).

    Reference:
        Time Series Analysis by State Space Methods (Durbin, Koopman, 2012) |
        https://doi.org/10.1093/acprof:oso/9780199641178.001.0001
    """
    m = gd.Model("local_level")
    time = m.plate("time")
    innovation = m.latent("innovation", gd.HalfNormal(1))
    noise = m.latent("noise", gd.HalfNormal(1))
    walk = gd.Markov(gd.Normal(0, 5), lambda before: gd.Normal(before, innovation), dim=time)
    level = m.latent("level", walk, dims=time)
    m.observe("y", gd.Normal(level, noise), dims=time)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """100 times with innovation 0.4 and noise 0.8."""
    rng = np.random.default_rng(seed)
    level = 1.0 + np.cumsum(rng.normal(0, 0.4, 100))
    return {"y": level + rng.normal(0, 0.8, 100)}
