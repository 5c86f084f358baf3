"""Bounds by a guide on unconstrained space.

The model is an auxiliary site z in R^D, whose weight is the program's density at the latents that z holds; the guide
draws z. So every guide of gendsl.guide and every loss of an engine serve every program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.guide import Guide
from gendsl.objectives.baseline import Baselines
from gendsl.objectives.game import Batch, Loss, Noise, Params, Player, State
from gendsl.objectives.pair import Bound, Pair
from gendsl.objectives.parameters import parameters_of
from gendsl.objectives.rows import Rows, apart, given, leave
from gendsl.objectives.setting import Bindable, Setting
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.objectives.evidence import _Evidence

__all__ = ["PREFIX", "UnconstrainedGame", "bind_guide"]

PREFIX = "guide."
"""How names of a guide's parameters begin."""
SITE = "z"

Array = Any


def bind_guide(objective: _Evidence, setting: Setting) -> Bindable:
    """A bound by a guide on unconstrained space as a game.

    Raises:
        FitError: if a latent has a value for each row of a batch, or IWAE is asked for in batches.
    """
    graph, plate = setting.graph, setting.plate
    if plate is not None:
        for _, n in graph.of("latent"):
            if plate in getattr(n.type, "dims", ()):
                raise FitError(
                    f"'{n.name}' has a value for each element of '{plate}', {apart(setting.asked)}",
                    node=n.name,
                    given=f"guide={objective.guide!r}; {given(setting.asked)}",
                    needed="a guide that computes it from the data",
                    fix=f"a model as guide, or {leave(setting.asked)}",
                    where=n.where,
                )
        if objective.bound is Bound.IWAE:
            raise FitError(
                "IWAE's logarithm is of all rows together, and has no unbiased estimate by a batch",
                given=f"batches of '{plate}', and latents that all rows share",
                needed="all rows at every step, or gd.ELBO",
                fix=leave(setting.asked),
                where=caller(),
            )
    bound = setting.program()
    rows, by_row, whole = setting.laid({"model": bound})
    return Bindable(UnconstrainedGame(objective, setting, bound, rows), by_row, whole, {"model": bound})


class UnconstrainedGame:
    """The game: one player, noise for K draws of z."""

    players: tuple[Player, ...] = (Player("loss"),)

    def __init__(self, objective: _Evidence, setting: Setting, bound: BoundProgram, rows: Rows) -> None:
        if not isinstance(objective.guide, Guide):
            raise TypeError("a guide of gendsl.guide")
        self.objective, self.setting, self.bound, self.rows = objective, setting, bound, rows
        self.guide = objective.guide
        self.parameters = parameters_of(bound)
        self.ops, self.evidence = setting.backend.ops, setting.backend.evidence
        self.size = bound.dimension
        self.score = frozenset({SITE} if self.guide.draws and objective.score_of(SITE, True) else ())
        self.baselines = Baselines.of(getattr(objective, "baseline", None), self.score, self.ops)
        self.depth = max((-s for s in bound.program.emitted.slots.values()), default=0)  # particles stand left of it
        with setting.context():
            self.like = setting.backend.array(np.zeros(()), setting.precision)

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        own = self.guide.initial(self.size, seed)
        return self.parameters.initial(seed) | {f"{PREFIX}{k}": v for k, v in own.items()}

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return self.baselines.initial()

    def draw(self, player: Player, key: Any, batch: Batch) -> Noise:
        return self.noise(key, self.objective.particles)

    def noise(self, key: Any, count: int) -> Noise:
        """The noise of some draws."""
        width = self.guide.noise(self.size)
        return {SITE: self.ops.normal(key, (count, width), like=self.like)} if width else {}

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        ppl = self.evidence.ppl
        flat = self.distribution(params)

        def guide() -> None:
            ppl.sample(SITE, flat)

        def model() -> None:
            z = ppl.sample(SITE, flat.mask(False))  # only its shape counts
            ppl.factor("density", self.density(z, params, batch))

        particles = self.objective.particles if self.guide.draws else 1
        negative, costs = self.evidence.loss_and_costs(
            Pair(
                model=model,
                guide=guide,
                particles=particles,
                draws=noise,
                score=self.score,
                baselines=self.baselines.values(state),
                depth=self.depth,
                bound=self.objective.bound,
            )
        )
        return Loss(negative / self.rows.count, state=self.baselines.after(state, costs))

    def distribution(self, params: Params) -> Any:
        """The guide's distribution of z, of the engine."""
        own = {k.removeprefix(PREFIX): v for k, v in params.items() if k.startswith(PREFIX)}
        return self.guide.distribution(self.evidence.dist, self.ops, own)

    def density(self, z: Array, params: Params, batch: Batch) -> Array:
        """The program's density at each z, (..., D) -> (...)."""
        theta = self.parameters.constrained(self.ops, {k: v for k, v in params.items() if not k.startswith(PREFIX)})
        data = self.rows.arrays("model", batch, self.ops)
        program = self.bound.program
        arguments = (data, theta) if self.bound.takes_params else (data,)
        plate = self.rows.plate

        def one(at: Array) -> Array:
            u = self.latents(at)
            if plate is None:
                return program.log_density(u, *arguments)
            return self.evidence.log_joint(program.model, u, {plate: self.rows.scale(batch)}, *arguments)

        lead = tuple(z.shape[:-1])
        if not lead:
            return one(z)
        points = self.ops.reshape(z, (-1, self.size))
        if plate is None:
            values = self.ops.vmap(one)(points)
        else:  # an engine's handlers may ask for values, which vmap has none of
            values = self.ops.stack([one(points[k]) for k in range(points.shape[0])])
        return self.ops.reshape(values, lead)

    def latents(self, z: Array) -> dict[str, Array]:
        """The unconstrained latents that one z holds."""
        out, start = {}, 0
        for name, shape in self.bound.shapes.items():
            stop = start + int(np.prod(shape, dtype=int))
            out[name] = self.ops.reshape(z[start:stop], shape)
            start = stop
        return out
