"""Distributions as a user writes them: `gd.Normal(mu, tau)`.

A family is a class with its parameters as annotated fields; declaring the class registers it, makes its constructor,
and checks every use. To add a family, write such a class (and, where a backend spells it otherwise, a line in its
dialect):

    class Normal(Distribution):
        '''Normal distribution ...'''
        loc: Value = param(real, default=0.0)
        scale: Value = param(positive, default=1.0)
        support = real
        location_scale = ("loc", "scale")
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from gendsl.errors import Location, ModelError, caller
from gendsl.graph.constraints import (
    Constraint,
    real,
)
from gendsl.graph.families import FAMILIES, Family, Parameter, Params, infer_dist
from gendsl.graph.node import Array
from gendsl.graph.ops import Problem
from gendsl.graph.types import DistType, DType, Size, Type
from gendsl.lang.builder import Builder, model_error
from gendsl.lang.distributions.checks import brief, check_param
from gendsl.lang.expr import Expr, Value

__all__ = ["Distribution", "base", "dist_builder", "param", "static"]

_MISSING = object()


def param(
    constraint: Constraint = real,
    *,
    rank: int = 0,
    default: Any = _MISSING,
    group: str | None = None,
    integer: bool = False,
    boolean: bool = False,
) -> Any:
    """A parameter that is a value. Alternatives (probs or logits) share a `group`, of which one is given."""
    required = default is _MISSING and group is None
    given = None if default is _MISSING else default
    return Parameter("", constraint, rank, required, given, group, "value", integer, boolean)


def static(*, default: Any = _MISSING) -> Any:
    """A parameter that is fixed at declaration: a size, a name."""
    return Parameter("", real, 0, default is _MISSING, None if default is _MISSING else default, None, "static")


def base(*, elementwise: bool = False) -> Any:
    """A parameter that is itself a distribution."""
    return Parameter("", kind="dist", elementwise=elementwise)


@dataclass_transform(field_specifiers=(param, static, base))
class Distribution:
    """A distribution with its parameters; a value, not yet part of a graph.

    Attributes:
        params: the given parameters: expressions, numpy arrays or numbers, distributions, statics.
        expanded: event axes that `.expand` put on the left.
        axes: their names, where they were given as named axes.
        where: the line that made it.
    """

    family: ClassVar[Family]
    support: ClassVar[Any] = real
    dtype: ClassVar[Any] = DType.FLOAT
    reparametrised: ClassVar[bool] = True
    location_scale: ClassVar[tuple[str, str] | None] = None

    params: dict[str, Any]
    expanded: tuple[Size, ...]
    axes: tuple[str | None, ...]
    where: Location | None

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__()
        if abstract:
            return
        fields = [
            _named(spec, name) for name in cls.__annotations__ if isinstance(spec := cls.__dict__.get(name), Parameter)
        ]
        fixed: Constraint = cls.support if isinstance(cls.support, Constraint) else real
        support = (lambda p: fixed) if isinstance(cls.support, Constraint) else cls.support
        cls.family = Family(
            cls.__name__,
            tuple(fields),
            support,
            cls._event,
            cls.dtype,
            cls.reparametrised,
            cls.location_scale,
            cls._joint,
        )
        if cls.__name__ in FAMILIES:
            raise ValueError(f"family {cls.__name__} is registered twice")
        FAMILIES[cls.__name__] = cls.family
        cls.__signature__ = _signature(fields)  # type: ignore[attr-defined]

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return ()

    @staticmethod
    def _joint(p: Params) -> tuple[str, ...]:
        return ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.where = caller()
        self.expanded = self.axes = ()
        self.params = _bind(self.family, args, kwargs, self.where)
        self._check()

    @classmethod
    def make(cls, name: str, params: Mapping[str, Any], expanded: tuple[Size, ...] = ()) -> Distribution:
        """A distribution of a registered family with already checked parameters (used by passes)."""
        out = object.__new__(_CLASSES().get(name, Distribution))
        out.family, out.params, out.expanded, out.where = FAMILIES[name], dict(params), expanded, caller()  # type: ignore[misc]
        out.axes = ()
        return out

    # -- checks -----------------------------------------------------------------------------------------------------
    def _check(self) -> None:
        for name, value in self.params.items():
            check_param(self.family, name, value, self.where)
        _ = self.type  # raises where shapes do not fit

    @property
    def type(self) -> DistType:
        """What one draw looks like."""
        names, types = [], []
        for name, value in self.params.items():
            if self.family.parameter(name).kind != "static":
                names.append(name)
                types.append(_type_of(value))
        types += [e.type for e in self.extras()]
        attrs = {"params": tuple(names), "static": self._static(), "expand": self.expanded}
        try:
            return infer_dist(self.family, types, attrs, range(-1, -len(types) - 1, -1))
        except Problem as e:
            raise model_error(e, self.family.name, self.where) from None

    def extras(self) -> tuple[Expr, ...]:
        """Values that the distribution uses besides its parameters (captured by a step)."""
        return ()

    def _static(self) -> tuple[tuple[str, Any], ...]:
        return tuple((n, v) for n, v in self.params.items() if self.family.parameter(n).kind == "static")

    # -- variants ---------------------------------------------------------------------------------------------------
    def expand(self, *shape: Any) -> Self:
        """Independent copies along new event axes on the left: `Normal(0, 1).expand(3)` draws three numbers."""
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        for s in sizes:
            if not hasattr(s, "__index__") or isinstance(s, Expr) or s.__index__() < 1:
                raise ModelError(
                    ".expand takes lengths of event axes",
                    node=self.family.name,
                    given=repr(s),
                    needed="positive integers",
                    fix="to draw for each element of a plate, name it: dims=plate",
                    where=caller(),
                )
        if plates := self.type.joint:
            raise ModelError(
                "a distribution along a plate has no independent copies along event axes",
                node=self.family.name,
                given=f"{self.family.name} along '{plates[0]}', .expand{tuple(sizes)}",
                needed="another plate",
                fix=f"declare the copies as a plate: dims=(copy, {plates[0]})",
                where=caller(),
            )
        out = object.__new__(type(self))
        out.__dict__.update(self.__dict__)
        out.expanded = (*(s.__index__() for s in sizes), *self.expanded)
        out.axes = (*(getattr(s, "name", None) for s in sizes), *self.axes)
        return out

    def mask(self, mask: Value) -> Distribution:
        """The same distribution with log-probability 0 where `mask` is False."""
        from gendsl.lang.distributions.structured import Masked

        return Masked(self, mask)

    def log_prob(self, value: Value) -> Expr:
        """log p(value), as an expression."""
        from gendsl.lang.functions import log_prob

        return log_prob(self, value)

    def _no_value(self, *_: Any, **__: Any) -> Any:
        raise ModelError(
            "a distribution is not a value",
            given=repr(self),
            needed="a draw of it",
            fix='name it first, x = m.latent("x", ...), and use x',
            where=caller(),
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _no_value
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __neg__ = __abs__ = __getitem__ = _no_value
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = __array_ufunc__ = _no_value

    # -- into a graph -----------------------------------------------------------------------------------------------
    def add_to(self, builder: Builder) -> int:
        """Add the node, and those of its parameters, and return its index."""
        ids, names = [], []
        for name, value in self.params.items():
            spec = self.family.parameter(name)
            if spec.kind == "static":
                continue
            names.append(name)
            ids.append(_node(value, spec, builder))
        ids += [builder.lift(e) for e in self.extras()]
        attrs: dict[str, Any] = {"params": tuple(names), "static": self._static(), "expand": self.expanded}
        return builder.append(f"dist.{self.family.name}", ids, attrs, where=self.where)

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={brief(v)}" for n, v in self.params.items())
        tail = f".expand{self.expanded}" if self.expanded else ""
        return f"{self.family.name}({shown}){tail}"


def _CLASSES() -> dict[str, type[Distribution]]:
    out: dict[str, type[Distribution]] = {}
    todo = list(Distribution.__subclasses__())
    while todo:
        c = todo.pop()
        out[c.__name__] = c
        todo.extend(c.__subclasses__())
    return out


def _named(spec: Parameter, name: str) -> Parameter:
    return Parameter(name, *(getattr(spec, f) for f in list(Parameter.__dataclass_fields__)[1:]))


def _signature(fields: list[Parameter]) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    items = [
        inspect.Parameter(f.name, kind, default=inspect.Parameter.empty if f.required else f.default) for f in fields
    ]
    required = [i for i in items if i.default is inspect.Parameter.empty]
    return inspect.Signature(required + [i for i in items if i.default is not inspect.Parameter.empty])


_ELSEWHERE = {
    "mu": ("loc",), "mean": ("loc", "rate", "probs"), "sigma": ("scale",), "sd": ("scale",), "std": ("scale",),
    "lam": ("rate",), "lambda_": ("rate",), "rate": ("rate",), "scale": ("rate",), "theta": ("rate", "probs"),
    "shape": ("concentration", "df"), "alpha": ("concentration", "concentration1"), "k": ("concentration",),
    "beta": ("rate", "scale", "concentration0"), "a": ("concentration1", "concentration", "low"),
    "b": ("concentration0", "low"), "nu": ("df",), "p": ("probs",), "n": ("total_count",), "lower": ("low",),
    "upper": ("high",), "logit_p": ("logits",), "cov": ("covariance_matrix",), "chol": ("scale_tril",),
    "eta": ("concentration",), "inverse_scale": ("rate",), "location": ("loc",), "tau": ("precision",),
}  # fmt: skip
"""Names that other libraries give to parameters -> gendsl's."""


