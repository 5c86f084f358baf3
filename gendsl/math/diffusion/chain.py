"""The explicit chain of a process on a grid of times: x_T -> ... -> x_0 -> data, with its bound in closed form.

On levels 0 (least noise), ..., T, with a_k = alpha_k / alpha_(k-1) and s_k^2 = sigma_k^2 - a_k^2 sigma_(k-1)^2,

    q(x_k | x_(k-1))      = N(a_k x_(k-1), s_k^2)
    q(x_(k-1) | x_k, x)   = N(c_k x_k + d_k x, v_k),  c_k = a_k sigma_(k-1)^2 / sigma_k^2,
                            d_k = alpha_(k-1) (1 - e_k),  v_k = sigma_(k-1)^2 (1 - e_k),
                            e_k = exp(gamma_(k-1) - gamma_k)
    p(x_(k-1) | x_k)      = N(c_k x_k + d_k x0_hat(x_k), v_k)
    p(x | x_0)            = N(x_0 / alpha_0, sigma_0^2 / alpha_0^2),          p(x_T) = N(0, b^2)

so that -log p(x) <= prior + sum_k E (SNR_(k-1) - SNR_k) |x - x0_hat(x_k)|^2 / 2 + reconstruction, which falls to the
continuous bound (gendsl/math/diffusion/bound.py) as T grows.

References:
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    Variational Diffusion Models (Kingma et al., 2021) | https://arxiv.org/abs/2107.00630
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.math.diffusion.losses import squared
from gendsl.math.diffusion.predicts import Net
from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.numpy_ops import NUMPY

__all__ = ["Bound", "Chain", "bound", "chain_of", "path"]

Array = Any


@dataclass(frozen=True, eq=False)
class Chain:
    """A chain's levels, from the least noise to the most, and the coefficients of its steps.

    Attributes:
        times: t of the levels, (T + 1,).
        alpha: alpha, (T + 1,).
        sigma: sigma > 0, (T + 1,).
        base_scale: b.
    """

    times: np.ndarray
    alpha: np.ndarray
    sigma: np.ndarray
    base_scale: float = 1.0

    @property
    def forget(self) -> np.ndarray:
        """1 - e_k, k = 1, ..., T."""
        gamma = 2.0 * np.log(self.sigma / self.alpha)
        return np.asarray(-np.expm1(-np.diff(gamma)))

    @property
    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """(a_k, s_k) of q(x_k | x_(k-1)), each (T,)."""
        return self.alpha[1:] / self.alpha[:-1], self.sigma[1:] * np.sqrt(self.forget)

    @property
    def posterior(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(c_k, d_k, sqrt(v_k)) of q(x_(k-1) | x_k, x), each (T,)."""
        forget = self.forget
        keep = self.alpha[1:] / self.alpha[:-1] * (self.sigma[:-1] / self.sigma[1:]) ** 2
        return keep, self.alpha[:-1] * forget, self.sigma[:-1] * np.sqrt(forget)

    @property
    def weights(self) -> np.ndarray:
        """(SNR_(k-1) - SNR_k) / 2, (T,)."""
        return np.asarray(0.5 * (self.alpha[:-1] / self.sigma[:-1]) ** 2 * self.forget)


def chain_of(process: GaussianPath, times: np.ndarray) -> Chain:
    """The chain of a process.

    Args:
        process: the process.
        times: increasing, (T + 1,).
    """
    t = np.ascontiguousarray(times, float)
    return Chain(t, process.alpha(NUMPY, t), process.sigma(NUMPY, t), process.base_scale)


def path(ops: Any, chain: Chain, x: Array, noise: Array) -> Array:
    """A draw of x_0, ..., x_T given x, from T down by q(x_(k-1) | x_k, x); (T + 1, ..., *event).

    Args:
        ops: array functions.
        chain: the chain.
        x: data, (..., *event).
        noise: standard normal, (T + 1, ..., *event), the one at k for level k.
    """
    keep, pull, spread = (ops.constant(c, x) for c in chain.posterior)
    last = float(chain.alpha[-1]) * x + float(chain.sigma[-1]) * noise[-1]

    def step(state: Array, row: tuple[Array, ...]) -> tuple[Array, Array]:
        c, d, s, z = row
        state = c * state + d * x + s * z
        return state, state

    _, below = ops.scan(step, last, (keep, pull, spread, noise[:-1]), reverse=True)
    return ops.concatenate([below, last[None]], 0)


@dataclass(frozen=True, eq=False)
class Bound:
    """-log p(x) <= prior + diffusion + reconstruction, in nats per row.

    Attributes:
        prior: KL at the top, (...).
        steps: KL of each step, (T, ...), that from x_k to x_(k-1) at k - 1.
        reconstruction: the expected -log p(x | x_0), the same for all rows, ().
    """

    prior: Array
    steps: Array
    reconstruction: Array


def bound(ops: Any, chain: Chain, denoise: Net, x: Array, states: Array, rank: int = 1) -> Bound:
    """The bound's parts at x_1, ..., x_T, which are draws given x (`path`, or independent of each other).

    Args:
        ops: array functions.
        chain: the chain.
        denoise: x0_hat of (..., *event) and a time, ().
        x: data, (..., *event).
        states: (T + 1, ..., *event); the first is not used.
        rank: event axes.
    """
    size = math.prod(x.shape[x.ndim - rank :])
    a, s = float(chain.alpha[-1]) / chain.base_scale, float(chain.sigma[-1]) / chain.base_scale
    prior = 0.5 * (a * a * squared(ops, x, rank) + size * (s * s - 1.0 - 2.0 * math.log(s)))

    def step(nothing: Array, row: tuple[Array, ...]) -> tuple[Array, Array]:
        weight, t, state = row
        return nothing, weight * squared(ops, x - denoise(state, t), rank)

    rows = (ops.constant(chain.weights, x), ops.constant(chain.times[1:], x), states[1:])
    _, steps = ops.scan(step, ops.zeros((), like=x), rows)
    noise = float(chain.sigma[0] / chain.alpha[0])
    entropy = 0.5 * size * (1.0 + math.log(2.0 * math.pi * noise * noise))
    return Bound(prior, steps, ops.full((), entropy, like=x))
