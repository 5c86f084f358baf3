"""Intervals of many scalars: a panel for each site, which has its own scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gendsl.diagnostics import WORST_RHAT, rhats
from gendsl.results.plots.style import DIVERGENCE, GREY, chain_colors, chain_handles, head
from gendsl.results.scalars import Scalars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["forest"]

_INK = "#222222"


def forest(found: Scalars, diverging: np.ndarray, title: str, note: str) -> Figure:
    """Median, central 50 and 94 % of each scalar, a dot for each chain's median; R-hat on the right."""
    from matplotlib.figure import Figure

    chains = len(diverging)
    sites = list(dict.fromkeys(found.sites))
    counts = [found.sites.count(s) for s in sites]
    figure = Figure(figsize=(9, 0.2 * len(found) + 0.5 * len(sites) + 0.9), layout="constrained")
    ratios = [c + 1.2 for c in counts]
    axes = figure.subplots(len(sites), 2, squeeze=False, height_ratios=ratios, width_ratios=(4, 1))
    low, lower, middle, upper, high = np.quantile(found.draws, [0.03, 0.25, 0.5, 0.75, 0.97], axis=(1, 2))
    medians, factors = np.median(found.draws, axis=2), rhats(found.draws)
    most = max(1.02, float(np.nanmax(factors, initial=1.0)))
    for site, (ax, side) in zip(sites, axes, strict=True):
        at = [k for k, s in enumerate(found.sites) if s == site]
        y = np.arange(len(at))
        ax.hlines(y, low[at], high[at], color=_INK, lw=1)
        ax.hlines(y, lower[at], upper[at], color=_INK, lw=3.5)
        if chains > 1:
            for c, color in enumerate(chain_colors(chains)):
                ax.plot(medians[at, c], y + (c - (chains - 1) / 2) * 0.5 / chains, "o", color=color, ms=2.6, zorder=3)
        ax.plot(middle[at], y, "|", color="white", ms=7, mew=1.2, zorder=2)
        if low[at].min() <= 0 <= high[at].max():
            ax.axvline(0, color=GREY, lw=0.7, ls=":")
        ax.set_yticks(y, [found.labels[k] for k in at], fontsize=7.5, parse_math=False)
        side.plot(factors[at], y, "o", ms=3, color=_INK)
        bad = np.flatnonzero(~(factors[at] < WORST_RHAT))
        side.plot(factors[at][bad], bad, "o", ms=3.5, color=DIVERGENCE)
        side.axvline(WORST_RHAT, color=GREY, lw=0.9, ls="--")
        side.set(yticks=[], xlim=(1 - 0.05 * (most - 1), 1 + 1.05 * (most - 1)))
        for part in (ax, side):
            part.set_ylim(len(at) - 0.4, -0.6)
            part.tick_params(axis="x", labelsize=7)
            part.spines[["top", "right"]].set_visible(False)
    for side in axes[:-1, 1]:
        side.set_xticklabels([])
    axes[0, 1].set_title(f"R-hat; dashed: {WORST_RHAT}", loc="left", fontsize=8)
    head(figure, title, note, chain_handles(chains) if chains > 1 else [])
    return figure
