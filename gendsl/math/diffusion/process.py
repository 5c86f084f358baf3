"""A Gaussian forward process, x_t = alpha(t) x_0 + sigma(t) eps, as one object over `ops`.

It is the marginal of the linear SDE dx = f(t) x dt + g(t) dw, and each description gives the other:

    f = d log(alpha) / dt,        g^2 = sigma^2 gamma',      gamma = -log SNR,      SNR = alpha^2 / sigma^2,
    alpha' = f alpha,             sigma' = f sigma + g^2 / (2 sigma).

So a process is a log-SNR curve and a scale, and whether it is called VP, VE, sub-VP or a rectified flow is a choice of
the two. The probability-flow ODE, which has the same marginals without noise, moves with

    dx/dt = f x - g^2 s / 2 = alpha' x0_hat + sigma' eps_hat,        s = (alpha x0_hat - x) / sigma^2.

Time runs from data to noise, from `start` to `end`. Where alpha or sigma vanish (sigma at t = 0, alpha at the end of a
rectified flow) some of these quantities are infinite: `start` and `end` say how far a process goes, and nothing clips
a time that lies outside.

References:
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
    https://arxiv.org/abs/2011.13456
    Variational Diffusion Models (Kingma et al., 2021) | https://arxiv.org/abs/2107.00630
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gendsl.math.numpy_ops import NUMPY

__all__ = ["GaussianPath"]

Array = Any


class GaussianPath:
    """A process. A subclass gives `alpha`, `sigma`, and either `f` and `g2`, or `d_alpha` and `d_sigma`.

    All functions are elementwise in t, over any `ops`, `NUMPY` included.

    Attributes:
        start: the time nearest to the data.
        end: the time nearest to the noise.
    """

    start: float
    end: float

    def alpha(self, ops: Any, t: Array) -> Array:
        """What is left of x_0."""
        raise NotImplementedError

    def sigma(self, ops: Any, t: Array) -> Array:
        """Standard deviation of the noise."""
        raise NotImplementedError

    def f(self, ops: Any, t: Array) -> Array:
        """d log(alpha) / dt."""
        return self.d_alpha(ops, t) / self.alpha(ops, t)

    def g2(self, ops: Any, t: Array) -> Array:
        """g^2 = d sigma^2 / dt - 2 f sigma^2."""
        sigma = self.sigma(ops, t)
        return 2.0 * sigma * (self.d_sigma(ops, t) - self.f(ops, t) * sigma)

    def d_alpha(self, ops: Any, t: Array) -> Array:
        """d alpha / dt."""
        return self.f(ops, t) * self.alpha(ops, t)

    def d_sigma(self, ops: Any, t: Array) -> Array:
        """d sigma / dt."""
        sigma = self.sigma(ops, t)
        return self.f(ops, t) * sigma + 0.5 * self.g2(ops, t) / sigma

    def gamma(self, ops: Any, t: Array) -> Array:
        """Minus the log-SNR, 2 log(sigma / alpha): it grows with t."""
        return 2.0 * (ops.log(self.sigma(ops, t)) - ops.log(self.alpha(ops, t)))

    def d_gamma(self, ops: Any, t: Array) -> Array:
        """d gamma / dt = g^2 / sigma^2."""
        return self.g2(ops, t) / ops.square(self.sigma(ops, t))

    def spread(self, ops: Any, u: Array) -> tuple[Array, Array]:
        """Times for uniform numbers u in [0, 1], and dt/du: the density that times of training have is du/dt."""
        length = self.end - self.start
        return self.start + length * u, length * ops.ones_like(u)

    def clock(self, ops: Any, t: Array) -> Array:
        """Time as a network sees it, a number of order 1."""
        return t

    @property
    def base_scale(self) -> float:
        """Standard deviation of the Gaussian that stands for the marginal at the end, for data of unit scale."""
        t = np.asarray(float(self.end))
        return math.hypot(float(self.alpha(NUMPY, t)), float(self.sigma(NUMPY, t)))
