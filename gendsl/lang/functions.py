"""Functions on expressions, under numpy's names.

Elementwise functions are generated from the graph's table. `np.exp(x)` and `gd.exp(x)` are the same node
(gendsl/lang/numpy_functions.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.types import Size
from gendsl.lang.expr import Expr, Value, apply, as_expr, innermost
from gendsl.lang.plates import Axis, Dims, dim_names

__all__ = [
    "abs",
    "add_diagonal",
    "all",
    "any",
    "arccos",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "broadcast_to",
    "ceil",
    "cholesky",
    "clip",
    "concatenate",
    "cos",
    "cosh",
    "cumprod",
    "cumsum",
    "diag",
    "diagonal",
    "digamma",
    "dot",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "gammaln",
    "inv",
    "isnan",
    "log",
    "log1p",
    "log_ndtr",
    "log_prob",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logcumsumexp",
    "logdet",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mod",
    "ndtr",
    "ndtri",
    "outer",
    "power",
    "prod",
    "reciprocal",
    "relu",
    "reshape",
    "round",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "solve",
    "solve_triangular",
    "split",
    "sqrt",
    "square",
    "stack",
    "stop_gradient",
    "sum",
    "swap",
    "tan",
    "tanh",
    "to_float",
    "to_int",
    "transpose",
    "tril",
    "var",
    "where",
    "xlogy",
]


def _unary(name: str) -> Callable[[Value], Expr]:
    def function(x: Value) -> Expr:
        return apply(name, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Elementwise `{name}` of an expression."
    return function


def _binary(name: str) -> Callable[[Value, Value], Expr]:
    def function(a: Value, b: Value) -> Expr:
        return apply(name, a, b)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Elementwise `{name}` of two values, broadcast over dims by name and event axes from the right."
    return function


abs = _unary("abs")  # noqa: A001 - numpy's name
sign, exp, expm1, log, log1p = map(_unary, ("sign", "exp", "expm1", "log", "log1p"))
sqrt, square, reciprocal = map(_unary, ("sqrt", "square", "reciprocal"))
sin, cos, tan, arcsin, arccos, arctan = map(_unary, ("sin", "cos", "tan", "arcsin", "arccos", "arctan"))
sinh, cosh, tanh, arcsinh = map(_unary, ("sinh", "cosh", "tanh", "arcsinh"))
floor, ceil, round = map(_unary, ("floor", "ceil", "round"))  # noqa: A001 - numpy's name
sigmoid, log_sigmoid, logit, softplus, relu = map(_unary, ("sigmoid", "log_sigmoid", "logit", "softplus", "relu"))
erf, erfc, erfinv, gammaln, digamma = map(_unary, ("erf", "erfc", "erfinv", "gammaln", "digamma"))
ndtr, log_ndtr, ndtri = map(_unary, ("ndtr", "log_ndtr", "ndtri"))
isnan, logical_not, to_float, to_int = map(_unary, ("isnan", "logical_not", "to_float", "to_int"))
stop_gradient = _unary("stop_gradient")
maximum, minimum, arctan2 = map(_binary, ("maximum", "minimum", "arctan2"))
logaddexp, xlogy, power, mod = _binary("logaddexp"), _binary("xlogy"), _binary("pow"), _binary("mod")
logical_and, logical_or, logical_xor = map(_binary, ("logical_and", "logical_or", "logical_xor"))


def where(condition: Value, a: Value, b: Value) -> Expr:
    """a where the condition holds, b elsewhere; all three broadcast."""
    return apply("where", condition, a, b)


def clip(x: Value, low: Value, high: Value) -> Expr:
    """x limited to [low, high]."""
    return apply("clip", x, low, high)


# -- reductions ---------------------------------------------------------------------------------------------------
def reduce_(name: str, x: Expr, axis: Any, dim: Dims) -> Expr:
    """One reduction: `axis` names event axes by number, `dim` plates by name; neither means all event axes."""
    _symbolic(name, x)
    dims = dim_names(dim, x.builder, x.name)
    if axis is None and not dims:
        if x.ndim == 0:
            fix = f"write .{name}(dim={x.dims[0]!r})" if x.dims else "leave the reduction out"
            raise ModelError(
                f"{name}: the value has no event axes to reduce",
                node=x.name,
                given=repr(x),
                fix=fix,
                where=caller(),
            )
        axes: tuple[int, ...] = tuple(range(-x.ndim, 0))
    else:
        axes = (
            () if axis is None else tuple(_negative(a, x.ndim) for a in (axis if isinstance(axis, tuple) else (axis,)))
        )
    if len(set(axes)) != len(axes):
        raise ModelError(f"{name}: an axis is given twice", node=x.name, given=f"axis={axis}", where=caller())
    return apply(name, x, axes=axes, dims=dims)


def _symbolic(name: str, x: Any) -> None:
    """Raise unless x is an expression."""
    if not isinstance(x, Expr):
        raise ModelError(
            f"{name} needs an expression",
            given=f"{type(x).__name__}: {x!r}"[:80],
            fix="for plain numbers use numpy; for several expressions, gd.stack([...]) first",
            where=caller(),
        )


def _negative(axis: Any, rank: int) -> int:
    if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
        raise ModelError(
            "axis counts event axes",
            given=repr(axis),
            needed="an integer",
            fix="name plates with dim=",
            where=caller(),
        )
    return int(axis) - rank if axis >= 0 else int(axis)


def _reduction(name: str, words: str) -> Callable[..., Expr]:
    def function(x: Expr, axis: Any = None, *, dim: Dims = None) -> Expr:
        return reduce_(name, x, axis, dim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{words} over event axes (`axis`, by number) or plates (`dim`, by name)."
    return function


sum = _reduction("sum", "Sum")  # noqa: A001 - numpy's name
prod, mean = _reduction("prod", "Product"), _reduction("mean", "Mean")
max, min = _reduction("max", "Largest value"), _reduction("min", "Smallest value")  # noqa: A001
all, any = _reduction("all", "Whether all hold"), _reduction("any", "Whether any holds")  # noqa: A001
logsumexp = _reduction("logsumexp", "log(sum(exp(x)))")


def _cumulative(name: str) -> Callable[..., Expr]:
    def function(x: Expr, axis: int = -1, *, dim: Dims = None) -> Expr:
        _symbolic(name, x)
        dims = dim_names(dim, x.builder, x.name)
        if len(dims) > 1:
            raise ModelError(f"{name} runs along one dim", given=str(dims), needed="one", where=caller())
        if dims:
            from gendsl.lang.indexing import from_event, to_event

            moved = to_event(x, dims)
            return from_event(apply(name, moved, axis=-moved.ndim), dims)
        return apply(name, x, axis=_negative(axis, x.ndim))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` along one event axis (`axis`) or one plate (`dim`)."
    return function


cumsum, cumprod, logcumsumexp = map(_cumulative, ("cumsum", "cumprod", "logcumsumexp"))


def softmax(x: Expr, axis: int = -1) -> Expr:
    """exp(x) / sum(exp(x)) along one event axis."""
    _symbolic("softmax", x)
    return apply("softmax", x, axis=_negative(axis, x.ndim))


def log_softmax(x: Expr, axis: int = -1) -> Expr:
    """log of the softmax along one event axis."""
    _symbolic("log_softmax", x)
    axis = _negative(axis, x.ndim)
    return x - apply("expand_dims", logsumexp(x, axis), axis=axis)


def var(x: Expr, axis: Any = None, *, dim: Dims = None) -> Expr:
    """Variance (divisor n) over event axes or plates."""
    mean = reduce_("mean", x, axis, dim)
    for a in sorted(mean.builder.nodes[mean.node].attr["axes"], reverse=True):
        mean = apply("expand_dims", mean, axis=a)
    return reduce_("mean", square(x - mean), axis, dim)


# -- shape --------------------------------------------------------------------------------------------------------
def reshape(x: Expr, shape: int | Sequence[int]) -> Expr:
    """The event axes in another shape; one size may be -1."""
    _symbolic("reshape", x)
    sizes = list(_shape(x, shape, unknown=1))
    if -1 in sizes and _all_int(x.event):
        known = int(np.prod([s for s in sizes if isinstance(s, int) and s != -1], dtype=int))
        total = math.prod(s for s in x.event if isinstance(s, int))
        sizes[sizes.index(-1)] = total // known if known else 0
    return apply("reshape", x, shape=tuple(sizes))


def _shape(x: Value, shape: Any, unknown: int = 0) -> tuple[Size, ...]:
    """Lengths of event axes as given: integers, the names of plates, and so many times -1."""
    items = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    plates = x.builder.plates if isinstance(x, Expr) else {}
    sizes = tuple(s if isinstance(s, str) and s in plates else _length(s) for s in items)
    if [s for s in sizes if s is None or s == -1].count(-1) > unknown or None in sizes:
        raise ModelError(
            "a shape is made of lengths of event axes",
            given=repr(shape),
            needed="positive integers" + (", one of which may be -1" if unknown else ""),
            fix="values broadcast over plates by themselves",
            where=caller(),
        )
    return sizes  # type: ignore[return-value]


def _length(s: Any) -> int | None:
    whole = isinstance(s, (int, np.integer, Axis)) and not isinstance(s, bool)
    return int(s.__index__()) if whole and (s.__index__() >= 1 or s.__index__() == -1) else None


def _all_int(event: tuple[Size, ...]) -> bool:
    return not [s for s in event if not isinstance(s, int)]


def swap(x: Expr) -> Expr:
    """The last two event axes exchanged."""
    _symbolic("swap", x)
    if x.ndim < 2:
        raise ModelError(
            "there are no two event axes to exchange",
            given=repr(x),
            needed="a value with two event axes",
            fix="plates align by name and need no transposition",
            where=caller(),
        )
    return apply("transpose", x, axes=(*range(-x.ndim, -2), -1, -2))


def transpose(x: Expr, axes: Sequence[int] | None = None) -> Expr:
    """The event axes permuted (reversed by default)."""
    _symbolic("transpose", x)
    if axes is not None and not isinstance(axes, (tuple, list)):
        raise ModelError(
            "transpose takes every event axis once",
            node=x.name,
            given=repr(axes),
            needed=f"axes such as {tuple(range(x.ndim))[::-1]}",
            fix="gd.swap(x) exchanges the last two",
            where=caller(),
        )
    order = tuple(_negative(a, x.ndim) for a in axes) if axes is not None else tuple(range(-1, -x.ndim - 1, -1))
    return apply("transpose", x, axes=order)


def expand_dims(x: Expr, axis: int) -> Expr:
    """A new event axis of length 1."""
    _symbolic("expand_dims", x)
    return apply("expand_dims", x, axis=_negative(axis, x.ndim + 1))


def broadcast_to(x: Expr, shape: int | Sequence[Size]) -> Expr:
    """The event axes broadcast to a shape."""
    return apply("broadcast_event", x, shape=_shape(x, shape))


def stack(values: Sequence[Value], axis: int = -1) -> Expr:
    """Stack values along a new event axis (the last by default)."""
    values = list(values)
    if not values:
        raise ModelError("stack needs at least one value", given="an empty list", where=caller())
    out = apply("stack", *values)
    axis = _negative(axis, out.ndim) + out.ndim
    if not 0 <= axis < out.ndim:
        raise ModelError(
            "stack: there is no such axis",
            given=f"axis={axis}",
            needed=f"an axis from {-out.ndim} to {out.ndim - 1} of the result",
            where=caller(),
        )
    if axis == out.ndim - 1:
        return out
    order = [*range(out.ndim - 1)]
    order.insert(axis, out.ndim - 1)
    return apply("transpose", out, axes=tuple(a - out.ndim for a in order))


def concatenate(values: Sequence[Value], axis: int = -1) -> Expr:
    """Join values along an event axis."""
    values = list(values)
    rank = next((v.ndim for v in values if isinstance(v, Expr)), 1)
    return apply("concatenate", *values, axis=_negative(axis, rank))


def split(x: Expr, parts: int, axis: int = -1) -> tuple[Expr, ...]:
    """Equal parts along an event axis."""
    _symbolic("split", x)
    axis = _negative(axis, x.ndim)
    size = x.event[axis] if -x.ndim <= axis < 0 else None
    whole = isinstance(parts, int) and parts > 0
    if not isinstance(size, int) or not whole or size % parts:
        what = "a value without that axis" if size is None else f"an axis of length {size}"
        raise ModelError(
            f"{what} does not split into {parts} equal parts",
            node=x.name,
            given=repr(x),
            needed="an event axis whose length is a multiple of the number of parts",
            where=caller(),
        )
    n = size // parts
    return tuple(apply("slice", x, axis=axis, start=i * n, stop=(i + 1) * n, step=None) for i in range(parts))


def flip(x: Expr, axis: int = -1) -> Expr:
    """Reversed along an event axis."""
    return apply("flip", x, axis=_negative(axis, x.ndim))


# -- linear algebra -----------------------------------------------------------------------------------------------
def matmul(a: Value, b: Value) -> Expr:
    """numpy's matmul on event axes."""
    return apply("matmul", a, b)


