"""Tables of exponential multistep methods: the linear part of the probability-flow ODE is solved exactly.

In the half log-SNR l = log(alpha / sigma), from t to s with h = l_s - l_t,

    x_s = (sigma_s / sigma_t) x_t + alpha_s int_0^h exp(v - h) D(l_t + v) dv.

Order 1 takes D as it is at t: this is DDIM. Order 2 (DPM-Solver++ 2M) takes it as
D_t + (D_t - D_last) h / (2 h_last), order 3 as the parabola through the last three values, integrated exactly (an
exponential Adams-Bashforth method). A run begins with lower orders; a step that begins or ends where h is infinite
(alpha_t = 0 or sigma_s = 0) is of order 1.

References:
    DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models (Lu et al., 2022) |
    https://arxiv.org/abs/2211.01095
    Fast Sampling of Diffusion Models with Exponential Integrator (Zhang, Chen, 2023) | https://arxiv.org/abs/2204.13902
"""

from __future__ import annotations

from itertools import takewhile

import numpy as np

from gendsl.math.diffusion.table import Table

__all__ = ["multistep"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_LONG = 40.0  # beyond, exp(-h) is nothing in double precision


def multistep(times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray, order: int) -> Table:
    """The table of order 1, 2 or 3, from values on a grid (n + 1,)."""
    with np.errstate(divide="ignore"):
        half = np.log(alpha) - np.log(sigma)
    h = np.diff(half)
    rows = []
    for i in range(len(h)):
        past = [float(half[i - j] - half[i]) for j in range(1, order) if i - j >= 0]
        known = list(takewhile(np.isfinite, past)) if np.isfinite(h[i]) else []
        weights = _weights(float(h[i]), known)
        gain = alpha[i + 1] * np.pad(weights, (0, order - len(weights)))
        carry, new = np.zeros((order, order)), np.zeros(order)
        carry[0, 0], carry[0, 1:] = sigma[i + 1] / sigma[i], gain[1:]
        new[0] = gain[0]
        if order > 1:
            new[1] = 1.0  # the last D, and those before it one place further
            for j in range(2, order):
                carry[j, j - 1] = 1.0
        rows.append((times[i], carry, new, np.zeros(order)))
    return Table.of(rows)


def _weights(h: float, past: list[float]) -> np.ndarray:
    """Weights of D and of those before it, at half log-SNRs `past` relative to the step's beginning."""
    whole = -np.expm1(-h)
    if not past:
        return np.array([whole])
    if len(past) == 1:
        slope = 0.5 * h / -past[0]
        return np.array([whole * (1.0 + slope), -whole * slope])
    v = 0.5 * min(h, _LONG) * (_NODES + 1.0) + max(h - _LONG, 0.0)
    w = 0.5 * min(h, _LONG) * _WEIGHTS * np.exp(v - h)
    places = [0.0, *past]
    out = []
    for j, p in enumerate(places):
        others = [q for k, q in enumerate(places) if k != j]
        out.append(w @ np.prod([(v - q) / (p - q) for q in others], axis=0))
    return np.array(out)