def _spelling(family: str, key: str, names: list[str]) -> str | None:
    if (family, key) in (("Gamma", "scale"), ("Exponential", "scale")):
        return "rate=1 / scale"
    if near := difflib.get_close_matches(key, names, 1) or [n for n in _ELSEWHERE.get(key, ()) if n in names]:
        return f"did you mean '{near[0]}'?"
    return None


def _bind(family: Family, args: tuple[Any, ...], kwargs: dict[str, Any], where: Location | None) -> dict[str, Any]:
    names = [p.name for p in family.params]
    shown = ", ".join(names)
    if len(args) > len(names):
        raise ModelError(
            "too many parameters",
            node=family.name,
            given=f"{len(args)}",
            needed=f"{family.name}({shown})",
            where=where,
        )
    for key in kwargs:
        if key not in names:
            raise ModelError(
                f"{family.name} has no parameter '{key}'",
                node=family.name,
                needed=f"{family.name}({shown})",
                fix=_spelling(family.name, key, names),
                where=where,
            )
    given = dict(zip(names, args, strict=False))
    if twice := set(given) & set(kwargs):
        raise ModelError(
            f"parameter '{min(twice)}' is given twice",
            node=family.name,
            given="by its position and by its name",
            needed=f"{family.name}({shown})",
            where=where,
        )
    given.update(kwargs)
    for p in family.params:
        if p.name in given and given[p.name] is None and p.default is not None:
            raise ModelError(
                f"parameter '{p.name}' of {family.name} is None",
                node=family.name,
                given="None",
                needed=f"a value, or leave it out for {p.default:g}",
                where=where,
            )
    given = {k: v for k, v in given.items() if v is not None}
    groups: dict[str, list[str]] = {}
    for p in family.params:
        if p.group is not None:
            groups.setdefault(p.group, []).append(p.name)
        elif p.name not in given:
            if p.required:
                raise ModelError(
                    f"{family.name} needs parameter '{p.name}'",
                    node=family.name,
                    given=", ".join(given) or "nothing",
                    needed=f"{family.name}({shown})",
                    where=where,
                )
            if p.default is not None:
                given[p.name] = p.default
    for members in groups.values():
        if sum(m in given for m in members) != 1:
            raise ModelError(
                f"{family.name} takes exactly one of {', '.join(members)}",
                node=family.name,
                given=", ".join(m for m in members if m in given) or "none of them",
                needed="one of them",
                where=where,
            )
    return {p.name: _plain(given[p.name], p, family, where) for p in family.params if p.name in given}


