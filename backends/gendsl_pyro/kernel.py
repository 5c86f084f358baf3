"""Pyro's NUTS on one flat vector, with the statistics it drops.

The algorithm is Pyro's: tree building, U-turn test, step size and mass matrix adaptation. What is overridden is how one
leapfrog step and one inner product are computed. The position is a single vector under the key "u", so a step takes a
dozen tensor operations, however many sites there are:

    r' = r - eps/2 grad U(q);  q' = q + eps M^-1 r';  r'' = r' - eps/2 grad U(q')
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pyro.infer.mcmc.adaptation import BlockMassMatrix
from pyro.infer.mcmc.hmc import HMC
from pyro.infer.mcmc.nuts import NUTS, _TreeInfo
from pyro.ops.integrator import potential_grad

from gendsl_pyro.density import singular

__all__ = ["Adapted", "FlatMass", "FlatNUTS", "Resumable", "Step"]

Tensor = torch.Tensor
Vector = dict[str, Tensor]

_U = "u"
_BLOCK = (_U,)


@dataclass(slots=True)
class Step:
    """Statistics of one draw.

    Attributes:
        lp: log-density of the accepted state.
        energy: its Hamiltonian, with the momentum it was reached with.
        n_steps: leapfrog steps of the trajectory.
        tree_depth: doublings that were begun; None for HMC.
        acceptance_rate: mean Metropolis probability along the trajectory.
        step_size: of the integrator.
        diverging: whether the energy ran away.
    """

    lp: float
    energy: float
    n_steps: int
    tree_depth: int | None
    acceptance_rate: float
    step_size: float
    diverging: bool


class FlatMass(BlockMassMatrix):
    """Pyro's mass matrix with a single block and a single parameter."""

    def velocity(self, r: Tensor) -> Tensor:
        inverse = self._inverse_mass_matrix[_BLOCK]
        return inverse * r if inverse.dim() == 1 else inverse.mv(r)

    def set(self, inverse: Tensor) -> None:
        """Use this inverse mass matrix, a diagonal or whole."""
        self.inverse_mass_matrix = {_BLOCK: inverse}

    def get(self) -> Tensor:
        """The inverse mass matrix, a diagonal or whole."""
        out: Tensor = self._inverse_mass_matrix[_BLOCK]
        return out

    def unscaled(self, r: Tensor) -> Tensor:
        root = self._mass_matrix_sqrt_inverse[_BLOCK]
        return root * r if root.dim() == 1 else root.mv(r)

    def kinetic_grad(self, r: Vector) -> Vector:
        return {_U: self.velocity(r[_U])}

    def unscale(self, r: Vector) -> dict[tuple[str, ...], Tensor]:
        return {_BLOCK: self.unscaled(r[_U])}


@dataclass(frozen=True, eq=False)
class Adapted:
    """What warmup finds.

    Attributes:
        step_size: of the integrator.
        inverse_mass: the inverse mass matrix, a diagonal or whole.
    """

    step_size: float
    inverse_mass: Tensor


class Resumable(HMC):
    """What Pyro's kernels on a vector share: they go on with what was adapted before, and tell what they adapted."""

    _known: Adapted | None
    _mass: FlatMass

    def setup(self, warmup_steps: int, *args: Any, **kwargs: Any) -> None:
        """Prepare for so many iterations of warmup."""
        super().setup(warmup_steps, *args, **kwargs)
        if self._known is not None:
            self._mass.set(self._known.inverse_mass)

    def adapted(self) -> Adapted:
        """What has been adapted."""
        return Adapted(float(self.step_size), self._mass.get())


