"""Energies trained by `Model.fit`: known minima, chains that are carried on, draws, and what the fit says of itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.elpd import Kind
from gendsl.objectives import Objective
from gendsl.weights import load_weights, save_weights
from tests.energy.truth import sample
from tests.objectives.play import Play, Quadratic, energy, gaussian

BACKENDS = ("pyro", "numpyro")
CLOUD = sample(500)
COV = np.cov(CLOUD, rowvar=False, bias=True)
OBJECTIVES: dict[str, Objective] = {
    "implicit": gd.ImplicitScoreMatching(),
    "sliced": gd.SlicedScoreMatching(projections=2, probe=gd.Probe.NORMAL, variance_reduced=False),
    "smoothed": gd.SmoothedScoreMatching(sigma=0.3),
    "contrastive": gd.ContrastiveDivergence(steps=2, decay=0.1),
    "persistent": gd.PersistentContrastiveDivergence(steps=2, particles=9, restart=0.3),
}


def _method(steps: int, rate: Any = 0.1, **more: Any) -> gd.Train:
    return gd.Train(steps=steps, optimizer=optim.SGD(rate, momentum=0.5), precision=gd.Precision.FLOAT64, **more)


def _fit(objective: Objective, backend: str, method: gd.Train, **more: Any) -> Any:
    m = energy(Quadratic())
    m.objective(objective)
    return m.fit({"x": CLOUD}, method, backend=backend, progress=False, **more)


@cache
def _exact(backend: str) -> Any:
    return _fit(gd.ImplicitScoreMatching(), backend, _method(600, 0.2))


# -- what is learnt ------------------------------------------------------------------------------------------------
def test_score_matching_reaches_the_inverse_of_the_sample_covariance(backend: str) -> None:
    """S1: P = S^-1 and b = P mean exactly, and the loss is -tr(P) / 2 there."""
    fit = _exact(backend)
    p, b = gaussian(fit)
    np.testing.assert_allclose(p, np.linalg.inv(COV), atol=1e-6)
    np.testing.assert_allclose(b, p @ CLOUD.mean(0), atol=1e-6)
    assert fit.history.curves["loss"][-1] == pytest.approx(-0.5 * np.trace(np.linalg.inv(COV)), abs=1e-6)


def test_smoothed_rows_have_the_wider_covariance() -> None:
    """S2: (S + sigma^2 I)^-1, which the unsmoothed answer is far from."""
    sigma = 0.7
    fit = _fit(gd.SmoothedScoreMatching(sigma=sigma), "numpyro", _method(1500, optim.Cosine(0.1), ema=0.995))
    wanted = np.linalg.inv(COV + sigma**2 * np.eye(2))
    assert np.abs(gaussian(fit)[0] - wanted).max() < 0.05
    assert np.abs(wanted - np.linalg.inv(COV)).max() > 1.0


def test_sliced_score_matching_in_batches() -> None:
    method = _method(1500, optim.Cosine(0.1), ema=0.995, batch_size=100, remainder=gd.Remainder.WRAP)
    fit = _fit(gd.SlicedScoreMatching(), "numpyro", method)
    assert np.abs(gaussian(fit)[0] - np.linalg.inv(COV)).max() < 0.15
    assert np.abs(np.linalg.solve(*gaussian(fit)) - CLOUD.mean(0)).max() < 0.05


def test_persistent_chains_learn_the_covariance() -> None:
    """S4: within 10 %."""
    objective = gd.PersistentContrastiveDivergence(particles=1000, steps=5, step_size=0.3, restart=0.01)
    p, b = gaussian(_fit(objective, "numpyro", _method(500, 0.3, ema=0.99)))
    np.testing.assert_allclose(np.linalg.inv(p), COV, rtol=0.1)
    np.testing.assert_allclose(np.linalg.solve(p, b), CLOUD.mean(0), atol=0.1)


def test_the_energy_is_low_where_data_are() -> None:
    """S2's pin of the sign: two clumps, a network, and the density between and beyond them is less."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(-2, 0.3, 200), rng.normal(2, 0.3, 200)])[:, None]
    m = energy(gd.MLP(1, hidden=(32,), activation=gd.Activation.TANH), 1, spread=3.0)
    m.objective(gd.ImplicitScoreMatching())
    method = gd.Train(steps=400, optimizer=optim.Adam(0.03), precision=gd.Precision.FLOAT64)
    fit = m.fit({"x": x}, method, backend="numpyro", progress=False)
    at, between, beyond = (fit.log_prob({"x": np.array([[v]])}).value for v in (2.0, 0.0, 4.5))
    assert at > between + 1.0
    assert at > beyond + 1.0


