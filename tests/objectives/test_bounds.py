"""Bounds on the evidence against closed forms, and the two backends against each other on equal noise."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import guide
from gendsl.objectives import ELBO, IWAE, Gradient, MaximumLikelihood, Objective
from tests.objectives.gauss import Run, bound, ppca, ppca_evidence, regression, regression_truth

LINE: dict[str, Objective] = {
    "mean field": ELBO(),
    "full rank": ELBO(guide=guide.FullRank(), particles=3),
    "low rank": ELBO(guide=guide.LowRank(rank=1), particles=2),
    "delta": ELBO(guide=guide.Delta()),
    "score": ELBO(gradient=Gradient.SCORE, particles=2),
    "iwae": IWAE(guide=guide.FullRank(), particles=4),
}
LIKELIHOOD = MaximumLikelihood()
PPCA: dict[str, dict[str, Any]] = {
    "path": {"particles": 3},
    "analytic": {"analytic_kl": True},
    "score": {"gradient": {"z": Gradient.SCORE}},
}


def _agree(model: gd.Model, objective: Objective, data: Any, index: Any, batched: bool) -> None:
    runs = {b: Run(bound(model, objective, data, b, batched), b) for b in ("pyro", "numpyro")}
    params = runs["pyro"].game.initial_params(0)
    again = runs["numpyro"].game.initial_params(0)
    assert all(np.array_equal(params[k], again[k]) for k in params)
    noise = runs["pyro"].noise(1, index)
    (v, g), (w, h) = (r.value(params, noise, index) for r in runs.values())
    assert np.isfinite(v)
    np.testing.assert_allclose(v, w, rtol=1e-10, atol=1e-12)
    assert set(g) == set(h) == set(params)
    for k in g:
        np.testing.assert_allclose(g[k], h[k], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", LINE)
def test_backends_agree_on_a_guide_of_ours(name: str) -> None:
    model, data = regression()
    _agree(model, LINE[name], data, slice(None), False)


def test_backends_agree_on_a_batch() -> None:
    model, data = regression()
    _agree(model, ELBO(particles=2), data, slice(2, 7), True)


def test_backends_agree_on_the_likelihood() -> None:
    """Of a flow and of a regression by a network."""
    m = gd.Model("rows")
    row = m.plate("row")
    x = m.data("x", dims=row, event=2)
    f = m.network("f", gd.MLP(1, hidden=(3,)))
    m.observe("y", gd.Normal(f(x)[..., 0], m.param("s", 2.0, constraint=gd.positive)), dims=row)
    m.observe("z", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, bins=3, hidden=(4,))), dims=row)
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(7, 2)), "y": rng.normal(size=7), "z": rng.normal(size=(7, 2))}
    _agree(m, LIKELIHOOD, data, slice(1, 5), True)


@pytest.mark.parametrize("name", PPCA)
def test_backends_agree_on_a_model_as_guide(name: str) -> None:
    model, other, data, _ = ppca()
    _agree(model, ELBO(guide=other, **PPCA[name]), data, slice(1, 6), True)


def test_backends_agree_on_iwae() -> None:
    model, other, data, _ = ppca()
    _agree(model, IWAE(guide=other, particles=4), data, slice(1, 6), True)


# -- truth ------------------------------------------------------------------------------------------------------------
def test_the_exact_posterior_gives_the_evidence(backend: str) -> None:
    """Every log weight is log p(x), whatever the draws."""
    model, data = regression()
    evidence, mean, cov = regression_truth(data)
    root = np.linalg.cholesky(cov)
    r = Run(bound(model, ELBO(guide=guide.FullRank(), particles=2), data, backend), backend)
    d = np.diag(root)
    params = {"guide.location": mean, "guide.log_diagonal": np.log(d), "guide.lower": np.tril(root, -1)}
    value, _ = r.value(params, r.noise(3))
    assert value == pytest.approx(-evidence, abs=1e-9)


def test_the_exact_posterior_as_a_model_gives_the_evidence(backend: str) -> None:
    model, other, data, truth = ppca()
    expected = -ppca_evidence(data, truth).mean()
    for objective in (ELBO(guide=other), IWAE(guide=other, particles=3)):
        r = Run(bound(model, objective, data, backend, True), backend)
        value, _ = r.value(r.game.initial_params(0), r.noise(2))
        assert value == pytest.approx(expected, abs=1e-10)


def test_mean_field_at_its_optimum_has_its_known_bound() -> None:
    """KL = (sum_i log P_ii - log det P) / 2 with P the posterior's precision; the optimum has variances 1 / P_ii."""
    model, data = regression()
    evidence, mean, cov = regression_truth(data)
    p = np.linalg.inv(cov)
    gap = 0.5 * (np.log(np.diag(p)).sum() - np.linalg.slogdet(p)[1])
    r = Run(bound(model, ELBO(particles=4000), data, "pyro"), "pyro")
    params = {"guide.location": mean, "guide.log_scale": -0.5 * np.log(np.diag(p))}
    values = [r.value(params, r.noise(k))[0] for k in range(4)]
    assert gap > 0.1
    assert np.mean(values) == pytest.approx(gap - evidence, abs=0.02)


