"""Arithmetic on the nodes of a graph under rewriting, so that a pass reads as the formula that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gendsl.graph.node import Array
from gendsl.graph.types import ArrayType, DType
from gendsl.passes.rewrite import Rewriter

__all__ = ["Num", "call", "gammaln", "log", "log1p", "softplus", "square", "total", "where", "xlogy"]


@dataclass(frozen=True)
class Num:
    """A value: a node of the new graph."""

    r: Rewriter
    i: int

    @property
    def type(self) -> ArrayType:
        """Its type."""
        return self.r.array(self.i)

    def const(self, value: float | Array) -> Num:
        """A constant of the same graph."""
        return Num(self.r, self.r.add("const", (), value=value))

    def as_float(self) -> Num:
        """The value as a float."""
        return self if self.type.dtype is DType.FLOAT else call("to_float", self)

    def __add__(self, other: Num | float) -> Num:
        return call("add", self, other)

    def __radd__(self, other: float) -> Num:
        return call("add", other, self)

    def __sub__(self, other: Num | float) -> Num:
        return call("sub", self, other)

    def __rsub__(self, other: float) -> Num:
        return call("sub", other, self)

    def __mul__(self, other: Num | float) -> Num:
        return call("mul", self, other)

    def __rmul__(self, other: float) -> Num:
        return call("mul", other, self)

    def __truediv__(self, other: Num | float) -> Num:
        return call("div", self, other)

    def __rtruediv__(self, other: float) -> Num:
        return call("div", other, self)

    def __matmul__(self, other: Num) -> Num:
        return call("matmul", self, other)

    def __neg__(self) -> Num:
        return call("neg", self)


def call(op: str, *args: Num | float, **attrs: Any) -> Num:
    """An operation on values and numbers, at least one of them a value."""
    r = next(a.r for a in args if isinstance(a, Num))
    return Num(r, r.add(op, [a.i if isinstance(a, Num) else r.const(a) for a in args], **attrs))


def log(x: Num) -> Num:
    """log x."""
    return call("log", x)


def log1p(x: Num) -> Num:
    """log(1 + x)."""
    return call("log1p", x)


def gammaln(x: Num) -> Num:
    """log Gamma(x)."""
    return call("gammaln", x)


def softplus(x: Num) -> Num:
    """log(1 + exp x)."""
    return call("softplus", x)


def square(x: Num) -> Num:
    """x squared."""
    return call("square", x)


def xlogy(x: Num, y: Num) -> Num:
    """x log y, 0 where x is 0."""
    return call("xlogy", x, y)


def where(condition: Num, x: Num | float, y: Num | float) -> Num:
    """x where the condition holds, else y."""
    return call("where", condition, x, y)


def total(x: Num) -> Num:
    """The sum over all event axes."""
    rank = x.type.rank
    return call("sum", x, axes=tuple(range(-rank, 0)), dims=()) if rank else x
