"""Which of several starting points a chain can begin at: not in the basin of a mode that does not matter, nor too far.

A mixture has modes at which a component covers all data, or none, and a differential equation has modes at which
another period fits a few of the data: far below the others, but a chain that starts near one stays there. From each
candidate a quasi-Newton ascent finds the mode that it belongs to. A candidate is left out if its mode lies so far below
the best mode of all chains' candidates that no volume makes up for it,

    log p(mode) < log p(best mode) - 5 (d + 5),

or if by Laplace's approximation there is no mass about it:

    log p(mode) - log det H(mode) / 2 < that of the best - 14,  H = -d2 log p, positive definite at both.

Where an ascent does not converge, as on a density without a bound, the highest value on its way stands for the mode in
the first of these. A chain all of whose candidates are left out is given more of them; where the first few ascents come
to one mode, no further ones are made.

Chains start at candidates, not at modes, so they stay as spread out as they were, with two exceptions, which start at
the first point of the ascent that is none. One is a candidate whose log-density lies more than 1,000 (d + 1) below that
of its mode, where gradients are so steep that step sizes shrink to nothing (a recurrence that explodes). The other,
where modes were left out, is a candidate that is not above all of them: a chain goes another way than an ascent, and
might end there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice

import numpy as np

__all__ = ["begin"]

Density = Callable[[np.ndarray], tuple[float, np.ndarray]]

_ITERATIONS, _AGAIN = 100, 5
_NATS, _FAR, _MASS = 5.0, 1000.0, 14.0
_MORE = 9  # further candidates of a chain
_ENOUGH = 6  # ascents to one mode, after which others are not looked for
_LARGE = 10_000  # elements of a vector, of which the way would hold too many
_CURVED = 200  # elements, up to which the curvature at a mode is worth its gradients
_STEP = 1e-4


class _LateError(Exception):
    """There is no time."""


@dataclass(frozen=True, eq=False)
class _Ascent:
    """The way from a candidate to its mode: log-densities and points, in order; the mode's is the highest."""

    density: Density
    values: list[float]
    points: list[np.ndarray]
    converged: bool

    @cached_property
    def mode(self) -> float:
        """The highest value on the way."""
        return max(self.values, default=-np.inf)

    @cached_property
    def mass(self) -> float | None:
        """log of the mass about the mode by Laplace's approximation, up to a constant; None where there is none."""
        if not self.converged or self.points[0].size > _CURVED:
            return None
        z = self.points[int(np.argmax(self.values))]
        steps = _STEP * np.eye(z.size)
        with np.errstate(all="ignore"):
            rows = [(self.density(z - h)[1] - self.density(z + h)[1]) / (2.0 * _STEP) for h in steps]
        curvature = np.array(rows)
        if not np.isfinite(curvature).all():
            return None
        scales = np.linalg.eigvalsh(0.5 * (curvature + curvature.T))
        return self.mode - 0.5 * float(np.log(scales).sum()) if scales[0] > 1e-8 * scales[-1] > 0 else None


def begin(
    density: Density,
    candidates: Sequence[Sequence[np.ndarray]],
    more: Sequence[Iterator[np.ndarray]] = (),
    hurry: Callable[[], bool] = lambda: False,
) -> list[np.ndarray]:
    """Where to start each chain.

    Args:
        density: log-density and gradient of a vector.
        candidates: of each chain, vectors at which both are finite.
        more: of each chain, further ones.
        hurry: whether there is no time to look; then the first of each chain is taken.
    """
    first = [mine[0] for mine in candidates]
    if first[0].size > _LARGE:
        return first

    def timed(z: np.ndarray) -> tuple[float, np.ndarray]:
        if hurry():
            raise _LateError
        return density(z)

    try:
        return _begin(timed, candidates, more)
    except _LateError:
        return first


def _begin(
    density: Density, candidates: Sequence[Sequence[np.ndarray]], more: Sequence[Iterator[np.ndarray]]
) -> list[np.ndarray]:
    ascents = [[_ascend(density, mine[0])] for mine in candidates]
    rests = [chain(mine[1:], more[k] if more else ()) for k, mine in enumerate(candidates)]
    for k, given in enumerate(candidates):
        if _agree(ascents):
            break
        ascents[k] += [_ascend(density, z) for z in islice(rests[k], len(given) - 1)]
    for mine, rest in zip(ascents, rests, strict=True):
        for _ in range(_MORE):
            if any(_matters(a, ascents) for a in mine) or (z := next(rest, None)) is None:
                break
            mine.append(_ascend(density, z))
    return [_point(mine, ascents) for mine in ascents]


def _agree(ascents: Sequence[Sequence[_Ascent]]) -> bool:
    """Whether enough ascents came to one mode that no further ones are worth their gradients."""
    found = [a for mine in ascents for a in mine]
    modes = [a.mode for a in found]
    return len(found) >= _ENOUGH and all(a.converged for a in found) and max(modes) - min(modes) < 1.0


def _matters(way: _Ascent, ascents: Sequence[Sequence[_Ascent]]) -> bool:
    """Whether the mode that a candidate belongs to has a share in the posterior."""
    best = max((a for mine in ascents for a in mine if a.converged), key=lambda a: a.mode, default=None)
    if best is None or way.mode >= best.mode - 1.0:
        return True
    if way.mode < best.mode - _NATS * (way.points[0].size + 5):
        return False
    if way.mass is None or best.mass is None:
        return True
    return way.mass >= best.mass - _MASS


def _point(mine: Sequence[_Ascent], ascents: Sequence[Sequence[_Ascent]]) -> np.ndarray:
    """Where a chain starts, of its own candidates."""
    way = next((a for a in mine if _matters(a, ascents)), max(mine, key=lambda a: a.mode))
    if not way.converged:
        return way.points[0]
    d = way.points[0].size
    near = way.mode - _FAR * (d + 1)
    if out := [a.mode for some in ascents for a in some if a.converged and not _matters(a, ascents)]:
        near = max(near, min(max(out) + d, way.mode - d))
    return way.points[next(k for k, value in enumerate(way.values) if value >= near)]


def _ascend(density: Density, start: np.ndarray) -> _Ascent:
    from scipy.optimize import minimize

    values: list[float] = []
    points: list[np.ndarray] = []

    def loss(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(z)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.inf, np.zeros_like(z)
        values.append(value)
        points.append(z.copy())
        return -value, -gradient

    z, before = start, np.inf
    with np.errstate(all="ignore"):
        for _ in range(_AGAIN):  # it ends when the loss falls by little of what it was, which may be much
            out = minimize(loss, z, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
            if not np.isfinite(out.fun):
                break
            if before - out.fun < 1.0:  # success or not: the gradients of a solver are only as exact as it is
                return _Ascent(density, values, points, converged=True)
            z, before = out.x, float(out.fun)
    return _Ascent(density, values or [-np.inf], points or [start], converged=False)