# -- both backends -------------------------------------------------------------------------------------------------
def _start(play: Play) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {k: v + 0.3 * rng.standard_normal(v.shape) for k, v in play.game.initial_params(1).items()}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_equal_noise_gives_equal_losses_and_gradients(name: str) -> None:
    """A network of the model's own, over two plates and with copies, which are rows like others."""
    m = gd.Model("rows")
    i, j = m.plate("i"), m.plate("j")
    network = gd.MLP(1, hidden=(5,), activation=gd.Activation.TANH)
    m.observe("x", gd.Energy(network, (2, 1), spread=2.0, name="e").expand(2), dims=(i, j))
    data = {"x": np.random.default_rng(2).normal(size=(3, 2, 2, 2, 1))}
    first, second = (Play(m, OBJECTIVES[name], data, b) for b in BACKENDS)
    params, state = _start(first), first.game.initial_state(3)
    noise = first.noise("loss", 5)
    a, b = (p.loss("loss", params, noise, state) for p in (first, second))
    assert a[0] == pytest.approx(b[0], rel=1e-10)
    assert max(np.abs(g).max() for g in a[1].values()) > 1e-3
    for mine, theirs in ((a[1], b[1]), (a[2], b[2])):
        assert set(mine) == set(theirs)
        for k in mine:
            np.testing.assert_allclose(mine[k], theirs[k], rtol=1e-10, atol=1e-10)
    flat = energy(network, (2, 1), spread=2.0, name="e")
    rows = Play(flat, OBJECTIVES[name], {"x": data["x"].reshape(12, 2, 1)}, "pyro", batched=True)
    assert rows.loss("loss", params, noise, state)[0] == pytest.approx(a[0], rel=1e-12)


def test_chains_are_the_same_after_three_steps() -> None:
    """Parameters and particles, moved by the same noise."""
    plays = [Play(energy(Quadratic()), OBJECTIVES["persistent"], {"x": CLOUD[:5]}, b) for b in BACKENDS]
    ends = []
    for play in plays:
        params, state = play.game.initial_params(0), play.game.initial_state(0)
        assert state["particles"].shape == (9, 2)
        for k in range(3):
            _, gradient, more = play.loss("loss", params, plays[0].noise("loss", k), state)
            params = {n: v - 0.1 * gradient[n] for n, v in params.items()}
            before, state = state, {"particles": more["state particles"]}
            np.testing.assert_array_equal(state["particles"][:4], before["particles"][5:])  # the queue turned
        ends.append(params | state)
    for k, v in ends[0].items():
        np.testing.assert_allclose(v, ends[1][k], rtol=1e-10, atol=1e-12)


def test_chains_are_carried_on_from_a_checkpoint(backend: str, tmp_path: Path) -> None:
    objective = OBJECTIVES["persistent"]
    whole = _fit(objective, backend, _method(6, batch_size=50))
    save = gd.Checkpoint(path=str(tmp_path / "run"), every=3)
    _fit(objective, backend, _method(3, batch_size=50, checkpoint=save))
    rest = _fit(objective, backend, _method(6, batch_size=50), resume=str(tmp_path / "run"))
    assert whole.raw.game["particles"].shape == (9, 2)
    np.testing.assert_array_equal(rest.raw.game["particles"], whole.raw.game["particles"])
    for k, v in whole.params.items():
        np.testing.assert_array_equal(rest.params[k], v)


# -- the fit -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sampler", [gd.MALA(chains=10, warmup=300, draws=300), gd.NUTS(warmup=200, draws=750)])
def test_a_sampler_draws_from_what_was_learnt(sampler: Any) -> None:
    fit = _exact("numpyro")
    x = fit.sample(sampler=sampler)["x"]
    assert x.shape == (sampler.chains, sampler.draws, 2)
    flat = x.reshape(-1, 2)
    effective = len(flat) / 10
    error = 4 * np.sqrt(COV.diagonal() / effective)
    assert (error < 0.25).all()
    assert (np.abs(flat.mean(0) - CLOUD.mean(0)) < error).all()
    np.testing.assert_allclose(np.cov(flat, rowvar=False), COV, atol=4 * np.sqrt(2 / effective))
    few = fit.sample(sampler=sampler, draws=7, seed=1)["x"]
    assert few.shape == (sampler.chains, 7, 2)


def test_the_log_probability_is_known_up_to_a_constant(backend: str) -> None:
    fit = _exact(backend)
    p, b = gaussian(fit)
    new = CLOUD[:4]
    found = fit.log_prob({"x": new})
    assert found.kind is Kind.UNNORMALISED
    assert found.ok
    assert "constant" in str(found)
    wanted = -0.5 * np.einsum("ni,ij,nj->", new, p, new) + (new @ b).sum()
    assert found.value == pytest.approx(wanted, rel=1e-10)
    assert fit.evidence().kind is Kind.UNNORMALISED


def test_weights_travel(tmp_path: Path) -> None:
    fit = _exact("pyro")
    found = load_weights(save_weights(fit.params, tmp_path / "e.safetensors"))
    assert set(found) == {"x.network.scale", "x.network.cross", "x.network.b"}
    for k, v in found.items():
        np.testing.assert_array_equal(v, fit.params[k])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_json_keeps_the_objective(name: str) -> None:
    m = energy(gd.MLP(1))
    m.objective(OBJECTIVES[name])
    again = gd.Model.from_json(m.to_json())
    assert again.objective() == OBJECTIVES[name]
    assert again.graph == m.graph
    assert again.to_json() == m.to_json()


def test_explain_says_what_applies() -> None:
    lines = {line.split()[0]: line for line in str(energy(gd.MLP(1)).explain()).splitlines() if "Train(" in line}
    for kind in ("ImplicitScoreMatching", "SlicedScoreMatching", "SmoothedScoreMatching", "ContrastiveDivergence"):
        assert "no:" not in lines[f"Train({kind})"]
    assert "no: gd.WGAN learns a pushforward, and 'x' is of another family" in lines["Train(WGAN)"]
    assert "no:" in lines["Train(MaximumLikelihood)"]
