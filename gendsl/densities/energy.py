"""Energies: p(x) = exp(-E(x)) / Z with E a network and Z unknown.

    E(x) = f(x),    or f(x) + |x|^2 / (2 s^2) where it has a spread s

The log-density is -E(x): up to log Z, which is a constant of x but not of the parameters, so that it does not tell how
to learn them from data (gendsl/objectives/energy.py and gendsl/objectives/contrastive.py do). Posteriors of latents do
not depend on Z. A network alone need not have a finite Z; with a spread it has one, unless f falls like a parabola.

Under a context y, E(x, y) = f(x, y) + |x|^2 / (2 s^2) is the energy of x given y, and Z is a function of y: scores and
chains, in x alone, do not see it, but a posterior of y would need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from gendsl.densities.base import Density, Event, Noise
from gendsl.math.events import norm_sq
from gendsl.networks.base import Network, shape_words
from gendsl.networks.beside import beside, seen_event
from gendsl.networks.layers import Array, Layers, Values, lead_of
from gendsl.networks.native import Native
from gendsl.networks.parameter import Parameters

__all__ = ["EnergyDensity", "check_network", "of_network"]


@dataclass(frozen=True, repr=False)
class EnergyDensity(Density):
    """An energy.

    Args:
        network: f, from an event to one number.
        spread: s, about as wide as the data; None for f alone.
        context: numbers in the context that f sees beside x (gendsl/networks/beside.py); 0 for none.

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
        seen = seen_event(event, self.context)
        if math.prod(self.network.output(seen)) != 1:
            self._refuse(
                "an energy is one number",
                f"a result of event {shape_words(self.network.output(seen))} for events {shape_words(seen)}",
                "a network from an event to one number",
                "for example gd.MLP(1)",
            )
        return {f"network.{name}": p for name, p in self.network.parameters(seen).items()}

    def energy(
        self, nn: Layers, params: Values, x: Array, event: Event | None = None, context: Array | None = None
    ) -> Array:
        """E(x), or E(x, context), (...); arguments as for `log_prob`."""
        event = tuple(x.shape[-1:]) if event is None else event
        seen, whole = beside(nn.ops, x, context, len(event)), seen_event(event, self.context)
        lead, batch = lead_of(seen, len(whole)), x.ndim - len(event)
        out = nn.ops.reshape(self.network.apply(nn, of_network(params), seen, event=whole), lead)
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
        """-E(x), or -E(x, context), (...)."""
        return -self.energy(nn, params, x, event, context)


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
