"""The plate diagram as a matplotlib figure.

Latents are open circles, observations shaded ones, deterministic values dashed ones; data are rounded boxes, parameters
dots, factors small squares. What stands beside a marker is its distribution or expression.

Artists carry ids: `site:<name>` (the marker), `label:<name>`, `caption:<name>`, `plate:<name>` (the rectangle),
`size:<name>` (its label) and `edge:<from>:<to>`; an SVG keeps them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gendsl.graph.node import Graph
from gendsl.plot.place import Box, Frame, Layout, place
from gendsl.plot.rows import arrange
from gendsl.plot.scene import Scene, Site, scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_graph"]

_FONT = "DejaVu Sans"  # comes with matplotlib: measured widths hold everywhere
_NAME, _SMALL, _CAPTION, _PLATE, _TITLE = 9.0, 5.5, 7.0, 7.5, 11.0  # points
_RADIUS, _WIDEST, _DOT, _BESIDE, _BORDER = 0.26, 0.4, 0.06, 0.06, 0.15  # inches
_LARGEST = 100.0  # inches; matplotlib draws 2**16 pixels at most
_LEADING = 1.25
_STEEP = math.radians(52)  # edges leave and meet markers within this angle of the vertical
_INK, _GREY, _SHADE = "#222222", "#555555", "#d4d4d4"


_Point = tuple[float, float]


class _Marker(NamedTuple):
    """How a site is drawn: half its width and height, the lines and size of its name, and what stands beside it."""

    wide: float
    high: float
    inside: tuple[str, ...]
    size: float
    beside: tuple[str, ...]


def plot_graph(graph: Graph, *, title: str | None = None, ax: Axes | None = None) -> Figure:
    """Draw the plate diagram.

    Args:
        graph: the graph.
        title: stands above; the model's name when left out, nothing when empty.
        ax: where to draw; left out, on a new figure of the right size, which belongs to no window.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure

    picture = scene(graph)
    markers = _markers(picture)
    boxes = [_box(m) for m in markers]
    labels = {p: _width(text, _PLATE) for p, text in picture.labels.items()}
    layout = place(picture, arrange(picture, [b.left + b.right for b in boxes]), boxes, labels)
    routes = {(a, b): _route(layout, path, markers[a], markers[b]) for (a, b), path in layout.rows.paths.items()}
    _free_labels(layout, list(routes.values()), labels)
    left, right, upper, lower = _extent(layout, boxes, [p for r in routes.values() for p in r.samples()])
    heading = graph.name if title is None else title
    upper -= 0.3 if heading else 0.0
    if heading:
        right = max(right, left + _width(heading, _TITLE))
    if ax is None:
        scale = min(1.0, _LARGEST / max(right - left, lower - upper))
        figure = Figure(figsize=(scale * (right - left), scale * (lower - upper)), dpi=150)
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    else:
        figure = ax.get_figure(root=True)  # type: ignore[assignment]
        room = ax.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        scale = min(room.width / (right - left), room.height / (lower - upper))
    ax.set(xlim=(left, right), ylim=(lower, upper), aspect="equal")
    ax.set_axis_off()
    _Canvas(ax, scale).draw(picture, layout, markers, routes)
    if heading:
        _Canvas(ax, scale).text((left + right) / 2, upper + 0.2, heading, _TITLE, "title", weight="bold")
    return figure


