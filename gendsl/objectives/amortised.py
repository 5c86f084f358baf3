"""Bounds by a guide that is a model: both programs are emitted as declared, and the engine runs one against the other.

Plates have one slot each in both programs, so that a draw of the guide fits the model's site.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.emit.layout import Layout, assign_slots
from gendsl.errors import FitError, caller
from gendsl.graph.node import Graph
from gendsl.objectives.baseline import Baselines
from gendsl.objectives.game import Batch, Loss, Noise, Params, Player, State
from gendsl.objectives.guides import has_path, is_image, prior_of, reads
from gendsl.objectives.pair import Bound, Pair
from gendsl.objectives.parameters import parameters_of
from gendsl.objectives.rows import Rows, leave, mixing
from gendsl.objectives.setting import Bindable, Setting
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.objectives.evidence import _Evidence

__all__ = ["AmortisedGame", "bind_model"]

_SEED = "seed"
_SEEDS = 2**31 - 1


def bind_model(objective: _Evidence, setting: Setting) -> Bindable:
    """A bound by a guide that is a model as a game.

    Raises:
        FitError: if IWAE is asked for in batches although latents are shared by rows, or without paths.
    """
    guide = objective.amortised
    if guide is None:
        raise TypeError("a model as guide")
    if objective.bound is Bound.IWAE:
        _check_iwae(setting, guide)
    slots = assign_slots(setting.graph, guide)
    theirs = setting.guide(guide)
    programs = {
        "model": setting.forward(slots),
        "guide": theirs.forward({p.name: slots[p.name] for p in guide.plates}),
    }
    rows, by_row, whole = setting.laid(programs)
    return Bindable(AmortisedGame(objective, setting, programs, rows), by_row, whole, programs)


def _check_iwae(setting: Setting, guide: Graph) -> None:
    for _, n in guide.of("latent"):
        if not has_path(guide, n):
            raise FitError(
                f"IWAE's gradients pass along the paths of draws, and '{n.name}' has none",
                node=n.name,
                given=prior_of(guide, n)[0].op.removeprefix("dist."),
                needed="guides whose draws are differentiable",
                fix="gd.ELBO(guide=...), whose gradient may be that of the score function",
                where=n.where,
            )
    for d in dict.fromkeys(d for _, n in setting.graph.of("latent") for d in getattr(n.type, "dims", ())):
        if (met := next(iter(mixing(setting.graph, d)), None)) is not None and _all_over(setting.graph, d):
            raise FitError(
                f"IWAE takes elements of '{d}' for independent, and they meet",
                node=met.name,
                given=f"{met.op.removeprefix('dist.')} over '{d}'",
                needed=f"rows of '{d}' whose densities depend on no other row",
                fix="gd.ELBO(guide=...), which is a bound whatever rows share",
                where=met.where,
            )
    if setting.plate is not None and not _all_over(setting.graph, setting.plate):
        raise FitError(
            "IWAE's logarithm is of all rows together, and has no unbiased estimate by a batch",
            given=f"batches of '{setting.plate}', and sites that all rows share",
            needed="all rows at every step, or gd.ELBO",
            fix=leave(setting.asked),
            where=caller(),
        )


def _all_over(graph: Graph, plate: str) -> bool:
    """Whether every site is over the plate."""
    return all(plate in getattr(n.type, "dims", ()) for _, n in graph.of("latent", "observe", "factor"))


class AmortisedGame:
    """The game: one player, noise for K draws of every latent."""

    players: tuple[Player, ...] = (Player("loss"),)

    def __init__(self, objective: _Evidence, setting: Setting, programs: dict[str, BoundProgram], rows: Rows) -> None:
        self.objective, self.setting, self.programs, self.rows = objective, setting, programs, rows
        self.ops, self.evidence = setting.backend.ops, setting.backend.evidence
        self.parameters = {role: parameters_of(bound) for role, bound in programs.items()}
        self.names = {role: frozenset(p.initial(0)) for role, p in self.parameters.items()}
        if both := sorted(self.names["model"] & self.names["guide"]):
            raise FitError(
                "model and guide have parameters of one name",
                node=both[0],
                given=f"'{both[0]}' in both",
                needed="a name of its own for each network and parameter",
                fix="rename one of them",
                where=caller(),
            )
        graph = programs["guide"].program.graph
        latents = {str(n.name): n for _, n in graph.of("latent")}
        layouts = {x.name: x for x in programs["guide"].program.emitted.outputs}
        self.normal: dict[str, Layout] = {
            name: layouts[name] for name, n in latents.items() if is_image(graph, prior_of(graph, n)[0])
        }
        self.seeded = len(self.normal) < len(latents)
        self.score = frozenset(k for k, n in latents.items() if objective.score_of(k, has_path(graph, n)))
        self.reads = reads(setting.graph, graph)
        self.baselines = Baselines.of(getattr(objective, "baseline", None), self.score, self.ops)
        self.depth = max((-s for b in programs.values() for s in b.program.emitted.slots.values()), default=0)
        self.over = rows.plate is not None and _all_over(setting.graph, rows.plate)
        with setting.context():
            self.like = setting.backend.array(np.zeros(()), setting.precision)
            self.whole = setting.backend.array(np.zeros((), np.int64), setting.precision)

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return self.parameters["model"].initial(seed) | self.parameters["guide"].initial(seed)

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return self.baselines.initial()

    def draw(self, player: Player, key: Any, batch: Batch) -> Noise:
        sizes = dict(self.setting.bound.sizes)
        if self.rows.plate is not None:
            sizes[self.rows.plate] = self.rows.size(batch)
        keys = self.ops.split(key, len(self.normal) + 1)
        out = {
            name: self.ops.normal(k, (self.objective.particles, *layout.shape(sizes)), like=self.like)
            for k, (name, layout) in zip(keys[1:], self.normal.items(), strict=True)
        }
        return out | ({_SEED: self.ops.randint(keys[0], (), 0, _SEEDS, like=self.whole)} if self.seeded else {})

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        scale = self.rows.scale(batch) if self.rows.plate is not None else 1.0
        scales = {} if self.over or self.rows.plate is None else {self.rows.plate: scale}
        bound = self.objective.bound
        if getattr(self.objective, "analytic_kl", False):
            bound = Bound.ANALYTIC
        negative, costs = self.evidence.loss_and_costs(
            Pair(
                model=self._call("model", params, batch),
                guide=self._call("guide", params, batch),
                particles=self.objective.particles,
                draws={k: noise[k] for k in self.normal},
                seed=noise.get(_SEED),
                score=self.score,
                baselines=self.baselines.values(state),
                model_reads=self.reads[0],
                guide_reads=self.reads[1],
                scales=scales,
                depth=self.depth,
                bound=bound,
            )
        )
        count = self.rows.size(batch) if self.over else self.rows.count
        return Loss(negative / count, state=self.baselines.after(state, costs))

    def _call(self, role: str, params: Params, batch: Batch) -> Any:
        """A program without arguments."""
        bound = self.programs[role]
        data = self.rows.arrays(role, batch, self.ops)
        own = {k: v for k, v in params.items() if k in self.names[role]}
        theta = self.parameters[role].constrained(self.ops, own)
        arguments = (data, theta) if bound.takes_params else (data,)
        return lambda: bound.program.model(*arguments)
