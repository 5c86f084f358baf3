"""What the pictures of a fit share: colours of chains, marks of divergences, titles, legends, grids.

Chains have the colours of Okabe and Ito, which are told apart by people who do not see all colours, and as greys; more
chains than there are colours go along a scale of even lightness steps.

Reference:
    Color Universal Design (Okabe, Ito, 2008) | https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DIVERGENCE", "GREY", "chain_colors", "chain_handles", "divergence_handle", "grid", "head", "label", "ticks"]

_CHAINS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#8b4513", "#5f5f5f")
DIVERGENCE, GREY = "#d5202a", "#666666"


def chain_colors(chains: int) -> list[Any]:
    """A colour for each chain."""
    if chains <= len(_CHAINS):
        return list(_CHAINS[:chains])
    from matplotlib import colormaps

    return list(colormaps["viridis"](np.linspace(0, 0.92, chains)))


def chain_handles(chains: int) -> list[Any]:
    """Entries of a legend: one for each chain, or the first and last of many."""
    from matplotlib.lines import Line2D

    colors = chain_colors(chains)
    shown = range(chains) if chains <= 10 else (0, chains // 2, chains - 1)
    return [Line2D([], [], color=colors[k], lw=2, label=f"chain {k}") for k in shown]


def divergence_handle(count: int, marker: str = "|") -> list[Any]:
    """The entry for divergences, where there are some."""
    from matplotlib.lines import Line2D

    words = "1 divergence" if count == 1 else f"{count} divergences"
    style: dict[str, Any] = {"marker": marker, "ms": 8 if marker == "|" else 4, "mew": 1.2 if marker == "|" else 0.0}
    return [Line2D([], [], color=DIVERGENCE, ls="none", label=words, **style)] if count else []


def head(figure: Figure, title: str, note: str, handles: list[Any]) -> None:
    """The title on the left above everything, a note below it, a legend on the right."""
    text = f"{title}\n{note}" if note else title
    figure.suptitle(text, x=0.008, ha="left", fontsize=10, parse_math=False)
    if handles:
        columns = min(len(handles), 6)
        figure.legend(handles=handles, loc="outside upper right", ncols=columns, fontsize=8, frameon=False)


def label(ax: Axes, text: str, size: float = 9) -> None:
    """What axes show, above them."""
    ax.set_title(_short(text), loc="left", fontsize=size, parse_math=False)
    ax.tick_params(labelsize=7)


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else f"{text[: most - 8]}…{text[-7:]}"


def grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes, row by row, and room for a title."""
    from matplotlib.figure import Figure

    columns = max(1, min(columns, count))
    rows = -(-max(count, 1) // columns)
    size = (max(6.0, columns * width), rows * height + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, list(axes[:count])


def ticks(ax: Axes, at: np.ndarray) -> None:
    """Marks along the bottom."""
    if at.size:
        ax.plot(
            at, np.full(at.size, 0.04), "|", transform=ax.get_xaxis_transform(), color=DIVERGENCE, ms=8, mew=0.9,
            alpha=min(1.0, 0.3 + 30 / at.size), gid="divergences", zorder=4,
        )  # fmt: skip
