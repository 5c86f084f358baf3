"""The zoo's VAE of digits against one written by hand with NumPyro: equal at equal parameters, and when trained."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy.stats import binom

import gendsl as gd
from gendsl.optim import Adam, Cosine
from gendsl_models.digits_vae import data, digits_vae
from tests.models import vae_by_hand as by_hand

STEPS, BATCH, RATE = 4_004, 128, 2e-3  # whole passes of 11 batches
DRAWS = 200


def _carried(params: dict[str, np.ndarray]) -> dict[str, Any]:
    """gendsl's parameters in the layout of the program written by hand."""
    return {
        name: [{"w": params[f"{name}.layers.{k}.weight"].T, "b": params[f"{name}.layers.{k}.bias"]} for k in range(3)]
        for name in ("encoder", "decoder")
    }


def test_equal_parameters_have_equal_bounds(backend: str) -> None:
    x = data()["x"][:30]
    method = gd.Train(steps=20, batch_size=10, optimizer=Adam(1e-2), precision=gd.Precision.FLOAT64)
    fit = digits_vae().fit({"x": x}, method, backend=backend, progress=False)
    ours = fit.log_prob({"x": x}, draws=DRAWS)
    with jax.enable_x64():
        theirs = by_hand.elbo(_carried(fit.params), x, DRAWS, seed=1)
    error = np.hypot(ours.se, theirs.std(ddof=1) / np.sqrt(DRAWS))
    assert 0 < error < 0.002 * abs(ours.value)
    assert abs(ours.value - theirs.mean()) < 4 * error


@pytest.mark.slow
def test_training_reaches_the_bound_of_a_program_by_hand(backend: str) -> None:
    """Held-out bounds of equal sizes, steps and schedules agree within 1 %, means over three seeds."""
    x, held_out = data()["x"], data(held_out=True)["x"]
    method = gd.Train(steps=STEPS, batch_size=BATCH, optimizer=Adam(Cosine(RATE)))
    ours, theirs = [], []
    for seed in range(3):
        fit = digits_vae().fit({"x": x}, method, backend=backend, seed=seed, progress=False)
        ours.append(float(fit.log_prob({"x": held_out}, draws=DRAWS).value) / len(held_out))
        params = by_hand.train(x, STEPS, BATCH, RATE, seed)
        theirs.append(by_hand.elbo(params, held_out, DRAWS, seed).mean() / len(held_out))
    print(f"{backend}: {np.round(ours, 3)} nats an image; by hand {np.round(theirs, 3)}")
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.01)
    p = (x.mean(0) / 16).clip(1e-3, 1 - 1e-3)
    alone = binom.logpmf(held_out, 16, p).sum() / len(held_out)
    assert np.mean(ours) > 0.75 * alone  # of independent pixels