def _plain(value: Any, p: Parameter, family: Family, where: Location | None) -> Any:
    """A parameter as an expression, a distribution, a static, or a numpy array."""
    if p.kind == "static":
        return value
    if p.kind == "dist":
        if isinstance(value, Distribution):
            return value
        raise ModelError(
            f"parameter '{p.name}' must be a distribution",
            node=family.name,
            given=repr(value)[:80],
            needed="for example gd.Normal(0, 1)",
            where=where,
        )
    if isinstance(value, Expr):
        return value
    if isinstance(value, Distribution):
        raise ModelError(
            f"parameter '{p.name}' of {family.name} is a distribution",
            node=family.name,
            given=repr(value),
            needed="a value",
            fix='draw it first: x = m.latent("x", ...), then pass x',
            where=where,
        )
    if isinstance(value, (list, tuple)) and any(isinstance(v, Expr) for v in value):
        from gendsl.lang.functions import stack

        return stack(value)
    try:
        x = np.asarray(value)
    except ValueError:
        x = np.asarray("?")
    if x.dtype.kind not in "biuf":
        raise ModelError(
            f"parameter '{p.name}' of {family.name} is not a number",
            node=family.name,
            given=f"{type(value).__name__}: {value!r}"[:100],
            needed="an expression, a number or an array of numbers",
            where=where,
        )
    if p.boolean:
        return x.astype(np.bool_)
    return x.astype(np.int64 if p.integer and np.array_equal(x, np.floor(x)) else np.float64)


def _type_of(value: Any) -> Type:
    if isinstance(value, (Expr, Distribution)):
        return value.type
    from gendsl.graph.ops import OPS

    return OPS["const"].infer((), {"value": Array.of(value) if value.ndim else value.item()})


def _node(value: Any, spec: Parameter, builder: Builder) -> int:
    if isinstance(value, Distribution):
        return value.add_to(builder)
    if isinstance(value, Expr):
        if value.type.dtype is not DType.FLOAT and not (spec.integer or spec.boolean):
            from gendsl.lang.expr import apply

            value = apply("to_float", value)
        return builder.lift(value)
    return builder.constant(value)


def expressions(dist: Distribution) -> Iterator[Expr]:
    """All expressions among the parameters, those of inner distributions included."""
    yield from dist.extras()
    for value in dist.params.values():
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, Distribution):
            yield from expressions(value)


def dist_builder(dist: Distribution) -> Builder | None:
    """The builder that the parameters belong to."""
    from gendsl.lang.expr import innermost

    return innermost(list(expressions(dist)))
