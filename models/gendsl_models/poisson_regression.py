"""Counts with an exposure: a Poisson regression."""

import numpy as np

import gendsl as gd

__all__ = ["poisson_regression", "simulate"]


def poisson_regression(predictors: int = 3) -> gd.Model:
    """Rates of events on the log scale, with the exposure as an offset.

        alpha ~ Normal(0, 2); beta[1:D] ~ Normal(0, 1)
        count[n] ~ Poisson(exposure[n] exp(alpha + x[n] . beta))

    Data: x (unit), event (predictor,); exposure (unit), positive; count (unit).

    Args:
        predictors: D.

    Reference:
        Generalized Linear Models (McCullagh, Nelder, 1989) | https://doi.org/10.1201/9780203753736
    """
    m = gd.Model("poisson_regression")
    unit = m.plate("unit")
    predictor = m.axis("predictor", predictors)
    x = m.data("x", dims=unit, event=predictor)
    exposure = m.data("exposure", dims=unit, support=gd.positive)
    alpha = m.latent("alpha", gd.Normal(0, 2))
    beta = m.latent("beta", gd.Normal(0, 1).expand(predictor))
    m.observe("count", gd.Poisson(exposure * gd.exp(alpha + x @ beta)), dims=unit)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """120 units with three predictors."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 3))
    exposure = rng.uniform(0.5, 5.0, 120)
    rate = exposure * np.exp(0.5 + x @ np.array([0.6, -0.3, 0.1]))
    return {"x": x, "exposure": exposure, "count": rng.poisson(rate)}