def test_batches_are_unbiased(backend: str) -> None:
    """The mean over all batches of a size is the loss of all rows, on equal noise."""
    model, data = regression(6)
    r = Run(bound(model, ELBO(), data, backend, True), backend)
    params, noise = r.game.initial_params(0), r.noise(0)
    whole, slope = r.value(params, noise)
    parts = [r.value(params, noise, list(c)) for c in combinations(range(6), 2)]
    assert np.mean([v for v, _ in parts]) == pytest.approx(whole, rel=1e-12)
    for k, g in slope.items():
        np.testing.assert_allclose(np.mean([p[k] for _, p in parts], 0), g, rtol=1e-9, atol=1e-12)
    fused = Run(bound(model, ELBO(), data, backend), backend)
    assert fused.value(params, noise)[0] / 6 == pytest.approx(whole, rel=1e-10)  # which is not divided by rows


def test_score_function_and_path_agree_in_expectation() -> None:
    model, data = regression()
    means, errors = {}, {}
    for way in Gradient:
        r = Run(bound(model, ELBO(gradient=way, particles=500), data, "pyro"), "pyro")
        params = r.game.initial_params(0) | {"guide.log_scale": np.log([0.3, 0.2])}
        each = [np.concatenate([*r.value(params, r.noise(k + 1000 * (way is Gradient.SCORE)))[1].values()])
                for k in range(40)]  # fmt: skip
        means[way], errors[way] = np.mean(each, 0), np.std(each, 0) / np.sqrt(len(each))
    gap = np.abs(means[Gradient.SCORE] - means[Gradient.PATHWISE])
    assert (gap <= 4 * np.hypot(errors[Gradient.SCORE], errors[Gradient.PATHWISE])).all()
    assert (errors[Gradient.SCORE] > errors[Gradient.PATHWISE]).all()


def test_analytic_divergence_has_the_mean_of_the_sampled_one() -> None:
    """And less noise, where the guide's own log-density is all that is sampled."""
    m = gd.Model("prior")
    n = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1), dims=n)
    m.observe("y", gd.Normal(z, 1.0), dims=n)
    g = gd.Model("narrow")
    k = g.plate("row")
    y = g.data("y", dims=k)
    g.latent("z", gd.Normal(0.4 * y, 0.6), dims=k)
    data = {"y": np.array([0.5, -1.0, 2.0])}
    values = {}
    for analytic in (True, False):
        r = Run(bound(m, ELBO(guide=g, analytic_kl=analytic, particles=200), data, "pyro", True), "pyro")
        values[analytic] = np.array([_loss(r, r.noise(j)) for j in range(20)])
    error = np.hypot(*(v.std() / np.sqrt(len(v)) for v in values.values()))
    assert abs(values[True].mean() - values[False].mean()) < min(4 * error, 0.05)


def _loss(r: Run, noise: Any) -> float:
    """A loss without parameters."""
    with r.b.context("float64"):
        inputs = [{k: r.b.array(v, "float64") for k, v in x.items()} for x in (r.batch(), noise)]
        return float(r.b.numpy(r.game.loss(r.game.players[0], {}, *inputs, {}).value))


