"""Elementwise operations: broadcasting over dims by name and over event axes from the right.

The table holds for each operation its numpy value, the dtype of its result and the support that follows from its
arguments' supports; an unlisted support is `real`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gendsl.graph.constraints import (
    Constraint,
    Interval,
    boolean,
    implies,
    nonnegative,
    positive,
    real,
    unit_interval,
)
from gendsl.graph.ops.registry import OPS, OpSpec, Problem, arrays
from gendsl.graph.types import ArrayType, DType, Type, broadcast, join_dims, promote

__all__ = ["BINARY", "UNARY", "elementwise_type"]

Support = Callable[..., Constraint]


def elementwise_type(types: Sequence[ArrayType], dtype: DType, support: Constraint = real) -> ArrayType:
    """The broadcast type of several arguments."""
    event = broadcast(*(t.event for t in types))
    if event is None:
        shapes = " and ".join(str(t.event).replace("'", "") for t in types if t.event)
        raise Problem(
            "event shapes do not broadcast",
            given=shapes,
            needed="event axes that are equal or 1, aligned from the right",
            fix="align the axes with x[..., None] or gd.reshape; an axis declared as a plate aligns by name",
        )
    return ArrayType(join_dims(*(t.dims for t in types)), event, dtype, support)


def _scipy(name: str) -> Callable[..., Any]:
    def call(*xs: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*xs)

    return call


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, 0.0)


def _always(c: Constraint) -> Support:
    return lambda *_: c


def _keep_sign(a: Constraint) -> Constraint:
    return positive if implies(a, positive) else nonnegative if implies(a, nonnegative) else real


def _exp_support(_: Constraint) -> Constraint:
    return positive


def _neg_support(a: Constraint) -> Constraint:
    if isinstance(a, Interval) and not a.dynamic:
        low = None if a.upper is None else -a.upper  # type: ignore[operator]
        high = None if a.lower is None else -a.lower  # type: ignore[operator]
        return Interval(low, high, (a.closed[1], a.closed[0]))
    return real


def _reciprocal_support(a: Constraint) -> Constraint:
    return positive if implies(a, nonnegative) else real


# name: (numpy function, dtype rule: "float" | "same" | "bool" | "int", support rule)
UNARY: dict[str, tuple[Callable[..., Any], str, Support]] = {
    "neg": (np.negative, "same", _neg_support),
    "abs": (np.abs, "same", _always(nonnegative)),
    "sign": (np.sign, "same", _always(Interval(-1.0, 1.0, (True, True)))),
    "exp": (np.exp, "float", _exp_support),
    "expm1": (np.expm1, "float", lambda a: _keep_sign(a)),
    "log": (np.log, "float", _always(real)),
    "log1p": (np.log1p, "float", lambda a: _keep_sign(a)),
    "sqrt": (np.sqrt, "float", lambda a: positive if implies(a, positive) else nonnegative),
    "square": (np.square, "same", lambda a: positive if implies(a, positive) else nonnegative),
    "sin": (np.sin, "float", _always(Interval(-1.0, 1.0, (True, True)))),
    "cos": (np.cos, "float", _always(Interval(-1.0, 1.0, (True, True)))),
    "tan": (np.tan, "float", _always(real)),
    "arcsin": (np.arcsin, "float", _always(Interval(-math.pi / 2, math.pi / 2, (True, True)))),
    "arccos": (np.arccos, "float", _always(Interval(0.0, math.pi, (True, True)))),
    "arctan": (np.arctan, "float", _always(Interval(-math.pi / 2, math.pi / 2))),
    "sinh": (np.sinh, "float", lambda a: _keep_sign(a)),
    "cosh": (np.cosh, "float", _always(positive)),
    "tanh": (np.tanh, "float", _always(Interval(-1.0, 1.0))),
    "arcsinh": (np.arcsinh, "float", lambda a: _keep_sign(a)),
    "floor": (np.floor, "same", _always(real)),
    "ceil": (np.ceil, "same", _always(real)),
    "round": (np.round, "same", _always(real)),
    "reciprocal": (np.reciprocal, "float", _reciprocal_support),
    "sigmoid": (_scipy("expit"), "float", _always(Interval(0.0, 1.0))),
    "log_sigmoid": (_scipy("log_expit"), "float", _always(Interval(None, 0.0))),
    "logit": (_scipy("logit"), "float", _always(real)),
    "softplus": (_softplus, "float", _always(positive)),
    "relu": (lambda x: np.maximum(x, 0), "same", _always(nonnegative)),
    "erf": (_scipy("erf"), "float", _always(Interval(-1.0, 1.0))),
    "erfc": (_scipy("erfc"), "float", _always(Interval(0.0, 2.0))),
    "erfinv": (_scipy("erfinv"), "float", _always(real)),
    "gammaln": (_scipy("gammaln"), "float", _always(real)),
    "digamma": (_scipy("digamma"), "float", _always(real)),
    "ndtr": (_scipy("ndtr"), "float", _always(Interval(0.0, 1.0))),
    "log_ndtr": (_scipy("log_ndtr"), "float", _always(Interval(None, 0.0))),
    "ndtri": (_scipy("ndtri"), "float", _always(real)),
    "isnan": (np.isnan, "bool", _always(boolean)),
    "logical_not": (np.logical_not, "bool", _always(boolean)),
    "to_float": (lambda x: np.asarray(x, np.float64), "float", lambda a: a),
    "to_int": (lambda x: np.asarray(x).astype(np.int64), "int", _always(real)),
    "stop_gradient": (lambda x: x, "same", lambda a: a),
}


def _add_support(a: Constraint, b: Constraint) -> Constraint:
    if implies(a, nonnegative) and implies(b, nonnegative):
        return positive if implies(a, positive) or implies(b, positive) else nonnegative
    return real


def _sub_support(a: Constraint, b: Constraint) -> Constraint:
    """Of use for 1 - p: bounds subtract."""
    if isinstance(a, Interval) and isinstance(b, Interval) and not a.dynamic and not b.dynamic:
        low = None if a.lower is None or b.upper is None else a.lower - b.upper  # type: ignore[operator]
        high = None if a.upper is None or b.lower is None else a.upper - b.lower  # type: ignore[operator]
        return Interval(low, high, (a.closed[0] and b.closed[1], a.closed[1] and b.closed[0]))
    return real


def _mul_support(a: Constraint, b: Constraint) -> Constraint:
    if implies(a, unit_interval) and implies(b, unit_interval):
        strict = implies(a, positive) and implies(b, positive)
        return Interval(0.0, 1.0, (not strict, True))
    if implies(a, nonnegative) and implies(b, nonnegative):
        return positive if implies(a, positive) and implies(b, positive) else nonnegative
    return real


def _div_support(a: Constraint, b: Constraint) -> Constraint:
    if implies(a, nonnegative) and implies(b, nonnegative):
        return positive if implies(a, positive) else nonnegative
    return real


def _power(a: Any, b: Any) -> Any:
    """numpy's power; integers to a power that may be negative are floats."""
    whole = np.asarray(b).dtype.kind in "iub"
    return np.power(np.asarray(a, float) if whole and np.any(np.less(b, 0)) else a, b)


