"""A smooth function of one variable as polynomials on panels: fitted in numpy, evaluated over `ops`.

The interval is halved where the polynomial of degree 11 through 12 Chebyshev points misses the function between them;
so a kink or a jump costs short panels around it, and nothing elsewhere. On a panel the polynomial is in powers of the
local variable in [-1, 1]. The panel of a point is the number of inner knots at or below it, a comparison and a sum,
which any array library batches.

Reference:
    Approximation Theory and Approximation Practice (Trefethen, 2019) | https://doi.org/10.1137/1.9781611975949
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, legendre

__all__ = ["NotSmooth", "Piecewise", "fit", "integrate"]

_DEGREE = 11
_NODES = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))[::-1]
_BETWEEN = np.linspace(-0.97, 0.97, 7)
_TO_CHEBYSHEV = np.linalg.inv(chebyshev.chebvander(_NODES, _DEGREE))
_TO_POWERS = np.stack([np.pad(p := chebyshev.cheb2poly(row), (0, _DEGREE + 1 - len(p))) for row in np.eye(_DEGREE + 1)])
_GAUSS = legendre.leggauss(12)
_DEPTH = 44  # a panel of 1e-13 of the interval counts for nothing, whatever the function does on it
_MOST = 4000

Function = Callable[[np.ndarray], np.ndarray]


class NotSmooth(ValueError):
    """A function that polynomials do not fit.

    Attributes:
        at: where.
    """

    def __init__(self, at: float) -> None:
        self.at = at
        super().__init__(f"the function is not finite, or not smooth, near {at:.6g}")


@dataclass(frozen=True, eq=False)
class Piecewise:
    """Polynomials on panels.

    Attributes:
        knots: ends of the panels, (n + 1,), increasing.
        powers: coefficients of powers of the local variable, (n, 12).
    """

    knots: np.ndarray
    powers: np.ndarray

    def __call__(self, ops: Any, x: Any) -> Any:
        """The function at x, any shape; outside the interval the last polynomial goes on."""
        knots, powers = ops.constant(self.knots, x), ops.constant(self.powers, x)
        panel = ops.sum(x[..., None] >= knots[1:-1], -1)
        left, right, c = knots[:-1][panel], knots[1:][panel], powers[panel]
        u = (2.0 * x - left - right) / (right - left)
        out = c[..., _DEGREE]
        for k in range(_DEGREE - 1, -1, -1):
            out = out * u + c[..., k]
        return out


def _panels(function: Function, low: float, high: float, tolerance: float) -> list[tuple[float, float, np.ndarray]]:
    """Panels with their Chebyshev coefficients, from left to right."""
    done: list[tuple[float, float, np.ndarray]] = []
    todo = [(low, high, 0)]
    while todo:
        a, b, depth = todo.pop()
        middle, half = 0.5 * (a + b), 0.5 * (b - a)
        values, between = function(middle + half * _NODES), function(middle + half * _BETWEEN)
        finite = bool(np.all(np.isfinite(values)) and np.all(np.isfinite(between)))
        c = _TO_CHEBYSHEV @ np.where(np.isfinite(values), values, 0.0)
        close = np.abs(chebyshev.chebval(_BETWEEN, c) - between) <= tolerance * (1.0 + np.abs(between))
        if finite and (bool(np.all(close)) or depth >= _DEPTH):
            done.append((a, b, c))
        elif depth >= _DEPTH or len(done) + len(todo) > _MOST:
            raise NotSmooth(middle)
        else:
            todo += [(middle, b, depth + 1), (a, middle, depth + 1)]
    return done


def fit(function: Function, low: float, high: float, tolerance: float = 1e-11) -> Piecewise:
    """Polynomials for a function on [low, high].

    Args:
        function: from points (n,) to values (n,).
        low: left end.
        high: right end.
        tolerance: of the value, relative to 1 + |value|.

    Raises:
        NotSmooth: where the function is not finite, or would take thousands of panels.
    """
    panels = _panels(function, low, high, tolerance)
    knots = np.array([panels[0][0], *(b for _, b, _ in panels)])
    return Piecewise(knots, np.stack([c for _, _, c in panels]) @ _TO_POWERS)


def integrate(function: Function, low: float, high: float, tolerance: float = 1e-11) -> Function:
    """The integral of a function from `low`, as a function of its upper end in [low, high], vectorised.

    Panels as for `fit`; whole panels are integrals of their polynomials, and what is left of one is 12 Gauss points on
    the function itself.

    Raises:
        NotSmooth: as `fit`.
    """
    panels = _panels(function, low, high, tolerance)
    knots = np.array([panels[0][0], *(b for _, b, _ in panels)])
    parts = [
        0.5 * (b - a) * (chebyshev.chebval(1.0, i := chebyshev.chebint(c)) - chebyshev.chebval(-1.0, i))
        for a, b, c in panels
    ]
    sums = np.concatenate([[0.0], np.cumsum(parts)])

    def integral(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, float)
        k = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(panels) - 1)
        half = 0.5 * (x - knots[k])
        points = knots[k][..., None] + half[..., None] * (1.0 + _GAUSS[0])
        return np.asarray(sums[k] + half * (function(points.reshape(-1)).reshape(points.shape) @ _GAUSS[1]))

    return integral
