"""Gaussian linear regression: y_i ~ N(o_i + d_i' b, s w_i), with data o, d, w and random b, s.

With rows (d_i, y_i - o_i) / w_i, whose QR factorisation has the triangle [[R, z], [0, rho]] of k + 1 rows,

    sum_i ((y_i - o_i - d_i' b) / w_i)^2 = |R b - z|^2 + rho^2
    log p(y) = -n (log s + log(2 pi) / 2) - sum_i log w_i - (|R b - z|^2 + rho^2) / (2 s^2)

No matrix is inverted, so designs of less than full rank and fewer rows than columns need no care; and the least squares
are never formed from normal equations, which would square the condition number.

Reference:
    Matrix Computations (Golub, Van Loan, 2013), 5.3
"""

from __future__ import annotations

import math

from gendsl.graph.constraints import implies, nonnegative
from gendsl.passes.algebra import Num, call, log, square, total
from gendsl.passes.collapse.linear import Linear, linear
from gendsl.passes.collapse.rows import Rows

__all__ = ["MOST_COLUMNS", "regression"]

MOST_COLUMNS = 200  # a larger triangle would often be larger than the data
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def regression(rows: Rows, loc: int, scale: int, known: tuple[bool, ...], *, on_log: bool) -> tuple[Num, int] | None:
    """The summed log-density, and the number of columns.

    Args:
        rows: the observed rows.
        loc: the location's node in the old graph.
        scale: the scale's.
        known: which nodes of the old graph can be computed from data.
        on_log: whether it is log y that is normal.
    """
    predictor = linear(rows.r, loc, rows.over, known)
    spread = linear(rows.r, scale, rows.over, known)
    if predictor is None or spread is None:
        return None
    split = _scale(spread)
    if split is None:
        return None
    s, w = split
    pieces = _pieces(predictor)
    k = sum(_width(x) for _, x in pieces)
    if k > MOST_COLUMNS:
        return None
    y = log(rows.x) if on_log else rows.x
    jacobian = log(rows.x) if on_log else None
    target = y if predictor.offset is None else y - predictor.offset
    matrix = call("concatenate", *(x for _, x in pieces), call("expand_dims", target, axis=-1), axis=-1)
    if w is not None:
        matrix = matrix / call("expand_dims", w, axis=-1)
        jacobian = log(w) if jacobian is None else jacobian + log(w)
    if rows.counted is not None:
        matrix = call("where", rows.counted, matrix, 0.0)
    triangle = call("triangle", matrix, dims=rows.over)
    out = -_squares(rows, triangle, pieces, k, s)
    n = rows.count()
    out = out - n * (_HALF_LOG_2PI if s is None else log(s) + _HALF_LOG_2PI)
    return (out if jacobian is None else out - rows.sum(jacobian, "log_scale")), k


def _squares(rows: Rows, triangle: Num, pieces: list[tuple[Num, Num]], k: int, s: Num | None) -> Num:
    """(|R b - z|^2 + rho^2) / (2 s^2)."""
    z = rows.keep(call("index", triangle, axis=-1, at=-1), "z")
    gap = z
    if pieces:
        coefficients = pieces[0][0]
        if len(pieces) > 1:
            coefficients = call("concatenate", *(c for c, _ in pieces), axis=-1)
        gap = rows.keep(call("slice", triangle, axis=-1, start=0, stop=k, step=None), "r") @ coefficients - z
    squares = 0.5 * total(square(gap))
    return squares if s is None else squares / square(s)


def _scale(form: Linear) -> tuple[Num | None, Num | None] | None:
    """The scale as s w: a positive coefficient, and data."""
    if form.vectors or len(form.scalars) + (form.offset is not None) != 1:
        return None
    if form.offset is not None:
        return None, form.offset
    s, w = form.scalars[0]
    return (s, w) if implies(s.type.support, nonnegative) else None


def _width(x: Num) -> int:
    size = x.type.event[-1]
    if not isinstance(size, int):
        raise TypeError("a matrix of data has a fixed number of columns")
    return size


def _pieces(form: Linear) -> list[tuple[Num, Num]]:
    """Vectors of coefficients and their matrices; what one coefficient, or one vector, multiplies is added up.

    `b[0] + b[1] x + ...` is read as one product with the vector b.
    """
    matrices: dict[int, Num] = {}
    owner: dict[int, Num] = {}
    columns: dict[int, dict[int, Num]] = {}  # vector -> its elements that stand alone -> column
    alone: dict[int, Num] = {}

    def add(to: dict[int, Num], key: int, x: Num) -> None:
        to[key] = to[key] + x if key in to else x

    for v, x in form.vectors:
        owner[v.i] = v
        add(matrices, v.i, x)
    for c, col in form.scalars:
        column = c.const(1.0) if col is None else col
        owner[c.i] = c
        n = c.r.nodes[c.i]
        base = Num(c.r, n.args[0]) if n.op == "index" and n.attr["axis"] == -1 else None
        size = base.type.event[-1] if base is not None and base.type.rank == 1 else None
        if base is not None and isinstance(size, int):
            owner[base.i] = base
            add(columns.setdefault(base.i, {}), n.attr["at"] % size, column)
        else:
            add(alone, c.i, column)
    for i, given in columns.items():
        vector, size = owner[i], owner[i].type.event[-1]
        if isinstance(size, int) and (i in matrices or 2 * len(given) >= size):
            add(matrices, i, call("stack", *(given.get(k, vector.const(0.0)) for k in range(size))))
            continue
        for k, column in given.items():  # a few elements of a long vector
            c = call("index", vector, axis=-1, at=k)
            owner[c.i] = c
            add(alone, c.i, column)
    out = []
    if alone:
        out.append((call("stack", *(owner[i] for i in alone)), call("stack", *alone.values())))
    return out + [(owner[i], x) for i, x in matrices.items()]
