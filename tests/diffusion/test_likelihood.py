"""Log-densities by the probability-flow ODE, and the estimates of divergences in them, against the mixture's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gendsl.log_density import Kind, LogDensity
from gendsl.math.diffusion.bound import integrand
from gendsl.math.diffusion.grids import uniform_log_snr
from gendsl.math.diffusion.likelihood import Adaptive, log_density, normal_base
from gendsl.math.diffusion.trace import exact_divergence, hutchinson
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes import VP
from tests.diffusion.truth import Mixture, compiled, double, hermite, legendre

P = VP()
TRUTH = Mixture(P)
X = np.linspace(-3.0, 3.0, 61)


def _log_density(backend: str, solver: Any, exact_base: bool = True, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """The ODE's log-density of the mixture at X, and the true one at `start`."""
    with double(backend) as (b, ops):
        x = b.array(X[:, None], "float64")
        end, start = (b.array(np.array(t), "float64") for t in (P.end, P.start))
        base = (lambda z: ops.sum(TRUTH.log_density(ops, z, end), -1)) if exact_base else None
        denoise = TRUTH.denoise(ops)
        value = compiled(backend, lambda x: log_density(ops, P, denoise, x, solver, base=base, **options).value)(x)
        return b.numpy(value), b.numpy(TRUTH.log_density(ops, x, start))[:, 0]


@pytest.mark.parametrize(
    ("solver", "most"),
    [(uniform_log_snr(P, 100)[::-1], 1e-5), (Adaptive(1e-5, 1e-5), 1e-4), (Adaptive(1e-7, 1e-7), 1e-5)],
    ids=["steps", "loose", "tight"],
)
def test_density_of_the_mixture(solver: Any, most: float, backend: str) -> None:
    """T5: exact score and exact marginal at the end: log p_start to the solver's tolerance."""
    value, truth = _log_density(backend, solver)
    assert np.max(np.abs(value - truth)) < most


def test_floor_of_a_normal_base() -> None:
    """T5b: with N(0, 1) for the marginal at the end 1.1e-3 nats are left that no solver takes away."""
    value, truth = _log_density("pyro", uniform_log_snr(P, 100)[::-1], exact_base=False)
    assert np.max(np.abs(value - truth)) == pytest.approx(1.107e-3, rel=0.01)


def test_fixed_steps_converge_with_order_four(backend: str) -> None:
    errors = []
    for n in (40, 80):
        value, truth = _log_density(backend, uniform_log_snr(P, n)[::-1])
        errors.append(np.max(np.abs(value - truth)))
    assert 3.5 < np.log2(errors[0] / errors[1]) < 5.0


def test_what_is_said_of_a_value(backend: str) -> None:
    """Exact with a solver's error, an estimate with a standard error; the mean of k probes divides by k."""
    grid = uniform_log_snr(P, 16)[::-1]
    rng = np.random.default_rng(0)
    with double(backend) as (b, ops):
        x = b.array(rng.normal(size=(7, 2)), "float64")
        probes = b.array(rng.choice([-1.0, 1.0], size=(5, 7, 2)), "float64")

        def mixed(y: Any, t: Any) -> Any:  # rotated, so that the Jacobian is not diagonal
            turn = ops.constant(np.array([[0.8, -0.6], [0.6, 0.8]]), y)
            return ops.matmul(TRUTH.denoise(ops)(ops.matmul(y, turn), t), turn.T)

        exact = log_density(ops, P, mixed, x, grid, check=True)
        coarse = log_density(ops, P, mixed, x, grid[::2])
        assert (exact.kind, exact.standard_error, exact.evaluations) == (Kind.EXACT, None, 64)
        moved = np.abs(b.numpy(exact.value) - b.numpy(coarse.value)) / 15.0
        np.testing.assert_allclose(b.numpy(exact.error), moved, rtol=1e-10)
        assert "exact trace" in exact.note

        each = np.stack(
            [b.numpy(log_density(ops, P, mixed, x, grid, probes=probes[k : k + 1]).value) for k in range(5)]
        )
        estimate = log_density(ops, P, mixed, x, grid, probes=probes)
        assert estimate.kind is Kind.ESTIMATE
        np.testing.assert_allclose(b.numpy(estimate.value), each.mean(0), rtol=1e-12)
        np.testing.assert_allclose(b.numpy(estimate.standard_error), each.std(0, ddof=1) / math.sqrt(5), rtol=1e-9)
        single: LogDensity = log_density(ops, P, mixed, x, grid, probes=probes[:1])
        assert single.standard_error is None
        both = b.array(np.array([[[1.0, 1.0]], [[1.0, -1.0]]]) * np.ones((2, 7, 2)), "float64")
        whole = log_density(ops, P, mixed, x, grid, probes=both)  # all signs: the mean of z z^T is 1
        np.testing.assert_allclose(b.numpy(whole.value), b.numpy(exact.value), rtol=1e-12)


