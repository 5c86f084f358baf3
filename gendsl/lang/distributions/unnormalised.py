"""Learned distributions that lack a capability: energies have no draws, pushforwards no density."""

from __future__ import annotations

import inspect
from typing import Any

from gendsl.densities import EnergyDensity, PushforwardDensity
from gendsl.errors import ModelError, caller, check_call
from gendsl.graph.families import Params
from gendsl.graph.ops import Problem
from gendsl.graph.types import DistType, DType, Size
from gendsl.lang.distributions.base import Distribution, base, static
from gendsl.lang.distributions.learned import LearnedDistribution, event_shape, refuse_context
from gendsl.networks import Network

__all__ = ["Energy", "Pushforward"]


class Energy(LearnedDistribution):
    """An energy-based model: p(x) = exp(-E(x)) / Z, E(x) = network(x), or network(x) + |x|^2 / (2 spread^2).

    Z is not known. Under `latent` it is a prior like any other for methods that need a density up to a constant, such
    as `gd.NUTS` and `gd.MALA`. Under `observe` it is learned by score matching or contrastive divergence. It has no
    draws of its own.

    Args:
        network: from an event to one number.
        event: event shape of x, or the length of its one axis.
        spread: about as wide as the data; it keeps the density proper. None for the network alone.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        A Tutorial on Energy-Based Learning (LeCun, Chopra, Hadsell, Ranzato, Huang, 2006) |
        http://yann.lecun.com/exdb/publis/pdf/lecun-06.pdf
    """

    event: tuple[int, ...] = static()
    spec: EnergyDensity = static()
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_context("Energy", kwargs)
        check_call("gd.Energy", _ENERGY, args, kwargs)
        bound = _ENERGY.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        spec = EnergyDensity(given["network"], spread=given["spread"])
        super().__init__(event=event_shape(given["event"], "Energy"), spec=spec, name=given["name"])

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        event: tuple[int, ...] = p["event"]
        p["spec"].parameters(event)  # raises where the network does not fit
        return event


class Pushforward(LearnedDistribution):
    """The distribution of network(z), z ~ noise: draws, and no density.

    Args:
        noise: the distribution of z, such as `gd.Normal(0, 1).expand(8)`.
        network: from z to a draw.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if the network does not fit the noise, or the noise is not continuous.

    Reference:
        Generative Adversarial Networks (Goodfellow et al., 2014) | https://arxiv.org/abs/1406.2661
    """

    base: Distribution = base()
    spec: PushforwardDensity = static()
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_context("Pushforward", kwargs)
        check_call("gd.Pushforward", _PUSHFORWARD, args, kwargs)
        given = _PUSHFORWARD.bind(*args, **kwargs).arguments
        noise = given["noise"]
        if not isinstance(noise, Distribution):
            raise ModelError(
                "the noise of a pushforward must be a distribution",
                node="Pushforward",
                given=repr(noise)[:100],
                needed="a distribution",
                fix="for example gd.Normal(0, 1).expand(8)",
                where=caller(),
            )
        source = _numbers(noise.type)
        super().__init__(base=noise, spec=PushforwardDensity(given["network"], source=source), name=given.get("name"))

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
        return tuple(spec.network.output(spec.source))


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
    network: Network, event: int | tuple[int, ...], *, spread: float | None = None, name: str | None = None
) -> None: ...


def _pushforward(noise: Distribution, network: Network, *, name: str | None = None) -> None: ...


_ENERGY, _PUSHFORWARD = inspect.signature(_energy), inspect.signature(_pushforward)
# What inspect and editors show; classes are not declared to have the attribute.
Energy.__signature__, Pushforward.__signature__ = _ENERGY, _PUSHFORWARD  # type: ignore[attr-defined]
