"""Pictures of what was drawn beside what was learnt from, as matplotlib figures that belong to no window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["clouds", "sheets"]

_POINTS = 4_000


def clouds(data: np.ndarray, drawn: np.ndarray) -> Figure:
    """Points in the plane: data on the left, samples on the right; both (n, 2)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    reach = 1.15 * np.abs(data).max()
    for ax, x, title in zip(figure.subplots(1, 2), (data, drawn), ("data", "samples"), strict=True):
        ax.scatter(*x[:_POINTS].T, s=2.0, lw=0, alpha=0.5, color="#0b5cad" if title == "data" else "#b3261e")
        ax.set(title=title, aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def sheets(data: np.ndarray, drawn: np.ndarray, low: float, high: float, *, rows: int = 8, columns: int = 10) -> Figure:
    """Images of 8 x 8 pixels: data on the left, samples on the right.

    Args:
        data: images, (n, 64).
        drawn: likewise; as many as rows times columns are shown of each.
        low: the value that is black.
        high: the value that is white.
        rows: of a sheet.
        columns: of a sheet.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.4, 4.5), layout="constrained")
    for ax, x, title in zip(figure.subplots(1, 2), (data, drawn), ("data", "samples"), strict=True):
        ax.imshow(_sheet(x[: rows * columns], rows, columns, high), cmap="gray", vmin=low, vmax=high)
        ax.set_title(title)
        ax.set_axis_off()
    return figure


def _sheet(x: np.ndarray, rows: int, columns: int, line: float) -> np.ndarray:
    """Images side by side with lines between them."""
    framed = np.full((rows * columns, 9, 9), line)
    framed[: len(x), :8, :8] = x.reshape(-1, 8, 8)
    return framed.reshape(rows, columns, 9, 9).transpose(0, 2, 1, 3).reshape(9 * rows, 9 * columns)
