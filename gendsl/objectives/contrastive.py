"""Contrastive divergence: an energy is lowered at data and raised at samples of its own (gendsl/math/energy).

References:
    Training Products of Experts by Minimizing Contrastive Divergence (Hinton, 2002) |
    https://doi.org/10.1162/089976602760128018
    Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient (Tieleman, 2008) |
    https://doi.org/10.1145/1390156.1390290
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gendsl.graph.node import Graph
from gendsl.math.energy import contrast, negatives, restarted, turned
from gendsl.math.energy.score import Energy
from gendsl.objectives.base import Refusal, register
from gendsl.objectives.game import Loss, Noise, State
from gendsl.objectives.observed import observed
from gendsl.objectives.unnormalised import EnergyObjective

__all__ = ["ContrastiveDivergence", "PersistentContrastiveDivergence"]

Array = Any


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class ContrastiveDivergence(EnergyObjective):
    """Samples are a few Langevin steps from the data. Cheap and biased: the fewer the steps, the more.

    Args:
        steps: Langevin steps.
        step_size: their length h: x' = x - h grad E(x) + sqrt(2 h) noise.
        adjusted: accept or reject the steps (MALA). Otherwise (ULA) the samples, and so what is learnt, are off by
            O(h).
        decay: weight of mean E^2 at data and samples, which keeps energies near zero.

    Raises:
        ModelError: if a value is not what it should be.
    """

    purpose: ClassVar[str] = "an energy, against samples a few steps from its data"
    comparable: ClassVar[bool] = False

    steps: int = 20
    step_size: float = 0.1
    adjusted: bool = True
    decay: float = 0.0

    def __post_init__(self) -> None:
        self._count("steps")
        self._number("step_size", 0.0)
        self._flag("adjusted")
        self._number("decay", 0.0, closed=(True, False))

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """The noise of a batch x (n, *event): {"noise": (steps, m, *event)}, and {"uniform": (steps, m)}."""
        first, second = ops.split(key, 2)
        count = self._taken(x.shape[0])
        out = {"noise": ops.normal(first, (self.steps, count, *x.shape[1:]), like=x)}
        return out | ({"uniform": ops.uniform(second, (self.steps, count), like=x)} if self.adjusted else {})

    def loss(self, ops: Any, energy: Energy, frozen: Energy, x: Array, noise: Noise, state: State) -> Loss:
        """mean E(data) - mean E(samples), whose gradient is that of the negative log-likelihood at exact samples.

        Args:
            ops: array functions.
            energy: E, (n, *event) -> (n,).
            frozen: the same with parameters through which no gradient flows; samples come from it.
            x: data, (n, *event).
            noise: what `draw` gave.
            state: what is carried.
        """
        start = self._start(ops, x, noise, state)
        samples, acceptance = negatives(ops, frozen, start, self.step_size, noise["noise"], noise.get("uniform"))
        samples = ops.stop_gradient(samples)
        difference, size = contrast(ops, energy, x, samples, self.decay)
        parts = {"contrast": difference, "acceptance": acceptance} | ({"decay": size} if self.decay else {})
        return Loss(difference + size, parts, self._after(ops, samples, state))

    def move(self, ops: Any, energy: Energy, frozen: Energy, x: Array, noise: Noise, state: State) -> Loss:
        """See `loss`."""
        return self.loss(ops, energy, frozen, x, noise, state)

    def _taken(self, rows: int) -> int:
        """How many samples are made for a batch of so many rows."""
        return rows

    def _start(self, ops: Any, x: Array, noise: Noise, state: State) -> Array:
        return x

    def _after(self, ops: Any, samples: Array, state: State) -> State:
        return state


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class PersistentContrastiveDivergence(ContrastiveDivergence):
    """Samples go on from where they were: particles are the state of the game.

    They stand in a queue; each step moves as many of its first ones as the batch has rows, and puts them back at its
    end. So an energy with a context is refused: a particle is a sample under the context of a row, and goes on at a
    step that has other rows.

    Args:
        particles: how many.
        restart: share of those that are moved which starts anew from N(0, spread^2), in [0, 1).
        spread: standard deviation of what they start from, about as wide as the data.

    Raises:
        ModelError: if a value is not what it should be.
    """

    purpose: ClassVar[str] = "an energy, against samples of its own that are carried on"

    particles: int = 1024
    restart: float = 0.05
    spread: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._count("particles")
        self._number("restart", 0.0, 1.0, closed=(True, False))
        self._number("spread", 0.0)

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """As without persistence; and it needs an energy without a context."""
        if out := super().refusals(graph):
            return out
        at = observed(graph)
        if not at.context:
            return ()
        return [
            Refusal(
                f"{self.who()} carries samples from step to step, and those of '{at.name}' have contexts",
                node=at.name,
                given="context=..., which is that of a row, and each step has other rows",
                needed="samples that begin at rows and stay under their contexts, or an energy without a context",
                fix="gd.ContrastiveDivergence(), or score matching such as gd.SlicedScoreMatching()",
                where=at.node.where,
            )
        ]

    def initial_state(self, seed: int, event: tuple[int, ...]) -> dict[str, np.ndarray]:
        """{"particles": (particles, *event)}, float64, the same on every backend."""
        rng = np.random.default_rng([seed, 0xEB])
        return {"particles": self.spread * rng.standard_normal((self.particles, *event))}

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """As without persistence, and {"fresh": (m, *event), "again": (m,)} for those that start anew."""
        first, second, third = ops.split(key, 3)
        count = self._taken(x.shape[0])
        return super().draw(ops, first, x) | {
            "fresh": ops.normal(second, (count, *x.shape[1:]), like=x),
            "again": ops.uniform(third, (count,), like=x),
        }

    def _taken(self, rows: int) -> int:
        return min(rows, self.particles)

    def _start(self, ops: Any, x: Array, noise: Noise, state: State) -> Array:
        first = state["particles"][: noise["again"].shape[0]]
        return restarted(ops, first, self.spread * noise["fresh"], noise["again"], self.restart)

    def _after(self, ops: Any, samples: Array, state: State) -> State:
        return {"particles": turned(ops, state["particles"], samples)}
