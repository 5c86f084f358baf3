"""Samplers against closed forms, declared orders, published golden numbers, and their error per network call."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from gendsl.math.diffusion.chain import Chain
from gendsl.math.diffusion.multistep import multistep
from gendsl.math.diffusion.predicts import Predicts
from gendsl.math.diffusion.steps import ancestral, ddim
from gendsl.math.diffusion.table import Table, run
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes import EDM, VP, ForwardProcess, Process, Rectified
from gendsl.samplers import DDIM, Ancestral, DPMSolver, EulerMaruyama, GivenTimes, Heun, Karras, Sampler, UniformLogSNR
from tests.diffusion.truth import MEANS, SCALES, WEIGHTS, Mixture, compiled, double, gaussian_gain

CIRCLE = Process(alpha=lambda ops, t: ops.cos(t), sigma=lambda ops, t: ops.sin(t), start=0.05, end=1.5)


def gaussian_variance(table: Table, process: ForwardProcess, scale: float) -> float:
    """Variance of what a table makes of N(0, base^2) for data N(0, scale^2), by running it on unit noises."""
    n = table.evaluations
    x = np.zeros(n + 1)
    x[0] = math.hypot(process.alpha(NUMPY, table.times[0]) * scale, process.sigma(NUMPY, table.times[0]))
    noise = np.zeros((n, n + 1))
    noise[:, 1:] = np.eye(n)
    with double("pyro") as (b, ops):
        denoise = lambda y, t: gaussian_gain(process, ops, t, scale) * y  # noqa: E731
        out = run(ops, table, denoise, b.array(x, "float64"), b.array(noise, "float64"))
        return float(np.sum(b.numpy(out) ** 2))


def test_ddim_on_the_circle() -> None:
    """T10: data N(0, 1), alpha = cos, sigma = sin: each step scales by cos of its angle."""
    angles = (1.5, 1.1, 0.8, 0.4, 0.05)
    table = DDIM(steps=4, grid=GivenTimes(angles)).table(CIRCLE)
    wanted = np.prod(np.cos(np.diff(angles)))
    np.testing.assert_allclose(gaussian_variance(table, CIRCLE, 1.0) ** 0.5, wanted, rtol=1e-12)


def test_the_posterior_is_ddim_with_eta_one() -> None:
    """T11: in coefficients; "fixed large" has the same mean and the forward kernel's variance."""
    t = np.linspace(1.0, 1e-3, 12)
    alpha, sigma = VP().alpha(NUMPY, t), VP().sigma(NUMPY, t)
    one, other, large = ancestral(t, alpha, sigma), ddim(t, alpha, sigma, 1.0), ancestral(t, alpha, sigma, large=True)
    for name in ("carry", "gain", "noise"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(one.gain, large.gain)
    wide = sigma[:-1] ** 2 - (alpha[:-1] / alpha[1:] * sigma[1:]) ** 2
    np.testing.assert_allclose(large.noise[:, 0] ** 2, wide, rtol=1e-12)
    chain = Chain(t[::-1], alpha[::-1], sigma[::-1])
    keep, pull, spread = chain.posterior
    np.testing.assert_allclose(keep[::-1], one.carry[:, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(pull[::-1], one.gain[:, 0], rtol=1e-12)
    np.testing.assert_allclose(spread[::-1], one.noise[:, 0], rtol=1e-12)
    beta = 1.0 - (alpha[:-1] / alpha[1:]) ** 2  # of the DDPM paper, alpha^2 + sigma^2 = 1
    np.testing.assert_allclose(spread[::-1] ** 2, beta * (sigma[1:] / sigma[:-1]) ** 2, rtol=1e-12)


def test_euler_maruyama_of_a_gaussian() -> None:
    """T13: the variance is that of its own recursion, its error halves, and the steps fill the interval exactly."""
    p, c = VP(), 0.5
    errors = []
    for n in (200, 400, 800):
        table = EulerMaruyama(steps=n).table(p)
        t = np.linspace(1.0, 1e-3, n + 1)
        h = -np.diff(t)
        np.testing.assert_allclose(h.sum(), p.end - p.start, rtol=1e-15)
        v = p.alpha(NUMPY, t) ** 2 * c * c + p.sigma(NUMPY, t) ** 2
        beta, own = p.g2(NUMPY, t), v[0]
        for k in range(n):
            own = (1.0 + h[k] * (0.5 * beta[k] - beta[k] / v[k])) ** 2 * own + beta[k] * h[k]
        np.testing.assert_allclose(gaussian_variance(table, p, c), own, rtol=1e-12)
        errors.append(own - v[-1])
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.05)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.05)


POINTS = np.linspace(-2.0, 2.0, 21)
"""Where the errors were measured: at 16 steps three quarters of their square are of the few points near a watershed."""
GATES = {  # root mean squared error for 16, ..., 512 steps, to two digits
    "DDIM": (DDIM, {}, (1.5e-1, 7.3e-2, 3.6e-2, 1.8e-2, 9.0e-3, 4.5e-3), 0.15),
    "Heun": (Heun, {}, (4.0e-2, 9.2e-3, 2.2e-3, 5.4e-4, 1.3e-4, 3.4e-5), 0.15),
    "DPMSolver2": (DPMSolver, {"order": 2}, (2.0e-2, 5.0e-3, 1.2e-3, 3.0e-4, 7.6e-5, 1.9e-5), 0.15),
    "DPMSolver3": (DPMSolver, {"order": 3}, (7.9e-3, 7.1e-4, 6.7e-5, 7.4e-6, 9.0e-7, 1.1e-7), 0.3),
}
STEPS = (16, 32, 64, 128, 256, 512)


@pytest.mark.parametrize("name", GATES)
def test_order_and_error_on_the_mixture(name: str) -> None:
    """T12: the probability-flow map of the mixture, lambda-uniform grid from t = 1 to 0.02, against a fine solution."""
    kind, options, gates, slack = GATES[name]
    p = VP(start=0.02)
    truth = Mixture(p)
    with double("numpyro") as (b, ops):
        x = b.array(POINTS, "float64")

        def solve(sampler: Sampler) -> np.ndarray:
            table = sampler.table(p)
            assert table.evaluations == sampler.steps * (2 if kind is Heun and sampler.steps < 2000 else 1)
            return b.numpy(compiled("numpyro", lambda x: run(ops, table, truth.denoise(ops), x))(x))

        fine = solve(DPMSolver(steps=4000, order=3))
        errors = []
        for n, gate in zip(STEPS, gates, strict=True):
            sampler = kind(steps=n, grid=UniformLogSNR(), **options)
            errors.append(float(np.sqrt(np.mean((solve(sampler) - fine) ** 2))))
            assert errors[-1] == pytest.approx(gate, rel=0.05), (n, errors)
    orders = -np.polyfit(np.log(STEPS[3:]), np.log(errors[3:]), 1)[0]
    assert orders == pytest.approx(sampler.order, abs=slack)


def test_map_of_a_rectified_flow(backend: str) -> None:
    """T15: data N(m, s^2) on the straight path: x = alpha m + (z - alpha_T m) v_start / v_end."""
    p, m, s = Rectified(), 0.4, 0.6
    alpha, sigma = (f(NUMPY, np.array([p.start, p.end])) for f in (p.alpha, p.sigma))
    v = np.hypot(alpha * s, sigma)
    z = np.linspace(-2.0, 2.0, 9)
    table = DPMSolver(steps=300, order=3).network_table(p, Predicts.VELOCITY)
    with double(backend) as (b, ops):

        def velocity(x: Any, t: Any) -> Any:
            w = t * t + (1.0 - t) ** 2 * s * s
            return -m + (t - (1.0 - t) * s * s) / w * (x - (1.0 - t) * m)

        out = b.numpy(run(ops, table, velocity, b.array(z, "float64")))
    np.testing.assert_allclose(out, alpha[0] * m + (z - alpha[1] * m) * v[0] / v[1], atol=1e-6)


# -- published numbers ------------------------------------------------------------------------------------------------
BARS = np.cumprod(1.0 - np.linspace(1e-4, 0.02, 1000))
SAMPLE = np.transpose(np.arange(768.0).reshape(3, 8, 8, 4) / 768, (3, 0, 1, 2))
LEADING = np.arange(10)[::-1] * 100
LINSPACE = np.linspace(0, 999, 11).round()[:0:-1].astype(int)


def _levels(steps: np.ndarray, last: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bars = np.append(BARS[steps], last)
    return np.append(steps, -1.0), np.sqrt(bars), np.sqrt(1.0 - bars)


@pytest.mark.parametrize(
    ("table", "predicts", "total", "mean"),
    [
        (ddim(*_levels(LEADING, 1.0)), Predicts.EPS, 172.0067, 0.223967),
        (ddim(*_levels(LEADING, 1.0)), Predicts.V, 52.5302, 0.0684),
        (multistep(*_levels(LINSPACE, BARS[0]), 2), Predicts.EPS, None, 0.3301),
        (multistep(*_levels(LINSPACE, BARS[0]), 2), Predicts.V, None, 0.2251),
    ],
    ids=["DDIM-eps", "DDIM-v", "2M-eps", "2M-v"],
)
def test_golden_numbers_of_diffusers(
    table: Table, predicts: Predicts, total: float | None, mean: float, backend: str
) -> None:
    """T20: diffusers' full loops with model(x, t) = x t / (t + 1), beta from 1e-4 to 0.02, 10 steps."""
    bars = BARS[table.times.astype(int)]
    alpha, sigma = np.sqrt(bars), np.sqrt(1.0 - bars)
    skip, out = (1.0 / alpha, -sigma / alpha) if predicts is Predicts.EPS else (alpha, -sigma)
    table = table.through(skip, out, np.ones_like(skip), table.times)
    with double(backend) as (b, ops):
        x = b.numpy(run(ops, table, lambda x, t: x * (t / (t + 1.0)), b.array(SAMPLE, "float64")))
    assert np.mean(np.abs(x)) == pytest.approx(mean, abs=1e-3 if total is None else 1e-4)
    assert total is None or np.sum(np.abs(x)) == pytest.approx(total, abs=1e-3)


def test_golden_number_of_edm(backend: str) -> None:
    """T20: diffusers' EDM Euler scheduler, sigma from 0.002 to 80, data scale 0.5."""
    sampler = DDIM(steps=9, grid=Karras(7.0), denoise=True)
    table = sampler.network_table(EDM(0.002, 80.0), Predicts.F, 0.5)
    assert table.evaluations == 10
    with double(backend) as (b, ops):
        start = b.array(SAMPLE * math.sqrt(80.0**2 + 1.0), "float64")
        x = b.numpy(run(ops, table, lambda x, t: x * (t / (t + 1.0)), start))
    assert np.sum(np.abs(x)) == pytest.approx(34.1855, abs=1e-3)
    assert np.mean(np.abs(x)) == pytest.approx(0.0445, abs=1e-4)


# -- noise ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sampler", [DDIM(steps=250, eta=1.0), Ancestral(steps=250), EulerMaruyama(steps=500)])
def test_noisy_samplers_have_the_moments_of_the_data(sampler: Sampler) -> None:
    """T14: exact score, fine grid: mean, variance and share of a mode, to 4 standard errors and what steps leave."""
    p, n = VP(), 8_000
    truth = Mixture(p)
    mean = WEIGHTS @ MEANS
    variance = WEIGHTS @ (SCALES**2 + MEANS**2) - mean**2
    with double("numpyro") as (b, ops):
        x = ops.normal(ops.key(0), (n,), like=b.array(np.zeros(()), "float64"))
        table = sampler.table(p)

        def go(x: Any) -> Any:
            noise = lambda k: ops.normal(ops.fold_in(ops.key(1), k.astype(int)), (n,), like=x)  # noqa: E731
            return run(ops, table, truth.denoise(ops), x, noise)

        out = b.numpy(compiled("numpyro", go)(x))
    assert abs(out.mean() - mean) < 4 * math.sqrt(variance / n) + 0.01
    assert abs(out.var() - variance) < 4 * math.sqrt(np.var((out - mean) ** 2) / n) + 0.03
    low = np.mean(out < -0.8)
    wanted = sum(w * NormalDist(m, s).cdf(-0.8) for w, m, s in zip(WEIGHTS, MEANS, SCALES, strict=True))
    assert abs(low - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / n) + 0.01


def test_noise_by_row_is_noise_at_once(backend: str) -> None:
    """A function of the row's number gives what an array of all rows gives; a path holds the end."""
    table = Ancestral(steps=5).table(VP())
    with double(backend) as (b, ops):
        z = b.array(np.random.default_rng(0).normal(size=(5, 3)), "float64")
        x = b.array(np.array([0.1, -0.4, 2.0]), "float64")
        both = [
            run(ops, table, lambda y, t: 0.3 * y, x, noise)
            for noise in (z, lambda k: ops.sum(z * (ops.arange(5, like=x) == k)[:, None], 0))
        ]
        np.testing.assert_allclose(*(b.numpy(v) for v in both), rtol=1e-14)
        end, path = run(ops, table, lambda y, t: 0.3 * y, x, z, keep=True)
        np.testing.assert_array_equal(b.numpy(path)[-1], b.numpy(end))
        assert path.shape == (5, 3)
        with pytest.raises(ValueError, match="takes noise, and none is given"):
            run(ops, table, lambda y, t: y, x)
