"""What is to be said of draws in numbers: of points beside other points, and of images beside digits."""

from __future__ import annotations

import numpy as np

from gendsl_models import digits, toys

__all__ = ["Judged", "judge_digits", "judge_eight", "sliced_distance"]

Judged = tuple[dict[str, str], bool]
"""Figures in words by name, and whether they are what they should be."""

_DIRECTIONS, _LEVELS = 32, 1_000


def sliced_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The sliced Wasserstein distance of two clouds (n, 2): the mean over directions of that of their shadows.

    Reference:
        Wasserstein Barycenter and its Application to Texture Mixing (Rabin, Peyre, Delon, Bernot, 2011) |
        https://doi.org/10.1007/978-3-642-24785-9_37
    """
    angle = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    direction = np.stack([np.cos(angle), np.sin(angle)])
    level = (np.arange(_LEVELS) + 0.5) / _LEVELS
    gaps = np.quantile(x @ direction, level, axis=0) - np.quantile(y @ direction, level, axis=0)
    return float(np.abs(gaps).mean())


def judge_eight(x: np.ndarray) -> Judged:
    """Of points (n, 2): whether all eight Gaussians have about an eighth of them, and how many lie at none."""
    mode, deviations = toys.nearest(x)
    near = deviations < 2.0
    share = np.bincount(mode[near], minlength=8) / len(x)
    words = {
        "within 2 standard deviations of a mode": f"{near.mean():.3f} (of the data 0.865)",
        "of each of the 8 modes": f"{share.min():.3f} to {share.max():.3f} (of the data 0.108)",
    }
    return words, bool(share.min() > 0.05 and share.max() < 0.2 and near.mean() > 0.7)


def judge_digits(x: np.ndarray, learnt: np.ndarray, held_out: np.ndarray) -> Judged:
    """Of images: how near they are to those that were learnt from, and which digits the nearest ones show.

    Args:
        x: what was drawn, (n, 64).
        learnt: `digits.images` as the model was given them, (image, 64).
        held_out: others, in the same way.
    """
    at, distance = _nearest(x, learnt)
    own = _nearest(held_out, learnt)[1]
    count = np.bincount(digits.labels()[at], minlength=10)
    words = {
        "digits 0 to 9 among the samples": ", ".join(map(str, count)),
        "distance to the nearest image learnt": f"{distance.mean():.2f} (of held-out images {own.mean():.2f})",
    }
    return words, bool(count.min() > 0 and distance.mean() < 1.5 * own.mean())


def _nearest(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row of x the nearest row of y, and its distance."""
    square = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2.0 * x @ y.T
    at = square.argmin(1)
    return at, np.sqrt(np.maximum(square.min(1), 0.0))