def _pow_support(a: Constraint, b: Constraint) -> Constraint:
    if implies(a, positive):
        return positive
    if isinstance(b, Interval) and b.lower is not None and b.lower == b.upper:
        power = b.lower
        if isinstance(power, (int, float)) and power % 2 == 0 and power > 0:
            return nonnegative
    return nonnegative if implies(a, nonnegative) else real


def _max_support(a: Constraint, b: Constraint) -> Constraint:
    if implies(a, positive) or implies(b, positive):
        return positive
    return nonnegative if implies(a, nonnegative) or implies(b, nonnegative) else real


def _min_support(a: Constraint, b: Constraint) -> Constraint:
    if implies(a, positive) and implies(b, positive):
        return positive
    return nonnegative if implies(a, nonnegative) and implies(b, nonnegative) else real


_TRUTH = ("bool", _always(boolean))

BINARY: dict[str, tuple[Callable[..., Any], str, Support]] = {
    "add": (np.add, "same", _add_support),
    "sub": (np.subtract, "same", _sub_support),
    "mul": (np.multiply, "same", _mul_support),
    "div": (np.true_divide, "float", _div_support),
    "floordiv": (np.floor_divide, "same", _always(real)),
    "mod": (np.mod, "same", _always(real)),
    "pow": (_power, "power", _pow_support),
    "maximum": (np.maximum, "same", _max_support),
    "minimum": (np.minimum, "same", _min_support),
    "arctan2": (np.arctan2, "float", _always(Interval(-math.pi, math.pi, (True, True)))),
    "logaddexp": (np.logaddexp, "float", _always(real)),
    "xlogy": (_scipy("xlogy"), "float", _always(real)),
    "eq": (np.equal, *_TRUTH),
    "ne": (np.not_equal, *_TRUTH),
    "lt": (np.less, *_TRUTH),
    "le": (np.less_equal, *_TRUTH),
    "gt": (np.greater, *_TRUTH),
    "ge": (np.greater_equal, *_TRUTH),
    "logical_and": (np.logical_and, *_TRUTH),
    "logical_or": (np.logical_or, *_TRUTH),
    "logical_xor": (np.logical_xor, *_TRUTH),
}


