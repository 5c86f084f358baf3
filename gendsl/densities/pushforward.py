"""Implicit distributions: x = g(z), z ~ noise, g a network; under a context y, x = g(z, y).

Any network serves, of any number of dimensions of z, because nothing is asked of x but draws: there is no density. What
is learnt from draws alone are adversarial objectives (gendsl/objectives/adversarial.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.densities.base import Density, Event, Noise
from gendsl.densities.energy import check_network, of_network
from gendsl.networks.base import Network, shape_words
from gendsl.networks.beside import beside, seen_event
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters

__all__ = ["PushforwardDensity"]


@dataclass(frozen=True, repr=False)
class PushforwardDensity(Density):
    """An implicit distribution.

    Args:
        network: g, from noise to a draw.
        source: event shape of the noise.
        context: numbers in the context that g sees beside the noise (gendsl/networks/beside.py); 0 for none.

    Raises:
        ModelError: if the network cannot take such noise.

    Reference:
        Generative Adversarial Networks (Goodfellow et al., 2014) | https://arxiv.org/abs/1406.2661
    """

    network: Network
    source: tuple[int, ...]

    def __post_init__(self) -> None:
        self._count("context", 0)
        check_network(self, self.network, "gd.MLP(2, hidden=(64, 64))")
        self._counts("source")
        self.network.output(self._seen)

    @property
    def _seen(self) -> Event:
        """The event shape of what the network takes."""
        return seen_event(self.source, self.context)

    @property
    def noise(self) -> Noise:
        """Where no distribution of z is given, standard normal."""
        return Noise.NORMAL

    @property
    def offers(self) -> tuple[str, ...]:
        """See `Density.offers`."""
        return "sample", "reparam"

    def parameters(self, event: Event) -> Parameters:
        """network.*"""
        if self.network.output(self._seen) != tuple(event):
            self._refuse(
                "the network makes draws of another event shape",
                f"{shape_words(self.network.output(self._seen))} of noise {shape_words(self.source)}",
                shape_words(event),
            )
        return {f"network.{name}": p for name, p in self.network.parameters(self._seen).items()}

    def sample(
        self, nn: Layers, params: Values, noise: Array, context: Array | None = None, event: Event | None = None
    ) -> Array:
        """g(noise), or g(noise, context), (..., *event), for noise (..., *source)."""
        seen = beside(nn.ops, noise, context, len(self.source))
        return self.network.apply(nn, of_network(params), seen, event=self._seen)
