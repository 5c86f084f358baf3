"""The coordinates in which a sampler moves: those of the QR factorisation of a regression's design.

Coefficients b of a linear predictor X b, with target y, noise of about s, and normal priors N(m, P^-1) where they have
any, are written b = A v + c. With the QR factorisation of the rows

    [ X / s | y / s ]          [ R | z ]
    [ P^1/2 | P^1/2 m ]   = Q  [ 0 | . ]

A = sqrt(n) R^-1 and c = R^-1 z: for a normal observation the posterior of v is N(0, 1 / n) at s, and near it otherwise,
whatever the units and correlations of the columns; a column of ones among them centres the others. It is as wide as
that of log s, say, which the same n rows tell: a metric of 1, with which samplers start, fits both. For other links s^2
is the inverse of the usual weight of a row, and c is 0. The map is linear, so the density of v is that of b. The answer
does not depend on it: rows are thinned where there are many, and a flat prior is given a little weight, so that R has
an inverse.

Reference:
    Stan User's Guide, The QR reparameterization (Stan Development Team) |
    https://mc-stan.org/docs/stan-users-guide/regression.html#QR-reparameterization.section
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import block_diag

from gendsl.coordinates import Coordinates
from gendsl.graph.evaluate import evaluate, spread
from gendsl.graph.types import ArrayType
from gendsl.passes.design import Design, designs

if TYPE_CHECKING:
    from gendsl.program import BoundProgram

__all__ = ["coordinates"]

_ROWS = 20_000  # more tell no more of the shape
_LITTLE = 1e-6  # the weight of a flat prior, against that of the data


def coordinates(bound: BoundProgram) -> Coordinates | None:
    """The coordinates of a program with its data; None where there is no design, or it says nothing."""
    places, at = {}, 0
    for name, shape in bound.shapes.items():
        places[name] = at
        at += int(np.prod(shape, dtype=int))
    index: list[int] = []
    blocks = []
    for d in designs(bound.program.graph):
        if not all(c.latent in places for c in d.columns):
            continue
        block = _block(d, bound.bound.arrays, bound.bound.sizes)
        if block is not None:
            index += [places[c.latent] + (c.element or 0) for c in d.columns]
            blocks.append(block)
    if not blocks:
        return None
    shift, spread_ = (np.concatenate([block[k] for block in blocks]) for k in (1, 2))
    return Coordinates(np.array(index, np.int64), block_diag(*(block[0] for block in blocks)), shift, spread_)


def _block(
    d: Design, arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """A, c and 1 / sqrt(n) of one design; None where its data have none."""
    wanted = [d.matrix, d.value, *([] if d.target is None else [d.target])]
    try:
        found = evaluate(d.graph, arrays, sizes, wanted)
    except (ValueError, ArithmeticError, IndexError):
        return None
    if any(i not in found for i in wanted):
        return None
    every = -(-int(np.prod([sizes[k] for k in d.dims])) // _ROWS)
    x, value = (_rows(d, i, found[i], sizes, every) for i in (d.matrix, d.value))
    y = None if d.target is None else _rows(d, d.target, found[d.target], sizes, every)
    good = np.isfinite(x).all(1) & np.isfinite(value) & (True if y is None else np.isfinite(y))
    x, value, y = x[good], value[good], None if y is None else y[good]
    if not len(x):
        return None
    scale = _noise(d, x, value, y)
    rows = np.column_stack([x, np.zeros(len(x)) if y is None else y]) * (np.sqrt(every) / scale)
    size = np.sqrt((rows[:, :-1] ** 2).sum(0))
    priors = np.zeros((len(d.columns), len(d.columns) + 1))
    for k, c in enumerate(d.columns):
        mean, sd = c.prior or (0.0, np.inf)
        weight = max(1.0 / sd, _LITTLE * size[k], _LITTLE)
        priors[k, k], priors[k, -1] = weight, weight * mean
    r = np.asarray(np.linalg.qr(np.concatenate([rows, priors]), mode="r"))
    with np.errstate(all="ignore"):
        a = np.linalg.inv(r[:-1, :-1])
    shift = a @ r[:-1, -1] if y is not None else np.zeros(len(a))
    if not (np.isfinite(a).all() and np.isfinite(shift).all()):
        return None
    root = float(np.sqrt(every * len(x)))
    return root * a, shift, np.full(len(a), 1.0 / root)


def _rows(d: Design, i: int, x: np.ndarray, sizes: Mapping[str, int], every: int) -> np.ndarray:
    """A value of the data, every so many rows: (row,) or (row, column)."""
    t = d.graph.nodes[i].type
    if not isinstance(t, ArrayType):
        raise TypeError(f"not a value: {t}")
    lengths = tuple(sizes[k] for k in d.dims)
    x = spread(x, t, d.dims, t.rank)
    flat = np.broadcast_to(x, (*lengths, *x.shape[len(lengths) :])).reshape(-1, *x.shape[len(lengths) :])
    return np.asarray(flat[::every], np.float64)


def _noise(d: Design, x: np.ndarray, value: np.ndarray, y: np.ndarray | None) -> float:
    """About how far an observation is from its predictor, on the scale of that."""
    if d.link == "logit":
        return 2.0
    if d.link == "log":
        return float(1.0 / np.sqrt(max(np.mean(np.abs(value)), 1e-3)))
    if y is None:
        return 1.0
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    free = max(len(x) - x.shape[1], 1)
    spread_ = float(np.sqrt((rest**2).sum() / free))
    return max(spread_, 1e-6 * float(np.abs(y).max()), 1e-12) if len(x) > x.shape[1] else max(float(np.std(y)), 1e-3)
