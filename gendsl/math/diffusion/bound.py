"""The continuous-time bound on the likelihood, in named parts, in nats per row.

    -log p(x) <= prior + diffusion + reconstruction
    prior            KL(N(alpha_T x, sigma_T^2) || N(0, b^2)), T = end, b the base's standard deviation
    diffusion        E int gamma'(t) |eps - eps_hat|^2 / 2 dt: gendsl.math.diffusion.losses with Weight.LIKELIHOOD
    reconstruction   -E log N(x; x_start / alpha, sigma^2 / alpha^2) = n/2 (1 + log(2 pi) + gamma(start))

It does not depend on the path between its ends but through gamma(start) and gamma(end). A score gives the same bound
at one point in divergence form, without a reconstruction, for the density p_start of x_start:

    log p_start(x) >= E log p_T(x_T) - int E[g^2 |s|^2 / 2 + div(g^2 s - f x)] dt,      x_t started from x at start,

and equality holds for the exact score.

References:
    Variational Diffusion Models (Kingma et al., 2021) | https://arxiv.org/abs/2107.00630
    A Variational Perspective on Diffusion-Based Generative Models and Score Matching (Huang, Lim, Courville, 2021) |
    https://arxiv.org/abs/2106.02808
"""

from __future__ import annotations

import math
from typing import Any

from gendsl.math.diffusion.losses import squared
from gendsl.math.diffusion.predicts import Net
from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.diffusion.trace import exact_divergence

__all__ = ["integrand", "prior", "reconstruction"]

Array = Any


def prior(ops: Any, process: GaussianPath, x0: Array, rank: int = 1, scale: float | None = None) -> Array:
    """The prior's part by rows, (...): what is left of the data at the end.

    Args:
        ops: array functions.
        process: the process.
        x0: data, (..., *event).
        rank: event axes.
        scale: standard deviation of the base; left out, the process's.
    """
    b = process.base_scale if scale is None else scale
    t = ops.full((), process.end, like=x0)
    alpha, sigma = process.alpha(ops, t), process.sigma(ops, t)
    size = math.prod(x0.shape[x0.ndim - rank :])
    ratio = ops.square(sigma / b)
    return 0.5 * (ops.square(alpha / b) * squared(ops, x0, rank) + size * (ratio - 1.0 - ops.log(ratio)))


def reconstruction(ops: Any, process: GaussianPath, x0: Array, rank: int = 1) -> Array:
    """The reconstruction's part, (): the entropy of the noise at the start, in the data's units."""
    size = math.prod(x0.shape[x0.ndim - rank :])
    gamma = process.gamma(ops, ops.full((), process.start, like=x0))
    return 0.5 * size * (1.0 + math.log(2.0 * math.pi) + gamma)


def integrand(ops: Any, process: GaussianPath, score: Net, x: Array, t: Array, rank: int = 1) -> Array:
    """g^2 |s|^2 / 2 + div(g^2 s - f x) at x_t by rows, (...).

    Args:
        ops: array functions.
        process: the process.
        score: s(x, t).
        x: noisy points, (..., *event).
        t: times, (...).
        rank: event axes.
    """
    size = math.prod(x.shape[x.ndim - rank :])
    s, div = exact_divergence(ops, lambda y: score(y, t), x, rank)
    g2, f = process.g2(ops, t), process.f(ops, t)
    return 0.5 * g2 * squared(ops, s, rank) + g2 * div - size * f
