"""Contrastive divergence: exact gradients at exact samples, the queue of particles, and recovery of a Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.math.energy import contrast, restarted, turned
from gendsl.objectives.contrastive import ContrastiveDivergence, PersistentContrastiveDivergence
from tests.diffusion.truth import compiled, double
from tests.energy.truth import COV, MEAN, precision_of, quadratic, sample

TRUE = np.array([*(np.linalg.inv(COV)[i, j] for i, j in ((0, 0), (0, 1), (1, 1))), *(np.linalg.inv(COV) @ MEAN)])

CLOUD = sample(1000, seed=4) - MEAN + 0.2


def test_the_gradient_is_that_of_the_likelihood(backend: str) -> None:
    """At exact samples of the energy, in expectation: that of N(P^-1 b, P^-1)'s mean negative log-likelihood."""
    x = sample(400)
    theta = np.array([1.5, -0.3, 2.0, 0.2, 0.1])
    precision, b = precision_of(theta)
    mean, cov = np.linalg.solve(precision, b), np.linalg.inv(precision)
    # Sigma points, whose moments up to the second are exact.
    root = np.linalg.cholesky(cov) * np.sqrt(2.0)
    points = np.concatenate([mean + root.T, mean - root.T])

    def gradient(e: np.ndarray) -> np.ndarray:
        second = e.T @ e / len(e)
        return np.array([0.5 * second[0, 0], second[0, 1], 0.5 * second[1, 1], *(-e.mean(0))])

    with double(backend) as (back, ops):
        data, samples = back.array(x, "float64"), back.array(points, "float64")
        got = ops.grad(lambda t: contrast(ops, lambda v: quadratic(t, v), data, samples)[0])
        found = back.numpy(got(back.array(theta, "float64")))
    np.testing.assert_allclose(found, gradient(x) - gradient(points), rtol=1e-10)


def test_no_gradient_flows_into_the_samples(backend: str) -> None:
    with double(backend) as (b, ops):
        x = b.array(sample(5), "float64")
        got = ops.grad(lambda y: contrast(ops, lambda v: quadratic(TRUE, v), x, y)[0])(x)
        assert (b.numpy(got) == 0).all()