def dot(a: Value, b: Value) -> Expr:
    """The inner product of two vectors (last event axes)."""
    return apply("matmul", a, b)


def outer(a: Value, b: Value) -> Expr:
    """a[i] b[j] of two vectors (last event axes)."""
    return apply("outer", a, b)


def cholesky(x: Value) -> Expr:
    """The lower Cholesky factor."""
    return apply("cholesky", x)


def inv(x: Value) -> Expr:
    """The inverse matrix."""
    return apply("inv", x)


def logdet(x: Value) -> Expr:
    """log |det x|."""
    return apply("logdet", x)


def solve(a: Value, b: Value) -> Expr:
    """x with a x = b."""
    return apply("solve", a, b)


def solve_triangular(a: Value, b: Value, *, lower: bool = True, transposed: bool = False) -> Expr:
    """x with a x = b (a^T x = b if transposed), a triangular."""
    return apply("solve_triangular", a, b, lower=lower, transposed=transposed)


def diag(x: Value) -> Expr:
    """The diagonal matrix of a vector."""
    return apply("diag", x)


def diagonal(x: Value) -> Expr:
    """The diagonal of a matrix."""
    return apply("diagonal", x)


def add_diagonal(x: Value, d: Value) -> Expr:
    """A square matrix plus d on its diagonal."""
    return apply("add_diagonal", x, d)


def tril(x: Value, k: int = 0) -> Expr:
    """The lower triangle."""
    return apply("tril", x, k=k)


def log_prob(dist: Any, value: Value) -> Expr:
    """log p(value) under a distribution, as an expression (one for each element of the dims)."""
    from gendsl.lang.distributions.base import Distribution, dist_builder
    from gendsl.lang.indexing import to_event

    if not isinstance(dist, Distribution):
        raise ModelError(
            "log_prob takes a distribution and a value",
            given=f"{type(dist).__name__}: {dist!r}"[:120],
            needed="a distribution",
            fix="gd.log_prob(gd.Normal(0, 1), x)",
            where=caller(),
        )
    builder = innermost([value]) or dist_builder(dist)
    if builder is None:
        raise ModelError(
            "log_prob has no expression among its arguments",
            given=f"{dist!r} and {value!r}"[:120],
            needed="an expression as the value or as a parameter",
            where=caller(),
        )
    node = dist.add_to(builder)
    arg = to_event(as_expr(value, builder), dist.type.joint)
    return Expr(builder, builder.append("log_prob", (node, arg.node), {}))
