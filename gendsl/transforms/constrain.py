"""Fixed transforms onto supports: the last of a flow, where data are positive or lie in an interval.

    Exp, Softplus   onto (0, inf)
    Sigmoid         onto (0, 1)
    Scale           y = loc + scale x

`onto(constraint)` is the transforms that end at a support, as the engines map it: exp where one end is finite, sigmoid
where both are. A density carried by them is zero outside, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gendsl.errors import ModelError, caller
from gendsl.graph.constraints import Circular, Constraint, Interval, positive
from gendsl.math.flows import constrain
from gendsl.networks.layers import Array, Layers, Values
from gendsl.transforms.base import Pair, Transform

__all__ = ["Exp", "Scale", "Sigmoid", "Softplus", "onto"]


@dataclass(frozen=True, kw_only=True, repr=False)
class _Fixed(Transform):
    def _maps(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Forward and inverse of one element."""
        raise NotImplementedError

    def _args(self) -> tuple[float, ...]:
        return ()

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """y and log|dy/dx|."""
        y, ladj = self._maps()[0](nn.ops, x, *self._args())
        return y, nn.ops.sum(ladj, -1)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """x and log|dx/dy|, which is -inf outside the support."""
        x, ladj = self._maps()[1](nn.ops, y, *self._args())
        return x, nn.ops.sum(ladj, -1)


@dataclass(frozen=True, repr=False)
class Exp(_Fixed):
    """y = exp(x), onto the positive numbers."""

    def _maps(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return constrain.exp_forward, constrain.exp_inverse

    def image(self, domain: Constraint) -> Constraint:
        """(0, inf)."""
        super().image(domain)
        return positive


@dataclass(frozen=True, repr=False)
class Softplus(_Fixed):
    """y = log(1 + exp(x)), onto the positive numbers; far from 0 it is the identity."""

    def _maps(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return constrain.softplus_forward, constrain.softplus_inverse

    def image(self, domain: Constraint) -> Constraint:
        """(0, inf)."""
        super().image(domain)
        return positive


@dataclass(frozen=True, repr=False)
class Sigmoid(_Fixed):
    """y = 1 / (1 + exp(-x)), onto (0, 1)."""

    def _maps(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return constrain.sigmoid_forward, constrain.sigmoid_inverse

    def image(self, domain: Constraint) -> Constraint:
        """(0, 1)."""
        super().image(domain)
        return Interval(0.0, 1.0)


@dataclass(frozen=True, repr=False)
class Scale(_Fixed):
    """y = loc + scale x, with fixed numbers.

    Args:
        loc: where 0 goes.
        scale: not 0; negative turns the line round.

    Raises:
        ModelError: if a value is not what it should be.
    """

    loc: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("loc", "scale"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                self._refuse(f"{name} is a finite number", f"{name}={value!r}", "a number", f"{name}=1.0")
            self._set(name, float(value))
        if self.scale == 0.0:
            self._refuse("a map that can be inverted does not shrink to a point", "scale=0.0", "not 0", "scale=1.0")

    def _maps(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return constrain.affine_forward, constrain.affine_inverse

    def _args(self) -> tuple[float, ...]:
        return self.loc, self.scale

    def image(self, domain: Constraint) -> Constraint:
        """The interval, moved and stretched."""
        if not isinstance(domain, Interval) or domain.dynamic:
            super().image(domain)
            return domain
        low, high = (self.loc + self.scale * b if isinstance(b, float) else None for b in (domain.lower, domain.upper))
        first, last = domain.closed
        return Interval(low, high, (first, last)) if self.scale > 0 else Interval(high, low, (last, first))


def onto(support: Constraint) -> tuple[Transform, ...]:
    """The transforms from the real line onto a support; none where that is the line.

    Args:
        support: an interval with numbers as bounds.

    Raises:
        ModelError: if it is no such interval.
    """
    if isinstance(support, Circular):
        support = Interval(-math.pi, math.pi)
    if not isinstance(support, Interval) or support.dynamic:
        raise ModelError(
            "a flow's elements lie on the line or in a fixed interval",
            given=str(support),
            needed="for example gd.real, gd.positive or gd.unit_interval",
            where=caller(),
        )
    low, high = support.lower, support.upper
    if not isinstance(low, float) and not isinstance(high, float):
        return ()
    if isinstance(low, float) and isinstance(high, float):
        return (Sigmoid(), *_scaled(low, high - low))
    return (Exp(), *(_scaled(low, 1.0) if isinstance(low, float) else _scaled(float(high or 0.0), -1.0)))  # type: ignore[arg-type]


def _scaled(loc: float, scale: float) -> tuple[Transform, ...]:
    return () if (loc, scale) == (0.0, 1.0) else (Scale(loc, scale),)
