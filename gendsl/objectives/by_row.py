"""Densities row by row: of observations without latents, and of a guide's importance weights.

Where every site of model and guide is over one plate of rows, and z ~ q(z | x) of the guide,

    p(x, z) / q(z | x) = prod_i w_i,    w_i = p(x_i, z_i) / q(z_i | x_i),

so the bounds on log p(x) are sums of those on log p(x_i): ELBO_i = E log w_i, and with K draws IWAE_i = E log (1/K)
sum_k w_ik. The densities of latents are those of observations that stand at them in a copy of the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.counting import counting
from gendsl.forward import compile_forward, simulate
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType
from gendsl.objectives.amortised import AmortisedGame
from gendsl.objectives.pair import estimates
from gendsl.objectives.rows import mixing
from gendsl.passes.rewrite import Rewriter
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.objectives.setting import Setting
    from gendsl.trained import TrainedFit

__all__ = ["bounds_by_row", "elements_of", "shapes_by_row", "shared_plate"]

_STREAM = 13
_BUDGET = 2**23
"""Numbers of latents that are held at once."""


def elements_of(fit: TrainedFit) -> dict[str, np.ndarray]:
    """The log-density of each observed element of a fit without latents: observation -> (*dims).

    Where a mask leaves elements out, or they are missing, only the others are there, in one axis.
    """
    graph = fit.setting.graph
    names = tuple(str(n.name) for _, n in graph.of("observe"))
    out = {}
    for name, x in _densities(_program(fit, fit.setting, graph, names), names, {}, 1).items():
        there = counting(graph, name, fit.setting.bound)
        first = np.asarray(x[0], np.float64)
        out[name] = first if there is None else first[there]
    return out


def shared_plate(fit: TrainedFit) -> str | None:
    """The plate that all latents and observations of model and guide are over, each row for itself; None for none."""
    game, guide = fit.made.game, getattr(fit.objective, "amortised", None)
    if not isinstance(game, AmortisedGame) or guide is None:
        return None
    sites = [n.type for g in (fit.setting.graph, guide) for _, n in g.of("latent", "observe")]
    if any(g.of("factor") for g in (fit.setting.graph, guide)):
        return None
    dims = [t.dims if isinstance(t, ArrayType) else () for t in sites]
    common = [d for d in dims[0] if all(d in x for x in dims)] if dims else []
    common = [d for d in common if not any(True for g in (fit.setting.graph, guide) for _ in mixing(g, d))]
    return fit.setting.plate if fit.setting.plate in common else next(iter(common), None)


def bounds_by_row(fit: TrainedFit, plate: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of the objective's bound on the log-density of each row, and their standard errors: (row,) both.

    Args:
        fit: a fit whose guide is a model.
        plate: what `shared_plate` found.
        count: estimates, each by as many draws as the objective has particles.
        seed: of the draws.
    """
    objective: Any = fit.objective
    k, rows = objective.particles, fit.setting.bound.sizes[plate]
    first: np.ndarray | None = None
    total = np.zeros((2, rows))
    for w in _weights(fit, plate, count, k, seed):
        x = estimates(objective.bound, w.reshape(-1, k, rows))
        first = x.mean(0) if first is None else first  # squares are taken about it, for their digits
        total += np.stack([(x - first).sum(0), ((x - first) ** 2).sum(0)])
    if first is None:
        raise TypeError("no draws")
    mean = total[0] / count
    spread = np.maximum(total[1] - count * mean**2, 0.0) / (count - 1) if count > 1 else np.full(rows, np.nan)
    return first + mean, np.sqrt(spread / count)


def shapes_by_row(fit: TrainedFit, plate: str, count: int, seed: int, *, most: int = 1000) -> np.ndarray:
    """The Pareto shape k of the importance weights of each row, (row,).

    Args:
        fit: a fit whose guide is a model.
        plate: what `shared_plate` found.
        count: draws of each row.
        seed: of the draws.
        most: rows, evenly spaced among all, where these are more.
    """
    from gendsl.diagnostics import pareto_shape

    w = np.concatenate(list(_weights(_fewer(fit, plate, most), plate, count, 1, seed)))
    return pareto_shape(w.T)


