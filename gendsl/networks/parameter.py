"""Parameters of networks: shapes and initial distributions, and their draws by name.

A draw is a function of (seed, name) alone: the bytes of the name's SHA-256 and the seed are the entropy of a generator
of numpy's. So both backends start from equal numbers, and a parameter's start does not depend on which others there
are.

    UNIFORM   U(-scale, scale), scale = 1 / sqrt(fan-in): the variance of a layer's output is a third of its input's
    NORMAL    N(0, scale^2)
    ZEROS, ONES

Reference:
    Efficient BackProp (LeCun, Bottou, Orr, Mueller, 1998) | https://doi.org/10.1007/978-3-642-35289-8_3
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

__all__ = ["Init", "Parameter", "Parameters", "attention", "conv", "draw", "embedding", "linear", "norm"]


class Init(StrEnum):
    """Initial distributions."""

    UNIFORM = "uniform"
    NORMAL = "normal"
    ZEROS = "zeros"
    ONES = "ones"


@dataclass(frozen=True)
class Parameter:
    """One array of a network's parameters.

    Attributes:
        shape: its shape, in torch's layout: (out, in) of a linear layer, (out, in, height, width) of a convolution.
        init: its initial distribution.
        scale: half the width of UNIFORM, the standard deviation of NORMAL.
    """

    shape: tuple[int, ...]
    init: Init = Init.ZEROS
    scale: float = 1.0

    def draw(self, seed: int, name: str) -> np.ndarray:
        """The initial value, float64: a function of the seed and the parameter's full name."""
        if self.init is Init.ZEROS:
            return np.zeros(self.shape)
        if self.init is Init.ONES:
            return np.ones(self.shape)
        digest = np.frombuffer(hashlib.sha256(name.encode()).digest(), "<u4")
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([*digest.tolist(), seed])))
        if self.init is Init.UNIFORM:
            return rng.uniform(-self.scale, self.scale, self.shape)
        return self.scale * rng.standard_normal(self.shape)


Parameters = dict[str, Parameter]
"""Name -> parameter."""


def draw(parameters: Parameters, seed: int, prefix: str = "") -> dict[str, np.ndarray]:
    """Initial values of parameters, by full name: `prefix` is put before each name as it is."""
    return {prefix + name: p.draw(seed, prefix + name) for name, p in parameters.items()}


# -- the parameters of layers -----------------------------------------------------------------------------------------
def linear(name: str, inputs: int, outputs: int, bias: bool = True) -> Parameters:
    """W x + b, or W x."""
    bound = 1.0 / math.sqrt(inputs)
    weight = {f"{name}.weight": Parameter((outputs, inputs), Init.UNIFORM, bound)}
    return weight | ({f"{name}.bias": Parameter((outputs,), Init.UNIFORM, bound)} if bias else {})


def attention(name: str, features: int) -> Parameters:
    """Query, key, value and output; a bias of the key would cancel in the softmax, so it has none."""
    out: Parameters = {}
    for part in ("query", "key", "value", "out"):
        out |= linear(f"{name}.{part}", features, features, bias=part != "key")
    return out


def conv(name: str, inputs: int, outputs: int, kernel: int) -> Parameters:
    """A convolution over height and width with a square kernel."""
    bound = 1.0 / math.sqrt(inputs * kernel * kernel)
    return {
        f"{name}.weight": Parameter((outputs, inputs, kernel, kernel), Init.UNIFORM, bound),
        f"{name}.bias": Parameter((outputs,), Init.UNIFORM, bound),
    }


def norm(name: str, features: int) -> Parameters:
    """The scale and shift after a normalisation; at first it does neither."""
    return {
        f"{name}.weight": Parameter((features,), Init.ONES),
        f"{name}.bias": Parameter((features,), Init.ZEROS),
    }


def embedding(name: str, count: int, features: int, scale: float = 1.0) -> Parameters:
    """One row for each of `count` things."""
    return {f"{name}.weight": Parameter((count, features), Init.NORMAL, scale)}
