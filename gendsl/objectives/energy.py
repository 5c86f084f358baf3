"""Objectives of energies, as specs over gendsl/math/energy: each draws its noise first and is then evaluated on it.

References:
    Estimation of Non-Normalized Statistical Models by Score Matching (Hyvarinen, 2005) |
    https://jmlr.org/papers/v6/hyvarinen05a.html
    Sliced Score Matching (Song, Garg, Shi, Ermon, 2019) | https://arxiv.org/abs/1905.07088
    A Connection Between Score Matching and Denoising Autoencoders (Vincent, 2011) | https://doi.org/10.1162/NECO_a_00142
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gendsl.math.energy import denoising, implicit, score, sliced
from gendsl.math.energy.score import Energy
from gendsl.spec import Checked

__all__ = ["ImplicitScoreMatching", "Probe", "ScoreMatching", "SlicedScoreMatching", "SmoothedScoreMatching"]

Array = Any
Noise = dict[str, Array]


class Probe(StrEnum):
    """What directions are drawn from: SIGN, independent signs, has the least variance; NORMAL, standard normal."""

    SIGN = "sign"
    NORMAL = "normal"


@dataclass(frozen=True, kw_only=True, repr=False)
class ScoreMatching(Checked):
    """What the objectives that fit an energy's score share."""

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """The noise of a batch x (n, *event), as arrays."""
        return {}

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """The loss of each row, (n,).

        Args:
            ops: array functions.
            energy: E, (n, *event) -> (n,).
            x: data, (n, *event).
            noise: what `draw` gave.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, repr=False)
class ImplicitScoreMatching(ScoreMatching):
    """Score matching with the exact trace of the score's Jacobian: a derivative for each element of an event."""

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """tr ds/dx + |s|^2 / 2 of each row, (n,)."""
        return implicit(ops, score(ops, energy), x, x.ndim - 1)


@dataclass(frozen=True, kw_only=True, repr=False)
class SlicedScoreMatching(ScoreMatching):
    """Score matching along random directions: one derivative for each of them.

    Args:
        projections: directions for each row.
        probe: what they are drawn from.
        variance_reduced: use |s|^2, which is known, in place of its estimate along the directions.

    Raises:
        ModelError: if a value is not what it should be.
    """

    projections: int = 1
    probe: Probe = Probe.SIGN
    variance_reduced: bool = True

    def __post_init__(self) -> None:
        self._count("projections")
        self._choice("probe", Probe)
        self._flag("variance_reduced")

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """{"probes": (projections, n, *event)}."""
        kind = ops.rademacher if self.probe is Probe.SIGN else ops.normal
        return {"probes": kind(key, (self.projections, *x.shape), like=x)}

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """The estimate of each row, (n,); unbiased for that of `ImplicitScoreMatching`."""
        probes, reduced = noise["probes"], self.variance_reduced
        return sliced(ops, score(ops, energy), x, probes, x.ndim - 1, variance_reduced=reduced)


@dataclass(frozen=True, kw_only=True, repr=False)
class SmoothedScoreMatching(ScoreMatching):
    """Denoising at one level: fits the score of the data smoothed by N(0, sigma^2 I), and needs no second derivative.

    Args:
        sigma: standard deviation of the noise. The less, the nearer the data's own density, and the more variance.

    Raises:
        ModelError: if sigma is no positive number.
    """

    sigma: float

    def __post_init__(self) -> None:
        self._number("sigma", 0.0)

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """{"eps": (n, *event)}."""
        return {"eps": ops.normal(key, x.shape, like=x)}

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """|s(x + sigma e) + e / sigma|^2 / 2 of each row, (n,)."""
        return denoising(ops, score(ops, energy), x, noise["eps"], self.sigma, x.ndim - 1)
