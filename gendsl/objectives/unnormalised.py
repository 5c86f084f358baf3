"""Objectives of energies as games: one player, the rows of one observation, and a state where samples are carried on.

The loss is a mean over rows, and all that is asked of the model is E at given parameters and rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.densities import EnergyDensity
from gendsl.graph.node import Graph
from gendsl.math.energy.score import Energy
from gendsl.objectives.base import Objective, Refusal
from gendsl.objectives.contexts import Contexts, contexts_of
from gendsl.objectives.game import Batch, Loss, Noise, Params, Player, State
from gendsl.objectives.idle import idle
from gendsl.objectives.observed import observed, row_refusals
from gendsl.objectives.parameters import Parameters, parameters_of
from gendsl.objectives.rows import Rows
from gendsl.objectives.setting import Bindable, Setting
from gendsl.program import BoundProgram
from gendsl.spec import Checked

__all__ = ["EnergyObjective"]

Array = Any


@dataclass(frozen=True, kw_only=True, repr=False)
class EnergyObjective(Checked, Objective):
    """What the objectives of an energy share: the model observes rows of one gd.Energy, and nothing else."""

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """It needs one observation of an energy over a plate, and neither latents nor factors."""
        return row_refusals(graph, self.who(), "Energy") + idle(graph, self.who(), "energy")

    def bind(self, setting: Setting) -> Bindable:
        """The objective of a model's rows as a game."""
        self.check(setting.graph)
        bound = setting.program()
        contexts = contexts_of(setting)
        rows, by_row, whole = setting.laid({"model": bound} | contexts.programs)
        return Bindable(_EnergyGame(self, setting, bound, rows, contexts), by_row, whole, {"model": bound})

    def initial_state(self, seed: int, event: tuple[int, ...]) -> dict[str, np.ndarray]:
        """What is carried from step to step: nothing, unless a subclass says so."""
        return {}

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """The noise of a batch x (n, *event), as arrays."""
        raise NotImplementedError

    def move(self, ops: Any, energy: Energy, frozen: Energy, x: Array, noise: Noise, state: State) -> Loss:
        """The loss at one step.

        Args:
            ops: array functions.
            energy: E, (n, *event) -> (n,), row i under the context of the batch's row i.
            frozen: the same with parameters and contexts through which no gradient flows.
            x: data, (n, *event).
            noise: what `draw` gave.
            state: what is carried.
        """
        raise NotImplementedError


class _EnergyGame:
    """The game: one player."""

    players: tuple[Player, ...] = (Player("loss"),)

    def __init__(
        self, objective: EnergyObjective, setting: Setting, bound: BoundProgram, rows: Rows, contexts: Contexts
    ) -> None:
        self.objective, self.rows, self.at = objective, rows, observed(setting.graph)
        self.contexts = contexts
        self.parameters: Parameters = parameters_of(bound)
        self.ops, self.layers = setting.backend.ops, setting.backend.layers

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return self.parameters.initial(seed)

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return self.objective.initial_state(seed, self.at.event)

    def draw(self, player: Player, key: Any, batch: Batch) -> Noise:
        return self.objective.draw(self.ops, key, self.at.rows(self.ops, self.rows, batch))

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        own, stop = self.at.own(params), self.ops.stop_gradient
        theta = self.parameters.constrained(self.ops, params)
        context = self.contexts.rows(self.ops, theta, self.rows, batch).get(self.at.name)
        energy = self._energy(own, context)
        frozen = self._energy({k: stop(v) for k, v in own.items()}, None if context is None else stop(context))
        x = self.at.rows(self.ops, self.rows, batch)
        return self.objective.move(self.ops, energy, frozen, x, noise, state)

    def _energy(self, own: Params, context: Array | None) -> Energy:
        """E at given parameters, of rows under given contexts."""
        spec = self.at.used.spec
        if not isinstance(spec, EnergyDensity):
            raise TypeError("an energy")
        return lambda x: spec.energy(self.layers, own, x, self.at.event, context)
