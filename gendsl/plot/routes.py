"""The curves of edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gendsl.plot.markers import DOT, Marker
from gendsl.plot.place import Layout

__all__ = ["Point", "Route", "free_labels", "route_of"]

Point = tuple[float, float]
_STEEP = math.radians(52)  # edges leave and meet markers within this angle of the vertical
_MOVE, _LINE, _CURVE = 1, 2, 4  # matplotlib's codes


@dataclass
class Route:
    """The path of an edge, as matplotlib's points and codes."""

    points: list[Point]
    codes: list[int]

    def line(self, to: Point) -> None:
        """Straight on."""
        self.points.append(to)
        self.codes.append(_LINE)

    def curve(self, to: Point, out: Point, into: Point) -> None:
        """A cubic that leaves along `out` and arrives against `into`, with no detour up or down."""
        a = self.points[-1]
        far, high = 0.4 * math.dist(a, to), 0.5 * abs(a[1] - to[1])
        p, q = (min(far, high / max(abs(way[1]), 0.1)) for way in (out, into))
        self.points += [(a[0] + p * out[0], a[1] + p * out[1]), (to[0] + q * into[0], to[1] + q * into[1]), to]
        self.codes += [_CURVE] * 3

    def samples(self) -> list[Point]:
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


def route_of(layout: Layout, path: list[int], source: Marker, target: Marker) -> Route:
    """From marker to marker through the passages, upright where it passes a row."""
    x, y, rows = layout.x, layout.y, layout.rows.row
    stops = [(x[k], y[k] - layout.up[rows[k]], y[k] + layout.down[rows[k]]) for k in path[1:-1]]
    first, last = (x[path[0]], y[path[0]]), (x[path[-1]], y[path[-1]])
    start, way = _port(first, stops[0][:2] if stops else last, source)
    end, into = _port(last, (stops[-1][0], stops[-1][2]) if stops else first, target)
    out = Route([start], [_MOVE])
    for px, top, bottom in stops:
        out.curve((px, top), way, (0.0, -1.0))
        out.line((px, bottom))
        way = (0.0, 1.0)
    out.curve(end, way, into)
    return out


def free_labels(layout: Layout, routes: list[Route], widths: dict[str, float]) -> None:
    """Move the labels of plates from the right corner to the left where edges run through the right one."""
    points = [p for r in routes for p in r.samples()]
    for f in layout.frames:
        if f.fixed:
            continue
        high = [x for x, y in points if f.lower - 0.2 < y < f.lower]
        wide = widths[f.plate] + 0.16
        right, left = sum(f.right - wide < x < f.right for x in high), sum(f.left < x < f.left + wide for x in high)
        f.side = "left" if left < right else "right"


def _port(centre: Point, toward: Point, m: Marker) -> tuple[Point, Point]:
    """Where an edge meets a marker, and the direction in which it leaves it."""
    dx, dy = toward[0] - centre[0], toward[1] - centre[1]
    down = 1.0 if dy >= 0 else -1.0
    most = _STEEP if m.inside or m.high > DOT else _STEEP / 3  # small markers have text on their right
    angle = max(-most, min(most, math.atan2(dx, abs(dy))))
    way = (math.sin(angle), math.cos(angle) * down)
    if m.wide == m.high:
        return (centre[0] + way[0] * m.wide, centre[1] + way[1] * m.high), way
    offset = max(-0.7 * m.wide, min(0.7 * m.wide, m.high * math.tan(angle)))
    return (centre[0] + offset, centre[1] + down * m.high), way
