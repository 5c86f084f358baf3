"""Tosses of a coin: the beta-Bernoulli model, whose posterior is known in closed form."""

import numpy as np

import gendsl as gd

__all__ = ["coins", "simulate"]


def coins() -> gd.Model:
    """Tosses with an unknown probability of heads.

        p ~ Beta(2, 2)
        heads[n] ~ Bernoulli(p)

    The posterior is p ~ Beta(2 + h, 2 + N - h), with h heads among N tosses.

    Data: heads (toss), 0 or 1.

    Reference:
        An Essay towards solving a Problem in the Doctrine of Chances (Bayes, 1763) |
        https://doi.org/10.1098/rstl.1763.0053
    """
    m = gd.Model("coins")
    toss = m.plate("toss")
    p = m.latent("p", gd.Beta(2, 2))
    m.observe("heads", gd.Bernoulli(probs=p), dims=toss)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """40 tosses with p = 0.7."""
    rng = np.random.default_rng(seed)
    return {"heads": rng.binomial(1, 0.7, 40)}
