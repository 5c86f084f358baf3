"""Learning curves: each loss by step, smoothed where it is noisy, and losses of held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gendsl.training.history import History

__all__ = ["curves"]

_MOST = 2000  # points of a line


def curves(history: History, title: str, log: bool) -> Figure:
    """The curves of a run, as a figure that belongs to no window.

    Args:
        history: what happened.
        title: stands above.
        log: whether steps are shown on a logarithmic axis.
    """
    from matplotlib.figure import Figure

    names = [k for k in history.curves if ":" not in k]
    figure = Figure(figsize=(6.4, 2.2 + 1.8 * max(len(names), 1)), layout="constrained")
    axes = figure.subplots(max(len(names), 1), 1, sharex=True, squeeze=False)[:, 0]
    for ax, name in zip(axes, names, strict=False):
        y = history.curves[name]
        x, mean = _means(history.steps, y)
        if len(x) < len(y):
            ax.plot(history.steps[:: len(y) // _MOST + 1], y[:: len(y) // _MOST + 1], color="0.8", lw=0.6)
        ax.plot(x, mean, lw=1.4, label="training")
        if name in history.validation:
            ax.plot(history.validation_step, history.validation[name], "o-", ms=3, lw=1.0, label="held out")
            ax.legend(frameon=False)
        low, high = np.nanpercentile(mean, [0, 98]) if len(mean) else (0.0, 1.0)
        if np.isfinite([low, high]).all() and high > low:
            ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        ax.set_ylabel(name)
        ax.spines[["top", "right"]].set_visible(False)
        if log:
            ax.set_xscale("log")
    axes[-1].set_xlabel("step")
    axes[0].set_title(title)
    return figure


def _means(x: np.ndarray, y: np.ndarray, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Means over runs of steps."""
    if len(y) <= count:
        return x, y
    size = len(y) // count
    whole = size * (len(y) // size)
    return x[:whole].reshape(-1, size)[:, -1], y[:whole].reshape(-1, size).mean(1)
