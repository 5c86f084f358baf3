"""Counts with too many zeros: a zero-inflated Poisson regression."""

import numpy as np

import gendsl as gd

__all__ = ["simulate", "zero_inflated"]


def zero_inflated() -> gd.Model:
    """A count is zero by a regression of its own, or else Poisson.

        alpha, gamma ~ Normal(0, 2); beta, delta ~ Normal(0, 1)
        P(structural zero) = sigmoid(gamma + delta x[n])
        count[n] = 0 if structural, else ~ Poisson(exp(alpha + beta x[n]))

    Data: x (visit); count (visit).

    Reference:
        Zero-Inflated Poisson Regression, with an Application to Defects in Manufacturing (Lambert, 1992) |
        https://doi.org/10.2307/1269547
    """
    m = gd.Model("zero_inflated")
    visit = m.plate("visit")
    x = m.data("x", dims=visit)
    alpha = m.latent("alpha", gd.Normal(0, 2))
    beta = m.latent("beta", gd.Normal(0, 1))
    gamma = m.latent("gamma", gd.Normal(0, 2))
    delta = m.latent("delta", gd.Normal(0, 1))
    counts = gd.ZeroInflated(gd.Poisson(gd.exp(alpha + beta * x)), gate_logits=gamma + delta * x)
    m.observe("count", counts, dims=visit)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """200 visits, about a third of them structural zeros."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=200)
    structural = rng.uniform(size=200) < 1 / (1 + np.exp(0.7 - 0.5 * x))
    return {"x": x, "count": np.where(structural, 0, rng.poisson(np.exp(1.0 + 0.4 * x)))}
