"""One step of ULA and of MALA, over `ops`.

The proposal of both is x' = x + h M g(x) + sqrt(2 h) L xi with g = grad log p, M = L L', xi ~ N(0, I). Seen from x',
the noise that leads back to x is

    xi' = L^-1 (x - x' - h M g(x')) / sqrt(2 h) = -xi - sqrt(h / 2) L' (g(x) + g(x')),

so that the ratio of Metropolis and Hastings needs no inverse of L:

    log a = log p(x') - log p(x) + (|xi|^2 - |xi'|^2) / 2,

and the proposal is accepted with probability min(1, a). A point at which the density or its gradient is not finite is
never accepted.

References:
    Exponential convergence of Langevin distributions and their discrete approximations (Roberts, Tweedie, 1996) |
    https://doi.org/10.2307/3318418
    Optimal scaling of discrete approximations to Langevin diffusions (Roberts, Rosenthal, 1998) |
    https://doi.org/10.1111/1467-9868.00123
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gendsl.math.events import norm_sq, spread
from gendsl.math.langevin.preconditioner import Identity, Preconditioner

__all__ = ["Move", "Point", "Target", "mala", "ula"]

Array = Any

Target = Callable[[Array], tuple[Array, Array]]
"""x (*batch, *event) -> (log p(x) up to a constant (*batch), its gradient (*batch, *event)); rows do not mix."""


class Point(NamedTuple):
    """Where chains are.

    Attributes:
        position: (*batch, *event).
        log_density: (*batch).
        score: its gradient, (*batch, *event).
    """

    position: Array
    log_density: Array
    score: Array

    @classmethod
    def at(cls, target: Target, position: Array) -> Point:
        """The point of some positions."""
        return cls(position, *target(position))


class Move(NamedTuple):
    """What a step of MALA did.

    Attributes:
        acceptance: the probability with which the proposal was accepted, (*batch).
        accepted: whether it was, (*batch).
    """

    acceptance: Array
    accepted: Array


def ula(
    ops: Any, target: Target, at: Point, step: Array, noise: Array, preconditioner: Preconditioner = Identity()
) -> Point:
    """One unadjusted step.

    Args:
        ops: array functions.
        target: log-density and gradient.
        at: where the chains are.
        step: h, a number or one for each chain, (*batch).
        noise: standard normal, (*batch, *event).
        preconditioner: L.

    Returns:
        Where they are then; not finite where the density is not.
    """
    h, g = spread(ops, step, noise), preconditioner.transposed(ops, at.score)
    move = h * g + ops.sqrt(2.0 * h) * noise
    return Point.at(target, at.position + preconditioner.times(ops, move))


def mala(
    ops: Any,
    target: Target,
    at: Point,
    step: Array,
    noise: Array,
    uniform: Array,
    preconditioner: Preconditioner = Identity(),
) -> tuple[Point, Move]:
    """One step with acceptance.

    Args:
        ops: array functions.
        target: log-density and gradient.
        at: where the chains are; the log-density is finite there.
        step: h, a number or one for each chain, (*batch).
        noise: standard normal, (*batch, *event).
        uniform: uniform on [0, 1), (*batch). Where it is negative the proposal is accepted whatever it is: a step of
            ULA, of which the acceptance tells how far it is from MALA's.
        preconditioner: L.
    """
    batch = at.log_density.ndim
    new = ula(ops, target, at, step, noise, preconditioner)
    pull = preconditioner.transposed(ops, at.score + new.score)
    back = -noise - ops.sqrt(0.5 * spread(ops, step, noise)) * pull
    ratio = new.log_density - at.log_density + 0.5 * (norm_sq(ops, noise, batch) - norm_sq(ops, back, batch))
    finite = ops.isfinite(ratio)
    acceptance = ops.exp(ops.clip(ops.where(finite, ratio, ops.zeros_like(ratio)), None, 0.0))
    acceptance = ops.where(finite, acceptance, ops.zeros_like(ratio))
    accepted = uniform < acceptance
    wide = ops.reshape(accepted, (*accepted.shape, *(1,) * (noise.ndim - batch)))
    where = Point(
        ops.where(wide, new.position, at.position),
        ops.where(accepted, new.log_density, at.log_density),
        ops.where(wide, new.score, at.score),
    )
    return where, Move(acceptance, accepted)
