"""Where chains start, as data; `gendsl.methods.start` finds the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.namespace import namespace

__all__ = ["Given", "Init", "Prior", "Uniform"]


@dataclass(frozen=True)
class Init:
    """A way to choose starting points. They depend on the seed and the chains alone, not on the backend's sampler."""


@dataclass(frozen=True)
class Uniform(Init):
    """Uniform on (-radius, radius) in the unconstrained space.

    Coefficients of a linear predictor are drawn in the coordinates of its design, where the posterior is about standard
    (`whiten` of the methods).

    Args:
        radius: positive.
        candidates: points that are drawn for each chain. Those from which an ascent leads to a mode far below that of
            the others are left out, and the chain starts at the first that is not (gendsl/methods/basins.py). With 1,
            or a warmup of less than 100 iterations, points are taken as they come.

    Raises:
        ModelError: if the radius is not a positive number, or candidates no positive integer.
    """

    radius: float = 2.0
    candidates: int = 3

    def __post_init__(self) -> None:
        n = self.candidates
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise ModelError(
                "gd.init.Uniform: candidates is a positive integer",
                given=repr(n)[:80],
                needed="1 or more",
                fix="for example 3",
                where=caller(),
            )
        object.__setattr__(self, "candidates", int(n))
        object.__setattr__(self, "radius", _number("gd.init.Uniform: radius", self.radius, zero=False, usual="2.0"))


@dataclass(frozen=True)
class Prior(Init):
    """Draws from the prior, which must be proper."""


@dataclass(frozen=True, eq=False)
class Given(Init):
    """Constrained values of latents, by name; the latents that are not named start as in `Uniform(2.0)`.

    Args:
        values: latent -> (*dims, *event) for all chains alike, or (chain, *dims, *event).
        jitter: what is given is moved by Uniform(-jitter, jitter) in the unconstrained space.

    Raises:
        ModelError: if a value is not an array of finite numbers, or the jitter is negative.
    """

    values: Mapping[str, Any]
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping) or not self.values:
            raise ModelError(
                "gd.init.Given: values are given by the latents' names",
                given=repr(self.values)[:80],
                needed="a dict of numbers or arrays",
                fix='gd.init.Given({"mu": 0.0})',
                where=caller(),
            )
        frozen = {str(k): _finite(str(k), v) for k, v in self.values.items()}
        object.__setattr__(self, "values", MappingProxyType(frozen))
        object.__setattr__(self, "jitter", _number("gd.init.Given: jitter", self.jitter, zero=True, usual="0.1"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        return Given, (dict(self.values), self.jitter)  # a read-only view cannot be sent to another process

    def _key(self) -> tuple[Any, ...]:
        return self.jitter, tuple((k, v.shape, v.tobytes()) for k, v in sorted(self.values.items()))


def _finite(name: str, value: Any) -> np.ndarray:
    try:
        x = np.array(value, np.float64)
    except (TypeError, ValueError):
        x = np.array(np.nan)
    if not np.isfinite(x).all():
        raise ModelError(
            "gd.init.Given: a starting value is not finite",
            node=name,
            given=repr(value)[:80],
            needed="a number, or an array of numbers of one shape",
            fix=f'gd.init.Given({{"{name}": 0.0}})',
            where=caller(),
        )
    x.flags.writeable = False
    return x


def _number(what: str, value: Any, *, zero: bool, usual: str) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ModelError(
            f"{what} is a {'nonnegative' if zero else 'positive'} number",
            given=repr(value)[:80],
            needed="a nonnegative number" if zero else "a positive number",
            fix=f"for example {usual}",
            where=caller(),
        )
    return float(value)


if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.init", __all__)
