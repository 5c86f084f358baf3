"""The linear VAE reaches the maximum of probabilistic principal components, within 0.02 nats a row (V2).

x = W z + b + sigma eps with z in R^d. Of the eigenvalues l_1 >= ... >= l_D of the rows' covariance the maximum keeps d:

    sigma^2 = mean of the discarded ones,  W = U_d (L_d - sigma^2)^(1/2)
    log-likelihood / n = -(D log 2 pi + sum_(i <= d) log l_i + (D - d) log sigma^2 + D) / 2

There the posterior's covariance is sigma^2 (W'W + sigma^2)^-1, the same for all rows and diagonal, so that an affine
guide with one scale for each coordinate closes the bound: the ELBO is the likelihood.

Reference:
    Probabilistic Principal Component Analysis (Tipping, Bishop, 1999) | https://doi.org/10.1111/1467-9868.00196
    Don't Blame the ELBO! (Lucas, Tucker, Grosse, Norouzi, 2019) | https://arxiv.org/abs/1911.02469
"""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.methods import Precision, Train
from gendsl.objectives import ELBO
from tests.objectives.gauss import ppca

NATS = 0.02
D, LATENT = 5, 2


def _vae() -> tuple[gd.Model, gd.Model]:
    """Model and guide that begin far from the maximum."""
    rng = np.random.default_rng(1)
    m = gd.Model("linear_vae")
    n = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1).expand(LATENT), dims=n)
    weight = m.param("weight", 0.3 * rng.normal(size=(D, LATENT)))
    shift = m.param("shift", np.zeros(D))
    m.observe("x", gd.Normal(weight @ z + shift, m.param("noise", 1.5, constraint=gd.positive)), dims=n)
    g = gd.Model("inverse")
    k = g.plate("row")
    x = g.data("x", dims=k, event=(D,))
    encode, offset = g.param("encode", 0.3 * rng.normal(size=(LATENT, D))), g.param("offset", np.zeros(LATENT))
    g.latent("z", gd.Normal(encode @ x + offset, g.param("scale", np.ones(LATENT), constraint=gd.positive)), dims=k)
    return m, g


def _likelihood(x: np.ndarray, weight: np.ndarray, shift: np.ndarray, noise: float) -> float:
    """Mean log-density of the rows."""
    cov, d = weight @ weight.T + noise**2 * np.eye(D), x - shift
    each = np.einsum("ni,ij,nj->n", d, np.linalg.inv(cov), d)
    return float(-0.5 * (each.mean() + np.linalg.slogdet(2 * np.pi * cov)[1]))


def _maximum(x: np.ndarray) -> float:
    """The closed form."""
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, vectors = values[::-1], vectors[:, ::-1]
    square = values[LATENT:].mean()
    logs = np.log(values[:LATENT]).sum() + (D - LATENT) * np.log(square)
    best = float(-0.5 * (D * np.log(2 * np.pi) + logs + D))
    weight = vectors[:, :LATENT] * np.sqrt(values[:LATENT] - square)
    assert _likelihood(x, weight, x.mean(0), np.sqrt(square)) == pytest.approx(best, abs=1e-12)
    return best


def _divergence(x: np.ndarray, p: dict[str, np.ndarray]) -> float:
    """Of the guide from the posterior, the mean over rows."""
    square = p["noise"] ** 2
    precision = p["weight"].T @ p["weight"] / square + np.eye(LATENT)
    away = (x - p["shift"]) @ p["weight"] / square @ np.linalg.inv(precision) - (x @ p["encode"].T + p["offset"])
    spread = p["scale"] ** 2
    logs = -np.linalg.slogdet(precision)[1] - np.log(spread).sum()
    each = np.einsum("ni,ij,nj->n", away, precision, away)
    return float(0.5 * (np.diag(precision) @ spread + each.mean() - LATENT + logs))


def test_linear_vae_reaches_its_maximum(backend: str) -> None:
    data = ppca(200)[2]
    best = _maximum(data["x"])
    model, other = _vae()
    model.objective(ELBO(guide=other, analytic_kl=True))
    method = Train(steps=800, optimizer=optim.Adam(optim.Cosine(0.05)), precision=Precision.FLOAT64)
    fit = model.fit(data, method, backend=backend, progress=False)
    p = fit.params
    reached = _likelihood(data["x"], p["weight"], p["shift"], float(p["noise"]))
    assert best - NATS < reached <= best + 1e-12
    bound = reached - _divergence(data["x"], p)
    assert best - NATS < bound <= reached
    found = fit.evidence(100)  # the bound that is reached, by its draws
    assert abs(found.value / 200 - bound) < 4 * found.se / 200 < 1.5 * NATS
    assert fit.history.curves["loss"][0] > -best + 1.0
