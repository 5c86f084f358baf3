"""Objectives of energies, as specs over gendsl/math/energy: each draws its noise first and is then evaluated on it.

References:
    Estimation of Non-Normalized Statistical Models by Score Matching (Hyvarinen, 2005) |
    https://jmlr.org/papers/v6/hyvarinen05a.html
    Sliced Score Matching (Song, Garg, Shi, Ermon, 2019) | https://arxiv.org/abs/1905.07088
    A Connection Between Score Matching and Denoising Autoencoders (Vincent, 2011) | https://doi.org/10.1162/NECO_a_00142
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from gendsl.graph.node import Graph
from gendsl.math.energy import denoising, implicit, score, sliced
from gendsl.math.energy.score import Energy
from gendsl.math.probes import Probe, directions
from gendsl.objectives.base import register
from gendsl.objectives.game import Loss, State
from gendsl.objectives.unnormalised import EnergyObjective

__all__ = ["ImplicitScoreMatching", "Probe", "ScoreMatching", "SlicedScoreMatching", "SmoothedScoreMatching"]

Array = Any
Noise = dict[str, Array]


@dataclass(frozen=True, kw_only=True, repr=False)
class ScoreMatching(EnergyObjective):
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

    def move(self, ops: Any, energy: Energy, frozen: Energy, x: Array, noise: Noise, state: State) -> Loss:
        """The mean of the rows' losses."""
        return Loss(ops.mean(self.loss(ops, energy, x, noise)))


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class ImplicitScoreMatching(ScoreMatching):
    """Score matching with the exact trace of the score's Jacobian: a derivative for each element of an event."""

    purpose: ClassVar[str] = "an energy, by the score of its data"

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """tr ds/dx + |s|^2 / 2 of each row, (n,)."""
        return implicit(ops, score(ops, energy), x, x.ndim - 1)


@register
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

    purpose: ClassVar[str] = "an energy, by the score of its data along random directions"

    projections: int = 1
    probe: Probe = Probe.SIGN
    variance_reduced: bool = True

    @classmethod
    def turn(cls, graph: Graph) -> int | None:
        """After likelihoods, which an energy has not."""
        return 3

    def __post_init__(self) -> None:
        self._count("projections")
        self._choice("probe", Probe)
        self._flag("variance_reduced")

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """{"probes": (projections, n, *event)}."""
        return {"probes": directions(ops, self.probe, key, (self.projections, *x.shape), x)}

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """The estimate of each row, (n,); unbiased for that of `ImplicitScoreMatching`."""
        probes, reduced = noise["probes"], self.variance_reduced
        return sliced(ops, score(ops, energy), x, probes, x.ndim - 1, variance_reduced=reduced)


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class SmoothedScoreMatching(ScoreMatching):
    """Denoising at one level: fits the score of the data smoothed by N(0, sigma^2 I), and needs no second derivative.

    Args:
        sigma: standard deviation of the noise. The less, the nearer the data's own density, and the more variance.

    Raises:
        ModelError: if sigma is no positive number.
    """

    purpose: ClassVar[str] = "an energy, by the score of its data with noise"

    sigma: float

    def __post_init__(self) -> None:
        self._number("sigma", 0.0)

    @classmethod
    def usual(cls) -> Self:
        """One level for all."""
        return cls(sigma=0.1)

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """{"eps": (n, *event)}."""
        return {"eps": ops.normal(key, x.shape, like=x)}

    def loss(self, ops: Any, energy: Energy, x: Array, noise: Noise) -> Array:
        """|s(x + sigma e) + e / sigma|^2 / 2 of each row, (n,)."""
        return denoising(ops, score(ops, energy), x, noise["eps"], self.sigma, x.ndim - 1)
