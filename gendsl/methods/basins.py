"""Which of several starting points lie in the basin of a mode that matters.

A mixture has modes at which a component covers all data, or none: hundreds of nats below the others, but a chain that
starts near one stays there. From each candidate a quasi-Newton ascent finds the mode that it belongs to. A candidate
whose mode lies so far below the best one that no volume makes up for it is left out:

    log p(mode) < log p(best mode) - 5 (d + 5)

A chain starts at the candidate, not at the mode, so chains stay as spread out as they were. Where the ascent does not
converge, as on a density without a bound, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["first_that_matters"]

_ITERATIONS = 100
_NATS = 5.0


def first_that_matters(
    density: Callable[[np.ndarray], tuple[float, np.ndarray]], candidates: Sequence[np.ndarray]
) -> int:
    """The place of the first candidate that is not left out.

    Args:
        density: log-density and gradient of a vector.
        candidates: vectors at which both are finite.
    """
    modes = [_ascend(density, z) for z in candidates]
    found = [m for m in modes if m is not None]
    if modes[0] is None or len(found) < 2:
        return 0
    least = max(found) - _NATS * (candidates[0].size + 5)
    return next(k for k, m in enumerate(modes) if m is not None and m >= least)


def _ascend(density: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray) -> float | None:
    """The log-density of the mode that is reached; None where none is."""
    from scipy.optimize import minimize

    def loss(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(z)
        good = np.isfinite(value) and np.isfinite(gradient).all()
        return (-value, -gradient) if good else (np.inf, np.zeros_like(z))

    with np.errstate(all="ignore"):
        out = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    return -float(out.fun) if out.success and np.isfinite(out.fun) else None
