"""Diffusions after training: draws by any sampler, and log-densities by the probability flow, both in pieces of rows.

Given its parameters and its context a diffusion depends on nothing else of a model (gendsl/objectives/diffusions.py),
so its draws are made first, and what depends on them is drawn given these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.elpd import Kind, LogProb
from gendsl.errors import FitError, caller
from gendsl.math.diffusion.table import run
from gendsl.objectives.contexts import context_values
from gendsl.objectives.diffusions import Site, only_diffusions, site_of
from gendsl.objectives.pieces import contexts_of_rows, pieced, pieces
from gendsl.samplers import Sampler

if TYPE_CHECKING:
    from gendsl.backend import Backend
    from gendsl.program import BoundProgram
    from gendsl.trained import TrainedFit

__all__ = ["check_sampler", "draw_diffusions", "log_prob_of_diffusions", "none_to_draw"]

_DRAWN, _JUDGED = 2**18, 2**20
"""Numbers that one piece of a draw holds, and of a log-density with the directions of its divergence."""
_STREAM = 11


def check_sampler(sampler: Any, posterior: bool) -> None:
    """Raise where it is no sampler, or the draws are of a posterior.

    Raises:
        FitError: naming what would do.
    """
    if not isinstance(sampler, Sampler):
        is_kind = isinstance(sampler, type) and issubclass(sampler, Sampler)
        fix = f"gd.sampler.{sampler.__name__}()" if is_kind else "gd.sampler.EulerMaruyama(steps=200)"
        raise FitError(
            "a sampler is one of gd.sampler",
            given=f"sampler={sampler!r}"[:80],
            needed="how diffusions are drawn",
            fix=fix,
            where=caller(),
        )
    if posterior:
        raise FitError(
            "sampler= says how diffusions are drawn from the model, and these draws are of a posterior",
            given=f"sampler={sampler!r}",
            needed="a fit without a guide, or with a model as guide",
            fix="leave sampler out",
            where=caller(),
        )


def none_to_draw(names: tuple[str, ...], sampler: Sampler) -> FitError:
    """The error of a sampler where no diffusion is drawn."""
    given = ", ".join(repr(n) for n in names) or "nothing"
    return FitError(
        f"sampler= says how diffusions are drawn, and none is drawn for {given}",
        given=f"sampler={sampler!r}",
        needed="an observation, or a latent before it, that is a gd.Diffusion",
        fix="leave sampler out",
        where=caller(),
    )


# -- draws ----------------------------------------------------------------------------------------------------------
def draw_diffusions(
    bound: BoundProgram, sampler: Sampler, count: int, seed: int, learnt: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Draws of every diffusion that a forward program draws.

    Args:
        bound: a bound `ForwardProgram`, whose drawn sites are latents.
        sampler: how they are drawn; noise is a function of the seed.
        count: how many draws.
        seed: of the noise.
        learnt: trained parameters, in the user's layout.

    Returns:
        Site -> (count, *dims, *event).

    Raises:
        FitError: if a context is drawn itself.
    """
    p, out = bound.program, {}
    sites = [s for _, n in p.graph.of("latent") if (s := site_of(p.graph, n)) is not None]
    contexts = context_values(bound, [s.name for s in sites], learnt)
    with p.context():
        for k, s in enumerate(sites):
            shape = (count, *(bound.bound.sizes[d] for d in s.dims), *s.copies, *s.event)
            rows = math.prod(shape[: len(shape) - s.rank])
            key, own = p.backend.ops.key(_STREAM, seed, k), s.own(bound.params)
            given = contexts_of_rows(contexts.get(s.name), shape[: len(shape) - s.rank])
            out[s.name] = _draw(p.backend, s, own, sampler, rows, key, given, p.precision).reshape(shape)
    return out


