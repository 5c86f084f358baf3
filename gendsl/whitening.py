"""The coordinates in which a sampler moves: those of the QR factorisation of a regression's design.

Coefficients b of a linear predictor X b, with target y, noise of about s, and priors of location m and scale P^-1/2
where they have constant ones, are written b = A v + c. With the QR factorisation of the rows

    [ X / s | y / s ]          [ R | z ]
    [ P^1/2 | P^1/2 m ]   = Q  [ 0 | . ]

A = sqrt(n) R^-1 and c = R^-1 z: for a normal observation the posterior of v is N(0, 1 / n) at s, and near it otherwise,
whatever the units and correlations of the columns; a column of ones among them centres the others. It is as wide as
that of log s, say, which the same n rows tell: a metric of 1, with which samplers start, fits both. For other links s^2
is the inverse of the usual weight of a row, and c is 0. The map is linear, so the density of v is that of b. The answer
does not depend on it, so some rows do where there are many. Where rows and priors do not determine all directions, the
coefficients stay as they are.

With values of groups among the coefficients, X has a column for each group, almost all zeros. R is then the Cholesky
factor of X'X / s^2 + P, which is added up group by group; the priors, which are fixed, keep it from being singular.

Reference:
    Stan User's Guide, The QR reparameterization (Stan Development Team) |
    https://mc-stan.org/docs/stan-users-guide/regression.html#QR-reparameterization.section
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import block_diag
from scipy.sparse import csr_array, hstack
from scipy.sparse.linalg import lsqr

from gendsl.coordinates import Coordinates
from gendsl.graph.evaluate import evaluate, spread
from gendsl.graph.types import ArrayType
from gendsl.passes.design import Design, designs

if TYPE_CHECKING:
    from gendsl.program import BoundProgram

__all__ = ["coordinates"]

_ROWS = 20_000  # more, drawn at random, tell no more of the shape
_MOST = 1000  # coefficients, of which a matrix is multiplied in every gradient
_SINGULAR = 1e-7  # of columns of length 1: below it, rows do not determine a direction
_COUNTS = ("Poisson", "GammaPoisson", "NegativeBinomial", "NegativeBinomial2", "ZeroInflatedPoisson")


def coordinates(bound: BoundProgram) -> Coordinates | None:
    """The coordinates of a program with its data; None where there is no design, or it says nothing."""
    places, at = {}, 0
    for name, shape in bound.shapes.items():
        places[name] = at
        at += int(np.prod(shape, dtype=int))
    index: list[int] = []
    blocks = []
    for d in designs(bound.program.graph):
        if not {c.latent for c in d.columns} | {v.latent for v in d.levels} <= set(places):
            continue
        block = _block(d, bound.bound.arrays, bound.bound.sizes)
        if block is not None:
            index += [places[c.latent] + (c.element or 0) for c in d.columns]
            index += [places[v.latent] + k for v in d.levels for k in range(bound.bound.sizes[v.plate])]
            blocks.append(block)
    if not blocks:
        return None
    shift, spread_ = (np.concatenate([block[k] for block in blocks]) for k in (1, 2))
    return Coordinates(np.array(index, np.int64), block_diag(*(block[0] for block in blocks)), shift, spread_)


_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def _block(d: Design, arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> _Block | None:
    """A, c and 1 / sqrt(n) of one design; None where its data, with the priors, do not determine its directions."""
    wanted = [i for i in (d.matrix, d.value, d.target, *(v.index for v in d.levels)) if i is not None]
    try:
        with np.errstate(all="ignore"):
            found = evaluate(d.graph, arrays, sizes, wanted)
            if not all(i in found for i in wanted):
                return None
            return _with_levels(d, found, sizes) if d.levels else _computed(d, found, sizes)
    except (ValueError, TypeError, ArithmeticError, IndexError, ImportError):  # the sampler does without
        return None


def _computed(d: Design, found: Mapping[int, np.ndarray], sizes: Mapping[str, int]) -> _Block | None:
    if d.matrix is None:
        return None
    total = int(np.prod([sizes[k] for k in d.dims]))
    some = None if total <= _ROWS else np.sort(np.random.default_rng(0).choice(total, _ROWS, replace=False))
    x, value = (_rows(d, i, found[i], sizes, some) for i in (d.matrix, d.value))
    y = None if d.target is None else _rows(d, d.target, found[d.target], sizes, some)
    good = np.isfinite(x).all(1) & np.isfinite(value) & (True if y is None else np.isfinite(y))
    x, value, y = x[good], value[good], None if y is None else y[good]
    if not len(x):
        return None
    size = np.sqrt((x**2).sum(0))
    known = np.linalg.svd(x / np.where(size > 0, size, 1.0), compute_uv=False)
    determined = len(x) >= x.shape[1] and known[-1] > _SINGULAR
    if not determined and any(c.prior is None for c in d.columns):
        return None  # what the rows do not tell, the prior does, which is not known here
    share = total / len(x)
    rows = np.column_stack([x, np.zeros(len(x)) if y is None else y]) * (np.sqrt(share) / _noise(d, x, value, y))
    weights, means = _priors(d)
    r = np.asarray(np.linalg.qr(np.concatenate([rows, np.column_stack([np.diag(weights), weights * means])]), mode="r"))
    a = np.linalg.inv(r[:-1, :-1])
    shift = a @ r[:-1, -1] if y is not None else np.zeros(len(a))
    if not (np.isfinite(a).all() and np.isfinite(shift).all()):
        return None
    root = float(np.sqrt(total))
    return root * a, shift, np.full(len(a), 1.0 / root)


def _priors(d: Design) -> tuple[np.ndarray, np.ndarray]:
    """1 / scale and location of the columns' priors; zeros where there is none."""
    weights = np.array([0.0 if c.prior is None else 1.0 / c.prior[1] for c in d.columns])
    return weights, np.array([0.0 if c.prior is None else c.prior[0] for c in d.columns])


