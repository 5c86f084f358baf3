"""Langevin methods; gendsl/methods/lockstep.py runs them, gendsl/math/langevin has the steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from gendsl.methods.mcmc import MCMC, Adjusted

__all__ = ["MALA", "ULA", "Langevin"]


@dataclass(frozen=True, kw_only=True)
class MALA(Adjusted):
    """The Metropolis-adjusted Langevin algorithm on the fused density: one gradient an iteration.

    All chains move in lockstep, on either backend. Warmup adapts the step size by dual averaging and, where
    `precondition`, learns the posterior's variances (its covariance where dense) in windows of growing length. See
    `MCMC` for the arguments that all samplers share.

    Args:
        step_size: length h of the steps x' = x + h M grad log p(x) + sqrt(2 h) L noise, M = L L'; where there is a
            warmup, only the first one.
        precondition: whether warmup learns M; without, M = I.
        target_accept: as in `Adjusted`; 0.574 is best where there are many dimensions alike.
        dense: whether M has more than a diagonal; left out, as in `MCMC`.

    References:
        Exponential convergence of Langevin distributions and their discrete approximations (Roberts, Tweedie, 1996) |
        https://doi.org/10.2307/3318418
        Optimal scaling of discrete approximations to Langevin diffusions (Roberts, Rosenthal, 1998) |
        https://doi.org/10.1111/1467-9868.00123
    """

    step_size: float = 0.1
    precondition: bool = True
    target_accept: float = 0.574

    lockstep: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("step_size", math.inf, "a positive length", "a positive number, such as 0.1")
        self._boolean("precondition")


@dataclass(frozen=True, kw_only=True)
class ULA(MCMC):
    """The unadjusted Langevin algorithm on the fused density: every step is taken, so the draws are biased.

    With steps of length h a Gaussian of precision P comes out with the covariance P^-1 (I - h P / 2)^-1, and where
    h P has an eigenvalue of 2 or more, the chain runs away. The bias falls in proportion to h, as does the speed.
    Warmup is that of `MALA`, so that chains begin in the posterior; where `precondition`, it learns M. A draw's
    acceptance_rate is the probability with which `MALA` would have taken the step. See `MCMC` for the arguments that
    all samplers share.

    Args:
        step_size: length h of the steps x' = x + h M grad log p(x) + sqrt(2 h) L noise, M = L L'. Where M was learnt,
            it is in units of the posterior's variance.
        precondition: whether warmup learns M; without, M = I.
        dense: whether M has more than a diagonal; left out, as in `MCMC`.

    Reference:
        Non-asymptotic convergence analysis for the unadjusted Langevin algorithm (Durmus, Moulines, 2017) |
        https://arxiv.org/abs/1507.05021
    """

    step_size: float = 0.1
    precondition: bool = True

    lockstep: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("step_size", math.inf, "a positive length", "a positive number, such as 0.1")
        self._boolean("precondition")

    @property
    def caveat(self) -> str:
        """See `MCMC.caveat`."""
        return (
            f"ULA's draws are biased, whatever their number: no step is rejected, and at step_size={self.step_size:g} "
            f"even a standard normal has a variance of {self._variance()}; gd.MALA has no such bias"
        )

    def _variance(self) -> str:
        return f"{1.0 / (1.0 - self.step_size / 2.0):.3g}" if self.step_size < 2.0 else "infinity"


Langevin = MALA | ULA
