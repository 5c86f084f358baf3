"""Ordered answers: a proportional-odds regression."""

import numpy as np

import gendsl as gd

__all__ = ["ordinal_regression", "simulate"]


def ordinal_regression(categories: int = 5, predictors: int = 2) -> gd.Model:
    """Answers 0, ..., K - 1 with ordered cutpoints.

        beta[1:D] ~ Normal(0, 1); c[1] < ... < c[K-1], each ~ Normal(0, 3)
        P(answer[n] <= k) = sigmoid(c[k+1] - x[n] . beta)

    Data: x (person), event (predictor,); answer (person), 0 to K - 1.

    Args:
        categories: K.
        predictors: D.

    Reference:
        Regression Models for Ordinal Data (McCullagh, 1980) | https://doi.org/10.1111/j.2517-6161.1980.tb01109.x
    """
    m = gd.Model("ordinal_regression")
    person = m.plate("person")
    predictor = m.axis("predictor", predictors)
    cut = m.axis("cut", categories - 1)
    x = m.data("x", dims=person, event=predictor)
    beta = m.latent("beta", gd.Normal(0, 1).expand(predictor))
    cutpoints = m.latent("cutpoints", gd.Normal(0, 3).expand(cut), constraint=gd.ordered)
    m.observe("answer", gd.OrderedLogistic(x @ beta, cutpoints), dims=person)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """200 persons, two predictors, five answers."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 2))
    latent = x @ np.array([1.0, -0.5]) + rng.logistic(size=200)
    return {"x": x, "answer": np.searchsorted([-2.0, -0.5, 0.7, 2.2], latent)}
