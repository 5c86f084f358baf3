"""What a network predicts: every output is one affine map of the posterior mean E[x_0 | x_t].

    x0_hat = c_skip(t) x_t + c_out(t) net

    output                                       c_skip                       c_out
    score    s = (alpha x0_hat - x) / sigma^2    1 / alpha                    sigma^2 / alpha
    eps      eps_hat                             1 / alpha                    -sigma / alpha
    x0       x0_hat                              0                            1
    v        alpha eps_hat - sigma x0_hat        alpha / n                    -sigma / n
    velocity alpha' x0_hat + sigma' eps_hat      -sigma' / w                  sigma / w
    F        (x0_hat - c_skip x) / c_out         d^2 / (alpha (r^2 + d^2))    r d / sqrt(r^2 + d^2)

with n = alpha^2 + sigma^2, w = alpha' sigma - sigma' alpha, r = sigma / alpha, d the standard deviation of the data.
The posterior mean is the narrow waist: losses, samplers, likelihoods and guidance see nothing else, so each works with
every output. Against the target of a network, x0_hat - x_0 is c_out (net - target) whatever it predicts, and every loss
of the literature is a weight times |x0_hat - x_0|^2.

References:
    Progressive Distillation for Fast Sampling of Diffusion Models (Salimans, Ho, 2022), v |
    https://arxiv.org/abs/2202.00512
    Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022), F |
    https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gendsl.choice import Choice
from gendsl.math.diffusion.process import GaussianPath

__all__ = ["Net", "Predicts", "convert", "denoiser", "input_scale", "noised", "pair", "target", "wide"]

Array = Any
Net = Callable[[Array, Array], Array]
"""A network: x (..., *event), t (...) or one number () for all rows -> (..., *event), row by row."""


class Predicts(Choice):
    """What a network's output means; see the module for the formulas.

    EPS is the usual choice for VP, V where few steps are taken, VELOCITY for rectified flows, F for VE and EDM.
    """

    SCORE = "score"
    EPS = "eps"
    X0 = "x0"
    V = "v"
    VELOCITY = "velocity"
    F = "F"


def wide(ops: Any, c: Array, rank: int) -> Array:
    """A coefficient (...) with `rank` axes of length 1 on the right, to stand before events; a number stays one."""
    return ops.reshape(c, (*c.shape, *(1,) * rank)) if rank and c.ndim else c


def noised(ops: Any, process: GaussianPath, x0: Array, t: Array, eps: Array, rank: int = 1) -> Array:
    """x_t = alpha x_0 + sigma eps.

    Args:
        ops: array functions.
        process: the process.
        x0: data, (..., *event).
        t: times, (...).
        eps: standard normal noise, as x0.
        rank: event axes.
    """
    return wide(ops, process.alpha(ops, t), rank) * x0 + wide(ops, process.sigma(ops, t), rank) * eps


def pair(ops: Any, process: GaussianPath, predicts: Predicts, t: Array, data_scale: float = 1.0) -> tuple[Array, Array]:
    """(c_skip, c_out) at times t, each of t's shape.

    Args:
        ops: array functions.
        process: the process.
        predicts: what the network gives.
        t: times, any shape.
        data_scale: standard deviation of the data; F alone uses it.
    """
    alpha, sigma = process.alpha(ops, t), process.sigma(ops, t)
    match predicts:
        case Predicts.SCORE:
            return 1.0 / alpha, ops.square(sigma) / alpha
        case Predicts.EPS:
            return 1.0 / alpha, -sigma / alpha
        case Predicts.X0:
            return ops.zeros_like(alpha), ops.ones_like(alpha)
        case Predicts.V:
            n = ops.square(alpha) + ops.square(sigma)
            return alpha / n, -sigma / n
        case Predicts.VELOCITY:
            d_sigma = process.d_sigma(ops, t)
            w = process.d_alpha(ops, t) * sigma - d_sigma * alpha
            return -d_sigma / w, sigma / w
        case Predicts.F:
            n = ops.square(sigma) + data_scale**2 * ops.square(alpha)
            return data_scale**2 * alpha / n, data_scale * sigma / ops.sqrt(n)
    raise TypeError(f"no such prediction: {predicts!r}")


def input_scale(ops: Any, process: GaussianPath, predicts: Predicts, t: Array, data_scale: float = 1.0) -> Array:
    """By how much x_t is multiplied before the network sees it: F makes its variance 1, others leave it alone."""
    alpha, sigma = process.alpha(ops, t), process.sigma(ops, t)
    if predicts is not Predicts.F:
        return ops.ones_like(alpha)
    return 1.0 / ops.sqrt(ops.square(sigma) + data_scale**2 * ops.square(alpha))


def target(
    ops: Any,
    process: GaussianPath,
    predicts: Predicts,
    t: Array,
    x0: Array,
    eps: Array,
    rank: int = 1,
    data_scale: float = 1.0,
) -> Array:
    """What the network should give at x_t = alpha x_0 + sigma eps, for these x_0 and eps; as x0."""
    if predicts in (Predicts.EPS, Predicts.X0):
        return eps if predicts is Predicts.EPS else x0
    alpha, sigma = (wide(ops, c, rank) for c in (process.alpha(ops, t), process.sigma(ops, t)))
    match predicts:
        case Predicts.SCORE:
            return -eps / sigma
        case Predicts.V:
            return alpha * eps - sigma * x0
        case Predicts.VELOCITY:
            return wide(ops, process.d_alpha(ops, t), rank) * x0 + wide(ops, process.d_sigma(ops, t), rank) * eps
        case Predicts.F:  # (x_0 - c_skip x_t) / c_out, in which the terms with 1 / sigma cancel
            n = ops.sqrt(ops.square(sigma) + data_scale**2 * ops.square(alpha))
            return (sigma * x0 - data_scale**2 * alpha * eps) / (data_scale * n)
    raise TypeError(f"no such prediction: {predicts!r}")


def convert(
    ops: Any,
    process: GaussianPath,
    given: Predicts,
    wanted: Predicts,
    x: Array,
    t: Array,
    value: Array,
    rank: int = 1,
    data_scale: float = 1.0,
) -> Array:
    """A network's output at (x, t) as another kind of output: both have the same posterior mean.

    Args:
        ops: array functions.
        process: the process.
        given: what `value` is.
        wanted: what is to be returned.
        x: noisy points, (..., *event).
        t: times, (...).
        value: the output, as x.
        rank: event axes.
        data_scale: standard deviation of the data; F alone uses it.
    """
    skip, out = (wide(ops, c, rank) for c in pair(ops, process, given, t, data_scale))
    skip_wanted, out_wanted = (wide(ops, c, rank) for c in pair(ops, process, wanted, t, data_scale))
    return ((skip - skip_wanted) * x + out * value) / out_wanted


def denoiser(
    ops: Any,
    process: GaussianPath,
    predicts: Predicts,
    net: Net,
    rank: int = 1,
    data_scale: float = 1.0,
) -> Net:
    """The posterior mean x0_hat(x, t) of a network, whatever it predicts.

    Args:
        ops: array functions.
        process: the process.
        predicts: what the network gives.
        net: the network, of x (..., *event) and t (...), time as `process.clock` tells it.
        rank: event axes.
        data_scale: standard deviation of the data; F alone uses it.

    Returns:
        A function of x (..., *event) and t, (...) or a number for all rows.
    """

    def mean(x: Array, t: Array) -> Array:
        skip, out = (wide(ops, c, rank) for c in pair(ops, process, predicts, t, data_scale))
        seen = x
        if predicts is Predicts.F:
            seen = wide(ops, input_scale(ops, process, predicts, t, data_scale), rank) * x
        return skip * x + out * net(seen, process.clock(ops, t))

    return mean
