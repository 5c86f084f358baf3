"""Pictures of predictive checks: what was observed beside what a model predicts."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.graph.node import Graph
from gendsl.groups import dims_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gendsl.fit import Fit

__all__ = ["draw_distributions", "draw_intervals", "observations_shown", "plot_fit", "plot_predictive"]

_CURVES = 50  # predicted distribution functions that are drawn
_LABELS = 30  # elements that are named
_POINTS = 400  # elements whose intervals are drawn
_OBSERVED, _PREDICTED, _OUTSIDE = "black", "C0", "C3"


def observations_shown(graph: Graph, names: str | Sequence[str] | None, absent: Collection[str] = ()) -> list[str]:
    """The observations that a picture shows.

    Args:
        graph: the declared graph.
        names: those that were asked for; left out, all.
        absent: those of which nothing is there.

    Raises:
        FitError: if a name is no observation that is data of its own.
    """
    every = [str(n.name) for _, n in graph.of("observe") if n.name in graph.inputs]
    known = [k for k in every if k not in absent]
    chosen = known if names is None else [names] if isinstance(names, str) else list(names)
    if not chosen or (unknown := [n for n in chosen if n not in known]):
        words = "no observation" if not chosen else f"no observation {', '.join(map(repr, unknown))}"
        raise FitError(
            f"model '{graph.name}' has {words} that could be shown",
            given=f"names={names!r}",
            needed=f"some of {', '.join(known) or 'none: nothing is observed, or all by value='}",
            fix="check the spelling; an observation of an expression (value=) has no data of its own",
            where=caller(),
        )
    return chosen


def plot_fit(fit: Fit, names: Sequence[str] | None, seed: int) -> Figure:
    """See `Fit.plot_predictive`.

    Raises:
        FitError: if a name is no observation that is data of its own.
    """
    graph, bound = fit.program.declared, fit.bound.bound
    chosen = observations_shown(graph, names)
    predicted = fit.sample(names=chosen, seed=seed)
    derived = {n.attr["derived"]: str(n.name) for _, n in graph.of("data") if n.attr["derived"]}
    observed = {}
    for name in chosen:
        x = np.asarray(bound.arrays[name], float)
        there = bound.arrays[derived["observed", name]] if ("observed", name) in derived else None
        if there is not None:
            x = np.where(there.reshape(there.shape + (1,) * (x.ndim - there.ndim)), x, np.nan)
        observed[name] = x
    return plot_predictive(observed, predicted, {name: _labels(fit, name, x.shape) for name, x in observed.items()})


def _labels(fit: Fit, name: str, shape: tuple[int, ...]) -> list[str]:
    """The labels of an observation's elements, in C order; those of axes without any are numbers from 0."""
    graph, coords = fit.program.declared, fit.bound.bound.coords
    names = dims_of(graph, graph.nodes[graph.inputs[name]])
    axes = [
        [str(c) for c in coords[d]] if d in coords and len(coords[d]) == n else [str(k) for k in range(n)]
        for d, n in zip(names, shape, strict=True)
    ]
    return [", ".join(words) for words in itertools.islice(itertools.product(*axes), _LABELS + 1)]


def plot_predictive(
    observed: Mapping[str, np.ndarray],
    predicted: Mapping[str, np.ndarray],
    labels: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Figure:
    """A row for each observation: distribution functions on the left, intervals of each element on the right.

    Args:
        observed: name -> values (*dims, *event); NaN where missing.
        predicted: name -> draws (chain, draw, *dims, *event).
        labels: name -> the label of each element, in C order; shown where there are few.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2.8 * len(observed)), layout="constrained")
    axes = figure.subplots(len(observed), 2, squeeze=False)
    for (name, y), (left, right) in zip(observed.items(), axes, strict=True):
        there = np.isfinite(y).ravel()
        draws = np.asarray(predicted[name], float).reshape(-1, y.size)[:, there]
        values = y.ravel()[there]
        draw_distributions(left, name, values, draws)
        draw_intervals(right, name, values, draws, np.array(labels.get(name, []), str), there)
    return figure


def draw_distributions(ax: Axes, name: str, y: np.ndarray, draws: np.ndarray) -> None:
    """The empirical distribution function of the observations over those of single predicted data sets."""
    shown = draws[np.linspace(0, len(draws) - 1, min(_CURVES, len(draws))).astype(int)]
    for row in shown:
        ax.ecdf(row, color=_PREDICTED, lw=0.5, alpha=0.4)
    ax.ecdf(y, color=_OBSERVED, lw=1.5)
    low, high = np.quantile(np.concatenate([shown.ravel(), y]), [0.005, 0.995])
    low, high = min(low, y.min()), max(high, y.max())
    pad = 0.03 * (high - low) or 1.0
    ax.set_xlim(low - pad, high + pad)
    ax.set_title(f"{name}: observed and {len(shown)} predicted", loc="left", fontsize="medium")
    ax.set_ylabel("share at most")
    ax.legend(handles=_handles(), loc="lower right", fontsize="small", frameon=False)


def draw_intervals(
    ax: Axes, name: str, y: np.ndarray, draws: np.ndarray, labels: np.ndarray, there: np.ndarray
) -> None:
    """The central 50 and 94 % of each element's predictions, in order of their medians."""
    low, lower, middle, upper, high = np.quantile(draws, [0.03, 0.25, 0.5, 0.75, 0.97], axis=0)
    inside = (y >= low) & (y <= high)
    order = np.argsort(middle, kind="stable")
    order = order[np.linspace(0, len(order) - 1, min(_POINTS, len(order))).astype(int)]
    at: Any = np.arange(len(order))
    thick = float(np.clip(250 / len(order), 0.8, 6))
    ax.vlines(at, low[order], high[order], color=_PREDICTED, lw=thick / 3, alpha=0.6)
    ax.vlines(at, lower[order], upper[order], color=_PREDICTED, lw=thick, alpha=0.6)
    for which, color in ((inside, _OBSERVED), (~inside, _OUTSIDE)):
        keep = which[order]
        ax.plot(at[keep], y[order][keep], "o", ms=max(2.0, thick / 1.5), color=color)
    ax.set_title(f"{name}: {100 * inside.mean():.0f} % within their 94 % intervals", loc="left", fontsize="medium")
    ax.set_xlabel("element, in order of predicted median")
    if len(labels) == len(there) <= _LABELS:
        words = labels[there][order]
        long = sum(map(len, words)) > 40
        ax.set_xticks(at, words, rotation=90 if long else 0, fontsize="small")


def _handles() -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=_OBSERVED, lw=1.5, label="observed"),
        Line2D([], [], color=_PREDICTED, lw=1, label="predicted"),
    ]
