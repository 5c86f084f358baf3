"""Adversarial losses at their optima, which are known; penalties on events of any rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import gendsl as gd
from gendsl.math.adversarial import (
    LOSSES,
    AdversarialLoss,
    Minimax,
    NonSaturating,
    Wasserstein,
    gradient_norm,
    gradient_penalty,
    mixed,
    r1,
)
from gendsl.networks import MLP
from gendsl.objectives.adversarial import GAN, R1, WGAN, GradientPenalty
from tests.diffusion.truth import double

GRID = np.linspace(-12.0, 14.0, 4001)
WIDTH = GRID[1] - GRID[0]
P, Q = stats.norm(0, 1).pdf(GRID), stats.norm(2, 1).pdf(GRID)
RATIO = stats.norm(0, 1).logpdf(GRID) - stats.norm(2, 1).logpdf(GRID)


def value(loss: AdversarialLoss, b: Any, ops: Any, v: Any) -> Any:
    """V = E_p real(v) + E_q fake(v), by the trapezoidal rule."""
    p, q = (b.array(WIDTH * x, "float64") for x in (P, Q))
    return ops.sum(p * loss.real(ops, v)) + ops.sum(q * loss.fake(ops, v))


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating()])
def test_the_best_critic_is_the_log_ratio(loss: AdversarialLoss, backend: str) -> None:
    """G1: there V = 2 JSD - log 4, its gradient is zero, and any other critic has less."""
    rng = np.random.default_rng(1)
    with double(backend) as (b, ops):
        best = b.array(RATIO, "float64")
        most = float(value(loss, b, ops, best))
        assert most == pytest.approx(-0.712633, abs=1e-6)
        assert most == pytest.approx(2 * 0.336831 - np.log(4), abs=2e-6)
        slope = b.numpy(ops.grad(lambda v: value(loss, b, ops, v))(best))
        assert np.abs(slope).max() < 1e-12
        for _ in range(5):
            other = b.array(RATIO + 0.3 * rng.standard_normal(len(GRID)), "float64")
            assert float(value(loss, b, ops, other)) < most - 1e-3


def test_generators_lose_where_the_critic_sees_through_them(backend: str) -> None:
    """All generator losses fall as the critic's number rises: a sample gains by looking real."""
    with double(backend) as (b, ops):
        v = b.array(np.linspace(-8.0, 8.0, 33), "float64")
        for kind in LOSSES.values():
            fall = b.numpy(ops.grad(lambda v, k=kind: ops.sum(k().generator(ops, v)))(v))
            assert (fall < 0).all()
        far = b.array(np.array([-20.0]), "float64")  # a sample that the critic is sure of
        slopes = [
            b.numpy(ops.grad(lambda v, k=kind: ops.sum(k.generator(ops, v)))(far))[0]
            for kind in (Minimax(), NonSaturating())
        ]
        assert abs(slopes[0]) < 1e-8
        assert slopes[1] == pytest.approx(-1.0, abs=1e-8)


def test_at_equal_laws_the_best_value_is_minus_log_four() -> None:
    with double("pyro") as (b, ops):
        p = b.array(WIDTH * P, "float64")
        zero = ops.zeros_like(p)
        assert float(ops.sum(p * (Minimax().real(ops, zero) + Minimax().fake(ops, zero)))) == pytest.approx(-np.log(4))


def test_the_scalar_losses_are_means_with_their_signs(backend: str) -> None:
    rng = np.random.default_rng(2)
    on_data, on_samples = rng.standard_normal((7, 2)), rng.standard_normal(5)
    with double(backend) as (b, ops):
        d, s = b.array(on_data, "float64"), b.array(on_samples, "float64")
        loss = Wasserstein()
        assert float(loss.critic_loss(ops, d, s)) == pytest.approx(on_samples.mean() - on_data.mean())
        assert float(loss.generator_loss(ops, s)) == pytest.approx(-on_samples.mean())
        wanted = np.log1p(np.exp(-on_data)).mean() + np.log1p(np.exp(on_samples)).mean()
        assert float(NonSaturating().critic_loss(ops, d, s)) == pytest.approx(wanted)
        assert float(NonSaturating().generator_loss(ops, s)) == pytest.approx(np.log1p(np.exp(-on_samples)).mean())


@dataclass(frozen=True)
class KullbackLeibler(AdversarialLoss):
    """A row of the f family: T = v, f*(t) = exp(t - 1); the best critic is 1 + log p / q."""

    def real(self, ops: Any, v: Any) -> Any:
        return v

    def fake(self, ops: Any, v: Any) -> Any:
        return -ops.exp(v - 1.0)


def test_a_divergence_of_the_f_family_is_one_row_more() -> None:
    """Its value at the best critic is KL(p | q) = 2, and less elsewhere."""
    with double("pyro") as (b, ops):
        best = b.array(1.0 + RATIO, "float64")
        assert float(value(KullbackLeibler(), b, ops, best)) == pytest.approx(2.0, abs=1e-8)
        assert float(value(KullbackLeibler(), b, ops, 0.8 * best)) < 2.0
        assert GAN(critic=MLP(1), loss=KullbackLeibler()).loss == KullbackLeibler()