def test_particles_stand_in_a_queue(backend: str) -> None:
    with double(backend) as (b, ops):
        queue = b.array(np.arange(7.0)[:, None], "float64")
        for _ in range(3):
            queue = turned(ops, queue, queue[:3] + 100.0)
        values = b.numpy(queue)[:, 0]
        assert sorted(values % 100) == list(range(7))
        assert list(values // 100) == [1, 1, 1, 1, 1, 2, 2]


def test_a_share_starts_anew() -> None:
    rng = np.random.default_rng(1)
    with double("pyro") as (b, ops):
        old, fresh = b.array(np.zeros((1000, 2, 2)), "float64"), b.array(np.ones((1000, 2, 2)), "float64")
        out = b.numpy(restarted(ops, old, fresh, b.array(rng.random(1000), "float64"), 0.1))
    anew = out.mean((1, 2))
    assert set(anew) == {0.0, 1.0}
    assert abs(anew.mean() - 0.1) < 4 * np.sqrt(0.09 / 1000)


def learnt(backend: str, objective: ContrastiveDivergence, rounds: int = 400) -> np.ndarray:
    """A quadratic energy trained by gradient steps on the whole sample, averaged over the last half."""
    x = CLOUD
    theta = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
    with double(backend) as (b, ops):
        data = b.array(x, "float64")
        state = {k: b.array(v, "float64") for k, v in objective.initial_state(0, (2,)).items()}

        def step(theta: Any, state: Any, noise: Any) -> Any:
            def value(t: Any) -> Any:
                out = objective.loss(ops, lambda v: quadratic(t, v), lambda v: quadratic(theta, v), data, noise, state)
                return out.value, out.state

            (_, after), gradient = ops.value_and_grad(value, has_aux=True)(theta)
            return theta - 0.7 * gradient, after

        step = compiled(backend, step)
        at, path = b.array(theta, "float64"), []
        for k in range(rounds):
            at, state = step(at, state, objective.draw(ops, ops.key(7, k), data))
            path.append(b.numpy(at))
    return np.mean(path[rounds // 2 :], 0)


def test_persistent_particles_with_mala_recover_the_gaussian(backend: str) -> None:
    """S4: the covariance of the sample within 10 %, and its mean."""
    objective = PersistentContrastiveDivergence(particles=1000, steps=5, step_size=0.3, restart=0.01)
    precision, b = precision_of(learnt(backend, objective))
    x = CLOUD
    np.testing.assert_allclose(np.linalg.inv(precision), np.cov(x, rowvar=False), rtol=0.1)
    np.testing.assert_allclose(np.linalg.solve(precision, b), x.mean(0), atol=0.1)


def test_without_acceptance_what_is_learnt_has_the_bias_of_ula() -> None:
    """M1 as seen from outside: it is ULA's law, P^-1 (I - h P / 2)^-1, that is fitted to the data."""
    step = 0.1
    objective = PersistentContrastiveDivergence(particles=2000, steps=5, step_size=step, adjusted=False, restart=0.0)
    precision, _ = precision_of(learnt("pyro", objective))
    law = np.linalg.inv(precision) @ np.linalg.inv(np.eye(2) - step * precision / 2)
    cov = np.cov(CLOUD, rowvar=False)
    np.testing.assert_allclose(law, cov, rtol=0.1)
    assert np.linalg.eigvalsh(precision)[1] > 1.15 / np.linalg.eigvalsh(cov)[0]


def test_a_batch_takes_as_many_particles_as_there_are() -> None:
    objective = PersistentContrastiveDivergence(particles=3, steps=2)
    with double("pyro") as (b, ops):
        x = b.array(sample(5), "float64")
        noise = objective.draw(ops, ops.key(1), x)
        state = {k: b.array(v, "float64") for k, v in objective.initial_state(0, (2,)).items()}
        out = objective.loss(ops, lambda v: quadratic(TRUE, v), lambda v: quadratic(TRUE, v), x, noise, state)
        assert noise["noise"].shape == (2, 3, 2)
        assert out.state["particles"].shape == (3, 2)
        assert set(out.parts) == {"contrast", "acceptance"}


def test_particles_that_start_anew_are_as_wide_as_they_should_be() -> None:
    objective = PersistentContrastiveDivergence(particles=2000, steps=1, step_size=1e-9, restart=0.5, spread=5.0)
    with double("pyro") as (b, ops):
        x = b.array(np.zeros((2000, 2)), "float64")
        flat = lambda v: 0.0 * v.sum(-1)  # noqa: E731
        state = {"particles": x}
        out = objective.loss(ops, flat, flat, x, objective.draw(ops, ops.key(1), x), state)
        after = b.numpy(out.state["particles"])
    anew = np.abs(after).max(1) > 1e-3
    assert abs(anew.mean() - 0.5) < 4 * np.sqrt(0.25 / 2000)
    assert abs(after[anew].std() - 5.0) < 4 * 5.0 / np.sqrt(2 * 2000)


def test_the_start_of_particles_depends_on_the_seed_alone() -> None:
    objective = PersistentContrastiveDivergence(particles=500, spread=3.0)
    a, b, c = (objective.initial_state(s, (2, 2))["particles"] for s in (1, 1, 2))
    assert a.shape == (500, 2, 2)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert abs(a.std() - 3.0) < 0.2


def test_settings_are_checked() -> None:
    with pytest.raises(gd.ModelError, match="restart is a number at least 0 and below 1"):
        PersistentContrastiveDivergence(restart=1.0)
    with pytest.raises(gd.ModelError, match="steps is a positive integer"):
        ContrastiveDivergence(steps=0)
    with pytest.raises(gd.ModelError, match="has no argument 'step'"):
        ContrastiveDivergence(step=0.1)  # type: ignore[call-arg]
