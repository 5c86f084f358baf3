"""Schedules against optax's and torch's own, and their closed forms."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import optax
import pytest
import torch

from gendsl.errors import ModelError
from gendsl.methods import Train, Validation
from gendsl.optim import Adam, Constant, Cosine, Exponential, Piecewise, Schedule, WarmupCosine

T = np.arange(130)
OPTAX: dict[str, tuple[Schedule, Any]] = {
    "constant": (Constant(0.3), optax.constant_schedule(0.3)),
    "cosine": (Cosine(0.3, 0.03, 100), optax.cosine_decay_schedule(0.3, 100, 0.1)),
    "warmup": (
        WarmupCosine(0.3, 20, 0.1, 0.01, 100),
        optax.warmup_cosine_decay_schedule(0.1, 0.3, 20, 100, 0.01),
    ),
    "no warmup": (WarmupCosine(0.3, 0, steps=100), optax.cosine_decay_schedule(0.3, 100)),
    "exponential": (Exponential(0.3, 0.9, 7), optax.exponential_decay(0.3, 7, 0.9)),
    "piecewise": (
        Piecewise((10, 50), (0.3, 0.03, 0.015)),
        optax.piecewise_constant_schedule(0.3, {10: 0.1, 50: 0.5}),
    ),
}
TORCH: dict[str, tuple[Schedule, Any]] = {
    "cosine": (Cosine(0.3, 0.03, 100), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 100, 0.03)),
    "exponential": (Exponential(0.3, 0.9, 1), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    "piecewise": (
        Piecewise((10, 50), (0.3, 0.03, 0.003)),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [10, 50], 0.1),
    ),
}


@pytest.mark.parametrize("case", OPTAX)
def test_schedules_are_those_of_optax(case: str) -> None:
    ours, theirs = OPTAX[case]
    np.testing.assert_allclose(ours.rates(T, 999), [float(theirs(t)) for t in T], rtol=2e-6, atol=2e-8)  # theirs: f32


@pytest.mark.parametrize("case", TORCH)
def test_schedules_are_those_of_torch(case: str) -> None:
    ours, make = TORCH[case]
    leaf = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], 0.3)
    scheduler, rates = make(optimizer), []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.step()
            scheduler.step()
    np.testing.assert_allclose(ours.rates(np.arange(100), 999), rates, rtol=1e-12)


def test_a_length_that_is_left_out_is_that_of_the_run() -> None:
    for ours, fixed in ((Cosine(0.3), Cosine(0.3, steps=90)), (WarmupCosine(0.3, 9), WarmupCosine(0.3, 9, steps=90))):
        np.testing.assert_array_equal(ours.rates(T, 90), fixed.rates(T, 7))
        assert ours.rates(np.array([90]), 90) == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Adam(0.0), "learning_rate is a positive number, or a schedule"),
        (lambda: Adam(float("nan")), "learning_rate"),
        (lambda: Adam(Cosine), "an instance: gd.optim.Cosine"),  # type: ignore[arg-type]
        (lambda: Adam(beta1=1.0), "beta1 is a number in [0, 1)"),
        (lambda: Adam(lr=1e-3), "did you mean 'learning_rate'"),  # type: ignore[call-arg]
        (lambda: Cosine(-1.0), "rate is a positive learning rate"),
        (lambda: Piecewise((5, 5), (1.0, 1.0, 1.0)), "steps that increase"),
        (lambda: Piecewise((5,), (1.0,)), "each piece has a rate"),
        (lambda: Exponential(1.0, 1.5), "a factor in (0, 1]"),
        (lambda: WarmupCosine(1.0, 50, steps=50), "the warmup must end before the schedule does"),
        (lambda: Train(steps=50, optimizer=Adam(WarmupCosine(1.0, 50))), "the warmup must end"),
        (lambda: Train(optimizer=Adam), "an instance: gd.optim.Adam"),  # type: ignore[arg-type]
        (lambda: Train(players={"critic": 1e-3}), "an optimizer is one of gd.optim"),  # type: ignore[dict-item]
        (lambda: Train(batch_size=0), "batch_size is a positive integer"),
        (lambda: Train(ema=1.0), "a decay in (0, 1)"),
        (lambda: Train(clip=-1.0), "a positive norm"),
        (lambda: Train(precision="float16"), "gd.Precision.FLOAT32"),  # type: ignore[arg-type]
        (lambda: Train(epochs=3), "did you mean 'steps'"),  # type: ignore[call-arg]
        (lambda: Train(steps=9, validation=Validation(fraction=0.5, every=10)), "would never be evaluated"),
        (lambda: Train(validation=0.1), "validation is a gd.Validation"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ModelError) as e:
        make()
    assert words in str(e.value)
    assert e.value.where is not None
    assert e.value.where.file == __file__
