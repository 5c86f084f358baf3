"""What a diagram shows: sites with captions, edges, and plates as sets of sites."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from gendsl.graph.networks import networks_of
from gendsl.graph.node import Graph, Node, Plate
from gendsl.graph.show import texts
from gendsl.graph.view import site_graph

__all__ = ["Scene", "Site", "scene"]

_CAPTION, _WIDTH = 44, 20  # characters of a caption in all, and in a line


@dataclass(frozen=True)
class Site:
    """One site of the diagram.

    Attributes:
        name: its name.
        kind: data, param, network, latent, let, observe or factor.
        caption: lines about it: its distribution, its expression, its event shape, its spec.
        plates: the plates it is in.
    """

    name: str
    kind: str
    caption: tuple[str, ...]
    plates: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """A diagram without positions.

    Attributes:
        name: the model's name.
        sites: the sites.
        edges: pairs of indices of sites, from a site to one that depends on it; no cycles.
        plates: plate -> indices of its sites, for plates with sites.
        labels: plate -> its name and size.
    """

    name: str
    sites: tuple[Site, ...]
    edges: tuple[tuple[int, int], ...]
    plates: dict[str, frozenset[int]]
    labels: dict[str, str]


def scene(graph: Graph) -> Scene:
    """The diagram of a graph; data that tell where others are missing are left out."""
    view = site_graph(graph)
    words, networks = texts(graph, _CAPTION), networks_of(graph.nodes)
    names = [name for name, d in view.nodes.items() if not d["derived"]]
    at = {name: i for i, name in enumerate(names)}
    sites = []
    for name in names:
        d = view.nodes[name]
        if d["kind"] == "network":
            caption = textwrap.wrap(textwrap.shorten(repr(networks[name].spec), _CAPTION, placeholder=" ..."), _WIDTH)
            sites.append(Site(name, "network", tuple(caption), ()))
            continue
        n = graph.nodes[d["index"]]
        text = "" if not n.args else words[n.args[0]].text
        sites.append(Site(name, d["kind"], _caption(n, text, d["event"], d["joint"]), d["plates"]))
    edges = tuple((at[a], at[b]) for a, b in view.edges if a in at and b in at)
    plates = {
        p.name: members
        for p in graph.plates
        if (members := frozenset(i for i, s in enumerate(sites) if p.name in s.plates))
    }
    return Scene(graph.name, tuple(sites), edges, plates, {p: _plate(graph.plate[p]) for p in plates})


def _caption(n: Node, text: str, event: tuple[object, ...], joint: tuple[str, ...]) -> tuple[str, ...]:
    sign = {"latent": "~ ", "observe": "~ ", "let": "= ", "factor": "= "}.get(n.op)
    lines = [] if sign is None else textwrap.wrap(text, _WIDTH, initial_indent=sign, break_long_words=False)
    if joint:
        lines.append(f"joint over {', '.join(joint)}")
    if event and n.op in ("data", "param"):
        lines.append(f"event ({', '.join(map(str, event))})")
    return tuple(lines)


def _plate(p: Plate) -> str:
    if p.base is None:
        return p.name if p.size is None else f"{p.name} ({p.size})"
    if p.stop == p.start == 0:
        return f"{p.name} (copy of {p.base})"
    if p.stop:
        return f"{p.name}: {p.base}[{p.start or ''}:-{p.stop}]"
    return f"{p.name}: {p.base} \N{GREATER-THAN OR EQUAL TO} {p.start}"
