"""ULA and MALA against laws that are known exactly; acceptance against Metropolis and Hastings; adaptation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from gendsl.math import dual_averaging
from gendsl.math.events import scored
from gendsl.math.langevin import Dense, Diagonal, Identity, Point, mala, mala_chain, ula, ula_chain
from gendsl.methods.metric import learnt, metric
from gendsl.methods.windows import windows
from tests.diffusion.truth import compiled, double

ROWS = 400_000
COV = np.array([[1.0, 0.8, 0.1], [0.8, 2.0, -0.3], [0.1, -0.3, 0.5]])
ROOT = np.linalg.cholesky(COV)


def _gaussian(precision: Any) -> Any:
    """Log-density and score of N(0, precision^-1), rows of vectors."""
    return lambda x: (-0.5 * ((x @ precision) * x).sum(-1), -x @ precision)


def _narrow(variance: float) -> Any:
    return lambda x: (-0.5 * x * x / variance, -x / variance)


def _is_variance(x: np.ndarray, truth: float, cap: float = 0.01) -> None:
    """Within 4 standard errors, which must be small enough to tell."""
    error = 4 * float(np.std(x**2)) / np.sqrt(len(x))
    assert error < cap * truth
    assert abs(np.mean(x**2) - truth) < error


# -- laws ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "variance", "name"), [(0.5, 1.0, "pyro"), (0.2, 1.0, "pyro"), (0.9, 2.0, "pyro"), (0.5, 1.0, "numpyro")]
)
def test_ula_is_off_by_what_theory_says_and_mala_is_not(step: float, variance: float, name: str) -> None:
    """M1: the stationary variance of ULA is s^2 / (1 - h / (2 s^2)), MALA's is s^2."""
    rng = np.random.default_rng(1)
    noise, uniform = rng.standard_normal((30, ROWS)), rng.random((30, ROWS))
    with double(name) as (b, ops):
        target = _narrow(variance)
        start = Point.at(target, b.array(np.sqrt(1.2 * variance) * rng.standard_normal(ROWS), "float64"))
        xi, u = (b.array(v, "float64") for v in (noise, uniform))
        biased = b.numpy(ula_chain(ops, target, start, step, xi)[0].position)
        last, trace = mala_chain(ops, target, start, step, xi, u)
        exact, accepted = b.numpy(last.position), b.numpy(trace.acceptance)
    truth = variance / (1.0 - step / (2.0 * variance))
    _is_variance(biased, truth)
    _is_variance(exact, variance)
    assert abs(np.mean(biased**2) - variance) > 0.05 * variance
    assert 0.5 < accepted.mean() < 0.999


