"""Score-function gradients: of both engines on equal noise, in batches, in expectation, and against baselines."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.methods import Precision, Train
from gendsl.objectives import ELBO, Baseline, Gradient
from tests.objectives.gauss import Arrays, Run, bound

SCORE, PATH = Gradient.SCORE, Gradient.PATHWISE


def _levels(chained: bool = False) -> tuple[gd.Model, gd.Model, Arrays]:
    """y ~ N(z, 0.5), z ~ N(mu, 1) of each row, mu ~ N(0, 1); a guide of mu and, by the data, of z.

    Chained, the guide's z depends on its mu as well.
    """
    m = gd.Model("levels")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1))
    z = m.latent("z", gd.Normal(mu, 1.0), dims=row)
    m.observe("y", gd.Normal(z, 0.5), dims=row)
    g = gd.Model("guide")
    k = g.plate("row")
    y = g.data("y", dims=k)
    at, wide = g.param("at", 0.2), g.param("wide", 0.5, constraint=gd.positive)
    mean = g.latent("mu", gd.Normal(at, wide))
    shift = 0.3 * mean if chained else 0.0
    g.latent("z", gd.Normal(g.param("slope", 0.6) * y + shift, g.param("narrow", 0.4, constraint=gd.positive)), dims=k)
    return m, g, {"y": np.array([0.4, -1.2, 2.0, 0.7, -0.1])}


WAYS: dict[str, dict[str, Any]] = {
    "both": {"gradient": SCORE},
    "rows": {"gradient": {"z": SCORE}},
    "particles": {"gradient": {"mu": SCORE}, "particles": 3},
    "baselines": {"gradient": SCORE, "baseline": Baseline(), "particles": 3},
    "a baseline": {"gradient": SCORE, "baseline": {"z": Baseline(decay=0.5)}},
}


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_backends_agree(way: str, chained: bool) -> None:
    """With two sites, one of them shared by rows that come in a batch, and a state of baselines."""
    model, other, data = _levels(chained)
    index = slice(1, 4)
    found = []
    for b in ("pyro", "numpyro"):
        r = Run(bound(model, ELBO(guide=other, **WAYS[way]), data, b, True), b)
        if not found:
            noise = r.noise(3, index)
            state = {k: np.array([-1.5, 0.6]) for k in r.game.initial_state(0)}
        found.append(r.step(r.game.initial_params(0), noise, state, index))
    (v, g, s), (w, h, t) = found
    assert v == pytest.approx(w, rel=1e-10)
    for k in g:
        np.testing.assert_allclose(g[k], h[k], rtol=1e-10, atol=1e-10)
    assert set(s) == set(t) == set(state)
    for k in s:
        np.testing.assert_allclose(s[k], t[k], rtol=1e-10)


@pytest.mark.parametrize("options", [{"gradient": SCORE}, {"gradient": PATH}, {"analytic_kl": True}])
def test_batches_are_unbiased(options: dict[str, Any], backend: str) -> None:
    """The mean over all batches is the loss of all rows and its gradient, on equal noise of each row."""
    model, other, data = _levels()
    r = Run(bound(model, ELBO(guide=other, **options), data, backend, True), backend)
    params, noise = r.game.initial_params(0), r.noise(1)
    whole, slope, _ = r.step(params, noise, {})
    parts = [r.step(params, noise | {"z": noise["z"][:, list(c)]}, {}, list(c)) for c in combinations(range(5), 2)]
    assert np.mean([p[0] for p in parts]) == pytest.approx(whole, rel=1e-12)
    for k, g in slope.items():
        np.testing.assert_allclose(np.mean([p[1][k] for p in parts], 0), g, rtol=1e-9, atol=1e-12)


def test_ways_agree_in_expectation(backend: str) -> None:
    """Path, score and score against baselines: within 4 standard errors of each other, baselines with less noise."""
    model, other, data = _levels()
    means: dict[str, np.ndarray] = {}
    errors: dict[str, np.ndarray] = {}
    ways: dict[str, Any] = {"path": {"gradient": PATH}, "score": {"gradient": SCORE}}
    ways["baseline"] = {"gradient": SCORE, "baseline": Baseline()}
    for j, (way, options) in enumerate(ways.items()):
        r = Run(bound(model, ELBO(guide=other, particles=400, **options), data, backend, True), backend)
        params = r.game.initial_params(0)
        state = r.game.initial_state(0)
        for k in range(2 if state else 0):
            state = r.step(params, r.noise(9000 + k), state)[2]
        each = np.array([list(r.step(params, r.noise(1000 * j + k), state)[1].values()) for k in range(25)])
        means[way], errors[way] = each.mean(0), each.std(0) / np.sqrt(len(each))
    for way in ("score", "baseline"):
        assert (np.abs(means[way] - means["path"]) < 4 * np.hypot(errors[way], errors["path"])).all()
    assert (errors["baseline"] < 0.6 * errors["score"]).sum() >= 2
    assert errors["baseline"].max() < 0.02 * np.abs(means["path"]).max() + 0.02


def test_a_baseline_is_the_running_mean_of_the_costs(backend: str) -> None:
    """Of a row's site the mean log weight that depends on it, which for a model of rows alone is minus the loss."""
    m, g = gd.Model("rows"), gd.Model("guide")
    row, k = m.plate("row"), g.plate("row")
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1), dims=row), 0.5), dims=row)
    g.latent("z", gd.Normal(g.param("slope", 0.6) * g.data("y", dims=k), 0.4), dims=k)
    objective = ELBO(guide=g, gradient=SCORE, baseline=Baseline(decay=0.75), particles=2)
    r = Run(bound(m, objective, {"y": np.array([0.4, -1.2, 2.0])}, backend, True), backend)
    params, state = r.game.initial_params(0), r.game.initial_state(0)
    assert set(state) == {"baseline.z"}
    first, _, state = r.step(params, r.noise(0), state)
    np.testing.assert_allclose(state["baseline.z"], [-0.25 * first, 0.25], rtol=1e-10)
    second, _, state = r.step(params, r.noise(1), state)
    np.testing.assert_allclose(state["baseline.z"], [-0.75 * 0.25 * first - 0.25 * second, 0.4375], rtol=1e-10)


