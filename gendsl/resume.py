"""Going on from the end of a fit: `Fit.continue_`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import Draws
from gendsl.errors import FitError, caller
from gendsl.fit import Fit
from gendsl.methods import MCMC
from gendsl.methods.sample import sample
from gendsl.progress import make
from gendsl.request import positive
from gendsl.run import finished

if TYPE_CHECKING:
    from gendsl.state import SamplerState

__all__ = ["resume"]

_AGAIN = 100  # iterations of warmup that nutpie needs at least


def resume(fit: Fit, draws: int | None, progress: bool) -> Fit:
    """See `Fit.continue_`."""
    began = time.perf_counter()
    method, state = fit.method, fit.raw.state
    if state is None or not isinstance(method, MCMC):
        raise FitError(
            "this fit holds no state of a sampler, so it cannot go on",
            given=repr(fit),
            needed="a fit by a sampler, such as gd.NUTS()",
            fix="fit again with more draws",
            where=caller(),
        )
    have = next(iter(fit.raw.stats.values())).shape[1]
    more = positive("draws", draws, 1000) if draws is not None else method.draws - have or method.draws
    again = 0 if method.native else max(method.warmup // 4, min(method.warmup, _AGAIN))
    part = replace(
        method,
        chains=len(state.chain),
        draws=more,
        warmup=again or method.warmup,  # a native kernel only looks up how it was compiled
        keep_warmup=False,
    )
    program = fit.program
    raw = sample(fit.bound, part, state.seed, make(progress, program.declared.name), state)
    new = finished(fit.bound, raw)
    rows = _rows(state, raw.state)
    whole = _joined(fit.raw, raw, rows, _note(fit, raw, again))
    values = {k: np.concatenate([x[rows], new[k]], 1) for k, x in fit.draws.items()}
    total = fit.seconds["total"] + time.perf_counter() - began
    asked = replace(method, chains=len(state.chain), draws=have + more)
    return Fit(fit.bound, asked, fit.seed, whole, values, whole.seconds | {"total": total})


def _rows(before: SamplerState, after: SamplerState | None) -> list[int]:
    """Which chains went on to the end: an interrupt may cost some."""
    numbers = before.chain.tolist()
    return [numbers.index(n) for n in (before if after is None else after).chain.tolist()]


def _note(fit: Fit, raw: Draws, again: int) -> str:
    method: Any = fit.method
    parts = [raw.note]
    if (kept := len(next(iter(fit.draws.values())))) < method.chains:
        parts.append(f"continued with the {kept} of {method.chains} chains that were kept")
    if again:
        parts.append(f"nutpie warmed up again for {again} iterations before it went on")
    return "; ".join(p for p in parts if p)


def _joined(first: Draws, second: Draws, rows: list[int], note: str) -> Draws:
    """The draws of two runs, one after the other."""

    def join(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {k: np.concatenate([x[rows], b[k]], 1) for k, x in a.items()}

    seconds = {k: first.seconds.get(k, 0.0) + second.seconds.get(k, 0.0) for k in {**first.seconds, **second.seconds}}
    return Draws(
        join(first.unconstrained, second.unconstrained),
        join(first.stats, second.stats),
        seconds,
        second.complete,
        note,
        second.state,
        {k: x[rows] for k, x in first.warmup.items()},
        {k: x[rows] for k, x in first.warmup_stats.items()},
    )
