"""Networks at their place in a program, and where their parameters start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from gendsl.errors import GendslError, ModelError, caller
from gendsl.networks.base import Event, Network, shape_words
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.native import Native

__all__ = ["Placed", "initial", "own_parameters", "parameter_names", "placing"]


class Placed:
    """A network at its place in a program: `f(params, x, time, context)` on the dict of all parameters.

    Args:
        nn: a backend's layers.
        spec: the network.
        event: event shape of its input.
        name: its name, before whose dot its parameters stand.
        context: numbers in the context that it sees; 0 for none.
    """

    def __init__(self, nn: Layers, spec: Network, *, event: Event, name: str, context: int = 0) -> None:
        self.nn, self.spec, self.event, self.name = nn, spec, tuple(event), name
        try:
            self._names = {short: f"{name}.{short}" for short in parameter_names(nn, spec, self.event, context)}
        except GendslError as e:
            e.of(name)
            raise

    def __repr__(self) -> str:
        return f"<network {self.name}: {self.spec!r}, event {shape_words(self.event)}>"

    def __call__(self, params: Values, x: Array, time: Array | None = None, context: Array | None = None) -> Array:
        """The network at x, (..., *event)."""
        own = own_parameters(params, self._names, f"network '{self.name}'", self.name)
        if not isinstance(self.spec, Native):
            return self.spec.apply(self.nn, own, x, event=self.event, time=time, context=context)
        try:
            return self.spec.apply(self.nn, own, x, event=self.event, time=time)
        except GendslError as e:
            e.of(self.name)
            raise


def own_parameters(params: Values, names: Mapping[str, str], what: str, node: str) -> dict[str, Array]:
    """The parameters of a part of a program, by their own names.

    Args:
        params: all parameters of the program.
        names: own name -> name in the program.
        what: the part, in words.
        node: its name.

    Raises:
        ModelError: if one is lacking.
    """
    try:
        return {short: params[full] for short, full in names.items()}
    except KeyError as e:
        raise ModelError(
            f"{what} lacks parameter {e}",
            node=node,
            given=", ".join(list(params)[:6]) or "no parameters",
            needed=", ".join(list(names.values())[:6]),
            fix="program.network_parameters(seed) gives all of them",
            where=caller(),
        ) from None


def parameter_names(nn: Layers, spec: Network, event: Event, context: int = 0) -> list[str]:
    """Names of a network's parameters; a user's own module is asked."""
    if isinstance(spec, Native):
        return list(nn.native_init(spec, event, 0))
    return list(spec.parameters(event, context) if context else spec.parameters(event))


class Starts(Protocol):
    """What has parameters for an event shape, and their initial values: networks, and densities."""

    def init(self, event: Event, seed: int, prefix: str = "") -> dict[str, np.ndarray]:
        """Initial values, float64."""


def initial(nn: Layers, spec: Starts, event: Event, seed: int, prefix: str = "") -> dict[str, np.ndarray]:
    """Initial values of a network's or a density's parameters, float64; a user's own module is asked."""
    if isinstance(spec, Native):
        try:
            own = nn.native_init(spec, event, seed)
        except GendslError as e:
            e.of(prefix.removesuffix("."))
            raise
        return {prefix + name: value for name, value in own.items()}
    return spec.init(event, seed, prefix)


def placing(nn: Layers) -> Callable[..., Placed]:
    """`network(spec, event=, name=)` of a backend's layers."""

    def network(spec: Network, *, event: Event, name: str, context: int = 0) -> Placed:
        """A network at its place in a program.

        Args:
            spec: the network.
            event: event shape of its input.
            name: its name: parameter "layers.0.weight" is params[f"{name}.layers.0.weight"].
            context: numbers in the context that it sees; 0 for none.

        Returns:
            A function of (params, x, time, context), the last two where it takes them, with any axes on the left of x.
        """
        return Placed(nn, spec, event=event, name=name, context=context)

    return network
