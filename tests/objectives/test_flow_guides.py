"""Flows and autoregressive models as guides and as priors: equal on both backends, right where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import flows, guide, optim, transform
from gendsl.objectives import ELBO, IWAE, Gradient, Objective
from tests.objectives.gauss import Run, bound, regression_truth

H = (4,)
NORMAL = gd.Normal(0, 1).expand(2)
GUIDES: dict[str, gd.Distribution] = {
    "linear": gd.Flow(NORMAL, (transform.LULinear(),)),
    "nsf": gd.Flow(NORMAL, flows.nsf(2, bins=4, hidden=H)),
    "iaf": gd.Flow(NORMAL, flows.iaf(2, hidden=H)),
    "autoregressive": gd.Autoregressive(2, hidden=H),
}


def line(size: int = 8, prior: gd.Distribution = NORMAL) -> tuple[gd.Model, dict[str, np.ndarray]]:
    """y = w_0 + w_1 x + noise of scale 0.5."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=size) + 1.0
    m = gd.Model("line")
    row = m.plate("row")
    xs, w = m.data("x", dims=row), m.latent("w", prior)
    m.observe("y", gd.Normal(w[0] + w[1] * xs, 0.5), dims=row)
    return m, {"x": x, "y": 0.3 - 0.8 * x + 0.5 * rng.normal(size=size)}


def guiding(dist: gd.Distribution) -> gd.Model:
    g = gd.Model("guide")
    g.latent("w", dist)
    return g


def amortised() -> tuple[gd.Model, gd.Model, dict[str, np.ndarray]]:
    """A conditional flow for each row, over a base that the row's data move."""
    m, g = gd.Model("rows"), gd.Model("encoder")
    n, k = m.plate("row"), g.plate("row")
    z = m.latent("z", gd.Flow(NORMAL, flows.realnvp(2, hidden=H), name="prior"), dims=n)
    m.observe("y", gd.Normal(z, 0.5), dims=n)
    y = g.data("y", dims=k, event=2)
    g.latent("z", gd.Flow(gd.Normal(0.5 * y, 0.7), flows.nsf(2, bins=4, hidden=H), context=y), dims=k)
    return m, g, {"y": np.random.default_rng(0).normal(size=(5, 2))}


def moved(r: Run) -> dict[str, np.ndarray]:
    """Parameters away from the start, at which every transform is the identity."""
    rng = np.random.default_rng(1)
    return {k: v + 0.2 * rng.normal(size=v.shape) for k, v in sorted(r.game.initial_params(0).items())}


def agree(model: gd.Model, objective: Objective, data: Any, batched: bool = False) -> None:
    runs = {b: Run(bound(model, objective, data, b, batched), b) for b in ("pyro", "numpyro")}
    params, noise = moved(runs["pyro"]), runs["pyro"].noise(1)
    assert "seed" not in noise
    (v, g), (u, h) = (r.value(params, noise) for r in runs.values())
    np.testing.assert_allclose(v, u, rtol=1e-10)
    for k in params:
        assert np.any(g[k] != 0), k
        np.testing.assert_allclose(g[k], h[k], rtol=1e-9, atol=1e-10 * (1 + np.abs(g[k]).max()))


@pytest.mark.parametrize("name", GUIDES)
def test_backends_agree_on_equal_noise(name: str) -> None:
    model, data = line()
    agree(model, ELBO(guide=guiding(GUIDES[name]), particles=3), data)


@pytest.mark.parametrize(
    "objective",
    [
        IWAE(guide=guiding(GUIDES["nsf"]), particles=3),
        ELBO(guide=guiding(GUIDES["nsf"]), gradient=Gradient.SCORE, particles=2),
    ],
    ids=["iwae", "score"],
)
def test_backends_agree_on_other_bounds(objective: Objective) -> None:
    model, data = line()
    agree(model, objective, data)


def test_backends_agree_on_amortised_flows() -> None:
    model, g, data = amortised()
    agree(model, ELBO(guide=g, particles=2), data, True)


def test_backends_agree_on_a_flow_as_prior() -> None:
    model, data = line(prior=GUIDES["nsf"])
    agree(model, ELBO(guide=guide.FullRank(), particles=2), data)


def exact(data: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
    """The evidence, and the parameters under which the linear flow is the posterior."""
    evidence, mean, cov = regression_truth(data)
    root = np.linalg.cholesky(cov)
    factors = np.tril(root / np.diag(root), -1) + np.diag(np.log(np.diag(root)))
    return evidence, {"w.transforms.0.factors": factors, "w.transforms.0.bias": mean}


@pytest.mark.parametrize("make", [ELBO, IWAE])
def test_the_exact_posterior_gives_the_evidence(make: type[Any], backend: str) -> None:
    """Every log weight is log p(y), whatever the draws."""
    model, data = line()
    evidence, params = exact(data)
    r = Run(bound(model, make(guide=guiding(GUIDES["linear"]), particles=4), data, backend), backend)
    assert r.value(params, r.noise(0))[0] == pytest.approx(-evidence, abs=1e-9)


def test_score_function_and_path_agree_in_expectation(backend: str) -> None:
    """So the density that comes with a draw is not used where no gradient may pass through the draw."""
    model, data = line()
    _, params = exact(data)
    params = {k: v + 0.1 for k, v in params.items()}
    means, errors = [], []
    for way in Gradient:
        made = bound(model, ELBO(guide=guiding(GUIDES["linear"]), gradient=way, particles=200), data, backend)
        r = Run(made, backend)
        each = [np.concatenate([g.ravel() for g in r.value(params, r.noise(k))[1].values()]) for k in range(20)]
        means.append(np.mean(each, 0))
        errors.append(np.std(each, 0) / np.sqrt(len(each)))
    assert (np.abs(means[0] - means[1]) <= 4 * np.hypot(*errors)).all()
    assert np.abs(means[0]).max() > 0.1


def test_a_draw_brings_its_own_density(backend: str) -> None:
    """Equal to the density of an equal value, which is found by going back."""
    from gendsl.backend import get_backend

    b = get_backend(backend)
    program = guiding(GUIDES["iaf"]).compile(backend)
    rng = np.random.default_rng(0)
    with b.context("float64"):
        starts = program.network_parameters()
        params = {k: b.array(v + 0.3 * rng.normal(size=v.shape), "float64") for k, v in starts.items()}
        d = program.namespace["w_density"](params)
        x = d.image(b.array(rng.normal(size=(5, 2)), "float64"))
        np.testing.assert_allclose(b.numpy(d.log_prob(x)), b.numpy(d.log_prob(x + 0.0)), atol=1e-10)
        assert d.log_prob(x).shape == (5,)


@pytest.mark.slow
def test_a_flow_guide_reaches_the_evidence(backend: str) -> None:
    """N1: within 0.02 nats, for a posterior that is normal."""
    model, data = line()
    evidence, _, cov = regression_truth(data)
    model.objective(ELBO(guide=guiding(gd.Flow(NORMAL, flows.nsf(3, hidden=(16,)))), particles=8))
    method = gd.Train(steps=2500, optimizer=optim.Adam(optim.Cosine(5e-3)))
    fit = model.fit(data, method, backend=backend, progress=False)
    found = fit.evidence(4000)
    assert abs(found.value - evidence) < 0.02 + 4 * found.se
    np.testing.assert_allclose(np.cov(fit.draws["w"][0].T), cov, atol=0.02)
