"""The law of the compiler (DESIGN 4), as functions that tests call.

At u ~ N(0, 1) clipped to |u| <= 3: the PPL trace's log-density (log-probabilities plus log-determinants of the engine's
own bijections), the fused log-density, Pyro and NumPyro agree in value and gradient. Every evaluation with axes on the
left equals the loop over them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl import Model
from gendsl.program import BoundProgram

BACKENDS = ("pyro", "numpyro")


@dataclass
class Point:
    """One evaluation on one backend: value, gradient, and sum of |terms| by which tolerances scale."""

    value: float
    grad: dict[str, np.ndarray]
    scale: float


def bind(model: Model, data: Mapping[str, Any]) -> dict[str, BoundProgram]:
    return {b: _moved(model.compile(b).bind(data)) for b in BACKENDS}


def _moved(p: BoundProgram) -> BoundProgram:
    """Learned parameters that start at zero, moved from it: transforms start at the identity."""
    starts = p.program.network_parameters() if p.program.networks else {}
    rngs = {k: np.random.default_rng(zlib.crc32(k.encode())) for k, v in starts.items() if not v.any()}
    return p.with_params({k: 0.3 * rng.normal(size=starts[k].shape) for k, rng in rngs.items()}) if rngs else p


def draw(program: BoundProgram, seed: int, lead: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {k: np.clip(rng.normal(size=(*lead, *s)), -3, 3) for k, s in program.shapes.items()}


def fused(p: BoundProgram, u: dict[str, np.ndarray]) -> Point:
    b, precision = p.program.backend, p.program.precision
    with b.context(precision):
        arrays = {k: b.array(v, precision) for k, v in u.items()}
        value, grad = b.value_and_grad(p.log_density)(arrays)
        return Point(float(b.numpy(value)), {k: b.numpy(g) for k, g in grad.items()}, 0.0)


def _sum(terms: dict[str, Any]) -> Any:
    total: Any = 0.0
    for t in terms.values():
        total = total + t.sum()
    return total


def ppl(p: BoundProgram, u: dict[str, np.ndarray], gradient: bool = True) -> Point:
    b, precision = p.program.backend, p.program.precision
    model = p.program.model
    with b.context(precision):
        arrays = {k: b.array(v, precision) for k, v in u.items()}
        terms = b.log_joint(model, arrays, *p.arguments)
        scale = float(sum(np.abs(b.numpy(t)).sum() for t in terms.values()))
        if not gradient:
            return Point(float(sum(b.numpy(t).sum() for t in terms.values())), {}, scale)
        value, grad = b.value_and_grad(lambda x: _sum(b.log_joint(model, x, *p.arguments)))(arrays)
        return Point(float(b.numpy(value)), {k: b.numpy(g) for k, g in grad.items()}, scale)


def close(a: Point, b: Point, scale: float, what: str, tolerance: float = 1e-10) -> None:
    """|dU| <= tol (1 + sum |terms|), |dg| <= tol (1 + max |g|), all finite; or both values are not finite."""
    if not (np.isfinite(a.value) or np.isfinite(b.value)):
        return
    assert abs(a.value - b.value) <= tolerance * (1 + scale), f"{what}: {a.value!r} and {b.value!r} (scale {scale:.3g})"
    if not a.grad or not b.grad:
        return
    top = max((np.abs(g).max(initial=0.0) for g in a.grad.values()), default=0.0)
    for k, g in a.grad.items():
        finite = np.isfinite(g).all() and np.isfinite(b.grad[k]).all()
        assert finite, f"{what}: gradient of '{k}': {g!r} and {b.grad[k]!r}"
        gap = np.abs(g - b.grad[k]).max(initial=0.0)
        assert gap <= tolerance * (1 + top), f"{what}: gradient of '{k}' differs by {gap:.3g} (largest {top:.3g})"


def check_law(
    model: Model, data: Mapping[str, Any], seed: int, *, tolerance: float = 1e-10, ppl_gradient: bool = True
) -> None:
    """The four evaluations agree."""
    programs = bind(model, data)
    u = draw(programs["pyro"], seed)
    assert {k: v.shape for k, v in u.items()} == programs["numpyro"].shapes
    points = {b: fused(p, u) for b, p in programs.items()}
    traces = {b: ppl(p, u, ppl_gradient) for b, p in programs.items()}
    scale = max(t.scale for t in traces.values())
    close(points["pyro"], points["numpyro"], scale, "fused pyro / fused numpyro", tolerance)
    for b in BACKENDS:
        close(points[b], traces[b], scale, f"fused {b} / trace {b}", tolerance)


def check_batched(model: Model, data: Mapping[str, Any], seed: int, lead: int = 3, *, tolerance: float = 1e-10) -> None:
    """The PPL model with axes on the left equals the loop; the fused density under vmap equals the loop."""
    for b, p in bind(model, data).items():
        backend, precision = p.program.backend, p.program.precision
        u = draw(p, seed, (lead,))
        single = [fused(p, {k: v[i] for k, v in u.items()}).value for i in range(lead)]
        depth = max((-s for s in p.program.emitted.slots.values()), default=0)
        slots = {s.name: s.layout.depth for s in p.program.sites}
        with backend.context(precision):
            wide = {
                k: backend.array(v.reshape(lead, *(1,) * (depth - slots[k]), *v.shape[1:]), precision)
                for k, v in u.items()
            }
            terms = backend.log_joint(p.program.model, wide, *p.arguments)
            batched = np.zeros(lead)
            scale = 0.0
            for name, t in terms.items():
                x = backend.numpy(t)
                scale += float(np.abs(x).sum())
                if x.ndim > depth:
                    assert x.shape[0] in (1, lead), f"{b}: term '{name}' has shape {x.shape}"
                    x = x.reshape(x.shape[0], -1).sum(-1)
                else:
                    x = x.sum()
                batched = batched + x
        finite = np.isfinite(single)
        gap = np.abs(batched - np.array(single))[finite].max(initial=0.0)
        assert gap <= tolerance * (1 + scale), f"{b}: left-batched trace differs from the loop by {gap:.3g}"