def test_hutchinson(backend: str) -> None:
    """T6: exact for a diagonal Jacobian under signs; variances 2 (|J|^2 - sum J_ii^2) and 2 |J|^2."""
    rng = np.random.default_rng(0)
    j = rng.normal(size=(4, 4))
    j = j + j.T
    n = 60_000
    with double(backend) as (b, ops):
        x = b.array(rng.normal(size=(1, 4)), "float64")
        matrix = b.array(j, "float64")
        linear = lambda y: ops.matmul(y, matrix)  # noqa: E731
        value, div = exact_divergence(ops, linear, x)
        np.testing.assert_allclose(b.numpy(value), b.numpy(x) @ j, rtol=1e-12)
        np.testing.assert_allclose(b.numpy(div), [np.trace(j)], rtol=1e-12)

        signs = b.array(rng.choice([-1.0, 1.0], size=(n, 1, 4)), "float64")
        normal = b.array(rng.normal(size=(n, 1, 4)), "float64")
        square, diagonal = np.sum(j**2), np.sum(np.diag(j) ** 2)
        for z, variance in ((signs, 2 * (square - diagonal)), (normal, 2 * square)):
            parts = b.numpy(hutchinson(ops, linear, x, z)[1])[:, 0]
            assert parts.var() == pytest.approx(variance, rel=0.03)
            assert abs(parts.mean() - np.trace(j)) < min(4 * math.sqrt(variance / n), 0.2)
        _, parts = hutchinson(ops, ops.sin, x, signs[:10])
        np.testing.assert_allclose(b.numpy(parts)[:, 0], np.full(10, np.cos(b.numpy(x)).sum()), rtol=1e-10)


def test_divergence_of_events_of_any_rank(backend: str) -> None:
    rng = np.random.default_rng(0)
    with double(backend) as (b, ops):
        x = b.array(rng.normal(size=(3, 2, 2)), "float64")
        _, div = exact_divergence(ops, lambda y: ops.square(y), x, rank=2)
        np.testing.assert_allclose(b.numpy(div), 2 * b.numpy(x).sum((1, 2)), rtol=1e-12)
        _, flat = exact_divergence(ops, lambda y: ops.square(y), x[:, 0, 0], rank=0)
        np.testing.assert_allclose(b.numpy(flat), 2 * b.numpy(x)[:, 0, 0], rtol=1e-12)


def test_density_in_divergence_form() -> None:
    """T7b: log p_start(x) = E log p_T - int E[g^2 |s|^2 / 2 + div(g^2 s - f x)] dt for the exact score."""
    at = np.array([-1.8, -0.4, 0.3, 1.9])
    (e, we), (u, wu) = hermite(120), legendre(400)
    gamma = P.gamma(NUMPY, np.array([P.start, P.end]))
    from gendsl.math.diffusion.grids import time_of_gamma

    t = time_of_gamma(P, gamma[0] + (gamma[1] - gamma[0]) * u)
    speed = (gamma[1] - gamma[0]) / P.d_gamma(NUMPY, t)
    alpha, sigma = P.alpha(NUMPY, np.append(t, 1.0)), P.sigma(NUMPY, np.append(t, 1.0))
    first = P.alpha(NUMPY, np.array(P.start)), P.sigma(NUMPY, np.array(P.start))
    keep = alpha / first[0]
    spread = np.sqrt(sigma**2 - (keep * first[1]) ** 2)
    points = keep[:, None, None] * at[:, None] + spread[:, None, None] * e  # (401, 4, 120)
    with double("pyro") as (b, ops):
        x, times = b.array(points, "float64"), b.array(np.append(t, 1.0), "float64")

        def score(y: Any, t: Any) -> Any:
            a, s = P.alpha(ops, t), P.sigma(ops, t)
            return (a * TRUTH.denoise(ops)(y, t) - y) / s**2

        wide = times[:, None, None] + 0.0 * x
        end = b.numpy(TRUTH.log_density(ops, x[-1], wide[-1])) @ we
        inner = b.numpy(integrand(ops, P, score, x[:-1], wide[:-1], rank=0)) @ we
        got = end - (wu * speed) @ inner
        truth = b.numpy(TRUTH.log_density(ops, b.array(at, "float64"), b.array(np.array(P.start), "float64")))
    np.testing.assert_allclose(got, truth, rtol=1e-8, atol=1e-8)


def test_base(backend: str) -> None:
    with double(backend) as (b, ops):
        z = np.array([[0.3, -1.0], [2.0, 0.1]])
        got = b.numpy(normal_base(ops, 2.0)(b.array(z, "float64")))
    np.testing.assert_allclose(got, (-0.125 * z**2 - math.log(2.0 * math.sqrt(2 * math.pi))).sum(-1), rtol=1e-13)
