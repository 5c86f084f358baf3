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

_ROWS = 20_000  # more, drawn at random, tell no more of the shape
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


_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def _block(d: Design, arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> _Block | None:
    """A, c and 1 / sqrt(n) of one design; None where its data, with the priors, do not determine its directions."""
    wanted = [d.matrix, d.value, *([] if d.target is None else [d.target])]
    try:
        with np.errstate(all="ignore"):
            found = evaluate(d.graph, arrays, sizes, wanted)
            return _computed(d, found, sizes) if all(i in found for i in wanted) else None
    except (ValueError, TypeError, ArithmeticError, IndexError, ImportError):  # the sampler does without
        return None


def _computed(d: Design, found: Mapping[int, np.ndarray], sizes: Mapping[str, int]) -> _Block | None:
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
    weights = np.array([0.0 if c.prior is None else 1.0 / c.prior[1] for c in d.columns])
    means = np.array([0.0 if c.prior is None else c.prior[0] for c in d.columns])
    r = np.asarray(np.linalg.qr(np.concatenate([rows, np.column_stack([np.diag(weights), weights * means])]), mode="r"))
    a = np.linalg.inv(r[:-1, :-1])
    shift = a @ r[:-1, -1] if y is not None else np.zeros(len(a))
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


def _noise(d: Design, x: np.ndarray, value: np.ndarray, y: np.ndarray | None) -> float:
    """About how far an observation is from its predictor, on the scale of that."""
    mean = float(np.mean(np.abs(value)))
    if d.link == "logit":
        return 2.0 if d.family == "Bernoulli" else 1.0 / np.sqrt(max(mean / 2, 0.25))
    if d.link == "log":
        return 1.0 / np.sqrt(max(mean, 1e-3)) if d.family in _COUNTS else 1.0
    if y is None:
        return 1.0
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    if len(x) <= x.shape[1]:
        return max(float(np.std(y)), 1e-3)
    around = float(np.sqrt((rest**2).sum() / (len(x) - x.shape[1])))
    return max(around, 1e-6 * float(np.abs(y).max()), 1e-12)
