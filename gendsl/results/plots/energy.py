"""The energy of Hamiltonian Monte Carlo.

A draw starts with a fresh momentum, which moves the energy by some dE. Where the distribution of dE is much narrower
than that of the energy itself, many draws are needed to cross it: E-BFMI = mean(dE^2) / var(E) is small.

Reference:
    A Conceptual Introduction to Hamiltonian Monte Carlo (Betancourt, 2017) | https://arxiv.org/abs/1701.02434
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gendsl.diagnostics import LEAST_BFMI, bfmi, density
from gendsl.results.plots.style import GREY, chain_colors, head

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["energy"]


def energy(values: np.ndarray, title: str) -> Figure:
    """Densities of the energy and of its changes, and E-BFMI of each chain.

    Args:
        values: (chain, draw).
        title: stands above.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    centred = values - values.mean(1, keepdims=True)
    for x, color, words in (
        (centred, "#0072b2", "energy, about its mean"),
        (np.diff(values, axis=1), "#e69f00", "change from draw to draw"),
    ):
        if x.min() < x.max():
            at, height = density(x.ravel())
            left.fill_between(at, height, color=color, alpha=0.35, lw=0)
            left.plot(at, height, color=color, lw=1.3, label=words)
    left.legend(fontsize=8, frameon=False)
    left.set_yticks([])
    left.set_ylim(bottom=0)
    left.set_xlabel("energy", fontsize=8)
    fractions, chains = bfmi(values), len(values)
    right.bar(range(chains), fractions, color=chain_colors(chains), width=0.7)
    right.axhline(LEAST_BFMI, color=GREY, ls="--", lw=1)
    right.text(chains - 0.5, LEAST_BFMI, f" {LEAST_BFMI}", va="center", fontsize=8, color=GREY)
    right.set_title("E-BFMI of each chain: above the line is well", loc="left", fontsize=9)
    right.set(xlim=(-0.5, chains - 0.5), xlabel="chain")
    right.xaxis.label.set_size(8)
    right.xaxis.get_major_locator().set_params(integer=True)
    for ax in (left, right):
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    head(figure, title, "", [])
    return figure
