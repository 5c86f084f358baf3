"""Learned distributions that lack a capability: energies have no draws, pushforwards no density."""

from __future__ import annotations

import inspect
from typing import Any

from gendsl.densities import EnergyDensity, PushforwardDensity
from gendsl.errors import ModelError, caller, check_call
from gendsl.graph.constraints import real
from gendsl.graph.families import Params
from gendsl.graph.ops import Problem
from gendsl.graph.types import DistType, DType, Size
from gendsl.lang.distributions.base import Distribution, base, param, static
from gendsl.lang.distributions.learned import (
    OTHER_NAMES,
    LearnedDistribution,
    check_context,
    context_length,
    event_shape,
)
from gendsl.lang.expr import Value
from gendsl.networks import Network, seen_event

__all__ = ["Energy", "Pushforward"]


class Energy(LearnedDistribution):
    """An energy-based model: p(x) = exp(-E(x)) / Z, E(x) = network(x), or network(x) + |x|^2 / (2 spread^2).

    Z is not known. Under `latent` it is a prior like any other for methods that need a density up to a constant, such
    as `gd.NUTS` and `gd.MALA`. Under `observe` it is learned by score matching or contrastive divergence. It has no
    draws of its own.

    With a context, E(x, y) = network([x, y]): the context's numbers stand behind the last axis of x, the same at every
    place of its other axes: rows of event (2,) and 3 classes make an input of event (5,). The density is that of x
    given the context, of which Z is a function: log-densities compare under one context alone, and what a context
    depends on cannot be inferred by them.

    Args:
        network: from an event, or an event and the context, to one number.
        event: event shape of x, or the length of its one axis.
        spread: about as wide as the data; it keeps the density proper. None for the network alone.
        context: a vector that the network sees beside x, for a conditional energy.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        A Tutorial on Energy-Based Learning (LeCun, Chopra, Hadsell, Ranzato, Huang, 2006) |
        http://yann.lecun.com/exdb/publis/pdf/lecun-06.pdf
    """

    event: tuple[int, ...] = static()
    spec: EnergyDensity = static()
    context: Value | None = param(real, rank=1, default=None)
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_call("gd.Energy", _ENERGY, args, kwargs, OTHER_NAMES)
        bound = _ENERGY.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        context, event = given["context"], event_shape(given["event"], "Energy")
        spec = EnergyDensity(given["network"], spread=given["spread"], context=context_length(context, "Energy"))
        super().__init__(event=event, spec=spec, context=context, name=given["name"])

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        check_context(p)
        event: tuple[int, ...] = p["event"]
        p["spec"].parameters(event)  # raises where the network does not fit
        return event


class Pushforward(LearnedDistribution):
    """The distribution of network(z), z ~ noise: draws, and no density.

    With a context it is that of network([z, context]). The context's numbers stand behind the last axis of z, the same
    at every place of its other axes: z of event (8,) and 10 classes make an input of event (18,).

    Args:
        noise: the distribution of z, such as `gd.Normal(0, 1).expand(8)`.
        network: from z, or z and the context, to a draw.
        context: a vector that the network sees beside the noise, and the critic beside a row.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if the network does not fit the noise, or the noise is not continuous.

    Reference:
        Generative Adversarial Networks (Goodfellow et al., 2014) | https://arxiv.org/abs/1406.2661
    """

    base: Distribution = base()
    spec: PushforwardDensity = static()
    context: Value | None = param(real, rank=1, default=None)
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_call("gd.Pushforward", _PUSHFORWARD, args, kwargs, OTHER_NAMES)
        given = _PUSHFORWARD.bind(*args, **kwargs).arguments
        noise, context = given["noise"], given.get("context")
        if not isinstance(noise, Distribution):
            raise ModelError(
                "the noise of a pushforward must be a distribution",
                node="Pushforward",
                given=repr(noise)[:100],
                needed="a distribution",
                fix="for example gd.Normal(0, 1).expand(8)",
                where=caller(),
            )
        count = context_length(context, "Pushforward")
        spec = PushforwardDensity(given["network"], source=_numbers(noise.type), context=count)
        super().__init__(base=noise, context=context, spec=spec, name=given.get("name"))

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        z, spec = p.dist("base"), p["spec"]
        if z.dtype is not DType.FLOAT or z.joint:
            raise Problem(
                "the noise of a pushforward is continuous, and a draw for each element of its dims",
                given=str(z),
                needed="for example gd.Normal(0, 1).expand(8)",
            )
        if _numbers(z) != spec.source:
            raise Problem("the noise has another event shape", given=f"event {z.event}", needed=f"{spec.source}")
        check_context(p)
        return tuple(spec.network.output(seen_event(spec.source, spec.context)))


def _numbers(t: DistType) -> tuple[int, ...]:
    """The event shape of noise."""
    sizes = tuple(s for s in t.event if isinstance(s, int))
    if not t.event or len(sizes) != len(t.event):
        raise ModelError(
            "the noise of a pushforward has a fixed event shape",
            node="Pushforward",
            given=f"event {t.event}",
            needed="lengths of event axes",
            fix="gd.Normal(0, 1).expand(8); to draw for each element of a plate, name it: dims=plate",
            where=caller(),
        )
    return sizes


def _energy(
    network: Network,
    event: int | tuple[int, ...],
    *,
    spread: float | None = None,
    context: Value | None = None,
    name: str | None = None,
) -> None: ...


def _pushforward(
    noise: Distribution, network: Network, *, context: Value | None = None, name: str | None = None
) -> None: ...


_ENERGY, _PUSHFORWARD = inspect.signature(_energy), inspect.signature(_pushforward)
# What inspect and editors show; classes are not declared to have the attribute.
Energy.__signature__, Pushforward.__signature__ = _ENERGY, _PUSHFORWARD  # type: ignore[attr-defined]
