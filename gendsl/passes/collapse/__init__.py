"""Sufficient statistics: likelihoods whose rows enter the density through a few sums alone.

Where the rows of an observation share their parameters and the family is exponential (likelihoods.py), or the mean is
linear in the parameters and the family is normal (regression.py), the sum over rows of the log-density is a function of
the parameters and of statistics of the data. These are computed once, when data are bound, and the observation becomes
a factor. The cost of a gradient no longer grows with the number of rows.

The rows run along as many dims of the observation as its parameters do not vary over; where parameters vary through an
index alone (theta[county]), sums are taken group by group (groups.py). Masks that are data are weights. An observation
stays as it is where its value, its mask or its bounds are random, or its data cannot be computed in numpy. The pass is
for the graph of the fused density only: the model of the PPL keeps its rows, to predict them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from gendsl.graph.constraints import Integers, Interval
from gendsl.graph.evaluate import computable
from gendsl.graph.families import FAMILIES
from gendsl.graph.inside import must_check
from gendsl.graph.masks import layers, masks
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, join_dims
from gendsl.passes.algebra import Num, total, where
from gendsl.passes.collapse.groups import by_group
from gendsl.passes.collapse.likelihoods import LIKELIHOODS, Parameters
from gendsl.passes.collapse.regression import regression
from gendsl.passes.collapse.rows import Rows, inside
from gendsl.passes.rewrite import Rewriter, rewrite

__all__ = ["collapse"]


def collapse(graph: Graph) -> tuple[Graph, list[str]]:
    """Replace observations by factors over statistics of their data."""
    known: tuple[bool, ...] = ()

    def visit(r: Rewriter, i: int, n: Node) -> int | None:
        nonlocal known
        if n.op != "observe":
            return None
        known = known or computable(graph)
        mark = len(r.nodes)
        out = _Observation(r, n, known).run()
        if out is None:
            del r.nodes[mark:]
        return out

    out, notes = rewrite(graph, visit)
    return (out, notes) if notes else (graph, [])


class _Observation:
    """One observation."""

    def __init__(self, r: Rewriter, n: Node, known: tuple[bool, ...]) -> None:
        self.r, self.graph, self.n, self.known = r, r.graph, n, known
        self.masks = masks(r.graph, n)
        self.dist = n.args[0]

    def run(self) -> int | None:
        """The factor that stands for it, or None."""
        t = self._unmasked()
        value = self.graph.nodes[self.n.args[1]].type
        if t is None or not isinstance(value, ArrayType):
            return None
        if not all(self._data(i) for i in (self.n.args[1], *self.masks)):
            return None
        prepared = self._rows(value, t)
        if prepared is None:
            return None
        rows, outside = prepared
        found = self._family(rows, value, t) or self._regression(rows, value, t)
        if found is None:
            return None
        lp, words = found
        lp = total(lp)
        if outside is not None:
            lp = lp + outside
        self.r.notes.append(f"'{self.n.name}': {words}")
        return self.r.add("factor", (lp.i,), self.n.name, self.n.where)

    def _data(self, i: int) -> bool:
        return not self.graph.random[i] and self.known[i]

    def _unmasked(self) -> DistType | None:
        """Go to the distribution under masks."""
        around, self.dist = layers(self.graph, self.dist)
        if any(d.attr["expand"] for d in around):
            return None
        t = self.graph.nodes[self.dist].type
        return t if isinstance(t, DistType) and not t.joint else None

    def _rows(self, value: ArrayType, t: DistType) -> tuple[Rows, Num | None] | None:
        """The rows along all dims; and, where some may lie outside the support, a term that is then -inf."""
        event = t.event[: t.rank - t.family_rank]
        x = Num(self.r, self.r.map[self.n.args[1]])
        rows = Rows(self.r, str(self.n.name), x.as_float(), value.dims, event, where=self.n.where)
        for m in self.masks:
            mask = self.r.array(self.r.map[m])
            if mask.rank or not set(mask.dims) <= set(value.dims):
                return None
            rows = rows.only(Num(self.r, self.r.map[m]))
        if not must_check(self.graph, self.dist, self.n.args[1]):
            return rows, None
        s = t.support
        if (
            not isinstance(s, Interval | Integers)
            or event
            or any(
                not self._data(b.node) for b in (s.lower, s.upper) if b is not None and not isinstance(b, float | int)
            )
        ):
            return None
        ok = inside(x, s)
        if ok is None:
            return rows, None
        return rows.only(ok), rows.sum(where(ok, 0.0, float("-inf")), "inside")

    # -- the two forms ----------------------------------------------------------------------------------------------
    def _family(self, rows: Rows, value: ArrayType, t: DistType) -> tuple[Num, str] | None:
        """Rows that share their parameters, of an exponential family."""
        d = self.graph.nodes[self.dist]
        family = FAMILIES[d.op[5:]]
        entry = LIKELIHOODS.get(family.name)
        if entry is None:
            return None
        given = dict(zip(d.attr["params"], d.args, strict=False))
        types = {k: self.r.array(self.r.map[a]) for k, a in given.items()}
        free = [k for k in given if k not in entry.fixed]
        if not any(self.graph.random[given[k]] for k in free):
            return None
        if not all(self._data(given[k]) for k in given if k in entry.fixed):
            return None
        if rows.event and (t.family_rank or any(family.parameter(k).rank for k in free)):
            return None
        parameters: Parameters = {k: Num(self.r, self.r.map[a]) for k, a in given.items()}
        kept = join_dims(*(types[k].dims for k in free))
        over = tuple(d for d in value.dims if d not in kept)
        groups = None
        if kept and not (t.rank or any(family.parameter(k).rank for k in free)):
            found = by_group(self.r, [given[k] for k in free], self.known)
            if found is not None:
                shared, groups = found
                parameters |= dict(zip(free, shared, strict=True))
                over = value.dims
        if not over:
            return None
        flat = all(types[k].rank == family.parameter(k).rank for k in free)
        rows = replace(rows, over=over, flat=flat, groups=groups)
        lp = entry.density(rows, {k: p if k in entry.fixed else p.as_float() for k, p in parameters.items()})
        if lp is None:
            return None
        what = "sums" if groups is None else "sums of each group"
        return lp, f"{family.name} rows along {', '.join(over)} became {what}"

    def _regression(self, rows: Rows, value: ArrayType, t: DistType) -> tuple[Num, str] | None:
        """A normal observation whose mean is linear in random values."""
        d = self.graph.nodes[self.dist]
        if d.op not in ("dist.Normal", "dist.LogNormal") or t.event:
            return None
        given = dict(zip(d.attr["params"], d.args, strict=False))
        loc, scale = given["loc"], given["scale"]
        if not (self.graph.random[loc] or self.graph.random[scale]):
            return None
        mark = len(self.r.nodes)
        for size in range(len(value.dims), 0, -1):
            for over in combinations(value.dims, size):
                some = replace(rows, over=over)
                found = regression(some, loc, scale, self.known, on_log=d.op == "dist.LogNormal")
                if found is not None:
                    lp, k = found
                    along = ", ".join(over)
                    return lp, f"a linear predictor of {k} columns; rows along {along} became a triangle of {k + 1}"
                del self.r.nodes[mark:]
        return None