def test_discrete_latents_train_against_a_baseline(backend: str) -> None:
    """Bernoulli rows reach their posterior; the loss that of the exact evidence."""
    m, g = gd.Model("coin"), gd.Model("guess")
    n, k = m.plate("row"), g.plate("row")
    c = m.latent("c", gd.Bernoulli(probs=0.3), dims=n)
    m.observe("y", gd.Normal(2.0 * c, 1.0), dims=n)
    y = g.data("y", dims=k)
    g.latent("c", gd.Bernoulli(logits=g.param("slope", 0.0) * y + g.param("shift", 0.0)), dims=k)
    m.objective(ELBO(guide=g, particles=8, baseline=Baseline()))
    data = {"y": np.array([1.5, -0.5, 0.8, 2.5])}
    method = Train(steps=200, optimizer=optim.Adam(optim.Cosine(0.1)), precision=Precision.FLOAT64)
    fit = m.fit(data, method, backend=backend, progress=False)
    like = [np.exp(-0.5 * (data["y"] - 2 * case) ** 2) / np.sqrt(2 * np.pi) for case in (0, 1)]
    evidence = np.log(0.7 * like[0] + 0.3 * like[1]).sum()
    assert fit.evidence(200).value == pytest.approx(evidence, abs=0.02)


def test_what_does_not_fit_is_refused() -> None:
    model, other, _ = _levels()
    with pytest.raises(gd.ModelError, match="decay is a share"):
        Baseline(decay=1.0)
    with pytest.raises(gd.ModelError, match="unknown baseline"):
        ELBO(guide=other, baseline=0.9)  # type: ignore[arg-type]
    for objective, words in (
        (ELBO(guide=other, baseline=Baseline()), "has a baseline, and no gradient is that of the score function"),
        (ELBO(baseline=Baseline()), "has a baseline, and no gradient is that of the score function"),
        (ELBO(guide=other, gradient={"z": SCORE}, baseline={"mu": Baseline()}), "that of 'mu' is along its path"),
        (ELBO(guide=other, gradient=SCORE, baseline={"zz": Baseline()}), "'zz' is none that the guide has"),
        (ELBO(guide=other, gradient={"z": SCORE}, analytic_kl=True), "'z' by the score function"),
    ):
        found = objective.refusals(model.graph)
        assert len(found) == 1
        assert words in found[0].problem


def test_it_travels() -> None:
    model, other, _ = _levels()
    for baseline in (Baseline(decay=0.5), {"z": Baseline()}):
        model.objective(ELBO(guide=other, gradient=SCORE, baseline=baseline))
        assert gd.Model.from_json(model.to_json()).objective() == model.objective()
