"""The first pass: what only the whole graph shows."""

from __future__ import annotations

from gendsl.errors import ModelError
from gendsl.graph.learned import learned_of
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType

__all__ = ["validate"]


def validate(graph: Graph) -> tuple[Graph, list[str]]:
    """Check that the model says something, and that every plate of a latent can get a size.

    Raises:
        ModelError: if there is neither a latent nor an observation, a plate's size is given by nothing, or a network is
            called on two event shapes.
    """
    if not graph.of("latent", "observe", "factor", "param"):
        raise ModelError(
            f"model '{graph.name}' declares no latent, observation, factor or parameter",
            needed="at least one",
            fix='for example m.latent("mu", gd.Normal(0, 1))',
        )
    learned_of(graph.nodes)
    sized = {d for _, n in graph.of("data") if isinstance(n.type, ArrayType) for d in n.type.dims}
    sized |= {n.attr["indexes"] for _, n in graph.of("data") if n.attr["indexes"]}
    for p in graph.plates:
        if p.size is None and p.base is None and p.name not in sized:
            raise ModelError(
                f"nothing gives plate '{p.name}' a size",
                node=p.name,
                needed="a size, coords, or data over it",
                fix=_sizing(graph, p.name),
                where=p.where,
            )
    return graph, []


def _sizing(graph: Graph, plate: str) -> str:
    """What gives a plate its size: most often `dims=` is forgotten where data or an observation are declared."""
    known = f'm.plate("{plate}", size=...)'
    bare = [n for _, n in graph.of("data") if isinstance(n.type, ArrayType) and not n.type.dims and n.name]
    if not bare:
        return f"give its size: {known}"
    n = bare[-1]
    how = "observe" if n.name in graph.sites else "data"
    at = f" ({n.where})" if n.where else ""
    mend = f'm.{how}("{n.name}", ..., dims={plate})'
    return f"'{n.name}'{at} has no dims: if it varies over '{plate}', {mend}; else {known}"
