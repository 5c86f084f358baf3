"""What a drawn plate diagram looks like: the boxes of its artists, and whether they are where they should be."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, Rectangle

from gendsl.graph.node import Graph
from gendsl.graph.view import site_graph

__all__ = ["Drawn", "drawn", "faults"]

Box = tuple[float, float, float, float]
"""Left, upper, right, lower edge in the picture's inches."""


@dataclass
class Drawn:
    """The boxes of a picture, by name."""

    markers: dict[str, Box] = field(default_factory=dict)
    sites: dict[str, Box] = field(default_factory=dict)  # with label and caption
    words: dict[str, str] = field(default_factory=dict)
    frames: dict[str, list[Box]] = field(default_factory=dict)
    labels: dict[str, list[Box]] = field(default_factory=dict)
    edges: set[tuple[str, str]] = field(default_factory=set)
    curves: list[Box] = field(default_factory=list)
    limits: Box = (0.0, 0.0, 0.0, 0.0)


def drawn(figure: Figure, ax: Axes | None = None) -> Drawn:
    """Read a picture."""
    out = Drawn()
    axes = ax or figure.axes[0]
    (left, right), (lower, upper) = axes.get_xlim(), axes.get_ylim()
    out.limits = (left, upper, right, lower)
    for patch in axes.patches:
        kind, _, name = str(patch.get_gid()).partition(":")
        if kind == "site":
            out.markers[name] = out.sites[name] = _shape(patch)
        elif kind == "plate":
            out.frames.setdefault(name, []).append(_shape(patch))
        elif kind == "edge":
            a, _, b = name.partition(":")
            out.edges.add((a, b))
            curve = patch.get_path().get_extents()
            out.curves.append((curve.x0, curve.y0, curve.x1, curve.y1))
    for text in axes.texts:
        kind, _, name = str(text.get_gid()).partition(":")
        e = text.get_window_extent().transformed(axes.transData.inverted())
        box = (min(e.x0, e.x1), min(e.y0, e.y1), max(e.x0, e.x1), max(e.y0, e.y1))
        if kind == "size":
            out.labels.setdefault(name, []).append(box)
        elif kind in ("label", "caption"):
            out.sites[name] = _hull(out.sites[name], box)
            out.words[name] = out.words.get(name, "") + text.get_text() + " "
    return out


def _shape(patch: Patch) -> Box:
    if isinstance(patch, Circle):
        (x, y), r = patch.get_center(), patch.get_radius()
        return x - r, y - r, x + r, y + r
    assert isinstance(patch, (FancyBboxPatch, Rectangle))
    x, y = patch.get_x(), patch.get_y()
    return x, y, x + patch.get_width(), y + patch.get_height()


def _hull(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share more than an edge."""
    e = 1e-3
    return a[0] < b[2] - e and b[0] < a[2] - e and a[1] < b[3] - e and b[1] < a[3] - e


def inside(a: Box, b: Box) -> bool:
    """Whether a lies within b."""
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def faults(graph: Graph, picture: Drawn) -> list[str]:
    """What is wrong with a picture; nothing if it is correct."""
    view = site_graph(graph)
    shown = [n for n, d in view.nodes.items() if not d["derived"]]
    out = [f"{n} is missing" for n in shown if n not in picture.markers]
    out += [f"{n} has no label" for n in shown if n not in picture.words.get(n, "").replace("_ ", "_").split()]
    wanted = {(a, b) for a, b in view.edges if a in shown and b in shown}
    out += [f"edge {e}" for e in wanted ^ picture.edges]
    names = list(picture.sites)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    out += [f"{a} and {b} overlap" for a, b in pairs if overlap(picture.sites[a], picture.sites[b])]
    for plate in {p for n in shown for p in view.nodes[n]["plates"]}:
        members = {n for n in shown if plate in view.nodes[n]["plates"]}
        frames = picture.frames.get(plate, [])
        held = {n for n in names for f in frames if inside(picture.sites[n], f)}
        touched = {n for n in names for f in frames if overlap(picture.sites[n], f)}
        if not members == held == touched:
            out.append(f"plate {plate} holds {sorted(held)} and touches {sorted(touched)}, not {sorted(members)}")
        for label in picture.labels[plate]:
            out += [f"the label of {plate} lies on {n}" for n in names if overlap(label, picture.sites[n])]
            if not any(inside(label, f) for f in frames):
                out.append(f"the label of {plate} is outside")
    shapes = [*picture.sites.values(), *picture.curves, *itertools.chain(*picture.frames.values())]
    out += [f"{box} is outside of the picture" for box in shapes if not inside(box, picture.limits)]
    for p, q in itertools.combinations(picture.frames, 2):
        s, t = ({n for n in shown if plate in view.nodes[n]["plates"]} for plate in (p, q))
        met = [(a, b) for a in picture.frames[p] for b in picture.frames[q] if overlap(a, b)]
        if met and not s & t:
            out.append(f"{p} and {q} meet in the picture only")
    every = [(p, box) for p, boxes in picture.labels.items() for box in boxes]
    out += [f"labels of {p} and {q}" for i, (p, a) in enumerate(every) for q, b in every[:i] if overlap(a, b)]
    return out
