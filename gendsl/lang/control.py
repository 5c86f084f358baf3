"""Recurrences and differential equations: steps written in Python, traced once into closed subgraphs.

`scan(step, init, *sequences, dim=t)` folds a step along a plate:

    (carry[t], out[t]) = step(carry[t - 1], x[t], ...)

`odeint(f, y0, times)` solves dy/dt = f(y, t) and returns y at the times.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.constraints import real
from gendsl.graph.types import ArrayType, DType, broadcast, join_dims, promote
from gendsl.lang.builder import Builder
from gendsl.lang.expr import Expr, Value, apply, as_expr, innermost
from gendsl.lang.indexing import from_event, to_event
from gendsl.lang.plates import Plate, at_home

__all__ = ["child", "odeint", "scan"]

_MAX_TRACES = 4  # the carry's type grows at most once per event axis or dim in practice


def child(parent: Builder, closed: Sequence[str] = ()) -> Builder:
    """A builder for a step; values that vary along `closed` may not be captured."""
    out = Builder(parent.name, parent)
    out.closed_dims = frozenset(closed) | parent.closed_dims
    return out


def call(step: Callable[..., Any], what: str, form: str, *args: Any) -> Any:
    """Call a user's function, after a check that it takes these arguments."""
    try:
        inspect.signature(step).bind(*args)
    except TypeError:
        words = f"({', '.join(inspect.signature(step).parameters)})" if callable(step) else repr(step)[:80]
        raise ModelError(
            f"{what} is a function of other arguments",
            given=words,
            needed=f"{form}, called with {len(args)} arguments",
            where=caller(),
        ) from None
    except ValueError:  # a built-in function without a signature
        pass
    return step(*args)


def _input(builder: Builder, t: ArrayType) -> Expr:
    return Expr(builder, builder.append("input", (), {"type": t}))


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _without(t: ArrayType, dim: str) -> ArrayType:
    return replace(t, dims=tuple(d for d in t.dims if d != dim))


def _meet(a: ArrayType, b: ArrayType) -> ArrayType:
    """A carry's type that holds both its initial value and what the step returns."""
    event = broadcast(a.event, b.event)
    if event is None:
        raise ModelError(
            "the step returns a carry of another shape than it got",
            given=f"got {a}, returned {b}",
            needed="the same event shape",
            where=caller(),
        )
    dtype = promote(a.dtype, b.dtype)
    return ArrayType(join_dims(a.dims, b.dims), event, dtype, a.support if a.support == b.support else real)


def _shaped(x: Expr, t: ArrayType) -> Expr:
    """A carry with the event shape and dtype of the carry's type."""
    if t.dtype is DType.FLOAT and x.dtype is not DType.FLOAT:
        x = apply("to_float", x)
    return x if x.event == t.event else apply("broadcast_event", x, shape=t.event)


