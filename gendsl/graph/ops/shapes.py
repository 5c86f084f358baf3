"""Operations on event axes, and the passage between named dims and event axes.

`to_event` makes the named dims the leading event axes; `from_event` is its inverse. Everything that has to index, shift
or pair along a plate goes through these two, so indexing itself is only ever done on event axes.

Axes are counted from the right, as negative numbers, so that they do not depend on what stands on the left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gendsl.graph.constraints import Interval, implies, nonnegative, positive, real, unit_interval
from gendsl.graph.ops.registry import Problem, arrays, op
from gendsl.graph.types import ArrayType, DType, Size, Type, broadcast, join_dims, promote

__all__: list[str] = []


def _elementwise_support(t: ArrayType) -> Any:
    """The support that survives cutting or rearranging: only the elementwise ones."""
    if t.support.rank == 0:
        return t.support
    for c in (unit_interval, positive, nonnegative):
        if implies(t.support, c):
            return c
    return real


def check_axis(axis: int, rank: int) -> None:
    """Raise a Problem unless `axis` is a negative axis of `rank` event axes."""
    if not -rank <= axis < 0:
        raise Problem(
            f"there is no event axis {axis}",
            given=f"a value of {rank} event axes",
            needed=f"an axis from {-rank} to -1" if rank else "a value with event axes",
            fix="to work along a plate, name it: dim=plate",
        )


@op("to_event", "dims", "sizes")
def _to_event(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    dims: tuple[str, ...] = attrs["dims"]
    for d in dims:
        if d not in x.dims:
            raise Problem(f"the value has no dim '{d}'", given=str(x), needed=f"dim '{d}'")
    rest = tuple(d for d in x.dims if d not in dims)
    return ArrayType(rest, attrs["sizes"] + x.event, x.dtype, x.support)


@op("from_event", "dims")
def _from_event(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    dims: tuple[str, ...] = attrs["dims"]
    if len(dims) > x.rank:
        raise Problem("fewer event axes than dims", given=str(x), needed=f"{len(dims)} leading event axes")
    for d in dims:
        if d in x.dims:
            raise Problem(f"the value already has dim '{d}'", given=str(x))
    support = x.support if x.rank - len(dims) >= x.support.rank else _elementwise_support(x)
    return ArrayType(join_dims(x.dims, dims), x.event[len(dims) :], x.dtype, support)


@op(
    "slice",
    "axis",
    "start",
    "stop",
    "step",
    numpy=lambda x, axis, start, stop, step: _np_slice(x, axis, start, stop, step),
)
def _slice(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """x[start:stop:step] along one event axis; on an axis that runs over a plate, `size` names the derived plate."""
    (x,) = arrays(args)
    check_axis(attrs["axis"], x.rank)
    size = x.event[attrs["axis"]]
    if not isinstance(size, int):
        raise Problem("a plate's axis is cut by a condition on the plate", given=str(x), fix="write x[t >= 2]")
    length = len(range(*slice(attrs["start"], attrs["stop"], attrs["step"]).indices(size)))
    if length == 0:
        raise Problem(
            "the slice is empty",
            given=f"[{attrs['start']}:{attrs['stop']}:{attrs['step']}] of an axis of length {size}",
            needed="at least one element",
        )
    return ArrayType(x.dims, _with(x.event, attrs["axis"], length), x.dtype, _elementwise_support(x))


def _np_slice(x: Any, axis: int, start: int | None, stop: int | None, step: int | None) -> Any:
    index: list[Any] = [slice(None)] * x.ndim
    index[axis] = slice(start, stop, step)
    return x[tuple(index)]


@op("shift", "start", "stop", "plate")
def _shift(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """Drop `start` elements at the front and `stop` at the end of the leading event axis, which becomes `plate`."""
    (x,) = arrays(args)
    if not x.event:
        raise Problem("a shift needs a leading event axis", given=str(x))
    return ArrayType(x.dims, (attrs["plate"], *x.event[1:]), x.dtype, _elementwise_support(x))


@op("index", "axis", "at", numpy=lambda x, axis, at: np.take(x, at, axis))
def _index(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """x[..., at, ...]: one element of one event axis."""
    (x,) = arrays(args)
    axis, at = attrs["axis"], attrs["at"]
    check_axis(axis, x.rank)
    size = x.event[axis]
    if isinstance(size, int) and not -size <= at < size:
        raise Problem(f"index {at} is out of range", given=f"an axis of length {size}", needed=f"{-size} to {size - 1}")
    event = list(x.event)
    del event[axis]
    support = x.support if axis < -x.support.rank or x.support.rank == 0 else _elementwise_support(x)
    return ArrayType(x.dims, tuple(event), x.dtype, support)


@op("gather")
def _gather(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """x[i, j, ...]: integer values index the leading event axes together, as numpy's integer arrays do."""
    x, *indices = arrays(args)
    if len(indices) > x.rank:
        raise Problem("more indices than axes", given=f"{len(indices)} indices", needed=f"at most {x.rank}")
    for i in indices:
        if i.dtype is DType.FLOAT:
            raise Problem(
                "an index must be an integer",
                given=str(i),
                needed="integer data",
                fix="declare it with m.data(..., dtype=int), or convert it with gd.to_int(x)",
            )
        if i.dtype is DType.BOOL:
            raise Problem(
                "a boolean mask changes the size of an array",
                given=str(i),
                needed="integer indices",
                fix="use gd.where(mask, x, 0), dist.mask(mask), or a condition on a plate such as x[t >= 2]",
            )
    for size, i in zip(x.event, indices, strict=False):
        low, high = getattr(i.support, "lower", None), getattr(i.support, "upper", None)
        above = isinstance(size, int) and isinstance(high, float) and high > size - 1
        if above or isinstance(size, int) and isinstance(low, float) and low < -size:
            raise Problem(
                "an index is out of range",
                given=f"values {i.support} on an axis of length {size}",
                needed=f"0 to {size - 1}" if isinstance(size, int) else None,
            )
    event = broadcast(*(i.event for i in indices))
    if event is None:
        raise Problem("index shapes do not broadcast", given=", ".join(str(i.event) for i in indices))
    rest = x.event[len(indices) :]
    support = x.support if len(rest) >= x.support.rank else _elementwise_support(x)
    return ArrayType(join_dims(x.dims, *(i.dims for i in indices)), event + rest, x.dtype, support)


