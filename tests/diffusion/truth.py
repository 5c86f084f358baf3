"""Models whose scores are known: Gaussians and one-dimensional mixtures of them, under any process, over `ops`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gendsl.backend import Backend, get_backend
from gendsl.processes import EDM, OU, VE, VP, ForwardProcess, Rectified, SubVP, schedule

WEIGHTS, MEANS, SCALES = np.array([0.3, 0.5, 0.2]), np.array([-1.5, 0.2, 2.0]), np.array([0.5, 0.3, 0.4])

CASES: dict[str, ForwardProcess] = {
    "VP": VP(),
    "cosine": VP(schedule.Cosine()),
    "sigmoid": VP(schedule.Sigmoid()),
    "SubVP": SubVP(),
    "VE": VE(),
    "EDM": EDM(),
    "OU": OU(),
    "Rectified": Rectified(),
}
"""One or more of every registered process."""


@contextmanager
def double(name: str) -> Iterator[tuple[Backend, Any]]:
    """A backend and its ops, in double precision."""
    backend = get_backend(name)
    with backend.context("float64"):
        yield backend, backend.ops


def compiled(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one program, where the backend compiles: much faster than operation by operation."""
    if name != "numpyro":
        return function
    import jax

    out: Callable[..., Any] = jax.jit(function)
    return out


class Mixture:
    """sum_k w_k N(m_k, s_k^2), each element of an event on its own, as data of a process."""

    def __init__(self, process: ForwardProcess) -> None:
        self.process = process

    def _parts(self, ops: Any, x: Any, t: Any) -> tuple[Any, Any, Any]:
        """Log weights given x, means and variances of the components at t, (..., 3)."""
        t = ops.reshape(t, (*t.shape, *(1,) * (x.ndim - t.ndim))) if t.ndim else t
        alpha, sigma = self.process.alpha(ops, t)[..., None], self.process.sigma(ops, t)[..., None]
        w, m, s = (ops.constant(v, x) for v in (WEIGHTS, MEANS, SCALES))
        v = ops.square(alpha * s) + ops.square(sigma)
        each = ops.log(w) - 0.5 * ops.log(2 * math.pi * v) - 0.5 * ops.square(x[..., None] - alpha * m) / v
        gain = alpha * ops.square(s) / v
        return each, m + gain * (x[..., None] - alpha * m), ops.square(sigma * s) / v

    def log_density(self, ops: Any, x: Any, t: Any) -> Any:
        """log p_t of each element."""
        return ops.logsumexp(self._parts(ops, x, t)[0], -1)

    def moments(self, ops: Any, x: Any, t: Any) -> tuple[Any, Any]:
        """Mean and variance of x_0 given x_t."""
        each, mean, variance = self._parts(ops, x, t)
        share = ops.softmax(each, -1)
        first = ops.sum(share * mean, -1)
        return first, ops.sum(share * (variance + ops.square(mean)), -1) - ops.square(first)

    def denoise(self, ops: Any) -> Any:
        """x0_hat(x, t)."""
        return lambda x, t: self.moments(ops, x, t)[0]


def gaussian_gain(process: ForwardProcess, ops: Any, t: Any, scale: float) -> Any:
    """x0_hat / x_t for data N(0, scale^2)."""
    alpha, sigma = process.alpha(ops, t), process.sigma(ops, t)
    return alpha * scale**2 / (ops.square(alpha * scale) + ops.square(sigma))


def hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of an expectation over N(0, 1)."""
    x, w = np.polynomial.hermite_e.hermegauss(count)
    return x, w / w.sum()


def legendre(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of an integral over [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return 0.5 * (x + 1.0), 0.5 * w
