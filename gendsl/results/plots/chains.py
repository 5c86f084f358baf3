"""Chain by chain: traces, ranks, autocorrelations, and effective sample sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.diagnostics import density, effective_sizes
from gendsl.results.plots.style import (
    GREY,
    chain_colors,
    chain_handles,
    divergence_handle,
    grid,
    head,
    label,
    ticks,
)
from gendsl.results.scalars import Scalars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["autocorr", "ess", "rank", "trace"]

_BINS, _LAGS, _POINTS = 20, 100, 10
_ENOUGH = 100  # effective draws for each chain, as in the checks


def trace(found: Scalars, diverging: np.ndarray, title: str, note: str) -> Figure:
    """A row a scalar: densities of the chains on the left, their traces on the right, divergences along the bottom."""
    from matplotlib.figure import Figure

    chains, draws = diverging.shape
    colors = chain_colors(chains)
    figure = Figure(figsize=(10, 1.25 * len(found) + 0.9), layout="constrained")
    axes = figure.subplots(len(found), 2, squeeze=False, width_ratios=(1, 2))
    for (left, right), name, x in zip(axes, found.labels, found.draws, strict=True):
        for c, (color, line) in enumerate(zip(colors, x, strict=True)):
            if line.min() < line.max():
                left.plot(*density(line), color=color, lw=1.2)
            else:  # a chain that does not move has no density
                left.axvline(line[0], color=color, lw=1.2, ls="--")
            right.plot(line, color=color, lw=0.5, alpha=0.85, rasterized=True, gid=f"trace:{name}:{c}")
        ticks(left, x[diverging])
        ticks(right, np.nonzero(diverging)[1])
        label(left, name)
        left.set_yticks([])
        left.set_ylim(bottom=0)
        right.tick_params(labelsize=7)
        right.set_xlim(0, max(draws - 1, 1))
        for ax in (left, right):
            ax.spines[["top", "right"]].set_visible(False)
    axes[-1, 1].set_xlabel("draw", fontsize=8)
    head(figure, title, note, chain_handles(chains) + divergence_handle(int(diverging.sum())))
    return figure


def rank(found: Scalars, diverging: np.ndarray, title: str, note: str) -> Figure:
    """How often each chain's draws fall into each twentieth of all draws; even where the chains agree.

    Reference:
        Rank-normalization, folding, and localization: An improved R-hat (Vehtari et al., 2021) |
        https://doi.org/10.1214/20-BA1221
    """
    chains, draws = diverging.shape
    bins = min(_BINS, max(2, draws // 5))
    figure, axes = grid(len(found), 4, 2.6, 1.6)
    spread = 2 * np.sqrt((bins - 1) / draws)  # of a binomial count, relative to its mean
    edges = np.linspace(0, 1, bins + 1)
    top = 2.0
    for ax, name, x in zip(axes, found.labels, found.draws, strict=True):
        ranks = (_ranks(x) - 0.5) / x.size
        ax.axhspan(1 - spread, 1 + spread, color="0.9", lw=0)
        ax.axhline(1, color=GREY, lw=0.8, ls="--")
        for color, line in zip(chain_colors(chains), ranks, strict=True):
            share = np.histogram(line, edges)[0] * bins / draws
            top = max(top, 1.05 * share.max())
            ax.stairs(share, edges, color=color, lw=1.2, baseline=None)
        label(ax, name)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes:
        ax.set(xlim=(0, 1), ylim=(0, top), xticks=(0, 0.5, 1))
    band = "draws relative to what is even; grey: where independent draws lie"
    head(figure, title, "; ".join(filter(None, (note, band))), chain_handles(chains))
    return figure


def _ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    out: np.ndarray = (ends - (counts - 1) / 2)[inverse].reshape(x.shape)
    return out


def autocorr(found: Scalars, diverging: np.ndarray, title: str, note: str) -> Figure:
    """Autocorrelations of each chain."""
    chains, draws = diverging.shape
    lags = min(_LAGS, draws - 1)
    figure, axes = grid(len(found), 4, 2.6, 1.6)
    for ax, name, x in zip(axes, found.labels, found.draws, strict=True):
        ax.axhline(0, color=GREY, lw=0.8)
        for color, line in zip(chain_colors(chains), x, strict=True):
            ax.plot(_autocorrelation(line)[: lags + 1], color=color, lw=1.1)
        label(ax, name)
        ax.set(xlim=(0, max(lags, 1)), ylim=(-0.35, 1.02))
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[-4:]:
        ax.set_xlabel("lag", fontsize=8)
    head(figure, title, note, chain_handles(chains))
    return figure


def _autocorrelation(x: np.ndarray) -> np.ndarray:
    """rho(k) = sum_t (x_t - m)(x_{t+k} - m) / sum_t (x_t - m)^2, by a padded Fourier transform; nan for a constant."""
    centred = x - x.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(x))) ** 2
    products = np.fft.irfft(power)[: len(x)]
    with np.errstate(invalid="ignore", divide="ignore"):
        out: np.ndarray = products / np.dot(centred, centred)
    return out


def ess(found: Scalars, diverging: np.ndarray, title: str, note: str) -> Figure:
    """Effective sample sizes of bulk and tails from the first draws, the first two, three, ... tenths of all."""
    from matplotlib.lines import Line2D

    chains, draws = diverging.shape
    counts = np.unique(np.linspace(max(4, draws // _POINTS), draws, _POINTS).astype(int))
    figure, axes = grid(len(found), 4, 2.6, 1.6)
    styles: dict[str, dict[str, Any]] = {
        "bulk": {"color": "#0072b2", "marker": "o"},
        "tail": {"color": "#e69f00", "marker": "s"},
    }
    for method, style in styles.items():
        sizes = np.array([effective_sizes(found.draws[..., :n], method) for n in counts])
        for ax, line in zip(axes, sizes.T, strict=True):
            ax.plot(chains * counts, line, lw=1.2, ms=2.5, **style)
    for ax, name in zip(axes, found.labels, strict=True):
        ax.axhline(_ENOUGH * chains, color=GREY, lw=0.9, ls="--")
        label(ax, name)
        ax.set_ylim(bottom=0)
        ax.set_xlim(0, 1.03 * chains * draws)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[-4:]:
        ax.set_xlabel("draws of all chains", fontsize=8)
    handles = [Line2D([], [], lw=1.2, ms=3, label=f"{k} ESS", **s) for k, s in styles.items()]
    handles.append(Line2D([], [], color=GREY, ls="--", lw=0.9, label=f"enough: {_ENOUGH} for each chain"))
    head(figure, title, note, handles)
    return figure
