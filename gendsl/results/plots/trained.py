"""What was observed beside what a trained model draws: points in a plane, images, or distributions and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gendsl.counting import observed
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType
from gendsl.objectives.by_row import shared_plate
from gendsl.objectives.chains import observed_energy
from gendsl.plot_predictive import draw_distributions, draw_intervals, observations_shown
from gendsl.results.plots.samples import draw_clouds, draw_sheets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gendsl.methods import MCMC
    from gendsl.samplers import Sampler
    from gendsl.trained import TrainedFit

__all__ = ["plot_trained"]

_POINTS, _IMAGES, _DRAWS, _BUDGET = 4_000, 80, 100, 2**22


def plot_trained(
    fit: TrainedFit, names: str | Sequence[str] | None, seed: int, sampler: MCMC | Sampler | None
) -> Figure:
    """See `TrainedFit.plot_predictive`.

    Raises:
        FitError: if a name is no observation that is data of its own, or an energy is given no sampler.
    """
    from matplotlib.figure import Figure

    graph = fit.setting.graph
    seen = {name: observed(graph, name, fit.setting.bound) for name in graph.inputs}
    chosen = observations_shown(graph, names, [k for k, there in seen.items() if there is not None and not there.any()])
    figure = Figure(figsize=(10, 4.4 * len(chosen)), layout="constrained")
    axes = figure.subplots(len(chosen), 2, squeeze=False)
    for name, (left, right) in zip(chosen, axes, strict=True):
        event, x = _event(graph, name), np.asarray(fit.setting.bound.arrays[name], float)
        there, image = seen[name], _image(event)
        if image is None and event != (2,):
            _numbers(fit, name, x, there, (left, right), seed, sampler)
            continue
        rows = x.reshape(-1, *event) if there is None else x[there].reshape(-1, *event)
        drawn = _rows(fit, name, min(_POINTS, len(rows)) if image is None else _IMAGES, seed, sampler)
        if image is None:
            draw_clouds(left, right, rows, drawn)
        else:
            draw_sheets(left, right, rows.reshape(-1, *image), drawn.reshape(-1, *image))
        left.set_title(f"{name}: data")
    return figure


def _numbers(
    fit: TrainedFit,
    name: str,
    x: np.ndarray,
    there: np.ndarray | None,
    axes: tuple[Axes, Axes],
    seed: int,
    sampler: MCMC | Sampler | None,
) -> None:
    """Distribution functions, and intervals of each element."""
    count = int(np.clip(_BUDGET // max(1, x.size), 5, _DRAWS))
    if observed_energy(fit.setting.graph) is None:
        drawn = fit.sample(names=name, draws=count, seed=seed, sampler=sampler)[name].reshape(count, x.size)
    else:  # rows of chains, as sets of data
        event = _event(fit.setting.graph, name)
        rows = _rows(fit, name, _POINTS, seed, sampler)
        drawn = rows[
            np.random.default_rng(seed).integers(len(rows), size=(count, x.size // int(np.prod(event, dtype=int))))
        ]
        drawn = drawn.reshape(count, x.size)
    seen = np.ones(x.shape, bool)
    if there is not None:
        seen &= there.reshape(there.shape + (1,) * (x.ndim - there.ndim))
    draw_distributions(axes[0], name, x[seen], drawn[:, seen.ravel()])
    draw_intervals(axes[1], name, x[seen], drawn[:, seen.ravel()], np.array([], str), seen.ravel())


def _event(graph: Graph, name: str) -> tuple[int, ...]:
    t = graph.nodes[graph.inputs[name]].type
    return tuple(int(s) for s in t.event if not isinstance(s, str)) if isinstance(t, ArrayType) else ()


def _image(event: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of an image for a picture: at least 4 x 4, grey or of three colours."""
    if len(event) not in (2, 3) or min(event[:2]) < 4 or len(event) == 3 and event[2] not in (1, 3):
        return None
    return event[:2] if len(event) == 2 or event[2] == 1 else event


def _rows(fit: TrainedFit, name: str, most: int, seed: int, sampler: MCMC | Sampler | None) -> np.ndarray:
    """Drawn rows of an observation, (n, *event): many where all rows are alike, else one for each of the data."""
    graph, event = fit.setting.graph, _event(fit.setting.graph, name)
    if observed_energy(graph) is not None:
        rows = fit.sample(seed=seed, sampler=sampler)[name].reshape(-1, *event)
        return rows[np.random.default_rng(seed).permutation(len(rows))]
    roots = [p for p in graph.plates if p.base is None]
    alike = all(k in graph.sites for k in graph.inputs) and (not graph.of("latent") or shared_plate(fit) is not None)
    if alike and len(roots) == 1 and roots[0].size is None:
        return fit.sample(most, names=name, seed=seed, sampler=sampler)[name].reshape(-1, *event)
    return fit.sample(names=name, draws=1, seed=seed, sampler=sampler)[name].reshape(-1, *event)
