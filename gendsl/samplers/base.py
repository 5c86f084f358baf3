"""What all samplers of diffusions are: specs that make tables of coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gendsl.math.diffusion.predicts import Predicts, input_scale, pair
from gendsl.math.diffusion.steps import denoised
from gendsl.math.diffusion.table import Table
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes.base import ForwardProcess
from gendsl.samplers.grids import Grid, UniformTime
from gendsl.spec import Checked

__all__ = ["Sampler"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Sampler(Checked):
    """A way to integrate a process from noise to data.

    Args:
        steps: of the grid; a method of several stages calls the network more than once a step.
        grid: where it steps.
        denoise: whether a last evaluation replaces x at the first time by its posterior mean: it takes away the noise
            that is left there, and the variance that goes with it.
    """

    space: ClassVar[str] = "gd.sampler"

    steps: int = 100
    grid: Grid = UniformTime()
    denoise: bool = False
    stochastic: ClassVar[bool] = False
    """Whether it takes noise at each step."""
    order: ClassVar[int] = 1
    """Order of convergence in the number of steps; weak order, where it takes noise."""

    def __post_init__(self) -> None:
        self._count("steps")
        self._flag("denoise")
        self._part("grid", Grid, "gd.sampler.UniformTime()")

    def table(self, process: ForwardProcess) -> Table:
        """Coefficients in terms of the posterior mean."""
        times = self.grid.times(process, self.steps)
        table = self._table(process, times, process.alpha(NUMPY, times), process.sigma(NUMPY, times))
        return table.followed_by(denoised(float(times[-1]))) if self.denoise else table

    def network_table(self, process: ForwardProcess, predicts: Predicts, data_scale: float = 1.0) -> Table:
        """Coefficients in terms of a network's output."""
        table = self.table(process)
        t = table.times
        skip, out = pair(NUMPY, process, predicts, t, data_scale)
        scale = input_scale(NUMPY, process, predicts, t, data_scale)
        return table.through(skip, out, scale, process.clock(NUMPY, t))

    def _table(self, process: ForwardProcess, times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
        raise NotImplementedError