# -- sizes ------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _width(text: str, size: float) -> float:
    """The width of a line in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    width = float(TextPath((0, 0), text, size=size, prop=FontProperties(family=_FONT)).get_extents().x1) / 72
    return 1.05 * width + 0.02  # coarse screens make letters a little wider


def _markers(picture: Scene) -> list[_Marker]:
    """One radius for all circles: that of the longest name, within bounds."""
    circles = [s.name for s in picture.sites if s.kind in ("latent", "observe", "let")]
    wanted = [max((_width(w, _NAME) for w in _wrapped(name)), default=0.0) / 2 + 0.06 for name in circles]
    radius = min(max([_RADIUS, *wanted]), _WIDEST)
    return [_marker(s, radius) for s in picture.sites]


def _wrapped(name: str) -> tuple[str, ...]:
    """A long name in up to three lines, broken after underscores."""
    if len(name) <= 7 or "_" not in name.strip("_"):
        return (name,)
    parts = name.replace("_", "_ ").split()
    per_line = max(len(max(parts, key=len)), math.ceil(len(name) / 3), 6)
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > per_line:
            lines.append("")
        lines[-1] += part
    return tuple(lines)


def _marker(site: Site, radius: float) -> _Marker:
    if site.kind in ("param", "factor"):
        return _Marker(_DOT, _DOT, (), _NAME, (site.name, *site.caption))
    if site.kind == "data":
        return _Marker(_width(site.name, _NAME) / 2 + 0.1, 0.16, (site.name,), _NAME, site.caption)
    lines = _wrapped(site.name)
    size = min(
        [_NAME, *(_NAME * _room(radius, k, len(lines)) / max(_width(w, _NAME), 0.01) for k, w in enumerate(lines))]
    )
    if size < _SMALL or len(lines) > 3:
        return _Marker(radius, radius, (), _NAME, (site.name, *site.caption))
    return _Marker(radius, radius, lines, size, site.caption)


def _room(radius: float, line: int, lines: int) -> float:
    """The width inside a circle at the height of one of several lines."""
    edge = (abs(line - (lines - 1) / 2) * _LEADING + 0.4) * _NAME / 72
    return 2 * math.sqrt(max(radius**2 - edge**2, 1e-4)) - 0.08


def _box(m: _Marker) -> Box:
    """The marker with what stands to its right."""
    name = () if m.inside or not m.beside else m.beside[:1]
    widths = [_width(t, _NAME) for t in name] + [_width(t, _CAPTION) for t in m.beside[len(name) :]]
    tall = max(m.high, len(m.beside) * _CAPTION * _LEADING / 144)
    return Box(m.wide, m.wide + (_BESIDE + max(widths) if widths else 0.0), tall, tall)


def _extent(layout: Layout, boxes: list[Box], points: list[_Point]) -> tuple[float, float, float, float]:
    """Left, right, upper and lower edge of the picture."""
    x, y = layout.x, layout.y
    corners = [*points, (0.0, 0.0)] if not boxes else list(points)
    for k, b in enumerate(boxes):
        corners += [(x[k] - b.left, y[k] - b.up), (x[k] + b.right, y[k] + b.down)]
    for f in layout.frames:
        corners += [(f.left, f.upper), (f.right, f.lower)]
    xs, ys = [p[0] for p in corners], [p[1] for p in corners]
    return min(xs) - _BORDER, max(xs) + _BORDER, min(ys) - _BORDER, max(ys) + _BORDER


# -- drawing ----------------------------------------------------------------------------------------------------------
class _Canvas:
    """Draws on axes whose unit is an inch, times `scale`."""

    def __init__(self, ax: Axes, scale: float) -> None:
        self.ax, self.scale = ax, scale

    def draw(
        self, picture: Scene, layout: Layout, markers: list[_Marker], routes: dict[tuple[int, int], _Route]
    ) -> None:
        """Frames, edges, markers and labels, from the back to the front."""
        for f in sorted(layout.frames, key=lambda f: -f.level):
            self.frame(f, picture.labels[f.plate])
        for (a, b), r in routes.items():
            self.edge(r, f"edge:{picture.sites[a].name}:{picture.sites[b].name}")
        for site, m, x, y in zip(picture.sites, markers, layout.x, layout.y, strict=False):
            self.marker(site, m, x, y)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        gid: str,
        *,
        at: str = "center",
        color: str = _INK,
        weight: str = "normal",
        over: bool = False,
    ) -> None:
        """One line, vertically centred; `over` hides what is behind it."""
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5 * self.scale, "alpha": 0.9} if over else None
        self.ax.text(
            x, y, text, size=size * self.scale, ha=at, va="center_baseline", family=_FONT, color=color, weight=weight,
            gid=gid, parse_math=False, zorder=5, bbox=behind,
        )  # fmt: skip

    def frame(self, f: Frame, label: str) -> None:
        """A plate with its name and size in a corner."""
        from matplotlib.patches import FancyBboxPatch

        self.ax.add_patch(
            FancyBboxPatch(
                (f.left, f.upper),
                f.right - f.left,
                f.lower - f.upper,
                boxstyle="round,pad=0,rounding_size=0.07",
                facecolor="none",
                edgecolor=_GREY,
                linewidth=0.9 * self.scale,
                zorder=1,
                gid=f"plate:{f.plate}",
            )  # fmt: skip
        )
        x = f.left + 0.08 if f.side == "left" else f.right - 0.08
        y = f.upper + 0.1 if f.top else f.lower - 0.1
        self.text(x, y, label, _PLATE, f"size:{f.plate}", at=f.side, color=_GREY, over=True)

    def marker(self, site: Site, m: _Marker, x: float, y: float) -> None:
        """A site with its name and caption."""
        from matplotlib.patches import Circle, FancyBboxPatch, Patch, Rectangle

        fill = {"observe": _SHADE, "factor": _INK, "param": _INK}.get(site.kind, "white")
        dash = "--" if site.kind == "let" else "-"
        style: dict[str, Any] = {"edgecolor": _INK, "facecolor": fill, "linewidth": 1.1 * self.scale, "linestyle": dash}
        style |= {"zorder": 4, "gid": f"site:{site.name}"}
        shape: Patch
        if site.kind == "data":
            box = "round,pad=0,rounding_size=0.06"
            shape = FancyBboxPatch((x - m.wide, y - m.high), 2 * m.wide, 2 * m.high, boxstyle=box, **style)
        elif site.kind == "factor":
            shape = Rectangle((x - m.wide, y - m.high), 2 * m.wide, 2 * m.high, **style)
        else:
            shape = Circle((x, y), m.wide, **style)
        self.ax.add_patch(shape)
        self.lines(m.inside, x, y, m.size, f"label:{site.name}", "center", _INK)
        rows = [(t, _CAPTION, f"caption:{site.name}", _GREY) for t in m.beside]
        if rows and not m.inside:
            rows[0] = (m.beside[0], _NAME, f"label:{site.name}", _INK)
        self.lines(tuple(rows), x + m.wide + _BESIDE, y, _CAPTION, "", "left", _GREY)

    def lines(self, rows: tuple[object, ...], x: float, y: float, size: float, gid: str, at: str, color: str) -> None:
        """Lines below each other, centred on y."""
        step = size * _LEADING / 72
        for k, row in enumerate(rows):
            text, points, name, ink = row if isinstance(row, tuple) else (row, size, gid, color)
            self.text(x, y + (k - (len(rows) - 1) / 2) * step, text, points, name, at=at, color=ink)

    def edge(self, route: _Route, gid: str) -> None:
        """An arrow."""
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        self.ax.add_patch(
            FancyArrowPatch(
                path=Path(route.points, route.codes),
                arrowstyle="-|>,head_length=4.2,head_width=2",
                shrinkA=0,
                shrinkB=0,
                mutation_scale=self.scale,
                color=_INK,
                linewidth=0.9 * self.scale,
                zorder=3,
                gid=gid,
                fill=True,
            )  # fmt: skip
        )


_MOVE, _LINE, _CURVE = 1, 2, 4  # matplotlib's codes


@dataclass
class _Route:
    """The path of an edge, as matplotlib's points and codes."""

    points: list[_Point]
    codes: list[int]

    def line(self, to: _Point) -> None:
        """Straight on."""
        self.points.append(to)
        self.codes.append(_LINE)

    def curve(self, to: _Point, out: _Point, into: _Point) -> None:
        """A cubic that leaves along `out` and arrives against `into`, with no detour up or down."""
        a = self.points[-1]
        far, high = 0.4 * math.dist(a, to), 0.5 * abs(a[1] - to[1])
        p, q = (min(far, high / max(abs(way[1]), 0.1)) for way in (out, into))
        self.points += [(a[0] + p * out[0], a[1] + p * out[1]), (to[0] + q * into[0], to[1] + q * into[1]), to]
        self.codes += [_CURVE] * 3

    def samples(self) -> list[_Point]:
        """Points along the path, close enough to see what it runs through."""
        out, k = [self.points[0]], 1
        while k < len(self.points):
            a, n = out[-1], 1 if self.codes[k] == _LINE else 3
            b, c, d = (a, self.points[k], self.points[k]) if n == 1 else self.points[k : k + 3]
            for t in (i / 16 for i in range(1, 17)):
                u = 1 - t
                w = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
                out.append(
                    (
                        sum(f * p[0] for f, p in zip(w, (a, b, c, d), strict=True)),
                        sum(f * p[1] for f, p in zip(w, (a, b, c, d), strict=True)),
                    )
                )
            out[-1] = d
            k += n
        return out


