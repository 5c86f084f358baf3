"""Which of several starting points a chain can begin at: not in the basin of a mode that does not matter, nor too far.

A mixture has modes at which a component covers all data, or none: hundreds of nats below the others, but a chain that
starts near one stays there. From each candidate a quasi-Newton ascent finds the mode that it belongs to. A candidate
whose mode lies so far below the best one that no volume makes up for it is left out:

    log p(mode) < log p(best mode) - 5 (d + 5)

Chains start at candidates, not at modes, so they stay as spread out as they were. Only one whose log-density lies more
than 1,000 (d + 1) below that of its mode, where gradients are so steep that step sizes shrink to nothing (a recurrence
that explodes), starts at the first point of the ascent that does not. Where the ascent does not converge, as on a
density without a bound, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["begin"]

Density = Callable[[np.ndarray], tuple[float, np.ndarray]]

_ITERATIONS, _AGAIN = 100, 5
_NATS, _FAR = 5.0, 1000.0
_LARGE = 10_000  # elements of a vector, of which the way would hold too many


@dataclass(frozen=True, eq=False)
class _Ascent:
    """The way from a candidate to its mode: log-densities and points, in order; the mode's is the highest."""

    values: list[float]
    points: list[np.ndarray]

    @property
    def mode(self) -> float:
        return max(self.values)


def begin(density: Density, candidates: Sequence[np.ndarray], hurry: Callable[[], bool] = lambda: False) -> np.ndarray:
    """Where to start.

    Args:
        density: log-density and gradient of a vector.
        candidates: vectors at which both are finite.
        hurry: whether there is no time to look; then the first is taken.
    """
    if candidates[0].size > _LARGE:
        return candidates[0]

    def timed(z: np.ndarray) -> tuple[float, np.ndarray]:
        if hurry():
            raise _LateError
        return density(z)

    try:
        return _begin(timed, candidates)
    except _LateError:
        return candidates[0]


class _LateError(Exception):
    """There is no time."""


def _begin(density: Density, candidates: Sequence[np.ndarray]) -> np.ndarray:
    ascents = [_ascend(density, z) for z in candidates]
    first, found = ascents[0], [a for a in ascents if a is not None]
    if first is None:
        return candidates[0]
    d = candidates[0].size
    least = max(a.mode for a in found) - _NATS * (d + 5)
    way = next(a for a in found if a.mode >= least)
    near = way.mode - _FAR * (d + 1)
    return way.points[next(k for k, value in enumerate(way.values) if value >= near)]


def _ascend(density: Density, start: np.ndarray) -> _Ascent | None:
    from scipy.optimize import minimize

    way = _Ascent([], [])

    def loss(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(z)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.inf, np.zeros_like(z)
        way.values.append(value)
        way.points.append(z.copy())
        return -value, -gradient

    z, before = start, np.inf
    with np.errstate(all="ignore"):
        for _ in range(_AGAIN):  # it ends when the loss falls by little of what it was, which may be much
            out = minimize(loss, z, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
            if not (out.success and np.isfinite(out.fun)):
                return None
            if before - out.fun < 1.0:
                return way
            z, before = out.x, float(out.fun)
    return None