class FlatNUTS(Resumable, NUTS):
    """Pyro's NUTS on a vector.

    Args:
        potential: the negative log-density of a vector.
        start: the initial vector.
        value_and_grad: the potential with its gradient, where there is something faster than autograd.
        dense: whether the mass matrix is dense.
        target_accept: acceptance probability that the step size is adapted to.
        max_tree_depth: most doublings.
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
        max_tree_depth: int,
        known: Adapted | None = None,
    ) -> None:
        super().__init__(
            potential_fn=lambda z: potential(z[_U]),
            full_mass=dense,
            target_accept_prob=target_accept,
            max_tree_depth=max_tree_depth,
            step_size=1 if known is None else known.step_size,
            adapt_step_size=known is None,
            adapt_mass_matrix=known is None,
        )
        self._value_and_grad, self._known = value_and_grad, known
        self._mass = self.mass_matrix_adapter = FlatMass()
        self.initial_params = {_U: start}
        self._position: Vector = {_U: start}
        self._begin()

    def step(self) -> tuple[Tensor, Step]:
        """One draw and its statistics."""
        self._begin()
        size, before = self.step_size, self._potential
        self._position = self.sample(self._position)
        now = self._potential
        energy = self._start_energy(before) if now is before else self._energies[id(now)][1]
        return self._position[_U], Step(
            lp=-now.item(),
            energy=energy,
            n_steps=self._leaves,
            tree_depth=self._leaves.bit_length(),
            acceptance_rate=self._accepted / max(self._leaves, 1),
            step_size=size,
            diverging=self._diverged,
        )

    @property
    def _potential(self) -> Tensor:
        out: Any = self._potential_energy_last
        return out

    def _begin(self) -> None:
        self._leaves, self._accepted, self._diverged = 0, 0.0, False
        self._first_momentum: Tensor | None = None
        # Keyed by the identity of the potential's tensor, which Pyro hands through; the tensor is kept alive.
        self._energies: dict[int, tuple[Tensor, float]] = {}

    def _start_energy(self, potential: Tensor) -> float:
        r = self._first_momentum
        return potential.item() + (0.0 if r is None else 0.5 * r.dot(r).item())

    def _gradient(self, z: Vector) -> tuple[Vector, Tensor]:
        """Pyro's `potential_grad`: a singular matrix counts as a potential that is not a number."""
        if self._value_and_grad is None:
            out: tuple[Vector, Tensor] = potential_grad(self.potential_fn, z)
            return out
        try:
            with torch.no_grad():
                value, gradient = self._value_and_grad(z[_U])
        except RuntimeError as e:
            if singular(e):
                return {_U: torch.zeros_like(z[_U])}, z[_U].new_tensor(math.nan)
            raise
        return {_U: gradient}, value

    # -- hooks of Pyro's kernel ------------------------------------------------------------------------------------
    def _sample_r(self, name: str) -> tuple[Vector, dict[tuple[str, ...], Tensor]]:
        r, unscaled = super()._sample_r(name)
        if self._first_momentum is None:
            self._first_momentum = unscaled[_BLOCK]
        return r, unscaled

    def _is_turning(
        self,
        r_left_unscaled: dict[tuple[str, ...], Tensor],
        r_right_unscaled: dict[tuple[str, ...], Tensor],
        r_sum: dict[tuple[str, ...], Tensor],
    ) -> bool:
        left, right = r_left_unscaled[_BLOCK], r_right_unscaled[_BLOCK]
        rho = torch.sub(r_sum[_BLOCK], left + right, alpha=0.5)
        return bool(left.dot(rho) <= 0) or bool(right.dot(rho) <= 0)

    def _build_basetree(
        self, z: Vector, r: Vector, z_grads: Vector, log_slice: Tensor, direction: int, energy_current: Tensor
    ) -> _TreeInfo:
        eps = self.step_size if direction == 1 else -self.step_size
        half = torch.sub(r[_U], z_grads[_U], alpha=0.5 * eps)
        z_new = {_U: torch.add(z[_U], self._mass.velocity(half), alpha=eps)}
        grads, potential = self._gradient(z_new)
        momentum = torch.sub(half, grads[_U], alpha=0.5 * eps)
        unscaled = self._mass.unscaled(momentum)

        energy = potential.item() + 0.5 * unscaled.dot(unscaled).item()
        if math.isnan(energy):
            energy = math.inf
        sliced = energy + log_slice.item()
        accept = math.exp(min(0.0, energy_current.item() - energy))
        weight = log_slice.new_tensor(-sliced)
        diverging = sliced > self._max_sliced_energy
        self._diverged |= diverging  # Pyro notes it after warmup only
        self._leaves += 1
        self._accepted += accept
        self._energies[id(potential)] = (potential, energy)
        r_new, r_unscaled = {_U: momentum}, {_BLOCK: unscaled}
        return _TreeInfo(
            z_left=z_new,
            r_left=r_new,
            r_left_unscaled=r_unscaled,
            z_left_grads=grads,
            z_right=z_new,
            r_right=r_new,
            r_right_unscaled=r_unscaled,
            z_right_grads=grads,
            z_proposal=z_new,
            z_proposal_pe=potential,
            z_proposal_grads=grads,
            r_sum=r_unscaled,
            weight=weight,
            turning=False,
            diverging=diverging,
            sum_accept_probs=np.float64(accept),
            num_proposals=1,
        )
