"""Time in networks: features of a number t, an MLP of them, and its effect on each block.

    Sinusoidal:  sin(s w_k t), cos(s w_k t),  w_k = period^(-k / (K - 1)),  k = 0 .. K - 1
    Fourier:     sin(2 pi w_k t), cos(2 pi w_k t),  w_k = scale Phi^-1(1/2 + (k + 1/2) / (2 K))

The frequencies of Fourier are the quantiles of |N(0, scale^2)| instead of draws from it: there is no array of fixed
numbers to keep. With c(t) = silu(W2 silu(W1 features)), a block scales and shifts its activations h of each channel:

    h <- h (1 + a) + b,   (a, b) = W c + bias

A context y, a vector beside the time, comes in where the features do: c(t, y) = silu(W2 silu(W1 features + V y)), so
that both act on all blocks. V has no bias: it is the table of embeddings of one-hot coded classes, and V y that of any
other vector.

Reference:
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    Fourier Features Let Networks Learn High Frequency Functions (Tancik et al., 2020) | https://arxiv.org/abs/2006.10739
    FiLM: Visual Reasoning with a General Conditioning Layer (Perez et al., 2017) | https://arxiv.org/abs/1709.07871
    Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022), classes |
    https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters, linear
from gendsl.networks.spec import Spec

__all__ = ["Fourier", "Sinusoidal", "TimeFeatures", "condition", "film", "film_parameters", "time_parameters"]


@dataclass(frozen=True, kw_only=True, repr=False)
class TimeFeatures(Spec):
    """How a network sees time.

    Args:
        size: features: half as many frequencies, each as a sine and a cosine.
        width: width of the two linear layers that follow.

    Raises:
        ModelError: if a value is not what it should be.
    """

    size: int = 64
    width: int = 128

    def __post_init__(self) -> None:
        self._count("size", 2)
        self._count("width")
        if self.size % 2:
            self._refuse("size is even: sines and cosines", f"size={self.size}", "an even integer", "size=64")

    def frequencies(self) -> list[float]:
        """Radians for a unit of time."""
        raise NotImplementedError

    def features(self, ops: Any, t: Array) -> Array:
        """(...) -> (..., size)."""
        angle = t[..., None] * ops.constant(_frequencies(self), like=t)
        return ops.concatenate([ops.sin(angle), ops.cos(angle)], -1)


@lru_cache(maxsize=64)
def _frequencies(spec: TimeFeatures) -> np.ndarray:
    return np.array(spec.frequencies())


@dataclass(frozen=True, kw_only=True, repr=False)
class Sinusoidal(TimeFeatures):
    """Frequencies in a geometric sequence.

    Args:
        size: features.
        width: width of the layers that follow.
        scale: the highest frequency, radians for a unit of time: 1000 for times from 0 to 1, 1 for counted steps.
        period: the ratio of the highest frequency to the lowest.
    """

    scale: float = 1000.0
    period: float = 10_000.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("scale")
        self._positive("period")

    def frequencies(self) -> list[float]:
        """scale period^(-k / (K - 1))."""
        count = self.size // 2
        return [self.scale * self.period ** (-k / max(count - 1, 1)) for k in range(count)]


@dataclass(frozen=True, kw_only=True, repr=False)
class Fourier(TimeFeatures):
    """Frequencies spread as those of a Gaussian kernel.

    Args:
        size: features.
        width: width of the layers that follow.
        scale: standard deviation of the frequencies, in turns for a unit of time.
    """

    scale: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("scale")

    def frequencies(self) -> list[float]:
        """2 pi scale Phi^-1(1/2 + (k + 1/2) / (2 K))."""
        from statistics import NormalDist

        count, normal = self.size // 2, NormalDist()
        return [2 * math.pi * self.scale * normal.inv_cdf(0.5 + (k + 0.5) / (2 * count)) for k in range(count)]


# -- in a network -----------------------------------------------------------------------------------------------------
def time_parameters(spec: TimeFeatures | None, context: int = 0) -> Parameters:
    """Parameters of the MLP of time, and of what it sees of a context of so many numbers."""
    if spec is None:
        return {}
    out = linear("time.layers.0", spec.size, spec.width) | linear("time.layers.1", spec.width, spec.width)
    return out | (linear("time.context", context, spec.width, bias=False) if context else {})


def condition(
    nn: Layers, params: Values, spec: TimeFeatures | None, t: Array | None, context: Array | None = None
) -> Array | None:
    """c(t, y): (...) and (..., numbers) -> (..., width); None where there is no time."""
    if spec is None or t is None:
        return None
    h = nn.linear(params, "time.layers.0", spec.features(nn.ops, t))
    if context is not None:
        h = h + nn.linear(params, "time.context", context)
    return nn.ops.silu(nn.linear(params, "time.layers.1", nn.ops.silu(h)))


def film_parameters(name: str, spec: TimeFeatures | None, channels: int) -> Parameters:
    """Parameters of a block's scale and shift."""
    return {} if spec is None else linear(name, spec.width, 2 * channels)


def film(nn: Layers, params: Values, name: str, h: Array, c: Array | None, rank: int = 1) -> Array:
    """h (1 + a) + b of each channel, the last of `rank` event axes; h itself where there is no time."""
    if c is None:
        return h
    both = nn.linear(params, name, c)
    both = nn.ops.reshape(both, (*both.shape[:-1], *(1,) * (rank - 1), 2, h.shape[-1]))
    a, b = nn.ops.unstack(both, -2)
    return h * (1.0 + a) + b
