"""Where chains start, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gendsl.errors import ModelError, caller

__all__ = ["Given", "Init", "Uniform"]


@dataclass(frozen=True)
class Init:
    """A way to start. Points depend on the seed and the chain alone, so both backends start from the same ones."""


@dataclass(frozen=True)
class Uniform(Init):
    """Each unconstrained number is uniform on (-radius, radius), once density and gradient are finite there.

    Args:
        radius: 0 starts all chains at the same point.
    """

    radius: float = 2.0

    def __post_init__(self) -> None:
        if isinstance(self.radius, bool) or not isinstance(self.radius, (int, float)) or not self.radius >= 0:
            raise ModelError(
                "Uniform: radius is a distance",
                given=repr(self.radius),
                needed="a nonnegative number, such as 2.0",
                where=caller(),
            )


@dataclass(frozen=True)
class Given(Init):
    """Starts at given values of latents; latents that are not given start as in `Uniform`.

    Args:
        values: latent -> its value (dims, then event axes), one for all chains.
        jitter: half the width of a uniform perturbation of the unconstrained values, different in each chain.
    """

    values: Mapping[str, Any] = field(hash=False)
    jitter: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping) or not all(isinstance(k, str) for k in self.values):
            raise ModelError(
                "Given: values are given by the names of latents",
                given=repr(self.values)[:100],
                needed='a dict, such as {"mu": 0.5}',
                where=caller(),
            )
        if isinstance(self.jitter, bool) or not isinstance(self.jitter, (int, float)) or not self.jitter >= 0:
            raise ModelError(
                "Given: jitter is a distance", given=repr(self.jitter), needed="a nonnegative number", where=caller()
            )
