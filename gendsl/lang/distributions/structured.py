"""Distributions made of distributions, and the special ones: masked, mixtures, zero-inflated, folded, skewed, delta,
improper."""

from __future__ import annotations

from typing import Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.constraints import (
    Constraint,
    Interval,
    circular,
    nonnegative,
    nonnegative_integer,
    real,
    simplex,
    unit_interval,
)
from gendsl.graph.families import Params
from gendsl.graph.ops import Problem
from gendsl.graph.types import DType, Size
from gendsl.lang.distributions.base import Distribution, base, param, static
from gendsl.lang.expr import Expr, Value

__all__ = [
    "Delta",
    "Folded",
    "ImproperUniform",
    "Masked",
    "Mixture",
    "MixtureOf",
    "SineSkewed",
    "Unit",
    "ZeroInflated",
]


class _Wrapper(Distribution, abstract=True):
    """A distribution that draws like its base."""

    @staticmethod
    def dtype(p: Params) -> DType:
        """The base's."""
        return p.dist("base").dtype

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return p.dist("base").event

    @staticmethod
    def _joint(p: Params) -> tuple[str, ...]:
        return p.dist("base").joint


class Masked(_Wrapper):
    """`base` with log-probability 0 where `mask` is False; made by `dist.mask(mask)`."""

    base: Distribution = base()
    mask_: Value = param(real, boolean=True)

    @staticmethod
    def support(p: Params) -> Constraint:
        """The base's."""
        return p.dist("base").support

    def __init__(self, base: Distribution, mask: Value) -> None:
        if mask.dtype is not DType.BOOL if isinstance(mask, Expr) else not isinstance(mask, (bool, np.bool_)):
            shape = not isinstance(mask, Expr) and isinstance(mask, (list, tuple, np.ndarray))
            raise ModelError(
                "a mask must be boolean",
                given=repr(mask)[:120],
                needed="a boolean value, one element for each draw",
                fix='give it as data over the plate: m.data("keep", dims=..., dtype=bool)'
                if shape
                else "compare it: x > 0",
                where=caller(),
            )
        if isinstance(mask, Expr) and mask.ndim:
            raise ModelError(
                "a mask has one element for each draw",
                given=repr(mask),
                needed="no event axes",
                fix="declare the axis as a plate, or mask whole draws: mask.all()",
                where=caller(),
            )
        super().__init__(base, mask)


def _univariate(p: Params) -> tuple[Size, ...]:
    d = p.dist("base")
    if d.family_rank:
        raise Problem("the base must be univariate", given=str(d), needed="a distribution of numbers")
    return ()


class Folded(Distribution):
    """|x| of a univariate distribution on the reals (Pyro's and NumPyro's FoldedDistribution)."""

    base: Distribution = base(elementwise=True)
    support = nonnegative

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        if p.dist("base").support != real:
            raise Problem(
                "only a distribution on the reals can be folded",
                given=f"{p.dist('base')}, {p.dist('base').support}",
                needed="for example gd.Normal(0, 1)",
            )
        return _univariate(p)


class ZeroInflated(Distribution):
    """0 with probability `gate`, else a draw of a distribution of counts."""

    base: Distribution = base(elementwise=True)
    dtype = DType.INT
    gate: Value | None = param(unit_interval, default=None, group="gate")
    gate_logits: Value | None = param(real, default=None, group="gate")
    support = nonnegative_integer
    reparametrised = False

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        if p.dist("base").dtype is not DType.INT:
            raise Problem(
                "only a distribution of counts can be zero-inflated",
                given=f"{p.dist('base')}, {p.dist('base').support}",
                needed="for example gd.Poisson(rate)",
            )
        return _univariate(p)


