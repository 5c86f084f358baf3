"""Markers: their sizes, the lines of names in them, and what stands beside them. Widths are those of the letters."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from gendsl.plot.place import Box
from gendsl.plot.scene import Scene, Site

__all__ = ["BESIDE", "CAPTION", "DOT", "FONT", "LEADING", "NAME", "Marker", "box_of", "markers_of", "width_of"]

FONT = "DejaVu Sans"  # comes with matplotlib: measured widths hold everywhere
NAME, CAPTION, _SMALL = 9.0, 7.0, 5.5  # points
DOT, BESIDE, _RADIUS, _WIDEST = 0.06, 0.06, 0.26, 0.4  # inches
LEADING = 1.25


class Marker(NamedTuple):
    """How a site is drawn: half its width and height, the lines and size of its name, and what stands beside it."""

    wide: float
    high: float
    inside: tuple[str, ...]
    size: float
    beside: tuple[str, ...]


@lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """The width of a line in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    width = (
        float(TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=FontProperties(family=FONT)).get_extents().x1)
        / 72
    )
    return 1.05 * width + 0.02  # coarse screens make letters a little wider


def markers_of(picture: Scene) -> list[Marker]:
    """One radius for all circles: that of the longest name, within bounds."""
    circles = [s.name for s in picture.sites if s.kind in ("latent", "observe", "let")]
    wanted = [max((width_of(w, NAME) for w in _wrapped(name)), default=0.0) / 2 + 0.06 for name in circles]
    radius = min(max([_RADIUS, *wanted]), _WIDEST)
    return [marker_of(s, radius) for s in picture.sites]


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


def marker_of(site: Site, radius: float) -> Marker:
    if site.kind in ("param", "factor"):
        return Marker(DOT, DOT, (), NAME, (site.name, *site.caption))
    if site.kind in ("data", "network"):
        return Marker(width_of(site.name, NAME) / 2 + 0.1, 0.16, (site.name,), NAME, site.caption)
    lines = _wrapped(site.name)
    size = min(
        [NAME, *(NAME * _room(radius, k, len(lines)) / max(width_of(w, NAME), 0.01) for k, w in enumerate(lines))]
    )
    if size < _SMALL or len(lines) > 3:
        return Marker(radius, radius, (), NAME, (site.name, *site.caption))
    return Marker(radius, radius, lines, size, site.caption)


def _room(radius: float, line: int, lines: int) -> float:
    """The width inside a circle at the height of one of several lines."""
    edge = (abs(line - (lines - 1) / 2) * LEADING + 0.4) * NAME / 72
    return 2 * math.sqrt(max(radius**2 - edge**2, 1e-4)) - 0.08


def box_of(m: Marker) -> Box:
    """The marker with what stands to its right."""
    name = () if m.inside or not m.beside else m.beside[:1]
    widths = [width_of(t, NAME) for t in name] + [width_of(t, CAPTION) for t in m.beside[len(name) :]]
    tall = max(m.high, len(m.beside) * CAPTION * LEADING / 144)
    return Box(m.wide, m.wide + (BESIDE + max(widths) if widths else 0.0), tall, tall)
