"""The rows that a model observes of one learned distribution: which they are, and why a model may have none.

An observation x over plates, (*dims, *event), is prod(dims) rows of one law. Objectives that need nothing of a model
but its rows and one distribution, an energy or a pushforward, take them from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gendsl.graph.learned import UsedDensity, densities
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.objectives.base import Refusal
from gendsl.objectives.rows import Rows

__all__ = ["Observed", "observed", "row_refusals"]

Array = Any

_FIX = {
    "Energy": "score matching or contrastive divergence, such as gd.SlicedScoreMatching()",
    "Pushforward": "an adversarial objective, such as gd.WGAN(critic=gd.MLP(1))",
    "Diffusion": "gd.DenoisingScoreMatching(), or gd.FlowMatching()",
}
_OTHER = "gd.MaximumLikelihood()"


@dataclass(frozen=True, eq=False)
class Observed:
    """An observation of a learned distribution.

    Attributes:
        name: of the observation, and of its values in the data.
        node: the observation.
        dist: the node of the distribution.
        used: the distribution; the names of its parameters begin with its name.
    """

    name: str
    node: Node
    dist: Node
    used: UsedDensity

    @property
    def event(self) -> tuple[int, ...]:
        """Event shape of a row."""
        return self.used.event

    @property
    def context(self) -> int:
        """Numbers in a row's context (gendsl/objectives/contexts.py); 0 for none."""
        return self.used.spec.context

    def rows(self, ops: Any, rows: Rows, batch: Mapping[str, Array]) -> Array:
        """The rows of a batch, (n, *event)."""
        return ops.reshape(rows.arrays("model", batch, ops)[self.name], (-1, *self.event))

    def own(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """The distribution's parameters under the names that it knows them by."""
        start = f"{self.used.name}."
        return {k.removeprefix(start): v for k, v in params.items() if k.startswith(start)}


def observed(graph: Graph) -> Observed:
    """The one observation of a graph to which `row_refusals` had no objection."""
    node = graph.of("observe")[0][1]
    dist = graph.nodes[node.args[0]]
    return Observed(str(node.name), node, dist, next(iter(densities([dist]))))


def row_refusals(graph: Graph, who: str, family: str) -> list[Refusal]:
    """Why a graph is not one observation of rows of a family; nothing where it is.

    Args:
        graph: the declared graph.
        who: the objective, as the user writes it.
        family: "Energy" or "Pushforward".
    """
    found = [n for _, n in graph.of("observe")]
    if not found:
        return [
            Refusal(
                f"model '{graph.name}' observes nothing, so {who} has no rows to learn from",
                given="no observation",
                needed=f"an observation of a gd.{family} over a plate",
                fix=f'm.observe("x", gd.{family}(...), dims=m.plate("row"))',
            )
        ]
    out = _rest(graph, who) + [r for n in found for r in _family(graph, n, who, family)]
    if len(found) > 1:
        out.append(
            Refusal(
                f"{who} learns from the rows of one observation, and '{graph.name}' has {len(found)}",
                node=found[1].name,
                given=f"observations {', '.join(repr(n.name) for n in found)}"[:120],
                needed="one observation",
                fix="a model for each of them",
                where=found[1].where,
            )
        )
    return out + _values(graph, found[0], who)


def _rest(graph: Graph, who: str) -> list[Refusal]:
    """What else a model may have."""
    out = []
    for op, words in (("latent", "latents"), ("factor", "factors")):
        if nodes := [n for _, n in graph.of(op)]:
            names = ", ".join(repr(n.name) for n in nodes)
            out.append(
                Refusal(
                    f"{who} learns from rows alone, and '{graph.name}' has {words}",
                    node=nodes[0].name,
                    given=f"{words} {names}"[:80],
                    needed=f"a model without {words}",
                    fix="leave them out"
                    + (f'; what a row is given is data: m.data("{nodes[0].name}", ...)' if op == "latent" else ""),
                    where=nodes[0].where,
                )
            )
    return out


def _family(graph: Graph, n: Node, who: str, family: str) -> list[Refusal]:
    dist = graph.nodes[n.args[0]]
    kind = dist.op.removeprefix("dist.")
    if kind == family:
        return []
    inside = f"dist.{family}" in (graph.nodes[a].op for a in dist.args)
    what = {"Energy": "an energy", "Pushforward": "a pushforward"}[family]
    return [
        Refusal(
            f"{who} learns {what}, and '{n.name}' is of another family",
            node=n.name,
            given=f"gd.{kind}" + (f" of a gd.{family}" if inside else ""),
            needed=f"an observation of a gd.{family}",
            fix=f'm.observe("{n.name}", gd.{family}(...), dims=...)' if inside else _FIX.get(kind, _OTHER),
            where=n.where,
        )
    ]


def _values(graph: Graph, n: Node, who: str) -> list[Refusal]:
    """Whether the values are rows, as they are given."""
    value, out = graph.nodes[n.args[1]], []
    if not (isinstance(n.type, ArrayType) and n.type.dims):
        out.append(
            Refusal(
                f"{who} learns from rows, and '{n.name}' is observed once",
                node=n.name,
                given="no dims",
                needed="an observation over a plate",
                fix=f'm.observe("{n.name}", ..., dims=m.plate("row"))',
                where=n.where,
            )
        )
    if len(n.args) > 2:
        out.append(
            Refusal(
                f"{who} learns from whole rows, and elements of '{n.name}' may be left out",
                node=n.name,
                given="mask=, or missing=gd.Missing.MASK",
                needed="an observation all of whose rows count",
                fix="leave out the rows themselves, and mask= and missing=",
                where=n.where,
            )
        )
    if value.op != "data" or value.name != n.name:
        out.append(
            Refusal(
                f"{who} takes rows as the data give them, and those of '{n.name}' are computed",
                node=n.name,
                given="value=" + (f"{value.op} '{value.name}'" if value.name else "an expression"),
                needed="an observation whose values are given as data",
                fix=f'leave value out, and give the values under "{n.name}" in the data',
                where=n.where,
            )
        )
    return out
