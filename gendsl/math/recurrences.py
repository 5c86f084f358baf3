"""Affine recurrences, over `ops`.

    x[t] = a[t] x[t-1] + b[t],    t = 0, ..., T - 1,    x[-1] given

x[t] is a number, or a vector and a[t] a matrix. In reverse, x[t] follows from x[t+1] and x[T] is given. Two ways, in
which the coefficients are only multiplied and added, so that they may be zero, negative or larger than 1:

- short sequences: L x = b with L[t, t] = 1 and L[t, t-1] = -a[t]. Forward substitution is the recurrence itself;
- long ones: by doubling. After k rounds, x[t] holds what the last 2^k elements of b make of it, and c[t] the product of
  2^k coefficients: x[t + 2^k] += c[t] x[t], c[t] <- c[t + 2^k] c[t]. log2(T) rounds.

The gradient is a recurrence in the other direction: with g = dL/dx,

    l[t] = g[t] + a[t+1]' l[t+1],    dL/da[t] = l[t] x[t-1]',    dL/db[t] = l[t],    dL/dx[-1] = a[0]' l[0]

Reference:
    Prefix sums and their applications (Blelloch, 1990) | https://www.cs.cmu.edu/~guyb/papers/Ble93.pdf
    Parallelizing Linear Recurrent Neural Nets Over Sequence Length (Martin, Cundy, 2018) |
    https://arxiv.org/abs/1709.04057
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["affine_scan", "affine_scan_vjp"]

_SHORT = 2**17
"""Elements of L up to which it is solved: 362 elements of one sequence. Beyond, its zeros cost more than the rounds."""


def affine_scan(ops: Any, a: Any, b: Any, init: Any, *, matrix: bool = False, reverse: bool = False) -> Any:
    """All x[t].

    Args:
        ops: array functions.
        a: coefficients, (..., T); (..., T, k, k) for vectors.
        b: (..., T); (..., T, k) for vectors.
        init: what stands before the first element (after the last, in reverse): (...), or (..., k).
        matrix: whether elements are vectors.
        reverse: whether to start at the end.

    Returns:
        x in the shape of b; batch axes must be equal.
    """
    after = 1 if matrix else 0
    first, rest = (slice(-1, None), slice(None, -1)) if reverse else (slice(None, 1), slice(1, None))
    init = init[(..., None, *_all(after))]
    start = _part(b, first, after) + _times(_part(a, first, 2 * after), init, matrix)
    parts = [_part(b, rest, after), start] if reverse else [start, _part(b, rest, after)]
    b = ops.concatenate(parts, -1 - after)
    return _solve(ops, _part(a, rest, 2 * after), b, matrix, reverse)


def affine_scan_vjp(
    ops: Any, a: Any, x: Any, init: Any, g: Any, *, matrix: bool = False, reverse: bool = False
) -> tuple[Any, Any, Any]:
    """The gradients with respect to a, b and init.

    Args:
        ops: array functions.
        a: as given to `affine_scan`.
        x: its result.
        init: as given.
        g: the gradient with respect to the result.
        matrix: as given.
        reverse: as given.
    """
    after = 1 if matrix else 0
    first, rest = (slice(-1, None), slice(None, -1)) if reverse else (slice(None, 1), slice(1, None))
    links = _part(a, rest, 2 * after)
    back = _solve(ops, ops.moveaxis(links, -1, -2) if matrix else links, g, matrix, not reverse)
    known = init[(..., None, *_all(after))]
    parts = [_part(x, slice(1, None), after), known] if reverse else [known, _part(x, slice(None, -1), after)]
    before = ops.concatenate(parts, -1 - after)
    start, ahead = _part(back, first, after), _part(a, first, 2 * after)
    if not matrix:
        return back * before, back, (ahead * start)[..., 0]
    return back[..., :, None] * before[..., None, :], back, (start[..., None, :] @ ahead)[..., 0, 0, :]


def _all(count: int) -> tuple[slice, ...]:
    return (slice(None),) * count


def _part(x: Any, which: slice, after: int) -> Any:
    """A part of the sequence: of the axis that has `after` axes on its right."""
    return x[(..., which, *_all(after))]


def _times(a: Any, x: Any, matrix: bool) -> Any:
    return (a @ x[..., None])[..., 0] if matrix else a * x


def _solve(ops: Any, links: Any, b: Any, matrix: bool, reverse: bool) -> Any:
    """x[t] = b[t] + c[t - 1] x[t - 1], or in reverse b[t] + c[t] x[t + 1]; c has an element less."""
    after = 1 if matrix else 0
    length = b.shape[-1 - after]
    if length == 1:
        return b
    if length * (b.shape[-1] if matrix else 1) * math.prod(b.shape) <= _SHORT:
        return _substitute(ops, links, b, matrix, reverse)
    return _double(ops, links, b, matrix, reverse)


def _substitute(ops: Any, links: Any, b: Any, matrix: bool, reverse: bool) -> Any:
    """By the triangular system."""
    if not matrix:
        system = ops.off_diagonal(-links, 1 if reverse else -1)
        return ops.solve_unit_triangular(system, b[..., None], reverse)[..., 0]
    system = ops.off_diagonal(ops.moveaxis(-links, -3, -1), 1 if reverse else -1)  # (..., k, k, T, T)
    size = b.shape[-1] * b.shape[-2]
    system = ops.moveaxis(ops.moveaxis(system, -2, -4), -1, -2)  # (..., T, k, T, k)
    system = system.reshape((*b.shape[:-2], size, size))
    return ops.solve_unit_triangular(system, b.reshape((*b.shape[:-2], size, 1)), reverse).reshape(b.shape)


def _double(ops: Any, links: Any, b: Any, matrix: bool, reverse: bool) -> Any:
    """By doubling."""
    after = 1 if matrix else 0
    axis, length, k = -1 - after, b.shape[-1 - after], 1
    while True:
        ahead, behind = _part(b, slice(k, None), after), _part(b, slice(None, -k), after)
        if reverse:
            parts = [behind + _times(links, ahead, matrix), _part(b, slice(-k, None), after)]
        else:
            parts = [_part(b, slice(None, k), after), ahead + _times(links, behind, matrix)]
        b = ops.concatenate(parts, axis)
        if 2 * k >= length:
            return b
        early, late = _part(links, slice(None, -k), 2 * after), _part(links, slice(k, None), 2 * after)
        if matrix:
            links = early @ late if reverse else late @ early
        else:
            links = early * late
        k *= 2
