"""What networks predict: all outputs are one posterior mean, whose moments follow Tweedie."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gendsl.math.diffusion.predicts import Predicts, convert, denoiser, noised, target
from gendsl.processes import VE, VP, ForwardProcess, Rectified
from tests.diffusion.truth import Mixture, compiled, double

RNG = np.random.default_rng(0)
X0, EPS, T = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)), np.array([0.05, 0.2, 0.5, 0.8, 0.95])
PAIRS = list(itertools.product(Predicts, Predicts))


@pytest.mark.parametrize("process", [VP(), VE(0.1, 5.0), Rectified()], ids=lambda p: type(p).__name__)
def test_targets_are_one_point(process: ForwardProcess, backend: str) -> None:
    """The targets of x_0 and eps convert into each other: c_skip and c_out are those of the definitions."""
    with double(backend) as (b, ops):
        x0, eps, t = (b.array(v, "float64") for v in (X0, EPS, T))
        x = noised(ops, process, x0, t, eps)
        targets = {k: target(ops, process, k, t, x0, eps, 1, 0.7) for k in Predicts}
        for given, wanted in PAIRS:
            out = convert(ops, process, given, wanted, x, t, targets[given], 1, 0.7)
            np.testing.assert_allclose(b.numpy(out), b.numpy(targets[wanted]), rtol=1e-12, atol=1e-12)


def test_definitions(backend: str) -> None:
    """The named quantities, from their own formulas."""
    p = VP()
    with double(backend) as (b, ops):
        x0, eps, t = (b.array(v, "float64") for v in (X0, EPS, T))
        alpha, sigma = b.numpy(p.alpha(ops, t))[:, None], b.numpy(p.sigma(ops, t))[:, None]
        wanted = {
            Predicts.SCORE: -EPS / sigma,
            Predicts.EPS: EPS,
            Predicts.X0: X0,
            Predicts.V: alpha * EPS - sigma * X0,
            Predicts.VELOCITY: b.numpy(p.d_alpha(ops, t))[:, None] * X0 + b.numpy(p.d_sigma(ops, t))[:, None] * EPS,
            Predicts.F: ((sigma**2 + 0.49 * alpha**2) * X0 - 0.49 * alpha * (alpha * X0 + sigma * EPS))
            / (0.7 * sigma * np.sqrt(sigma**2 + 0.49 * alpha**2)),
        }
        for kind, value in wanted.items():
            np.testing.assert_allclose(b.numpy(target(ops, p, kind, t, x0, eps, 1, 0.7)), value, rtol=1e-12)


def test_velocity_of_v() -> None:
    """On the circle alpha = cos, sigma = sin the velocity by the angle is v."""
    from gendsl.math.numpy_ops import NUMPY
    from gendsl.processes import Process

    p = Process(alpha=lambda ops, t: ops.cos(t), sigma=lambda ops, t: ops.sin(t), start=0.1, end=1.5)
    both = [target(NUMPY, p, k, T, X0, EPS) for k in (Predicts.V, Predicts.VELOCITY)]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-14)


def test_tweedie(backend: str) -> None:
    """E[x_0 | x_t] = (x + sigma^2 s) / alpha and its variance sigma^2 / alpha^2 (1 + sigma^2 s') on the mixture."""
    p = VP()
    m = Mixture(p)
    with double(backend) as (b, ops):
        x = b.array(np.linspace(-2.5, 2.5, 41), "float64")

        def moments(x, t):
            def score(y, t):
                return ops.grad(lambda z: ops.sum(m.log_density(ops, z, t)))(y)

            slope = ops.jvp(lambda y: score(y, t), (x,), (ops.ones_like(x),))[1]
            alpha, sigma = p.alpha(ops, t), p.sigma(ops, t)
            mean = denoiser(ops, p, Predicts.SCORE, score, rank=0)(x, t)
            return mean, (sigma / alpha) ** 2 * (1.0 + sigma**2 * slope), *m.moments(ops, x, t)

        run = compiled(backend, moments)
        for time in (0.02, 0.3, 0.9):
            mean, variance, *wanted = (b.numpy(v) for v in run(x, b.array(np.full(41, time), "float64")))
            np.testing.assert_allclose(mean, wanted[0], rtol=1e-10, atol=1e-10)
            np.testing.assert_allclose(variance, wanted[1], rtol=1e-10, atol=1e-10)


def test_guidance_with_weights_of_sum_one_commutes(backend: str) -> None:
    """w D_1 + (1 - w) D_2 is the same whichever output the two networks have been mixed in."""
    p = VP()
    with double(backend) as (b, ops):
        x, t = b.array(X0, "float64"), b.array(T, "float64")
        first, second = b.array(EPS, "float64"), b.array(EPS**2, "float64")
        for kind in Predicts:
            nets = [convert(ops, p, Predicts.X0, kind, x, t, d) for d in (first, second)]
            mixed = denoiser(ops, p, kind, lambda y, t, nets=nets: 3.0 * nets[0] - 2.0 * nets[1])(x, t)
            np.testing.assert_allclose(b.numpy(mixed), b.numpy(3.0 * first - 2.0 * second), rtol=1e-12, atol=1e-12)
