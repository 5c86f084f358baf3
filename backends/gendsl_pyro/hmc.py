"""Pyro's HMC on one flat vector, with the statistics it drops.

The algorithm, its leapfrog steps included, is Pyro's; what is overridden only looks on, and caps the number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from gendsl_pyro.kernel import Adapted, FlatMass, Resumable, Step

__all__ = ["FlatHMC"]

Tensor = torch.Tensor

_U = "u"


class _Known(torch.autograd.Function):
    """A scalar function whose gradient is computed along with it."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, both: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Tensor:
        value, gradient = both(q)
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return grads[0] * gradient, None


class FlatHMC(Resumable):
    """Pyro's HMC on a vector.

    Args:
        potential: the negative log-density of a vector.
        start: the initial vector.
        value_and_grad: the potential with its gradient, where there is something faster than autograd.
        dense: whether the mass matrix is dense.
        target_accept: acceptance probability that the step size is adapted to.
        trajectory: length of a trajectory.
        max_steps: most leapfrog steps of one.
        known: what was adapted before, where nothing is to adapt.
    """

    def __init__(
        self,
        potential: Callable[[Tensor], Tensor],
        start: Tensor,
        value_and_grad: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None,
        *,
        dense: bool,
        target_accept: float,
        trajectory: float,
        max_steps: int,
        known: Adapted | None = None,
    ) -> None:
        super().__init__(
            potential_fn=self._measured,
            trajectory_length=trajectory,
            full_mass=dense,
            target_accept_prob=target_accept,
            step_size=1 if known is None else known.step_size,
            adapt_step_size=known is None,
            adapt_mass_matrix=known is None,
        )
        self._function, self._both, self._most, self._known = potential, value_and_grad, max_steps, known
        self._value = math.nan
        self._energies: list[float] = []
        self._mass = self.mass_matrix_adapter = FlatMass()
        self.initial_params = {_U: start}
        self._position = {_U: start}

    @property
    def num_steps(self) -> int:
        """Leapfrog steps of the next trajectory."""
        return int(min(self._most, max(1.0, self.trajectory_length / self.step_size)))

    def step(self) -> tuple[Tensor, Step]:
        """One draw and its statistics."""
        self._energies = []
        size, steps, before = self.step_size, self.num_steps, self._potential_energy_last
        self._position = self.sample(self._position)
        old, new = self._energies[:2]  # of the start and of the end; what follows are trials of a new step size
        error = math.inf if math.isnan(new) else new - old
        now: Any = self._potential_energy_last
        return self._position[_U], Step(
            lp=-now.item(),
            energy=old if now is before else new,
            n_steps=steps,
            tree_depth=None,
            acceptance_rate=math.exp(min(0.0, -error)),
            step_size=size,
            diverging=error > self._max_sliced_energy,
        )

    def _measured(self, z: dict[str, Tensor]) -> Tensor:
        """The potential, remembered."""
        self._value = math.nan
        q = z[_U]
        out = self._function(q) if self._both is None else _Known.apply(q, self._both)
        self._value = out.item()
        return out

    # -- hooks of Pyro's kernel ------------------------------------------------------------------------------------
    def _kinetic_energy(self, r_unscaled: dict[tuple[str, ...], Tensor]) -> Tensor:
        kinetic: Tensor = super()._kinetic_energy(r_unscaled)
        # The start's potential is that of the last accepted state, which need not be the last one computed.
        first: Any = self._potential_energy_last
        self._energies.append(kinetic.item() + (self._value if self._energies else first.item()))
        return kinetic