class SineSkewed(_Wrapper):
    """A distribution on the torus, skewed by 1 + sum(skewness sin(x - loc)).

    Reference:
        Sine-skewed toroidal distributions and their application in protein bioinformatics (Ameijeiras-Alonso, Ley,
        2019) | https://arxiv.org/abs/1910.13293
    """

    base: Distribution = base()
    skewness: Value = param(Interval(-1.0, 1.0, (True, True)), rank=1)
    reparametrised = False

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        if p.dist("base").support != circular:
            raise Problem(
                "only a distribution of angles can be sine-skewed",
                given=f"{p.dist('base')}, {p.dist('base').support}",
                needed="for example gd.VonMises(0.0, 1.0).expand(1)",
            )
        angles = p.dist("base").event
        if len(angles) != 1 or p.array("skewness").event[-1:] != angles:
            raise Problem(
                "skewness has one element for each angle, and the base draws one vector of angles",
                given=f"base: event {angles}; skewness: event {p.array('skewness').event}",
                needed="one event axis of one length",
                fix="for one angle gd.VonMises(loc, concentration).expand(1) and skewness [s]; others go along plates",
            )
        return angles

    @staticmethod
    def support(p: Params) -> Constraint:
        """The base's."""
        return p.dist("base").support


class Delta(Distribution):
    """All mass at v, with log-density log_density there."""

    v: Value = param(real)
    log_density: Value = param(real, default=0.0)
    support = real


class Unit(Distribution):
    """An empty draw with log-density log_factor; `m.factor` is the usual way to write it."""

    log_factor: Value = param(real)
    support = real

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return (0,)


class ImproperUniform(Distribution):
    """A flat density on a constraint: `gd.ImproperUniform(gd.positive)`, `gd.ImproperUniform(gd.simplex, 3)`.

    Args:
        constraint: where the draw lies; its bounds are numbers.
        shape: event shape of one draw, needed where the constraint is on vectors or matrices.
    """

    constraint: Constraint = static()
    shape: Any = static(default=())

    def __init__(self, constraint: Constraint = real, shape: int | tuple[int, ...] = ()) -> None:
        if not isinstance(constraint, Constraint):
            raise ModelError(
                "ImproperUniform needs a constraint",
                node="ImproperUniform",
                given=repr(constraint),
                needed="for example gd.real, gd.positive, gd.simplex",
                where=caller(),
            )
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        if any(isinstance(s, Expr) or not hasattr(s, "__index__") or s.__index__() < 1 for s in sizes):
            raise ModelError(
                "the shape of a draw is made of lengths of event axes",
                node="ImproperUniform",
                given=repr(shape),
                needed="positive integers",
                fix="to draw for each element of a plate, name it: dims=plate",
                where=caller(),
            )
        ends = (constraint.lower, constraint.upper) if isinstance(constraint, Interval) else (None, None)
        if isinstance(ends[0], float) and isinstance(ends[1], float) and ends[0] >= ends[1]:
            raise ModelError(
                "the bounds of an interval are the wrong way round",
                node="ImproperUniform",
                given=f"lower {ends[0]:g}, upper {ends[1]:g}",
                needed="lower < upper",
                fix="exchange them",
                where=caller(),
            )
        if isinstance(constraint, Interval) and any(isinstance(b, Expr) for b in (constraint.lower, constraint.upper)):
            raise ModelError(
                "the bounds of an improper prior are numbers",
                node="ImproperUniform",
                given="a bound that is an expression",
                needed="numbers",
                fix="use gd.Uniform(low, high) and give its width back: m.factor('flat', gd.log(high - low))",
                where=caller(),
            )
        super().__init__(constraint, tuple(s.__index__() for s in sizes))

    @staticmethod
    def support(p: Params) -> Constraint:
        """The constraint."""
        c: Constraint = p["constraint"]
        return c

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        shape: tuple[Size, ...] = p["shape"]
        c: Constraint = p["constraint"]
        if c.discrete or c.dynamic:
            raise Problem("an improper prior lies on a fixed continuous set", given=str(c))
        if len(shape) < c.rank:
            raise Problem(
                f"a value {c} has {c.rank} event axes",
                given=f"shape {shape}",
                needed="the shape of one draw",
                fix="for example gd.ImproperUniform(gd.simplex, 3)",
            )
        if c.rank == 2 and shape[-1] != shape[-2]:
            raise Problem("a matrix of this kind is square", given=f"shape {shape}", needed="shape (n, n)")
        return shape


