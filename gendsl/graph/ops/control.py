"""Operations that hold a closed subgraph, and the sites.

`scan` folds a step over the leading event axis of its sequences: (carry, x[t]) -> (carry, y[t]). `odeint` solves
dy/dt = f(y, t). `item` takes one result of a node with several. The step's types were fixed when it was traced, so the
rules here only check that the arguments still have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gendsl.errors import ModelError
from gendsl.graph.constraints import real
from gendsl.graph.node import Subgraph
from gendsl.graph.ops.registry import Problem, arrays, op
from gendsl.graph.types import ArrayType, DistType, DType, TupleType, Type, join_dims
from gendsl.networks import Network

__all__: list[str] = []


def _fits(given: ArrayType, traced: ArrayType) -> bool:
    return set(given.dims) <= set(traced.dims) and len(given.event) <= len(traced.event)


@op("scan", "step", "carries", "sequences", "length", "reverse")
def _scan(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = carries, sequences, captures; results = final carries, then stacked outputs (leading axis `length`)."""
    types = arrays(args)
    step: Subgraph = attrs["step"]
    n_carry, n_seq = attrs["carries"], attrs["sequences"]
    inner = [step.nodes[i].type for i in step.inputs]
    for k, (t, want) in enumerate(zip(types, inner, strict=True)):
        seq = n_carry <= k < n_carry + n_seq
        have = replace(t, event=t.event[1:]) if seq else t
        if not isinstance(want, ArrayType) or not _fits(have, want):
            raise Problem("the scan's argument does not fit its step", given=str(have), needed=str(want))
    outs = [step.nodes[i].type for i in step.outputs]
    items = []
    for k, out in enumerate(outs):
        if not isinstance(out, ArrayType):
            raise Problem("a step returns values", given=str(out))
        t = out
        held = inner[k] if k < n_carry else None
        items.append(
            replace(t, dims=join_dims(held.dims, t.dims), support=real)
            if isinstance(held, ArrayType)
            else ArrayType(t.dims, (attrs["length"], *t.event), t.dtype, t.support if t.support.rank == 0 else real)
        )
    return TupleType(tuple(items))


@op("item", "at")
def _item(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (t,) = args
    if not isinstance(t, TupleType):
        raise Problem("item needs a node with several results", given=str(t))
    out: Type = t.items[attrs["at"]]
    return out


@op("odeint", "step", "rtol", "atol", "max_steps")
def _odeint(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = initial value, initial time, times (one event axis), captures; result has the times as leading axis."""
    y0, t0, ts, *_ = arrays(args)
    if ts.rank != 1 or ts.dims or t0.rank or t0.dims:
        raise Problem("odeint needs one vector of times", given=str(ts), needed="a value with one axis of times")
    step: Subgraph = attrs["step"]
    out = step.nodes[step.outputs[0]].type
    if not isinstance(out, ArrayType) or out.event != y0.event:
        raise Problem("the right-hand side must have the state's shape", given=str(out), needed=str(y0))
    return ArrayType(join_dims(y0.dims, out.dims), (*ts.event, *y0.event), DType.FLOAT, real)


@op("input", "type")
def _input(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """An input of a subgraph."""
    out: Type = attrs["type"]
    return out


@op("data", "type", "indexes", "axes", "derived")
def _data(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    out: Type = attrs["type"]
    return out


@op("param", "type", "init", "axes")
def _param(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    out: Type = attrs["type"]
    return out


@op("network", "network", "spec")
def _network(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = value[, time]: the network of this name, whose spec says what it makes of an event. Dims pass through."""
    x, *time = arrays(args)
    spec: Network = attrs["spec"]
    if spec.integers and x.dtype is not DType.INT:
        raise Problem(
            "the network takes integers",
            given=str(x),
            needed=f"integers, for {spec!r}",
            fix="declare them with dtype=int, or leave vocabulary out of the network",
        )
    try:
        spec.check_time(bool(time))
        event = spec.output(x.event)  # type: ignore[arg-type]
    except ModelError as e:
        raise Problem(e.problem, given=e.given, needed=e.needed, fix=e.fix) from None
    if time and time[0].event:
        raise Problem(
            "a time is one number for each element of its dims",
            given=str(time[0]),
            needed="no event axes",
            fix="index it, or put the axis into a plate: dims=",
        )
    return ArrayType(join_dims(*(a.dims for a in (x, *time))), event, DType.FLOAT, real)


def _needs_dist(t: Type, what: str) -> DistType:
    if not isinstance(t, DistType):
        raise Problem(
            f"{what} needs a distribution",
            given=str(t),
            needed="a distribution",
            fix="for example gd.Normal(x, 1.0)",
        )
    return t


@op("latent", "dims", "centered", "axes")
def _latent(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """A draw; its joint dims are leading event axes here, and the expression the user holds puts them back."""
    d = _needs_dist(args[0], "latent")
    return ArrayType(attrs["dims"], d.event, d.dtype, d.support)


@op("observe")
def _observe(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """args = distribution, value[, mask]."""
    d = _needs_dist(args[0], "observe")
    value, *mask = arrays(args[1:])
    if value.event != d.event:
        raise Problem("the observed value has another event shape", given=str(value), needed=str(d))
    missing = [p for p in join_dims(d.dims, *(m.dims for m in mask)) if p not in value.dims]
    if missing:
        raise Problem(
            f"the distribution varies over '{missing[0]}', the observed value does not",
            given=f"value: {value}; distribution: {d}",
            needed=f"dims that include {', '.join(d.dims)}",
            fix=f"add '{missing[0]}' to the dims of the observation, or reduce or index the parameters first",
        )
    if mask and (mask[0].dtype is not DType.BOOL or mask[0].event):
        raise Problem(
            "a mask is boolean, one element for each draw",
            given=str(mask[0]),
            needed="a boolean value over plates of the observation",
            fix='declare it: m.data("counts", dims=..., dtype=bool), or a condition such as x > 0',
        )
    return ArrayType(value.dims, value.event, value.dtype, d.support)


@op("let", "axes")
def _let(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    return x


@op("factor")
def _factor(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    if x.event:
        raise Problem(
            "a factor is one log-weight for each element of its dims",
            given=str(x),
            needed="no event axes",
            fix="sum over them: x.sum()",
        )
    if x.dtype is DType.BOOL:
        raise Problem(
            "a factor is a log-weight, not a condition",
            given=str(x),
            needed="a number: the logarithm of a weight",
            fix="to rule values out, gd.where(condition, 0.0, -1e10), or better a prior with that support",
        )
    return x


@op("log_prob")
def _log_prob(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """log p(value) under a distribution, as an expression."""
    d = _needs_dist(args[0], "log_prob")
    (value,) = arrays(args[1:])
    if value.event != d.event:
        raise Problem("the value has another event shape than the distribution", given=str(value), needed=str(d))
    return ArrayType(join_dims(d.dims, value.dims), (), DType.FLOAT, real)