def _with_levels(d: Design, found: Mapping[int, np.ndarray], sizes: Mapping[str, int]) -> _Block | None:
    """The same where some coefficients belong to groups."""
    groups = [sizes[v.plate] for v in d.levels]
    if len(d.columns) + sum(groups) > _MOST:
        return None
    total = int(np.prod([sizes[k] for k in d.dims]))
    value = _rows(d, d.value, found[d.value], sizes, None)
    dense = np.zeros((total, 0)) if d.matrix is None else _rows(d, d.matrix, found[d.matrix], sizes, None)
    y = None if d.target is None else _rows(d, d.target, found[d.target], sizes, None)
    good = np.isfinite(dense).all(1) & np.isfinite(value) & (True if y is None else np.isfinite(y))
    shown = [np.asarray(_rows(d, v.index, found[v.index], sizes, None), np.int64) for v in d.levels]
    good &= np.all([(k >= 0) & (k < size) for k, size in zip(shown, groups, strict=True)], axis=0)
    columns = [dense] + [
        csr_array((np.full(total, float(v.sign)), k % size, np.arange(total + 1)), (total, size))
        for v, k, size in zip(d.levels, shown, groups, strict=True)
    ]
    x = csr_array(hstack([csr_array(c) for c in columns]))[good]
    y = None if y is None else y[good]
    if not x.shape[0]:
        return None
    noise = _noise(d, x, value[good], y)
    fixed, places = _priors(d)
    weights = np.concatenate(
        [fixed, *(np.full(size, 1 / v.prior[1]) for v, size in zip(d.levels, groups, strict=True))]
    )
    means = np.concatenate([places, *(np.full(size, v.prior[0]) for v, size in zip(d.levels, groups, strict=True))])
    precision = (x.T @ x).toarray() / noise**2 + np.diag(weights**2)
    scale = 1.0 / np.sqrt(np.diag(precision))
    if np.linalg.eigvalsh(precision * scale[:, None] * scale)[0] < _SINGULAR:
        return None
    a = np.linalg.inv(np.linalg.cholesky(precision).T)
    ahead = weights**2 * means + (0.0 if y is None else x.T @ y / noise**2)
    shift = np.zeros(len(a)) if y is None else np.linalg.solve(precision, ahead)
    if not (np.isfinite(a).all() and np.isfinite(shift).all()):
        return None
    root = float(np.sqrt(total))
    return root * a, shift, np.full(len(a), 1.0 / root)


def _rows(d: Design, i: int, x: np.ndarray, sizes: Mapping[str, int], some: np.ndarray | None) -> np.ndarray:
    """A value of the data row by row, (row,) or (row, column); only some rows, where there are many."""
    t = d.graph.nodes[i].type
    if not isinstance(t, ArrayType):
        raise TypeError(f"not a value: {t}")
    lengths = tuple(sizes[k] for k in d.dims)
    x = spread(x, t, d.dims, t.rank)
    whole = np.broadcast_to(x, (*lengths, *x.shape[len(lengths) :]))
    flat = whole.reshape(-1, *whole.shape[len(lengths) :]) if some is None else whole[np.unravel_index(some, lengths)]
    return np.asarray(flat, np.float64)


def _noise(d: Design, x: Any, value: np.ndarray, y: np.ndarray | None) -> float:
    """About how far an observation is from its predictor, on the scale of that."""
    mean = float(np.mean(np.abs(value)))
    if d.link == "logit":
        return 2.0 if d.family == "Bernoulli" else 1.0 / np.sqrt(max(mean / 2, 0.25))
    if d.link == "log":
        return 1.0 / np.sqrt(max(mean, 1e-3)) if d.family in _COUNTS else 1.0
    if y is None:
        return 1.0
    rows, columns = x.shape
    if rows <= columns:
        return max(float(np.std(y)), 1e-3)
    rest = y - x @ (np.linalg.lstsq(x, y, rcond=None)[0] if isinstance(x, np.ndarray) else lsqr(x, y)[0])
    around = float(np.sqrt((rest**2).sum() / (rows - columns)))
    return max(around, 1e-6 * float(np.abs(y).max()), 1e-12)