@op("reshape", "shape", numpy=lambda x, shape: np.reshape(x, shape))
def _reshape(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    shape: tuple[Size, ...] = attrs["shape"]
    have, want = _count(x.event), _count(shape)
    if have != want:
        raise Problem("reshape keeps the number of elements", given=f"event {x.event}", needed=f"event {shape}")
    return ArrayType(x.dims, shape, x.dtype, _elementwise_support(x))


def _count(event: tuple[Size, ...]) -> tuple[int, tuple[str, ...]]:
    total = 1
    for s in event:
        total *= s if isinstance(s, int) else 1
    return total, tuple(sorted(s for s in event if isinstance(s, str)))


@op("transpose", "axes", numpy=lambda x, axes: np.transpose(x, [x.ndim + a for a in axes]))
def _transpose(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """Permute the event axes; `axes` are negative and all of them."""
    (x,) = arrays(args)
    axes: tuple[int, ...] = attrs["axes"]
    if sorted(axes) != list(range(-x.rank, 0)):
        raise Problem("transpose needs every event axis once", given=str(axes), needed=str(tuple(range(-x.rank, 0))))
    return ArrayType(x.dims, tuple(x.event[a] for a in axes), x.dtype, _elementwise_support(x))


@op("expand_dims", "axis", numpy=lambda x, axis: np.expand_dims(x, axis))
def _expand_dims(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """A new event axis of length 1 at the negative position `axis` of the result."""
    (x,) = arrays(args)
    check_axis(attrs["axis"], x.rank + 1)
    at = x.rank + 1 + attrs["axis"]
    keep = x.support.rank == 0 or at <= x.rank - x.support.rank
    return ArrayType(
        x.dims, x.event[:at] + (1,) + x.event[at:], x.dtype, x.support if keep else _elementwise_support(x)
    )


@op("broadcast_event", "shape", numpy=lambda x, shape: np.broadcast_to(x, shape))
def _broadcast_event(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    shape: tuple[Size, ...] = attrs["shape"]
    if broadcast(x.event, shape) != shape:
        raise Problem("the event shape does not broadcast", given=str(x.event), needed=str(shape))
    return ArrayType(x.dims, shape, x.dtype, x.support)


@op("stack", numpy=lambda *xs: np.stack(np.broadcast_arrays(*xs), -1))
def _stack(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """Stack along a new last event axis."""
    xs = arrays(args)
    event = broadcast(*(x.event for x in xs))
    if event is None or not xs:
        raise Problem("stack needs equal event shapes", given=", ".join(str(x.event) for x in xs))
    support = xs[0].support if all(implies(x.support, xs[0].support) for x in xs) else real
    dtype = promote(*(x.dtype for x in xs))
    return ArrayType(join_dims(*(x.dims for x in xs)), (*event, len(xs)), dtype, support if support.rank == 0 else real)


@op("concatenate", "axis", numpy=lambda *xs, axis: np.concatenate(xs, axis))
def _concatenate(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    xs = arrays(args)
    axis = attrs["axis"]
    total = 0
    rest = set()
    for x in xs:
        check_axis(axis, x.rank)
        size = x.event[axis]
        if not isinstance(size, int):
            raise Problem("a plate's axis cannot be concatenated", given=str(x))
        total += size
        rest.add(_with(x.event, axis, 0))
    if len(rest) != 1:
        raise Problem("the other axes must be equal", given=", ".join(str(x.event) for x in xs))
    support = xs[0].support if all(x.support == xs[0].support for x in xs) else real
    dtype = promote(*(x.dtype for x in xs))
    event = _with(xs[0].event, axis, total)
    return ArrayType(join_dims(*(x.dims for x in xs)), event, dtype, support if support.rank == 0 else real)


@op("flip", "axis", numpy=lambda x, axis: np.flip(x, axis))
def _flip(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    check_axis(attrs["axis"], x.rank)
    return ArrayType(x.dims, x.event, x.dtype, _elementwise_support(x))


def _with(event: tuple[Size, ...], axis: int, size: Size) -> tuple[Size, ...]:
    out = list(event)
    out[axis] = size
    return tuple(out)


@op("const", "value")
def _const(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    value = attrs["value"]
    x = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    dtype = {"b": DType.BOOL, "i": DType.INT, "f": DType.FLOAT}[x.dtype.kind]
    return ArrayType((), x.shape, dtype, _range(x))


def _range(x: np.ndarray) -> Interval:
    """The tightest closed interval around a constant, so that constants satisfy the parameters they can."""
    if x.size == 0 or x.dtype.kind == "b":
        return unit_interval
    low, high = float(x.min()), float(x.max())
    if not np.isfinite([low, high]).all():
        return real
    return Interval(low, high, (True, True))


@op("plate_size", "plate")
def _plate_size(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """The length of a plate, as an integer."""
    return ArrayType((), (), DType.INT, positive)


@op("arange", "plate")
def _arange(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """0, 1, ... along a plate, as one event axis."""
    return ArrayType((), (attrs["plate"],), DType.INT, nonnegative)


@op("eye", "size")
def _eye(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """The identity matrix of a size, which may be a plate's."""
    return ArrayType((), (attrs["size"], attrs["size"]), DType.FLOAT, unit_interval)
