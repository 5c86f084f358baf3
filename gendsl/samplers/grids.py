"""Where a sampler steps: grids of times, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gendsl.math.diffusion import grids
from gendsl.namespace import namespace
from gendsl.processes.base import ForwardProcess
from gendsl.spec import Checked

__all__ = ["Grid", "Karras", "GivenTimes", "UniformLogSNR", "UniformTime"]


@dataclass(frozen=True, repr=False)
class Grid(Checked):
    """Times from the noise to the data."""

    def times(self, process: ForwardProcess, steps: int) -> np.ndarray:
        """Times from `process.end` down to `process.start`, (steps + 1,), float64."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class UniformTime(Grid):
    """Equal steps of time."""

    def times(self, process: ForwardProcess, steps: int) -> np.ndarray:
        """Equal steps of t."""
        return np.linspace(process.end, process.start, steps + 1)


@dataclass(frozen=True, repr=False)
class UniformLogSNR(Grid):
    """Equal steps of the log-SNR: the grid on which multistep solvers have their order with the fewest steps."""

    def times(self, process: ForwardProcess, steps: int) -> np.ndarray:
        """Equal steps of log(alpha^2 / sigma^2)."""
        return grids.uniform_log_snr(process, steps)


@dataclass(frozen=True, repr=False)
class Karras(Grid):
    """Equal steps of (sigma / alpha)^(1 / rho): short steps near the data.

    Args:
        rho: 7 in the reference; the larger, the shorter the last steps.

    Reference:
        Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022) |
        https://arxiv.org/abs/2206.00364
    """

    rho: float = 7.0

    def __post_init__(self) -> None:
        self._number("rho", 0.0)

    def times(self, process: ForwardProcess, steps: int) -> np.ndarray:
        """Equal steps of (sigma / alpha)^(1 / rho)."""
        return grids.karras(process, steps, self.rho)


@dataclass(frozen=True, repr=False)
class GivenTimes(Grid):
    """The user's own times.

    Args:
        values: falling, from the noise to the data, steps + 1 of them.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.asarray(self.values, float)
        if values.ndim != 1 or len(values) < 2 or not np.all(np.isfinite(values)) or np.any(np.diff(values) >= 0):
            self._refuse("values are times that fall", self.values, "two or more numbers, from the noise to the data")
        self._set("values", tuple(float(v) for v in values))

    def times(self, process: ForwardProcess, steps: int) -> np.ndarray:
        """The values."""
        if len(self.values) != steps + 1:
            self._refuse(
                "the sampler takes another number of steps",
                f"{len(self.values)} times",
                f"{steps + 1} times",
                f"steps={len(self.values) - 1}",
            )
        return np.array(self.values)


if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.sampler.grid", __all__)
