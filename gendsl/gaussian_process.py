"""The Gaussian processes of a graph: which sites they are, and what their means and covariances depend on.

The values of a process along its plate t are jointly normal, and conditioning needs the joint distribution at inputs
that come from two places. It is evaluated on both together, which is right where the mean of an element depends on that
element, and the covariance of two on those two. Along t that is so for what is computed element by element, for moving
t to an event axis and back, and for the diagonal. Anything in which the elements of t meet otherwise (a sum along t, a
lag, an element's number) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gendsl.data import Bound
from gendsl.errors import FitError, Location
from gendsl.graph.learned import parts
from gendsl.graph.node import Graph, Node
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType
from gendsl.passes.forward import imputing
from gendsl.request import root

__all__ = ["Process", "axes_of", "own_dims", "process_of"]

_ELEMENT_BY_ELEMENT = frozenset({"data", "latent", "to_event", "from_event", "add_diagonal", "jitter", "let"})
_NUMBERS = frozenset({"arange", "plate_size"})


@dataclass(frozen=True, eq=False)
class Process:
    """A site that is a Gaussian process.

    Attributes:
        graph: the declared graph.
        name: the site.
        plate: the plate of its points, which is cut from no other.
        where: its line.
    """

    graph: Graph
    name: str
    plate: str
    where: Location | None

    @property
    def _site(self) -> Node:
        return self.graph.nodes[self.graph.sites[self.name]]

    @property
    def latent(self) -> bool:
        """Whether it is a latent."""
        return self._site.op == "latent"

    @property
    def dims(self) -> tuple[str, ...]:
        """The plates of which each element has a function of its own, in the order of the site."""
        t = self._site.type
        return t.dims if isinstance(t, ArrayType) else ()

    @property
    def others(self) -> tuple[str, ...]:
        """The same, back to plates that are cut from no other."""
        return tuple(dict.fromkeys(root(self.graph, d) for d in self.dims))

    @property
    def moments(self) -> tuple[int, int]:
        """The nodes of mean and covariance."""
        dist = self.graph.nodes[self._site.args[0]]
        found = dict(zip(dist.attr["params"], dist.args, strict=True))
        return found["loc"], found["covariance_matrix"]

    def along(self, axis: Any) -> bool:
        """Whether an axis is of the process's plate, a copy of it or a part."""
        return isinstance(axis, str) and axis in self.graph.plate and root(self.graph, axis) == self.plate

    @cached_property
    def cone(self) -> list[Node]:
        """What mean and covariance are computed from, back to data and sites."""
        seen: dict[int, None] = {}
        todo = list(self.moments)
        while todo:
            i = todo.pop()
            if i not in seen:
                seen[i] = None
                n = self.graph.nodes[i]
                todo += () if n.op in ("latent", "data") else n.args
        return [self.graph.nodes[i] for i in sorted(seen)]

    @property
    def data(self) -> list[str]:
        """The data among them that are no observation's."""
        return [str(n.name) for n in self.cone if n.op == "data" and n.name not in self.graph.sites]

    @property
    def random(self) -> list[str]:
        """The latents and observations among them."""
        return [str(n.name) for n in self.cone if n.op == "latent" or n.op == "data" and n.name in self.graph.sites]

    def there(self, bound: Bound) -> np.ndarray | None:
        """Which values of an observed process are no missing ones, (*dims, t); None where all are there."""
        for _, n in self.graph.of("data"):
            there = bound.arrays.get(str(n.name)) if n.attr["derived"] == ("observed", self.name) else None
            if there is not None and not there.all():
                return np.transpose(there, [axes_of(n).index(d) for d in (*self.dims, self.plate)])
        return None

    def check(self) -> None:
        """Raise where the distribution at two sets of inputs is not that at both together.

        Raises:
            FitError: naming what is in the way.
        """
        if unlike := [x for x in self.random if x in imputing(self.graph)]:
            raise self.refusal(
                f"inputs with missing elements of '{imputing(self.graph)[unlike[0]]}'",
                "inputs that are complete",
                "leave the missing elements out of the data",
            )
        for n in self.cone:
            if n.op in _ELEMENT_BY_ELEMENT or n.op in OPS and OPS[n.op].elementwise:
                continue
            args = [self.graph.nodes[i] for i in n.args]
            lost = {d for a in args for d in own_dims(a)} - set(own_dims(n))  # summed over
            axes = [a for x in args for a in axes_of(x)[len(own_dims(x)) :]]
            axes += axes_of(n) if n.op == "param" else ()
            counts = list(n.attr.values()) if n.op in _NUMBERS else []
            if any(map(self.along, [*lost, *axes, *counts])):
                raise self.refusal(
                    f"a mean or covariance in which the elements of '{self.plate}' meet ({n.op})",
                    f"a mean of one element, and a covariance of two, computed from these and what '{self.plate}' does "
                    "not run over",
                    f"compute it before, and give it as data over '{self.plate}'",
                    n.where,
                )

    def refusal(self, given: str, needed: str, fix: str, where: Location | None = None) -> FitError:
        """The error for a process that cannot be conditioned on the fit."""
        return FitError(
            f"the Gaussian process '{self.name}' cannot be predicted at new inputs given those of the fit",
            node=self.name,
            given=given,
            needed=needed,
            fix=fix,
            where=where or self.where,
        )


def process_of(graph: Graph, name: str, *, strict: bool = True) -> Process | None:
    """The Gaussian process that a site is; None where it is none.

    Raises:
        FitError: if it is only made of one, as a mixture is; None where not strict.
    """
    n = graph.nodes[graph.sites[name]]
    within = [d for d in parts(graph, n) if d.op == "dist.JointNormal"]
    if not within:
        return None
    plate = str(dict(within[0].attr["static"])["plate"])
    p = Process(graph, name, root(graph, plate), n.where)
    dist = graph.nodes[n.args[0]]
    if dist is not within[0] or plate != p.plate:
        if not strict:
            return None
        raise p.refusal(
            f"{dist.op.removeprefix('dist.')} along '{plate}'",
            "a Gaussian process that is the distribution of the site, along a plate that is cut from no other",
            "data=None predicts at the inputs of the fit; or declare it over a plate of its own",
        )
    return p


def axes_of(n: Node) -> tuple[Any, ...]:
    """Plates, then event axes, of a value."""
    return (*n.type.dims, *n.type.event) if isinstance(n.type, ArrayType) else ()


def own_dims(n: Node) -> tuple[str, ...]:
    """Plates of a value."""
    return n.type.dims if isinstance(n.type, ArrayType) else ()
