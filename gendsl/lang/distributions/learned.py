"""Distributions whose density is learned: flows and autoregressive models.

Each holds a density (gendsl/densities) as data; its parameters stand among those of the program under the name of the
site that it is the distribution of, "x.transforms.0.layers.0.weight", or under a name of its own, which distributions
may share.
"""

from __future__ import annotations

import inspect
from typing import Any, Self

from gendsl.densities import AutoregressiveDensity, Density, Element, FlowDensity, NormalElement
from gendsl.errors import ModelError, caller, check_call
from gendsl.graph.constraints import Constraint, real
from gendsl.graph.families import Params
from gendsl.graph.ops import Problem
from gendsl.graph.types import DType, Size
from gendsl.lang.builder import Builder
from gendsl.lang.distributions.base import Distribution, base, param, static
from gendsl.lang.expr import Expr, Value
from gendsl.networks import Activation
from gendsl.transforms import Chain, Transform

__all__ = [
    "OTHER_NAMES",
    "Autoregressive",
    "Flow",
    "LearnedDistribution",
    "check_context",
    "context_length",
    "event_shape",
    "fixed_event",
    "named",
    "spec_of",
]


OTHER_NAMES = dict.fromkeys(("cond", "condition", "conditioning", "label", "labels"), "context")
"""Names that other libraries give to arguments -> gendsl's."""


class LearnedDistribution(Distribution, abstract=True):
    """A distribution with a density among its statics, `spec`, and `name`, of its parameters.

    A subclass declares both fields, and `context` where it may be conditional on one.
    """

    def __init__(self, **params: Any) -> None:
        name = params.get("name")
        if name is not None and not (isinstance(name, str) and name.isidentifier()):
            raise ModelError(
                "the name of a distribution's parameters is a Python identifier",
                node=type(self).__name__,
                given=f"name={name!r}",
                needed="letters, digits and underscores",
                fix='name="prior"',
                where=caller(),
            )
        super().__init__(**params)

    def called(self, name: str) -> Self:
        """The same with its parameters under a name, unless it has one."""
        if self.params.get("name") is not None:
            return self
        out = object.__new__(type(self))
        out.__dict__.update(self.__dict__)
        out.params = self.params | {"name": name}
        return out

    def add_to(self, builder: Builder) -> int:
        """Add the node; its parameters have a name by now."""
        if self.params.get("name") is None:
            raise ModelError(
                "a learned distribution outside a site needs a name for its parameters",
                node=type(self).__name__,
                given=repr(self)[:100],
                needed="a name, under which its parameters are found and shared",
                fix=f'gd.{type(self).__name__}(..., name="prior")',
                where=self.where,
            )
        return super().add_to(builder)

    @staticmethod
    def dtype(p: Params) -> DType:
        """Integers where the support is discrete."""
        return DType.INT if spec_of(p).support.discrete else DType.FLOAT

    @staticmethod
    def support(p: Params) -> Constraint:
        """The density's."""
        return spec_of(p).support


def named(dist: Distribution, name: str) -> Distribution:
    """A distribution whose learned parts have names: the site's, or of several parts each its own below that."""
    if isinstance(dist, LearnedDistribution):
        return dist.called(name)
    inner = {k: v for k, v in dist.params.items() if isinstance(v, Distribution)}
    parts = {k: named(v, name if len(inner) == 1 else f"{name}.{k}") for k, v in inner.items()}
    if all(parts[k] is inner[k] for k in inner):
        return dist
    out = object.__new__(type(dist))
    out.__dict__.update(dist.__dict__)
    out.params = dist.params | parts
    return out


def spec_of(p: Params) -> Density:
    """The density among a distribution's statics."""
    spec = p["spec"]
    if not isinstance(spec, Density):
        raise Problem("a learned distribution holds a density", given=repr(spec)[:80], needed="a gendsl Density")
    return spec


def fixed_event(event: Any, what: str) -> tuple[int, ...]:
    """An event shape of numbers."""
    if not all(isinstance(s, int) for s in event):
        raise Problem(
            f"{what} has a fixed event shape",
            given=f"event {tuple(event)}",
            needed="lengths of event axes",
            fix="an axis that runs over a plate is a dim: the distribution is that of each of its elements",
        )
    return tuple(event)


def check_context(p: Params) -> None:
    """Raise where the context of a distribution has another length than its density takes."""
    given, spec = p.array("context").event if "context" in p else (), spec_of(p)
    if (given[-1] if given else 0) != spec.context:
        raise Problem("the context has another length", given=f"event {given}", needed=f"{spec.context} numbers")


def context_length(context: Any, name: str) -> int:
    """Numbers in a context, an expression or an array."""
    if context is None:
        return 0
    event = context.event if isinstance(context, Expr) else getattr(context, "shape", ())
    if not event or not isinstance(event[-1], int):
        counts = isinstance(context, Expr) and context.dtype is DType.INT and not event
        name_of = context.name if isinstance(context, Expr) and context.name else "x"
        raise ModelError(
            "a context is a vector of fixed length",
            node=name,
            given=repr(context)[:100],
            needed="an event axis",
            fix="np.eye(classes)[labels] as data with event=classes"
            if counts
            else "x.reshape(-1) makes one of several axes"
            if event
            else f"{name_of}[..., None] makes one of a number; gd.stack([a, b]), of several",
            where=caller(),
        )
    return int(event[-1])


