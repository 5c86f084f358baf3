"""Pictures of what was drawn beside what was learnt from: points in a plane, or sheets of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["clouds", "draw_clouds", "draw_sheets", "sheets"]

_POINTS = 4_000
_COLOURS = {"data": "#0b5cad", "samples": "#b3261e"}


def clouds(data: np.ndarray, drawn: np.ndarray) -> Figure:
    """Points in the plane: data on the left, samples on the right; both (n, 2)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_clouds(left, right, data, drawn)
    return figure


def draw_clouds(left: Axes, right: Axes, data: np.ndarray, drawn: np.ndarray) -> None:
    """The same on given axes, on one scale: that of the data."""
    middle = (data.min(0) + data.max(0)) / 2
    reach = 1.15 * float((data.max(0) - data.min(0)).max()) / 2 or 1.0
    for ax, x, title in ((left, data, "data"), (right, drawn, "samples")):
        ax.scatter(x[:_POINTS, 0], x[:_POINTS, 1], s=2.0, lw=0, alpha=0.5, color=_COLOURS[title])
        ax.set_xlim(middle[0] - reach, middle[0] + reach)
        ax.set_ylim(middle[1] - reach, middle[1] + reach)
        ax.set(title=title, aspect="equal")
        ax.spines[["top", "right"]].set_visible(False)


def sheets(data: np.ndarray, drawn: np.ndarray, *, rows: int = 8, columns: int = 10) -> Figure:
    """Images: data on the left, samples on the right.

    Args:
        data: (n, height, width), or with three colours behind; its range of values is from black to white.
        drawn: likewise; as many as rows times columns are shown of each.
        rows: of a sheet.
        columns: of a sheet.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.4, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_sheets(left, right, data, drawn, rows=rows, columns=columns)
    return figure


def draw_sheets(
    left: Axes, right: Axes, data: np.ndarray, drawn: np.ndarray, *, rows: int = 8, columns: int = 10
) -> None:
    """The same on given axes."""
    low, high = float(data.min()), float(data.max())
    for ax, x, title in ((left, data, "data"), (right, drawn, "samples")):
        shown = np.clip((x[: rows * columns] - low) / ((high - low) or 1.0), 0.0, 1.0)
        ax.imshow(_sheet(shown, rows, columns), cmap="gray", vmin=0.0, vmax=1.0)
        ax.set_title(title)
        ax.set_axis_off()


def _sheet(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Images side by side with white lines between them."""
    n, height, width, *colours = x.shape
    framed = np.ones((rows * columns, height + 1, width + 1, *colours))
    framed[:n, :height, :width] = x
    out = framed.reshape(rows, columns, height + 1, width + 1, *colours).swapaxes(1, 2)
    return out.reshape(rows * (height + 1), columns * (width + 1), *colours)
