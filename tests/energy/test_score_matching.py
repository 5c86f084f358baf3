"""Score matching: the best quadratic energies are those of Gaussians, with the sign that they should have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.math.energy import implicit, score, sliced
from gendsl.objectives.energy import (
    ImplicitScoreMatching,
    Probe,
    ScoreMatching,
    SlicedScoreMatching,
    SmoothedScoreMatching,
)
from tests.diffusion.truth import compiled, double
from tests.energy.truth import COV, MEAN, minimum, precision_of, quadratic, sample


def fitted(backend: str, objective: ScoreMatching, x: np.ndarray, noise: dict[str, np.ndarray]) -> np.ndarray:
    """The parameters of the quadratic energy that has the least loss on the data."""
    with double(backend) as (b, ops):
        data, draws = b.array(x, "float64"), {k: b.array(v, "float64") for k, v in noise.items()}

        def loss(theta: Any) -> Any:
            return ops.mean(objective.loss(ops, lambda v: quadratic(theta, v), data, draws))

        gradient = compiled(backend, ops.grad(loss))
        return minimum(lambda theta: b.numpy(gradient(b.array(theta, "float64"))), 5)


def test_implicit_score_matching_gives_the_inverse_covariance_of_the_sample(backend: str) -> None:
    """S1: exactly, on a finite sample; and the least loss is -tr(P) / 2."""
    x = sample(50)
    theta = fitted(backend, ImplicitScoreMatching(), x, {})
    precision, b = precision_of(theta)
    inverse = np.linalg.inv(np.cov(x, rowvar=False, ddof=0))
    np.testing.assert_allclose(precision, inverse, atol=1e-6)
    np.testing.assert_allclose(np.linalg.solve(precision, b), x.mean(0), atol=1e-6)
    with double(backend) as (back, ops):
        data = back.array(x, "float64")
        least = float(ops.mean(ImplicitScoreMatching().loss(ops, lambda v: quadratic(theta, v), data, {})))
    assert least == pytest.approx(-np.trace(inverse) / 2, abs=1e-6)


def _signs(x: np.ndarray, count: int = 1, seed: int = 5) -> dict[str, np.ndarray]:
    return {"probes": np.random.default_rng(seed).choice([-1.0, 1.0], (count, *x.shape))}


@pytest.mark.parametrize(("reduced", "cap"), [(True, 0.15), (False, 0.3)])
def test_sliced_score_matching_is_near_it_with_one_projection(reduced: bool, cap: float) -> None:
    x = sample(20_000)
    objective = SlicedScoreMatching(variance_reduced=reduced)
    runs = [precision_of(fitted("pyro", objective, x, _signs(x, seed=s)))[0] for s in range(6)]
    truth = np.linalg.inv(np.cov(x, rowvar=False, ddof=0))
    error = 4 * np.std(runs, 0, ddof=1) / np.sqrt(len(runs))
    assert (error < cap).all()
    assert (np.abs(np.mean(runs, 0) - truth) < error + 1e-3).all()


def test_denoising_fits_the_smoothed_density_and_not_the_data_s() -> None:
    """S2: the score is -(S + sigma^2 I)^-1 (x - m), which is far from -S^-1 (x - m) where sigma is not small."""
    x, sigma = sample(20_000), 0.8
    noise = {"eps": np.random.default_rng(3).standard_normal(x.shape)}
    precision, b = precision_of(fitted("pyro", SmoothedScoreMatching(sigma=sigma), x, noise))
    smoothed = np.linalg.inv(COV + sigma**2 * np.eye(2))
    assert np.abs(precision - smoothed).max() < 0.06
    assert np.abs(precision - np.linalg.inv(COV)).max() > 1.0
    assert np.abs(np.linalg.solve(precision, b) - MEAN).max() < 0.06


@pytest.mark.parametrize(
    ("objective", "noise"),
    [
        (ImplicitScoreMatching(), lambda x: {}),
        (SlicedScoreMatching(), _signs),
        (SmoothedScoreMatching(sigma=0.3), lambda x: {"eps": np.random.default_rng(3).standard_normal(x.shape)}),
    ],
)
def test_energies_are_low_where_data_are(
    objective: ScoreMatching, noise: Callable[[np.ndarray], dict[str, np.ndarray]], backend: str
) -> None:
    """The sign: an objective whose energy comes out inverted has a finite loss, and gradients, all the same."""
    x = sample(2000)
    theta = fitted(backend, objective, x, noise(x))
    around = MEAN + 3.0 * np.stack([np.cos(np.arange(8)), np.sin(np.arange(8))], 1)
    assert (quadratic(theta, around) > quadratic(theta, MEAN) + 1.0).all()
    assert (np.linalg.eigvalsh(precision_of(theta)[0]) > 0).all()


# -- unbiasedness --------------------------------------------------------------------------------------------------
def _curved(ops: Any) -> Callable[[Any], Any]:
    """An energy whose score has a Jacobian with off-diagonal elements, of an event of two axes."""
    return lambda x: ops.sum(ops.softplus(x[..., 0, :] * x[..., 1, :]) + 0.3 * x[..., 0, :] ** 4, -1)


@pytest.mark.parametrize("reduced", [True, False])
@pytest.mark.parametrize("probe", Probe)
def test_sliced_losses_are_unbiased(probe: Probe, reduced: bool) -> None:
    """Their mean over projections is the loss with the exact trace, within 4 standard errors, at each row."""
    x = 0.5 * np.random.default_rng(1).standard_normal((6, 2, 3))
    objective = SlicedScoreMatching(projections=20_000, probe=probe, variance_reduced=reduced)
    with double("pyro") as (b, ops):
        data = b.array(x, "float64")
        s = score(ops, _curved(ops))
        exact = b.numpy(implicit(ops, s, data, 2))
        probes = objective.draw(ops, ops.key(1), data)["probes"]
        each = [
            b.numpy(sliced(ops, s, data, p[None], 2, variance_reduced=reduced)) for p in ops.stack([*probes[:200]], 0)
        ]
        whole = b.numpy(objective.loss(ops, _curved(ops), data, {"probes": probes}))
    error = 4 * np.std(each, 0) / np.sqrt(20_000) * 1.2  # 200 of them tell the deviation to 5 %
    assert (error < 0.4).all()
    assert (np.abs(whole - exact) < error).all()


def test_less_variance_where_the_square_is_known() -> None:
    x = np.random.default_rng(1).standard_normal((200, 2, 3))
    with double("pyro") as (b, ops):
        data = b.array(x, "float64")
        probes = ops.normal(ops.key(2), (500, *x.shape), like=data)
        s = score(ops, _curved(ops))
        exact = b.numpy(implicit(ops, s, data, 2))
        reduced, plain = (
            np.array([b.numpy(sliced(ops, s, data, p[None], 2, variance_reduced=r)) for p in probes[:40]])
            for r in (True, False)
        )
    assert np.mean((reduced - exact) ** 2) < 0.9 * np.mean((plain - exact) ** 2)


def test_settings_are_checked() -> None:
    with pytest.raises(gd.ModelError, match="SlicedScoreMatching: projections is a positive integer"):
        SlicedScoreMatching(projections=0)
    with pytest.raises(gd.ModelError, match="SmoothedScoreMatching: sigma is a number above 0"):
        SmoothedScoreMatching(sigma=0.0)
    with pytest.raises(gd.ModelError, match="'sign', 'normal'"):
        SlicedScoreMatching(probe="gaussian")  # type: ignore[arg-type]
