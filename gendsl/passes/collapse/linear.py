"""Which expressions are linear in random values, with coefficients that are data.

    f = offset + sum_j column_j coefficient_j + sum_k X_k @ vector_k + sum_l level_l[group]

Columns, matrices, the offset and the index of the group are data, and vary along the rows; coefficients, vectors and
levels are random, and do not. The expression is read from its leaves up, through sums, differences, products and
quotients with data, `where` with a condition on data, and products of a matrix and a vector.
"""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.graph.node import Node
from gendsl.graph.types import ArrayType
from gendsl.passes.algebra import Num, call, where
from gendsl.passes.collapse.groups import Groups, by_group
from gendsl.passes.rewrite import Rewriter

__all__ = ["Linear", "linear"]


@dataclass(frozen=True)
class Linear:
    """A linear form; a column that is None is 1.

    Attributes:
        scalars: coefficient and column of each term.
        vectors: vector and matrix of each product.
        levels: values of groups, and the index of each row's group.
        offset: the rest.
    """

    scalars: tuple[tuple[Num, Num | None], ...] = ()
    vectors: tuple[tuple[Num, Num], ...] = ()
    levels: tuple[tuple[Num, Groups], ...] = ()
    offset: Num | None = None

    def __add__(self, other: Linear) -> Linear:
        both = [o for o in (self.offset, other.offset) if o is not None]
        offset = both[0] + both[1] if len(both) == 2 else both[0] if both else None
        return Linear(self.scalars + other.scalars, self.vectors + other.vectors, self.levels + other.levels, offset)

    def __neg__(self) -> Linear:
        return Linear(
            tuple((-c, x) for c, x in self.scalars),
            tuple((v, -x) for v, x in self.vectors),
            tuple((-v, g) for v, g in self.levels),
            None if self.offset is None else -self.offset,
        )

    def times(self, data: Num, inverse: bool = False) -> Linear | None:
        """The form times (or over) data; None where levels would get slopes."""
        if self.levels and data.type.dims:
            return None

        def scaled(x: Num | None) -> Num:
            if inverse:
                return (1.0 if x is None else x) / data
            return data if x is None else x * data

        wide = call("expand_dims", data, axis=-1)
        return Linear(
            tuple((c, scaled(x)) for c, x in self.scalars),
            tuple((v, x / wide if inverse else x * wide) for v, x in self.vectors),
            tuple((v / data if inverse else v * data, g) for v, g in self.levels),
            None if self.offset is None else scaled(self.offset),
        )

    @property
    def pure(self) -> Num | None:
        """The coefficient, where the form is one coefficient with no data at all."""
        if (
            len(self.scalars) == 1
            and not (self.vectors or self.levels)
            and self.offset is None
            and self.scalars[0][1] is None
        ):
            return self.scalars[0][0]
        return None

    def scaled(self, c: Num, inverse: bool = False) -> Linear | None:
        """The form times (or over) a coefficient; None where that would make a coefficient of many numbers."""
        if self.vectors:
            return None
        ones = [(None, self.offset)] if self.offset is not None else []
        terms: list[tuple[Num | None, Num | None]] = [*self.scalars, *ones]
        if inverse:
            scalars = tuple(((1.0 if k is None else k) / c, x) for k, x in terms)
            return Linear(scalars, levels=tuple((v / c, g) for v, g in self.levels))
        scalars = tuple((c if k is None else k * c, x) for k, x in terms)
        return Linear(scalars, levels=tuple((v * c, g) for v, g in self.levels))


def linear(r: Rewriter, root: int, over: tuple[str, ...], known: tuple[bool, ...]) -> Linear | None:
    """A node of the old graph as a linear form.

    Args:
        r: the graph under rewriting, in which everything that the node needs is there.
        root: the node; without event axes.
        over: the dims of the rows: what is random and has none of them is a coefficient.
        known: which nodes can be computed from data.

    Returns:
        The form, or None where it is none, or its data are not known before a run.
    """
    return _Reader(r, over, known).run(root)


