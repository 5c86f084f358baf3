"""Discrete families."""

from __future__ import annotations

from gendsl.graph.constraints import (
    Bound,
    Constraint,
    Counts,
    Integers,
    boolean,
    nonnegative_integer,
    ordered,
    positive,
    real,
    simplex,
    unit_interval,
)
from gendsl.graph.families import Params
from gendsl.graph.types import DType, Size
from gendsl.lang.distributions.base import Distribution, param
from gendsl.lang.expr import Value

__all__ = [
    "Bernoulli",
    "BetaBinomial",
    "Binomial",
    "Categorical",
    "DirichletMultinomial",
    "GammaPoisson",
    "Geometric",
    "Multinomial",
    "NegativeBinomial",
    "OrderedLogistic",
    "Poisson",
    "ZeroInflatedPoisson",
]


class _Discrete(Distribution, abstract=True):
    dtype = DType.INT
    reparametrised = False


def _classes(size: Size, extra: int = 0) -> Constraint:
    upper: Bound = float(size - 1 + extra) if isinstance(size, int) else None
    return Integers(0.0, upper)


class Bernoulli(_Discrete):
    """1 with probability probs (= sigmoid(logits)), else 0."""

    probs: Value | None = param(unit_interval, default=None, group="probs")
    logits: Value | None = param(real, default=None, group="probs")
    support = boolean


class Binomial(_Discrete):
    """Successes in total_count trials."""

    total_count: Value = param(nonnegative_integer, default=1, integer=True)
    probs: Value | None = param(unit_interval, default=None, group="probs")
    logits: Value | None = param(real, default=None, group="probs")

    @staticmethod
    def support(p: Params) -> Constraint:
        """0 .. total_count."""
        return Integers(0.0, p.bound("total_count"))


class BetaBinomial(_Discrete):
    """Binomial with probs ~ Beta(concentration1, concentration0)."""

    concentration1: Value = param(positive)
    concentration0: Value = param(positive)
    total_count: Value = param(nonnegative_integer, default=1, integer=True)

    @staticmethod
    def support(p: Params) -> Constraint:
        """0 .. total_count."""
        return Integers(0.0, p.bound("total_count"))


class Categorical(_Discrete):
    """Class k with probability probs[k]; the last event axis of the parameter runs over the classes."""

    probs: Value | None = param(simplex, rank=1, default=None, group="probs")
    logits: Value | None = param(real, rank=1, default=None, group="probs")

    @staticmethod
    def support(p: Params) -> Constraint:
        """0 .. number of classes - 1."""
        return _classes(p.first("probs", "logits").event[-1])


class OrderedLogistic(_Discrete):
    """Class k with P(class <= k) = sigmoid(cutpoints[k] - predictor)."""

    predictor: Value = param(real)
    cutpoints: Value = param(ordered, rank=1)

    @staticmethod
    def support(p: Params) -> Constraint:
        """0 .. number of cutpoints."""
        return _classes(p.array("cutpoints").event[-1], 1)


class Poisson(_Discrete):
    """Poisson: p(k) = rate^k exp(-rate) / k!."""

    rate: Value = param(positive)
    support = nonnegative_integer


class GammaPoisson(_Discrete):
    """Poisson with rate ~ Gamma(concentration, rate)."""

    concentration: Value = param(positive)
    rate: Value = param(positive, default=1.0)
    support = nonnegative_integer


class NegativeBinomial(_Discrete):
    """Successes, each with probability probs, before total_count failures."""

    total_count: Value = param(positive)
    probs: Value | None = param(unit_interval, default=None, group="probs")
    logits: Value | None = param(real, default=None, group="probs")
    support = nonnegative_integer


class Geometric(_Discrete):
    """Failures before the first success: p(k) = (1 - probs)^k probs."""

    probs: Value | None = param(unit_interval, default=None, group="probs")
    logits: Value | None = param(real, default=None, group="probs")
    support = nonnegative_integer


class ZeroInflatedPoisson(_Discrete):
    """0 with probability gate, else Poisson(rate)."""

    rate: Value = param(positive)
    gate: Value = param(unit_interval)
    support = nonnegative_integer


class _Counts(_Discrete, abstract=True):
    pass


class Multinomial(_Counts):
    """Counts of each class in total_count draws of a Categorical."""

    total_count: Value = param(nonnegative_integer, default=1, integer=True)
    probs: Value | None = param(simplex, rank=1, default=None, group="probs")
    logits: Value | None = param(real, rank=1, default=None, group="probs")

    @staticmethod
    def support(p: Params) -> Constraint:
        """Counts that sum to total_count."""
        return Counts(p.bound("total_count"))

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return p.first("probs", "logits").event[-1:]


class DirichletMultinomial(_Counts):
    """Multinomial with probs ~ Dirichlet(concentration)."""

    concentration: Value = param(positive, rank=1)
    total_count: Value = param(nonnegative_integer, default=1, integer=True)

    @staticmethod
    def support(p: Params) -> Constraint:
        """Counts that sum to total_count."""
        return Counts(p.bound("total_count"))

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return p.array("concentration").event[-1:]
