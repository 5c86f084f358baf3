"""Pushforwards trained by `Model.fit`: two players, their losses and gradients, W1, draws, weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import foldnorm, wasserstein_distance

import gendsl as gd
from gendsl import optim
from gendsl.objectives import Objective
from gendsl.weights import load_weights, save_weights
from tests.objectives.play import Play, pushforward

BACKENDS = ("pyro", "numpyro")
CRITIC = gd.MLP(1, hidden=(6,), activation=gd.Activation.TANH)
OBJECTIVES: dict[str, Objective] = {
    "GAN": gd.GAN(critic=CRITIC),
    "minimax, R1": gd.GAN(critic=CRITIC, loss=gd.Minimax(), penalty=gd.R1(2.0), critic_steps=2),
    "WGAN": gd.WGAN(critic=CRITIC),
    "one-sided": gd.WGAN(critic=CRITIC, penalty=gd.GradientPenalty(5.0, one_sided=True)),
    "Wasserstein": gd.GAN(critic=CRITIC, loss=gd.Wasserstein()),
}
RNG = np.random.default_rng(3)
DATA = {"x": RNG.normal(size=(9, 2, 2))}


def _model() -> gd.Model:
    return pushforward(gd.MLP((2, 2), hidden=(4,)), gd.Normal(0.5, 2.0).expand(3))


# -- both backends -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("player", ["critic", "generator"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_equal_noise_gives_equal_losses_and_gradients(name: str, player: str) -> None:
    """Of both players; the critic's moves no sample."""
    equal(_model(), DATA, name, player)


def equal(m: gd.Model, data: dict[str, Any], name: str, player: str) -> None:
    first, second = (Play(m, OBJECTIVES[name], data, b) for b in BACKENDS)
    params, noise = first.game.initial_params(1), first.noise(player, 5)
    for k, v in second.game.initial_params(1).items():
        np.testing.assert_array_equal(params[k], v)
    assert set(first.noise(player, 5)) == set(second.noise(player, 5))
    a, b = (p.loss(player, params, noise) for p in (first, second))
    assert a[0] == pytest.approx(b[0], rel=1e-10)
    sizes = {}
    for k, g in a[1].items():
        np.testing.assert_allclose(g, b[1][k], rtol=1e-10, atol=1e-12)
        sizes[k] = np.abs(g).max()
    for k, g in a[2].items():
        np.testing.assert_allclose(g, b[2][k], rtol=1e-10)
    own = [v for k, v in sizes.items() if k.startswith("critic.") == (player == "critic") and "bias" not in k]
    assert min(own) > 1e-4
    if player == "critic":
        assert max(v for k, v in sizes.items() if not k.startswith("critic.")) == 0.0


def test_players_move_their_own() -> None:
    made = Play(_model(), OBJECTIVES["WGAN"], DATA, "pyro")
    critic, generator = made.game.players
    assert (critic.name, critic.moves, critic.steps) == ("critic", ("critic.",), 5)
    assert generator.name == "generator"
    assert set(generator.moves) | {k for k in made.game.initial_params(0) if k.startswith("critic.")} == set(
        made.game.initial_params(0)
    )
    assert set(made.noise("critic", 1)) == {"z", "mix"}
    assert set(made.noise("generator", 1)) == {"z"}


@pytest.mark.parametrize("noise", [gd.Normal(np.array([1.0, -2.0]), 3.0), gd.Uniform(np.array([1.0, -2.0]), 4.0)])
def test_losses_are_what_they_are_by_hand(noise: Any, backend: str) -> None:
    """Linear networks: V = mean <w, x> - mean <w, A z + a>, z the noise shifted and scaled."""
    m = pushforward(gd.MLP(3, hidden=()), noise)
    x = RNG.normal(size=(7, 3))
    play = Play(m, gd.WGAN(critic=gd.MLP(1, hidden=()), penalty=gd.GradientPenalty(2.0)), {"x": x}, backend)
    p, eps = play.game.initial_params(0), play.noise("critic", 2)
    first, second = np.array([1.0, -2.0]), 3.0
    is_normal = isinstance(noise, gd.Normal)
    if not is_normal:
        assert (eps["z"] >= 0).all()
        assert (eps["z"] < 1).all()
    z = first + (second if is_normal else 4.0 - first) * eps["z"]
    y = z @ p["x.network.layers.0.weight"].T + p["x.network.layers.0.bias"]
    w = p["critic.layers.0.weight"][0]
    penalty = 2.0 * (np.linalg.norm(w) - 1.0) ** 2
    value, _, parts = play.loss("critic", p, eps)
    assert parts["value"] == pytest.approx((x @ w).mean() - (y @ w).mean(), rel=1e-10)
    assert parts["penalty"] == pytest.approx(penalty, rel=1e-10)
    assert value == pytest.approx(penalty - parts["value"], rel=1e-10)
    lost = play.loss("generator", p, {"z": eps["z"]})[0]
    assert lost == pytest.approx(-(y @ w).mean() - p["critic.layers.0.bias"][0], rel=1e-10)


