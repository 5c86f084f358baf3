"""Losses against their known minima: the entropy, the irreducible loss of flow matching, and invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gendsl.math.diffusion import bound, times
from gendsl.math.diffusion.losses import Weight, flow_matching, score_matching
from gendsl.math.diffusion.predicts import Predicts, convert
from gendsl.math.numpy_ops import NUMPY
from gendsl.objectives.diffusion import DenoisingScoreMatching, Density, FlowMatching, Times
from gendsl.processes import VP, Rectified
from tests.diffusion.truth import CASES, double, gaussian_gain, hermite, legendre

C = 0.7  # the data are N(0, C^2)


def _nodes(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x_0, eps, u and weights of an expectation over all three; quadratic in the first two."""
    (x, wx), (e, we), (u, wu) = hermite(3), hermite(3), legendre(count)
    x, e, u = (v.reshape(-1) for v in np.meshgrid(C * x, e, u, indexing="ij"))
    return x, e, u, np.einsum("i,j,k->ijk", wx, we, wu).reshape(-1)


@pytest.mark.parametrize("density", Density)
@pytest.mark.parametrize("case", CASES)
def test_the_bound_of_the_best_network_is_the_entropy(case: str, density: Density) -> None:
    """T7, T8: 1/2 int mse dgamma = (log(1 + c^2 SNR_max) - log(1 + c^2 SNR_min)) / 2, whatever the schedule's shape;

    with the exact prior and the reconstruction it is the entropy of N(0, c^2 + exp(gamma_0))."""
    p = CASES[case]
    x, e, u, w = _nodes(600)
    snr = np.exp(-np.array([p.gamma(NUMPY, np.array(float(t))) for t in (p.start, p.end)]))
    wanted = 0.5 * (np.log1p(C * C * snr[0]) - np.log1p(C * C * snr[1]))
    with double("pyro") as (b, ops):
        x0, eps, uniform = (b.array(v, "float64") for v in (x, e, u))
        t = times.place(ops, p, uniform, density)[0]
        net = lambda y, _: gaussian_gain(p, ops, t, C) * y  # noqa: E731 - t as it is, whatever the clock
        rows = score_matching(ops, p, Predicts.X0, net, x0, uniform, eps, Weight.LIKELIHOOD, rank=0, density=density)
        diffusion = w @ b.numpy(rows)
        np.testing.assert_allclose(diffusion, wanted, rtol=1e-9)
        end = np.array(float(p.end))
        scale = math.hypot(C * p.alpha(NUMPY, end), p.sigma(NUMPY, end))
        prior = w @ b.numpy(bound.prior(ops, p, x0, rank=0, scale=scale))
        rest = b.numpy(bound.reconstruction(ops, p, x0, rank=0))
        entropy = 0.5 * math.log(2 * math.pi * math.e * (C * C + 1.0 / snr[0]))
        np.testing.assert_allclose(diffusion + prior + rest, entropy, rtol=1e-9)


def test_stratified_times_are_unbiased_and_even(backend: str) -> None:
    """T7's Monte Carlo: the bound from drawn times and noise, within 4 standard errors; times are one to a stratum."""
    p = VP()
    with double(backend) as (b, ops):
        like = b.array(np.zeros(()), "float64")
        u = times.draw(ops, Times.STRATIFIED, ops.key(1), 64, like)
        assert sorted(np.floor(b.numpy(u) * 64).astype(int)) == list(range(64))
        assert len(np.unique(np.round(np.mod(b.numpy(u) * 64, 1.0), 9))) == 1

        x0 = C * ops.normal(ops.key(2), (20_000, 1), like=like)
        objective = DenoisingScoreMatching(weight=Weight.LIKELIHOOD)
        noise = objective.draw(ops, ops.key(3), x0)
        rows = b.numpy(
            objective.loss(ops, p, Predicts.X0, lambda y, t: gaussian_gain(p, ops, t, C)[:, None] * y, x0, noise)
        )
        snr = np.exp(-np.array([p.gamma(NUMPY, np.array(float(t))) for t in (p.start, p.end)]))
        wanted = 0.5 * (np.log1p(C * C * snr[0]) - np.log1p(C * C * snr[1]))
        assert abs(rows.mean() - wanted) < min(4 * rows.std() / math.sqrt(len(rows)), 0.2)
        assert rows.std() < 10.0  # evenly in time it is 30


