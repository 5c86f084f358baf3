"""Which latents are coefficients of a linear predictor, and of which design: what there is to whiten.

An observation whose location, logit, logarithm of a rate or the like is linear in latents with data as columns,
f = offset + X b, has a posterior of b whose shape is that of X'X: centring a covariate and QR-factorising X are ways to
make it round. Values of groups with a fixed prior, as the abilities and difficulties of item response theory, are
coefficients too: their columns say which rows belong to a group. Here designs are found; gendsl/whitening.py computes
with them. The graph stays as it is, so that the programs keep the model as it was declared: only the sampler moves in
other coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from gendsl.graph.constraints import Interval
from gendsl.graph.evaluate import computable
from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Array, Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType
from gendsl.passes.algebra import Num, call, log
from gendsl.passes.collapse.linear import Linear, linear
from gendsl.passes.collapse.regression import MOST_COLUMNS, pieces
from gendsl.passes.rewrite import Rewriter

__all__ = ["Column", "Design", "Level", "design", "designs"]

Key = tuple[str, int | None]
_PREDICTORS = ("loc", "logits", "rate", "mean", "probs")
_INVERSE_LINKS = {"exp": "log", "sigmoid": "logit"}


@dataclass(frozen=True)
class Column:
    """The coefficient of a column.

    Attributes:
        latent: a latent of no plate.
        element: which of a vector; None for a scalar.
        prior: location and scale of a prior whose parameters are constants; None for any other.
    """

    latent: str
    element: int | None
    prior: tuple[float, float] | None

    @property
    def key(self) -> Key:
        """Which coefficient it is."""
        return self.latent, self.element


@dataclass(frozen=True)
class Level:
    """The coefficients of groups.

    Attributes:
        latent: a latent over one plate.
        plate: the plate.
        sign: 1 or -1, with which they enter.
        index: the node of the index of each row's group.
        prior: location and scale of their prior.
    """

    latent: str
    plate: str
    sign: int
    index: int
    prior: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Design:
    """A design, as nodes of a graph that are computed from data.

    Attributes:
        site: the observation.
        family: its distribution.
        link: "identity", "log" or "logit".
        graph: the graph.
        dims: the dims of the rows.
        matrix: the node of X, an event axis of columns; None where there are levels alone.
        value: the node of what is observed.
        target: the node of what X b approximates: the value (its logarithm) less the offset, where the link is the
            identity; else None.
        columns: the coefficients.
        levels: those of groups.
    """

    site: str
    family: str
    link: str
    graph: Graph
    dims: tuple[str, ...]
    matrix: int | None
    value: int
    target: int | None
    columns: tuple[Column, ...]
    levels: tuple[Level, ...] = ()


def design(graph: Graph) -> tuple[Graph, list[str]]:
    """Say which latents can be sampled in the coordinates of their design; the graph stays as it is."""
    notes = []
    for d in designs(graph):
        latents = dict.fromkeys([*(c.latent for c in d.columns), *(v.latent for v in d.levels)])
        names = ", ".join(map("'{}'".format, latents))
        notes.append(f"'{d.site}': {names} can move in the coordinates of the design's QR factorisation")
    return graph, notes


def designs(graph: Graph) -> list[Design]:
    """The designs of a graph; each coefficient belongs to the first that has it."""
    r, known = Rewriter(graph), computable(graph)
    found, taken = [], set[Key]()
    for i, n in graph:
        r.map[i] = r.keep(i)
        if n.op == "observe" and (some := _design(r, n, known, taken)) is not None:
            taken |= {c.key for c in some.columns} | {(v.latent, None) for v in some.levels}
            found.append(some)
    whole = r.finish()
    return [replace(d, graph=whole) for d in found]


def _design(r: Rewriter, n: Node, known: tuple[bool, ...], taken: set[Key]) -> Design | None:
    graph, d, value = r.graph, r.graph.nodes[n.args[0]], n.args[1]
    t, seen = d.type, graph.nodes[value].type
    plain = isinstance(t, DistType) and not t.joint and not t.event and d.op != "dist.Masked"
    if not plain or not isinstance(seen, ArrayType) or graph.random[value] or not known[value]:
        return None
    given = dict(zip(d.attr["params"], d.args, strict=False))
    for name in (k for k in _PREDICTORS if k in given):
        link, node = _link(graph, given[name], name)
        if not graph.random[node]:
            continue
        for size in range(len(seen.dims), 0, -1):
            for over in combinations(seen.dims, size):
                form = linear(r, node, over, known)
                levels = None if form is None else _levels(r, form, taken)
                if form is not None and levels is not None:
                    return _of(r, n, d, (link, form, levels), seen.dims, taken)
    return None


def _link(graph: Graph, i: int, name: str) -> tuple[str, int]:
    """The link, and the node of the linear predictor."""
    n = graph.nodes[i]
    while n.op in ("let", "to_float"):
        i = n.args[0]
        n = graph.nodes[i]
    if n.op in _INVERSE_LINKS:
        return _INVERSE_LINKS[n.op], n.args[0]
    return "logit" if name == "logits" else "identity", i


_Form = tuple[str, Linear, tuple[Level, ...]]


def _of(r: Rewriter, n: Node, d: Node, what: _Form, dims: tuple[str, ...], taken: set[Key]) -> Design | None:
    link, form, levels = what
    columns: list[Column] = []
    parts: list[Num] = []

    def add(column: Column | None, node: int) -> None:
        if column is not None and column.key not in taken and not _zero(r.nodes[node]):
            columns.append(column)
            parts.append(call("expand_dims", Num(r, node).as_float(), axis=-1))

    for coefficient, matrix in pieces(form):
        c, x = r.nodes[coefficient.i], r.nodes[matrix.i]
        vector = _vector(r, coefficient.i)
        if c.op == "stack" and x.op == "stack" and len(c.args) == len(x.args):
            for owner, node in zip(c.args, x.args, strict=True):
                add(_column(r, owner), node)
        elif vector is not None and x.op == "stack" and len(x.args) == len(vector):
            for column, node in zip(vector, x.args, strict=True):
                add(column, node)
        elif vector is not None and not {v.key for v in vector} & taken:
            columns += vector
            parts.append(matrix.as_float())
    alone = len({c.key for c in columns}) == len(columns) <= MOST_COLUMNS
    if not alone or len(columns) + len(levels) < 2:
        return None
    value = Num(r, r.map[n.args[1]]).as_float()
    target = None
    if link == "identity":
        target = log(value) if d.op == "dist.LogNormal" else value
        target = target if form.offset is None else target - form.offset
    whole = None
    if parts:
        whole = (call("concatenate", *parts, axis=-1) if len(parts) > 1 else parts[0]).i
    last = None if target is None else target.i
    return Design(str(n.name), d.op[5:], link, r.graph, dims, whole, value.i, last, tuple(columns), levels)


def _levels(r: Rewriter, form: Linear, taken: set[Key]) -> tuple[Level, ...] | None:
    """The values of groups in a form; None where one is something else than a latent with a fixed prior."""
    out: list[Level] = []
    for value, groups in form.levels:
        n, sign = r.nodes[value.i], 1
        while n.op in ("neg", "to_event"):
            sign = -sign if n.op == "neg" else sign
            n = r.nodes[n.args[0]]
        t = n.type
        plain = n.op == "latent" and isinstance(t, ArrayType) and t.dtype is DType.FLOAT and t.support == Interval()
        if not plain or not isinstance(t, ArrayType) or t.rank or len(t.dims) != 1 or len(groups.index) != 1:
            return None
        prior, name = _prior(r, n, None), str(n.name)
        if prior is None or (name, None) in taken or name in {x.latent for x in out}:
            return None
        out.append(Level(name, t.dims[0], sign, groups.index[0].i, prior))
    return tuple(out)


def _zero(n: Node) -> bool:
    return n.op == "const" and not isinstance(n.attr["value"], Array) and n.attr["value"] == 0.0


def _free(r: Rewriter, i: int) -> bool:
    """Whether a node is a latent of no plate that takes any value."""
    n, t = r.nodes[i], r.nodes[i].type
    free = isinstance(t, ArrayType) and not t.dims and t.dtype is DType.FLOAT
    return n.op == "latent" and free and isinstance(t, ArrayType) and t.support == Interval()


def _column(r: Rewriter, i: int) -> Column | None:
    """A scalar latent, or an element of a vector."""
    n = r.nodes[i]
    if _free(r, i) and not r.array(i).event:
        return Column(str(n.name), None, _prior(r, n, None))
    if n.op == "index" and _free(r, n.args[0]) and (vector := _vector(r, n.args[0])) is not None:
        at: int = n.attr["at"] % len(vector)
        return vector[at]
    return None


def _vector(r: Rewriter, i: int) -> list[Column] | None:
    n = r.nodes[i]
    if not _free(r, i):
        return None
    event = r.array(i).event
    size = event[0] if len(event) == 1 else None
    if not isinstance(size, int):
        return None
    return [Column(str(n.name), k, _prior(r, n, k)) for k in range(size)]


def _prior(r: Rewriter, n: Node, k: int | None) -> tuple[float, float] | None:
    """Location and scale, where the prior has some and they are constants."""
    d = r.nodes[n.args[0]]
    names = FAMILIES[d.op[5:]].location_scale if d.op[5:] in FAMILIES else None
    args = dict(zip(d.attr["params"], d.args, strict=False))
    values = []
    for name in names or ():
        if name not in args or r.nodes[args[name]].op != "const":
            return None
        value = r.nodes[args[name]].attr["value"]
        x = np.asarray(value.numpy() if isinstance(value, Array) else value, np.float64)
        if x.ndim > 1 or (x.ndim == 1 and k is None):
            return None
        values.append(float(x if x.ndim == 0 else x[min(k or 0, len(x) - 1)]))
    return (values[0], values[1]) if len(values) == 2 and values[1] > 0 else None
