"""Covariance kernels of Gaussian processes: k(x, x') of two inputs over plates i and i'.

    SquaredExponential: s^2 exp(-r^2 / (2 l^2))
    Matern(nu):         s^2 times the polynomial of order nu - 1/2 in sqrt(2 nu) r / l, times exp(-sqrt(2 nu) r / l)
    Periodic:           s^2 exp(-2 sin^2(pi |x - x'| / period) / l^2)
    Linear:             s^2 (x - c) . (x' - c)

with r the Euclidean distance, s `scale`, l `length`. Kernels add and multiply.

Reference:
    Gaussian Processes for Machine Learning (Rasmussen, Williams, 2006), chapter 4 | http://gaussianprocess.org/gpml/
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gendsl.errors import ModelError, caller
from gendsl.lang import functions as f
from gendsl.lang.expr import Expr, Value
from gendsl.lang.positive import require_positive
from gendsl.namespace import namespace

__all__ = ["Kernel", "Linear", "Matern", "Periodic", "Product", "SquaredExponential", "Sum", "White"]


class Kernel:
    """A covariance function."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in ("scale", "length", "period"):
                require_positive(value, name, type(self).__name__)

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y), over the plates of both."""
        raise NotImplementedError

    def __add__(self, other: Kernel) -> Kernel:
        return Sum(self, _kernel(other))

    def __radd__(self, other: Kernel) -> Kernel:
        return Sum(_kernel(other), self)

    def __mul__(self, other: Kernel) -> Kernel:
        return Product(self, _kernel(other))

    def __rmul__(self, other: Kernel) -> Kernel:
        return Product(_kernel(other), self)

    def expressions(self) -> Iterator[Expr]:
        """The expressions among the parameters."""
        for value in vars(self).values():
            if isinstance(value, Expr):
                yield value
            elif isinstance(value, Kernel):
                yield from value.expressions()


def _kernel(k: object) -> Kernel:
    if isinstance(k, Kernel):
        return k
    raise ModelError(
        "kernels add to and multiply kernels",
        given=f"{type(k).__name__}: {k!r}"[:80],
        needed="a kernel",
        fix="the square root of a factor is the kernel's scale",
        where=caller(),
    )


def _squared_distance(x: Expr, y: Expr, length: Value) -> Expr:
    d = f.square((x - y) / length)
    return d.sum() if d.ndim else d


@dataclass(frozen=True, eq=False)
class SquaredExponential(Kernel):
    """s^2 exp(-r^2 / (2 l^2)): infinitely smooth."""

    scale: Value = 1.0
    length: Value = 1.0

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y)."""
        return self.scale * self.scale * f.exp(-0.5 * _squared_distance(x, y, self.length))  # type: ignore[operator, return-value]


@dataclass(frozen=True, eq=False)
class Matern(Kernel):
    """Matern of order nu = 1/2, 3/2 or 5/2."""

    nu: float = 1.5
    scale: Value = 1.0
    length: Value = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nu not in (0.5, 1.5, 2.5):
            raise ModelError(
                "Matern is available for nu = 0.5, 1.5 and 2.5",
                node="Matern",
                given=repr(self.nu),
                where=caller(),
            )

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y); the distance is kept off 0, where its square root has no derivative."""
        squared = _squared_distance(x, y, self.length)
        r = math.sqrt(2 * self.nu) * f.sqrt(f.maximum(squared, 1e-36))
        shape: Value = 1.0
        if self.nu == 1.5:
            shape = 1.0 + r
        elif self.nu == 2.5:
            shape = 1.0 + r + f.square(r) / 3.0
        return self.scale * self.scale * shape * f.exp(-r)  # type: ignore[operator, return-value]


@dataclass(frozen=True, eq=False)
class Periodic(Kernel):
    """s^2 exp(-2 sin^2(pi d / period) / l^2) of one input variable."""

    period: Value = 1.0
    scale: Value = 1.0
    length: Value = 1.0

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y)."""
        wave = f.square(f.sin(math.pi * (x - y) / self.period) / self.length)
        wave = wave.sum() if wave.ndim else wave
        return self.scale * self.scale * f.exp(-2.0 * wave)  # type: ignore[operator, return-value]


@dataclass(frozen=True, eq=False)
class Linear(Kernel):
    """s^2 (x - c) . (y - c)."""

    scale: Value = 1.0
    center: Value = 0.0

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y)."""
        product = (x - self.center) * (y - self.center)
        return self.scale * self.scale * (product.sum() if product.ndim else product)  # type: ignore[operator, return-value]


@dataclass(frozen=True, eq=False)
class White(Kernel):
    """s^2 where x = y, else 0.

    The noise of each element belongs in noise=: equal inputs share this one.
    """

    scale: Value = 1.0

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y)."""
        d = f.abs(x - y)
        d = d.sum() if d.ndim else d
        return self.scale * self.scale * f.to_float(d == 0.0)  # type: ignore[operator, return-value]


@dataclass(frozen=True, eq=False)
class Sum(Kernel):
    """k1 + k2."""

    first: Kernel
    second: Kernel

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y)."""
        return self.first(x, y) + self.second(x, y)


@dataclass(frozen=True, eq=False)
class Product(Kernel):
    """k1 k2."""

    first: Kernel
    second: Kernel

    def __call__(self, x: Expr, y: Expr) -> Expr:
        """k(x, y)."""
        return self.first(x, y) * self.second(x, y)


_OTHER = {"RBF": "SquaredExponential", "ExpQuad": "SquaredExponential", "WhiteNoise": "White"}
"""Names that other libraries have for these."""

if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.kernel", __all__, _OTHER)