@pytest.mark.parametrize("kind", Predicts)
def test_a_loss_is_the_same_whatever_the_network_predicts(kind: Predicts, backend: str) -> None:
    """T3: losses agree after c_out^2."""
    p = VP()
    rng = np.random.default_rng(0)
    with double(backend) as (b, ops):
        x0, eps, guess = (b.array(rng.normal(size=(6, 2)), "float64") for _ in range(3))
        u = b.array(np.linspace(0.03, 0.97, 6), "float64")

        def net(y, t):
            return convert(ops, p, Predicts.X0, kind, y, t, guess, 1, 1.0)

        for weight in Weight:
            both = [
                b.numpy(score_matching(ops, p, k, f, x0, u, eps, weight))
                for k, f in ((kind, net), (Predicts.X0, lambda y, t: guess))
            ]
            np.testing.assert_allclose(both[0], both[1], rtol=1e-12)
        both = [
            b.numpy(flow_matching(ops, p, k, f, x0, u, eps))
            for k, f in ((kind, net), (Predicts.X0, lambda y, t: guess))
        ]
        np.testing.assert_allclose(both[0], both[1], rtol=1e-12)


def test_weights() -> None:
    """Simple is |eps - eps_hat|^2; likelihood is gamma' / 2 times it; flow is |u - u_hat|^2."""
    p = VP()
    rng = np.random.default_rng(1)
    x0, eps, guess, u = (
        rng.normal(size=(4, 2)),
        rng.normal(size=(4, 2)),
        rng.normal(size=(4, 2)),
        np.array([0.1, 0.3, 0.6, 0.9]),
    )
    t, speed = p.spread(NUMPY, u)
    simple = score_matching(NUMPY, p, Predicts.EPS, lambda y, t: guess, x0, u, eps)
    np.testing.assert_allclose(simple, ((guess - eps) ** 2).sum(-1), rtol=1e-13)
    likelihood = score_matching(NUMPY, p, Predicts.EPS, lambda y, t: guess, x0, u, eps, Weight.LIKELIHOOD)
    np.testing.assert_allclose(likelihood, 0.5 * p.d_gamma(NUMPY, t) * speed * simple, rtol=1e-13)
    flow = flow_matching(NUMPY, p, Predicts.VELOCITY, lambda y, t: guess, x0, u, eps)
    wanted = p.d_alpha(NUMPY, t)[:, None] * x0 + p.d_sigma(NUMPY, t)[:, None] * eps
    np.testing.assert_allclose(flow, ((guess - wanted) ** 2).sum(-1), rtol=1e-13)


def test_flow_matching_of_a_gaussian(backend: str) -> None:
    """T15: on the straight path from N(m, s^2) to noise, the irreducible loss is pi s / 2 for each dimension."""
    p, m, s = Rectified(start=1e-12, end=1.0 - 1e-12), 0.4, 0.6
    x, e, u, w = _nodes(400)
    with double(backend) as (b, ops):
        x0 = b.array(m + s / C * x, "float64")
        eps, uniform = b.array(e, "float64"), b.array(u, "float64")

        def velocity(y, t):  # E[eps - x_0 | x_t]
            v = t * t + (1.0 - t) ** 2 * s * s
            return -m + (t - (1.0 - t) * s * s) / v * (y - (1.0 - t) * m)

        rows = flow_matching(ops, p, Predicts.VELOCITY, velocity, x0, uniform, eps, rank=0)
        np.testing.assert_allclose(w @ b.numpy(rows), 0.5 * math.pi * s, rtol=1e-10)

        n = 1_600_000
        objective = FlowMatching()
        x0 = m + s * ops.normal(ops.key(0), (n, 1), like=x0)
        noise = objective.draw(ops, ops.key(1), x0)
        net = lambda y, t: velocity(y, t[:, None])  # noqa: E731
        rows = b.numpy(objective.loss(ops, p, Predicts.VELOCITY, net, x0, noise))
        assert abs(rows.mean() - 0.5 * math.pi * s) < min(4 * rows.std() / math.sqrt(n), 0.005 * 0.5 * math.pi * s)
