"""Regression with outliers: Student's t errors."""

import numpy as np

import gendsl as gd

__all__ = ["robust_regression", "simulate"]


def robust_regression() -> gd.Model:
    """A line with heavy-tailed errors, whose degrees of freedom are learned.

        alpha ~ Normal(0, 10); beta ~ Normal(0, 10); sigma ~ HalfCauchy(2.5); nu ~ Gamma(2, 0.1)
        y[n] ~ StudentT(nu, alpha + beta x[n], sigma)

    Data: x (observation); y (observation).

    Reference:
        Robust Statistical Modeling Using the t Distribution (Lange, Little, Taylor, 1989) |
        https://doi.org/10.1080/01621459.1989.10478852
    """
    m = gd.Model("robust_regression")
    observation = m.plate("observation")
    x = m.data("x", dims=observation)
    alpha = m.latent("alpha", gd.Normal(0, 10))
    beta = m.latent("beta", gd.Normal(0, 10))
    sigma = m.latent("sigma", gd.HalfCauchy(2.5))
    nu = m.latent("nu", gd.Gamma(2, 0.1))
    m.observe("y", gd.StudentT(nu, alpha + beta * x, sigma), dims=observation)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """100 points of a line with t errors of 3 degrees of freedom."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, 100)
    return {"x": x, "y": 1.0 + 2.0 * x + 0.5 * rng.standard_t(3, 100)}