def _dtype(rule: str, types: Sequence[ArrayType]) -> DType:
    if rule == "float":
        return DType.FLOAT
    if rule == "bool":
        return DType.BOOL
    if rule == "int":
        return DType.INT
    out = promote(*(t.dtype for t in types))
    if rule == "power" and types[1].dtype is not DType.BOOL and not implies(types[1].support, nonnegative):
        return DType.FLOAT
    return DType.INT if out is DType.BOOL else out


def _register(name: str, arity: int, value: Callable[..., Any], rule: str, support: Support) -> None:
    def infer(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        types = arrays(args)
        if name.startswith("logical_") and any(t.dtype is not DType.BOOL for t in types):
            raise Problem(
                f"{name} needs conditions",
                given="; ".join(map(str, types)),
                needed="boolean values",
                fix="compare first: x != 0",
            )
        if len(types) != arity:
            raise Problem(f"{name} takes {arity} values", given=f"{len(types)} values")
        return elementwise_type(types, _dtype(rule, types), support(*(t.support for t in types)))

    OPS[name] = OpSpec(name, infer, (), value, elementwise=True)


for _name, _entry in UNARY.items():
    _register(_name, 1, *_entry)
for _name, _entry in BINARY.items():
    _register(_name, 2, *_entry)


def _where(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    cond, a, b = arrays(args)
    if cond.dtype is not DType.BOOL:
        raise Problem("where needs a condition", given=str(cond), needed="a boolean value", fix="compare it: x > 0")
    support = a.support if implies(b.support, a.support) else b.support if implies(a.support, b.support) else real
    return elementwise_type((cond, a, b), promote(a.dtype, b.dtype), support if support.rank == 0 else real)


def _clip(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    x, low, high = arrays(args)
    bounds = (low.support, high.support)
    support = real
    if all(isinstance(b, Interval) and b.lower is not None and b.lower == b.upper for b in bounds):
        support = Interval(bounds[0].lower, bounds[1].upper, (True, True))  # type: ignore[attr-defined]
    return elementwise_type((x, low, high), promote(x.dtype, low.dtype, high.dtype), support)


OPS["where"] = OpSpec("where", _where, (), np.where, elementwise=True)
OPS["clip"] = OpSpec("clip", _clip, (), np.clip, elementwise=True)
