"""Log-densities by the probability-flow ODE.

The ODE dx/dt = u(x, t) = p(t) x + q(t) x0_hat(x, t) has the marginals of the process, so from x at `start` to z at
`end`

    log p_start(x) = log p_end(z) + int div u(x_t, t) dt,      p = sigma' / sigma,  q = alpha' - alpha sigma' / sigma.

The divergence is exact, or Hutchinson's estimate with the same probes along the whole path; then the value is the mean
over k probes, and its standard error is theirs. The integral is by the classical Runge-Kutta method of order 4 on a
grid of times, with coefficients computed once in float64 numpy, or by an adaptive method of the backend.

What this is the density of: the model's x at `start`, whose base at `end` is N(0, b^2), b the process's base scale.
Data have the density at `start` up to the noise sigma(start). The marginal of data at `end` is not quite the base: for
VP with beta from 0.1 to 20 and data of unit scale this leaves about 1e-3 nats, which no solver takes away. `base` is
another log-density to stand there, such as the exact one where it is known.

References:
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021), appendix D.2 |
    https://arxiv.org/abs/2011.13456
    FFJORD: Free-Form Continuous Dynamics for Scalable Reversible Generative Models (Grathwohl et al., 2019) |
    https://arxiv.org/abs/1810.01367
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.log_density import Kind, LogDensity
from gendsl.math.diffusion.losses import squared
from gendsl.math.diffusion.predicts import Net, wide
from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.diffusion.trace import exact_divergence, hutchinson
from gendsl.math.numpy_ops import NUMPY

__all__ = ["Adaptive", "Base", "log_density", "normal_base", "velocity"]

Array = Any
Base = Callable[[Array], Array]


@dataclass(frozen=True)
class Adaptive:
    """An adaptive method of order 5 of the backend's.

    Attributes:
        rtol: relative tolerance of a step.
        atol: absolute tolerance.
        max_steps: most steps; beyond, the value is not finite.
    """

    rtol: float = 1e-5
    atol: float = 1e-5
    max_steps: int = 10_000


def _coefficients(ops: Any, process: GaussianPath, t: Array) -> tuple[Array, Array]:
    """p and q."""
    growth = process.d_sigma(ops, t) / process.sigma(ops, t)
    return growth, process.d_alpha(ops, t) - process.alpha(ops, t) * growth


def velocity(ops: Any, process: GaussianPath, denoise: Net, x: Array, t: Array, rank: int = 1) -> Array:
    """u(x, t), (..., *event); t is (...) or a number."""
    p, q = (wide(ops, c, rank) for c in _coefficients(ops, process, t))
    return p * x + q * denoise(x, t)


def normal_base(ops: Any, scale: float, rank: int = 1) -> Base:
    """log N(z; 0, scale^2), summed over events."""

    def log_prob(z: Array) -> Array:
        size = math.prod(z.shape[z.ndim - rank :])
        constant = size * (math.log(scale) + 0.5 * math.log(2.0 * math.pi))
        return -0.5 * squared(ops, z, rank) / scale**2 - constant

    return log_prob


def log_density(
    ops: Any,
    process: GaussianPath,
    denoise: Net,
    x: Array,
    solver: np.ndarray | Adaptive,
    *,
    probes: Array | None = None,
    rank: int = 1,
    base: Base | None = None,
    check: bool = False,
) -> LogDensity:
    """log p_start(x) by rows.

    Args:
        ops: array functions.
        process: the process.
        denoise: x0_hat of (..., *event) and a time, ().
        x: points, (..., *event).
        solver: times from start to end, (n + 1,), for n steps of order 4 with 4 n evaluations; or an adaptive method.
        probes: signs or standard normal numbers, (k, ..., *event); left out, the divergence is exact, at the cost of
            one derivative for each element of an event.
        rank: event axes.
        base: log-density at the end; left out, N(0, base_scale^2).
        check: also run on every second time and report by how much the value moves, over 15: about what the solver
            leaves. n must be even.

    Returns:
        The value, exact but for the solver, or an estimate with its standard error (None for a single probe).
    """
    base = normal_base(ops, process.base_scale, rank) if base is None else base
    count = 1 if probes is None else probes.shape[0]

    def rates(state: Array, p: Array, q: Array, t: Array) -> tuple[Array, Array]:
        def u(y: Array) -> Array:
            return p * y + q * denoise(y, t)

        if probes is None:
            value, div = exact_divergence(ops, u, state, rank)
            return value, div[None]
        return hutchinson(ops, u, state, probes, rank)

    def total(solver: np.ndarray | Adaptive) -> Array:
        if isinstance(solver, Adaptive):
            z, change = _adaptive(ops, process, rates, x, count, rank, solver)
        else:
            z, change = _rk4(ops, process, rates, x, count, rank, np.asarray(solver, float))
        return base(z)[None] + change

    values = total(solver)
    error = None
    if check and not isinstance(solver, Adaptive):
        error = ops.abs(ops.mean(values, 0) - ops.mean(total(solver[::2]), 0)) / 15.0
    steps = 0 if isinstance(solver, Adaptive) else len(solver) - 1
    how = f"rtol={solver.rtol:g}, atol={solver.atol:g}" if isinstance(solver, Adaptive) else f"{steps} steps of order 4"
    if probes is None:
        return LogDensity(values[0], Kind.EXACT, None, error, f"probability flow, {how}, exact trace", 4 * steps)
    mean = ops.mean(values, 0)
    spread = None
    if count > 1:
        spread = ops.sqrt(ops.sum(ops.square(values - mean[None]), 0) / (count * (count - 1)))
    note = f"probability flow, {how}, {count} Hutchinson probes"
    return LogDensity(mean, Kind.ESTIMATE, spread, error, note, 4 * steps)


Rates = Callable[[Array, Array, Array, Array], tuple[Array, Array]]


def _rk4(
    ops: Any, process: GaussianPath, rates: Rates, x: Array, count: int, rank: int, times: np.ndarray
) -> tuple[Array, Array]:
    """z at the last time and the integral of the divergence, (count, ...)."""
    h = np.diff(times)
    middle = times[:-1] + 0.5 * h
    columns = [h]
    for t in (times[:-1], middle, times[1:]):
        columns += [t, *_coefficients(NUMPY, process, t)]
    data = ops.constant(np.stack(columns, 1), x)

    def step(carry: tuple[Array, Array], c: Array) -> tuple[tuple[Array, Array], None]:
        y, total = carry
        h = c[0]
        k1, d1 = rates(y, c[2], c[3], c[1])
        k2, d2 = rates(y + 0.5 * h * k1, c[5], c[6], c[4])
        k3, d3 = rates(y + 0.5 * h * k2, c[5], c[6], c[4])
        k4, d4 = rates(y + h * k3, c[8], c[9], c[7])
        return (y + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4), total + h / 6.0 * (d1 + 2.0 * (d2 + d3) + d4)), None

    start = ops.zeros((count, *x.shape[: x.ndim - rank]), like=x)
    (z, total), _ = ops.scan(step, (x, start), data)
    return z, total


def _adaptive(
    ops: Any, process: GaussianPath, rates: Rates, x: Array, count: int, rank: int, solver: Adaptive
) -> tuple[Array, Array]:
    """As `_rk4`; the state is one array (..., size + count)."""
    batch, event = x.shape[: x.ndim - rank], x.shape[x.ndim - rank :]
    size = math.prod(event)

    def rhs(t: Array, state: Array) -> Array:
        p, q = _coefficients(ops, process, t)
        value, div = rates(ops.reshape(state[..., :size], x.shape), p, q, t)
        return ops.concatenate([ops.reshape(value, (*batch, size)), ops.moveaxis(div, 0, -1)], -1)

    first = ops.concatenate([ops.reshape(x, (*batch, size)), ops.zeros((*batch, count), like=x)], -1)
    last = ops.solve_ode(rhs, first, process.start, process.end, solver.rtol, solver.atol, solver.max_steps)
    return ops.reshape(last[..., :size], x.shape), ops.moveaxis(last[..., size:], -1, 0)
