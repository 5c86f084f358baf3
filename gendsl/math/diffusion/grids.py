"""Grids of times, in float64 numpy, and the time at which a process has a given log-SNR.

gamma = -log SNR grows with t, so its inverse is found by bisection, then polished by Newton steps that stay inside the
bracket: to rounding, for any process. Over `ops` the inverse is a piecewise polynomial, fitted to it once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.numpy_ops import NUMPY
from gendsl.math.piecewise import Piecewise, fit

__all__ = ["karras", "spread_log_snr", "time_of_gamma", "uniform_log_snr"]

_BISECTIONS = 30
_NEWTON = 6


def time_of_gamma(process: GaussianPath, gamma: np.ndarray) -> np.ndarray:
    """Times at which gamma has these values, of the same shape; values beyond an end give that end."""
    wanted = np.asarray(gamma, float)
    low, high = np.full(wanted.shape, float(process.start)), np.full(wanted.shape, float(process.end))
    t = 0.5 * (low + high)
    for k in range(_BISECTIONS + _NEWTON):
        miss = process.gamma(NUMPY, t) - wanted
        low, high = np.where(miss < 0, t, low), np.where(miss < 0, high, t)
        middle = 0.5 * (low + high)
        if k >= _BISECTIONS:
            newton = t - miss / process.d_gamma(NUMPY, t)
            middle = np.where((newton >= low) & (newton <= high), newton, middle)
        t = middle
    first, last = (process.gamma(NUMPY, np.asarray(float(e))) for e in (process.start, process.end))
    t = np.where(wanted <= first, process.start, t)
    return np.where(wanted >= last, process.end, t)


def _ends(process: GaussianPath) -> tuple[float, float]:
    """gamma at the end and at the start."""
    last, first = (float(process.gamma(NUMPY, np.asarray(float(t)))) for t in (process.end, process.start))
    return last, first


def uniform_log_snr(process: GaussianPath, steps: int) -> np.ndarray:
    """Times from end to start between which the log-SNR rises by equal steps, (steps + 1,)."""
    last, first = _ends(process)
    return time_of_gamma(process, np.linspace(last, first, steps + 1))


def karras(process: GaussianPath, steps: int, rho: float) -> np.ndarray:
    """Times from end to start at which (sigma / alpha)^(1 / rho) falls by equal steps, (steps + 1,)."""
    last, first = _ends(process)
    roots = np.linspace(np.exp(0.5 * last / rho), np.exp(0.5 * first / rho), steps + 1)
    return time_of_gamma(process, 2.0 * rho * np.log(roots))


@lru_cache(maxsize=256)
def _inverse(process: GaussianPath) -> Piecewise:
    """t as a function of gamma."""
    last, first = _ends(process)
    return fit(lambda gamma: time_of_gamma(process, gamma), first, last)


def spread_log_snr(ops: Any, process: GaussianPath, u: Any) -> tuple[Any, Any]:
    """Times at which the log-SNR is uniform, for uniform numbers u in [0, 1], and dt/du."""
    last, first = _ends(process)
    t = _inverse(process)(ops, first + (last - first) * u)
    return t, (last - first) / process.d_gamma(ops, t)
