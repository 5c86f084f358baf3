"""Losses of diffusion and flow matching: weights of |x0_hat - x_0|^2, on given times and noise, row by row.

With x_t = alpha x_0 + sigma eps,

    simple        |eps - eps_hat|^2                        = (alpha / sigma)^2 |x0_hat - x_0|^2
    likelihood    gamma' |eps - eps_hat|^2 / 2, whose integral over t, with the two ends
                  (gendsl/math/diffusion/bound.py), bounds -log p(x_0)
    flow          |u - u_hat|^2, u = alpha' x_0 + sigma' eps, = (alpha' - alpha sigma' / sigma)^2 |x0_hat - x_0|^2

The likelihood's rows are multiplied by dt/du, so that their mean estimates the integral whatever the density of times
(gendsl/math/diffusion/times.py). Squares are summed over the event, so that losses are in nats per row where they bound
a likelihood.

Near t = 0 the simple and likelihood weights of |x0_hat - x_0|^2 grow without bound; the process's `start` keeps times
away from it, and nothing is clipped.

References:
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    Maximum Likelihood Training of Score-Based Diffusion Models (Song et al., 2021) | https://arxiv.org/abs/2101.09258
    Flow Matching for Generative Modeling (Lipman et al., 2022) | https://arxiv.org/abs/2210.02747
"""

from __future__ import annotations

from typing import Any

from gendsl.choice import Choice
from gendsl.math.diffusion.predicts import Net, Predicts, input_scale, noised, pair, target, wide
from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.diffusion.times import Density, place

__all__ = ["Weight", "flow_matching", "score_matching", "squared"]

Array = Any


class Weight(Choice):
    """How denoising errors at different times count. SIMPLE: alike. LIKELIHOOD: as they bound the likelihood."""

    SIMPLE = "simple"
    LIKELIHOOD = "likelihood"


def squared(ops: Any, x: Array, rank: int) -> Array:
    """The squared length of events, summed over `rank` axes."""
    return ops.sum(ops.square(x), tuple(range(-rank, 0))) if rank else ops.square(x)


def _error(
    ops: Any,
    process: GaussianPath,
    predicts: Predicts,
    net: Net,
    x0: Array,
    t: Array,
    eps: Array,
    rank: int,
    data_scale: float,
) -> Array:
    """|net - target|^2 by rows."""
    x = noised(ops, process, x0, t, eps, rank)
    if predicts is Predicts.F:
        x = wide(ops, input_scale(ops, process, predicts, t, data_scale), rank) * x
    wanted = target(ops, process, predicts, t, x0, eps, rank, data_scale)
    return squared(ops, net(x, process.clock(ops, t)) - wanted, rank)


def score_matching(
    ops: Any,
    process: GaussianPath,
    predicts: Predicts,
    net: Net,
    x0: Array,
    u: Array,
    eps: Array,
    weight: Weight = Weight.SIMPLE,
    rank: int = 1,
    data_scale: float = 1.0,
    density: Density = Density.TIME,
) -> Array:
    """Denoising score matching, (...) by rows.

    Args:
        ops: array functions.
        process: the process.
        predicts: what the network gives.
        net: the network, of x (..., *event) and t (...).
        x0: data, (..., *event).
        u: uniform numbers, (...), which `density` makes times of.
        eps: standard normal noise, as x0.
        weight: of times.
        rank: event axes.
        data_scale: standard deviation of the data; F alone uses it.
        density: of times.
    """
    t, speed = place(ops, process, u, density)
    loss = _error(ops, process, predicts, net, x0, t, eps, rank, data_scale)
    if predicts is not Predicts.EPS:  # whose error is that of eps
        out = pair(ops, process, predicts, t, data_scale)[1]
        loss = ops.square(out * process.alpha(ops, t) / process.sigma(ops, t)) * loss
    if weight is Weight.LIKELIHOOD:
        loss = 0.5 * process.d_gamma(ops, t) * speed * loss
    return loss


def flow_matching(
    ops: Any,
    process: GaussianPath,
    predicts: Predicts,
    net: Net,
    x0: Array,
    u: Array,
    eps: Array,
    rank: int = 1,
    data_scale: float = 1.0,
    density: Density = Density.TIME,
) -> Array:
    """Conditional flow matching, |u - u_hat|^2 by rows, (...); arguments as `score_matching`."""
    t, _ = place(ops, process, u, density)
    miss = _error(ops, process, predicts, net, x0, t, eps, rank, data_scale)
    if predicts is Predicts.VELOCITY:
        return miss
    out = pair(ops, process, predicts, t, data_scale)[1]
    alpha, sigma = process.alpha(ops, t), process.sigma(ops, t)
    return ops.square(out * (process.d_alpha(ops, t) - alpha * process.d_sigma(ops, t) / sigma)) * miss
