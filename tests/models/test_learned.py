"""Every learned model of the zoo declares, takes its data, and obeys the law of objectives; their toys are as said."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import gendsl as gd
from gendsl_models import LEARNED, Learned, digits, toys
from gendsl_models.lessons import LESSONS
from tests.objectives.play import Arrays, Play

entries = pytest.mark.parametrize("entry", LEARNED.values(), ids=list(LEARNED))
BACKENDS = ("pyro", "numpyro")
# Constants that are added to an energy or a critic: objectives are differences of these.
IDLE = {"moons_energy": "x.network.layers.3.bias", "eight_gan": "critic.layers.3.bias"}


@entries
def test_declares_and_describes_itself(entry: Learned) -> None:
    model = entry.build()
    assert model.name == entry.name
    assert entry.build() == model, "a model is the same each time it is built"
    again = gd.Model.from_json(model.to_json())
    assert again == model
    assert again.objective() == model.objective()
    doc = entry.build.__doc__ or ""
    assert "http" in doc, "the source"
    given = {n.name: n.type for _, n in model.graph.of("observe")}
    for name, t in given.items():
        assert f"{name} ({t.dims[0]}, {', '.join(map(str, t.event))})" in doc
    for _, n in model.graph.of("latent", "let", "observe"):
        assert n.name in doc
    for backend in BACKENDS:
        assert "def model(" in model.compile(backend).source
    words = str(model.explain())
    line = next(x for x in words.splitlines() if f"Train({type(model.objective()).__name__})" in x)
    assert "no:" not in line


@entries
def test_data_are_those_of_the_model(entry: Learned) -> None:
    model, data, others = entry.build(), entry.data(), entry.data(held_out=True)
    assert set(data) == set(others) == {"x"}
    assert data["x"].shape[1:] == others["x"].shape[1:] == model["x"].type.event
    assert np.array_equal(entry.data()["x"], data["x"]), "data are the same at every call"
    rows = {r.tobytes() for r in data["x"]}
    shared = sum(r.tobytes() in rows for r in others["x"])
    assert not shared, f"{shared} held-out rows were learnt from"
    assert entry.method.batch_size is not None
    assert entry.method.batch_size <= len(data["x"])


@entries
def test_the_objective_obeys_the_law(entry: Learned) -> None:
    """Values and gradients of every player agree between backends at equal parameters and noise."""
    model, rows = entry.build(), {k: v[:5] for k, v in entry.data().items()}
    objective = model.objective()
    assert objective is not None
    ours, theirs = (Play(model, objective, rows, b, batched=True) for b in BACKENDS)
    params, state = _moved(ours.game.initial_params(0)), ours.game.initial_state(0)
    for player in ours.players:
        noise = ours.noise(player, 3)
        assert {k: v.shape for k, v in noise.items()} == {k: v.shape for k, v in theirs.noise(player, 3).items()}
        (value, gradient, more), (other, theirs_gradient, theirs_more) = (
            p.loss(player, params, noise, state) for p in (ours, theirs)
        )
        assert np.isfinite(value)
        assert value == pytest.approx(other, rel=1e-10)
        top = 1 + max(np.abs(g).max() for g in gradient.values())
        for k, g in gradient.items():
            np.testing.assert_allclose(g, theirs_gradient[k], rtol=0, atol=1e-10 * top, err_msg=k)
        for k, v in more.items():
            np.testing.assert_allclose(v, theirs_more[k], rtol=1e-10, atol=1e-10, err_msg=k)
        moves = ours.players[player].moves
        for k, g in gradient.items():
            if not moves or k.startswith(moves):
                assert g.any() == (k != IDLE.get(entry.name)), f"gradient of {player} at {k}"


def _moved(params: Arrays) -> Arrays:
    """Starts that are zero, moved from it, so that a gradient reaches everything."""
    rngs = {k: np.random.default_rng(zlib.crc32(k.encode())) for k, v in params.items() if not v.any()}
    return params | {k: 0.1 * rng.normal(size=params[k].shape) for k, rng in rngs.items()}


def test_every_model_has_its_lesson() -> None:
    assert [x.entry.name for x in LESSONS] == list(LEARNED)
    assert {x.backend for x in LESSONS} == set(BACKENDS)


# -- the toys -----------------------------------------------------------------------------------------------------
def test_eight_gaussians_are_what_their_entropy_says() -> None:
    x = toys.eight_gaussians(200_000, seed=3)
    scale = 0.5 / np.sqrt(2.0)
    square = ((x[:, None] - toys.centres()) ** 2).sum(-1) / scale**2
    log_p = logsumexp(-square / 2, axis=1) - np.log(8 * 2 * np.pi * scale**2)
    assert -log_p.mean() == pytest.approx(toys.EIGHT_ENTROPY, abs=5e-4 + 4 * log_p.std() / np.sqrt(len(x)))
    mode, deviations = toys.nearest(x)
    assert np.bincount(mode) / len(x) == pytest.approx(np.full(8, 0.125), abs=4 * np.sqrt(0.11 / len(x)))
    assert (deviations < 4).mean() > 0.999


def test_two_moons_are_two_and_of_unit_scale() -> None:
    x = toys.two_moons(20_000)
    assert x.std(0) == pytest.approx(np.ones(2), abs=0.06)
    assert x.mean(0) == pytest.approx(np.zeros(2), abs=0.05)
    middle = x[np.abs(x[:, 0]) < 0.2, 1]  # between the arms: both moons are seen, and nothing at 0
    assert (middle > 0.5).any()
    assert (middle < -0.5).any()


def test_digits_are_split_once_and_in_two() -> None:
    learnt, held_out = digits.images(), digits.images(held_out=True)
    assert (len(learnt), len(held_out)) == (1500, 297)
    assert set(np.unique(learnt)) == set(range(17))
    everything: Any = np.concatenate([learnt, held_out]).reshape(-1, 64)
    from sklearn.datasets import load_digits

    assert sorted(map(tuple, everything)) == sorted(map(tuple, load_digits().data))
    count = np.bincount(digits.labels(held_out=True), minlength=10)
    assert count.sum() == 297
    assert count.min() > 15
    zeros = learnt[digits.labels() == 0].mean(0)
    assert zeros[3:5, 3:5].mean() < 3 < zeros[3:5, 2].mean()  # a zero is empty inside
