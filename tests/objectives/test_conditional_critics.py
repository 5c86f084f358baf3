"""Pushforwards under a context: what the critic sees, what it is penalised for, both backends, and classes learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

import gendsl as gd
from gendsl import optim
from tests.objectives.play import Play
from tests.objectives.test_adversarial import DATA, equal

RNG = np.random.default_rng(6)


def _conditional() -> tuple[gd.Model, dict[str, Any]]:
    """Under what a network and a parameter make of a row's class."""
    m = gd.Model("conditional")
    row = m.plate("row")
    label = m.data("label", dims=row, event=3)
    seen = m.network("seen", gd.MLP(2, hidden=()))(label) * m.param("size", 1.5, constraint=gd.positive)
    noise = gd.Normal(0.5, 2.0).expand(3)
    m.observe("x", gd.Pushforward(noise, gd.MLP((2, 2), hidden=(4,)), context=seen), dims=row)
    return m, DATA | {"label": np.eye(3)[RNG.integers(0, 3, 9)]}


@pytest.mark.parametrize("player", ["critic", "generator"])
@pytest.mark.parametrize("name", ["minimax, R1", "WGAN"])
def test_so_it_does_under_contexts(name: str, player: str) -> None:
    """And what the context is made of learns with the generator."""
    equal(*_conditional(), name, player)


def test_a_critic_sees_the_context_and_is_penalised_for_the_row_alone(backend: str) -> None:
    """Linear networks: the context's part of V cancels, and the penalty is of the weights of the row."""
    m = gd.Model("rows")
    row = m.plate("row")
    m.observe(
        "x",
        gd.Pushforward(gd.Normal(0, 1).expand(2), gd.MLP(3, hidden=()), context=m.data("c", dims=row, event=2)),
        dims=row,
    )
    x, c = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
    for penalty, wanted in (
        (gd.GradientPenalty(2.0), lambda n: 2.0 * (n - 1.0) ** 2),
        (gd.R1(3.0), lambda n: 1.5 * n**2),
    ):
        objective = gd.GAN(critic=gd.MLP(1, hidden=()), loss=gd.Wasserstein(), penalty=penalty)
        play = Play(m, objective, {"x": x, "c": c}, backend)
        p, eps = play.game.initial_params(0), play.noise("critic", 2)
        y = np.concatenate([eps["z"], c], 1) @ p["x.network.layers.0.weight"].T + p["x.network.layers.0.bias"]
        w, u = np.split(p["critic.layers.0.weight"][0], [3])
        _, slopes, parts = play.loss("critic", p, eps)
        assert parts["value"] == pytest.approx((x @ w).mean() - (y @ w).mean(), rel=1e-10)
        assert parts["penalty"] == pytest.approx(wanted(np.linalg.norm(w)), rel=1e-10)
        np.testing.assert_allclose(slopes["critic.layers.0.weight"][0, 3:], 0.0, atol=1e-12)
        lost = play.loss("generator", p, {"z": eps["z"]})[0]
        assert lost == pytest.approx(-(y @ w + c @ u).mean() - p["critic.layers.0.bias"][0], rel=1e-10)


@pytest.mark.parametrize("name", ["WGAN", pytest.param("GAN", marks=pytest.mark.slow)])
def test_a_generator_finds_each_class(name: str) -> None:
    """A linear one of noise and class, and data of N(+-2, 0.5^2): the distance of each class by its own rows."""
    m = gd.Model("classes")
    row = m.plate("row")
    label = m.data("label", dims=row, event=2)
    m.observe("x", gd.Pushforward(gd.Normal(0, 1).expand(1), gd.MLP(1, hidden=()), context=label), dims=row)
    critic = gd.MLP(1, hidden=(32,))
    objective = {
        "WGAN": gd.WGAN(critic=critic, penalty=gd.GradientPenalty(5.0, one_sided=True)),
        "GAN": gd.GAN(critic=critic, penalty=gd.R1(0.5)),
    }[name]
    m.objective(objective)
    rng = np.random.default_rng(0)
    k = rng.integers(0, 2, 1000)
    x = 4.0 * k[:, None] - 2.0 + 0.5 * rng.standard_normal((1000, 1))
    method = gd.Train(
        steps=600 if name == "WGAN" else 3000,
        batch_size=200,
        optimizer=optim.Adam(optim.Cosine(0.02), beta1=0.0),
        players={"critic": optim.Adam(0.01, beta1=0.0)},
        ema=0.99,
    )
    fit = m.fit({"x": x, "label": np.eye(2)[k]}, method, backend="numpyro", progress=False)
    for at in range(2):
        y = fit.sample({"label": np.eye(2)[np.full(1000, at)]}, draws=2)["x"].ravel()
        assert wasserstein_distance(x[k == at, 0], y) < 0.15
        assert wasserstein_distance(x[k != at, 0], y) > 3.0
