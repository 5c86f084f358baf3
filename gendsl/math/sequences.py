"""Densities of sequences, over `ops`.

Markov:        log p(x) = log p0(x[0]) + sum_{t > 0} log p(x[t] | x[t-1])

    All transitions are evaluated at once: the step is called with x[:-1], time as the leftmost batch axis.

Hidden Markov: log p(x) = log sum_z w[z0] e[0, z0] prod_t A[z(t-1), zt] e[t, zt]

    The matrices M[t] = log A + e[t] are multiplied in the log-semiring, neighbours first: log2(T) products. A zero
    probability counts as exp(-1e30), so that no gradient is 0/0; a sequence that needs one has log p = -inf.

Reference:
    Temporal Parallelization of Bayesian Smoothers (Sarkka, Garcia-Fernandez, 2021) | https://arxiv.org/abs/1905.13002
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["hidden_markov_log_prob", "markov_log_prob"]


_NEVER = -1e30


def _log(ops: Any, p: Any) -> Any:
    """log p, `_NEVER` where p is zero."""
    possible = p > 0
    return ops.where(possible, ops.log(ops.where(possible, p, 1.0)), _NEVER)


def _log_matmul(ops: Any, a: Any, b: Any) -> Any:
    """log(exp(a) @ exp(b)) over the last two axes."""
    return ops.logsumexp(a[..., :, :, None] + b[..., None, :, :], -2)


def _filled(ops: Any, steps: Any) -> Any:
    """Log-matrices (..., T, K, K), identities added at the end up to a power of 2, so that each has its neighbour."""
    count, k = steps.shape[-3], steps.shape[-1]
    lacking = (1 << (count - 1).bit_length()) - count
    if not lacking:
        return steps
    identity = ops.constant(np.where(np.eye(k, dtype=bool), 0.0, _NEVER), steps)
    return ops.concatenate([steps, ops.broadcast_to(identity, (*steps.shape[:-3], lacking, k, k))], -3)


def hidden_markov_log_prob(ops: Any, initial: Any, transition: Any, emission: Any) -> Any:
    """The log-probability of a sequence, states summed out.

    Args:
        ops: array functions.
        initial: weights of the first state, (..., K); need not be normalised.
        transition: transition probabilities, (..., K, K).
        emission: log-probability of each observation under each state, (..., T, K).

    Returns:
        (...).
    """
    possible = emission > _NEVER
    emission = ops.where(possible, ops.where(possible, emission, 0.0), _NEVER)
    first = _log(ops, initial) + emission[..., 0, :]
    if emission.shape[-2] > 1:
        steps = _filled(ops, _log(ops, transition)[..., None, :, :] + emission[..., 1:, None, :])
        while (count := steps.shape[-3]) > 1:
            pairs = steps.reshape((*steps.shape[:-3], count // 2, 2, *steps.shape[-2:]))
            steps = _log_matmul(ops, *ops.unstack(pairs, -3))
        first = ops.logsumexp(first[..., :, None] + steps[..., 0, :, :], -2)
    out = ops.logsumexp(first, -1)
    return ops.where(out > 0.5 * _NEVER, out, -math.inf)


def markov_log_prob(
    ops: Any,
    init: Any,
    step: Callable[..., Any],
    x: Any,
    inputs: Sequence[Any],
    ranks: Sequence[int],
    rank: int,
) -> Any:
    """The log-probability of a sequence.

    Args:
        ops: array functions.
        init: the distribution of x[0].
        step: step(previous, *inputs) -> the distribution of the next element.
        x: the sequence, (..., T, *event).
        inputs: values along the sequence, (..., T, *event of the input).
        ranks: event axes of the inputs.
        rank: event axes of one element.

    Returns:
        (...), broadcast over the batch axes of init, step and x.
    """
    after = (slice(None),) * rank
    out = init.log_prob(x[(..., 0, *after)])
    length = x.shape[x.ndim - rank - 1]
    if length == 1:
        return out
    sliced = [v[(..., slice(1, None), *((slice(None),) * r))] for v, r in zip(inputs, ranks, strict=True)]
    probe = step(x[(..., 0, *after)], *(v[(..., 0, *((slice(None),) * r))] for v, r in zip(sliced, ranks, strict=True)))
    depth = max(len(probe.batch_shape), len(init.batch_shape), x.ndim - rank - 1)
    before = _time_first(ops, x[(..., slice(None, -1), *after)], rank, depth)
    now = _time_first(ops, x[(..., slice(1, None), *after)], rank, depth)
    moved = [_time_first(ops, v, r, depth) for v, r in zip(sliced, ranks, strict=True)]
    return out + step(before, *moved).log_prob(now).sum(0)


def _time_first(ops: Any, x: Any, rank: int, depth: int) -> Any:
    """(..., T, *event) -> (T, 1..., ..., *event) with `depth` batch axes after time."""
    padded = x[(None,) * (depth - (x.ndim - rank - 1))]
    return ops.moveaxis(padded, padded.ndim - rank - 1, 0)
