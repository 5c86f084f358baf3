"""Intercepts and slopes that vary together over groups, with an LKJ prior on their correlation."""

import numpy as np

import gendsl as gd

__all__ = ["correlated_slopes", "simulate"]


def correlated_slopes() -> gd.Model:
    """A line for each group, its intercept and slope drawn from a common bivariate normal.

        mu[1:2] ~ Normal(0, 5); tau[1:2] ~ HalfNormal(2); L ~ LKJCholesky(2, 2); sigma ~ HalfNormal(1)
        beta[g] ~ MultivariateNormal(mu, S S^T),  S = diag(tau) L
        y[n] ~ Normal(beta[g, 1] + beta[g, 2] x[n], sigma),  g = group_of[n]

    Recorded: rho, the correlation of intercepts and slopes.

    Data, all (observation): group_of, indices from 0; x; y.

    Reference:
        Generating random correlation matrices based on vines and extended onion method (Lewandowski,
        Kurowicka, Joe, 2009) | https://doi.org/10.1016/j.jmva.2009.04.008
    """
    m = gd.Model("correlated_slopes")
    group, observation = m.plate("group"), m.plate("observation")
    term = m.axis("term", 2, coords=["intercept", "slope"])
    group_of = m.data("group_of", dims=observation, indexes=group)
    x = m.data("x", dims=observation)
    mu = m.latent("mu", gd.Normal(0, 5).expand(term))
    tau = m.latent("tau", gd.HalfNormal(2).expand(term))
    correlation = m.latent("L", gd.LKJCholesky(2, 2.0))
    sigma = m.latent("sigma", gd.HalfNormal(1))
    m.let("rho", (correlation @ correlation.T)[0, 1])
    beta = m.latent("beta", gd.MultivariateNormal(mu, scale_tril=gd.diag(tau) @ correlation), dims=group)
    line = beta[group_of]
    m.observe("y", gd.Normal(line[..., 0] + line[..., 1] * x, sigma), dims=observation)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """15 groups of 10 observations; intercepts and slopes with correlation -0.6."""
    rng = np.random.default_rng(seed)
    tau = np.array([1.0, 0.5])
    covariance = np.outer(tau, tau) * np.array([[1.0, -0.6], [-0.6, 1.0]])
    beta = rng.multivariate_normal([2.0, 1.0], covariance, 15)
    group_of = np.repeat(np.arange(15), 10)
    x = rng.normal(size=150)
    y = beta[group_of, 0] + beta[group_of, 1] * x + rng.normal(0, 0.4, 150)
    return {"group_of": group_of, "x": x, "y": y}
