"""What all processes are: frozen specs whose formulas are those of gendsl.math.diffusion.process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.numpy_ops import NUMPY
from gendsl.spec import Checked

__all__ = ["ForwardProcess", "check"]

_POINTS = 2001


@dataclass(frozen=True, repr=False)
class ForwardProcess(GaussianPath, Checked):
    """A Gaussian forward process: see `GaussianPath` for its functions of time.

    Two processes are equal if their parameters are.
    """


def check(process: ForwardProcess) -> None:
    """Check that a process is one: alpha, sigma > 0, finite, and a log-SNR that falls from `start` to `end`.

    Raises:
        ModelError: naming the first of 2001 times at which it is not.
    """
    name = type(process).__name__
    t = np.linspace(process.start, process.end, _POINTS)
    with np.errstate(all="ignore"):
        alpha, sigma, rate = process.alpha(NUMPY, t), process.sigma(NUMPY, t), process.d_gamma(NUMPY, t)
        step = np.append(np.diff(process.gamma(NUMPY, t)), np.inf)
    for what, value in (("alpha", alpha), ("sigma", sigma)):
        bad = ~(np.isfinite(value) & (value > 0))
        if np.any(bad):
            k = int(np.argmax(bad))
            raise ModelError(
                f"{name}: {what} is not a positive number at t = {t[k]:.6g}",
                given=f"{what}({t[k]:.6g}) = {value[k]:.6g}",
                needed=f"positive {what} from start = {process.start:g} to end = {process.end:g}",
                fix="move start or end: near a time where alpha or sigma vanish, a process stops short of it",
                where=caller(),
            )
    bad = ~((step > 0) & (rate > 0))
    if np.any(bad):
        k = int(np.argmax(bad))
        raise ModelError(
            f"{name}: the log-SNR does not fall at t = {t[k]:.6g}",
            given=f"d log(SNR) / dt = {-rate[k]:.6g}",
            needed="a negative derivative from start to end: noise only grows relative to what is left of the data",
            fix="time runs from data (t = start) to noise (t = end); turn it round if alpha grows with t",
            where=caller(),
        )
