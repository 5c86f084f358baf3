"""Denoising objectives bound to a model that observes diffusions.

With the loss l(x; y, theta, noise) of an event x and its context y, where it has one (gendsl/math/diffusion/losses.py),
sites s and their elements x_sj,

    loss = sum_s loss_s,      loss_s = (1 / N) sum_j l(x_sj; y_sj, theta, noise_sj)

over N rows: those of the plate of rows, of a batch its B rows; without such a plate, the elements of the plates that
all sites have in common. So loss_s is the mean over rows, and that of a batch is unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.graph.learned import parts
from gendsl.graph.node import Graph, Node
from gendsl.objectives.base import Refusal
from gendsl.objectives.contexts import Contexts
from gendsl.objectives.diffusions import Site, only_diffusions, site_of
from gendsl.objectives.game import Batch, Loss, Noise, Params, Player, State
from gendsl.objectives.idle import idle
from gendsl.objectives.parameters import Parameters, parameters_of
from gendsl.objectives.rows import Rows
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.objectives.diffusion import DiffusionObjective
    from gendsl.objectives.setting import Setting

__all__ = ["Matching", "matching_refusals"]

Array = Any


class Matching:
    """The game: one player.

    Args:
        objective: the loss of an event, and its noise.
        setting: the model with its data.
        bound: its program.
        rows: how the program's arrays are found in batches.
        contexts: of the sites.
    """

    players: tuple[Player, ...] = (Player("loss"),)

    def __init__(
        self, objective: DiffusionObjective, setting: Setting, bound: BoundProgram, rows: Rows, contexts: Contexts
    ) -> None:
        self.objective, self.rows, self.sites = objective, rows, only_diffusions(setting.graph)
        self.contexts = contexts
        self.parameters: Parameters = parameters_of(bound)
        self.layers, self.ops = setting.backend.layers, setting.backend.ops
        common = [p for p in self.sites[0].dims if all(p in s.dims for s in self.sites)]
        self.count = rows.count if rows.plate else math.prod(setting.bound.sizes[p] for p in common)

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        return self.parameters.initial(seed)

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return {}

    def events(self, batch: Batch) -> dict[str, Array]:
        """Site -> its events in a batch, (n, *event)."""
        arrays = self.rows.arrays("model", batch, self.ops)
        return {s.name: self.ops.reshape(arrays[str(s.data)], (-1, *s.event)) for s in self.sites}

    def draw(self, player: Player, key: Any, batch: Batch) -> Noise:
        out: Noise = {}
        keys = self.ops.split(key, len(self.sites))
        for s, own, x in zip(self.sites, keys, self.events(batch).values(), strict=True):
            noise = self.objective.draw(self.ops, own, x, s.rank)
            out |= {f"{s.name}.{k}": v for k, v in noise.items()}
        return out

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        theta, events = self.parameters.constrained(self.ops, params), self.events(batch)
        contexts = self.contexts.rows(self.ops, theta, self.rows, batch)
        parts: dict[str, Array] = {}
        for s in self.sites:
            own = {k.removeprefix(f"{s.name}."): v for k, v in noise.items() if k.startswith(f"{s.name}.")}
            net = s.spec.net(self.layers, s.own(theta), s.event, contexts.get(s.name))
            each = self.objective.loss(
                self.ops, s.spec.process, s.spec.predicts, net, events[s.name], own, s.rank, s.spec.data_scale
            )
            parts[s.name] = self.ops.sum(each) / self._rows(s, batch)
        total = parts[self.sites[0].name]
        for s in self.sites[1:]:
            total = total + parts[s.name]
        return Loss(total, parts if len(parts) > 1 else {})

    def _rows(self, s: Site, batch: Batch) -> int:
        return self.rows.size(batch) if self.rows.plate in s.dims else self.count


def matching_refusals(graph: Graph, who: str) -> list[Refusal]:
    """Why a denoising objective does not apply to a graph: it learns the diffusions of what is observed, and no more.

    Args:
        graph: the declared graph.
        who: the objective, as the user writes it.
    """
    observed = [n for _, n in graph.of("observe")]
    if not any(_has_diffusion(graph, n) for n in observed):
        return [_without_diffusion(graph, observed)]
    out = []
    for _, n in graph.of("latent")[:1]:
        out.append(
            Refusal(
                f"{who} learns diffusions of data, and '{n.name}' is drawn",
                node=n.name,
                given=f"latents {', '.join(repr(m.name) for _, m in graph.of('latent'))}"[:80],
                needed="a model without latents",
                fix="gd.ELBO(), whose bound takes the diffusion's log-density; or a model of the diffusion alone",
                where=n.where,
            )
        )
    for _, n in graph.of("factor")[:1]:
        out.append(
            Refusal(
                f"{who} is no log-density, so factor '{n.name}' cannot be added to it",
                node=n.name,
                given=f'm.factor("{n.name}", ...)',
                needed="a model of diffusions alone",
                fix="gd.MaximumLikelihood() takes factors",
                where=n.where,
            )
        )
    out += [r for n in observed if (r := _other(graph, n, who)) is not None]
    return out + idle(graph, who, "diffusion")


def _without_diffusion(graph: Graph, observed: Sequence[Node]) -> Refusal:
    first = observed[0] if observed else None
    return Refusal(
        f"model '{graph.name}' observes no diffusion",
        node=None if first is None else first.name,
        given="no observation" if first is None else f"'{first.name}' ~ {_family(graph, first)}",
        needed="an observation whose distribution is a gd.Diffusion",
        fix='m.observe("x", gd.Diffusion(gd.VP(gd.schedule.Linear(0.1, 20.0)), network=..., event=...))',
        where=None if first is None else first.where,
    )


def _other(graph: Graph, n: Node, who: str) -> Refusal | None:
    """What an observation is, where the objective cannot learn it."""
    family, site = _family(graph, n), site_of(graph, n)
    if site is not None and site.data is not None:
        return None
    if site is not None:
        return Refusal(
            f"{who} puts noise on data, and '{n.name}' is computed",
            node=n.name,
            given="value=..., an expression",
            needed="an observation whose values are data",
            fix=f'leave value out, and give the values under "{n.name}" in the data',
            where=n.where,
        )
    if _has_diffusion(graph, n):
        masked = family == "Masked" or len(n.args) > 2
        return Refusal(
            f"'{n.name}' is a diffusion {'under a mask' if masked else f'within a {family}'}, which {who} looks past",
            node=n.name,
            given="a mask, or missing=gd.Missing.MASK" if masked else family,
            needed="an observation that is a gd.Diffusion",
            fix="leave out the rows that do not count" if masked else "gd.MaximumLikelihood(), by its log-density",
            where=n.where,
        )
    return Refusal(
        f"'{n.name}' is no diffusion, so {who} does not learn it",
        node=n.name,
        given=f"'{n.name}' ~ {family}",
        needed="observations that are diffusions, all of them",
        fix="gd.MaximumLikelihood() takes both by their log-densities; or a model for each",
        where=n.where,
    )


def _family(graph: Graph, n: Node) -> str:
    return graph.nodes[n.args[0]].op.removeprefix("dist.")


def _has_diffusion(graph: Graph, n: Node) -> bool:
    """Whether a diffusion is its distribution, or a part of it."""
    return any(d.op == "dist.Diffusion" for d in parts(graph, n))
