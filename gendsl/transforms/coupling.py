"""Couplings: the first half of a vector chooses how the second is mapped (gendsl/math/flows/coupling.py).

Of d elements the first floor(d / 2) stay; permutations between couplings let every element move. With a context even a
single number has a coupling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from gendsl.math.flows import coupling
from gendsl.networks import MLP, Activation
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters
from gendsl.transforms.base import Event, Pair, vector
from gendsl.transforms.conditioner import Conditional
from gendsl.transforms.scalar import Affine, Spline

__all__ = ["AffineCoupling", "Coupling", "SplineCoupling"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Coupling(Conditional):
    """y_a = x_a, y_b = f(x_b; theta(x_a)): both directions cost one call of the network.

    Args:
        scalar: f.
        hidden: widths of the hidden layers of theta.
        activation: the function between them.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        Density estimation using Real NVP (Dinh, Sohl-Dickstein, Bengio, 2016) | https://arxiv.org/abs/1605.08803
    """

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """layers.0 ... layers.L of the network."""
        d = self._vector(event)
        if d // 2 + context < 1:
            self._refuse(
                "a coupling needs an element that chooses and one that is mapped",
                f"event {tuple(event)}",
                "at least two elements, or a context",
                "for one number use transform.Elementwise(scalar=...)",
            )
        return self._identity_at_first(self._network(d).parameters((d // 2 + context,)))

    def _network(self, d: int) -> MLP:
        return _network((d - d // 2, self.scalar.size), self.hidden, self.activation)

    def forward(self, nn: Layers, params: Values, x: Array, context: Array | None = None) -> Pair:
        """y and log|dy/dx|."""
        return coupling.forward(nn.ops, self.scalar, self._theta(nn, params, x, context), x, x.shape[-1] // 2)

    def inverse(self, nn: Layers, params: Values, y: Array, context: Array | None = None) -> Pair:
        """x and log|dx/dy|."""
        return coupling.inverse(nn.ops, self.scalar, self._theta(nn, params, y, context), y, y.shape[-1] // 2)

    def _theta(self, nn: Layers, params: Values, x: Array, context: Array | None) -> Callable[[Array], Array]:
        network = self._network(x.shape[-1])
        return lambda first: network.apply(nn, params, vector(nn, first, context))


@lru_cache(maxsize=64)  # a spec is checked when it is made, and every call of a flow asks for it
def _network(event: tuple[int, int], hidden: tuple[int, ...], activation: Activation) -> MLP:
    return MLP(event, hidden=hidden, activation=activation)


def AffineCoupling(
    *, limit: float = 5.0, hidden: tuple[int, ...] = (64, 64), activation: Activation = Activation.SILU
) -> Coupling:
    """The coupling of Real NVP: y_b = exp(s(x_a)) x_b + t(x_a).

    Args:
        limit: bound of |s|.
        hidden: widths of the network's hidden layers.
        activation: the function between them.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        Density estimation using Real NVP (Dinh, Sohl-Dickstein, Bengio, 2016) | https://arxiv.org/abs/1605.08803
    """
    return Coupling(scalar=Affine(limit=limit), hidden=hidden, activation=activation)


def SplineCoupling(
    *,
    bins: int = 8,
    bound: float = 5.0,
    hidden: tuple[int, ...] = (64, 64),
    activation: Activation = Activation.SILU,
) -> Coupling:
    """The coupling of Neural Spline Flows: each element of x_b goes through a spline that x_a shapes.

    Args:
        bins: pieces of the spline.
        bound: half the side of the box in which it acts; outside, the elements stay as they are.
        hidden: widths of the network's hidden layers.
        activation: the function between them.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        Neural Spline Flows (Durkan, Bekasov, Murray, Papamakarios, 2019) | https://arxiv.org/abs/1906.04032
    """
    return Coupling(scalar=Spline(bins=bins, bound=bound), hidden=hidden, activation=activation)
