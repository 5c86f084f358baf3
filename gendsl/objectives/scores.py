"""Scores and posterior means of what was trained: what a density, or a denoiser, says of given values.

Of a model without latents the score is the gradient of its log-density in the observed values, by the program in which
the observations are latents. Of a diffusion it is that of the noised data at a time t, by the network:

    x0_hat(x, t) = E[x_0 | x_t = x],    s(x, t) = (alpha x0_hat - x) / sigma^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.counting import counting, observed
from gendsl.errors import FitError, caller
from gendsl.forward import bind_forward, compile_forward, with_sizes
from gendsl.graph.constraints import real
from gendsl.graph.types import DistType, DType
from gendsl.invert import unconstrained
from gendsl.math.diffusion.predicts import Predicts, convert
from gendsl.objectives.contexts import context_values
from gendsl.objectives.densities import density_kind
from gendsl.objectives.diffusions import Site, only_diffusions
from gendsl.objectives.pieces import contexts_of_rows, pieced, pieces
from gendsl.program import BoundProgram, compile_graph

if TYPE_CHECKING:
    from gendsl.trained import TrainedFit

__all__ = ["denoise", "refuse_missing_values", "score"]

_NUMBERS = 2**20
"""Numbers that one piece of a denoised array holds."""


def score(fit: TrainedFit, data: Mapping[str, Any], time: Any) -> dict[str, np.ndarray]:
    """See `TrainedFit.score`."""
    graph = fit.setting.graph
    if graph.of("latent"):
        name = str(graph.of("latent")[0][1].name)
        raise FitError(
            f"the score of the data would be an integral over '{name}', which is latent",
            node=name,
            given=f"latents {', '.join(repr(n.name) for _, n in graph.of('latent'))}"[:120],
            needed="a model without latents",
            fix="fit.log_prob(data) bounds or estimates the density",
            where=caller(),
        )
    there = fit.on(data)
    refuse_missing_values(there)
    if only_diffusions(graph):
        return _denoised(there, time, scores=True)
    if time is not None:
        raise FitError(
            "only the score of a diffusion has a time",
            given=f"time={time!r}"[:80],
            needed="a model that observes diffusions alone",
            fix="leave time out: the score is that of the density",
            where=caller(),
        )
    density_kind(graph)
    return _gradients(there)


def denoise(fit: TrainedFit, data: Mapping[str, Any], time: Any) -> dict[str, np.ndarray]:
    """See `TrainedFit.denoise`."""
    graph = fit.setting.graph
    if not only_diffusions(graph):
        raise FitError(
            f"a diffusion denoises, and model '{graph.name}' observes "
            + ("something else" if graph.of("observe") else "nothing"),
            given=repr(fit),
            needed="a model of one or more gd.Diffusion observations, without latents",
            fix="fit.score(data) is the gradient of a density; fit.sample() draws",
            where=caller(),
        )
    there = fit.on(data)
    refuse_missing_values(there)
    return _denoised(there, time, scores=False)


def refuse_missing_values(fit: TrainedFit) -> None:
    """Raise where observed values of a fit's data are missing.

    Raises:
        FitError: naming the observation.
    """
    for _, n in fit.setting.graph.of("observe"):
        there = observed(fit.setting.graph, str(n.name), fit.setting.bound)
        if there is not None and not there.all():
            raise FitError(
                f"some values of '{n.name}' are missing, so there is nothing to score at them",
                node=n.name,
                given=f"{int((~there).sum())} missing of {there.size}",
                needed="complete values",
                fix="leave rows with missing values out",
                where=n.where,
            )


# -- densities ------------------------------------------------------------------------------------------------------
def _gradients(fit: TrainedFit) -> dict[str, np.ndarray]:
    graph, setting = fit.setting.graph, fit.setting
    names = tuple(str(n.name) for _, n in graph.of("observe") if n.name in graph.inputs)
    for name in names:
        dist = graph.nodes[graph.nodes[graph.sites[name]].args[0]]
        t = dist.type
        if not isinstance(t, DistType) or t.dtype is not DType.FLOAT or t.support != real:
            raise FitError(
                f"'{name}' does not vary over the real line, so its density has no score there",
                node=name,
                given=f"{dist.op.removeprefix('dist.')}, on {t.support if isinstance(t, DistType) else t}",
                needed="observations whose support is the real line",
                fix="fit.log_prob(data).elements are log-densities",
                where=graph.nodes[graph.sites[name]].where,
            )
        site, there = graph.nodes[graph.sites[name]], counting(graph, name, setting.bound)
        if site.args[2:] and there is not None:
            raise FitError(
                f"a mask leaves elements of '{name}' out, whose score is that of nothing",
                node=name,
                given=f"mask= of '{name}', False at {int((~there).sum())} of {there.size}",
                needed="a mask that is the distribution's own",
                fix="gd.Normal(...).mask(keep) in place of mask=keep, which scores 0 there",
                where=site.where,
            )
    if not names:
        raise FitError(
            f"model '{graph.name}' observes no data of its own, so there is nothing to take a score at",
            given="observations of expressions (value=)",
            needed="an observation whose values are data",
            fix="fit.log_prob(data) is the density",
            where=caller(),
        )
    b, precision, device = setting.backend, setting.precision, setting.device
    given = {k: v for k, v in setting.bound.arrays.items() if k in graph.inputs and k not in names}
    sizes = {p.name: setting.bound.sizes[p.name] for p in graph.plates if p.base is None and p.size is None}
    forward = compile_forward(
        graph, b.name, names, frozenset(names), frozenset(given), precision=precision, device=device
    )
    rows = bind_forward(forward, given, sizes).bound
    drawn = with_sizes(forward.declared, rows.sizes)
    bound = BoundProgram(compile_graph(drawn, b.name, precision=precision, device=device), rows).with_learnt(fit.params)
    zero = {k: np.zeros(shape) for k, shape in bound.shapes.items()}
    u = unconstrained(bound, {k: setting.bound.arrays[k] for k in names}, zero)
    with bound.program.context():
        at = {k: b.array(v, precision) for k, v in u.items()}
        slope = b.ops.grad(lambda z: bound.program.log_density(z, *bound.arguments))(at)
        found = {k: b.numpy(v).astype(np.float64) for k, v in slope.items()}
    out = bound.constrain({k: v[None] for k, v in found.items()})  # on the real line it moves axes alone
    return {k: np.asarray(out[k][0], np.float64) for k in names}


# -- diffusions -----------------------------------------------------------------------------------------------------
def _denoised(fit: TrainedFit, time: Any, *, scores: bool) -> dict[str, np.ndarray]:
    sites = only_diffusions(fit.setting.graph)
    contexts = context_values(fit.bound, [s.name for s in sites], fit.params)
    out = {}
    with fit.setting.context():
        for s in sites:
            x = np.asarray(fit.setting.bound.arrays[str(s.data)], np.float64)
            lead = x.shape[: x.ndim - s.rank]
            t = _times(s, time, lead)
            given = contexts_of_rows(contexts.get(s.name), lead)
            found = _posterior_means(fit, s, x.reshape(-1, *s.event), t.ravel(), given, scores)
            out[s.name] = found.reshape(x.shape)
    return out


def _times(s: Site, time: Any, lead: tuple[int, ...]) -> np.ndarray:
    """A time for each row of a site, (*dims, *copies)."""
    process = s.spec.process
    try:
        t = np.asarray(process.start if time is None else time)
    except ValueError:  # rows of different lengths
        t = np.asarray("none")
    wide = (*t.shape, *(1,) * (len(lead) - t.ndim))
    fits = len(wide) == len(lead) and all(a in (1, n) for a, n in zip(wide, lead, strict=True))
    fits &= t.dtype.kind in "fiu"
    if not fits or not ((t >= process.start) & (t <= process.end)).all():
        raise FitError(
            f"'{s.name}' has no such time",
            node=s.name,
            given=f"time={time!r}"[:80],
            needed=f"a number from {process.start:g}, the data, to {process.end:g}, the noise; or one for each row",
            fix=f"time={(process.start + process.end) / 2:g}",
            where=caller(),
        )
    return np.broadcast_to(t.reshape(wide).astype(np.float64), lead)


def _posterior_means(
    fit: TrainedFit, s: Site, x: np.ndarray, t: np.ndarray, contexts: np.ndarray | None, scores: bool
) -> np.ndarray:
    """E[x_0 | x_t] of rows (n, *event) at times (n,), or their scores."""
    b, precision, spec = fit.setting.backend, fit.setting.precision, s.spec
    ops, own = b.ops, s.own(fit.bound.params)
    count, each = pieces(len(x), _NUMBERS // s.size)
    rows = {"x": b.array(pieced(x, count, each), precision), "t": b.array(pieced(t, count, each), precision)}
    if contexts is not None:
        rows["context"] = b.array(pieced(contexts, count, each), precision)

    def piece(carry: Any, at: dict[str, Any]) -> tuple[Any, Any]:
        mean = spec.denoise(b.layers, own, s.event, at.get("context"))(at["x"], at["t"])
        if not scores:
            return carry, mean
        return carry, convert(ops, spec.process, Predicts.X0, Predicts.SCORE, at["x"], at["t"], mean, s.rank)

    out = ops.scan(piece, ops.zeros((), like=rows["x"]), rows)[1]
    return b.numpy(out).astype(np.float64).reshape(count * each, *s.event)[: len(x)]
