"""Autoregressive models, over `ops`: an ordered product of conditionals that one masked network gives.

    log p(x) = sum_i log p(x_i; theta_i(x_<i))

The density takes one call of the network. A draw takes one for each element: after pass i the first i + 1 elements are
drawn, and the others are kept at zero. The noise is one number an element, so draws are functions of it:

    normal       x = loc + exp(s) eps, eps standard normal; s = limit tanh(raw / limit)
    categorical  the first class at which the cumulated probabilities exceed u, u uniform on (0, 1)

References:
    The Neural Autoregressive Distribution Estimator (Larochelle, Murray, 2011) |
    https://proceedings.mlr.press/v15/larochelle11a.html
    MADE: Masked Autoencoder for Distribution Estimation (Germain et al., 2015) | https://arxiv.org/abs/1502.03509
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from gendsl.math.flows import affine

__all__ = [
    "Conditional",
    "categorical_draw",
    "categorical_log_prob",
    "log_prob",
    "normal_draw",
    "normal_log_prob",
    "one_hot",
    "sample",
]


class Conditional(Protocol):
    """The distribution of one element, by unconstrained parameters."""

    def encode(self, ops: Any, x: Any) -> Any:
        """What the network sees of elements: (..., d) -> (..., d, numbers)."""

    def log_prob(self, ops: Any, raw: Any, x: Any) -> Any:
        """log p of each element: (..., d, size) and (..., d) -> (..., d)."""

    def draw(self, ops: Any, raw: Any, noise: Any) -> Any:
        """Each element from its noise: (..., d, size) and (..., d) -> (..., d)."""


def log_prob(ops: Any, conditional: Conditional, network: Callable[[Any], Any], x: Any) -> Any:
    """log p(x), (...).

    Args:
        ops: array functions.
        conditional: the distribution of one element.
        network: (..., d, numbers) -> parameters (..., d, size), strictly autoregressive.
        x: the value, (..., d), as floats.
    """
    return ops.sum(conditional.log_prob(ops, network(conditional.encode(ops, x)), x), -1)


def sample(ops: Any, conditional: Conditional, network: Callable[[Any], Any], noise: Any) -> Any:
    """The draw x (..., d), as floats, that noise (..., d) makes; other arguments as for `log_prob`."""
    place = ops.arange(noise.shape[-1], like=noise)

    def step(x: Any, i: Any) -> tuple[Any, Any]:
        drawn = conditional.draw(ops, network(conditional.encode(ops, x)), noise)
        return ops.where(place <= i, drawn, ops.zeros_like(x)), i

    return ops.scan(step, ops.zeros_like(noise), place)[0]


# -- conditionals -----------------------------------------------------------------------------------------------------
def normal_log_prob(ops: Any, raw: Any, x: Any, limit: float) -> Any:
    """log N(x; loc, exp(s)^2) of each element; raw is (..., 2), loc and s before its limit."""
    z, ladj = affine.inverse(ops, raw, x, limit)
    return -0.5 * z * z - 0.5 * math.log(2 * math.pi) + ladj


def normal_draw(ops: Any, raw: Any, eps: Any, limit: float) -> Any:
    """loc + exp(s) eps."""
    return affine.forward(ops, raw, eps, limit)[0]


def one_hot(ops: Any, x: Any, classes: int) -> Any:
    """1 at each element's class and 0 elsewhere: (..., d) -> (..., d, classes); floats."""
    hit = x[..., None] == ops.arange(classes, like=x)
    return ops.where(hit, ops.ones((), like=x), ops.zeros((), like=x))


def categorical_log_prob(ops: Any, logits: Any, x: Any) -> Any:
    """log p of each element's class; -inf where x is none of 0, ..., classes - 1."""
    hit = one_hot(ops, x, logits.shape[-1])
    value = ops.sum(hit * ops.log_softmax(logits, -1), -1)
    return ops.where(ops.sum(hit, -1) > 0, value, ops.full((), -math.inf, like=value))


def categorical_draw(ops: Any, logits: Any, u: Any) -> Any:
    """The class that u chooses, as a float."""
    below = ops.cumsum(ops.softmax(logits, -1), -1)[..., :-1]
    passed = ops.where(u[..., None] >= below, ops.ones((), like=u), ops.zeros((), like=u))
    return ops.sum(passed, -1)
