"""Reductions and cumulative operations, over event axes (`axes`, negative) and named dims (`dims`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gendsl.graph.constraints import (
    Integers,
    Interval,
    boolean,
    implies,
    nonnegative,
    positive,
    real,
    simplex,
    unit_interval,
)
from gendsl.graph.ops.registry import OPS, OpSpec, Problem, arrays, op
from gendsl.graph.ops.shapes import check_axis
from gendsl.graph.types import ArrayType, DType, Type, promote

__all__ = ["CUMULATIVE", "REDUCTIONS"]


def _logsumexp(x: Any, axis: Any) -> Any:
    import scipy.special

    return scipy.special.logsumexp(x, axis=axis)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "prod": np.prod,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "logsumexp": _logsumexp,
    "all": np.all,
    "any": np.any,
}

CUMULATIVE: dict[str, Callable[..., Any]] = {
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "logcumsumexp": lambda x, axis: np.logaddexp.accumulate(x, axis=axis),
}


def _support(name: str, t: ArrayType) -> Any:
    s = t.support
    if name in ("mean", "max", "min"):
        if s.rank or s.dynamic:
            return next((c for c in (unit_interval, positive, nonnegative) if implies(s, c)), real)
        return Interval(s.lower, s.upper, (True, True)) if name == "mean" and isinstance(s, Integers) else s
    if name in ("sum", "prod", "cumsum", "cumprod"):
        if name in ("prod", "cumprod") and implies(s, unit_interval):
            return unit_interval
        return positive if implies(s, positive) else nonnegative if implies(s, nonnegative) else real
    return boolean if name in ("all", "any") else real


def _dtype(name: str, t: ArrayType) -> DType:
    if name in ("all", "any"):
        return DType.BOOL
    if name in ("mean", "logsumexp", "logcumsumexp"):
        return DType.FLOAT
    return promote(t.dtype, DType.INT)


def _register_reduction(name: str, value: Callable[..., Any]) -> None:
    def infer(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        (x,) = arrays(args)
        for a in attrs["axes"]:
            check_axis(a, x.rank)
        for d in attrs["dims"]:
            if d not in x.dims:
                raise Problem(
                    f"the value has no dim '{d}' to reduce over",
                    given=str(x),
                    needed=f"a value with dim '{d}'",
                    fix="name one of its dims, or leave dim out to reduce the event axes",
                )
        if name in ("all", "any") and x.dtype is not DType.BOOL:
            raise Problem(f"{name} needs a boolean value", given=str(x))
        drop = {x.rank + a for a in attrs["axes"]}
        event = tuple(s for i, s in enumerate(x.event) if i not in drop)
        dims = tuple(d for d in x.dims if d not in attrs["dims"])
        return ArrayType(dims, event, _dtype(name, x), _support(name, x))

    def fold(x: Any, axes: tuple[int, ...], dims: tuple[str, ...]) -> Any:
        return value(x, axis=axes)

    OPS[name] = OpSpec(name, infer, ("axes", "dims"), fold)


def _register_cumulative(name: str, value: Callable[..., Any]) -> None:
    def infer(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        (x,) = arrays(args)
        check_axis(attrs["axis"], x.rank)
        return ArrayType(x.dims, x.event, _dtype(name, x), _support(name, x))

    OPS[name] = OpSpec(name, infer, ("axis",), lambda x, axis: value(x, axis=axis))


for _name, _value in REDUCTIONS.items():
    _register_reduction(_name, _value)
for _name, _value in CUMULATIVE.items():
    _register_cumulative(_name, _value)


def _softmax_value(x: Any, axis: int) -> Any:
    import scipy.special

    return scipy.special.softmax(x, axis=axis)


@op("softmax", "axis", numpy=_softmax_value)
def _softmax(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """exp(x) / sum(exp(x)) along one event axis."""
    (x,) = arrays(args)
    check_axis(attrs["axis"], x.rank)
    return ArrayType(x.dims, x.event, DType.FLOAT, simplex if attrs["axis"] == -1 else unit_interval)
