"""Supports of values: the sets that latents live in, parameters need and expressions are known to stay within.

A constraint is plain data. `rank` counts the trailing event axes that one element of the set takes: 0 for an interval,
1 for a simplex, 2 for a Cholesky factor. An interval's bounds are numbers, None for infinity, or a `Ref` to the node
that gives the bound (a bound that depends on another variable).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from gendsl.errors import ModelError, caller

__all__ = [
    "Bound",
    "Circular",
    "Constraint",
    "CorrCholesky",
    "CorrMatrix",
    "Counts",
    "Integers",
    "Interval",
    "LowerCholesky",
    "Ordered",
    "PositiveDefinite",
    "PositiveOrdered",
    "Ref",
    "Simplex",
    "Sphere",
    "boolean",
    "circular",
    "corr_cholesky",
    "corr_matrix",
    "implies",
    "lower_cholesky",
    "nonnegative",
    "nonnegative_integer",
    "ordered",
    "positive",
    "positive_definite",
    "positive_ordered",
    "real",
    "simplex",
    "sphere",
    "unit_interval",
    "violations",
]

_EDGE = 1e-6  # tolerance of equality constraints (a simplex sums to 1) on data given in single precision


@dataclass(frozen=True, slots=True)
class Ref:
    """A bound given by another node, by its index in the same graph."""

    node: int


Bound = float | Ref | None


@dataclass(frozen=True)
class Constraint:
    """A set of values; `rank` trailing event axes make one element."""

    rank: ClassVar[int] = 0
    discrete: ClassVar[bool] = False
    words: ClassVar[str] = "any value"

    def __str__(self) -> str:
        return self.words

    @property
    def dynamic(self) -> bool:
        """Whether a bound depends on another node."""
        return False


def _plain_bound(bound: Any) -> Any:
    """A number as a Python float, infinity as None."""
    number = isinstance(bound, (int, float, np.integer, np.floating)) and not isinstance(bound, bool)
    if number and not math.isnan(bound):
        return None if math.isinf(bound) else float(bound)
    if bound is None or isinstance(bound, Ref):
        return bound
    raise ModelError(
        "the bounds of an interval are numbers",
        given=f"{type(bound).__name__}: {bound!r}"[:100],
        needed="numbers; None where it is infinite",
        fix="bounds that depend on other values are those of a distribution: gd.Uniform(low, high)",
        where=caller(),
    )


@dataclass(frozen=True)
class Interval(Constraint):
    """The interval from `lower` to `upper`; None is infinite. `closed` tells whether finite ends belong to it."""

    lower: Bound = None
    upper: Bound = None
    closed: tuple[bool, bool] = (False, False)

    def __post_init__(self) -> None:
        low, high = _plain_bound(self.lower), _plain_bound(self.upper)
        object.__setattr__(self, "lower", low)
        object.__setattr__(self, "upper", high)

    @property
    def dynamic(self) -> bool:
        """Whether a bound depends on another node."""
        return isinstance(self.lower, Ref) or isinstance(self.upper, Ref)

    def __str__(self) -> str:
        if self.lower is None and self.upper is None:
            return "real"
        if self.upper is None and self.lower == 0.0:
            return "nonnegative" if self.closed[0] else "positive"
        return _interval_words(self)


def _interval_words(c: Interval) -> str:
    def show(bound: Bound, infinite: str) -> str:
        if bound is None:
            return infinite
        return f"node {bound.node}" if isinstance(bound, Ref) else f"{bound:g}"

    left, right = ("[" if c.closed[0] else "("), ("]" if c.closed[1] else ")")
    return f"in {left}{show(c.lower, '-inf')}, {show(c.upper, 'inf')}{right}"


@dataclass(frozen=True)
class Integers(Constraint):
    """The integers from `lower` to `upper`, both included; None is infinite."""

    discrete: ClassVar[bool] = True
    lower: Bound = None
    upper: Bound = None

    @property
    def dynamic(self) -> bool:
        """Whether a bound depends on another node."""
        return isinstance(self.lower, Ref) or isinstance(self.upper, Ref)

    def __str__(self) -> str:
        if (self.lower, self.upper) == (0.0, 1.0):
            return "0 or 1"
        if (self.lower, self.upper) == (0.0, None):
            return "a nonnegative integer"
        return "an integer " + _interval_words(Interval(self.lower, self.upper, (True, True)))


@dataclass(frozen=True)
class Simplex(Constraint):
    """Nonnegative vectors that sum to 1."""

    rank: ClassVar[int] = 1
    words: ClassVar[str] = "on the simplex (nonnegative, sums to 1)"


@dataclass(frozen=True)
class Ordered(Constraint):
    """Strictly increasing vectors."""

    rank: ClassVar[int] = 1
    words: ClassVar[str] = "ordered (strictly increasing)"


@dataclass(frozen=True)
class PositiveOrdered(Constraint):
    """Strictly increasing vectors of positive numbers."""

    rank: ClassVar[int] = 1
    words: ClassVar[str] = "positive and ordered"


@dataclass(frozen=True)
class Sphere(Constraint):
    """Vectors of unit length."""

    rank: ClassVar[int] = 1
    words: ClassVar[str] = "on the unit sphere"


@dataclass(frozen=True)
class Counts(Constraint):
    """Vectors of nonnegative integers that sum to `total` (None: to a number that varies)."""

    rank: ClassVar[int] = 1
    discrete: ClassVar[bool] = True
    total: Bound = None

    @property
    def dynamic(self) -> bool:
        """Whether the total depends on another node."""
        return isinstance(self.total, Ref)

    def __str__(self) -> str:
        return "a vector of counts"


@dataclass(frozen=True)
class CorrCholesky(Constraint):
    """Cholesky factors of correlation matrices."""

    rank: ClassVar[int] = 2
    words: ClassVar[str] = "the Cholesky factor of a correlation matrix"


@dataclass(frozen=True)
class LowerCholesky(Constraint):
    """Cholesky factors of covariance matrices: lower triangular, positive diagonal."""

    rank: ClassVar[int] = 2
    words: ClassVar[str] = "the Cholesky factor of a covariance matrix"


@dataclass(frozen=True)
class CorrMatrix(Constraint):
    """Correlation matrices."""

    rank: ClassVar[int] = 2
    words: ClassVar[str] = "a correlation matrix"


@dataclass(frozen=True)
class PositiveDefinite(Constraint):
    """Symmetric positive-definite matrices."""

    rank: ClassVar[int] = 2
    words: ClassVar[str] = "a positive-definite matrix"


@dataclass(frozen=True)
class Circular(Constraint):
    """Angles in [-pi, pi)."""

    words: ClassVar[str] = "an angle in [-pi, pi)"


real = Interval()
positive = Interval(0.0, None)
nonnegative = Interval(0.0, None, (True, False))
unit_interval = Interval(0.0, 1.0, (True, True))
boolean = Integers(0.0, 1.0)
nonnegative_integer = Integers(0.0, None)
simplex, ordered, positive_ordered, sphere = Simplex(), Ordered(), PositiveOrdered(), Sphere()
corr_cholesky, lower_cholesky = CorrCholesky(), LowerCholesky()
corr_matrix, positive_definite = CorrMatrix(), PositiveDefinite()
circular = Circular()


def _as_interval(c: Constraint) -> Interval | None:
    if isinstance(c, Interval):
        return c
    if isinstance(c, Integers):
        return Interval(c.lower, c.upper, (True, True))
    if isinstance(c, Simplex):
        return unit_interval
    if isinstance(c, PositiveOrdered):
        return positive
    if isinstance(c, Counts):
        return nonnegative
    if isinstance(c, (CorrMatrix, CorrCholesky)):
        return Interval(-1.0, 1.0, (True, True))
    if isinstance(c, Circular):
        return Interval(-math.pi, math.pi, (True, False))
    return real if isinstance(c, Ordered | Sphere | LowerCholesky | PositiveDefinite) else None


def implies(given: Constraint, needed: Constraint) -> bool:
    """Whether every value in `given` is known to lie in `needed`; static bounds only.

    A closed end is taken to satisfy an open one: a value on the edge has probability zero or is met at run time. Not
    so for integers: a count is 0 often.
    """
    if given == needed:
        return True
    table: dict[type[Constraint], tuple[type[Constraint], ...]] = {
        Ordered: (PositiveOrdered,),
        LowerCholesky: (CorrCholesky,),
        PositiveDefinite: (CorrMatrix,),
    }
    if needed.rank > 0:
        return isinstance(given, table.get(type(needed), ()))
    if isinstance(needed, Integers) and not given.discrete:
        return False
    a, b = _as_interval(given), _as_interval(needed)
    if a is None or b is None:
        return False
    if given.discrete and any(
        x is not None and x == y and not c for x, y, c in zip(*_ends(a, b), b.closed, strict=True)
    ):
        return False
    return _below(b.lower, a.lower, -math.inf) and _below(a.upper, b.upper, math.inf)


def _ends(*intervals: Interval) -> list[tuple[Bound, Bound]]:
    return [(i.lower, i.upper) for i in intervals]


def _below(low: Bound, high: Bound, infinite: float) -> bool:
    x = infinite if low is None else low
    y = infinite if high is None else high
    if isinstance(x, Ref) or isinstance(y, Ref):
        return x == y
    return x <= y


def violations(value: Any, c: Constraint) -> np.ndarray:
    """Boolean array, True where an element of `value` (numpy) lies outside `c`; shape value.shape[:-rank]."""
    x = np.asarray(value)
    with np.errstate(invalid="ignore"):
        if c.rank == 0 or x.dtype.kind != "f" or not (missing := np.isnan(x)).any():
            return cast(np.ndarray, _violations(x, c))
        bad = _violations(np.where(missing, 0.0, x), c)
        return cast(np.ndarray, bad | missing.any(tuple(range(-min(c.rank, x.ndim), 0))))


def _violations(x: Any, c: Constraint) -> Any:
    if isinstance(c, Interval):
        return _outside(x, c)
    if isinstance(c, Integers):
        return _outside(x, Interval(c.lower, c.upper, (True, True))) | (x != np.floor(x))
    if isinstance(c, Circular):
        return _outside(x, Interval(-math.pi, math.pi, (True, True)))
    if isinstance(c, Simplex):
        return (x < 0).any(-1) | (np.abs(x.sum(-1) - 1) > _EDGE)
    if isinstance(c, Ordered | PositiveOrdered):
        bad = (np.diff(x, axis=-1) <= 0).any(-1)
        return bad | (x <= 0).any(-1) if isinstance(c, PositiveOrdered) else bad
    if isinstance(c, Sphere):
        return np.abs((x**2).sum(-1) - 1) > _EDGE
    if isinstance(c, Counts):
        bad = (x < 0).any(-1) | (x != np.floor(x)).any(-1)
        return bad | (x.sum(-1) != c.total) if isinstance(c.total, (int, float)) else bad
    return _matrix_violations(x, c)


def _outside(x: Any, c: Interval) -> Any:
    bad = np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
    if isinstance(c.lower, (int, float)):
        bad = bad | ((x < c.lower) if c.closed[0] else (x <= c.lower))
    if isinstance(c.upper, (int, float)):
        bad = bad | ((x > c.upper) if c.closed[1] else (x >= c.upper))
    return bad


def _matrix_violations(x: Any, c: Constraint) -> Any:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        return np.ones(x.shape[: max(0, x.ndim - 2)], bool)
    diagonal = np.diagonal(x, axis1=-2, axis2=-1)
    if isinstance(c, CorrCholesky | LowerCholesky):
        bad = (np.triu(x, 1) != 0).any((-2, -1)) | (diagonal <= 0).any(-1)
        if isinstance(c, CorrCholesky):
            bad = bad | (np.abs((x**2).sum(-1) - 1) > _EDGE).any(-1)
        return bad
    scale = np.abs(x).max((-2, -1), initial=1.0)
    bad = np.abs(x - np.swapaxes(x, -1, -2)).max((-2, -1), initial=0.0) > _EDGE * scale
    bad = bad | (np.linalg.eigvalsh(x)[..., 0] <= 0)
    if isinstance(c, CorrMatrix):
        bad = bad | (np.abs(diagonal - 1) > _EDGE).any(-1)
    return bad
