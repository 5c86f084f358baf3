"""Exponential families: log p(x_1 .. x_n | parameters) as a function of the parameters and of sums over the rows.

For rows that share their parameters, sum_i log p(x_i | eta) = eta . sum_i t(x_i) - n A(eta) + sum_i log h(x_i), so the
rows enter through n, sum t and sum log h alone. Each entry below is that line for one family. To add a family, write
its line; the test over `LIKELIHOODS` demands a case for it.

The normal's statistics are taken about the mean, sum (x - loc)^2 = sum (x - mean)^2 + n (mean - loc)^2, which does not
cancel where the mean is far from zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gendsl.graph.constraints import implies, simplex
from gendsl.graph.node import Array
from gendsl.passes.algebra import Num, call, gammaln, log, log1p, softplus, square, total, where, xlogy
from gendsl.passes.collapse.rows import Rows

__all__ = ["LIKELIHOODS", "Likelihood", "Parameters"]

Parameters = dict[str, Num]
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_MOST = 200  # elements of a vector, whose triangle would otherwise often be larger than the data
_EPS = float(np.finfo(np.float64).eps)  # the engines keep probabilities this far from 0 and 1


@dataclass(frozen=True)
class Likelihood:
    """One family.

    Attributes:
        density: rows and parameters -> the summed log-density; None where sums would not be fewer numbers.
        fixed: parameters that must be data or constants; they may differ from row to row.
    """

    density: Callable[[Rows, Parameters], Num | None]
    fixed: tuple[str, ...] = ()


LIKELIHOODS: dict[str, Likelihood] = {}


def _likelihood(family: str, *fixed: str) -> Callable[[Callable[[Rows, Parameters], Num | None]], None]:
    def register(density: Callable[[Rows, Parameters], Num | None]) -> None:
        LIKELIHOODS[family] = Likelihood(density, fixed)

    return register


# -- on the line and the half-line ------------------------------------------------------------------------------------
def _gaussian(rows: Rows, x: Num, loc: Num, scale: Num) -> Num:
    """-n (log scale + log(2 pi) / 2) - (sum (x - mean)^2 + n (mean - loc)^2) / (2 scale^2)."""
    n = rows.count()
    average = rows.total(x) / call("maximum", rows.total(1.0), 1.0)
    mean, spread = rows.keep(average, "mean"), rows.sum(square(x - rows.each(average)), "spread")
    return -(n * (log(scale) + _HALF_LOG_2PI)) - (spread + n * square(mean - loc)) / (2.0 * square(scale))


@_likelihood("Normal")
def _(rows: Rows, p: Parameters) -> Num:
    return _gaussian(rows, rows.x, p["loc"], p["scale"])


@_likelihood("LogNormal")
def _(rows: Rows, p: Parameters) -> Num:
    return _gaussian(rows, log(rows.x), p["loc"], p["scale"]) - rows.sum(log(rows.x), "sum_log")


@_likelihood("HalfNormal")
def _(rows: Rows, p: Parameters) -> Num:
    squares = rows.sum(square(rows.x), "sum_squares")
    return rows.count() * (0.5 * math.log(2.0 / math.pi) - log(p["scale"])) - squares / (2.0 * square(p["scale"]))


@_likelihood("Laplace", "loc")
def _(rows: Rows, p: Parameters) -> Num:
    distance = rows.sum(call("abs", rows.x - p["loc"]), "distance")
    return -(rows.count() * (log(p["scale"]) + math.log(2.0))) - distance / p["scale"]


@_likelihood("Exponential")
def _(rows: Rows, p: Parameters) -> Num:
    return rows.count() * log(p["rate"]) - p["rate"] * rows.sum(rows.x, "sum")


@_likelihood("Gamma")
def _(rows: Rows, p: Parameters) -> Num:
    a, b = p["concentration"], p["rate"]
    logs, values = rows.sum(log(rows.x), "sum_log"), rows.sum(rows.x, "sum")
    return rows.count() * (a * log(b) - gammaln(a)) + (a - 1.0) * logs - b * values


@_likelihood("InverseGamma")
def _(rows: Rows, p: Parameters) -> Num:
    a, b = p["concentration"], p["rate"]
    logs, inverses = rows.sum(log(rows.x), "sum_log"), rows.sum(1.0 / rows.x, "sum_inverse")
    return rows.count() * (a * log(b) - gammaln(a)) - (a + 1.0) * logs - b * inverses


@_likelihood("Chi2")
def _(rows: Rows, p: Parameters) -> Num:
    a = 0.5 * p["df"]
    logs, values = rows.sum(log(rows.x), "sum_log"), rows.sum(rows.x, "sum")
    return (a - 1.0) * logs - 0.5 * values - rows.count() * (a * math.log(2.0) + gammaln(a))


@_likelihood("Pareto", "scale")
def _(rows: Rows, p: Parameters) -> Num:
    excess, logs = (
        rows.sum(log(rows.x) - log(p["scale"].as_float()), "sum_log_excess"),
        rows.sum(log(rows.x), "sum_log"),
    )
    return rows.count() * log(p["alpha"]) - p["alpha"] * excess - logs


# -- vectors ----------------------------------------------------------------------------------------------------------
@_likelihood("MultivariateNormal")
def _(rows: Rows, p: Parameters) -> Num | None:
    """-n (log det L + k log(2 pi) / 2) - |L^-1 [R', sqrt(n) (mean - loc)]|^2 / 2, R the triangle of rows - mean."""
    n, k = rows.count(), _length(rows.x)
    if k > _MOST:
        return None
    average = rows.total(rows.x, own=1) / call("expand_dims", call("maximum", rows.total(1.0), 1.0), axis=-1)
    apart = rows.x - average
    apart = apart if rows.counted is None else where(rows.counted, apart, 0.0)
    spread = rows.keep(call("transpose", call("triangle", apart, dims=rows.over), axes=(-1, -2)), "spread")
    gap = call("expand_dims", call("sqrt", n), axis=-1) * (rows.keep(average, "mean") - p["loc"])
    both = call("concatenate", spread, call("expand_dims", gap, axis=-1), axis=-1)
    if "precision_matrix" in p:
        factor = call("cholesky", p["precision_matrix"])
        z, log_det = call("transpose", factor, axes=(-1, -2)) @ both, -total(log(call("diagonal", factor)))
    else:
        factor = p["scale_tril"] if "scale_tril" in p else call("cholesky", p["covariance_matrix"])
        z = call("solve_triangular", factor, both, lower=True, transposed=False)
        log_det = total(log(call("diagonal", factor)))
    return -(n * (log_det + k * _HALF_LOG_2PI)) - 0.5 * total(square(z))


def _length(x: Num) -> int:
    size = x.type.event[-1]
    if not isinstance(size, int):
        raise TypeError("a vector has a fixed number of elements")
    return size


# -- on the unit interval and the simplex -----------------------------------------------------------------------------
@_likelihood("Beta")
def _(rows: Rows, p: Parameters) -> Num:
    a, b = p["concentration1"], p["concentration0"]
    ones, zeros = rows.sum(log(rows.x), "sum_log"), rows.sum(log1p(-rows.x), "sum_log1m")
    norm = gammaln(a + b) - gammaln(a) - gammaln(b)
    return _power(a, ones) + _power(b, zeros) + rows.count() * norm


@_likelihood("Dirichlet")
def _(rows: Rows, p: Parameters) -> Num:
    a = p["concentration"]
    logs = rows.sum(log(rows.x), "sum_log", own=1)
    return total(_power(a, logs)) + rows.count() * (gammaln(total(a)) - total(gammaln(a)))


def _power(a: Num, logs: Num) -> Num:
    """(a - 1) logs, 0 where a is 1 though logs be infinite: a value on the edge, to the power 0."""
    r, n = a.r, a.r.nodes[a.i]
    while n.op == "to_float":
        n = r.nodes[n.args[0]]
    value = n.attr["value"] if n.op == "const" else None
    if isinstance(value, int | float):
        return logs * (float(value) - 1.0) if value != 1 else logs.const(0.0)
    return where(call("eq", a, 1.0), 0.0, (a - 1.0) * logs)


# -- counts -----------------------------------------------------------------------------------------------------------
def _chances(p: Parameters) -> tuple[Num, Num]:
    """log probs and log(1 - probs)."""
    logits = p.get("logits")
    if logits is None:
        r, n = p["probs"].r, p["probs"].r.nodes[p["probs"].i]
        while n.op == "let":
            n = r.nodes[n.args[0]]
        if n.op == "sigmoid":
            logits = Num(r, n.args[0]).as_float()
    if logits is not None:
        return -softplus(-logits), -softplus(logits)
    inner = call("clip", p["probs"], _EPS, 1.0 - _EPS)
    return log(inner), log1p(-inner)


@_likelihood("Bernoulli")
def _(rows: Rows, p: Parameters) -> Num:
    yes, no = _chances(p)
    return rows.sum(rows.x, "ones") * yes + rows.sum(1.0 - rows.x, "zeros") * no


@_likelihood("Binomial", "total_count")
def _(rows: Rows, p: Parameters) -> Num:
    yes, no = _chances(p)
    x, n = rows.x, p["total_count"].as_float()
    ways = rows.sum(gammaln(n + 1.0) - gammaln(x + 1.0) - gammaln(n - x + 1.0), "log_ways")
    return rows.sum(x, "successes") * yes + rows.sum(n - x, "failures") * no + ways


@_likelihood("Geometric")
def _(rows: Rows, p: Parameters) -> Num:
    yes, no = _chances(p)
    return rows.sum(rows.x, "failures") * no + rows.count() * yes


@_likelihood("NegativeBinomial", "total_count")
def _(rows: Rows, p: Parameters) -> Num:
    yes, no = _chances(p)
    x, r = rows.x, p["total_count"].as_float()
    ways = rows.sum(gammaln(x + r) - gammaln(r) - gammaln(x + 1.0), "log_ways")
    return rows.sum(x, "successes") * yes + rows.sum(r, "failures") * no + ways


@_likelihood("Poisson")
def _(rows: Rows, p: Parameters) -> Num:
    base = rows.sum(gammaln(rows.x + 1.0), "log_factorials")
    return xlogy(rows.sum(rows.x, "sum"), p["rate"]) - rows.count() * p["rate"] - base


@_likelihood("Categorical")
def _(rows: Rows, p: Parameters) -> Num:
    classes = rows.x.const(Array.of(np.arange(_last(p))))
    hits = call("eq", call("expand_dims", rows.x, axis=-1), classes)
    return total(_class_terms(p, rows.sum(hits, "counts", own=1)))


@_likelihood("Multinomial", "total_count")
def _(rows: Rows, p: Parameters) -> Num:
    x, n = rows.x, p["total_count"].as_float()
    ways = rows.sum(gammaln(n + 1.0) - total(gammaln(x + 1.0)), "log_ways")
    return total(_class_terms(p, rows.sum(x, "counts", own=1))) + ways


def _last(p: Parameters) -> int:
    return _length(p.get("probs") or p["logits"])


def _class_terms(p: Parameters, counts: Num) -> Num:
    """counts log(probs), the probabilities normalised."""
    if "logits" in p:
        norm = call("logsumexp", p["logits"], axes=(-1,), dims=())
        return counts * (p["logits"] - call("expand_dims", norm, axis=-1))
    probs = p["probs"]
    if not implies(probs.type.support, simplex):
        probs = probs / call("expand_dims", call("sum", probs, axes=(-1,), dims=()), axis=-1)
    return xlogy(counts, call("clip", probs, _EPS, 1.0 - _EPS))
