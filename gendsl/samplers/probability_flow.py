"""How the log-density of a diffusion is computed, as a spec over gendsl.math.diffusion.likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gendsl.log_density import LogDensity
from gendsl.math.diffusion.likelihood import Adaptive, Base, log_density
from gendsl.math.diffusion.predicts import Net
from gendsl.processes.base import ForwardProcess
from gendsl.samplers.grids import Grid, UniformLogSNR
from gendsl.spec import Checked

__all__ = ["Probe", "ProbabilityFlow"]

Array = Any


class Probe(StrEnum):
    """What Hutchinson's estimate is drawn from. RADEMACHER: signs, with less variance. NORMAL: standard normal."""

    RADEMACHER = "rademacher"
    NORMAL = "normal"


@dataclass(frozen=True, kw_only=True, repr=False)
class ProbabilityFlow(Checked):
    """The probability-flow ODE, from data to noise.

    Args:
        steps: of the classical Runge-Kutta method, four evaluations each; even, so that the error can be estimated.
        grid: where it steps.
        rtol: relative tolerance of the backend's adaptive method of order 5, which takes the place of fixed steps.
        atol: its absolute tolerance; left out, `rtol`.
        max_steps: its most steps.
        probes: how many probes estimate the divergence; left out, it is exact, which takes as many derivatives as an
            event has elements.
        probe: their distribution.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021), appendix D.2 |
        https://arxiv.org/abs/2011.13456
    """

    steps: int = 50
    grid: Grid = UniformLogSNR()
    rtol: float | None = None
    atol: float | None = None
    max_steps: int = 10_000
    probes: int | None = None
    probe: Probe = Probe.RADEMACHER

    def __post_init__(self) -> None:
        self._count("steps", 2)
        if self.steps % 2:
            self._refuse("steps are even", f"steps={self.steps}", "an even number", f"steps={self.steps + 1}")
        self._part("grid", Grid, "gd.sampler.UniformLogSNR()")
        self._count("max_steps")
        self._choice("probe", Probe)
        for name in ("rtol", "atol"):
            if getattr(self, name) is not None:
                self._positive(name)
        if self.atol is not None and self.rtol is None:
            self._refuse("atol goes with rtol", f"atol={self.atol}", "rtol", f"rtol={self.atol}")
        if self.probes is not None:
            self._count("probes")

    def draw(self, ops: Any, key: Any, x: Array) -> Array | None:
        """The probes for points x (..., *event), (probes, ..., *event); None where the divergence is exact."""
        if self.probes is None:
            return None
        draw = ops.rademacher if self.probe is Probe.RADEMACHER else ops.normal
        return draw(key, (self.probes, *x.shape), like=x)

    def log_density(
        self,
        ops: Any,
        process: ForwardProcess,
        denoise: Net,
        x: Array,
        probes: Array | None = None,
        *,
        rank: int = 1,
        base: Base | None = None,
        check: bool = False,
    ) -> LogDensity:
        """log p at `process.start` by rows.

        Args:
            ops: array functions.
            process: the process.
            denoise: x0_hat of (..., *event) and a time, ().
            x: points, (..., *event).
            probes: as `draw` gives them.
            rank: event axes.
            base: log-density at the end; left out, N(0, base_scale^2).
            check: whether the error of fixed steps is estimated, which takes half as many evaluations again.
        """
        solver: Any
        if self.rtol is not None:
            solver = Adaptive(self.rtol, self.rtol if self.atol is None else self.atol, self.max_steps)
        else:
            solver = self.grid.times(process, self.steps)[::-1]
        return log_density(ops, process, denoise, x, solver, probes=probes, rank=rank, base=base, check=check)