# -- penalties -----------------------------------------------------------------------------------------------------
def test_the_norm_runs_over_all_axes_of_an_image(backend: str) -> None:
    """G4: D(x) = <w, x> on (n, 3, 8, 8) has the penalty (|w| - 1)^2; over one axis it would be 0.767."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        w = torch.randn(3, 8, 8).numpy().astype(np.float64)
    x = np.random.default_rng(1).standard_normal((4, 3, 8, 8))
    with double(backend) as (b, ops):
        weight = b.array(w, "float64")
        critic = lambda v: ops.sum(weight * v, (-3, -2, -1))  # noqa: E731
        got = b.numpy(gradient_penalty(ops, critic, b.array(x, "float64")))
        np.testing.assert_allclose(got, (np.linalg.norm(w) - 1.0) ** 2, rtol=1e-12)
        np.testing.assert_allclose(got, 153.130, atol=5e-4)
        flat = lambda v: ops.sum(ops.reshape(weight, (192,)) * v, -1)  # noqa: E731
        again = b.numpy(gradient_penalty(ops, flat, b.array(x.reshape(4, 192), "float64")))
        np.testing.assert_allclose(again, got, rtol=1e-12)
        half = b.numpy(r1(ops, critic, b.array(x, "float64")))
        np.testing.assert_allclose(half, 0.5 * np.sum(w**2), rtol=1e-12)
    assert (np.linalg.norm(w, axis=0) - 1.0).__pow__(2).mean() == pytest.approx(0.767, abs=1e-3)


def test_a_flat_critic_has_a_penalty_with_a_finite_gradient(backend: str) -> None:
    with double(backend) as (b, ops):
        x = b.array(np.ones((3, 2)), "float64")

        def total(scale: Any) -> Any:
            return ops.sum(gradient_penalty(ops, lambda v: scale * ops.sum(ops.square(v - 1.0), -1), x))

        zero = b.array(np.ones(()), "float64")
        assert float(total(zero)) == 3.0
        assert float(ops.grad(total)(zero)) == 0.0
        assert float(ops.sum(gradient_norm(ops, lambda v: 0.0 * ops.sum(v, -1), x))) == 0.0


def test_one_side_counts_norms_above_one_alone() -> None:
    with double("pyro") as (b, ops):
        x = b.array(np.array([[0.1], [0.5], [2.0]]), "float64")
        critic = lambda v: 0.5 * ops.sum(ops.square(v), -1)  # noqa: E731 - its gradient is v
        both = b.numpy(gradient_penalty(ops, critic, x))
        one = b.numpy(gradient_penalty(ops, critic, x, one_sided=True))
    np.testing.assert_allclose(both, [0.81, 0.25, 1.0])
    np.testing.assert_allclose(one, [0.0, 0.0, 1.0])


def test_mixed_points_have_one_share_for_each_pair() -> None:
    rng = np.random.default_rng(3)
    with double("pyro") as (b, ops):
        x, y = (b.array(rng.standard_normal((50, 2, 3)), "float64") for _ in range(2))
        u = rng.random(50)
        z = b.numpy(mixed(ops, x, y, b.array(u, "float64")))
        np.testing.assert_allclose(z, u[:, None, None] * b.numpy(x) + (1 - u[:, None, None]) * b.numpy(y))


# -- specs ---------------------------------------------------------------------------------------------------------
def test_losses_of_the_players(backend: str) -> None:
    """The critic's is -V and the penalty, and moves no sample; the generator's moves its samples."""
    rng = np.random.default_rng(4)
    with double(backend) as (b, ops):
        data, samples = (b.array(rng.standard_normal((6, 2)), "float64") for _ in range(2))
        objective = WGAN(critic=MLP(1), penalty=GradientPenalty(3.0))
        critic = lambda v: ops.sum(ops.tanh(v), -1)  # noqa: E731
        noise = objective.draw(ops, ops.key(1), data)
        out = objective.critic_loss(ops, critic, data, samples, noise)
        gap = float(ops.mean(critic(data)) - ops.mean(critic(samples)))
        assert float(out.parts["value"]) == pytest.approx(gap)
        assert float(out.value) == pytest.approx(-gap + float(out.parts["penalty"]))
        still = ops.grad(lambda s: objective.critic_loss(ops, critic, data, s, noise).value)(samples)
        assert (b.numpy(still) == 0).all()
        moved = ops.grad(lambda s: objective.generator_loss(ops, critic, s).value)(samples)
        assert (b.numpy(moved) < 0).all()
        assert GAN(critic=MLP(1)).draw(ops, ops.key(1), data) == {}
        parts = GAN(critic=MLP(1), penalty=R1(2.0)).critic_loss(ops, critic, data, samples, {}).parts
        assert float(parts["penalty"]) == pytest.approx(float(ops.mean(2.0 * r1(ops, critic, data))))


def test_settings_are_checked() -> None:
    assert WGAN(critic=MLP(1)) == WGAN(critic=MLP(1), loss=Wasserstein(), penalty=GradientPenalty(10.0), critic_steps=5)
    assert GAN(critic=MLP(1)).loss == NonSaturating()
    with pytest.raises(gd.ModelError, match=r"GAN: loss is of another kind[\s\S]*loss=Minimax"):
        GAN(critic=MLP(1), loss=Minimax)  # type: ignore[arg-type]
    with pytest.raises(gd.ModelError, match="GAN: critic is of another kind"):
        GAN(critic=lambda x: x)  # type: ignore[arg-type]
    with pytest.raises(gd.ModelError, match="WGAN: critic_steps is a positive integer"):
        WGAN(critic=MLP(1), critic_steps=0)
    with pytest.raises(gd.ModelError, match="GradientPenalty: weight is a number above 0"):
        GradientPenalty(-1.0)
    with pytest.raises(gd.ModelError, match="WGAN: penalty is of another kind"):
        WGAN(critic=MLP(1), penalty=10.0)  # type: ignore[arg-type]
