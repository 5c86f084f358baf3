"""Layers: what a backend gives to networks, and what is built of them once.

A layer is a function of the flat dict of parameters, its own name and a value. Values have any axes on the left; images
are channels-last, (..., height, width, channels). Weights are in torch's layout on both backends.

    linear(name, x)             x W' + b, or x W' where there is no bias     W (out, in)
    masked_linear(name, x, M)   x (M * W)' + b
    conv(name, x, stride)       cross-correlation, zeros of (k - 1) / 2 around     W (out, in, k, k)
    group_norm(name, x, G)      (x - mean) / sqrt(var + 1e-5), over height, width and the channels of each group, times
                                weight plus bias
    layer_norm(name, x)         the same over the last axis
    embedding(name, i)          row i of the weight
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from gendsl.backend import Ops
    from gendsl.networks.native import Native

__all__ = ["EPSILON", "Array", "Layers", "Values", "attention", "broadcast_lead", "flatten", "lead_of", "upsample"]

Array = Any
Values = Mapping[str, Array]
"""Parameters: name -> array."""

EPSILON = 1e-5
"""What is added to variances before they are divided by."""


class Layers(Protocol):
    """A backend's layers; backends/*/networks.py implement them on torch.nn and on jax with equinox."""

    ops: Ops

    def linear(self, params: Values, name: str, x: Array) -> Array:
        """(..., in) -> (..., out)."""

    def masked_linear(self, params: Values, name: str, x: Array, mask: np.ndarray) -> Array:
        """(..., in) -> (..., out); the weight times a mask of zeros and ones, (out, in)."""

    def conv(self, params: Values, name: str, x: Array, stride: int = 1) -> Array:
        """(..., height, width, in) -> (..., ceil(height / stride), ceil(width / stride), out); odd kernels."""

    def group_norm(self, params: Values, name: str, x: Array, groups: int) -> Array:
        """(..., height, width, channels), normalised over height, width and each group of channels."""

    def layer_norm(self, params: Values, name: str, x: Array) -> Array:
        """(..., features), normalised over the features."""

    def embedding(self, params: Values, name: str, index: Array) -> Array:
        """Integers (...) -> rows (..., features)."""

    def native_init(self, spec: Native, event: tuple[int, ...], seed: int) -> dict[str, np.ndarray]:
        """Names and initial values of the parameters of a user's own module, as numpy in float64."""

    def native(self, spec: Native, params: Values, x: Array, event: tuple[int, ...], time: Array | None) -> Array:
        """The user's own module at x, (..., *event)."""


# -- over ops, once ---------------------------------------------------------------------------------------------------
def lead_of(x: Array, rank: int) -> tuple[int, ...]:
    """The axes left of the last `rank`."""
    return tuple(x.shape[: len(x.shape) - rank])


def flatten(ops: Ops, x: Array, rank: int) -> Array:
    """The last `rank` axes as one."""
    if rank == 1:
        return x
    lead = lead_of(x, rank)
    return ops.reshape(x, (*lead, math.prod(x.shape[len(lead) :])))


def broadcast_lead(ops: Ops, x: Array, rank: int, lead: Sequence[int]) -> Array:
    """x with its axes left of the last `rank` broadcast together with other axes `lead`."""
    own, other = lead_of(x, rank), tuple(lead)
    depth = max(len(own), len(other))
    pairs = zip((1,) * (depth - len(own)) + own, (1,) * (depth - len(other)) + other, strict=True)
    joint = tuple(b if a == 1 else a for a, b in pairs)
    return x if joint == own else ops.broadcast_to(x, (*joint, *x.shape[len(own) :]))


def upsample(ops: Ops, x: Array) -> Array:
    """(..., height, width, channels) -> (..., 2 height, 2 width, channels), each pixel four times."""
    *lead, height, width, channels = x.shape
    x = ops.broadcast_to(x[..., :, None, :, None, :], (*lead, height, 2, width, 2, channels))
    return ops.reshape(x, (*lead, 2 * height, 2 * width, channels))


def attention(nn: Layers, params: Values, name: str, x: Array, heads: int, causal: bool = False) -> Array:
    """softmax(Q K' / sqrt(d)) V over a sequence, in several heads of d = features / heads.

    Args:
        nn: a backend's layers.
        params: parameters; the layer's are `name`.query, .key, .value and .out, each linear.
        name: the layer's name.
        x: (..., length, features).
        heads: a divisor of the features.
        causal: whether a place attends only to itself and those before it.

    Returns:
        (..., length, features).

    Reference:
        Attention Is All You Need (Vaswani et al., 2017) | https://arxiv.org/abs/1706.03762
    """
    ops = nn.ops
    *lead, length, features = x.shape
    parts = []
    for part in ("query", "key", "value"):
        y = nn.linear(params, f"{name}.{part}", x)
        parts.append(ops.moveaxis(ops.reshape(y, (*lead, length, heads, features // heads)), -2, -3))
    query, key, value = parts
    scores = ops.matmul(query, ops.moveaxis(key, -1, -2)) / math.sqrt(features // heads)
    if causal:
        seen = ops.tril(ops.ones((length, length), like=x)) > 0
        scores = ops.where(seen, scores, ops.full((), -math.inf, like=x))
    y = ops.moveaxis(ops.matmul(ops.softmax(scores, -1), value), -3, -2)
    return nn.linear(params, f"{name}.out", ops.reshape(y, (*lead, length, features)))
