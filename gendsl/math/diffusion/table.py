"""A sampler as a table of coefficients, and the scan that runs one.

Every sampler of diffusions without adaptive steps is linear in its states, in the posterior means D it has evaluated
and in its noise. A table has a row for each evaluation and m states, of which the first is where D is evaluated:

    D = x0_hat(y_0, t_i)
    y_j <- sum_k carry[i, j, k] y_k + gain[i, j] D + noise[i, j] z_i,       j = 0, ..., m - 1.

One state is a one-step method; a second one holds the last D (multistep) or the step's beginning (Runge-Kutta). The
coefficients are computed once, in float64 numpy, from alpha and sigma on a grid (gendsl/math/diffusion/steps.py and its
neighbours). Since x0_hat is itself affine in y_0 and the network's output, `Table.through` folds the parameterization
into the coefficients, and then a step is the network and a few multiplications.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Table", "run"]

Array = Any
NoiseOf = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Table:
    """Coefficients, a row for each evaluation.

    Attributes:
        times: where D is evaluated, (n,).
        carry: (n, m, m).
        gain: (n, m).
        noise: (n, m).
        scale: what y_0 is multiplied by before the evaluation, (n,).
    """

    times: np.ndarray
    carry: np.ndarray
    gain: np.ndarray
    noise: np.ndarray
    scale: np.ndarray

    @property
    def evaluations(self) -> int:
        """How often the network is called."""
        return len(self.times)

    @property
    def stochastic(self) -> bool:
        """Whether it takes noise."""
        return bool(np.any(self.noise))

    @staticmethod
    def of(rows: list[tuple[float, Any, Any, Any]]) -> Table:
        """A table from rows (time, carry, gain, noise), where numbers stand for one state."""
        times, carry, gain, noise = (np.array(c, float) for c in zip(*rows, strict=True))
        if carry.ndim == 1:
            carry, gain, noise = carry[:, None, None], gain[:, None], noise[:, None]
        return Table(times, carry, gain, noise, np.ones_like(times))

    def followed_by(self, other: Table) -> Table:
        """This table, then another, which begins with this one's first state."""
        m = max(self.gain.shape[1], other.gain.shape[1])
        parts = [self._padded(m), other._padded(m)]
        names = ("times", "carry", "gain", "noise", "scale")
        return Table(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))

    def _padded(self, m: int) -> Table:
        more = m - self.gain.shape[1]
        carry = np.pad(self.carry, ((0, 0), (0, more), (0, more)))
        return replace(
            self,
            carry=carry,
            gain=np.pad(self.gain, ((0, 0), (0, more))),
            noise=np.pad(self.noise, ((0, 0), (0, more))),
        )

    def through(self, skip: np.ndarray, out: np.ndarray, scale: np.ndarray, times: np.ndarray) -> Table:
        """The table in terms of a network's output, D = skip y_0 + out net(scale y_0, time).

        Args:
            skip: c_skip at the rows' times, (n,).
            out: c_out, (n,).
            scale: of the network's input, (n,).
            times: as the network sees them, (n,).
        """
        carry = self.carry.copy()
        carry[:, :, 0] += self.gain * skip[:, None]
        return replace(self, times=times, carry=carry, gain=self.gain * out[:, None], scale=scale)


@dataclass(frozen=True)
class _Coefficient:
    """One coefficient of a row: a constant 1, or a column of the table's data."""

    state: int
    column: int | None


def _columns(
    table: Table,
) -> tuple[np.ndarray, list[list[_Coefficient]], list[int | None], list[int | None], int | None]:
    """The coefficients that vary, as columns (n, c), and where each is used; those that are always 0 are left out."""
    columns: list[np.ndarray] = [table.times]

    def place(values: np.ndarray) -> int:
        columns.append(values)
        return len(columns) - 1

    m = table.gain.shape[1]
    carry = [
        [
            _Coefficient(k, None if np.all(table.carry[:, j, k] == 1.0) else place(table.carry[:, j, k]))
            for k in range(m)
            if np.any(table.carry[:, j, k])
        ]
        for j in range(m)
    ]
    gain = [place(table.gain[:, j]) if np.any(table.gain[:, j]) else None for j in range(m)]
    noise = [place(table.noise[:, j]) if np.any(table.noise[:, j]) else None for j in range(m)]
    scale = None if np.all(table.scale == 1.0) else place(table.scale)
    return np.stack(columns, 1), carry, gain, noise, scale


def run(
    ops: Any,
    table: Table,
    denoise: Callable[[Array, Array], Array],
    x: Array,
    noise: Array | NoiseOf | None = None,
    keep: bool = False,
) -> Array:
    """Run a table.

    Args:
        ops: array functions.
        table: the table.
        denoise: D, of (..., *event) and a time, (); the network itself for a table that went `through` its
            parameterization.
        x: the first state at the beginning, (..., *event).
        noise: standard normal noise, (n, ..., *event), for a table that takes any; or a function of the row's number
            that gives it, where all of it at once would be too much.
        keep: whether the first state after every row is returned too.

    Returns:
        x at the end, (..., *event); with `keep` also (n, ..., *event).

    Raises:
        ValueError: if the table takes noise and none is given.
    """
    if table.stochastic and noise is None:
        raise ValueError("the table takes noise, and none is given")
    data, carry, gain, spread, scale = _columns(table)
    rows: Any = (ops.constant(data, x),)
    draw = noise if callable(noise) else None
    if table.stochastic:
        rows = (*rows, noise if draw is None else ops.arange(table.evaluations, like=x))

    def step(states: tuple[Array, ...], row: tuple[Array, ...]) -> tuple[tuple[Array, ...], Any]:
        c = ops.unstack(row[0], 0)
        y = states[0] if scale is None else c[scale] * states[0]
        d = denoise(y, c[0])
        z = None if not table.stochastic else row[1] if draw is None else draw(row[1])
        out = []
        for j, state in enumerate(states):
            terms = [states[k.state] if k.column is None else c[k.column] * states[k.state] for k in carry[j]]
            if (g := gain[j]) is not None:
                terms.append(c[g] * d)
            if (s := spread[j]) is not None:
                terms.append(c[s] * z)
            total = terms[0] if terms else ops.zeros_like(state)
            for term in terms[1:]:
                total = total + term
            out.append(total)
        return tuple(out), (out[0] if keep else None)

    first = (x, *(ops.zeros_like(x) for _ in range(len(gain) - 1)))
    last, path = ops.scan(step, first, rows)
    return (last[0], path) if keep else last[0]
