"""Linear algebra on the last two event axes; everything on their left broadcasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gendsl.graph.constraints import implies, lower_cholesky, nonnegative, positive, positive_definite, real
from gendsl.graph.ops.elementwise import elementwise_type
from gendsl.graph.ops.registry import Problem, arrays, op
from gendsl.graph.types import ArrayType, DType, Size, Type, broadcast, join_dims

__all__: list[str] = []


def _square(x: ArrayType, what: str) -> Size:
    if x.rank < 2 or x.event[-1] != x.event[-2]:
        raise Problem(
            f"{what} needs a square matrix in the last two event axes",
            given=str(x),
            needed="event (..., n, n)",
        )
    return x.event[-1]


@op("matmul", numpy=np.matmul)
def _matmul(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """numpy's matmul on event axes: vectors are of rank 1, matrices of rank 2 or more."""
    a, b = arrays(args)
    if a.rank == 0 or b.rank == 0:
        raise Problem(
            "@ needs event axes",
            given=f"{a}; {b}",
            needed="event axes on both sides",
            fix="to sum over a plate, write (a * b).sum(dim=plate); to scale, write a * b",
        )
    inner_a, inner_b = a.event[-1], b.event[-2] if b.rank > 1 else b.event[-1]
    if inner_a != inner_b:
        raise Problem("inner sizes of @ differ", given=f"{inner_a} and {inner_b}", needed="equal inner sizes")
    left = a.event[:-2] if a.rank > 1 else ()
    right = b.event[:-2] if b.rank > 1 else ()
    batch = broadcast(left, right)
    if batch is None:
        raise Problem("leading event axes of @ do not broadcast", given=f"{left} and {right}")
    event = batch + (a.event[-2:-1] if a.rank > 1 else ()) + (b.event[-1:] if b.rank > 1 else ())
    support = nonnegative if implies(a.support, nonnegative) and implies(b.support, nonnegative) else real
    return ArrayType(join_dims(a.dims, b.dims), event, DType.FLOAT, support)


@op("outer", numpy=lambda a, b: a[..., :, None] * b[..., None, :])
def _outer(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    a, b = arrays(args)
    if a.rank < 1 or b.rank < 1:
        raise Problem("outer needs vectors", given=f"{a}; {b}")
    batch = broadcast(a.event[:-1], b.event[:-1])
    if batch is None:
        raise Problem("leading event axes do not broadcast", given=f"{a.event} and {b.event}")
    return ArrayType(join_dims(a.dims, b.dims), (*batch, a.event[-1], b.event[-1]), DType.FLOAT, real)


@op("cholesky", numpy=np.linalg.cholesky)
def _cholesky(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    _square(x, "cholesky")
    return ArrayType(x.dims, x.event, DType.FLOAT, lower_cholesky)


@op("inv", numpy=np.linalg.inv)
def _inv(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    _square(x, "inv")
    return ArrayType(x.dims, x.event, DType.FLOAT, positive_definite if implies(x.support, positive_definite) else real)


@op("logdet", numpy=lambda x: np.linalg.slogdet(x)[1])
def _logdet(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """log |det x|."""
    (x,) = arrays(args)
    _square(x, "logdet")
    return ArrayType(x.dims, x.event[:-2], DType.FLOAT, real)


def _solve_type(a: ArrayType, b: ArrayType, what: str) -> Type:
    n = _square(a, what)
    size = b.event[-1] if b.rank == 1 else b.event[-2] if b.rank > 1 else None
    if size != n:
        raise Problem(
            f"{what}: sizes differ", given=f"a matrix of size {n} and {b}", needed=f"a right side of size {n}"
        )
    batch = broadcast(a.event[:-2], b.event[:-2] if b.rank > 1 else ())
    if batch is None:
        raise Problem("leading event axes do not broadcast", given=f"{a.event} and {b.event}")
    tail = b.event[-1:] if b.rank == 1 else b.event[-2:]
    return ArrayType(join_dims(a.dims, b.dims), batch + tail, DType.FLOAT, real)


@op("solve")
def _solve(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """x with a x = b; b is a vector (rank 1) or a matrix."""
    a, b = arrays(args)
    return _solve_type(a, b, "solve")


@op("solve_triangular", "lower", "transposed")
def _solve_triangular(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """x with a x = b (or a^T x = b), a triangular; b is a vector (rank 1) or a matrix."""
    a, b = arrays(args)
    return _solve_type(a, b, "solve_triangular")


@op("diag", numpy=lambda x: x[..., None] * np.eye(x.shape[-1]))
def _diag(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """The diagonal matrix of a vector."""
    (x,) = arrays(args)
    if x.rank < 1:
        raise Problem("diag needs a vector", given=str(x))
    support = positive_definite if implies(x.support, positive) else real
    return ArrayType(x.dims, (*x.event, x.event[-1]), DType.FLOAT, support)


@op("diagonal", numpy=lambda x: np.diagonal(x, axis1=-2, axis2=-1))
def _diagonal(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """The diagonal of a square matrix."""
    (x,) = arrays(args)
    n = _square(x, "diagonal")
    support = positive if x.support in (lower_cholesky, positive_definite) else real
    return ArrayType(x.dims, (*x.event[:-2], n), DType.FLOAT, support)


@op("add_diagonal")
def _add_diagonal(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """A square matrix plus a number or vector on its diagonal."""
    x, d = arrays(args)
    n = _square(x, "add_diagonal")
    both = elementwise_type((ArrayType(x.dims, (*x.event[:-2], n)), d), DType.FLOAT)
    return ArrayType(both.dims, (*both.event, n), DType.FLOAT, real)


@op("tril", "k", numpy=lambda x, k: np.tril(x, k))
def _tril(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    (x,) = arrays(args)
    _square(x, "tril")
    return ArrayType(x.dims, x.event, DType.FLOAT, real)


@op("vector_to_tril", "size")
def _vector_to_tril(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """A vector of n (n + 1) / 2 numbers as the rows of a lower triangular matrix."""
    (x,) = arrays(args)
    n = attrs["size"]
    if x.rank < 1 or x.event[-1] != n * (n + 1) // 2:
        raise Problem("the vector has the wrong length", given=str(x), needed=f"{n * (n + 1) // 2} numbers")
    return ArrayType(x.dims, (*x.event[:-1], n, n), DType.FLOAT, real)


@op("jitter")
def _jitter(args: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
    """What the diagonal of a covariance matrix needs for its factorisation; the program's precision says how much."""
    (x,) = arrays(args)
    if x.rank < 2:
        raise Problem("a jitter is for a matrix", given=str(x), needed="two event axes")
    return ArrayType(x.dims, x.event[:-2], DType.FLOAT, positive)
