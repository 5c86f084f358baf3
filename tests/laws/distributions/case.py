"""What a case of the distribution law is.

A case is one family (in one form) at three settings of its parameters. Everything the law needs follows from it: the
points where the density is evaluated, an independent density and cdf, and the points outside the support.

A univariate density is integrated by the trapezoidal rule in u, which converges exponentially:

    half line   x = low + width exp(u)
    real line   two half lines that meet in `center`, where a density may have a kink
    interval    x = low + (high - low) sigmoid(u)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.graph.families import FAMILIES

__all__ = ["HALF", "POINTS", "SETTINGS", "Case", "Counted", "Domain", "Many", "rows"]

SETTINGS = 3
HALF = 340  # nodes on a half line
OUTSIDE = 6
POINTS = 2 * HALF + OUTSIDE  # one shape for all univariate cases: jax then compiles each operation once

Row = SimpleNamespace


@dataclass(frozen=True, eq=False)
class Domain:
    """Where a univariate density lives."""

    low: float = -np.inf
    high: float = np.inf
    center: float = 0.0
    width: float = 1.0

    def _grid(self, count: int) -> tuple[np.ndarray, float]:
        return np.linspace(-32.0, 36.0, count, retstep=True)  # type: ignore[return-value]

    def nodes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nodes, weights, and how far a node is from the middle, in u: 10 is very near a boundary or very far out."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            u, step = np.linspace(-34.0, 34.0, 2 * HALF, retstep=True)
            s = 1.0 / (1.0 + np.exp(-u))
            x = np.where(
                u < 0, self.low + (self.high - self.low) * s, self.high - (self.high - self.low) / (1 + np.exp(u))
            )
            return x, step * (self.high - self.low) * s / (1 + np.exp(u)), np.abs(u) / 1.4
        if np.isfinite(self.low) or np.isfinite(self.high):
            u, step = self._grid(2 * HALF)
            side = 1.0 if np.isfinite(self.low) else -1.0
            start = self.low if side > 0 else self.high
            return start + side * self.width * np.exp(u), step * self.width * np.exp(u), np.abs(u + 4)
        u, step = self._grid(HALF)
        x = np.concatenate([self.center - self.width * np.exp(u[::-1]), self.center + self.width * np.exp(u)])
        weight = step * self.width * np.exp(np.concatenate([u[::-1], u]))
        return x, weight, np.concatenate([np.abs(u[::-1] + 4), np.abs(u + 4)])

    def outside(self) -> np.ndarray:
        """Points outside; none for the real line."""
        gaps = np.array([1e-6, 0.5, 1e3])
        out = [self.low - gaps] if np.isfinite(self.low) else []
        out += [self.high + gaps] if np.isfinite(self.high) else []
        return np.concatenate(out) if out else np.zeros(0)


@dataclass(frozen=True, eq=False)
class Case:
    """One family at several settings.

    Attributes:
        family: its name in the registry.
        form: what distinguishes it from the other cases of the family.
        params: each parameter's value at each setting.
        make: the distribution from its parameters; by default the family's class.
        oracle: an independent distribution of one setting, with `logpdf` (or `logpmf`) and perhaps `cdf`.
        latent: whether it may be the prior of a latent.
        tolerance: by how much densities may differ, relative to 1 + |log p|.
        oracle_tolerance: the same for the oracle.
        gradient_tolerance: the same for gradients.
        single_tolerance: the same between single and double precision.
        stackable: whether parameters may have an independent event axis.
    """

    family: str
    params: Mapping[str, Any]
    form: str = ""
    make: Callable[..., gd.Distribution] | None = None
    oracle: Callable[[Row], Any] | None = None
    latent: bool = True
    stackable: bool = True
    tolerance: float = 1e-9
    oracle_tolerance: float = 1e-9
    gradient_tolerance: float = 1e-8
    single_tolerance: float = 1e-4

    def __str__(self) -> str:
        return f"{self.family}-{self.form}" if self.form else self.family

    @property
    def time(self) -> int:
        """Length of the plate that the distribution runs over; 0 where there is none."""
        return 0

    def build(self, p: Mapping[str, Any], *plate: gd.Plate) -> gd.Distribution:
        """The distribution with these parameters: numbers, arrays or expressions."""
        if self.make is not None:
            return self.make(Row(**p), *plate)
        out: gd.Distribution = getattr(gd, self.family)(**p)
        return out

    def setting(self, k: int) -> dict[str, np.ndarray]:
        """The parameters of one setting."""
        return {name: np.asarray(value[k]) for name, value in self.params.items()}

    def stacked(self) -> dict[str, np.ndarray]:
        """All settings, on the leading axis."""
        return {name: np.stack([np.asarray(v) for v in value]) for name, value in self.params.items()}

    def whole(self, name: str) -> bool:
        """Whether a parameter counts."""
        return any(q.name == name and q.integer for q in FAMILIES[self.family].params)

    @property
    def discrete(self) -> bool:
        return False

    def points(self) -> np.ndarray:
        """Points inside the support: (setting, point, *event)."""
        raise NotImplementedError

    def depth(self) -> np.ndarray:
        """How far the points are from the middle, (setting, point): 10 is very near a boundary or very far out."""
        return np.zeros(self.points().shape[:2])

    def outside(self) -> np.ndarray:
        """Points outside the support: (setting, point, *event), perhaps none."""
        return self.points()[:, :0]


@dataclass(frozen=True, eq=False)
class One(Case):
    """A univariate continuous family."""

    domain: Callable[[Row], Domain] = field(default=lambda p: Domain())

    def points(self) -> np.ndarray:
        return np.stack([self.domain(p).nodes()[0] for p in rows(self)])

    def weights(self) -> np.ndarray:
        return np.stack([self.domain(p).nodes()[1] for p in rows(self)])

    def depth(self) -> np.ndarray:
        return np.stack([self.domain(p).nodes()[2] for p in rows(self)])

    def outside(self) -> np.ndarray:
        return np.stack([self.domain(p).outside() for p in rows(self)])


@dataclass(frozen=True, eq=False)
class Counted(Case):
    """A univariate discrete family on 0, 1, ..., `last`."""

    latent: bool = False
    last: Callable[[Row], float] = field(default=lambda p: np.inf)

    @property
    def discrete(self) -> bool:
        return True

    def points(self) -> np.ndarray:
        k = np.arange(2 * HALF)
        return np.stack([np.minimum(k, self.last(p)).astype(int) for p in rows(self)])

    def weights(self) -> np.ndarray:
        """1 at each point once."""
        x = self.points()
        return np.concatenate([np.ones((SETTINGS, 1)), np.diff(x, axis=1)], 1)

    def outside(self) -> np.ndarray:
        over = [[last + 1, last + 4] if np.isfinite(last := self.last(p)) else [-3, -4] for p in rows(self)]
        return np.concatenate([np.full((SETTINGS, 2), [-1, -2]), np.array(over)], 1).astype(int)


@dataclass(frozen=True, eq=False)
class Many(Case):
    """A family of vectors or matrices.

    Attributes:
        inside: points inside the support at one setting, (point, *event).
        beyond: points outside, (point, *event).
        checks: identities that draws satisfy at one setting; see draws.py.
    """

    inside: Callable[[Row], np.ndarray] = field(default=lambda p: np.zeros((0, 0)))
    beyond: Callable[[Row], np.ndarray] | None = None
    checks: Callable[[Row, np.ndarray], Any] | None = None
    counts: bool = False
    length: int = 0

    @property
    def time(self) -> int:
        return self.length

    @property
    def discrete(self) -> bool:
        return self.counts

    def points(self) -> np.ndarray:
        return np.stack([self.inside(p) for p in rows(self)])

    def outside(self) -> np.ndarray:
        if self.beyond is None:
            return super().outside()
        return np.stack([self.beyond(p) for p in rows(self)])


def rows(case: Case) -> list[Row]:
    """The settings one by one."""
    return [Row(**case.setting(k)) for k in range(SETTINGS)]
