"""Gaussian linear regression: y_i ~ N(o_i + d_i' b, s w_i), with data o, d, w and random b, s.

With rows (d_i, y_i - o_i) / w_i, whose QR factorisation has the triangle [[R, z], [0, rho]] of k + 1 rows,

    sum_i ((y_i - o_i - d_i' b) / w_i)^2 = |R b - z|^2 + rho^2
    log p(y) = -n (log s + log(2 pi) / 2) - sum_i log w_i - (|R b - z|^2 + rho^2) / (2 s^2)

Levels of groups, y_i ~ N(o_i + d_i' b + level_g(i), s w_i), are a column c_i = 1 / w_i for each group. What is left of
a row when its group's part is taken out, row_i - c_i m_g with m_g = sum c_i row_i / n_g and n_g = sum c_i^2, gives the
triangle; the part gives one term a group (Frisch, Waugh, Lovell), with m_g = (d_g, y_g):

    sum_i (...)^2 = |R b - z|^2 + rho^2 + sum_g n_g (y_g - d_g' b - level_g)^2

No matrix is inverted, so designs of less than full rank and fewer rows than columns need no care; and the least squares
are never formed from normal equations, which would square the condition number.

Reference:
    Matrix Computations (Golub, Van Loan, 2013), 5.3
"""

from __future__ import annotations

import math
from dataclasses import replace

from gendsl.graph.constraints import implies, nonnegative
from gendsl.passes.algebra import Num, call, log, square, total, where
from gendsl.passes.collapse.groups import Groups
from gendsl.passes.collapse.linear import Linear, linear
from gendsl.passes.collapse.rows import Rows

__all__ = ["MOST_COLUMNS", "pieces", "regression"]

MOST_COLUMNS = 200  # a larger triangle would often be larger than the data
_TINY = 1e-300  # weight of a group without rows
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
    parts = pieces(predictor)
    k = sum(_width(x) for _, x in parts)
    if k > MOST_COLUMNS:
        return None
    y = log(rows.x) if on_log else rows.x
    jacobian = log(rows.x) if on_log else None
    target = y if predictor.offset is None else y - predictor.offset
    matrix = call("concatenate", *(x for _, x in parts), call("expand_dims", target, axis=-1), axis=-1)
    if w is not None:
        matrix = matrix / call("expand_dims", w, axis=-1)
        jacobian = log(w) if jacobian is None else jacobian + log(w)
    if rows.counted is not None:
        matrix = where(rows.counted, matrix, 0.0)
    coefficients = _joined([c for c, _ in parts])
    squares = None
    if predictor.levels:
        level = _level(predictor)
        if level is None or any(d not in rows.over for i in level[1].index for d in i.type.dims):
            return None
        squares, matrix = _between(rows, level, matrix, w, coefficients, k)
    within = total(square(_gap(rows, call("triangle", matrix, dims=rows.over), coefficients, k, "")))
    squares = within if squares is None else squares + within
    n = rows.count()
    out = -(0.5 * squares if s is None else 0.5 * squares / square(s))
    out = out - n * (_HALF_LOG_2PI if s is None else log(s) + _HALF_LOG_2PI)
    return (out if jacobian is None else out - rows.sum(jacobian, "log_scale")), k


def _joined(coefficients: list[Num]) -> Num | None:
    """Vectors of coefficients as one."""
    return call("concatenate", *coefficients, axis=-1) if len(coefficients) > 1 else next(iter(coefficients), None)


def _gap(rows: Rows, matrix: Num, coefficients: Num | None, k: int, suffix: str) -> Num:
    """A b - z of a matrix (A, z), which is computed once."""
    z = rows.keep(call("index", matrix, axis=-1, at=-1), f"z{suffix}")
    if coefficients is None:
        return -z
    a = rows.keep(call("slice", matrix, axis=-1, start=0, stop=k, step=None), f"r{suffix}")
    return a @ coefficients - z


def _level(form: Linear) -> tuple[Num, Groups] | None:
    """The sum of the levels, where all have the same groups."""
    out, groups = form.levels[0]
    for more, others in form.levels[1:]:
        if others != groups:
            return None
        out = out + more
    return out, groups


def _between(
    rows: Rows, level: tuple[Num, Groups], matrix: Num, w: Num | None, coefficients: Num | None, k: int
) -> tuple[Num, Num]:
    """sum_g n_g (level_g + d_g' b - y_g)^2; and the rows without their group's part."""
    value, groups = level
    grouped = replace(rows, groups=groups)
    c = rows.x.const(1.0) if w is None else 1.0 / w
    if rows.counted is not None:
        c = where(rows.counted, c, 0.0)
    wide = call("expand_dims", c, axis=-1)
    weight = grouped.total(square(c))
    n = call("expand_dims", call("maximum", weight, _TINY), axis=-1)
    means = grouped.total(wide * matrix, own=1) / n
    root = rows.keep(call("sqrt", weight), "root_n")
    gap = root * value + _gap(rows, call("sqrt", n) * means, coefficients, k, "_groups")
    return total(square(gap)), matrix - wide * grouped.each(means)


def _scale(form: Linear) -> tuple[Num | None, Num | None] | None:
    """The scale as s w: a positive coefficient, and data."""
    if form.vectors or form.levels or len(form.scalars) + (form.offset is not None) != 1:
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


def pieces(form: Linear) -> list[tuple[Num, Num]]:
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
