"""Dual averaging of a step size to a target acceptance, over `ops`.

With the errors e_t = target - acceptance_t, averaged as E_t = (1 - w_t) E_(t-1) + w_t e_t, w_t = 1 / (t + offset),

    log h_t = centre - (sqrt(t) / gain) E_t,
    log H_t = t^-decay log h_t + (1 - t^-decay) log H_(t-1).

h_t is what iteration t + 1 uses; H_t, which settles, is what is used once adaptation is over. The centre, towards which
steps are drawn, is ten times the first step: long steps are cheap to try.

Reference:
    The No-U-Turn Sampler (Hoffman, Gelman, 2014), section 3.2 | https://arxiv.org/abs/1111.4246
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

__all__ = ["Averaging", "averaged", "begin"]

Array = Any

_GAIN, _OFFSET, _DECAY = 0.05, 10.0, 0.75


class Averaging(NamedTuple):
    """The state, an array for each chain.

    Attributes:
        log_step: log h.
        log_mean: log H.
        error: E.
        count: t.
        centre: towards which log h is drawn.
    """

    log_step: Array
    log_mean: Array
    error: Array
    count: Array
    centre: Array


def begin(ops: Any, step: Array) -> Averaging:
    """The state before the first iteration.

    Args:
        ops: array functions.
        step: the first step, any shape.
    """
    zero, log_step = ops.zeros_like(step), ops.log(step)
    return Averaging(log_step, log_step, zero, zero, log_step + math.log(10.0))


def averaged(
    ops: Any,
    state: Averaging,
    acceptance: Array,
    target: float,
    *,
    gain: float = _GAIN,
    offset: float = _OFFSET,
    decay: float = _DECAY,
) -> Averaging:
    """The state after an iteration.

    Args:
        ops: array functions.
        state: before.
        acceptance: probability with which the proposal was accepted.
        target: the probability that is wanted.
        gain: how strongly steps are drawn to the centre; less lets them move faster.
        offset: how many iterations the first ones count as.
        decay: how fast earlier steps are forgotten, in (1/2, 1].
    """
    t = state.count + 1.0
    w = 1.0 / (t + offset)
    error = (1.0 - w) * state.error + w * (target - acceptance)
    log_step = state.centre - ops.sqrt(t) / gain * error
    share = ops.exp(-decay * ops.log(t))
    log_mean = share * log_step + (1.0 - share) * state.log_mean
    return Averaging(log_step, log_mean, error, t, state.centre)
