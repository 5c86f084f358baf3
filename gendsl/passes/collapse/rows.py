"""The rows of an observation, and sums over them that are computed once.

The rows run along the dims `over` (and along the event axes of the draw, where the parameters have none). w_i is 1 for
a row that counts and 0 for one that is masked; a sum is sum_i w_i t(x_i).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gendsl.errors import Location
from gendsl.graph.constraints import Bound, Constraint, Integers, Interval, Ref
from gendsl.graph.types import DType, Size, join_dims
from gendsl.passes.algebra import Num, call, where
from gendsl.passes.collapse.groups import Groups
from gendsl.passes.rewrite import Rewriter

__all__ = ["Rows", "inside"]


@dataclass(frozen=True)
class Rows:
    """Observed rows.

    Attributes:
        r: the graph under rewriting.
        site: the name of the observation.
        x: the observed value, a float.
        over: the dims along which the rows lie.
        event: independent event axes of a draw.
        flat: whether the event axes are summed over too.
        counted: which rows count; None where all do.
        where: the line of the observation.
        groups: sums are taken group by group, where there are some; the groups are event axes.
    """

    r: Rewriter
    site: str
    x: Num
    over: tuple[str, ...]
    event: tuple[Size, ...] = ()
    flat: bool = True
    counted: Num | None = None
    where: Location | None = None
    groups: Groups | None = None

    def only(self, counted: Num) -> Rows:
        """The rows of which a condition on data holds too."""
        both = counted if self.counted is None else call("logical_and", self.counted, counted)
        return replace(self, counted=both)

    def keep(self, value: Num, what: str) -> Num:
        """A value of the data, computed when they are bound; it travels as `<site>_stats_<what>`."""
        name = self.r.free_name(f"{self.site}_stats_{what}")
        return Num(self.r, self.r.add("precomputed", (value.i,), name, self.where))

    def total(self, t: Num | float, own: int = 0) -> Num:
        """sum_i w_i t_i.

        Args:
            t: one value a row.
            own: event axes of t itself, which stay.
        """
        x = self.x.const(t) if isinstance(t, float) else t.as_float()
        if self.counted is not None:
            x = where(self.counted, x, 0.0)
        if self.event and self.flat and not own:
            if x.type.event != self.event:
                x = call("broadcast_event", x, shape=self.event)
            x = call("sum", x, axes=tuple(range(-len(self.event), 0)), dims=())
        index = self.groups.index if self.groups is not None else ()
        there = join_dims(x.type.dims, *(i.type.dims for i in index))
        along = tuple(d for d in self.over if d in there)
        if self.groups is not None:
            x = call("segment_sum", x, *index, dims=along, sizes=self.groups.sizes)
        elif along:
            x = call("sum", x, axes=(), dims=along)
        sizes = [Num(self.r, self.r.add("plate_size", (), plate=d)) for d in self.over if d not in along]
        if t == 1.0 and sizes and self.counted is None and not x.type.event and not (self.event and self.flat):
            x, sizes = sizes[0].as_float(), sizes[1:]
        for size in sizes:
            x = x * size
        return x

    def each(self, value: Num) -> Num:
        """A value of the groups (or of all rows) for each row."""
        return value if self.groups is None else call("gather", value, *self.groups.index)

    def sum(self, t: Num | float, what: str, own: int = 0) -> Num:
        """sum_i w_i t_i, computed once."""
        return self.keep(self.total(t, own), what)

    def count(self) -> Num:
        """The number of rows that count."""
        return self.sum(1.0, "n")


def inside(x: Num, support: Constraint) -> Num | None:
    """Whether a value lies in an interval or among integers; None for a support that is not checked."""
    if not isinstance(support, Interval | Integers):
        return None
    closed = support.closed if isinstance(support, Interval) else (True, True)
    parts = []
    if support.lower is not None:
        parts.append(call("ge" if closed[0] else "gt", x, _bound(x.r, support.lower)))
    if support.upper is not None:
        parts.append(call("le" if closed[1] else "lt", x, _bound(x.r, support.upper)))
    if isinstance(support, Integers) and x.type.dtype is DType.FLOAT:
        parts.append(call("eq", x, call("floor", x)))
    out: Num | None = None
    for p in parts:
        out = p if out is None else call("logical_and", out, p)
    return out


def _bound(r: Rewriter, bound: Bound) -> Num:
    if isinstance(bound, Ref):
        return Num(r, r.map[bound.node])
    return Num(r, r.const(float(bound) if bound is not None else 0.0))
