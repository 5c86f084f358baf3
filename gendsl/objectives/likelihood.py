"""Maximum likelihood, for models whose density is known: those without latents.

    loss = -(1 / N) sum over rows log p(row | parameters)

of a batch of B rows the mean over the batch; terms of the model that are not over the plate of rows enter with 1 / N.
Where all data are used at every step, the density is the fused one, with sufficient statistics where there are some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gendsl.graph.node import Graph
from gendsl.objectives.base import Objective, Refusal, register
from gendsl.objectives.densities import density_refusals
from gendsl.objectives.game import Batch, Loss, Noise, Params, Player, State
from gendsl.objectives.parameters import Parameters, parameters_of
from gendsl.objectives.rows import Rows
from gendsl.objectives.setting import Bindable, Setting
from gendsl.program import BoundProgram

__all__ = ["MaximumLikelihood"]


@register
@dataclass(frozen=True, kw_only=True)
class MaximumLikelihood(Objective):
    """The parameters and networks under which the data are most probable; for models without latents."""

    purpose: ClassVar[str] = "the density of the data, by its parameters and networks"

    @classmethod
    def turn(cls, graph: Graph) -> int | None:
        """After what learns a diffusion without solving its equation at every step."""
        return 2

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """It needs observations whose density is known, and no latents."""
        out = []
        if not graph.of("observe", "factor"):
            out.append(
                Refusal(
                    f"model '{graph.name}' observes nothing, so nothing has a likelihood",
                    given="no observation",
                    needed="an observation",
                    fix='m.observe("y", ...)',
                )
            )
        for _, n in graph.of("latent")[:1]:
            out.append(
                Refusal(
                    f"the likelihood of '{graph.name}' is an integral over its latents",
                    node=n.name,
                    given=f"latents {', '.join(repr(m.name) for _, m in graph.of('latent'))}"[:80],
                    needed="a model without latents",
                    fix="a bound on it: gd.ELBO(), or gd.IWAE(guide=...)",
                    where=n.where,
                )
            )
        return out + density_refusals(graph)

    def bind(self, setting: Setting) -> Bindable:
        """The likelihood of a model's data as a game."""
        self.check(setting.graph)
        bound = setting.program()
        rows, by_row, whole = setting.laid({"model": bound})
        return Bindable(_Likelihood(setting, bound, rows), by_row, whole, {"model": bound})


class _Likelihood:
    """The game: one player, no noise."""

    players: tuple[Player, ...] = (Player("loss"),)

    def __init__(self, setting: Setting, bound: BoundProgram, rows: Rows) -> None:
        self.setting, self.bound, self.rows = setting, bound, rows
        self.parameters: Parameters = parameters_of(bound)
        self.program, self.ops = bound.program, setting.backend.ops

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return self.parameters.initial(seed)

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return {}

    def draw(self, player: Player, key: Any, batch: Batch) -> Noise:
        return {}

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        data = self.rows.arrays("model", batch, self.ops)
        theta = self.parameters.constrained(self.ops, params)
        arguments = (data, theta) if self.bound.takes_params else (data,)
        if self.rows.plate is None:
            total = self.program.log_density({}, *arguments)
        else:
            scales = {self.rows.plate: self.rows.scale(batch)}
            total = self.setting.backend.evidence.log_joint(self.program.model, {}, scales, *arguments)
        return Loss(-total / self.rows.count)
