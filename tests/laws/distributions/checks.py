"""What draws are held to: Kolmogorov-Smirnov, chi-square, and means within four standard errors.

The thresholds are fixed (p > 1e-4), and so are the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Check", "Frequencies", "Mean", "Ranks", "frequencies"]

LEVEL = 1e-4


class Check:
    """One statement about draws."""

    def run(self) -> str:
        """What is wrong; empty if nothing."""
        raise NotImplementedError


@dataclass(frozen=True)
class Ranks(Check):
    """Values of a cdf at draws from it: uniform on [0, 1]."""

    name: str
    values: np.ndarray

    def run(self) -> str:
        u = np.ravel(self.values)
        p = stats.kstest(u, "uniform", method="asymp").pvalue
        return (
            "" if p > LEVEL and np.isfinite(u).all() else f"{self.name}: KS p = {p:.2g}, median rank {np.median(u):.3f}"
        )


@dataclass(frozen=True)
class Frequencies(Check):
    """How often each class was drawn, and how often it was to be expected."""

    name: str
    seen: np.ndarray
    expected: np.ndarray

    def run(self) -> str:
        enough = self.expected >= 5
        seen = np.append(self.seen[enough], self.seen[~enough].sum())
        expected = np.append(self.expected[enough], self.expected[~enough].sum())
        if expected[-1] < 5:  # too few are left over: they join the smallest class
            k = int(np.argmin(expected[:-1]))
            seen[k], expected[k] = seen[k] + seen[-1], expected[k] + expected[-1]
            seen, expected = seen[:-1], expected[:-1]
        gap = ((seen - expected) ** 2 / expected).sum()
        p = stats.chi2.sf(gap, max(len(seen) - 1, 1))
        return (
            ""
            if p > LEVEL
            else f"{self.name}: chi-square p = {p:.2g}, seen {seen[:6]}, expected {expected[:6].round(1)}"
        )


@dataclass(frozen=True)
class Mean(Check):
    """The mean of values, (draw, ...), within four standard errors and an absolute cap."""

    name: str
    values: np.ndarray
    expected: np.ndarray | float
    cap: float = 0.1

    def run(self) -> str:
        mean, sd = self.values.mean(0), self.values.std(0)
        error = np.abs(mean - self.expected)
        scale = np.maximum(np.abs(self.expected), sd)
        wrong = (error > 4 * sd / np.sqrt(len(self.values)) + 1e-12) | (error > self.cap * np.maximum(scale, 1e-12))
        return f"{self.name}: mean {mean}, expected {self.expected}" if np.any(wrong) else ""


def frequencies(name: str, draws: np.ndarray, probs: np.ndarray) -> Frequencies:
    """Counts 0, 1, ... against their probabilities; what lies beyond the table is one class."""
    n = len(probs)
    seen = np.bincount(np.minimum(draws.astype(int), n), minlength=n + 1).astype(float)
    expected = len(draws) * np.append(probs, max(0.0, 1.0 - probs.sum()))
    return Frequencies(name, seen, expected)
