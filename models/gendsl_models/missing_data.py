"""Regression with missing values in a predictor, which become latents."""

import numpy as np

import gendsl as gd

__all__ = ["missing_data", "simulate"]


def missing_data() -> gd.Model:
    """A line on a predictor that has a model of its own, so that its missing values are imputed.

        mu ~ Normal(0, 5); tau ~ HalfNormal(2); alpha, beta ~ Normal(0, 5); sigma ~ HalfNormal(2)
        x[n] ~ Normal(mu, tau), some of them not observed
        y[n] ~ Normal(alpha + beta x[n], sigma)

    Data: x (row), NaN where missing; y (row).

    Reference:
        Statistical Analysis with Missing Data (Little, Rubin, 2019) | https://doi.org/10.1002/9781119482260
    """
    m = gd.Model("missing_data")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 5))
    tau = m.latent("tau", gd.HalfNormal(2))
    alpha = m.latent("alpha", gd.Normal(0, 5))
    beta = m.latent("beta", gd.Normal(0, 5))
    sigma = m.latent("sigma", gd.HalfNormal(2))
    x = m.observe("x", gd.Normal(mu, tau), dims=row, missing=gd.Missing.IMPUTE)
    m.observe("y", gd.Normal(alpha + beta * x, sigma), dims=row)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """80 rows, a fifth of the predictor missing at random."""
    rng = np.random.default_rng(seed)
    x = rng.normal(1.0, 1.5, 80)
    y = 0.5 + 1.2 * x + rng.normal(0, 0.7, 80)
    return {"x": np.where(rng.uniform(size=80) < 0.2, np.nan, x), "y": y}