class _Reader:
    def __init__(self, r: Rewriter, over: tuple[str, ...], known: tuple[bool, ...]) -> None:
        self.r, self.graph, self.over, self.known = r, r.graph, set(over), known

    def run(self, root: int) -> Linear | None:
        forms: dict[int, Linear] = {}
        for i in sorted(self._inner(root)):
            form = self._form(i, forms)
            if form is None:
                return None
            forms[i] = form
        return forms[root]

    def _inner(self, root: int) -> set[int]:
        """The nodes that are read, down to data and coefficients."""
        out, todo = set(), [root]
        while todo:
            i = todo.pop()
            if i in out:
                continue
            out.add(i)
            whole = self._coefficient(i) or self._product(i) is not None or self.graph.nodes[i].op == "gather"
            if self.graph.random[i] and not whole:
                todo += self.graph.nodes[i].args
        return out

    def _coefficient(self, i: int) -> bool:
        t = self.graph.nodes[i].type
        return self.graph.random[i] and isinstance(t, ArrayType) and not self.over & set(t.dims)

    def _data(self, i: int) -> bool:
        return not self.graph.random[i] and self.known[i]

    def _num(self, i: int) -> Num:
        return Num(self.r, self.r.map[i])

    def _product(self, i: int) -> tuple[int, int] | None:
        """The matrix and the vector of X @ beta, beta @ X or sum(X * beta)."""
        n, pair = self.graph.nodes[i], None
        if n.op == "matmul":
            pair = n.args
        elif n.op == "sum" and n.attr["axes"] == (-1,) and not n.attr["dims"]:
            inner = self.graph.nodes[n.args[0]]
            pair = inner.args if inner.op == "mul" else None
        if pair is None or len(pair) != 2:
            return None
        x, v = pair if self.graph.random[pair[1]] else pair[::-1]
        events = [t.event for k in (x, v) if isinstance(t := self.graph.nodes[k].type, ArrayType)]
        vectors = events[0] == events[-1] and len(events[0]) == 1 and isinstance(events[0][0], int)
        return (x, v) if vectors and self._data(x) and self._coefficient(v) else None

    def _form(self, i: int, forms: dict[int, Linear]) -> Linear | None:
        n = self.graph.nodes[i]
        if not isinstance(n.type, ArrayType) or n.type.rank:
            return None
        if not self.graph.random[i]:
            return Linear(offset=self._num(i).as_float()) if self.known[i] else None
        if self._coefficient(i):
            return Linear(((self._num(i), None),))
        if (pair := self._product(i)) is not None:
            return Linear(vectors=((self._num(pair[1]), self._num(pair[0]).as_float()),))
        if n.op == "gather":
            found = by_group(self.r, [i], self.known)
            return None if found is None else Linear(levels=((found[0][0], found[1]),))
        return self._combined(n, forms)

    def _combined(self, n: Node, forms: dict[int, Linear]) -> Linear | None:
        args = [forms.get(a) for a in n.args]
        if not args or any(a is None for a in args):  # a parameter of each row has no arguments
            return None
        a, *rest = [x for x in args if x is not None]
        b = rest[0] if rest else None
        if n.op in ("let", "to_float"):
            return a
        if n.op == "neg":
            return -a
        if b is None:
            return None
        if n.op == "add":
            return a + b
        if n.op == "sub":
            return a + -b
        if n.op == "mul":
            return self._times(n.args, a, b) or self._times(n.args[::-1], b, a)
        if n.op == "div":
            return self._times(n.args, a, b, inverse=True)
        if n.op == "where" and self._data(n.args[0]) and not (b.levels or rest[1].levels):
            condition = self._num(n.args[0])
            return _chosen(condition, b, True) + _chosen(condition, rest[1], False)
        return None

    def _times(self, args: tuple[int, ...], a: Linear, b: Linear, inverse: bool = False) -> Linear | None:
        """The form a times (or over) b, which is data or a coefficient."""
        if self._data(args[1]) and b.offset is not None:
            return a.times(b.offset, inverse)
        c = b.pure
        return None if c is None else a.scaled(c, inverse)


def _chosen(condition: Num, form: Linear, truth: bool) -> Linear:
    """The form where the condition is so, else 0."""

    def cut(x: Num | float) -> Num:
        return where(condition, x, 0.0) if truth else where(condition, 0.0, x)

    return Linear(
        tuple((c, cut(1.0 if x is None else x)) for c, x in form.scalars),
        tuple((v, cut(x)) for v, x in form.vectors),
        (),
        None if form.offset is None else cut(form.offset),
    )