def _route(layout: Layout, path: list[int], source: _Marker, target: _Marker) -> _Route:
    """From marker to marker through the passages, upright where it passes a row."""
    x, y, rows = layout.x, layout.y, layout.rows.row
    stops = [(x[k], y[k] - layout.up[rows[k]], y[k] + layout.down[rows[k]]) for k in path[1:-1]]
    first, last = (x[path[0]], y[path[0]]), (x[path[-1]], y[path[-1]])
    start, way = _port(first, stops[0][:2] if stops else last, source)
    end, into = _port(last, (stops[-1][0], stops[-1][2]) if stops else first, target)
    out = _Route([start], [_MOVE])
    for px, top, bottom in stops:
        out.curve((px, top), way, (0.0, -1.0))
        out.line((px, bottom))
        way = (0.0, 1.0)
    out.curve(end, way, into)
    return out


def _free_labels(layout: Layout, routes: list[_Route], widths: dict[str, float]) -> None:
    """Move the labels of plates from the right corner to the left where edges run through the right one."""
    points = [p for r in routes for p in r.samples()]
    for f in layout.frames:
        if f.fixed:
            continue
        high = [x for x, y in points if f.lower - 0.2 < y < f.lower]
        wide = widths[f.plate] + 0.16
        right, left = sum(f.right - wide < x < f.right for x in high), sum(f.left < x < f.left + wide for x in high)
        f.side = "left" if left < right else "right"


def _port(centre: _Point, toward: _Point, m: _Marker) -> tuple[_Point, _Point]:
    """Where an edge meets a marker, and the direction in which it leaves it."""
    dx, dy = toward[0] - centre[0], toward[1] - centre[1]
    down = 1.0 if dy >= 0 else -1.0
    most = _STEEP if m.inside or m.high > _DOT else _STEEP / 3  # small markers have text on their right
    angle = max(-most, min(most, math.atan2(dx, abs(dy))))
    way = (math.sin(angle), math.cos(angle) * down)
    if m.wide == m.high:
        return (centre[0] + way[0] * m.wide, centre[1] + way[1] * m.high), way
    offset = max(-0.7 * m.wide, min(0.7 * m.wide, m.high * math.tan(angle)))
    return (centre[0] + offset, centre[1] + down * m.high), way
