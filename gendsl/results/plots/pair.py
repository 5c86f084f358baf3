"""Scalars against each other, divergent draws on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gendsl.results.plots.style import DIVERGENCE, divergence_handle, head, label, ticks
from gendsl.results.scalars import Scalars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["pair"]

_POINTS, _SHARES, _DECADES = 2000, 20, 30.0


def pair(found: Scalars, diverging: np.ndarray, title: str, note: str) -> Figure:
    """The lower triangle of all pairs, distributions on its diagonal.

    A positive scalar whose draws span more than a factor of 30 has a logarithmic axis, so that the neck of a funnel is
    seen.
    """
    from matplotlib.figure import Figure

    n = len(found)
    flat, mark = found.draws.reshape(n, -1), diverging.ravel()
    others = np.flatnonzero(~mark)
    others = others[np.linspace(0, len(others) - 1, min(_POINTS, len(others))).astype(int)]
    size = 6.0 if n == 1 else max(6.0, 1.9 * n)
    figure = Figure(figsize=(size, 3.0 if n == 1 else size + 0.5), layout="constrained")
    axes = figure.subplots(n, n, squeeze=False)
    logs = [_is_log(x) for x in flat]
    for row in range(n):
        for column in range(n):
            ax = axes[row, column]
            if column > row:
                ax.set_axis_off()
                continue
            if logs[column]:
                ax.set_xscale("log")
            if row == column:
                _histogram(ax, flat[row], mark, logs[row])
                label(ax, found.labels[row], 8)
            else:
                if logs[row]:
                    ax.set_yscale("log")
                ax.plot(flat[column][others], flat[row][others], ".", ms=2, alpha=0.3, color="#0072b2", mew=0)
                ax.plot(
                    flat[column][mark], flat[row][mark], "o", ms=3, mew=0, color=DIVERGENCE,
                    alpha=min(1.0, 0.3 + 50 / max(mark.sum(), 1)), gid="divergences",
                )  # fmt: skip
            _ends(ax, row == n - 1, column == 0 and row > 0)
            if row == n - 1:
                ax.set_xlabel(found.labels[column], fontsize=8, parse_math=False)
            if column == 0 and row > 0:
                ax.set_ylabel(found.labels[row], fontsize=8, parse_math=False)
    head(figure, title, note, divergence_handle(int(mark.sum()), "o"))
    return figure


def _is_log(x: np.ndarray) -> bool:
    low, high = np.quantile(x, [0.005, 0.995])
    return bool(x.min() > 0 and high > _DECADES * low)


def _histogram(ax: Axes, x: np.ndarray, mark: np.ndarray, log: bool) -> None:
    edges = np.geomspace(x.min(), x.max(), 41) if log else np.linspace(x.min(), x.max(), 41)
    counts = np.histogram(x[~mark], edges)[0] / max((~mark).sum(), 1)
    ax.stairs(counts, edges, fill=True, color="#0072b2", alpha=0.45)
    if mark.sum() >= _SHARES:  # as shares of their own, so that tens are seen beside thousands
        ax.stairs(np.histogram(x[mark], edges)[0] / mark.sum(), edges, color=DIVERGENCE, lw=1.1)
    else:
        ticks(ax, x[mark])
    ax.set_yticks([])
    ax.set_ylim(bottom=0)


def _ends(ax: Axes, below: bool, left: bool) -> None:
    """Numbers only along the outer edges."""
    from matplotlib.ticker import NullFormatter

    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=7)
    for axis, shown in ((ax.xaxis, below), (ax.yaxis, left)):
        axis.set_minor_formatter(NullFormatter())
        if not shown:
            axis.set_major_formatter(NullFormatter())
