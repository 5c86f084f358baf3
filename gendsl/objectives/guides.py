"""Whether a guide fits a model: the same latents, with the same dims, event shapes and kinds, inside their supports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gendsl.densities import Density, Noise
from gendsl.graph.constraints import implies
from gendsl.graph.families import FAMILIES
from gendsl.graph.initial import meant_by_element
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType, show_shape
from gendsl.objectives.base import Refusal

if TYPE_CHECKING:
    from gendsl.guide import Guide

__all__ = ["guide_refusals", "has_path", "is_image", "latent_refusals", "prior_of", "reads"]


def prior_of(graph: Graph, n: Node) -> tuple[Node, DistType]:
    """The distribution of a latent."""
    d = graph.nodes[n.args[0]]
    if not isinstance(d.type, DistType):
        raise TypeError("a latent is a draw of a distribution")
    return d, d.type


def has_path(graph: Graph, n: Node) -> bool:
    """Whether a draw of a latent's distribution is differentiable in its parameters."""
    d, t = prior_of(graph, n)
    return t.dtype is DType.FLOAT and FAMILIES[d.op.removeprefix("dist.")].reparametrised


def reads(graph: Graph, guide: Graph) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Site of a model, and of its guide -> the latents that its log-probability depends on, when the guide draws.

    A draw depends on itself and on the draws that its distribution in the guide is computed from.
    """
    draws = _reads(guide, {})
    return _reads(graph, draws), draws


def _reads(graph: Graph, drawn: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Of one graph; `drawn` are what the values of its latents depend on, where another graph draws them."""
    out: dict[str, frozenset[str]] = {}
    below: list[frozenset[str]] = []
    for n in graph.nodes:
        found = frozenset[str]().union(*(below[a] for a in n.args))
        name = str(n.name)
        if n.op == "latent":
            value = drawn.get(name, found | {name})
            out[name] = found | value
            found = value
        elif n.op in ("observe", "factor"):
            out[name] = found
        below.append(found)
    return out


_NORMAL = ("Normal", "LogNormal", "MultivariateNormal")


def is_image(graph: Graph, dist: Node) -> bool:
    """Whether a draw of a distribution is an image of standard normal noise of the same shape."""
    static = dict(dist.attr["static"])
    if isinstance(spec := static.get("spec"), Density):
        inner = [graph.nodes[a] for a in dist.args if isinstance(graph.nodes[a].type, DistType)]
        return spec.noise is Noise.NORMAL and all(is_image(graph, d) for d in inner)
    return dist.op.removeprefix("dist.") in _NORMAL


def latent_refusals(graph: Graph, who: str, guide: Guide | None) -> Iterator[Refusal]:
    """Why a bound does not apply to a model, its guide apart."""
    latents = [n for _, n in graph.of("latent")]
    if not latents:
        yield Refusal(
            f"model '{graph.name}' has no latents, so its likelihood needs no bound",
            given="no latent",
            needed="a latent",
            fix="gd.MaximumLikelihood()",
        )
    if guide is None:
        return
    for n in latents:
        if isinstance(n.type, ArrayType) and n.type.dtype is not DType.FLOAT:
            yield Refusal(
                f"{type(guide).__name__} is a guide of continuous latents, and '{n.name}' is discrete",
                node=n.name,
                given=str(n.type),
                needed="continuous latents",
                fix=f"a model as guide, {who}(guide=...), or sum '{n.name}' out: gd.Mixture",
                where=n.where,
            )
            return


