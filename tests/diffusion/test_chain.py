"""The explicit chain: its kernels are those of the process, and its bound falls to the continuous one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gendsl.math.diffusion.chain import bound, chain_of, path
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes import VE, VP, ForwardProcess, Process
from tests.diffusion.truth import compiled, double, gaussian_gain, hermite

C = 0.7


@pytest.mark.parametrize("process", [VP(), VE(0.1, 5.0)], ids=["VP", "VE"])
def test_kernels_compose(process: ForwardProcess) -> None:
    """q(x_(k-1) | x) q(x_k | x_(k-1)) = q(x_k | x) q(x_(k-1) | x_k, x), by its moments."""
    chain = chain_of(process, np.linspace(process.start, process.end, 9))
    (a, s), (keep, pull, spread) = chain.forward, chain.posterior
    alpha, sigma = chain.alpha, chain.sigma
    np.testing.assert_allclose(a * alpha[:-1], alpha[1:], rtol=1e-13)
    np.testing.assert_allclose((a * sigma[:-1]) ** 2 + s**2, sigma[1:] ** 2, rtol=1e-12)
    np.testing.assert_allclose(keep * alpha[1:] + pull, alpha[:-1], rtol=1e-12)
    np.testing.assert_allclose((keep * sigma[1:]) ** 2 + spread**2, sigma[:-1] ** 2, rtol=1e-12)
    np.testing.assert_allclose(keep * sigma[1:] ** 2, a * sigma[:-1] ** 2, rtol=1e-12)  # the covariance
    snr = (alpha / sigma) ** 2
    np.testing.assert_allclose(chain.weights, 0.5 * (snr[:-1] - snr[1:]), rtol=1e-10)


def test_a_path_has_the_marginals(backend: str) -> None:
    """Draws from the top down are N(alpha_k x, sigma_k^2) at each level: exactly, on unit noises."""
    chain = chain_of(VP(), np.linspace(1e-3, 1.0, 6))
    with double(backend) as (b, ops):
        noise = np.concatenate([np.zeros((6, 1)), np.eye(6)], 1)
        states = b.numpy(path(ops, chain, b.array(np.array([1.7] + [0.0] * 6), "float64"), b.array(noise, "float64")))
    np.testing.assert_allclose(states[:, 0], 1.7 * chain.alpha, rtol=1e-12)
    np.testing.assert_allclose((states[:, 1:] ** 2).sum(1), chain.sigma**2, rtol=1e-12)


def test_the_bound_falls_to_the_continuous_one() -> None:
    """T9: L_T > L_2T > L_oo, T (L_T - L_oo) -> (g1 - g0) / 4 [m(g1) - m(g0) + 2 L_oo], m = SNR c^2 / (1 + SNR c^2)."""
    g0, g1 = -6.0, 6.0
    process = Process(log_snr=lambda ops, t: -(g0 + (g1 - g0) * t), start=0.0)
    snr = np.exp([-g0, -g1]) * C * C
    limit = 0.5 * (np.log1p(snr[0]) - np.log1p(snr[1]))
    (x, wx), (e, we) = hermite(3), hermite(3)
    x, e = (v.reshape(-1) for v in np.meshgrid(C * x, e, indexing="ij"))
    w = np.outer(wx, we).reshape(-1)

    def loss(count: int) -> float:
        chain = chain_of(process, np.linspace(0.0, 1.0, count + 1))
        states = chain.alpha[:, None] * x + chain.sigma[:, None] * e
        with double("numpyro") as (b, ops):
            gain = lambda y, t: gaussian_gain(process, ops, t, C) * y  # noqa: E731
            go = compiled("numpyro", lambda x, s: ops.sum(bound(ops, chain, gain, x, s, rank=0).steps, 0))
            return float(w @ b.numpy(go(b.array(x, "float64"), b.array(states, "float64"))))

    at, twice = loss(1000), loss(2000)
    assert at > twice > limit
    m = snr / (1.0 + snr)
    assert 1000 * (at - limit) == pytest.approx((g1 - g0) / 4 * (m[1] - m[0] + 2 * limit), rel=0.02)
    assert (at - limit) / (twice - limit) == pytest.approx(2.0, rel=0.03)


def test_the_bound_of_the_best_network(backend: str) -> None:
    """Prior and reconstruction complete the steps to a bound on the entropy; each part is the KL of its normals."""
    process = VP()
    chain = chain_of(process, np.linspace(1e-3, 1.0, 5))
    x = np.array([[0.3, -1.2], [0.8, 0.1]])
    rng = np.random.default_rng(0)
    states = rng.normal(size=(5, 2, 2))
    with double(backend) as (b, ops):
        gain = lambda y, t: gaussian_gain(process, ops, t, C) * y  # noqa: E731
        parts = bound(ops, chain, gain, b.array(x, "float64"), b.array(states, "float64"))
        prior, steps, rest = (b.numpy(v) for v in (parts.prior, parts.steps, parts.reconstruction))
    a, s = chain.alpha[-1], chain.sigma[-1]
    np.testing.assert_allclose(prior, (0.5 * (a * a * x**2 + s * s - 1.0) - math.log(s)).sum(-1), rtol=1e-10)
    keep, pull, spread = chain.posterior
    for k in range(4):
        guess = gaussian_gain(process, NUMPY, chain.times[k + 1], C) * states[k + 1]
        means = [keep[k] * states[k + 1] + pull[k] * v for v in (x, guess)]
        np.testing.assert_allclose(steps[k], (0.5 * ((means[0] - means[1]) / spread[k]) ** 2).sum(-1), rtol=1e-9)
    width = chain.sigma[0] / chain.alpha[0]
    np.testing.assert_allclose(rest, 2 * (0.5 * math.log(2 * math.pi * math.e) + math.log(width)), rtol=1e-12)
