"""Symbolic expressions: handles to nodes, with numpy's operators, methods and functions.

`x == y` is symbolic; `same(x, y)` tells whether two expressions are one node. numpy's functions work on expressions
(`np.exp(x)`) through `__array_ufunc__` and `__array_function__`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gendsl.errors import Location, ModelError, caller
from gendsl.graph.constraints import Constraint
from gendsl.graph.types import ArrayType, DType, Size
from gendsl.lang.builder import Builder

__all__ = ["Expr", "Value", "apply", "as_expr", "same"]


class _NoAttribute(ModelError, AttributeError):
    """An attribute that expressions do not have; hasattr and getattr see an AttributeError."""


class Expr:
    """A symbolic value.

    Attributes:
        builder: the graph it belongs to.
        node: its node.
    """

    __slots__ = ("builder", "node")
    __array_priority__ = 1000

    def __init__(self, builder: Builder, node: int) -> None:
        self.builder, self.node = builder, node

    # -- what it is -----------------------------------------------------------------------------------------------
    @property
    def type(self) -> ArrayType:
        """Dims, event shape, dtype and support."""
        t = self.builder.type(self.node)
        if not isinstance(t, ArrayType):
            raise TypeError(f"not a value: {t}")
        return t

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the plates it varies over."""
        return self.type.dims

    @property
    def event(self) -> tuple[Size, ...]:
        """Its event shape."""
        return self.type.event

    @property
    def ndim(self) -> int:
        """The number of event axes."""
        return self.type.rank

    @property
    def dtype(self) -> DType:
        """Its dtype."""
        return self.type.dtype

    @property
    def support(self) -> Constraint:
        """Where its values are known to lie."""
        return self.type.support

    @property
    def name(self) -> str | None:
        """Its name, where it is a site."""
        return self.builder.nodes[self.node].name

    def __repr__(self) -> str:
        from gendsl.graph.show import support_words

        nodes, plates = self.builder.nodes, self.builder.plates
        return f"<{self.text()}: {self.type}, {support_words(nodes, self.type.support, plates)}>"

    def text(self) -> str:
        """The expression over the names that it is made of, such as `mu + tau * z`, shortened where it is long."""
        from gendsl.graph.show import expression

        return expression(self.builder.nodes, self.node, self.builder.plates)

    # -- what it is not -------------------------------------------------------------------------------------------
    def __bool__(self) -> bool:
        raise ModelError(
            "a symbolic value has no truth value while the model is declared",
            given=repr(self),
            fix="for `if`, gd.where(condition, a, b); for `and`, `or`, `not`, &, | and ~ with parentheses, as in "
            "(a < x) & (x < b), or gd.logical_and; to compare expressions, gd.same(a, b)",
            where=caller(),
        )

    def __float__(self) -> float:
        raise ModelError(
            "a symbolic value has no number while the model is declared",
            given=repr(self),
            fix="use gd's or numpy's functions on it instead of math's",
            where=caller(),
        )

    __int__ = __index__ = __float__

    def __len__(self) -> int:
        size = self.event[0] if self.event else None
        if not isinstance(size, int):
            raise ModelError(
                "only a value with a leading event axis has a length",
                given=repr(self),
                fix="the length of a plate is plate.size, an expression",
                where=caller(),
            )
        return size

    def __iter__(self) -> Iterator[Expr]:
        from gendsl.lang.indexing import at

        if not self.event:
            raise ModelError(
                "only event axes can be unpacked",
                given=repr(self),
                needed="a value with a leading event axis",
                fix="a value over a plate is used as a whole: write the operation once, without a loop",
                where=caller(),
            )
        return iter([at(self, -self.ndim, k) for k in range(len(self))])

    def __hash__(self) -> int:
        return hash((id(self.builder), self.node))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in Expr.__slots__:
            raise AttributeError(name)
        fix = {"shape": ".dims and .event are its dims and its event shape", "size": "plate.size"}.get(name)
        raise _NoAttribute(
            f"a symbolic value has no attribute '{name}'",
            given=repr(self),
            needed="numpy's operators and functions",
            fix=fix or f"gd.{name}(x) or np.{name}(x), where there is one",
            where=caller(),
        )

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise ModelError(
            "a symbolic value is not an array",
            given=repr(self),
            fix="apply numpy's functions to the expression itself; stack expressions with gd.stack",
            where=caller(),
        )

    # -- operators ------------------------------------------------------------------------------------------------
    def __add__(self, other: Value) -> Expr:
        return apply("add", self, other)

    def __radd__(self, other: Value) -> Expr:
        return apply("add", other, self)

    def __sub__(self, other: Value) -> Expr:
        return apply("sub", self, other)

    def __rsub__(self, other: Value) -> Expr:
        return apply("sub", other, self)

    def __mul__(self, other: Value) -> Expr:
        return apply("mul", self, other)

    def __rmul__(self, other: Value) -> Expr:
        return apply("mul", other, self)

    def __truediv__(self, other: Value) -> Expr:
        return apply("div", self, other)

    def __rtruediv__(self, other: Value) -> Expr:
        return apply("div", other, self)

    def __floordiv__(self, other: Value) -> Expr:
        return apply("floordiv", self, other)

    def __rfloordiv__(self, other: Value) -> Expr:
        return apply("floordiv", other, self)

    def __mod__(self, other: Value) -> Expr:
        return apply("mod", self, other)

    def __rmod__(self, other: Value) -> Expr:
        return apply("mod", other, self)

    def __pow__(self, other: Value) -> Expr:
        return apply("pow", self, other)

    def __rpow__(self, other: Value) -> Expr:
        return apply("pow", other, self)

    def __matmul__(self, other: Value) -> Expr:
        return apply("matmul", self, other)

    def __rmatmul__(self, other: Value) -> Expr:
        return apply("matmul", other, self)

    def __neg__(self) -> Expr:
        return apply("neg", self)

    def __pos__(self) -> Expr:
        return self

    def __abs__(self) -> Expr:
        return apply("abs", self)

    def __eq__(self, other: Value) -> Expr:  # type: ignore[override]
        return apply("eq", self, other)

    def __ne__(self, other: Value) -> Expr:  # type: ignore[override]
        return apply("ne", self, other)

    def __lt__(self, other: Value) -> Expr:
        return apply("lt", self, other)

    def __le__(self, other: Value) -> Expr:
        return apply("le", self, other)

    def __gt__(self, other: Value) -> Expr:
        return apply("gt", self, other)

    def __ge__(self, other: Value) -> Expr:
        return apply("ge", self, other)

    def __and__(self, other: Value) -> Expr:
        return truth("logical_and", self, other)

    __rand__ = __and__

    def __or__(self, other: Value) -> Expr:
        return truth("logical_or", self, other)

    __ror__ = __or__

    def __xor__(self, other: Value) -> Expr:
        return truth("logical_xor", self, other)

    def __invert__(self) -> Expr:
        return truth("logical_not", self)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise ModelError(
            "a symbolic value is not changed in place",
            given=repr(self),
            needed="a new expression",
            fix="build it: gd.where(condition, new, old), gd.stack or gd.concatenate",
            where=caller(),
        )

    # -- indexing and shape ---------------------------------------------------------------------------------------
    def __getitem__(self, key: Any) -> Expr:
        from gendsl.lang.indexing import getitem

        return getitem(self, key)

    def rename(self, **names: str) -> Expr:
        """The same value over a copy of a plate: `x.rename(i="i2")` makes pairs with x."""
        from gendsl.lang.indexing import rename

        return rename(self, names)

    @property
    def T(self) -> Expr:
        """The last two event axes exchanged."""
        from gendsl.lang.functions import swap

        return swap(self)

    def reshape(self, *shape: int) -> Expr:
        """Other event axes with the same elements."""
        from gendsl.lang.functions import reshape

        return reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)

    # -- reductions -----------------------------------------------------------------------------------------------
    def sum(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Sum over event axes, or over plates by name."""
        return _reduce("sum", self, axis, dim)

    def mean(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Mean over event axes, or over plates by name."""
        return _reduce("mean", self, axis, dim)

    def prod(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Product over event axes, or over plates by name."""
        return _reduce("prod", self, axis, dim)

    def max(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Largest over event axes, or over plates by name."""
        return _reduce("max", self, axis, dim)

    def min(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Smallest over event axes, or over plates by name."""
        return _reduce("min", self, axis, dim)

    def all(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Whether all are true."""
        return _reduce("all", self, axis, dim)

    def any(self, axis: Any = None, *, dim: Any = None) -> Expr:
        """Whether any is true."""
        return _reduce("any", self, axis, dim)

    # -- numpy's protocols ----------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Expr:
        from gendsl.lang.numpy_functions import from_numpy

        return from_numpy(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Expr:
        from gendsl.lang.numpy_functions import from_numpy

        return from_numpy(func, "__call__", args, kwargs)


Value = Expr | float | int | bool | np.ndarray | Sequence[Any]
"""What an operation takes: an expression, a number, or an array of numbers."""


def _reduce(name: str, x: Expr, axis: Any, dim: Any) -> Expr:
    from gendsl.lang.functions import reduce_

    return reduce_(name, x, axis, dim)


def innermost(values: Sequence[Any]) -> Builder | None:
    """The deepest builder among the expressions, to which the result belongs."""
    best: Builder | None = None
    depth = -1
    for v in values:
        if isinstance(v, Expr):
            d, b = 0, v.builder.parent
            while b is not None:
                d, b = d + 1, b.parent
            if d > depth:
                best, depth = v.builder, d
    return best


def apply(op: str, *values: Value, builder: Builder | None = None, where: Location | None = None, **attrs: Any) -> Expr:
    """Add an operation on expressions and constants, and return its expression."""
    builder = builder or innermost(values)
    for v in values:
        if not isinstance(v, Expr):
            _plain(v, op)
    if builder is None:
        raise ModelError(
            f"{op} has no expression among its arguments",
            given=", ".join(type(v).__name__ for v in values) or "nothing",
            fix="use numpy for plain numbers",
            where=caller(),
        )
    args = [builder.lift(v) if isinstance(v, Expr) else builder.constant(_plain(v, op)) for v in values]
    return Expr(builder, builder.append(op, args, attrs, where=where))


def _plain(value: Any, op: str) -> Any:
    """Refuse what looks like a value but is none, with a hint."""
    from gendsl.lang.distributions.base import Distribution
    from gendsl.lang.plates import Axis, Plate

    if isinstance(value, Distribution):
        raise ModelError(
            f"{op} needs a value, not a distribution",
            given=repr(value),
            needed="a draw of it",
            fix='name it first: x = m.latent("x", ...)',
            where=caller(),
        )
    if isinstance(value, (Plate, Axis)):
        uses = f"{value.name}.index (0, 1, ... along it) or {value.name}.size"
        raise ModelError(
            f"{op} needs a value, not a plate or an axis",
            given=repr(value),
            needed="an expression or a number",
            fix=f"use {uses if isinstance(value, Plate) else f'{value.name}.size'}",
            where=caller(),
        )
    if isinstance(value, (list, tuple)) and any(isinstance(v, Expr) for v in value):
        raise ModelError(
            "a list of expressions is not a value",
            given=f"a list of {len(value)}",
            fix="use gd.stack([...])",
            where=caller(),
        )
    return value


def truth(op: str, *values: Value) -> Expr:
    """A logical operation written as `&`, `|`, `^` or `~`, which on numbers would be bitwise."""
    for v in values:
        if (v.dtype is not DType.BOOL) if isinstance(v, Expr) else np.asarray(v).dtype.kind != "b":
            raise ModelError(
                "&, |, ^ and ~ are logical and need booleans",
                given=repr(v)[:120],
                needed="boolean values",
                fix="compare first, in parentheses: (x > 0) & (y > 0)",
                where=caller(),
            )
    return apply(op, *values)


def as_expr(value: Value, builder: Builder) -> Expr:
    """A value as an expression of this builder."""
    if isinstance(value, Expr):
        return Expr(builder, builder.lift(value))
    return Expr(builder, builder.constant(_plain(value, "an expression")))


def same(a: Expr, b: Expr) -> bool:
    """Whether two expressions are the same node of the same graph."""
    return isinstance(a, Expr) and isinstance(b, Expr) and a.builder is b.builder and a.node == b.node
