"""A part of `ops` in numpy, in double precision, for what is computed once: tables, grids, checks.

A derivative is a complex step, f'(x) v = Im f(x + i h v) / h with h = 1e-30: there is no difference, so nothing
cancels, and the result is as exact as f. It needs f to be built of functions that numpy continues into the complex
plane; those with kinks (abs, maximum, minimum, clip, relu, sign) follow the real part, as their derivatives do.

Reference:
    Using complex variables to estimate derivatives of real functions (Squire, Trapp, 1998) |
    https://doi.org/10.1137/S003614459631241X
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["NUMPY"]

_STEP = 1e-30


def _jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    moved = [np.asarray(x) + 1j * _STEP * np.asarray(v) for x, v in zip(primals, tangents, strict=True)]
    out = np.asarray(function(*moved))
    return out.real, (out.imag / _STEP if np.iscomplexobj(out) else np.zeros_like(out))


def _abs(x: Any) -> Any:
    return np.where(np.real(x) < 0, -x, x)


def _maximum(x: Any, y: Any) -> Any:
    return np.where(np.real(x) >= np.real(y), x, y)


def _minimum(x: Any, y: Any) -> Any:
    return np.where(np.real(x) <= np.real(y), x, y)


def _softplus(x: Any) -> Any:
    return _maximum(x, 0.0) + np.log1p(np.exp(-_abs(x)))


def _sigmoid(x: Any) -> Any:
    return np.exp(-_softplus(-x))


def _softmax(x: Any, axis: int) -> Any:
    share = np.exp(x - np.max(np.real(x), axis, keepdims=True))
    return share / np.sum(share, axis, keepdims=True)


def _special(name: str) -> Callable[..., Any]:
    """A function of scipy.special, which is loaded when it is first called."""

    def call(*args: Any) -> Any:
        from scipy import special

        return getattr(special, name)(*args)

    return call


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, like: Any) -> Any:
        return make(*args, dtype=np.asarray(like).dtype)

    return call


NUMPY: Any = SimpleNamespace(
    abs=_abs,
    clip=lambda x, low, high: _minimum(_maximum(x, low), high),
    concatenate=np.concatenate,
    constant=lambda values, like: np.asarray(values, np.asarray(like).dtype),
    cos=np.cos,
    cumsum=np.cumsum,
    diagonal=lambda x: np.diagonal(x, axis1=-2, axis2=-1),
    erf=_special("erf"),
    exp=np.exp,
    expm1=np.expm1,
    eye=_like(np.eye),
    floor=np.floor,
    full=_like(np.full),
    log=np.log,
    log1p=np.log1p,
    log_ndtr=_special("log_ndtr"),
    log_sigmoid=lambda x: -_softplus(-x),
    matmul=np.matmul,
    maximum=_maximum,
    mean=np.mean,
    minimum=_minimum,
    moveaxis=np.moveaxis,
    ndtr=_special("ndtr"),
    ones_like=np.ones_like,
    relu=lambda x: _maximum(x, 0.0),
    reshape=np.reshape,
    sigmoid=_sigmoid,
    sign=lambda x: np.sign(np.real(x)),
    sin=np.sin,
    softmax=_softmax,
    softplus=_softplus,
    sqrt=np.sqrt,
    square=np.square,
    stack=np.stack,
    sum=lambda x, axis=None, keepdims=False: np.sum(x, axis, keepdims=keepdims),
    tanh=np.tanh,
    tril=np.tril,
    where=np.where,
    zeros_like=np.zeros_like,
    jvp=_jvp,
)
