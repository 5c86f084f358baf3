"""Score matching over `ops`: a score s is fitted to data without the normalising constant, by rows.

The Fisher divergence E_p |s - grad log p|^2 / 2 is, up to a constant of p,

    implicit     E [ tr ds/dx + |s|^2 / 2 ],
    sliced       E [ v' (ds/dx) v + (v' s)^2 / 2 ]   with E[v v'] = I; with less variance, |s|^2 in place of (v' s)^2,
    denoising    E |s(x + sigma e) + e / sigma|^2 / 2,   e ~ N(0, I): the divergence from p smoothed by N(0, sigma^2 I).

The first is exact and takes a derivative for each element of an event, the second one for each projection v, the third
none, but it fits the smoothed density: for a Gaussian of covariance S its minimum is -(S + sigma^2 I)^-1 (x - m).

References:
    Estimation of Non-Normalized Statistical Models by Score Matching (Hyvarinen, 2005) |
    https://jmlr.org/papers/v6/hyvarinen05a.html
    A Connection Between Score Matching and Denoising Autoencoders (Vincent, 2011) | https://doi.org/10.1162/NECO_a_00142
    Sliced Score Matching (Song, Garg, Shi, Ermon, 2019) | https://arxiv.org/abs/1905.07088
"""

from __future__ import annotations

from typing import Any

from gendsl.math.diffusion.trace import exact_divergence, hutchinson
from gendsl.math.energy.score import Score
from gendsl.math.events import norm_sq, over_event

__all__ = ["denoising", "implicit", "sliced"]

Array = Any


def implicit(ops: Any, score: Score, x: Array, rank: int = 1) -> Array:
    """tr ds/dx + |s|^2 / 2 of each row, (*batch).

    Args:
        ops: array functions.
        score: s.
        x: data, (*batch, *event).
        rank: event axes.
    """
    s, divergence = exact_divergence(ops, score, x, rank)
    return divergence + 0.5 * norm_sq(ops, s, x.ndim - rank)


def sliced(ops: Any, score: Score, x: Array, probes: Array, rank: int = 1, *, variance_reduced: bool = True) -> Array:
    """v' (ds/dx) v + |s|^2 / 2, or + (v' s)^2 / 2, of each row, averaged over the projections, (*batch).

    Args:
        ops: array functions.
        score: s.
        x: data, (*batch, *event).
        probes: v, of mean zero and covariance I, such as signs: (k, *batch, *event).
        rank: event axes.
        variance_reduced: |s|^2, which is E (v' s)^2, in place of (v' s)^2.
    """
    s, curvature = hutchinson(ops, score, x, probes, rank)
    batch = x.ndim - rank
    if variance_reduced:
        return ops.mean(curvature, 0) + 0.5 * norm_sq(ops, s, batch)
    return ops.mean(curvature + 0.5 * ops.square(over_event(ops, probes * s, batch + 1)), 0)


def denoising(ops: Any, score: Score, x: Array, noise: Array, sigma: float, rank: int = 1) -> Array:
    """|s(x + sigma e) + e / sigma|^2 / 2 of each row, (*batch).

    Args:
        ops: array functions.
        score: s.
        x: data, (*batch, *event).
        noise: e, standard normal, like x.
        sigma: standard deviation of the noise that is added; positive.
        rank: event axes.
    """
    return 0.5 * norm_sq(ops, score(x + sigma * noise) + noise / sigma, x.ndim - rank)
