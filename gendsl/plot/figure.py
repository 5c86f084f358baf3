"""The plate diagram as a matplotlib figure.

Latents are open circles, observations shaded ones, deterministic values dashed ones; data are rounded boxes, networks
boxes, parameters dots, factors small squares. A network stands for its parameters, so nothing points to it. What stands
beside a marker is its distribution or expression.

Artists carry ids: `site:<name>` (the marker), `label:<name>`, `caption:<name>`, `plate:<name>` (the rectangle),
`size:<name>` (its label) and `edge:<from>:<to>`; an SVG keeps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gendsl.graph.node import Graph
from gendsl.plot.markers import BESIDE, CAPTION, FONT, LEADING, NAME, Marker, box_of, markers_of, width_of
from gendsl.plot.place import Box, Frame, Layout, place
from gendsl.plot.routes import Point, Route, free_labels, route_of
from gendsl.plot.rows import arrange
from gendsl.plot.scene import Scene, Site, scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_graph"]

_PLATE, _TITLE = 7.5, 11.0  # points
_BORDER, _LARGEST = 0.15, 100.0  # inches; matplotlib draws 2**16 pixels at most
_INK, _GREY, _SHADE = "#222222", "#555555", "#d4d4d4"


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
    markers = markers_of(picture)
    boxes = [box_of(m) for m in markers]
    labels = {p: width_of(text, _PLATE) for p, text in picture.labels.items()}
    layout = place(picture, arrange(picture, [b.left + b.right for b in boxes]), boxes, labels)
    routes = {(a, b): route_of(layout, path, markers[a], markers[b]) for (a, b), path in layout.rows.paths.items()}
    free_labels(layout, list(routes.values()), labels)
    left, right, upper, lower = _extent(layout, boxes, [p for r in routes.values() for p in r.samples()])
    heading = graph.name if title is None else title
    upper -= 0.3 if heading else 0.0
    if heading:
        right = max(right, left + width_of(heading, _TITLE))
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


def _extent(layout: Layout, boxes: list[Box], points: list[Point]) -> tuple[float, float, float, float]:
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

    def draw(self, picture: Scene, layout: Layout, markers: list[Marker], routes: dict[tuple[int, int], Route]) -> None:
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
            x, y, text, size=size * self.scale, ha=at, va="center_baseline", family=FONT, color=color, weight=weight,
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

    def marker(self, site: Site, m: Marker, x: float, y: float) -> None:
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
        elif site.kind in ("factor", "network"):
            shape = Rectangle((x - m.wide, y - m.high), 2 * m.wide, 2 * m.high, **style)
        else:
            shape = Circle((x, y), m.wide, **style)
        self.ax.add_patch(shape)
        self.lines(m.inside, x, y, m.size, f"label:{site.name}", "center", _INK)
        rows = [(t, CAPTION, f"caption:{site.name}", _GREY) for t in m.beside]
        if rows and not m.inside:
            rows[0] = (m.beside[0], NAME, f"label:{site.name}", _INK)
        self.lines(tuple(rows), x + m.wide + BESIDE, y, CAPTION, "", "left", _GREY)

    def lines(self, rows: tuple[object, ...], x: float, y: float, size: float, gid: str, at: str, color: str) -> None:
        """Lines below each other, centred on y."""
        step = size * LEADING / 72
        for k, row in enumerate(rows):
            text, points, name, ink = row if isinstance(row, tuple) else (row, size, gid, color)
            self.text(x, y + (k - (len(rows) - 1) / 2) * step, text, points, name, at=at, color=ink)

    def edge(self, route: Route, gid: str) -> None:
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
