"""The contexts of observations: values of a graph at the rows of a batch.

A learned distribution may be conditional on an expression of data, parameters and networks. Objectives that take rows
past the graph have the rows' contexts from here: the graph with these expressions as recorded values is emitted as any
other, and what its program records is laid over the rows of the observations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.forward import ForwardProgram, compile_forward, simulate
from gendsl.graph.evaluate import spread
from gendsl.graph.learned import context_of
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType
from gendsl.objectives.rows import Rows
from gendsl.objectives.setting import Setting
from gendsl.passes.forward import forward
from gendsl.passes.rewrite import Rewriter
from gendsl.program import BoundProgram

__all__ = ["Contexts", "context_values", "contexts_of"]

Array = Any

_ROLE, _SEED = "contexts", (0, 0)  # nothing is drawn


@dataclass(frozen=True)
class _Place:
    """Where the context of a site is found, and over what it is laid.

    Attributes:
        record: the name under which it is recorded.
        data: the name of the data that the site observes; None where it is drawn.
        dims: the site's plates.
        copies: how many event axes `.expand` and the parameters put left of the distribution's own.
        rank: the distribution's own event axes.
        axes: the context's event axes left of its numbers.
    """

    record: str
    data: str | None
    dims: tuple[str, ...]
    copies: int
    rank: int
    axes: int

    def laid(self, ops: Any, value: Array, rows: tuple[int, ...]) -> Array:
        """One context for each row, (n, numbers).

        Args:
            ops: array functions.
            value: (..., axes..., numbers), as the program lays it.
            rows: the shape of the site's values in a program.
        """
        left = value.ndim - 1 - self.axes
        shape = (*value.shape[:left], *(1,) * (self.copies - self.axes), *value.shape[left:])
        lead = rows[: len(rows) - self.rank]
        wide = ops.broadcast_to(ops.reshape(value, shape), (*lead, value.shape[-1]))
        return ops.reshape(wide, (-1, value.shape[-1]))


@dataclass(frozen=True, eq=False)
class Contexts:
    """The contexts of some sites of a graph.

    Attributes:
        bound: the program that records them; None where no site has one.
        places: site -> where its context is found.
    """

    bound: BoundProgram | None
    places: Mapping[str, _Place]

    @property
    def programs(self) -> dict[str, BoundProgram]:
        """The program by its role, to be laid out in batches beside the model's."""
        return {} if self.bound is None else {_ROLE: self.bound}

    def rows(self, ops: Any, theta: Mapping[str, Array], rows: Rows, batch: Mapping[str, Array]) -> dict[str, Array]:
        """Site -> the contexts of a batch's rows, (n, numbers), for those that have one.

        Args:
            ops: array functions.
            theta: constrained parameters, as the model's program takes them.
            rows: how programs' arrays are found in batches.
            batch: the batch.
        """
        if self.bound is None:
            return {}
        arrays = rows.arrays(_ROLE, batch, ops)
        found = self.bound.program.constrain({}, *((arrays, theta) if self.bound.takes_params else (arrays,)))
        seen = rows.arrays("model", batch, ops)
        return {k: p.laid(ops, found[p.record], tuple(seen[str(p.data)].shape)) for k, p in self.places.items()}


def contexts_of(setting: Setting) -> Contexts:
    """The contexts of a model's observations, of which it has no latents."""
    graph, places = _recorded(setting.graph, {str(n.name): n for _, n in setting.graph.of("observe")})
    return Contexts(setting.program(graph) if places else None, places)


def context_values(
    bound: BoundProgram, names: Collection[str], learnt: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Contexts under the data of a program: site -> (*dims, *copies, numbers), length 1 where they do not vary.

    Args:
        bound: the program of a model without latents, or a `ForwardProgram` of one.
        names: the sites, observations of the first, what the second draws.
        learnt: trained parameters, in the user's layout.

    Raises:
        FitError: if one depends on what is drawn.
    """
    p = bound.program
    graph = p.graph if isinstance(p, ForwardProgram) else p.declared
    sites = {str(n.name): n for _, n in graph.of("latent", "observe") if n.name in names}
    graph, places = _recorded(graph, sites)
    for name, place in places.items():
        for _, n in forward(graph, (place.record,), ()).of("latent"):
            raise FitError(
                f"a sampler draws '{name}' before anything else, and its context depends on '{n.name}', which is drawn",
                node=name,
                given=f"sampler=..., and a context of '{n.name}'",
                needed="contexts of data, parameters and networks",
                fix="leave sampler out: the distribution's own sampler draws it in its turn",
                where=sites[name].where or caller(),
            )
    if not places:
        return {}
    records = tuple(place.record for place in places.values())
    program = compile_forward(graph, p.backend.name, records, frozenset(), precision=p.precision, device=p.device)
    found = simulate(BoundProgram(program, bound.bound).with_learnt(learnt), {}, 1, _SEED, values=records)
    out = {}
    for name, place in places.items():
        t = program.graph.nodes[program.graph.sites[place.record]].type
        if isinstance(t, ArrayType):
            out[name] = spread(found.values[place.record][0], t, place.dims, place.copies + 1)
    return out


def _recorded(graph: Graph, sites: Mapping[str, Node]) -> tuple[Graph, dict[str, _Place]]:
    """The graph with the contexts of some sites as recorded values, and where these are."""
    r, places = Rewriter(graph).keep_all(), {}
    for name, n in sites.items():
        dist = graph.nodes[n.args[0]]
        at, t = context_of(dist), dist.type
        if at is None or not isinstance(t, DistType):
            continue
        value = graph.nodes[n.args[1]] if n.op == "observe" else n
        dims = value.type.dims if isinstance(value.type, ArrayType) else ()
        data = str(value.name) if value.op == "data" else None
        record = r.free_name(f"{name}_context")
        r.add("let", (r.map[at],), record, n.where, axes=())
        places[name] = _Place(record, data, dims, t.rank - t.family_rank, t.family_rank, r.array(r.map[at]).rank - 1)
    return r.finish(), places