class Flow(LearnedDistribution):
    """A normalizing flow: the distribution of f(z), z ~ base, f a chain of transforms.

        log p(x) = log base(f^-1(x)) + log|d f^-1 / dx|

    Args:
        base: the distribution of z, on the reals; its event shape is the flow's.
        transforms: f, from noise to data: `gd.flows.nsf()`, or a tuple of transforms. What constrains the support, such
            as `gd.transform.Exp()`, comes last.
        context: a vector that the transforms' networks see, for a conditional flow.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if the transforms do not fit the event, or the base is not on the reals.

    Reference:
        Normalizing Flows for Probabilistic Modeling and Inference (Papamakarios, Nalisnick, Rezende, Mohamed,
        Lakshminarayanan, 2019) | https://arxiv.org/abs/1912.02762
    """

    base: Distribution = base()
    spec: FlowDensity = static()
    context: Value | None = param(real, rank=1, default=None)
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_call("gd.Flow", _FLOW, args, kwargs, OTHER_NAMES)
        given = _FLOW.bind(*args, **kwargs).arguments
        context = given.get("context")
        spec = FlowDensity(given["transforms"], context=context_length(context, "Flow"))
        super().__init__(base=given["base"], context=context, spec=spec, name=given.get("name"))

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        z = p.dist("base")
        if z.support != real or z.dtype is not DType.FLOAT or z.joint:
            raise Problem(
                "the base of a flow is a distribution on the reals",
                given=f"{z}, {z.support}",
                needed="for example gd.Normal(0, 1).expand(2)",
                fix="constrain the flow's own draw instead: its last transform may be gd.transform.Exp()",
            )
        check_context(p)
        event = fixed_event(z.event, "a flow")
        spec_of(p).parameters(event)  # raises where the transforms do not fit
        return event


class Autoregressive(LearnedDistribution):
    """An autoregressive model: p(x) = prod_i p(x_i | x_<i), the conditionals given by one masked network.

    The density takes one call of the network, a draw one for each element.

    Args:
        event: event shape of a draw, or the length of its one axis; elements come in the order of memory.
        element: the distribution of one element: `gd.NormalElement()`, or `gd.CategoricalElement(classes)` for integers
            0, 1, ..., classes - 1.
        hidden: widths of the network's hidden layers.
        activation: the function between them.
        context: a vector that the network sees, for a conditional model.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        MADE: Masked Autoencoder for Distribution Estimation (Germain et al., 2015) | https://arxiv.org/abs/1502.03509
    """

    event: tuple[int, ...] = static()
    spec: AutoregressiveDensity = static()
    context: Value | None = param(real, rank=1, default=None)
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_call("gd.Autoregressive", _AUTOREGRESSIVE, args, kwargs, OTHER_NAMES)
        bound = _AUTOREGRESSIVE.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        count = context_length(given["context"], "Autoregressive")
        spec = AutoregressiveDensity(
            element=given["element"], hidden=given["hidden"], activation=given["activation"], context=count
        )
        event = event_shape(given["event"], "Autoregressive")
        super().__init__(context=given["context"], event=event, spec=spec, name=given["name"])

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        check_context(p)
        event = fixed_event(p["event"], "an autoregressive model")
        spec_of(p).parameters(event)
        return event


def event_shape(event: Any, name: str) -> tuple[int, ...]:
    """An event shape as the user gives it."""
    sizes = tuple(event) if isinstance(event, (tuple, list)) else (event,)
    if not all(hasattr(s, "__index__") and not isinstance(s, (bool, Expr)) and s.__index__() > 0 for s in sizes):
        raise ModelError(
            "an event shape is made of positive lengths",
            node=name,
            given=f"event={event!r}",
            needed="a positive integer, or a tuple of them",
            fix="to draw for each element of a plate, name it: dims=plate",
            where=caller(),
        )
    return tuple(s.__index__() for s in sizes)


def _flow(
    base: Distribution,
    transforms: Chain | tuple[Transform, ...],
    *,
    context: Value | None = None,
    name: str | None = None,
) -> None: ...


def _autoregressive(
    event: int | tuple[int, ...],
    element: Element = NormalElement(),
    *,
    hidden: tuple[int, ...] = (64, 64),
    activation: Activation = Activation.SILU,
    context: Value | None = None,
    name: str | None = None,
) -> None: ...


_FLOW, _AUTOREGRESSIVE = inspect.signature(_flow), inspect.signature(_autoregressive)
Flow.__signature__, Autoregressive.__signature__ = _FLOW, _AUTOREGRESSIVE  # type: ignore[attr-defined]
