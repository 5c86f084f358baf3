"""Draws of a scalar against its reference.

With m and s the mean and standard deviation of the draws, and m0, s0 the reference's, the bounds are

    |m - m0| <= 5 sqrt(mcse^2 + mcse0^2)  and  |m - m0| <= 0.15 s0
    |s / s0 - 1| <= 0.15                  (0.25 for scale parameters of fewer than 10 groups)
    |q - q0| <= 0.20 s0                   for the 5, 50 and 95 % quantiles, where given
    R-hat < 1.01, bulk ESS > 400, divergences in at most 0.1 % of the draws

where mcse0 is the reference's, or s0 / sqrt(10000) where it is not given, and there are at least 4 chains of 1,000
kept draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Row", "compare"]

_CHAINS, _DRAWS = 4, 1000
_REFERENCE_DRAWS = 10_000
_QUANTILES = {"q5": 0.05, "q50": 0.50, "q95": 0.95}


@dataclass(frozen=True)
class Row:
    """One scalar against its reference.

    Attributes:
        name: the scalar.
        mean: mean of the draws.
        reference_mean: the reference's.
        mcse: combined Monte Carlo standard error of the two means.
        sd_ratio: sd of the draws over the reference's.
        quantile_error: largest deviation of a quantile in reference sds; None where the reference gives none.
        rhat: R-hat.
        ess: bulk effective sample size.
        mean_within_mcse: whether the mean is within 5 combined standard errors.
        mean_within_sd: whether the mean is within 0.15 reference sd.
        sd_passed: whether the sd ratio is within its bound.
        quantiles_passed: whether all given quantiles are within 0.20 reference sd.
        rhat_passed: whether R-hat < 1.01.
        ess_passed: whether the bulk ESS exceeds 400.
        divergences_passed: whether at most 0.1 % of the draws diverged.
    """

    name: str
    mean: float
    reference_mean: float
    mcse: float
    sd_ratio: float
    quantile_error: float | None
    rhat: float
    ess: float
    mean_within_mcse: bool
    mean_within_sd: bool
    sd_passed: bool
    quantiles_passed: bool
    rhat_passed: bool
    ess_passed: bool
    divergences_passed: bool

    @property
    def flags(self) -> dict[str, bool]:
        """The bounds by name, and whether each holds."""
        return {k: v for k, v in vars(self).items() if isinstance(v, bool)}

    @property
    def passed(self) -> bool:
        """Whether every bound holds."""
        return all(self.flags.values())

    def __str__(self) -> str:
        failed = ", ".join(k for k, ok in self.flags.items() if not ok)
        quantiles = "" if self.quantile_error is None else f"  quantiles {self.quantile_error:.3f} sd"
        return (
            f"{self.name}: mean {self.mean:.5g} (reference {self.reference_mean:.5g}, mcse {self.mcse:.2g})  "
            f"sd ratio {self.sd_ratio:.3f}{quantiles}  R-hat {self.rhat:.4f}  ESS {self.ess:.0f}  "
            + (f"FAILED: {failed}" if failed else "passed")
        )


def compare(name: str, x: np.ndarray, truth: Mapping[str, float], sd_bound: float, calm: bool) -> Row:
    """Apply the bounds at the head of this module.

    Args:
        name: the scalar.
        x: its draws (chain, draw).
        truth: its reference: mean, sd and, where known, q5, q50, q95, mcse_mean.
        sd_bound: the largest deviation of the ratio of standard deviations from 1.
        calm: whether few enough of the draws diverged.

    Raises:
        ValueError: if there are too few draws.
    """
    import arviz as az

    if x.shape[0] < _CHAINS or x.shape[1] < _DRAWS:
        raise ValueError(f"'{name}' has draws {x.shape}; the bounds need at least {_CHAINS} chains of {_DRAWS}")
    mean, mean0, sd0 = float(x.mean()), truth["mean"], truth["sd"]
    mcse0 = truth.get("mcse_mean", sd0 / math.sqrt(_REFERENCE_DRAWS))
    mcse = math.hypot(float(az.mcse(x, method="mean")), mcse0)
    ratio = float(x.std(ddof=1)) / sd0
    errors = [abs(float(np.quantile(x, p)) - truth[key]) / sd0 for key, p in _QUANTILES.items() if key in truth]
    worst = max(errors, default=None)
    rhat, ess = float(az.rhat(x)), float(az.ess(x, method="bulk"))
    return Row(
        name=name,
        mean=mean,
        reference_mean=mean0,
        mcse=mcse,
        sd_ratio=ratio,
        quantile_error=worst,
        rhat=rhat,
        ess=ess,
        mean_within_mcse=abs(mean - mean0) <= 5 * mcse,
        mean_within_sd=abs(mean - mean0) <= 0.15 * sd0,
        sd_passed=abs(ratio - 1) <= sd_bound,
        quantiles_passed=worst is None or worst <= 0.20,
        rhat_passed=rhat < 1.01,
        ess_passed=ess > 400,
        divergences_passed=calm,
    )
