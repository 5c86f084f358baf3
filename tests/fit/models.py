"""Models whose fits several tests look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.fit import Fit

NATIVE = gd.Engine.NATIVE
"""The backends' own kernels, which most tests are about; nutpie has its own."""

QUICK = gd.NUTS(chains=2, warmup=20, draws=20, engine=NATIVE)


@dataclass(frozen=True)
class Case:
    """A model, its data and how it is fitted."""

    build: Callable[[], gd.Model]
    data: Mapping[str, Any]
    method: gd.NUTS = field(default_factory=lambda: gd.NUTS(chains=4, warmup=200, draws=400, engine=NATIVE))

    def fit(self, backend: str, seed: int = 1) -> Fit:
        return self.build().fit(self.data, self.method, backend=backend, seed=seed, progress=False)


# -- a Gaussian posterior, known exactly ---------------------------------------------------------------------------
X = np.array([[1.0, 0.2, 0.1], [1.0, 0.9, 0.8], [1.0, -0.7, -1.1], [1.0, 1.4, 0.7], [1.0, -0.3, 0.6], [1.0, 2.0, 1.6]])
Y = np.array([0.3, 1.2, -0.9, 2.2, 0.1, 2.4])
NOISE, PRIOR = 0.7, 2.0
COV = np.linalg.inv(X.T @ X / NOISE**2 + np.eye(3) / PRIOR**2)
MEAN = COV @ X.T @ Y / NOISE**2


def regression() -> gd.Model:
    """Linear regression with known noise: the posterior of the weights is Normal(MEAN, COV)."""
    m = gd.Model("regression")
    row, weight = m.plate("row"), m.axis("weight", 3, coords=["constant", "slope", "bend"])
    x = m.data("x", dims=row, event=weight)
    w = m.latent("w", gd.Normal(0, PRIOR).expand(weight))
    m.let("first", w[0])
    m.observe("y", gd.Normal((x * w).sum(-1), NOISE), dims=row)
    return m


def schools() -> gd.Model:
    """Eight schools, declared centred; the compiler non-centres it."""
    m = gd.Model("schools")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school, support=gd.positive)
    mu = m.latent("mu", gd.Normal(0, 5))
    tau = m.latent("tau", gd.HalfCauchy(5))
    theta = m.latent("theta", gd.Normal(mu, tau), dims=school)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    return m


SCHOOLS = {
    "y": [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
    "sigma": [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
}

CASES = {
    "regression": Case(regression, {"x": X, "y": Y}),
    "schools": Case(schools, SCHOOLS, QUICK),
}
