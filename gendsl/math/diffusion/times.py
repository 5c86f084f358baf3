"""Times of training, from uniform numbers.

    uniform:     u_i, independent
    stratified:  u_i = (u + i / n) mod 1, one number for the whole batch: each is uniform, together they are even

Stratified times leave the expectation of a loss as it is and take away the part of its variance that the times cause.

The density of times is uniform in t, as the process spreads it, or in the log-SNR. An integral over t, such as the
bound on the likelihood, is the same under both, and its weight gamma' dt/du is a constant under the second: for VP it
varies by orders of magnitude under the first, and with it the loss from row to row.

References:
    Variational Diffusion Models (Kingma et al., 2021), appendix I.1 | https://arxiv.org/abs/2107.00630
    Maximum Likelihood Training of Score-Based Diffusion Models (Song et al., 2021), section 5.1 |
    https://arxiv.org/abs/2101.09258
"""

from __future__ import annotations

from typing import Any

from gendsl.choice import Choice
from gendsl.math.diffusion.grids import spread_log_snr
from gendsl.math.diffusion.process import GaussianPath

__all__ = ["Density", "Times", "draw", "place", "stratify"]

Array = Any


class Times(Choice):
    """How the times of a batch are drawn."""

    UNIFORM = "uniform"
    STRATIFIED = "stratified"


class Density(Choice):
    """Where times of training lie. TIME: evenly, as the process spreads them. LOG_SNR: evenly in the log-SNR."""

    TIME = "time"
    LOG_SNR = "log-SNR"


def place(ops: Any, process: GaussianPath, u: Array, density: Density) -> tuple[Array, Array]:
    """Times for uniform numbers u in [0, 1], and dt/du."""
    return spread_log_snr(ops, process, u) if density is Density.LOG_SNR else process.spread(ops, u)


def stratify(ops: Any, u: Array, count: int) -> Array:
    """(u + i / count) mod 1 for i = 0, ..., count - 1.

    Args:
        ops: array functions.
        u: one uniform number, ().
        count: rows of the batch.
    """
    shifted = u + ops.arange(count, like=u) / count
    return shifted - ops.floor(shifted)


def draw(ops: Any, times: Times, key: Any, count: int, like: Array) -> Array:
    """Uniform numbers for the rows of a batch, (count,); `place` makes times of them."""
    if times is Times.STRATIFIED:
        return stratify(ops, ops.uniform(key, (), like=like), count)
    return ops.uniform(key, (count,), like=like)
