"""Diffusions after training: draws by any sampler, and log-densities by the probability flow, both in pieces of rows.

Given its parameters a diffusion depends on nothing else of a model (gendsl/objectives/diffusions.py), so its draws are
made first, and what depends on them is drawn given these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.elpd import Kind, LogProb
from gendsl.errors import FitError, caller
from gendsl.math.diffusion.table import run
from gendsl.objectives.diffusions import Site, only_diffusions, site_of
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
def draw_diffusions(bound: BoundProgram, sampler: Sampler, count: int, seed: int) -> dict[str, np.ndarray]:
    """Draws of every diffusion that a forward program draws.

    Args:
        bound: a bound `ForwardProgram`, whose drawn sites are latents.
        sampler: how they are drawn; noise is a function of the seed.
        count: how many draws.
        seed: of the noise.

    Returns:
        Site -> (count, *dims, *event).
    """
    p, out = bound.program, {}
    sites = [s for _, n in p.graph.of("latent") if (s := site_of(p.graph, n)) is not None]
    with p.context():
        for k, s in enumerate(sites):
            shape = (count, *(bound.bound.sizes[d] for d in s.dims), *s.copies, *s.event)
            rows = math.prod(shape[: len(shape) - s.rank])
            key = p.backend.ops.key(_STREAM, seed, k)
            out[s.name] = _draw(p.backend, s, s.own(bound.params), sampler, rows, key).reshape(shape)
    return out


def _draw(b: Backend, s: Site, own: Mapping[str, Any], sampler: Sampler, rows: int, key: Any) -> np.ndarray:
    """(rows, *event)."""
    ops, spec = b.ops, s.spec
    table = sampler.network_table(spec.process, spec.predicts, spec.data_scale)
    net = spec.net(b.layers, own, s.event)
    like = next(iter(own.values()))
    pieces, each = _pieces(rows, _DRAWN // s.size)
    shape = (each, *s.event)

    def piece(carry: Any, k: Any) -> tuple[Any, Any]:
        first, later = ops.split(ops.fold_in(key, k))
        x = spec.process.base_scale * ops.normal(first, shape, like=like)
        return carry, run(ops, table, net, x, lambda i: ops.normal(ops.fold_in(later, i), shape, like=like))

    out = ops.scan(piece, ops.zeros((), like=like), ops.arange(pieces, like=like))[1]
    return b.numpy(out).astype(np.float64).reshape(pieces * each, *s.event)[:rows]


def _pieces(rows: int, most: int) -> tuple[int, int]:
    """How many pieces of equal length, and the length."""
    pieces = max(1, -(-rows // max(1, most)))
    return pieces, -(-rows // pieces)


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
    values: dict[str, np.ndarray] = {}
    errors: dict[str, np.ndarray] = {}
    left, notes = 0.0, []
    with fit.setting.context():
        for k, s in enumerate(sites):
            x = np.asarray(fit.setting.bound.arrays[str(s.data)], np.float64)
            out, note = _judge(fit, s, x.reshape(-1, *s.event), b.ops.key(_STREAM, seed, k))
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


def _judge(fit: TrainedFit, s: Site, x: np.ndarray, key: Any) -> tuple[np.ndarray, str]:
    """Log-densities, their standard errors and what the solver leaves, (3, rows); and a note."""
    b, flow, spec = fit.setting.backend, s.spec.flow, s.spec
    ops, precision, notes = b.ops, fit.setting.precision, []
    own = s.own(fit.bound.params)
    denoise = spec.denoise(b.layers, own, s.event)
    pieces, each = _pieces(len(x), _JUDGED // (s.size * (flow.probes or s.size)))
    padded = np.concatenate([x, np.repeat(x[-1:], pieces * each - len(x), 0)])
    given = b.array(padded.reshape(pieces, each, *s.event), precision)

    def piece(carry: Any, row: tuple[Any, Any]) -> tuple[Any, Any]:
        at, k = row
        probes = flow.draw(ops, ops.fold_in(key, k), at)
        out = flow.log_density(ops, spec.process, denoise, at, probes, rank=s.rank, check=flow.rtol is None)
        notes.append(out.note)
        none = ops.zeros_like(out.value)
        se = none if flow.probes is None else none + np.nan if flow.probes == 1 else out.standard_error
        return carry, ops.stack([out.value, se, none if out.error is None else out.error])

    out = ops.scan(piece, ops.zeros((), like=given), (given, ops.arange(pieces, like=given)))[1]
    found = np.moveaxis(b.numpy(out).astype(np.float64), 0, 1).reshape(3, pieces * each)
    return found[:, : len(x)], notes[0]