class MixtureOf(Distribution):
    """Mixture of one family, whose last independent event axis runs over the components; made by `Mixture`."""

    weights: Value = param(simplex, rank=1)
    component: Distribution = base()

    @staticmethod
    def dtype(p: Params) -> DType:
        """The component's."""
        return p.dist("component").dtype

    @staticmethod
    def support(p: Params) -> Constraint:
        """The component's."""
        s = p.dist("component").support
        return s if not s.dynamic else real

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        c = p.dist("component")
        if p.array("weights").rank > 1:
            raise Problem(
                "the weights of a mixture are one vector",
                given=str(p.array("weights")),
                fix="let the weights vary over a plate instead",
            )
        k = p.array("weights").event[-1]
        axis = c.rank - c.family_rank - 1
        if axis < 0 or c.event[axis] != k:
            raise Problem(
                "the components' last independent axis must run over the weights",
                given=f"weights: event {p.array('weights').event}; component: {c}",
                needed=f"an axis of length {k}",
                fix="give the parameters one value for each component, or pass a list of distributions",
            )
        return c.event[:axis] + c.event[axis + 1 :]


class MixtureGeneral(Distribution):
    """Mixture of any distributions with one support; made by `Mixture`."""

    weights: Value = param(simplex, rank=1)
    count: int = static()
    c0: Distribution = base()
    c1: Distribution = base()
    c2: Distribution | None = base()
    c3: Distribution | None = base()
    c4: Distribution | None = base()
    c5: Distribution | None = base()
    c6: Distribution | None = base()
    c7: Distribution | None = base()

    def __init__(self, weights: Value, *components: Distribution) -> None:
        names = {f"c{i}": c for i, c in enumerate(components)}
        super().__init__(weights=weights, count=len(components), **names)

    @staticmethod
    def dtype(p: Params) -> DType:
        """The components'."""
        return p.dist("c0").dtype

    @staticmethod
    def support(p: Params) -> Constraint:
        """The components' common support."""
        return p.dist("c0").support

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        first = p.dist("c0")
        if p.array("weights").event[-1] != p["count"]:
            raise Problem(
                "one weight is needed for each component",
                given=f"weights: event {p.array('weights').event}, {p['count']} components",
                needed=f"weights: event ({p['count']},)",
            )
        for i in range(p["count"]):
            c = p.dist(f"c{i}")
            if (c.event, c.dtype, c.support) != (first.event, first.dtype, first.support):
                raise Problem(
                    "components of a mixture must have one event shape, dtype and support",
                    given=f"component 0: {first}, {first.support}; component {i}: {c}, {c.support}",
                    fix="truncate or expand the components so that they agree",
                )
        return first.event


def _optional_components() -> None:
    """Only the first two components are required."""
    from dataclasses import replace

    from gendsl.graph.families import FAMILIES

    f = MixtureGeneral.family
    params = tuple(replace(p, required=False) if p.name in {f"c{i}" for i in range(2, 8)} else p for p in f.params)
    MixtureGeneral.family = FAMILIES["MixtureGeneral"] = replace(f, params=params)


_optional_components()


def Mixture(weights: Value, components: Distribution | list[Distribution] | tuple[Distribution, ...]) -> Distribution:
    """A mixture sum_k weights[k] p_k(x), the component summed out.

    Args:
        weights: probabilities, on the simplex (last event axis).
        components: one distribution whose last independent event axis runs over the components, or a list of up to 8
            distributions with one event shape and support.

    Returns:
        The mixture, as a distribution.

    Raises:
        ModelError: if weights and components do not fit.
    """
    if isinstance(components, Distribution):
        return MixtureOf(weights, components)
    parts = list(components) if isinstance(components, (list, tuple)) else [components]
    if odd := [c for c in parts if not isinstance(c, Distribution)]:
        raise ModelError(
            "the components of a mixture are distributions",
            node="Mixture",
            given=f"{type(odd[0]).__name__}: {odd[0]!r}"[:100],
            needed="for example [gd.Normal(0, 1), gd.Normal(3, 1)]",
            where=caller(),
        )
    if not 2 <= len(parts) <= 8:
        raise ModelError(
            "a mixture needs 2 to 8 distributions",
            node="Mixture",
            given=f"{len(parts)} components",
            fix="for more of one family, give its parameters an event axis",
            where=caller(),
        )
    return MixtureGeneral(weights, *parts)
