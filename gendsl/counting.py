"""Which elements of an observation count: those that no mask leaves out, and that are not missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gendsl.data.check import counted
from gendsl.data.known import evaluate
from gendsl.data.readers import refuse_readers
from gendsl.errors import FitError
from gendsl.graph.masks import masks
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType, DistType

if TYPE_CHECKING:
    from gendsl.data import Bound

__all__ = ["counting", "observed", "refuse_held", "refuse_missing"]


def refuse_missing(graph: Graph, names: Sequence[str], bound: Bound) -> None:
    """Raise where new values of a joint distribution are missing, which only the fit's are imputed for."""
    for n in (graph.nodes[graph.sites[name]] for name in names):
        dist, there = graph.nodes[n.args[0]].type, observed(graph, str(n.name), bound)
        if isinstance(dist, DistType) and dist.joint and there is not None and not there.all():
            raise FitError(
                f"'{n.name}' is joint over '{dist.joint[0]}', and some of its new values are missing",
                node=n.name,
                given=f"{int((~there).sum())} missing of {there.size}",
                needed="complete values",
                fix=f"give the elements of '{dist.joint[0]}' that are observed",
                where=n.where,
            )


def refuse_held(part: Graph, whole: Graph, bound: Bound, drawn: Collection[str]) -> None:
    """Raise where a part of a graph, run forward, has values that are computed from missing elements of data it holds.

    Args:
        part: the part, whose observations `drawn` are latents.
        whole: the declared graph.
        bound: its data.
        drawn: observations that are drawn.
    """
    missing = {name: ~x for name in part.inputs if (x := observed(whole, name, bound)) is not None}
    names = ", ".join(f'"{x}"' for x in sorted(drawn))
    fix = f'names=[{names}, "{{}}"] draws it too' if drawn else None
    refuse_readers(part, bound.arrays, missing, bound.sizes, fix)


def observed(graph: Graph, name: str, bound: Bound) -> np.ndarray | None:
    """Which elements of an observation are not missing, in the order of its data; None where nothing says."""
    found = (bound.arrays.get(str(d.name)) for _, d in graph.of("data") if d.attr["derived"] == ("observed", name))
    return next((x for x in found if x is not None), None)


def counting(graph: Graph, name: str, bound: Bound) -> np.ndarray | None:
    """Which elements of an observation count, over its dims; None where all do, or a mask is not known.

    A joint distribution gives one number for elements that are missing and others: those are not told apart here.
    """
    n = graph.nodes[graph.sites[name]]
    t, dist = graph.nodes[n.args[1]].type, graph.nodes[n.args[0]]
    if not isinstance(t, ArrayType) or not isinstance(dist.type, DistType):
        return None
    out = counted(graph, n, evaluate(graph, bound.arrays, masks(graph, n), bound.sizes), t)
    out = np.ones((1,) * len(t.dims), bool) if out is None else out
    seen = None if dist.type.joint else observed(graph, name, bound)
    out = out if seen is None else out & seen
    return None if out.all() else np.broadcast_to(out, [bound.sizes[d] for d in t.dims])
