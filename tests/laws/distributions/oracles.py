"""Densities and cdfs that scipy lacks, from their formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

__all__ = ["Circle", "Concrete", "Folded", "Inflated", "Kumaraswamy", "Mass", "Mixed", "Scaled"]


@dataclass(frozen=True)
class Kumaraswamy:
    """F(x) = 1 - (1 - x^a)^b."""

    a: float
    b: float

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        inside = np.log(-np.expm1(self.a * np.log(x)))
        return np.log(self.a * self.b) + (self.a - 1) * np.log(x) + (self.b - 1) * inside

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return -np.expm1(self.b * np.log(-np.expm1(self.a * np.log(x))))


@dataclass(frozen=True)
class Concrete:
    """x = sigmoid((logits + logistic noise) / temperature): F(x) = sigmoid(temperature logit(x) - logits)."""

    temperature: float
    logits: float

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        z = self.temperature * special.logit(x) - self.logits
        slope = np.log(self.temperature) - np.log(x) - np.log1p(-x)
        return special.log_expit(z) + special.log_expit(-z) + slope

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return special.expit(self.temperature * special.logit(x) - self.logits)


@dataclass(frozen=True)
class Mass:
    """Probabilities of 0, 1, ..."""

    probs: np.ndarray

    def logpmf(self, k: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(self.probs)[k]


@dataclass(frozen=True)
class Inflated:
    """0 with probability gate, else a draw of base."""

    base: Any
    gate: float

    def logpmf(self, k: np.ndarray) -> np.ndarray:
        out = np.log1p(-self.gate) + self.base.logpmf(k)
        return np.where(k == 0, np.logaddexp(np.log(self.gate), out), out)


@dataclass(frozen=True)
class Folded:
    """|x| of a draw of base."""

    base: Any

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return np.logaddexp(self.base.logpdf(x), self.base.logpdf(-x))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.cdf(x) - self.base.cdf(-x)


@dataclass(frozen=True)
class Mixed:
    """sum_k weights[k] p_k(x)."""

    weights: np.ndarray
    parts: tuple[Any, ...]

    def _terms(self, name: str, x: np.ndarray) -> np.ndarray:
        terms = [np.log(w) + getattr(p, name)(x) for w, p in zip(self.weights, self.parts, strict=True)]
        return np.logaddexp.reduce(terms)

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return self._terms("logpdf", x)

    def logpmf(self, x: np.ndarray) -> np.ndarray:
        return self._terms("logpmf", x)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return sum(w * p.cdf(x) for w, p in zip(self.weights, self.parts, strict=True))


@dataclass(frozen=True)
class Circle:
    """A von Mises on [-pi, pi]; scipy's cdf runs along the whole line."""

    loc: float
    concentration: float

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return stats.vonmises(self.concentration, self.loc).logpdf(x)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        line = stats.vonmises(self.concentration, self.loc)
        return line.cdf(x) - line.cdf(-np.pi)


@dataclass(frozen=True)
class Scaled:
    """The log-density of base times a mask; draws are those of base."""

    base: Any
    mask: bool

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.logpdf(x) if self.mask else np.zeros(np.shape(x))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.cdf(x)
