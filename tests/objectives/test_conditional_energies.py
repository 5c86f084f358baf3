"""Energies under a context: means of classes and the covariance within, both backends, draws of given rows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.objectives import Objective
from tests.energy.truth import minimum
from tests.objectives.play import Play, Regressed, gaussian
from tests.objectives.test_energies import BACKENDS, CLOUD, OBJECTIVES, _method, _start

CLASS = np.random.default_rng(8).integers(0, 3, 500)
CENTRES = np.array([[0.0, 0.0], [2.0, -1.0], [-1.0, 3.0]])
CODES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # of the classes, whose first is the energy's own b
ROWS = {"x": CLOUD + CENTRES[CLASS], "c": CODES[CLASS]}
MEANS = np.stack([ROWS["x"][k == CLASS].mean(0) for k in range(3)])
WITHIN = np.cov(ROWS["x"] - MEANS[CLASS], rowvar=False, bias=True)


def _model() -> gd.Model:
    m = gd.Model("classes")
    row = m.plate("row")
    m.observe("x", gd.Energy(Regressed(), 2, context=m.data("c", dims=row, event=2)), dims=row)
    return m


def _fit(objective: Objective, backend: str, method: gd.Train) -> Any:
    m = _model()
    m.objective(objective)
    return m.fit(ROWS, method, backend=backend, progress=False)


@cache
def _exact(backend: str) -> Any:
    """A fit at the least loss of score matching, which is quadratic in the parameters."""
    play = Play(_model(), gd.ImplicitScoreMatching(), ROWS, backend)
    start = {k: np.zeros_like(v) for k, v in play.game.initial_params(0).items()}
    sizes = {k: v.size for k, v in start.items()}

    def split(theta: np.ndarray) -> dict[str, np.ndarray]:
        parts = np.split(theta, np.cumsum(list(sizes.values()))[:-1])
        return {k: x.reshape(start[k].shape) for k, x in zip(sizes, parts, strict=True)}

    def gradient(theta: np.ndarray) -> np.ndarray:
        found = play.loss("loss", split(theta), {})[1]
        return np.concatenate([found[k].ravel() for k in sizes])

    best = split(minimum(gradient, sum(sizes.values())))
    fit = _fit(gd.ImplicitScoreMatching(), backend, _method(1))
    return replace(fit, raw=replace(fit.raw, params=best, average={}))


def _means(fit: Any) -> np.ndarray:
    """P^-1 (b + B c) of each class."""
    p, b = gaussian(fit)
    return np.linalg.solve(p, (b + CODES @ fit.params["x.network.B"].T).T).T


def test_score_matching_reaches_the_means_of_classes_and_the_covariance_within(backend: str) -> None:
    """Exactly: P = S^-1 of the rows about the means of their classes, P^-1 (b + B c) the means."""
    fit = _exact(backend)
    np.testing.assert_allclose(gaussian(fit)[0], np.linalg.inv(WITHIN), rtol=1e-8)
    np.testing.assert_allclose(_means(fit), MEANS, rtol=1e-8)


@pytest.mark.parametrize(
    "objective",
    [gd.SlicedScoreMatching(), gd.ContrastiveDivergence(steps=20, step_size=0.3)],
    ids=lambda o: type(o).__name__,
)
def test_so_do_directions_and_chains_in_batches(objective: Objective) -> None:
    method = _method(1500, optim.Cosine(0.1), ema=0.995, batch_size=100, remainder=gd.Remainder.WRAP)
    fit = _fit(objective, "numpyro", method)
    np.testing.assert_allclose(np.linalg.inv(gaussian(fit)[0]), WITHIN, rtol=0.15)
    np.testing.assert_allclose(_means(fit), MEANS, atol=0.1)


def test_a_sampler_draws_rows_of_the_classes_that_are_given() -> None:
    """All rows together: each under its own context; without data, the rows of the fit."""
    fit, k = _exact("numpyro"), np.array([2, 0, 1, 2])
    x = fit.sample({"c": CODES[k]}, sampler=gd.MALA(chains=10, warmup=300, draws=400))["x"]
    assert x.shape == (10, 400, 4, 2)
    error = 4 * np.sqrt(WITHIN.diagonal() / 400)
    assert (np.abs(x.mean((0, 1)) - MEANS[k]) < error).all()
    about = (x - MEANS[k]).reshape(-1, 2)
    np.testing.assert_allclose(np.cov(about, rowvar=False), WITHIN, atol=4 * np.sqrt(2 / 1600))
    assert fit.sample(sampler=gd.MALA(chains=2, warmup=5, draws=3))["x"].shape == (2, 3, 500, 2)


def test_the_log_probability_is_that_of_rows_given_their_classes(backend: str) -> None:
    """And on the other backend."""
    fit = _exact(backend)
    p, b = gaussian(fit)
    new, c = ROWS["x"][:4], ROWS["c"][:4]
    pull = b + c @ fit.params["x.network.B"].T
    wanted = -0.5 * np.einsum("ni,ij,nj->", new, p, new) + (new * pull).sum()
    assert fit.log_prob({"x": new, "c": c}).value == pytest.approx(wanted, rel=1e-10)
    other = fit.to("numpyro" if backend == "pyro" else "pyro")
    assert other.log_prob({"x": new, "c": c}).value == pytest.approx(wanted, rel=1e-10)


# -- both backends -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [k for k in OBJECTIVES if k != "persistent"])
def test_equal_noise_under_contexts(name: str) -> None:
    """Contexts over one of two plates, by a network and a parameter, which learn too; and those that stand alone."""
    m = gd.Model("rows")
    i, j = m.plate("i"), m.plate("j")
    seen = m.network("seen", gd.MLP(2, hidden=()))(m.data("c", dims=j, event=3)) * m.param("size", 0.7)
    network = gd.MLP(1, hidden=(5,), activation=gd.Activation.TANH)
    m.observe("x", gd.Energy(network, (2, 1), spread=2.0, name="e", context=seen).expand(2), dims=(i, j))
    rng = np.random.default_rng(2)
    data = {"x": rng.normal(size=(3, 2, 2, 2, 1)), "c": rng.normal(size=(2, 3))}
    first, second = (Play(m, OBJECTIVES[name], data, b) for b in BACKENDS)
    params = _start(first)
    noise = first.noise("loss", 5)
    a, b = (p.loss("loss", params, noise) for p in (first, second))
    assert a[0] == pytest.approx(b[0], rel=1e-10)
    for mine, theirs in ((a[1], b[1]), (a[2], b[2])):
        assert set(mine) == set(theirs)
        for k in mine:
            np.testing.assert_allclose(mine[k], theirs[k], rtol=1e-10, atol=1e-10)
    assert {k for k, g in a[1].items() if np.abs(g).max() < 1e-6} <= {"e.network.layers.1.bias"}
    alone = gd.Model("rows")
    row = alone.plate("row")
    given = alone.data("c", dims=row, event=2)
    alone.observe("x", gd.Energy(network, (2, 1), spread=2.0, name="e", context=given), dims=row)
    c = (data["c"] @ params["seen.layers.0.weight"].T + params["seen.layers.0.bias"]) * params["size"]
    flat = {"x": data["x"].reshape(12, 2, 1), "c": np.broadcast_to(c[None, :, None], (3, 2, 2, 2)).reshape(12, 2)}
    rows = Play(alone, OBJECTIVES[name], flat, "pyro", batched=True)
    own = {k: v for k, v in params.items() if k.startswith("e.")}
    assert rows.loss("loss", own, noise)[0] == pytest.approx(a[0], rel=1e-12)


def test_contexts_of_rows_beside_plates_that_only_the_draws_are_over(backend: str) -> None:
    """A smoke test of shapes: sizes are those of the fit, of the new contexts, or given."""
    m = gd.Model("m")
    a, b = m.plate("a"), m.plate("b")
    energy = gd.Energy(gd.MLP((), hidden=(4,)), 2, spread=1.0, context=m.data("c", dims=b, event=2))
    m.observe("x", energy, dims=(a, b))
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(5, 3, 2)), "c": rng.normal(size=(3, 2))}
    fit = m.fit(data, gd.Train(steps=1), backend=backend, progress=False)
    sampler = gd.MALA(chains=1, warmup=5, draws=2)
    assert fit.sample(sampler=sampler)["x"].shape == (1, 2, 5, 3, 2)
    assert fit.sample({"c": np.zeros((4, 2))}, sizes={"a": 6}, sampler=sampler)["x"].shape == (1, 2, 6, 4, 2)
