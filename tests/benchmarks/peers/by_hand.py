"""The models as a user of NumPyro or of Pyro writes them; the two spell these the same way.

A program is a function of the engine's module, its distributions and its array module, then of the data. Flat priors
are distributions that are masked: Pyro cannot start from its `ImproperUniform`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["PROGRAMS", "SHARED", "arguments"]


def schools(ppl: Any, d: Any, xp: Any, y: Any, sigma: Any) -> None:
    mu, tau = ppl.sample("mu", d.Normal(0.0, 5.0)), ppl.sample("tau", d.HalfCauchy(5.0))
    with ppl.plate("school", len(y)):
        base = ppl.sample("theta_trans", d.Normal(0.0, 1.0))
        ppl.sample("y", d.Normal(mu + tau * base, sigma), obs=y)


def radon(
    ppl: Any, d: Any, xp: Any, county_of: Any, log_uranium: Any, floor: Any, floor_by_county: Any, log_radon: Any
) -> None:
    mean = ppl.sample("county_effect_mean", d.Normal(0.0, 1.0))
    scale = ppl.sample("county_effect_scale", d.HalfNormal(1.0))
    noise = ppl.sample("log_radon_scale", d.HalfNormal(1.0))
    w = ppl.sample("weight", d.Normal(0.0, 1.0).expand([3]).to_event(1))
    with ppl.plate("county", 85):
        base = ppl.sample("base", d.Normal(0.0, 1.0))
    m = (mean + scale * base)[county_of] + w[0] * log_uranium + w[1] * floor + w[2] * floor_by_county
    with ppl.plate("obs", len(log_radon)):
        ppl.sample("y", d.Normal(m, noise), obs=log_radon)


def kidscore(ppl: Any, d: Any, xp: Any, mom_hs: Any, mom_iq: Any, kid_score: Any) -> None:
    beta = ppl.sample("beta", d.Normal(0.0, 1.0).expand([4]).to_event(1).mask(False))
    sigma = ppl.sample("sigma", d.HalfCauchy(2.5))
    m = beta[0] + beta[1] * mom_hs + beta[2] * mom_iq + beta[3] * mom_hs * mom_iq
    with ppl.plate("child", len(kid_score)):
        ppl.sample("y", d.Normal(m, sigma), obs=kid_score)


def earnings(ppl: Any, d: Any, xp: Any, earn: Any, height: Any, male: Any) -> None:
    beta = ppl.sample("beta", d.Normal(0.0, 1.0).expand([4]).to_event(1).mask(False))
    sigma = ppl.sample("sigma", d.HalfNormal(1.0).mask(False))
    m = beta[0] + beta[1] * height + beta[2] * male + beta[3] * height * male
    with ppl.plate("person", len(earn)):
        ppl.sample("y", d.Normal(m, sigma), obs=xp.log(earn))


def credit(ppl: Any, d: Any, xp: Any, X: Any, y: Any) -> None:
    w = ppl.sample("weights", d.Normal(0.0, 1.0).expand([25]).to_event(1))
    with ppl.plate("customer", len(y)):
        ppl.sample("y", d.Bernoulli(logits=X @ w), obs=y)


def autoregression(ppl: Any, d: Any, xp: Any, y: Any) -> None:
    alpha = ppl.sample("alpha", d.Normal(0.0, 10.0))
    beta = ppl.sample("beta", d.Normal(0.0, 10.0).expand([5]).to_event(1))
    sigma = ppl.sample("sigma", d.HalfCauchy(2.5))
    m = alpha + sum(beta[k] * y[4 - k : len(y) - 1 - k] for k in range(5))
    with ppl.plate("time", len(y) - 5):
        ppl.sample("y", d.Normal(m, sigma), obs=y[5:])


def mixture(ppl: Any, d: Any, xp: Any, y: Any) -> None:
    base = d.Normal(0.0, 1.0).expand([2]).to_event(1)
    mu = ppl.sample("mu", d.TransformedDistribution(base, d.transforms.OrderedTransform()).mask(False))
    ppl.factor("mu_prior", d.Normal(0.0, 2.0).log_prob(mu).sum(-1))
    sigma = ppl.sample("sigma", d.HalfNormal(2.0).expand([2]).to_event(1))
    theta = ppl.sample("theta", d.Beta(5.0, 5.0))
    weights = d.Categorical(probs=xp.stack([theta, 1 - theta], -1))
    with ppl.plate("observation", len(y)):
        ppl.sample("y", d.MixtureSameFamily(weights, d.Normal(mu, sigma)), obs=y)


PROGRAMS: dict[str, Callable[..., None]] = {
    "eight_schools_noncentered": schools,
    "radon_minnesota": radon,
    "kidscore_interaction": kidscore,
    "logearn_interaction": earnings,
    "german_credit_logistic": credit,
    "arK": autoregression,
    "low_dim_gauss_mix": mixture,
}
"""Case of the reference -> its program."""

SHARED: dict[str, tuple[str, ...]] = {
    "eight_schools_noncentered": ("mu", "tau"),
    "radon_minnesota": ("county_effect_mean", "county_effect_scale", "log_radon_scale", "weight"),
    "kidscore_interaction": ("beta", "sigma"),
    "logearn_interaction": ("beta", "sigma"),
    "german_credit_logistic": ("weights",),
    "arK": ("alpha", "beta", "sigma"),
    "low_dim_gauss_mix": ("mu", "sigma", "theta"),
}
"""What all programs of a model sample, under equal names."""


def arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data as contiguous arrays."""
    return {k: np.array(v) for k, v in data.items()}