# -- what is learnt ------------------------------------------------------------------------------------------------
def test_the_critic_sees_the_distance_to_a_generator_that_stands_still() -> None:
    """G3: within 5 % of the exact W1 of two normals, E|N(dm, ds^2)|; 1 % of it is the penalty's."""
    m = pushforward(gd.MLP(1, hidden=()), gd.Normal(0, 1).expand(1))
    penalty = gd.GradientPenalty(50.0, one_sided=True)
    m.objective(gd.WGAN(critic=gd.MLP(1, hidden=(32,)), critic_steps=1, penalty=penalty))
    x = 2.0 + np.random.default_rng(0).standard_normal((4000, 1))
    method = gd.Train(
        steps=800,
        batch_size=500,
        players={"critic": optim.Adam(optim.Cosine(1e-2), beta1=0.5), "generator": optim.SGD(1e-12)},
        precision=gd.Precision.FLOAT64,
    )
    fit = m.fit({"x": x}, method, backend="numpyro", progress=False)
    w, b = (float(fit.params[f"x.network.layers.0.{k}"].squeeze()) for k in ("weight", "bias"))
    dm, ds = x.mean() - b, x.std() - abs(w)
    exact = foldnorm.mean(abs(dm / ds), scale=abs(ds))
    drawn = b + w * np.random.default_rng(1).standard_normal(100_000)
    assert wasserstein_distance(x[:, 0], drawn) == pytest.approx(exact, rel=0.02)
    found = fit.history.curves["critic.value"][-200:].mean()
    assert found == pytest.approx(exact, rel=0.05)


def test_a_generator_finds_the_data() -> None:
    """A linear one on the line, and data of N(2, 0.5^2)."""
    m = pushforward(gd.MLP(1, hidden=()), gd.Normal(0, 1).expand(1))
    m.objective(gd.WGAN(critic=gd.MLP(1, hidden=(32,)), penalty=gd.GradientPenalty(5.0, one_sided=True)))
    x = 2.0 + 0.5 * np.random.default_rng(0).standard_normal((1000, 1))
    method = gd.Train(
        steps=600,
        batch_size=200,
        optimizer=optim.Adam(optim.Cosine(0.02), beta1=0.0),
        players={"critic": optim.Adam(0.01, beta1=0.0)},
        precision=gd.Precision.FLOAT64,
    )
    fit = m.fit({"x": x}, method, backend="numpyro", progress=False)
    y = fit.sample(draws=4, seed=1)["x"]
    assert y.shape == (1, 4, 1000, 1)
    assert wasserstein_distance(x[:, 0], y.ravel()) < 0.1
    assert set(fit.history.curves) >= {"critic", "generator", "critic.value", "critic.penalty"}
    found = fit.check()
    assert found.ok, str(found)


def test_a_critic_that_slopes_the_wrong_way_is_told_of(backend: str) -> None:
    """On the line the two-sided penalty is least at slopes of 1 and of -1, whose V is W1 (-1 + W1 / (2 weight))."""
    m = pushforward(gd.MLP(1, hidden=()), gd.Normal(0, 1).expand(1))
    m.objective(gd.WGAN(critic=gd.MLP(1, hidden=()), penalty=gd.GradientPenalty(10.0)))
    x = 4.0 + np.random.default_rng(0).standard_normal((200, 1))
    still = {"critic": optim.SGD(0.02), "generator": optim.SGD(1e-12)}
    method = gd.Train(steps=100, players=still, precision=gd.Precision.FLOAT64)
    said = {}
    for data in (x, -x):
        fit = m.fit({"x": data}, method, backend=backend, progress=False)
        slope = fit.params["critic.layers.0.weight"].item()
        gap = data.mean() - fit.params["x.network.layers.0.bias"].item()
        rises = np.sign(slope * gap)
        assert abs(slope) == pytest.approx(1 + rises * abs(gap) / 20, abs=0.02)
        said[rises] = fit.check().problems
    assert said[1.0] == ()
    assert "slopes the wrong way" in said[-1.0][0]
    assert "one_sided=True" in said[-1.0][0]


