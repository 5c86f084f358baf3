"""Stochastic volatility: returns whose log-variance follows an autoregression."""

import numpy as np

import gendsl as gd

__all__ = ["simulate", "stochastic_volatility"]


def stochastic_volatility() -> gd.Model:
    """Returns with a latent log-variance h.

        mu ~ Normal(0, 5); persistence ~ Beta(20, 1.5), phi = 2 persistence - 1; sigma ~ HalfNormal(0.5)
        h[1] ~ Normal(mu, sigma / sqrt(1 - phi^2)); h[t] ~ Normal(mu + phi (h[t-1] - mu), sigma)
        y[t] ~ Normal(0, exp(h[t] / 2))

    Data: y (time).

    Reference:
        Stochastic Volatility: Likelihood Inference and Comparison with ARCH Models (Kim, Shephard, Chib,
        1998) | https://doi.org/10.1111/1467-937X.00050
    """
    m = gd.Model("stochastic_volatility")
    time = m.plate("time")
    mu = m.latent("mu", gd.Normal(0, 5))
    persistence = m.latent("persistence", gd.Beta(20, 1.5))
    phi = m.let("phi", 2 * persistence - 1)
    sigma = m.latent("sigma", gd.HalfNormal(0.5))
    volatility = gd.Markov(
        gd.Normal(mu, sigma / gd.sqrt(1 - gd.square(phi))),
        lambda before: gd.Normal(mu + phi * (before - mu), sigma),
        dim=time,
    )
    h = m.latent("h", volatility, dims=time)
    m.observe("y", gd.Normal(0, gd.exp(h / 2)), dims=time)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """150 returns with phi = 0.95."""
    rng = np.random.default_rng(seed)
    mu, phi, sigma = -1.0, 0.95, 0.25
    h = np.empty(150)
    h[0] = rng.normal(mu, sigma / np.sqrt(1 - phi**2))
    for t in range(1, 150):
        h[t] = rng.normal(mu + phi * (h[t - 1] - mu), sigma)
    return {"y": rng.normal(0, np.exp(h / 2))}
