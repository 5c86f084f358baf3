"""Univariate continuous families. Densities are stated in each docstring."""

from __future__ import annotations

import numpy as np

from gendsl.errors import ModelError
from gendsl.graph.constraints import (
    Constraint,
    Interval,
    circular,
    nonnegative,
    positive,
    real,
    unit_interval,
)
from gendsl.graph.families import Params
from gendsl.lang.distributions.base import Distribution, param
from gendsl.lang.expr import Value

__all__ = [
    "AsymmetricLaplace",
    "Beta",
    "Cauchy",
    "Chi2",
    "Exponential",
    "Gamma",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "InverseGamma",
    "Kumaraswamy",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Normal",
    "Pareto",
    "RelaxedBernoulli",
    "SoftLaplace",
    "StudentT",
    "TruncatedNormal",
    "Uniform",
    "VonMises",
    "Weibull",
]


class Normal(Distribution):
    """Normal: p(x) = exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi))."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class HalfNormal(Distribution):
    """|x| of a Normal(0, scale)."""

    scale: Value = param(positive, default=1.0)
    support = nonnegative


class LogNormal(Distribution):
    """exp(x) of a Normal(loc, scale)."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = positive


class Cauchy(Distribution):
    """Cauchy: p(x) = 1 / (pi scale (1 + ((x - loc) / scale)^2))."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class HalfCauchy(Distribution):
    """|x| of a Cauchy(0, scale)."""

    scale: Value = param(positive, default=1.0)
    support = nonnegative


class StudentT(Distribution):
    """Student's t with df degrees of freedom, shifted by loc and stretched by scale."""

    df: Value = param(positive)
    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class Laplace(Distribution):
    """Laplace: p(x) = exp(-|x - loc| / scale) / (2 scale)."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class AsymmetricLaplace(Distribution):
    """Laplace with decay rates asymmetry / scale on the right and 1 / (asymmetry scale) on the left."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    asymmetry: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class SoftLaplace(Distribution):
    """Smooth, symmetric, with exponential tails: p(x) = 2 / (pi scale) / (exp(z) + exp(-z)), z = (x - loc) / scale."""

    loc: Value = param(real)
    scale: Value = param(positive)
    support = real
    location_scale = ("loc", "scale")


class Logistic(Distribution):
    """Logistic: the cdf is sigmoid((x - loc) / scale)."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class Gumbel(Distribution):
    """Gumbel: the cdf is exp(-exp(-(x - loc) / scale))."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    support = real
    location_scale = ("loc", "scale")


class _Bounded(Distribution, abstract=True):
    """A family with bounds, of which the lower must lie below the upper."""

    def _check(self) -> None:
        super()._check()
        low, high = self.params.get("low"), self.params.get("high")
        if isinstance(low, np.ndarray) and isinstance(high, np.ndarray) and (low >= high).any():
            raise ModelError(
                f"the bounds of {self.family.name} are not in order",
                node=self.family.name,
                given=f"low={low}, high={high}",
                needed="low < high",
                fix="exchange them" if (low > high).all() else None,
                where=self.where,
            )


class Uniform(_Bounded):
    """Uniform on [low, high]; the bounds may depend on other variables."""

    low: Value = param(real, default=0.0)
    high: Value = param(real, default=1.0)

    @staticmethod
    def support(p: Params) -> Constraint:
        """[low, high]."""
        return Interval(p.bound("low"), p.bound("high"), (True, True))


class TruncatedNormal(_Bounded):
    """Normal(loc, scale) restricted to [low, high] and normalised; a bound left out is infinite."""

    loc: Value = param(real, default=0.0)
    scale: Value = param(positive, default=1.0)
    low: Value | None = param(real, default=None)
    high: Value | None = param(real, default=None)

    @staticmethod
    def support(p: Params) -> Constraint:
        """[low, high]."""
        return Interval(p.bound("low"), p.bound("high"), (True, True))


class Exponential(Distribution):
    """Exponential: p(x) = rate exp(-rate x)."""

    rate: Value = param(positive, default=1.0)
    support = nonnegative


class Gamma(Distribution):
    """Gamma: p(x) = rate^a x^(a - 1) exp(-rate x) / Gamma(a), a = concentration."""

    concentration: Value = param(positive)
    rate: Value = param(positive, default=1.0)
    support = positive


class Chi2(Distribution):
    """Chi-squared with df degrees of freedom: Gamma(df / 2, 1 / 2)."""

    df: Value = param(positive)
    support = positive


class InverseGamma(Distribution):
    """1 / x of a Gamma(concentration, rate)."""

    concentration: Value = param(positive)
    rate: Value = param(positive, default=1.0)
    support = positive


class Weibull(Distribution):
    """Weibull: the survival function is exp(-(x / scale)^concentration)."""

    scale: Value = param(positive)
    concentration: Value = param(positive)
    support = positive


class Pareto(Distribution):
    """Pareto: p(x) = alpha scale^alpha / x^(alpha + 1) for x >= scale."""

    scale: Value = param(positive)
    alpha: Value = param(positive)

    @staticmethod
    def support(p: Params) -> Constraint:
        """[scale, inf)."""
        return Interval(p.bound("scale"), None, (True, False))


class Beta(Distribution):
    """Beta: p(x) proportional to x^(concentration1 - 1) (1 - x)^(concentration0 - 1)."""

    concentration1: Value = param(positive)
    concentration0: Value = param(positive)
    support = unit_interval


class Kumaraswamy(Distribution):
    """Kumaraswamy: the cdf is 1 - (1 - x^a)^b, a = concentration1, b = concentration0."""

    concentration1: Value = param(positive)
    concentration0: Value = param(positive)
    support = unit_interval


class RelaxedBernoulli(Distribution):
    """The Concrete relaxation of a Bernoulli.

    Reference:
        The Concrete Distribution (Maddison, Mnih, Teh, 2016) | https://arxiv.org/abs/1611.00712
    """

    temperature: Value = param(positive)
    probs: Value | None = param(unit_interval, default=None, group="probs")
    logits: Value | None = param(real, default=None, group="probs")
    support = unit_interval


class VonMises(Distribution):
    """Von Mises on the circle: p(x) = exp(concentration cos(x - loc)) / (2 pi I0(concentration)), x in [-pi, pi)."""

    loc: Value = param(real)
    concentration: Value = param(positive)
    support = circular
    reparametrised = False