def test_a_gan_finds_the_data_too() -> None:
    m = pushforward(gd.MLP(1, hidden=()), gd.Normal(0, 1).expand(1))
    m.objective(gd.GAN(critic=gd.MLP(1, hidden=(32,)), penalty=gd.R1(0.5)))
    x = 2.0 + 0.5 * np.random.default_rng(0).standard_normal((1000, 1))
    method = gd.Train(steps=1500, batch_size=200, optimizer=optim.Adam(optim.Cosine(0.01), beta1=0.5), ema=0.99)
    fit = m.fit({"x": x}, method, backend="numpyro", progress=False)
    assert wasserstein_distance(x[:, 0], fit.sample(draws=4)["x"].ravel()) < 0.15


# -- the fit -------------------------------------------------------------------------------------------------------
def test_the_critic_is_among_the_parameters_and_travels(backend: str, tmp_path: Path) -> None:
    m = _model()
    m.objective(OBJECTIVES["minimax, R1"])
    save = gd.Checkpoint(path=str(tmp_path / "run"), every=2)
    fit = m.fit(DATA, gd.Train(steps=2, checkpoint=save), backend=backend, progress=False)
    assert {k.split(".")[0] for k in fit.params} == {"x", "critic"}
    assert fit.params["critic.layers.0.weight"].shape == (6, 4)
    found = load_weights(save_weights(fit.params, tmp_path / "gan.safetensors"))
    for k, v in fit.params.items():
        np.testing.assert_array_equal(found[k], v)
    rest = m.fit(DATA, gd.Train(steps=4), backend=backend, progress=False, resume=str(tmp_path / "run"))
    whole = m.fit(DATA, gd.Train(steps=4), backend=backend, progress=False)
    for k, v in whole.params.items():
        np.testing.assert_array_equal(rest.params[k], v)
    assert np.abs(whole.params["critic.layers.0.weight"] - fit.params["critic.layers.0.weight"]).max() > 0
    x = fit.sample(draws=3)["x"]
    assert x.shape == (1, 3, 9, 2, 2)
    assert fit.sample(draws=3, sizes={"row": 2})["x"].shape == (1, 3, 2, 2, 2)


def test_draws_are_the_networks_of_noise(backend: str) -> None:
    """The trained network, not the first one."""
    m = pushforward(gd.MLP(1, hidden=()), gd.Uniform(-1.0, 1.0).expand(1))
    m.objective(gd.GAN(critic=CRITIC))
    method = gd.Train(steps=30, optimizer=optim.Adam(0.1), precision=gd.Precision.FLOAT64)
    fit = m.fit({"x": 5.0 + np.zeros((20, 1))}, method, backend=backend, progress=False)
    w, b = (float(fit.params[f"x.network.layers.0.{k}"].squeeze()) for k in ("weight", "bias"))
    x = fit.sample(draws=500)["x"]
    assert (np.abs(x - b) <= abs(w)).all()
    assert x.max() - x.min() > 1.99 * abs(w)


def test_a_critic_of_the_users_own(backend: str) -> None:
    def torch_critic(event: tuple[int, ...]) -> Any:
        import torch

        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1))

    def jax_critic(event: tuple[int, ...], key: Any) -> Any:
        import equinox as eqx
        import jax.numpy as jnp

        return eqx.nn.Sequential([eqx.nn.Lambda(jnp.ravel), eqx.nn.Linear(4, 1, key=key)])

    m = _model()
    m.objective(gd.WGAN(critic=gd.Native(torch=torch_critic, jax=jax_critic, out=1)))
    fit = m.fit(DATA, gd.Train(steps=2), backend=backend, progress=False)
    assert any(k.startswith("critic.") for k in fit.params)
    with pytest.raises(gd.FormatError, match="own module cannot be written"):
        m.to_json()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_json_keeps_the_objective(name: str) -> None:
    m = _model()
    m.objective(OBJECTIVES[name])
    again = gd.Model.from_json(m.to_json())
    assert again.objective() == OBJECTIVES[name]
    assert again.graph == m.graph
    assert again.to_json() == m.to_json()


def test_explain_says_what_applies() -> None:
    lines = {line.split()[0]: line for line in str(_model().explain()).splitlines() if "Train(" in line}
    assert "no:" not in lines["Train(GAN)"]
    assert "no:" not in lines["Train(WGAN)"]
    assert "no: gd.SlicedScoreMatching learns an energy" in lines["Train(SlicedScoreMatching)"]
    assert "no: 'x' has draws and no density" in lines["Train(MaximumLikelihood)"]