def guide_refusals(graph: Graph, guide: Graph) -> Iterator[Refusal]:
    """Why a model cannot be the guide of another."""
    yield from _latents(graph, guide)
    yield from _inputs(graph, guide)
    for _, n in guide.of("observe", "factor")[:1]:
        yield Refusal(
            f"guide '{guide.name}' {'observes' if n.op == 'observe' else 'weighs'} '{n.name}', and a guide only draws",
            node=n.name,
            given=f'm.{n.op}("{n.name}", ...)',
            needed="latents alone; what the guide reads is data",
            fix=f'm.data("{n.name}", ...)',
            where=n.where,
        )
    for _, n in (*guide.of("param"),):
        if n.name in graph.sites:
            yield Refusal(
                f"'{n.name}' is a parameter of the guide, and the model has a site of this name",
                node=n.name,
                given=f"m.param(\"{n.name}\", ...) in guide '{guide.name}'",
                needed="a name of its own",
                fix=f'm.param("guide_{n.name}", ...)',
                where=n.where,
            )
    for p in guide.plates:
        if p.name not in graph.plate:
            yield Refusal(
                f"guide '{guide.name}' has a plate '{p.name}' that the model does not have",
                node=p.name,
                given=f'm.plate("{p.name}")',
                needed=f"plates of the model: {', '.join(graph.plate) or 'none'}",
                fix="name it as the model does",
                where=p.where,
            )


def _latents(graph: Graph, guide: Graph) -> Iterator[Refusal]:
    wanted = {str(n.name): n for _, n in graph.of("latent")}
    given = {str(n.name): n for _, n in guide.of("latent")}
    for name, n in wanted.items():
        if name not in given:
            yield Refusal(
                f"guide '{guide.name}' misses latent '{name}'",
                node=name,
                given=f"a guide of {', '.join(map(repr, given)) or 'no latent'}",
                needed=f"'{name}': {n.type}",
                fix=f'declare it in the guide: guide.latent("{name}", ...)',
                where=n.where,
            )
    for name, n in given.items():
        if name not in wanted:
            yield Refusal(
                f"guide '{guide.name}' draws '{name}', which is no latent of model '{graph.name}'",
                node=name,
                given=f"latent '{name}'",
                needed=f"only {', '.join(map(repr, wanted))}",
                fix="check the spelling, or compute it: guide.let",
                where=n.where,
            )
            continue
        yield from _alike(graph, wanted[name], guide, n)


def _alike(graph: Graph, mine: Node, guide: Graph, yours: Node) -> Iterator[Refusal]:
    (_, p), (_, q) = prior_of(graph, mine), prior_of(guide, yours)
    a, b = mine.type, yours.type
    if not isinstance(a, ArrayType) or not isinstance(b, ArrayType):
        raise TypeError("a latent is a value")
    what = None
    if (set(a.dims), a.event, p.joint) != (set(b.dims), b.event, q.joint):
        longer = len(b.event) > len(a.event) and meant_by_element(guide, yours.args[0])
        fix = longer or "dims= and event as there"
        what = ("another shape", show_shape(b.dims, b.event), show_shape(a.dims, a.event), fix)
    elif a.dtype is not b.dtype:
        what = ("another kind of number", str(b.dtype), str(a.dtype), "a distribution over the same kind of number")
    elif q.support != p.support and not implies(q.support, p.support):
        what = ("values outside its support", str(q.support), str(p.support), "a distribution on that support")
    if what is not None:
        problem, given, needed, fix = what
        yield Refusal(
            f"guide '{guide.name}' gives '{mine.name}' {problem}",
            node=mine.name,
            given=given or "one number",
            needed=needed or "one number",
            fix=fix,
            where=yours.where,
        )


def _inputs(graph: Graph, guide: Graph) -> Iterator[Refusal]:
    for name, i in guide.inputs.items():
        n, own = guide.nodes[i], graph.inputs.get(name)
        if own is None:
            yield Refusal(
                f"guide '{guide.name}' reads '{name}', which is neither data nor an observation of the model",
                node=name,
                given=f"data '{name}'",
                needed=f"some of {', '.join(graph.inputs) or 'nothing'}",
                fix="check the spelling",
                where=n.where,
            )
            continue
        a, b = graph.nodes[own].type, n.type
        if isinstance(a, ArrayType) and isinstance(b, ArrayType) and (a.dims, a.event) != (b.dims, b.event):
            yield Refusal(
                f"guide '{guide.name}' reads '{name}' in another shape than the model",
                node=name,
                given=show_shape(b.dims, b.event) or "one number",
                needed=show_shape(a.dims, a.event) or "one number",
                fix="dims= and event= as in the model",
                where=n.where,
            )
