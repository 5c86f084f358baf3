"""numpy's and scipy.special's functions on expressions: `np.exp(x)` is `gd.exp(x)`, with numpy's own defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.ops.elementwise import BINARY, UNARY
from gendsl.lang import functions as f
from gendsl.lang.expr import Expr, apply, truth

__all__ = ["from_numpy"]

_SPECIAL = {
    "expit": "sigmoid",
    "gammaln": "gammaln",
    "psi": "digamma",
    "digamma": "digamma",
    "log_expit": "log_sigmoid",
}
_UFUNCS: dict[str, str] = {
    **{k: k for k in [*UNARY, *BINARY]},
    "negative": "neg",
    "absolute": "abs",
    "fabs": "abs",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "floor_divide": "floordiv",
    "remainder": "mod",
    "power": "pow",
    "float_power": "pow",
    "equal": "eq",
    "not_equal": "ne",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
    "rint": "round",
    "matmul": "matmul",
    **_SPECIAL,
}


_BITWISE = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert")


def from_numpy(function: Any, method: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Expr:
    """numpy's (or scipy.special's) function on expressions."""
    name = function.__name__
    if method == "__call__" and isinstance(function, np.ufunc) and not kwargs and name in _UFUNCS:
        return (truth if name in _BITWISE else apply)(_UFUNCS[name], *args)
    ours = _FUNCTIONS.get(name)
    if method == "__call__" and ours is not None and not isinstance(function, np.ufunc):
        try:
            inspect.signature(ours).bind(*args, **kwargs)
        except TypeError:
            pass
        else:
            return ours(*args, **kwargs)
    known = f"gd.{name} takes the value and no such option" if name in {*_UFUNCS, *_FUNCTIONS} else None
    raise ModelError(
        f"numpy.{name}{'.' + method if method != '__call__' else ''} is not available on symbolic values",
        given=", ".join(f"{k}={v!r}" for k, v in kwargs.items()) or None,
        needed="a function that gendsl offers",
        fix=known or "look in gendsl's list of functions; build it from the ones there",
        where=caller(),
    )


def _numpy_cumulative(function: Callable[..., Expr]) -> Callable[..., Expr]:
    """numpy's form: all elements in one line where no axis is given."""

    def call(x: Expr, axis: int | None = None) -> Expr:
        return function(f.reshape(x, -1) if axis is None and x.ndim > 1 else x, -1 if axis is None else axis)

    return call


def _numpy_flip(m: Expr, axis: int | None = None) -> Expr:
    """numpy's form: along all axes where none is given."""
    for a in range(-m.ndim, 0) if axis is None else (axis,):
        m = f.flip(m, a)
    return m


_FUNCTIONS: dict[str, Callable[..., Expr]] = {
    "sum": f.sum,
    "prod": f.prod,
    "mean": f.mean,
    "max": f.max,
    "amax": f.max,
    "min": f.min,
    "amin": f.min,
    "all": f.all,
    "any": f.any,
    "var": f.var,
    "cumsum": _numpy_cumulative(f.cumsum),
    "cumprod": _numpy_cumulative(f.cumprod),
    "where": f.where,
    "clip": f.clip,
    "stack": lambda arrays, axis=0: f.stack(arrays, axis),
    "concatenate": lambda arrays, axis=0: f.concatenate(arrays, axis),
    "reshape": f.reshape,
    "transpose": f.transpose,
    "expand_dims": f.expand_dims,
    "broadcast_to": f.broadcast_to,
    "dot": f.dot,
    "outer": f.outer,
    "diag": lambda v: f.diagonal(v) if isinstance(v, Expr) and v.ndim > 1 else f.diag(v),
    "diagonal": f.diagonal,
    "tril": f.tril,
    "flip": _numpy_flip,
    "cholesky": f.cholesky,
    "inv": f.inv,
    "solve": f.solve,
    "logsumexp": f.logsumexp,
    "round": lambda x: apply("round", x),
}
