"""Masked autoregressive transforms: each element is mapped as those before it say.

From data to noise it is gendsl/math/flows/autoregressive.py's forward, one call of a masked network, so that a density
is quick and a draw takes one call for each element. `Inverse` of it is the inverse autoregressive flow, whose draws are
quick and whose density at other values is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from gendsl.math.flows import autoregressive
from gendsl.networks import Activation, MaskedMLP
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters
from gendsl.transforms.base import Event, Pair, vector
from gendsl.transforms.conditioner import Conditional

__all__ = ["MaskedAutoregressive"]


@dataclass(frozen=True, kw_only=True, repr=False)
class MaskedAutoregressive(Conditional):
    """x_i = f(y_i; theta_i(y_<i)) from data y to noise x.

    Args:
        scalar: f.
        hidden: widths of the hidden layers of theta.
        activation: the function between them.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        Masked Autoregressive Flow for Density Estimation (Papamakarios, Pavlakou, Murray, 2017) |
        https://arxiv.org/abs/1705.07057
    """

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """layers.0 ... layers.L of the masked network."""
        return self._identity_at_first(self._network(context).parameters((context + self._vector(event),)))

    def _network(self, context: int) -> MaskedMLP:
        return _network(self.scalar.size, context, self.hidden, self.activation)

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """y and log|dy/dx|; d calls of the network."""
        return autoregressive.inverse(nn.ops, self.scalar, self._theta(nn, params, context), x)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """x and log|dx/dy|; one call of the network."""
        return autoregressive.forward(nn.ops, self.scalar, self._theta(nn, params, context), y)

    def _theta(self, nn: Layers, params: Values, context: Array | None) -> Callable[[Array], Array]:
        network = self._network(0 if context is None else context.shape[-1])
        return lambda y: network.apply(nn, params, vector(nn, y, context))


@lru_cache(maxsize=64)  # a spec is checked when it is made, and every call of a flow asks for it
def _network(size: int, context: int, hidden: tuple[int, ...], activation: Activation) -> MaskedMLP:
    return MaskedMLP(size, context=context, hidden=hidden, activation=activation)