def _fewer(fit: TrainedFit, plate: str, most: int) -> TrainedFit:
    """The fit with some of its rows; with all, where something else is of these: places, parameters, a size."""
    setting, rows = fit.setting, fit.setting.bound.sizes[plate]
    nodes = {name: setting.graph.nodes[i] for name, i in setting.graph.inputs.items()}
    places = any(n.attr["derived"] or n.attr.get("indexes") for n in nodes.values())
    guide: Any = fit.objective
    params = [n.type for g in (setting.graph, guide.amortised) for _, n in g.of("param")]
    of_rows = any(isinstance(t, ArrayType) and plate in t.dims for t in params)
    if rows <= most or places or of_rows or setting.graph.plate[plate].size is not None:
        return fit
    at, data = np.linspace(0, rows - 1, most).astype(int), {}
    for name, n in nodes.items():
        x, dims = setting.bound.arrays[name], n.type.dims if isinstance(n.type, ArrayType) else ()
        data[name] = np.take(x, at, dims.index(plate)) if plate in dims else x
    return fit.on(data)


def _weights(fit: TrainedFit, plate: str, count: int, particles: int, seed: int) -> Iterator[np.ndarray]:
    """log p(x_i, z_i) - log q(z_i | x_i) of draws of the guide, count times particles, in batches: (draw, row)."""
    objective: Any = fit.objective
    setting, theirs = fit.setting, fit.setting.guide(objective.amortised)
    (model, p_names), (guide, q_names) = _judged(setting.graph), _judged(theirs.graph)
    latents = tuple(str(n.name) for _, n in theirs.graph.of("latent"))
    p, q = _program(fit, setting, model, p_names), _program(fit, theirs, guide, (*latents, *q_names))
    types = [n.type for _, n in theirs.graph.of("latent")]
    size = sum(_size(t, setting.bound.sizes) for t in types if isinstance(t, ArrayType)) * particles
    step = int(np.clip(_BUDGET // max(1, size), 1, count))
    for k, start in enumerate(range(0, count, step)):
        n = min(step, count - start) * particles
        z = simulate(q, {}, n, (_STREAM, seed, k), values=latents).values
        yield _rows(p, p_names, z, n, setting, plate) - _rows(q, q_names, z, n, theirs, plate)


def _judged(graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    """A graph with an observation at each of its latents, and the names of all its observations."""
    r = Rewriter(graph).keep_all()
    for _, n in graph.of("latent"):
        i = graph.sites[str(n.name)]
        r.add("observe", (r.map[n.args[0]], r.map[i]), r.free_name(f"{n.name}_density"), n.where)
    out = r.finish()
    return out, tuple(str(n.name) for _, n in out.of("observe"))


def _program(fit: TrainedFit, setting: Setting, graph: Graph, names: tuple[str, ...]) -> BoundProgram:
    """A program that gives these sites, with the parameters of the fit."""
    program = compile_forward(
        graph, setting.backend.name, names, frozenset(), precision=setting.precision, device=setting.device
    )
    return BoundProgram(program, setting.bound).with_learnt(fit.params)


def _densities(
    bound: BoundProgram, names: tuple[str, ...], given: Mapping[str, np.ndarray], count: int
) -> dict[str, np.ndarray]:
    return simulate(bound, given, count, (_STREAM,), log_probs=names).log_probs


def _rows(
    bound: BoundProgram,
    names: tuple[str, ...],
    given: Mapping[str, np.ndarray],
    count: int,
    setting: Setting,
    plate: str,
) -> np.ndarray:
    """(draw, row): the sum of densities over sites, and over all axes but that of the plate."""
    graph, out = bound.program.declared, np.zeros(())
    for name, x in _densities(bound, names, given, count).items():
        there = counting(graph, name, setting.bound)
        t = graph.nodes[graph.sites[name]].type
        dims = t.dims if isinstance(t, ArrayType) else ()
        x = np.moveaxis(x if there is None else np.where(there, x, 0.0), 1 + dims.index(plate), 1)
        out = out + x.reshape(len(x), setting.bound.sizes[plate], -1).sum(-1)
    return out


def _size(t: ArrayType, sizes: Mapping[str, int]) -> int:
    return int(np.prod([sizes[a] if isinstance(a, str) else a for a in (*t.dims, *t.event)], dtype=int))