def test_discrete_latents_by_the_score_function(backend: str) -> None:
    """The mean of the estimates is the gradient of the ELBO, which two cases give."""
    m = gd.Model("coin")
    n = m.plate("row")
    c = m.latent("c", gd.Bernoulli(probs=0.3), dims=n)
    m.observe("y", gd.Normal(2.0 * c, 1.0), dims=n)
    g = gd.Model("guess")
    k = g.plate("row")
    g.data("y", dims=k)
    weight = g.param("weight", 0.2)
    g.latent("c", gd.Bernoulli(logits=weight * g["y"]), dims=k)
    data = {"y": np.array([1.5, -0.5, 0.8, 2.5])}

    def elbo(w: float) -> float:
        y, out = data["y"], 0.0
        q = 1 / (1 + np.exp(-w * y))
        for case, share, prior in ((1, q, 0.3), (0, 1 - q, 0.7)):
            like = -0.5 * (y - 2 * case) ** 2 - 0.5 * np.log(2 * np.pi)
            out += float((share * (np.log(prior) + like - np.log(share))).mean())
        return out

    exact = (elbo(0.2 + 1e-5) - elbo(0.2 - 1e-5)) / 2e-5
    r = Run(bound(m, ELBO(guide=g, particles=50), data, backend, True), backend)
    found = [r.value(r.game.initial_params(0), r.noise(j)) for j in range(30)]
    slopes = np.array([s["weight"] for _, s in found])
    assert abs(slopes.mean() + exact) < min(4 * slopes.std() / np.sqrt(30), 0.2)
    values = np.array([v for v, _ in found])
    assert abs(values.mean() + elbo(0.2)) < min(4 * values.std() / np.sqrt(30), 0.1)


def test_nothing_global_is_left(backend: str) -> None:
    import pyro
    import torch

    pyro.get_param_store().clear()
    before = torch.get_rng_state()
    model, other, data, _ = ppca()
    r = Run(bound(model, ELBO(guide=other), data, backend, True), backend)
    r.value(r.game.initial_params(0), r.noise(0))
    assert not list(pyro.get_param_store().keys())
    assert torch.equal(before, torch.get_rng_state())


# -- likelihood -------------------------------------------------------------------------------------------------------
def test_likelihood_of_a_line(backend: str) -> None:
    """Minus the mean of log N(y; w x, s), s = exp(u); its gradient; and that of batches."""
    m = gd.Model("ols")
    n = m.plate("row")
    x = m.data("x", dims=n)
    w, s = m.param("w", 0.5), m.param("s", 2.0, constraint=gd.positive)
    m.observe("y", gd.Normal(w * x, s), dims=n)
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=9), "y": rng.normal(size=9)}
    rest = data["y"] - 0.5 * data["x"]
    expected = 0.5 * np.mean(rest**2) / 4 + np.log(2.0) + 0.5 * np.log(2 * np.pi)
    r = Run(bound(m, MaximumLikelihood(), data, backend, True), backend)
    params = r.game.initial_params(0)
    assert params["s"] == pytest.approx(np.log(2.0))
    value, slope = r.value(params, {})
    assert value == pytest.approx(expected, rel=1e-12)
    assert slope["w"] == pytest.approx(-np.mean(rest * data["x"]) / 4, rel=1e-10)
    assert slope["s"] == pytest.approx(1 - np.mean(rest**2) / 4, rel=1e-10)
    parts = [r.value(params, {}, [k, (k + 1) % 9])[0] for k in range(9)]
    assert np.mean(parts) == pytest.approx(expected, rel=1e-12)
    fused = Run(bound(m, MaximumLikelihood(), data, backend), backend)
    assert fused.value(params, {})[0] / 9 == pytest.approx(expected, rel=1e-12)


# -- declared ---------------------------------------------------------------------------------------------------------
def test_an_objective_travels_with_its_model() -> None:
    model, other, _, _ = ppca()
    assert model.objective() is None
    plain = model.to_json()
    for objective in (ELBO(guide=other, gradient={"z": Gradient.SCORE}), IWAE(guide=guide.LowRank(rank=2))):
        model.objective(objective)
        again = gd.Model.from_json(model.to_json())
        assert again == model
        assert again.objective() == objective
        assert model.copy().objective() == objective
        assert type(objective).__name__ in str(model)
    assert gd.Model.from_json(plain) != model
    text = model.to_json()
    with pytest.raises(gd.FormatError, match="damaged"):
        gd.Model.from_json(text.replace('"particles": 10', '"particles": 11'))


def test_a_guide_is_taken_as_it_is_when_declared() -> None:
    model, other, _, _ = ppca()
    objective = ELBO(guide=other)
    other.latent("more", gd.Normal(0, 1))
    assert not objective.refusals(model.graph)
    assert replace(objective, guide=other).refusals(model.graph)


def test_explain_says_what_applies() -> None:
    model, _ = regression()
    text = str(model.explain())
    assert "Train(ELBO)" in text
    assert "NUTS" in text
    line = next(x for x in text.splitlines() if "Train(MaximumLikelihood)" in x)
    assert "no: the likelihood of 'line' is an integral over its latents" in line
