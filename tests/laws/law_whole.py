"""The whole law on one model at once, for random graphs: programs are shared, and what jax compiles is one function.

For each backend, at one point: the fused density and the PPL trace, values and gradients; and the PPL trace with axes
on the left of some or all latents. The loop that the last must equal is the fused density in torch, which compiles
nothing. The graph goes to JSON and back, and its programs, hence its densities, stay the same; it can be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.program import BoundProgram
from tests.laws.law import BACKENDS, Point, bind, close, draw

__all__ = ["Examined", "examine"]


@dataclass
class Examined:
    """What an examination saw.

    Attributes:
        finite: whether the log-density was finite.
        gap: the largest difference of values, over 1 + sum |terms|.
        gradient_gap: the largest difference of gradients, over 1 + max |g|.
    """

    finite: bool
    gap: float
    gradient_gap: float


def examine(
    model: gd.Model, data: Mapping[str, Any], seed: int, *, tolerance: float = 1e-10, lead: tuple[int, ...] = (3,)
) -> Examined:
    """Check everything.

    Args:
        model: the model.
        data: its data.
        seed: of the points.
        tolerance: of the law.
        lead: axes on the left.

    Raises:
        AssertionError: if two evaluations differ.
    """
    programs = bind(model, data)
    shapes = programs["pyro"].shapes
    assert shapes == programs["numpyro"].shapes, f"{shapes} and {programs['numpyro'].shapes}"
    u, wide = draw(programs["pyro"], seed), draw(programs["pyro"], seed + 1, lead)
    rng = np.random.default_rng(seed)
    if rng.random() < 0.3:  # some latents are the same in every row
        shared = [k for k in wide if rng.random() < 0.5]
        wide |= {k: np.broadcast_to(wide[k][(0,) * len(lead)], wide[k].shape) for k in shared}
    else:
        shared = []
    runs = {b: _run(p, u, wide, shared, lead) for b, p in programs.items()}
    scale = max(r.trace.scale for r in runs.values())
    first, second = runs["pyro"], runs["numpyro"]
    close(first.fused, second.fused, scale, "fused pyro / fused numpyro", tolerance)
    for b, r in runs.items():
        close(r.fused, r.trace, scale, f"fused {b} / trace {b}", tolerance)
    singles = _loop(programs["pyro"], wide, lead)
    for b, r in runs.items():
        _same_rows(r.rows, singles, tolerance * (1 + r.scale), f"left-batched trace of {b}")
    _show(model, programs)
    top = 1 + max((np.abs(g).max(initial=0.0) for g in first.fused.grad.values()), default=0.0)
    gaps = [np.abs(g - second.fused.grad[k]).max(initial=0.0) / top for k, g in first.fused.grad.items()]
    finite = bool(np.isfinite(first.fused.value))
    gap = abs(first.fused.value - second.fused.value) / (1 + scale) if finite else 0.0
    return Examined(finite, float(gap), float(max(gaps, default=0.0)) if finite else 0.0)


@dataclass
class _Run:
    fused: Point
    trace: Point
    rows: np.ndarray
    scale: float


def _run(
    p: BoundProgram, u: dict[str, np.ndarray], wide: dict[str, np.ndarray], shared: list[str], lead: tuple[int, ...]
) -> _Run:
    """All evaluations of one backend."""
    b, precision, model = p.program.backend, p.program.precision, p.program.model
    depth = max((-s for s in p.program.emitted.slots.values()), default=0)
    layouts = {s.name: s.layout.depth for s in p.program.sites}

    def padded(k: str, v: np.ndarray) -> np.ndarray:
        v = v[(slice(0, 1),) * len(lead)] if k in shared else v
        return v.reshape(*v.shape[: len(lead)], *(1,) * (depth - layouts[k]), *v.shape[len(lead) :])

    def total(x: dict[str, Any]) -> Any:
        return sum((t.sum() for t in b.log_joint(model, x, *p.arguments).values()), 0.0)

    def work(x: dict[str, Any], y: dict[str, Any]) -> Any:
        return (
            b.value_and_grad(p.log_density)(x),
            b.value_and_grad(total)(x),
            b.log_joint(model, x, *p.arguments),
            b.log_joint(model, y, *p.arguments),
        )

    with b.context(precision):
        x = {k: b.array(v, precision) for k, v in u.items()}
        y = {k: b.array(padded(k, v), precision) for k, v in wide.items()}
        fused, trace, terms, rows = _compiled(b.name, work, x, y)
        scale = float(sum(np.abs(b.numpy(t)).sum() for t in terms.values()))
        points = [Point(float(b.numpy(v)), {k: b.numpy(g) for k, g in gs.items()}, scale) for v, gs in (fused, trace)]
        summed, size = _rows({k: b.numpy(t) for k, t in rows.items()}, depth, lead)
    return _Run(points[0], points[1], summed, size)


def _compiled(backend: str, work: Any, *args: Any) -> Any:
    """The result of a function, compiled as a whole where the backend compiles."""
    if backend != "numpyro":
        return work(*args)
    import jax

    return jax.jit(work)(*args)


def _rows(terms: dict[str, np.ndarray], depth: int, lead: tuple[int, ...]) -> tuple[np.ndarray, float]:
    """Sum of the terms of each row, and the sum of the terms' sizes."""
    out, scale = np.zeros(lead), 0.0
    for name, x in terms.items():
        scale += float(np.abs(x).sum())
        if x.ndim < len(lead) + depth:  # depends on no latent
            out = out + x.sum()
            continue
        head = x.shape[: len(lead)]
        assert all(h in (1, n) for h, n in zip(head, lead, strict=True)), f"term '{name}' has shape {x.shape}"
        out = out + x.reshape(*head, -1).sum(-1)
    return out, scale


def _loop(p: BoundProgram, wide: dict[str, np.ndarray], lead: tuple[int, ...]) -> np.ndarray:
    b, precision = p.program.backend, p.program.precision
    out = np.zeros(lead)
    with b.context(precision):
        for i in np.ndindex(*lead):
            out[i] = b.numpy(p.log_density({k: b.array(v[i], precision) for k, v in wide.items()}))
    return out


def _same_rows(a: np.ndarray, b: np.ndarray, tolerance: float, what: str) -> None:
    ok = np.isfinite(b)
    assert (np.isfinite(a) == ok).all(), f"{what}: {a!r}, the loop {b!r}"
    gap = np.abs(a[ok] - b[ok]).max(initial=0.0)
    assert gap <= tolerance, f"{what} differs from the loop by {gap:.3g}: {a!r} and {b!r}"


def _show(model: gd.Model, programs: dict[str, BoundProgram]) -> None:
    """The graph goes to JSON and back, and can be shown and explained."""
    again = gd.Model.from_json(model.to_json())
    assert again.graph == model.graph, "the graph that comes back from JSON differs"
    for b in BACKENDS:
        assert again.compile(b).source == programs[b].program.source, f"{b}: another source after JSON"
    assert str(model)
    assert str(model.explain())
