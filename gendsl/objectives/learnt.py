"""Which latents of a guide that is a model have a posterior of their own, and a fit as seen by predictions from it.

A guide's latent is amortised where it runs over rows whose data the guide reads, for this latent or another one: other
rows have other latents. All others are learnt: their posterior given the data of the fit serves for new data too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.forward import ForwardProgram
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.joined import Trained, refuse_other_sizes
from gendsl.objectives.posterior import Amortised, posterior_of
from gendsl.program import BoundProgram
from gendsl.request import plates_of, root

if TYPE_CHECKING:
    from gendsl.objectives.setting import Setting
    from gendsl.trained import TrainedFit

__all__ = ["Learnt", "amortised", "check_other_data", "learnt_of", "recorded_by_row"]


def amortised(guide: Graph) -> frozenset[str]:
    """The latents of a guide over plates along which it reads data for a latent over them.

    What it reads for a learnt latent, those that depend on this one do not read.
    """
    rows: set[str] = set()
    below: list[frozenset[str]] = []  # the plates of the data that a node depends on
    for n in guide.nodes:
        found = frozenset[str]().union(*(below[a] for a in n.args))
        if n.op == "data":
            found |= _plates(guide, n)
        if n.op == "latent":
            own = found.intersection(plates_of(guide, n))
            found = found if own else frozenset()
            rows |= own
        below.append(found)
    return frozenset(str(n.name) for _, n in guide.of("latent") if not rows.isdisjoint(plates_of(guide, n)))


def _plates(graph: Graph, n: Node) -> frozenset[str]:
    if not isinstance(n.type, ArrayType):
        return frozenset()
    return frozenset(root(graph, d) for d in (*n.type.dims, *(e for e in n.type.event if isinstance(e, str))))


@dataclass(frozen=True, eq=False)
class Learnt:
    """The learnt latents of a fit whose guide is a model.

    Attributes:
        fit: the fit.
        guide: the guide after training.
        names: these latents.
        others: the amortised ones.
    """

    fit: TrainedFit
    guide: Amortised
    names: tuple[str, ...]
    others: tuple[str, ...]

    def seen(self, count: int) -> Trained:
        """The fit, of which so many draws of the learnt latents are known; predictions draw the others anew."""
        fit = self.fit
        if not isinstance(program := fit.program, ForwardProgram):
            raise TypeError(f"not a program that is run forward: {program!r}")
        program = replace(program, declared=program.whole)
        bound = BoundProgram(program, fit.bound.bound, dict(fit.bound.params))
        values = self.guide.draw(count, fit.seed, self.names)
        draws: Mapping[str, np.ndarray] = {k: x[None] for k, x in values.items()}
        return Trained(program, bound, fit.params, draws)

    def refuse_mixed(self) -> None:
        """Raise where some latents are amortised, so that neither the learnt ones alone nor the bound will do.

        Raises:
            FitError: naming one of both.
        """
        if self.others:
            raise FitError(
                f"the log-probability of new data has no bound by this guide: '{self.names[0]}' is learnt from the "
                f"data of the fit, and '{self.others[0]}' is read from the rows",
                node=self.names[0],
                given=f"learnt: {', '.join(self.names)}; read from the rows: {', '.join(self.others)}",
                needed="latents that are all learnt, or all read from the rows",
                fix="fit.on(data).evidence() bounds the probability of other data in place of those of the fit; "
                "fit.sample(data) draws new rows",
                where=caller(),
            )


def recorded_by_row(fit: TrainedFit) -> frozenset[str]:
    """The recorded values over plates of latents that the guide reads from their rows."""
    graph, guide = fit.setting.graph, getattr(fit.objective, "amortised", None)
    if guide is None:
        return frozenset()
    read = amortised(guide)
    plates = frozenset[str]().union(*(_plates(graph, n) for _, n in graph.of("latent") if n.name in read))
    return frozenset(str(n.name) for _, n in graph.of("let") if not plates.isdisjoint(_plates(graph, n)))


def check_other_data(fit: TrainedFit, other: Setting) -> None:
    """Raise where the guide or parameters of a fit are of its own data alone.

    Args:
        fit: the fit.
        other: its setting with other data.

    Raises:
        FitError: if the guide reads no data, or a parameter or a learnt latent runs over a plate of another size.
    """
    graph, guide = fit.setting.graph, getattr(fit.objective, "amortised", None)
    latents = [n for _, n in graph.of("latent")]
    read = frozenset[str]() if guide is None else amortised(guide)
    if latents and not read:
        raise FitError(
            f"the guide reads no data: its posterior of '{latents[0].name}' is given the data of the fit",
            node=latents[0].name,
            given=f"guide={getattr(fit.objective, 'guide', None)!r}"[:120],
            needed="a guide that is a model and reads the rows, or a model without latents",
            fix="fit.sample(data) and fit.log_prob(data) take what was learnt to new data",
            where=caller(),
        )
    learnt = [n for n in latents if n.name not in read]
    of_rows = [n for g in (graph, *(() if guide is None else (guide,))) for _, n in g.of("param")]
    fix = "a latent over '{}' that the guide reads from the rows has values for new ones"
    refuse_other_sizes((*learnt, *of_rows), fit.setting.bound.sizes, other.bound.sizes, fix)


def learnt_of(fit: TrainedFit) -> Learnt | None:
    """What a fit has learnt; None where its guide is no model, or all of its latents are amortised."""
    guide = posterior_of(fit)
    if not isinstance(guide, Amortised):
        return None
    graph = getattr(fit.objective, "amortised", None)
    rest = frozenset[str]() if graph is None else amortised(graph)
    every = [str(n.name) for _, n in fit.setting.graph.of("latent")]
    names = tuple(n for n in every if n not in rest)
    return Learnt(fit, guide, names, tuple(n for n in every if n in rest)) if names else None
