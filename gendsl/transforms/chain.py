"""Transforms made of transforms.

A chain's parameters stand under the number of each part: "0.layers.0.weight". An event of several axes goes through
transforms of vectors laid out as one axis, the last axis running fastest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from gendsl.graph.constraints import Constraint, real
from gendsl.math.flows.chain import chain
from gendsl.networks.layers import Array, Layers, Values, broadcast_lead
from gendsl.networks.parameter import Parameters
from gendsl.transforms.base import Event, Pair, Transform

__all__ = ["Chain", "Inverse"]


@dataclass(frozen=True, repr=False)
class Inverse(Transform):
    """A transform the other way round.

    Args:
        transform: what is turned.

    Raises:
        ModelError: if it is no transform.
    """

    transform: Transform

    def __post_init__(self) -> None:
        if not isinstance(self.transform, Transform):
            self._refuse("only a transform can be turned round", self.transform, "for example transform.LULinear()")

    @property
    def rank(self) -> int:  # type: ignore[override]
        """Its axes."""
        return self.transform.rank

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """The transform's."""
        return self.transform.parameters(event, context)

    def image(self, domain: Constraint) -> Constraint:
        """The line, where the transform goes from there to the domain."""
        if self.transform.image(real) != domain:
            self._refuse(
                "acts where its transform ends", f"elements that are {domain}", str(self.transform.image(real))
            )
        return real

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """The transform's inverse."""
        return self.transform.inverse(nn, params, x, context)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """The transform's forward."""
        return self.transform.forward(nn, params, y, context)


@dataclass(frozen=True, repr=False)
class Chain(Transform):
    """Transforms one after another, the first next to the noise and the last next to the data.

    Args:
        transforms: the parts.

    Raises:
        ModelError: if one of them is no transform.
    """

    transforms: tuple[Transform, ...]

    def __post_init__(self) -> None:
        given = self.transforms
        parts = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        if odd := [t for t in parts if not isinstance(t, Transform)]:
            self._refuse(
                "the parts of a chain are transforms",
                odd[0],
                "a tuple of transforms",
                "write transform.Reverse(), with its parentheses" if isinstance(odd[0], type) else None,
            )
        self._set("transforms", parts)

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """The parts', each under its number and a dot."""
        out: Parameters = {}
        for k, t in enumerate(self.transforms):
            out |= {f"{k}.{name}": p for name, p in t.parameters(_seen(t, event), context).items()}
        return out

    def image(self, domain: Constraint) -> Constraint:
        """The last part's, of the one's before, and so on."""
        for t in self.transforms:
            domain = t.image(domain)
        return domain

    def forward(
        self, nn: Layers, params: Values, x: Array, context: Array | None = None, event: Event | None = None
    ) -> Pair:
        """y and log|dy/dx|.

        Args:
            nn: a backend's layers.
            params: name -> array.
            x: (..., *event).
            context: (..., numbers); its left axes broadcast with those of x.
            event: event shape of x; left out, its last axis.
        """
        return self._run(nn, params, x, context, event, True)

    def inverse(
        self, nn: Layers, params: Values, y: Array, context: Array | None = None, event: Event | None = None
    ) -> Pair:
        """x and log|dx/dy|; arguments as for `forward`."""
        return self._run(nn, params, y, context, event, False)

    def _run(
        self, nn: Layers, params: Values, x: Array, context: Array | None, event: Event | None, forward: bool
    ) -> Pair:
        event = tuple(x.shape[-1:]) if event is None else tuple(event)
        if context is not None:
            x = broadcast_lead(nn.ops, x, len(event), context.shape[:-1])
            context = broadcast_lead(nn.ops, context, 1, x.shape[: len(x.shape) - len(event)])
        lead = tuple(x.shape[: len(x.shape) - len(event)])
        own = self._grouped(params)
        maps = [_map(nn, t, own[k], context, (*lead, *_seen(t, event)), forward) for k, t in enumerate(self.transforms)]
        flat = nn.ops.reshape(x, (*lead, math.prod(event)))
        y, ladj = chain(nn.ops, maps if forward else maps[::-1], flat)
        return nn.ops.reshape(y, (*lead, *event)), ladj

    def _grouped(self, params: Values) -> list[dict[str, Array]]:
        out: list[dict[str, Array]] = [{} for _ in self.transforms]
        for name, value in params.items():
            k, _, rest = name.partition(".")
            out[int(k)][rest] = value
        return out


def _seen(t: Transform, event: Event) -> Event:
    """The event as a part sees it."""
    return tuple(event) if t.rank == len(event) else (math.prod(event),)


def _map(
    nn: Layers, t: Transform, params: Values, context: Array | None, shape: Event, forward: bool
) -> Callable[[Array], Pair]:
    """A part as a map of vectors."""
    move = t.forward if forward else t.inverse

    def call(x: Array) -> Pair:
        if t.rank == 1:
            return move(nn, params, x, context)
        y, ladj = move(nn, params, nn.ops.reshape(x, shape), context)
        return nn.ops.reshape(y, tuple(x.shape)), ladj

    return call
