"""The samplers. Their formulas stand with their tables: gendsl.math.diffusion.steps, multistep and stages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from gendsl.math.diffusion.multistep import multistep
from gendsl.math.diffusion.stages import heun
from gendsl.math.diffusion.steps import ancestral, ddim, euler_maruyama
from gendsl.math.diffusion.table import Table
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes.base import ForwardProcess
from gendsl.samplers.base import Sampler
from gendsl.samplers.grids import Grid, Karras, UniformLogSNR

__all__ = ["DDIM", "Ancestral", "DPMSolver", "EulerMaruyama", "Heun", "Variance"]


@dataclass(frozen=True, kw_only=True, repr=False)
class EulerMaruyama(Sampler):
    """Euler-Maruyama on the reverse SDE: order 1, noise at each step.

    Reference:
        Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
        https://arxiv.org/abs/2011.13456
    """

    steps: int = 1000
    stochastic: ClassVar[bool] = True

    def _table(self, process: ForwardProcess, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
        return euler_maruyama(times, alpha, sigma, process.f(NUMPY, times), process.g2(NUMPY, times))


class Variance(StrEnum):
    """Whose variance an ancestral step has.

    POSTERIOR: that of q(x_s | x_t, x_0), right for data at one point. FIXED_LARGE: that of the forward kernel
    q(x_t | x_s), right for data of unit variance.
    """

    POSTERIOR = "posterior"
    FIXED_LARGE = "fixed large"


@dataclass(frozen=True, kw_only=True, repr=False)
class Ancestral(Sampler):
    """Ancestral sampling of the explicit chain: draws from q(x_s | x_t, x_0 = x0_hat).

    Args:
        variance: of a step.

    Reference:
        Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    """

    steps: int = 1000
    variance: Variance = Variance.POSTERIOR
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._choice("variance", Variance)

    def _table(self, process: ForwardProcess, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
        return ancestral(times, alpha, sigma, self.variance is Variance.FIXED_LARGE)


@dataclass(frozen=True, kw_only=True, repr=False)
class DDIM(Sampler):
    """Denoising diffusion implicit models.

    Args:
        eta: 0 is a solver of the probability-flow ODE, of order 1; 1 is ancestral sampling.

    Reference:
        Denoising Diffusion Implicit Models (Song, Meng, Ermon, 2021) | https://arxiv.org/abs/2010.02502
    """

    eta: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("eta", 0.0, 1.0, closed=(True, True))

    @property
    def stochastic(self) -> bool:  # type: ignore[override]
        """Whether eta > 0."""
        return self.eta > 0

    def _table(self, process: ForwardProcess, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
        return ddim(times, alpha, sigma, self.eta)


@dataclass(frozen=True, kw_only=True, repr=False)
class Heun(Sampler):
    """Heun's method on the probability-flow ODE in (x / alpha, sigma / alpha): order 2, two evaluations a step.

    Reference:
        Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022) |
        https://arxiv.org/abs/2206.00364
    """

    steps: int = 40
    grid: Grid = Karras()
    order: ClassVar[int] = 2

    def _table(self, process: ForwardProcess, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
        return heun(times, alpha, sigma)


@dataclass(frozen=True, kw_only=True, repr=False)
class DPMSolver(Sampler):
    """DPM-Solver++, multistep, on the posterior mean: order 1, 2 (2M) or 3, one evaluation a step.

    Args:
        order: of convergence.

    Reference:
        DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models (Lu et al., 2022) |
        https://arxiv.org/abs/2211.01095
    """

    steps: int = 20
    grid: Grid = UniformLogSNR()
    order: int = 2  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in (1, 2, 3) or isinstance(self.order, bool):
            self._refuse("order is 1, 2 or 3", self.order, "1, 2 or 3", "order=2")

    def _table(self, process: ForwardProcess, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
        return multistep(times, alpha, sigma, self.order)