def _draw(
    b: Backend,
    s: Site,
    own: Mapping[str, Any],
    sampler: Sampler,
    rows: int,
    key: Any,
    contexts: np.ndarray | None,
    precision: str,
) -> np.ndarray:
    """(rows, *event)."""
    ops, spec = b.ops, s.spec
    table = sampler.network_table(spec.process, spec.predicts, spec.data_scale)
    like = next(iter(own.values()))
    count, each = pieces(rows, _DRAWN // s.size)
    shape = (each, *s.event)

    def piece(carry: Any, at: dict[str, Any]) -> tuple[Any, Any]:
        first, later = ops.split(ops.fold_in(key, at["k"]))
        x = spec.process.base_scale * ops.normal(first, shape, like=like)
        net = spec.net(b.layers, own, s.event, at.get("context"))
        return carry, run(ops, table, net, x, lambda i: ops.normal(ops.fold_in(later, i), shape, like=like))

    each_piece = {"k": ops.arange(count, like=like)}
    if contexts is not None:
        each_piece["context"] = b.array(pieced(contexts, count, each), precision)
    out = ops.scan(piece, ops.zeros((), like=like), each_piece)[1]
    return b.numpy(out).astype(np.float64).reshape(count * each, *s.event)[:rows]


# -- log-densities --------------------------------------------------------------------------------------------------
def log_prob_of_diffusions(fit: TrainedFit, seed: int) -> LogProb | None:
    """The log-density of a fit's data by the probability flow, where its model observes diffusions and nothing else.

    Where the flow has probes, each row has its own, drawn by the seed: then the standard error of the sum over rows is
    the root of the sum of their squares.

    Returns:
        Exact but for the solver, whose error the note says, or an estimate with its standard error; None where the
        model has other terms.
    """
    sites, b = only_diffusions(fit.setting.graph), fit.setting.backend
    if not sites:
        return None
    contexts = context_values(fit.bound, [s.name for s in sites], fit.params)
    values: dict[str, np.ndarray] = {}
    errors: dict[str, np.ndarray] = {}
    left, notes = 0.0, []
    with fit.setting.context():
        for k, s in enumerate(sites):
            x = np.asarray(fit.setting.bound.arrays[str(s.data)], np.float64)
            given = contexts_of_rows(contexts.get(s.name), x.shape[: x.ndim - s.rank])
            out, note = _judge(fit, s, x.reshape(-1, *s.event), given, b.ops.key(_STREAM, seed, k))
            dims = x.shape[: len(s.dims)]
            values[s.name] = out[0].reshape(*dims, -1).sum(-1)
            errors[s.name] = np.sqrt((out[1] ** 2).reshape(*dims, -1).sum(-1))
            left += float(out[2].sum())
            notes.append(note)
    probes = [s.spec.flow.probes for s in sites]
    exact = all(p is None for p in probes)
    note = "; ".join(dict.fromkeys(notes)) + (f"; the solver leaves about {left:.2g} nats" if left else "")
    total = float(sum(v.sum() for v in values.values()))
    se = float(np.sqrt(sum((e**2).sum() for e in errors.values())))
    effective = 1.0 if exact or 1 in probes else np.inf
    return LogProb(total, se, Kind.EXACT if exact else Kind.ESTIMATE, values, errors, effective, note)


def _judge(fit: TrainedFit, s: Site, x: np.ndarray, contexts: np.ndarray | None, key: Any) -> tuple[np.ndarray, str]:
    """Log-densities, their standard errors and what the solver leaves, (3, rows); and a note."""
    b, flow, spec = fit.setting.backend, s.spec.flow, s.spec
    ops, precision, notes = b.ops, fit.setting.precision, []
    own = s.own(fit.bound.params)
    count, each = pieces(len(x), _JUDGED // (s.size * (flow.probes or s.size)))
    given = {"x": b.array(pieced(x, count, each), precision)}
    if contexts is not None:
        given["context"] = b.array(pieced(contexts, count, each), precision)
    given["k"] = ops.arange(count, like=given["x"])

    def piece(carry: Any, rows: dict[str, Any]) -> tuple[Any, Any]:
        at, denoise = rows["x"], spec.denoise(b.layers, own, s.event, rows.get("context"))
        probes = flow.draw(ops, ops.fold_in(key, rows["k"]), at)
        out = flow.log_density(ops, spec.process, denoise, at, probes, rank=s.rank, check=flow.rtol is None)
        notes.append(out.note)
        none = ops.zeros_like(out.value)
        se = none if flow.probes is None else none + np.nan if flow.probes == 1 else out.standard_error
        return carry, ops.stack([out.value, se, none if out.error is None else out.error])

    out = ops.scan(piece, ops.zeros((), like=given["x"]), given)[1]
    found = np.moveaxis(b.numpy(out).astype(np.float64), 0, 1).reshape(3, count * each)
    return found[:, : len(x)], notes[0]
