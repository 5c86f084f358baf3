"""Maximum likelihood of energies by their own samples, over `ops`.

The gradient of the mean negative log-likelihood is that of

    mean_i E(x_i) - mean_j E(y_j),          y_j ~ exp(-E) / Z held fixed,

whose value is no likelihood. The samples y come from a few Langevin steps: from the data (contrastive divergence), or
from where the last ones ended (persistent contrastive divergence). Persistent particles stand in a queue: the first
ones are taken, moved and put back at its end, so that all are moved in turn. A share of those that are taken starts
anew, which keeps them from staying in modes that the energy has left.

References:
    Training Products of Experts by Minimizing Contrastive Divergence (Hinton, 2002) |
    https://doi.org/10.1162/089976602760128018
    Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient (Tieleman, 2008) |
    https://doi.org/10.1145/1390156.1390290
    Implicit Generation and Modeling with Energy-Based Models (Du, Mordatch, 2019) | https://arxiv.org/abs/1903.08689
"""

from __future__ import annotations

from typing import Any

from gendsl.math.energy.score import Energy, target
from gendsl.math.events import spread
from gendsl.math.langevin import Point, mala_chain, ula_chain

__all__ = ["contrast", "negatives", "restarted", "turned"]

Array = Any


def contrast(ops: Any, energy: Energy, data: Array, samples: Array, decay: float = 0.0) -> tuple[Array, Array]:
    """mean E(data) - mean E(samples), and decay (mean E(data)^2 + mean E(samples)^2), which keeps energies near zero.

    No gradient flows into the samples.

    Args:
        ops: array functions.
        energy: E.
        data: (n, *event).
        samples: (m, *event).
        decay: weight of the second term.
    """
    low, high = energy(data), energy(ops.stop_gradient(samples))
    size = decay * (ops.mean(ops.square(low)) + ops.mean(ops.square(high)))
    return ops.mean(low) - ops.mean(high), size


def restarted(ops: Any, particles: Array, fresh: Array, uniform: Array, share: float) -> Array:
    """Particles, about a share of which is replaced by fresh ones.

    Args:
        ops: array functions.
        particles: (n, *event).
        fresh: likewise.
        uniform: uniform on [0, 1), (n,).
        share: in [0, 1].
    """
    return ops.where(spread(ops, uniform, particles) < share, fresh, particles)


def negatives(
    ops: Any, energy: Energy, start: Array, step: Array, noise: Array, uniform: Array | None = None
) -> tuple[Array, Array]:
    """Samples of an energy after some Langevin steps, and the mean acceptance of these.

    Args:
        ops: array functions.
        energy: E, its parameters fixed.
        start: (n, *event).
        step: length of the steps.
        noise: standard normal, (steps, n, *event).
        uniform: uniform on [0, 1), (steps, n): MALA's steps. Without, ULA's, which are biased.
    """
    both = target(ops, energy)
    first = Point.at(both, start)
    if uniform is None:
        last, _ = ula_chain(ops, both, first, step, noise)
        return last.position, ops.ones((), like=start)
    last, trace = mala_chain(ops, both, first, step, noise, uniform)
    return last.position, ops.mean(trace.acceptance)


def turned(ops: Any, queue: Array, moved: Array) -> Array:
    """The queue after its first particles were moved and put back at its end.

    Args:
        ops: array functions.
        queue: all particles, (m, *event).
        moved: what became of the first n of them, (n, *event), n <= m.
    """
    return ops.concatenate([queue[moved.shape[0] :], moved], 0)
