"""Where diffusions stand in a graph: the sites whose distribution is a `gd.Diffusion`, and nothing else.

A diffusion has no arguments but its parameters and a context. Given these such a site depends on nothing else of the
graph, and a context that is made of data, parameters and networks is known before anything is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gendsl.densities import DiffusionDensity
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType

__all__ = ["Site", "only_diffusions", "site_of"]


@dataclass(frozen=True)
class Site:
    """A site whose distribution is a diffusion.

    Attributes:
        name: the site's.
        data: the name of the data that it observes; None where they are computed, or drawn.
        dims: plates that it has one element for each of, in the order of its data.
        copies: lengths of the event axes of `.expand`.
        event: event shape of the diffusion.
        spec: the diffusion.
        learned: the name before whose dot its parameters stand.
    """

    name: str
    data: str | None
    dims: tuple[str, ...]
    copies: tuple[int, ...]
    event: tuple[int, ...]
    spec: DiffusionDensity
    learned: str

    @property
    def rank(self) -> int:
        """Event axes of the diffusion."""
        return len(self.event)

    @property
    def size(self) -> int:
        """Numbers in an event."""
        return math.prod(self.event)

    def own(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Its parameters, under the density's own names, among those of a program."""
        return {k: params[f"{self.learned}.{k}"] for k in self._names}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.spec.parameters(self.event))


def site_of(graph: Graph, n: Node) -> Site | None:
    """A latent or an observation as a diffusion; None where it is none, or has a mask."""
    d = graph.nodes[n.args[0]]
    if d.op != "dist.Diffusion" or not isinstance(d.type, DistType) or len(n.args) > 2:
        return None
    static = dict(d.attr["static"])
    cut = d.type.rank - d.type.family_rank
    shape = tuple(int(s) for s in d.type.event)
    value = graph.nodes[n.args[1]] if n.op == "observe" else n
    dims = value.type.dims if isinstance(value.type, ArrayType) else ()
    data = str(value.name) if value.op == "data" else None
    return Site(str(n.name), data, dims, shape[:cut], shape[cut:], static["spec"], str(static["name"]))


def only_diffusions(graph: Graph) -> tuple[Site, ...]:
    """The diffusions that a graph observes, where it has nothing else that a density is made of; else ()."""
    if graph.of("latent", "factor"):
        return ()
    found = [site_of(graph, n) for _, n in graph.of("observe")]
    sites = tuple(s for s in found if s is not None and s.data is not None)
    return sites if len(sites) == len(found) else ()
