"""A model as a statistician would write it.

model eight_schools
plate school (size from the data)

data sigma[school]: float

mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school] ~ Normal(theta, sigma)   observed
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gendsl.graph.constraints import Constraint, Ref, real
from gendsl.graph.families import FAMILIES
from gendsl.graph.networks import Used, networks_of
from gendsl.graph.node import Array, Axis, Graph, Node, Plate
from gendsl.graph.show.expressions import Text, Writer, constraint, number
from gendsl.graph.types import ArrayType, DistType, Size

__all__ = ["dims_of", "expression", "joint_of", "own_data", "plate_words", "show", "texts"]

_CONE = 100  # nodes of an expression in a message
_LIMIT = 400  # characters: a regression of a dozen terms is shown whole


def show(graph: Graph) -> str:
    """The model as text: its plates, axes, data, parameters and networks, then a line for each site in order.

    A name is followed by its plates, `theta[school]`; parameters align by name, so they stand without. Distributions
    have `~`, recorded values `=`. Behind three spaces stands what else there is to say. A lag reads `y[t_from_1 - 1]`:
    y at the elements before those of the plate `t_from_1`. Very long expressions are shortened with `...`.
    """
    writer = Writer(graph.nodes, graph.plate, _LIMIT)
    own = own_data(graph)
    blocks = [
        [f"model {graph.name}", *map(plate_words, graph.plates), *map(_axis_words, graph.axes)],
        [_data(n) for i, n in graph if n.op == "data" and i not in own and n.attr["derived"] is None],
        [_param(n) for _, n in graph.of("param")],
        [_network(u) for u in networks_of(graph.nodes).values()],
        list(_body(graph, writer, own)),
    ]
    return "\n\n".join("\n".join(b) for b in blocks if b)


def texts(graph: Graph, limit: int) -> list[Text]:
    """The expression of each node, at most about `limit` characters long; a site's is its name."""
    return Writer(graph.nodes, graph.plate, limit).texts


def expression(nodes: Sequence[Node], node: int, plates: Mapping[str, Plate], limit: int = 60) -> str:
    """One value as text, over the names that it is made of; `...` where it is made of very much."""
    cone: dict[int, None] = {}
    todo = [node]
    while todo and len(cone) <= _CONE:
        i = todo.pop()
        if i not in cone:
            cone[i] = None
            todo.extend(nodes[i].args if nodes[i].name is None else ())
    if todo:
        return "..."
    order = {i: k for k, i in enumerate(sorted(cone))}
    part = [replace(nodes[i], args=tuple(order.get(a, 0) for a in nodes[i].args)) for i in order]
    steps = {k: Text(n.name or "...") for k, n in enumerate(part) if n.op == "input"}
    return Writer(part, plates, limit, inputs=steps).texts[order[node]].text


def support_words(nodes: Sequence[Node], c: Constraint, plates: Mapping[str, Plate]) -> str:
    """A set in words, with expressions for the bounds that other values give."""
    out = str(c)
    for field in ("lower", "upper", "total"):
        if isinstance(ref := getattr(c, field, None), Ref) and ref.node < len(nodes):
            text = expression(nodes, ref.node, plates).replace("\\", r"\\")  # a template of re.sub
            out = re.sub(rf"node {ref.node}\b", text, out)
    return out


def own_data(graph: Graph) -> dict[int, int]:
    """Data nodes that an observation of the same name declared -> that observation."""
    observed = {n.name: i for i, n in graph.of("observe")}
    return {i: observed[n.name] for i, n in graph.of("data") if n.name in observed}


def dims_of(graph: Graph, n: Node) -> tuple[str, ...]:
    """The plates of a site: those it varies over, then those its distribution runs over."""
    dims = n.type.dims if isinstance(n.type, (ArrayType, DistType)) else ()
    return (*dims, *joint_of(graph, n))


def joint_of(graph: Graph, n: Node) -> tuple[str, ...]:
    """The plates over which the distribution of a latent or an observation is joint."""
    t = graph.nodes[n.args[0]].type if n.op in ("latent", "observe") else None
    return t.joint if isinstance(t, DistType) else ()


