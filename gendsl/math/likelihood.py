"""Maximum likelihood.

    L(theta) = -mean_i log p_theta(x_i)

Its minimum over all densities is the entropy of the data, and its excess over that the Kullback-Leibler divergence of
the model from them.
"""

from __future__ import annotations

from typing import Any

__all__ = ["negative_log_likelihood"]


def negative_log_likelihood(ops: Any, log_prob: Any) -> Any:
    """The mean over rows of -log p, in nats a row.

    Args:
        ops: array functions.
        log_prob: log-density of each row, (rows,).
    """
    return -ops.mean(log_prob)
