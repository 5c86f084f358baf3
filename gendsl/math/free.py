"""Constrained values as images of free arrays of the same shape, and a free array of a value.

    simplex             x = exp(u) / sum exp(u)
    ordered             x_1 = u_1, x_i = x_(i-1) + exp(u_i)         (positive: x_1 = exp(u_1))
    sphere              x = u / |u|
    angle               x = u - 2 pi floor((u + pi) / 2 pi)
    lower Cholesky      L = strictly lower part of u + diag exp(u_ii)
    Cholesky of a correlation matrix    the rows of (strictly lower part of u + 1), each divided by its length
    covariance, correlation             L L'
    (low, high)         x = low + (high - low) / (1 + exp(-u));     low + exp(u) or high - exp(u) with one end

They are coordinates to move parameters in, not changes of variables: some have directions along which x stays, and no
map has a log-determinant. Functions of `ops` act on the last axes; inverses are numpy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ANGLE", "CORRELATION", "CORR_CHOLESKY", "COVARIANCE", "LOWER_CHOLESKY", "ORDERED", "POSITIVE_ORDERED",
           "SIMPLEX", "SPHERE", "Coordinates", "interval"]  # fmt: skip

Array = Any


@dataclass(frozen=True)
class Coordinates:
    """Of a set of values.

    Attributes:
        value: (ops, u) -> x.
        free: x -> a u with that value; not finite where x lies on the edge of the set.
    """

    value: Callable[[Any, Array], Array]
    free: Callable[[np.ndarray], np.ndarray]


def interval(low: float | None, high: float | None) -> Coordinates:
    """Of (low, high), one of which may be None."""

    def value(ops: Any, u: Array) -> Array:
        if low is not None and high is not None:
            return low + (high - low) * ops.sigmoid(u)
        return high - ops.exp(u) if high is not None else (low or 0.0) + ops.exp(u)

    def free(x: np.ndarray) -> np.ndarray:
        if low is not None and high is not None:
            share = (x - low) / (high - low)
            return np.asarray(np.log(share) - np.log1p(-share))
        return np.asarray(np.log(high - x if high is not None else x - (low or 0.0)))

    return Coordinates(value, free)


def _ordered(ops: Any, u: Array) -> Array:
    return ops.cumsum(ops.concatenate((u[..., :1], ops.exp(u[..., 1:])), -1), -1)


def _ordered_free(x: np.ndarray) -> np.ndarray:
    return np.concatenate((x[..., :1], np.log(np.diff(x, axis=-1))), -1)


def _positive_ordered_free(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.diff(x, axis=-1, prepend=0.0)))


def _unit(ops: Any, u: Array) -> Array:
    return u / ops.sqrt(ops.sum(ops.square(u), -1, keepdims=True))


def _angle(ops: Any, u: Array) -> Array:
    return u - 2 * math.pi * ops.floor((u + math.pi) / (2 * math.pi))


def _lower(ops: Any, u: Array) -> Array:
    return ops.tril(u, -1) + ops.exp(ops.diagonal(u))[..., None] * ops.eye(u.shape[-1], like=u)


def _lower_free(x: np.ndarray) -> np.ndarray:
    log = np.log(np.diagonal(x, axis1=-2, axis2=-1))
    return np.asarray(np.tril(x, -1) + log[..., None] * np.eye(x.shape[-1]))


def _corr(ops: Any, u: Array) -> Array:
    return _unit(ops, ops.tril(u, -1) + ops.eye(u.shape[-1], like=u))


def _corr_free(x: np.ndarray) -> np.ndarray:
    return np.tril(x / np.diagonal(x, axis1=-2, axis2=-1)[..., None], -1)


def _gram(factor: Coordinates) -> Coordinates:
    """Of the matrices whose factors have coordinates."""

    def value(ops: Any, u: Array) -> Array:
        root = factor.value(ops, u)
        return ops.matmul(root, ops.moveaxis(root, -1, -2))

    return Coordinates(value, lambda x: factor.free(np.linalg.cholesky(x)))


SIMPLEX = Coordinates(lambda ops, u: ops.softmax(u, -1), lambda x: np.asarray(np.log(x)))
ORDERED = Coordinates(_ordered, _ordered_free)
POSITIVE_ORDERED = Coordinates(lambda ops, u: ops.cumsum(ops.exp(u), -1), _positive_ordered_free)
SPHERE = Coordinates(_unit, lambda x: x)
ANGLE = Coordinates(_angle, lambda x: x)
LOWER_CHOLESKY, CORR_CHOLESKY = Coordinates(_lower, _lower_free), Coordinates(_corr, _corr_free)
COVARIANCE, CORRELATION = _gram(LOWER_CHOLESKY), _gram(CORR_CHOLESKY)