def plate_words(p: Plate) -> str:
    """A plate's line."""
    if p.base is not None:
        cut = f"[{p.start or ''}:{-p.stop if p.stop else ''}]" if p.start or p.stop else " (a copy)"
        return f"plate {p.name} = {p.base}{cut}"
    words = ["size from the data" if p.size is None else f"size {p.size}"]
    words += [f"minibatches of {p.subsample}"] if p.subsample else []
    return f"plate {p.name} ({', '.join(words)}){_labels(p.coords)}"


def _axis_words(a: Axis) -> str:
    return f"axis {a.name} (size {a.size}){_labels(a.coords)}"


def _labels(coords: tuple[object, ...] | None) -> str:
    if coords is None:
        return ""
    shown = [str(c) for c in coords[:4]] + (["..."] if len(coords) > 4 else [])
    return f": {', '.join(shown)}"


def _left(n: Node, dims: tuple[str, ...]) -> str:
    return f"{n.name}[{', '.join(dims)}]" if dims else str(n.name)


def _event(event: tuple[Size, ...], axes: tuple[str | None, ...]) -> str:
    names = axes + (None,) * (len(event) - len(axes))
    inner = ", ".join(f"{a}: {s}" if a else str(s) for a, s in zip(names, event, strict=False))
    return f"event ({inner}{',' if len(event) == 1 and not names[0] else ''})"


def _data(n: Node) -> str:
    t = n.type
    if not isinstance(t, ArrayType):
        return f"data {n.name}"
    words = [str(t.dtype)]
    words += [_event(t.event, n.attr["axes"])] if t.event else []
    words += [constraint(t.support)] if t.support != real else []
    words += [f"indexes {n.attr['indexes']}"] if n.attr["indexes"] else []
    return f"data {_left(n, t.dims)}: {', '.join(words)}"


def _param(n: Node) -> str:
    t, init = n.type, n.attr["init"]
    if not isinstance(t, ArrayType):
        return f"param {n.name}"
    start = "an array" if isinstance(init, Array) else number(init)
    words = [_event(t.event, n.attr["axes"])] if t.event else []
    return f"param {_left(n, t.dims)}: {', '.join([constraint(t.support), *words, f'starts at {start}'])}"


def _network(used: Used) -> str:
    into, out = (_event(e, ()) if e else "one number" for e in (used.event, used.spec.output(used.event)))
    return f"network {used.name} = {used.spec!r}   {into} -> {out}"


def _body(graph: Graph, writer: Writer, own: dict[int, int]) -> Iterator[str]:
    derived = {n.attr["derived"]: n.name for _, n in graph.of("data") if n.attr["derived"] is not None}
    for i, n in graph:
        if i in writer.defined:
            yield f"{writer.texts[i].text} = {writer.defined[i]}"
        if n.op not in ("latent", "observe", "let", "factor"):
            continue
        right = writer.texts[n.args[0]].text
        joint = joint_of(graph, n)
        # a joint plate is a leading event axis of the node, and a dim to the reader
        event = n.type.event[len(joint) :] if isinstance(n.type, ArrayType) else ()
        notes = [f"jointly over {', '.join(joint)}"] if joint else []
        notes += [_event(event, n.attr.get("axes", ()))] if event else []
        if n.op == "observe":
            notes += _observed(graph, i, n, writer, own, derived)
        if n.op == "latent" and n.attr["centered"] is not None and _located(graph.nodes[n.args[0]]):
            notes.append("centered" if n.attr["centered"] else "not centered")
        sign = "~" if n.op in ("latent", "observe") else "="
        head = "factor " if n.op == "factor" else ""
        yield f"{head}{_left(n, dims_of(graph, n))} {sign} {right}" + (f"   {', '.join(notes)}" if notes else "")


def _located(dist: Node) -> bool:
    return dist.op.startswith("dist.") and FAMILIES[dist.op[5:]].location_scale is not None


def _observed(
    graph: Graph,
    i: int,
    n: Node,
    writer: Writer,
    own: dict[int, int],
    derived: dict[tuple[str, str], str | None],
) -> list[str]:
    if ("missing_position", n.name) in derived:
        return ["observed, missing elements imputed"]
    value, *mask = (writer.texts[a].text for a in n.args[1:])
    words = ["observed"] if i in own.values() else [f"observed as {value}"]
    if ("observed", n.name) in derived:
        words.append("missing elements left out")
    if mask and mask[0] != derived.get(("observed", str(n.name))):
        words.append(f"where {mask[0]}")
    return words
