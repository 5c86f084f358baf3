"""Energies: p(x) = exp(-E(x)) / Z with E a network and Z unknown.

    E(x) = f(x),    or f(x) + |x|^2 / (2 s^2) where it has a spread s

The log-density is -E(x): up to log Z, which is a constant of x but not of the parameters, so that it does not tell how
to learn them from data (gendsl/objectives/energy.py and gendsl/objectives/contrastive.py do). Posteriors of latents do
not depend on Z. A network alone need not have a finite Z; with a spread it has one, unless f falls like a parabola.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from gendsl.densities.base import Density, Event, Noise
from gendsl.math.events import norm_sq
from gendsl.networks.base import Network, shape_words
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.native import Native
from gendsl.networks.parameter import Parameters

__all__ = ["EnergyDensity", "check_network", "of_network"]


@dataclass(frozen=True, repr=False)
class EnergyDensity(Density):
    """An energy.

    Args:
        network: f, from an event to one number.
        spread: s, about as wide as the data; None for f alone.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        A Tutorial on Energy-Based Learning (LeCun, Chopra, Hadsell, Ranzato, Huang, 2006) |
        http://yann.lecun.com/exdb/publis/pdf/lecun-06.pdf
    """

    network: Network
    _: KW_ONLY
    spread: float | None = None

    def __post_init__(self) -> None:
        self._count("context", 0)
        check_network(self, self.network, "gd.MLP(1, hidden=(64, 64))")
        if self.context:
            self._refuse("an energy takes no context", f"context={self.context}", "context=0")
        if self.spread is not None:
            self._positive("spread")

    @property
    def noise(self) -> Noise:
        """No draw is made of noise alone: it takes a sampler."""
        return Noise.NONE

    @property
    def offers(self) -> tuple[str, ...]:
        """See `Density.offers`."""
        return "energy", "score"

    def parameters(self, event: Event) -> Parameters:
        """network.*"""
        if math.prod(self.network.output(event)) != 1:
            self._refuse(
                "an energy is one number",
                f"a result of event {shape_words(self.network.output(event))} for events {shape_words(event)}",
                "a network from an event to one number",
                "for example gd.MLP(1)",
            )
        return {f"network.{name}": p for name, p in self.network.parameters(event).items()}

    def energy(self, nn: Layers, params: Values, x: Array, event: Event | None = None) -> Array:
        """E(x), (...); arguments as for `log_prob`."""
        event = tuple(x.shape[-1:]) if event is None else event
        batch = x.ndim - len(event)
        out = nn.ops.reshape(self.network.apply(nn, of_network(params), x, event=event), tuple(x.shape[:batch]))
        return out if self.spread is None else out + norm_sq(nn.ops, x / self.spread, batch) / 2.0

    def log_prob(
        self,
        nn: Layers,
        params: Values,
        x: Array,
        context: Array | None = None,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
    ) -> Array:
        """-E(x), (...)."""
        return -self.energy(nn, params, x, event)


def check_network(spec: Density, network: object, example: str) -> None:
    """Refuse what is no network that a density can be made of."""
    if not isinstance(network, Network):
        given = f"the class {network.__name__}" if isinstance(network, type) else network
        spec._refuse("network is a network", given, "a spec", f"for example {example}")
    if isinstance(network, Native):
        spec._refuse(
            "the parameters of a user's own module are known to that module alone",
            network,
            "a network of gendsl",
            f"for example {example}",
        )
    network.check_time(False)


def of_network(params: Values) -> dict[str, Array]:
    """The parameters under the names that the network itself gives them."""
    return {name.removeprefix("network."): value for name, value in params.items()}