def scan(
    step: Callable[..., Any],
    init: Value | Sequence[Value],
    *sequences: Expr,
    dim: Plate | str,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Fold a step along a plate.

    Args:
        step: step(carry, *elements) -> (carry, out). A carry or out of several values is a tuple. It is called while
            the model is declared, on symbolic values, and may use any value declared before.
        init: the initial carry: a value or a tuple of values.
        sequences: values over `dim`; the step gets one element of each.
        dim: the plate to fold along.
        reverse: whether to start at the end.

    Returns:
        The final carry, and the outputs stacked along `dim`; each a value, or a tuple as the step returned.

    Raises:
        ModelError: if a sequence does not vary along `dim`, or the step's carry changes its shape.

    Example:
        ARMA(1, 1) errors: err[t] = y[t] - mu - phi y[t-1] - theta err[t-1].

        >>> def step(err, now, before):                                               # doctest: +SKIP
        ...     err = now - (mu + phi * before + theta * err)
        ...     return err, err
        >>> _, err = gd.scan(step, err0, y[late], gd.lag(y, 1, late), dim=late)       # doctest: +SKIP
    """
    inits = _tuple(init)
    builder = innermost([*sequences, *inits]) or (dim.builder if isinstance(dim, Plate) else None)
    if builder is None:
        raise ModelError(
            "scan needs to know its model",
            given=f"dim={dim!r}",
            needed="an expression among init and sequences, or the plate itself as dim",
            where=caller(),
        )
    name = dim.name if isinstance(dim, Plate) else dim
    if isinstance(dim, Plate):
        at_home(dim, builder, None)
    if name not in builder.plates:
        raise ModelError(f"there is no plate '{name}' to scan along", needed="a plate of this model", where=caller())
    for s in sequences:
        if not isinstance(s, Expr) or name not in s.dims:
            raise ModelError(
                f"a sequence does not vary along '{name}'",
                given=repr(s)[:120],
                needed=f"a value with dim '{name}'",
                fix="use the value inside the step directly if it is the same at every step",
                where=caller(),
            )
    carries = [as_expr(v, builder) for v in inits]
    types = [_without(c.type, name) for c in carries]
    for c in carries:
        if name in c.dims:
            raise ModelError(
                f"the initial carry varies along '{name}'",
                given=repr(c),
                needed="one value, from before the first element",
                fix="pass it as a sequence, or take its first element: x[0]",
                where=caller(),
            )
    element = [_without(s.type, name) for s in sequences]
    for _ in range(_MAX_TRACES):
        inner = child(builder, (name,))
        arguments = [_input(inner, t) for t in (*types, *element)]
        head = arguments[: len(types)]
        carry = tuple(head) if isinstance(init, (tuple, list)) else head[0]
        result = call(step, "the step of a scan", "step(carry, *elements)", carry, *arguments[len(types) :])
        if not isinstance(result, tuple) or len(result) != 2:
            raise ModelError(
                "a step returns (carry, out)",
                given=repr(result)[:80] if isinstance(result, Expr) else type(result).__name__,
                needed="a pair: the carry for the next element, and what is kept of this one",
                fix="return x, x where the carry itself is kept",
                where=caller(),
            )
        new, out = _tuple(result[0]), _tuple(result[1])
        if len(new) != len(types):
            raise ModelError(
                "the step returns another number of carries than it got",
                given=f"{len(new)}",
                needed=f"{len(types)}",
                where=caller(),
            )
        outputs = [as_expr(v, inner) for v in (*new, *out)]
        met = [_meet(t, o.type) for t, o in zip(types, outputs, strict=False)]
        if met == types:
            break
        types = met
    else:
        raise ModelError(
            "the step returns a larger carry than it got, again and again",
            given=", ".join(map(str, types)),
            needed="a carry of one shape",
            fix="return what grows as the output, which is stacked, and keep the carry as it was",
            where=caller(),
        )
    outputs = [*(_shaped(o, t) for o, t in zip(outputs, types, strict=False)), *outputs[len(types) :]]
    subgraph, captures = inner.subgraph([a.node for a in arguments], [o.node for o in outputs])
    args = [builder.lift(_shaped(c, t)) for c, t in zip(carries, types, strict=True)]
    args += [builder.lift(to_event(s, (name,))) for s in sequences]
    attrs = {
        "step": subgraph,
        "carries": len(types),
        "sequences": len(sequences),
        "length": builder.root_size(name),
        "reverse": reverse,
    }
    node = builder.append("scan", [*args, *captures], attrs)
    items = [Expr(builder, builder.append("item", (node,), {"at": k})) for k in range(len(outputs))]
    stacked = tuple(from_event(o, (name,)) for o in items[len(types) :])
    final = tuple(items[: len(types)])
    return (
        final if isinstance(init, (tuple, list)) else final[0],
        stacked if isinstance(result[1], (tuple, list)) else stacked[0],
    )


def odeint(
    f: Callable[[Expr, Expr], Value],
    y0: Value,
    times: Value,
    *,
    start: Value = 0.0,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    max_steps: int = 10_000,
) -> Expr:
    """The solution of dy/dt = f(y, t), y(start) = y0, at the times.

    Solved by an adaptive Runge-Kutta method of order 5 (Dormand, Prince, 1980): torchdiffeq's or diffrax's.

    Args:
        f: f(y, t) -> dy/dt, of y's shape; called on symbolic values while the model is declared.
        y0: initial value, shape as wanted.
        times: increasing times after `start`: over a plate, or an array with one axis.
        start: the time of y0.
        rtol: relative tolerance of the solver.
        atol: absolute tolerance of the solver.
        max_steps: the most steps the solver may take.

    Returns:
        y at the times: along the times' plate, or with the times as first event axis.

    Raises:
        ModelError: if f's result has another shape than y0.
    """
    builder = innermost([y0, times, start])
    if builder is None:
        raise ModelError(
            "odeint needs an expression among y0, times and start",
            given="numbers only",
            needed="a latent, a parameter or data among them",
            fix="declare the times as data over a plate",
            where=caller(),
        )
    if not all(isinstance(v, (int, float)) and v > 0 for v in (rtol, atol, max_steps)):
        raise ModelError(
            "odeint: tolerances and steps are positive",
            given=f"rtol={rtol!r}, atol={atol!r}, max_steps={max_steps!r}",
            needed="positive numbers",
            where=caller(),
        )
    if not isinstance(times, Expr) and np.ndim(times) == 1 and np.any(np.diff(times) <= 0):
        raise ModelError(
            "times must increase",
            given=repr(times)[:100],
            needed="strictly increasing numbers",
            fix="sort them: np.unique(times)",
            where=caller(),
        )
    state, ts = as_expr(y0, builder), as_expr(times, builder)
    plate = ts.dims
    if len(plate) > 1 or (plate and ts.ndim) or (not plate and ts.ndim != 1):
        raise ModelError(
            "times lie along one plate or one event axis",
            given=repr(ts),
            needed="a vector of times",
            where=caller(),
        )
    form = replace(state.type, dtype=DType.FLOAT, support=real)
    for _ in range(_MAX_TRACES):
        inner = child(builder, plate)
        y = _input(inner, form)
        t = _input(inner, ArrayType((), (), DType.FLOAT, real))
        out = as_expr(call(f, "the right-hand side of an ODE", "f(y, t)", y, t), inner)
        if set(out.dims) <= set(form.dims):
            break
        form = replace(form, dims=join_dims(form.dims, out.dims))  # where dy/dt varies, y does
    if broadcast(out.event, state.event) != state.event:
        raise ModelError(
            "the right-hand side has another shape than the state",
            given=repr(out),
            needed=str(state.type),
            fix="stack the derivatives in the order of the state: gd.stack([du, dv])",
            where=caller(),
        )
    if out.event != state.event:
        out = apply("broadcast_event", out, shape=state.event)
    subgraph, captures = inner.subgraph([y.node, t.node], [out.node])
    state = _shaped(state, y.type)
    args = [builder.lift(v) for v in (state, as_expr(start, builder), to_event(ts, plate))]
    attrs = {"step": subgraph, "rtol": rtol, "atol": atol, "max_steps": max_steps}
    node = Expr(builder, builder.append("odeint", [*args, *captures], attrs))
    return from_event(node, plate)