@pytest.mark.parametrize("factor", ["dense", "diagonal"])
def test_mala_s_law_does_not_depend_on_the_preconditioner(factor: str) -> None:
    rng = np.random.default_rng(2)
    with double("pyro") as (b, ops):
        target = _gaussian(b.array(np.linalg.inv(COV), "float64"))
        given = ROOT if factor == "dense" else np.sqrt(np.diag(COV))
        scale = (Dense if factor == "dense" else Diagonal)(b.array(given, "float64"))
        start = Point.at(target, b.array(1.1 * rng.standard_normal((ROWS // 2, 3)) @ ROOT.T, "float64"))
        noise, uniform = rng.standard_normal((40, *start.position.shape)), rng.random((40, ROWS // 2))
        xi, u = (b.array(v, "float64") for v in (noise, uniform))
        x = b.numpy(mala_chain(ops, target, start, 0.4, xi, u, scale)[0].position)
    for i in range(3):
        for j in range(3):
            product = x[:, i] * x[:, j]
            error = 4 * product.std() / np.sqrt(len(x))
            assert error < 0.04
            assert abs(product.mean() - COV[i, j]) < error


def test_preconditioned_steps_are_those_of_the_whitened_target() -> None:
    """With M = L L', ULA on N(0, M) is L times ULA on N(0, I)."""
    rng = np.random.default_rng(3)
    x, noise = rng.standard_normal((5, 3)), rng.standard_normal((7, 5, 3))
    with double("pyro") as (b, ops):
        xi = b.array(noise, "float64")
        eye, inverse = (b.array(v, "float64") for v in (np.eye(3), np.linalg.inv(COV)))
        plain = Point.at(_gaussian(eye), b.array(x, "float64"))
        moved = Point.at(_gaussian(inverse), b.array(x @ ROOT.T, "float64"))
        a = ula_chain(ops, _gaussian(eye), plain, 0.3, xi)[1].position
        c = ula_chain(ops, _gaussian(inverse), moved, 0.3, xi, Dense(b.array(ROOT, "float64")))[1].position
        np.testing.assert_allclose(b.numpy(a) @ ROOT.T, b.numpy(c), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("factor", [None, np.array([0.5, 2.0, 1.0]), ROOT])
def test_acceptance_is_that_of_metropolis_and_hastings(factor: np.ndarray | None) -> None:
    """min(1, p(y) q(x | y) / (p(x) q(y | x))), the proposal's densities by scipy, for a target that is no Gaussian."""
    rng = np.random.default_rng(4)
    root = np.eye(3) if factor is None else np.diag(factor) if factor.ndim == 1 else factor
    m, h = root @ root.T, 0.35
    x, noise = 1.5 * rng.standard_normal((20, 3)), rng.standard_normal((20, 3))

    def log_p(v: Any, ops: Any) -> Any:
        return -(v**4).sum(-1) / 4.0 + ops.sin(v[..., 0] * v[..., 1])

    with double("pyro") as (b, ops):
        target = scored(ops, lambda v: log_p(v, ops))
        scale: Any = Identity()
        if factor is not None:
            scale = (Diagonal if factor.ndim == 1 else Dense)(b.array(factor, "float64"))
        at, xi = Point.at(target, b.array(x, "float64")), b.array(noise, "float64")
        taken, move = mala(ops, target, at, h, xi, b.array(np.full(20, -1.0), "float64"), scale)
        y, score, back = b.numpy(taken.position), b.numpy(at.score), b.numpy(taken.score)
        got = b.numpy(move.acceptance)
    np.testing.assert_allclose(y, x + h * score @ m + np.sqrt(2 * h) * noise @ root.T, rtol=1e-12)

    def q(to: np.ndarray, at: np.ndarray, g: np.ndarray) -> np.ndarray:
        return np.array(
            [stats.multivariate_normal(a + h * m @ s, 2 * h * m).logpdf(t) for t, a, s in zip(to, at, g, strict=True)]
        )

    ratio = log_p(y, np) + q(x, y, back) - log_p(x, np) - q(y, x, score)
    np.testing.assert_allclose(got, np.exp(np.minimum(ratio, 0.0)), rtol=1e-9)
    assert (got < 0.99).any()
    assert (got > 0.01).any()


# -- shapes and edges ----------------------------------------------------------------------------------------------
def test_events_of_any_rank_and_any_batch(backend: str) -> None:
    rng = np.random.default_rng(5)
    x, noise = rng.standard_normal((2, 4, 6)), rng.standard_normal((3, 2, 4, 6))
    uniform, step = rng.random((3, 2, 4)), np.full((2, 4), 0.2)
    with double(backend) as (b, ops):
        outs = []
        for event in ((6,), (2, 3)):
            rank = len(event)
            target = scored(ops, lambda v, rank=rank: -ops.sum(v**4, tuple(range(-rank, 0))))
            shaped = (v.reshape(*v.shape[:-1], *event) for v in (x, noise))
            first, xi, h, u = (b.array(v, "float64") for v in (*shaped, step, uniform))

            def run(first: Any, xi: Any, h: Any, u: Any, target: Any = target) -> Any:
                return mala_chain(ops, target, Point.at(target, first), h, xi, u)

            last, trace = compiled(backend, run)(first, xi, h, u)
            assert trace.position.shape == (3, 2, 4, *event)
            assert trace.acceptance.shape == (3, 2, 4)
            outs.append(b.numpy(last.position).reshape(2, 4, 6))
        np.testing.assert_allclose(outs[0], outs[1], rtol=1e-12)


def test_single_numbers_are_events_too() -> None:
    with double("pyro") as (b, ops):
        at = Point.at(_narrow(1.0), b.array(np.zeros(()), "float64"))
        new = ula(ops, _narrow(1.0), at, 0.5, b.array(np.ones(()), "float64"))
        assert float(new.position) == 1.0


def test_a_point_without_density_is_never_accepted(backend: str) -> None:
    with double(backend) as (b, ops):

        def target(x: Any) -> Any:
            wall = ops.where(x < 1.0, -0.5 * x * x, ops.full(x.shape, np.nan, like=x))
            return wall, ops.where(x < 1.0, -x, ops.full(x.shape, np.inf, like=x))

        at = Point.at(target, b.array(np.array([0.0, 0.5]), "float64"))
        noise, zero = b.array(np.array([3.0, -0.1]), "float64"), b.array(np.zeros(2), "float64")
        new, move = compiled(backend, lambda at: mala(ops, target, at, 0.5, noise, zero))(at)
        assert b.numpy(move.acceptance)[0] == 0.0
        assert list(b.numpy(move.accepted)) == [False, True]
        assert b.numpy(new.position)[0] == 0.0
        assert np.isfinite(b.numpy(new.score)).all()


def test_below_zero_every_step_is_taken() -> None:
    """MALA with uniform numbers below zero is ULA."""
    rng = np.random.default_rng(6)
    x, noise = 3 * rng.standard_normal(50), rng.standard_normal((9, 50))
    with double("pyro") as (b, ops):
        start, xi = Point.at(_narrow(0.3), b.array(x, "float64")), b.array(noise, "float64")
        one = ula_chain(ops, _narrow(0.3), start, 0.5, xi)[1].position
        other = mala_chain(ops, _narrow(0.3), start, 0.5, xi, xi * 0.0 - 1.0)[1].position
        assert np.array_equal(b.numpy(one), b.numpy(other))


# -- adaptation ----------------------------------------------------------------------------------------------------
def test_dual_averaging_is_the_published_recursion(backend: str) -> None:
    """Hoffman and Gelman (2014), equation 6, written out."""
    rng = np.random.default_rng(7)
    seen = rng.random((40, 2))
    mu, error, log_bar = np.log(10 * np.array([0.3, 2.0])), np.zeros(2), np.log(np.array([0.3, 2.0]))
    for t, a in enumerate(seen, 1):
        error = (1 - 1 / (t + 10)) * error + (0.6 - a) / (t + 10)
        log = mu - np.sqrt(t) / 0.05 * error
        log_bar = t**-0.75 * log + (1 - t**-0.75) * log_bar
    with double(backend) as (b, ops):
        state = dual_averaging.begin(ops, b.array(np.array([0.3, 2.0]), "float64"))
        for a in seen:
            state = dual_averaging.averaged(ops, state, b.array(a, "float64"), 0.6)
        np.testing.assert_allclose(b.numpy(state.log_step), log, rtol=1e-12)
        np.testing.assert_allclose(b.numpy(state.log_mean), log_bar, rtol=1e-12)


def test_dual_averaging_finds_the_step_of_a_known_acceptance() -> None:
    """With acceptance exp(-h) the step goes to -log(target), from far above and far below."""
    with double("pyro") as (b, ops):
        state = dual_averaging.begin(ops, b.array(np.array([1e-6, 1e3]), "float64"))
        for _ in range(3000):
            state = dual_averaging.averaged(ops, state, ops.exp(-ops.exp(state.log_step)), 0.574)
        np.testing.assert_allclose(np.exp(b.numpy(state.log_mean)), -np.log(0.574), rtol=0.03)


def test_a_gaussian_s_metric_is_its_covariance_wherever_the_draws_are() -> None:
    """Draws that drift, far from the mean, and hardly more of them than dimensions."""
    rng = np.random.default_rng(8)
    draws = 100.0 + np.cumsum(rng.standard_normal((12, 3)), 0) @ np.array([[1, 2, 0], [0, 0.5, 0], [0, 0, 5.0]])
    scores = -(draws - 7.0) @ np.linalg.inv(COV)
    found = metric(np.repeat(draws, 500, 0), np.repeat(scores, 500, 0), dense=True)
    assert found is not None
    np.testing.assert_allclose(found, COV, rtol=0.02, atol=0.02)
    diagonal = metric(draws, scores, dense=False)
    assert diagonal is not None
    np.testing.assert_allclose(diagonal, draws.std(0) / scores.std(0), rtol=1e-12)


def test_a_chain_that_does_not_move_keeps_its_metric() -> None:
    rng = np.random.default_rng(9)
    draws = rng.standard_normal((2, 30, 3))
    draws[1] = 0.5
    before = np.full((2, 3), 4.0)
    after = learnt(before, draws, -draws)
    assert np.array_equal(after[1], before[1])
    np.testing.assert_allclose(after[0], 1.0)


@pytest.mark.parametrize("warmup", [0, 1, 19, 20, 199, 200, 333, 1000, 5000])
def test_windows_fill_warmup_and_end_with_steps_alone(warmup: int) -> None:
    parts = windows(warmup)
    assert sum(n for n, _ in parts) == warmup
    assert all(n > 0 for n, _ in parts)
    assert not parts or not parts[-1][1]
    lengths = [n for n, learning in parts if learning]
    assert lengths == sorted(lengths)
    assert bool(lengths) == (warmup >= 20)
