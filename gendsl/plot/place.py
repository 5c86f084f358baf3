"""Positions, in inches, y downwards.

Rows are stacked with room for the frames of plates that begin and end between them. From left to right, the positions x
of slots and the sides l, r of frames minimise

    sum over edges w (x_a - x_b)^2 + small sum over frames (r - l)^2 + tiny sum (x - x_start)^2

subject to differences: neighbours in a row keep apart, a frame holds its own sites with a margin, and what is not in it
stands left or right of it unless it lies above or below. The quadratic programme is solved by Hildreth's method, one
constraint after another, and a last pass from left to right makes the constraints hold exactly.

Frames that overlap get different *levels*, which set their margins, so no two lines coincide.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from gendsl.plot.rows import PASSAGE, Rows
from gendsl.plot.scene import Scene

__all__ = ["Box", "Frame", "Layout", "place"]

_GAP, _ROW_GAP, _PAD, _STEP, _LINE = 0.22, 0.34, 0.12, 0.09, 0.15  # inches; _LINE: height of a frame's label
_SWEEPS, _EFFORT = 400, 200_000  # passes over the constraints, and single steps in all
_MOST = 250  # variables; beyond, slots are only packed to the left
_STRAIGHT = (1.0, 2.0, 8.0)  # weights of segments with none, one or two ends that are passages
_LABEL_PAD = 0.1


@dataclass(frozen=True)
class Box:
    """How far a slot reaches from its centre."""

    left: float = PASSAGE / 2
    right: float = PASSAGE / 2
    up: float = 0.0
    down: float = 0.0


@dataclass
class Frame:
    """The rectangle of a plate; a plate that cannot be drawn as one has several.

    Attributes:
        plate: its name.
        sites: the sites in it.
        slots: these, and the passages of edges through it.
        rows: its first and last row.
        span: the first and last place of its slots in the order from left to right.
        level: how far out its lines lie.
        side: where its label stands, "left" or "right".
        top: whether the label is at the top.
        fixed: whether the label has to stand where it does.
    """

    plate: str
    sites: frozenset[int]
    slots: frozenset[int]
    rows: tuple[int, int]
    span: tuple[int, int]
    level: int = 0
    side: str = "right"
    top: bool = False
    fixed: bool = False
    left: float = 0.0
    right: float = 0.0
    upper: float = 0.0
    lower: float = 0.0


@dataclass
class Layout:
    """Where everything is: x, y of each slot, the frames, and the heights of rows above and below their centres."""

    rows: Rows
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)


def place(scene: Scene, rows: Rows, boxes: list[Box], labels: dict[str, float]) -> Layout:
    """Positions of all.

    Args:
        scene: the diagram.
        rows: its rows and order.
        boxes: the extents of each site.
        labels: the width of each plate's label.
    """
    out = Layout(rows)
    every = [*boxes, *[Box()] * (len(rows.row) - len(boxes))]
    out.frames = _frames(scene, rows)
    _vertical(out, every)
    _horizontal(out, every, labels)
    return out


# -- frames -----------------------------------------------------------------------------------------------------------
def _frames(scene: Scene, rows: Rows) -> list[Frame]:
    spot = {k: i for i, k in enumerate(rows.order)}
    count = len(scene.sites)
    out: list[Frame] = []
    for plate, members in scene.plates.items():
        runs: list[list[int]] = [[]]
        low, high = _extent(rows.row, members)
        for k in rows.order:
            if k in members:
                runs[-1].append(k)
            elif k < count and low <= rows.row[k] <= high and runs[-1]:
                runs.append([])  # a stranger between its sites
        for run in filter(None, runs):
            sites, (first, final) = frozenset(run), _extent(rows.row, run)
            passages = {k for k, s in rows.within.items() if s <= sites and first <= rows.row[k] <= final}
            places = [spot[k] for k in sites | passages]
            out.append(Frame(plate, sites, sites | passages, (first, final), (min(places), max(places))))
    _levels(out)
    for f, g in itertools.combinations(out, 2):
        if _crossing(f, g):
            _corners(f, g)
    return out


def _levels(frames: list[Frame]) -> None:
    """A frame lies outside of those that it holds, and on another level than those that it crosses."""
    done: list[Frame] = []
    size = {id(f): (len(f.sites), f.rows[1] - f.rows[0], -k) for k, f in enumerate(frames)}
    for f in sorted(frames, key=lambda f: size[id(f)]):
        met = [g for g in done if g.sites & f.sites]
        inner = max((g.level + 1 for g in met if g.sites <= f.sites), default=0)
        f.level = next(k for k in range(inner, inner + len(met) + 1) if k not in {g.level for g in met})
        done.append(f)


def _extent(row: list[int], sites: frozenset[int] | list[int]) -> tuple[int, int]:
    return min(row[k] for k in sites), max(row[k] for k in sites)


def _crossing(f: Frame, g: Frame) -> bool:
    return bool(f.sites & g.sites) and not f.sites <= g.sites and not g.sites <= f.sites


def _corners(f: Frame, g: Frame) -> None:
    """Labels of frames that cross stand on the sides where the frames part."""
    f.fixed = g.fixed = True
    left, right = (f, g) if f.span < g.span else (g, f)
    if left.span[1] < right.span[1]:
        left.side = "left"
        return
    tall = min((f, g), key=lambda h: h.rows[0])
    tall.top = True


def _margin(f: Frame) -> float:
    return _PAD + f.level * _STEP


# -- rows -------------------------------------------------------------------------------------------------------------
def _vertical(out: Layout, boxes: list[Box]) -> None:
    last = max(out.rows.row, default=-1)
    out.up, out.down = [0.0] * (last + 1), [0.0] * (last + 1)
    for k, r in enumerate(out.rows.row):
        out.up[r] = max(out.up[r], boxes[k].up)
        out.down[r] = max(out.down[r], boxes[k].down)
    centre, at = [], 0.0
    labelled = any(f.top for f in out.frames)
    for r in range(last + 1):
        above = max((_head(f, labelled) for f in out.frames if f.rows[0] == r), default=0.0)
        ended = max((_foot(f) for f in out.frames if f.rows[1] == r - 1), default=0.0)
        gap = _ROW_GAP if r else 0.0
        at += (out.down[r - 1] + ended + gap if r else 0.0) + above + out.up[r]
        centre.append(at)
    out.y = [centre[r] for r in out.rows.row]
    for f in out.frames:
        f.upper = centre[f.rows[0]] - out.up[f.rows[0]] - _head(f, labelled)
        f.lower = centre[f.rows[1]] + out.down[f.rows[1]] + _foot(f)


def _head(f: Frame, labelled: bool) -> float:
    return _margin(f) + (f.level + 1) * _LINE * labelled


def _foot(f: Frame) -> float:
    """Every level below has a line for its label."""
    return _margin(f) + (f.level + 1) * _LINE


# -- columns ----------------------------------------------------------------------------------------------------------
Difference = tuple[int, int, float]
"""x[b] - x[a] >= gap, as (a, b, gap)."""


def _horizontal(out: Layout, boxes: list[Box], labels: dict[str, float]) -> None:
    slots = len(boxes)
    size = slots + 2 * len(out.frames)
    constraints, rank = _differences(out, boxes, labels)
    order = sorted(range(size), key=rank.__getitem__)
    start = _pushed(np.zeros(size), constraints, order)
    if size <= _MOST:
        start = _hildreth(_pull(out, slots, size), constraints, start)
    x = _pushed(start, constraints, order).tolist()
    out.x = x[:slots]
    for k, f in enumerate(out.frames):
        f.left, f.right = x[slots + 2 * k], x[slots + 2 * k + 1]


def _differences(
    out: Layout, boxes: list[Box], labels: dict[str, float]
) -> tuple[list[Difference], list[tuple[float, ...]]]:
    """The constraints, and for each variable its rank from left to right; every constraint goes up in rank."""
    rows, slots = out.rows, len(boxes)
    spot = {k: i for i, k in enumerate(rows.order)}
    rank: list[tuple[float, ...]] = [(spot[k], 0.0) for k in range(slots)]
    constraints: list[Difference] = []
    before: dict[int, int] = {}
    for k in rows.order:
        r = rows.row[k]
        if r in before:
            constraints.append((before[r], k, boxes[before[r]].right + _GAP + boxes[k].left))
        before[r] = k
    for n, f in enumerate(out.frames):
        low, high = slots + 2 * n, slots + 2 * n + 1
        rank += [(f.span[0], -1.0 - f.level), (f.span[1], 1.0 + f.level)]
        constraints.append((low, high, labels[f.plate] + 2 * _LABEL_PAD))
        for k in f.slots:
            constraints.append((low, k, boxes[k].left + _margin(f)))
            constraints.append((k, high, boxes[k].right + _margin(f)))
        for k in range(slots):
            if k in f.slots or not f.rows[0] <= rows.row[k] <= f.rows[1]:
                continue
            if spot[k] < f.span[0]:
                constraints.append((k, low, boxes[k].right + _GAP))
            elif spot[k] > f.span[1]:
                constraints.append((high, k, boxes[k].left + _GAP))
        for m, g in enumerate(out.frames[:n]):
            constraints += _between(f, g, slots + 2 * n, slots + 2 * m, labels)
    return constraints, rank


def _between(f: Frame, g: Frame, nf: int, ng: int, labels: dict[str, float]) -> list[Difference]:
    """Two frames keep apart, or their lines do."""
    if f.rows[1] < g.rows[0] or g.rows[1] < f.rows[0]:
        return []
    if not f.sites & g.sites:
        if f.span[1] < g.span[0]:
            return [(nf + 1, ng, _GAP)]
        return [(ng + 1, nf, _GAP)] if g.span[1] < f.span[0] else []
    out: list[Difference] = []
    (_, a), (_, b) = sorted([((f.span[0], -f.level), nf), ((g.span[0], -g.level), ng)])
    (_, c), (_, d) = sorted([((f.span[1], f.level), nf), ((g.span[1], g.level), ng)])
    named = {nf: labels[f.plate] + _LABEL_PAD, ng: labels[g.plate] + _LABEL_PAD} if _crossing(f, g) and a == c else {}
    out.append((a, b, named.get(a, 0.0) + _STEP))
    out.append((c + 1, d + 1, named.get(d, 0.0) + _STEP))
    return out


def _pull(out: Layout, slots: int, size: int) -> np.ndarray:
    """The matrix of the quadratic form."""
    q = np.eye(size) * 1e-3
    sites = {k for path in out.rows.paths.values() for k in (path[0], path[-1])}
    terms = [(a, b, _STRAIGHT[(a not in sites) + (b not in sites)]) for a, b in out.rows.segments]
    terms += [(slots + 2 * k, slots + 2 * k + 1, 0.02) for k in range(len(out.frames))]
    for a, b, w in terms:
        q[a, a] += w
        q[b, b] += w
        q[a, b] -= w
        q[b, a] -= w
    return q


def _hildreth(q: np.ndarray, constraints: list[Difference], start: np.ndarray) -> np.ndarray:
    """argmin (x - start)' D (x - start) + x' (Q - D) x with D = 1e-3, subject to the differences."""
    inverse = np.linalg.inv(q)
    if not constraints:
        return start
    x: np.ndarray = inverse @ (1e-3 * (start - start.mean()))
    multipliers = [0.0] * len(constraints)
    effect = [inverse[:, b] - inverse[:, a] for a, b, _ in constraints]
    curvature = [e[b] - e[a] for e, (a, b, _) in zip(effect, constraints, strict=True)]
    for _ in range(min(_SWEEPS, _EFFORT // len(constraints))):
        moved = 0.0
        for i, (a, b, gap) in enumerate(constraints):
            step = max((gap - x[b] + x[a]) / curvature[i], -multipliers[i])
            if step:
                multipliers[i] += step
                x += step * effect[i]
                moved = max(moved, abs(step) * curvature[i])
        if moved < 1e-4:
            break
    return x


def _pushed(x: np.ndarray, constraints: list[Difference], order: list[int]) -> np.ndarray:
    """x moved to the right as little as the constraints demand."""
    into: dict[int, list[tuple[int, float]]] = {}
    for a, b, gap in constraints:
        into.setdefault(b, []).append((a, gap))
    out = x.copy()
    for b in order:
        out[b] = max([out[b], *(out[a] + gap for a, gap in into.get(b, ()))])
    return out
