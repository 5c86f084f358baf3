"""Normalizing flows: the distribution of f(z), z standard normal and f a chain of transforms.

log p(x) = log N(f^-1(x); 0, I) + log|d f^-1 / dx|
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gendsl.densities.base import Density, Event
from gendsl.graph.constraints import Constraint, real
from gendsl.math.flows import density
from gendsl.networks.layers import Array, Layers, Values, flatten
from gendsl.networks.parameter import Parameters
from gendsl.transforms import Chain, Transform

__all__ = ["FlowDensity"]


@dataclass(frozen=True, repr=False)
class FlowDensity(Density):
    """A normalizing flow.

    Args:
        transforms: from noise to data, such as `flows.nsf()`; what constrains the support comes last.
        context: numbers in the context that the transforms' networks see; 0 for none.

    Raises:
        ModelError: if one of them is no transform.

    Reference:
        Normalizing Flows for Probabilistic Modeling and Inference (Papamakarios, Nalisnick, Rezende, Mohamed,
        Lakshminarayanan, 2019) | https://arxiv.org/abs/1912.02762
    """

    transforms: Chain

    def __post_init__(self) -> None:
        self._count("context", 0)
        given = self.transforms
        if isinstance(given, (Transform, tuple, list)) and not isinstance(given, Chain):
            self._set("transforms", Chain(given if isinstance(given, (tuple, list)) else (given,)))
        elif not isinstance(given, Chain):
            self._refuse("a flow is made of transforms", given, "a tuple of transforms", "for example gd.flows.nsf()")
        _ = self.support

    @property
    def support(self) -> Constraint:
        """What the line becomes."""
        return self.transforms.image(real)

    def parameters(self, event: Event) -> Parameters:
        """transforms.0.*, transforms.1.*, ..."""
        return {f"transforms.{name}": p for name, p in self.transforms.parameters(event, self.context).items()}

    def log_prob(
        self,
        nn: Layers,
        params: Values,
        x: Array,
        context: Array | None = None,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
    ) -> Array:
        """The log-density, (...)."""
        own = _own(params)
        return density.log_prob(
            base or _standard(nn, event), lambda y: self.transforms.inverse(nn, own, y, context, event), x
        )

    def sample(
        self, nn: Layers, params: Values, noise: Array, context: Array | None = None, event: Event | None = None
    ) -> Array:
        """f(noise)."""
        return self.transforms.forward(nn, _own(params), noise, context, event)[0]

    def invert(
        self, nn: Layers, params: Values, x: Array, context: Array | None = None, event: Event | None = None
    ) -> Array:
        """f^-1(x), the value of the base; arguments as for `log_prob`."""
        return self.transforms.inverse(nn, _own(params), x, context, event)[0]

    def sample_and_log_prob(
        self,
        nn: Layers,
        params: Values,
        noise: Array,
        context: Array | None = None,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
    ) -> tuple[Array, Array]:
        """f(noise) and its log-density, for the price of the draw; arguments as for `log_prob`."""
        own = _own(params)
        return density.sample(
            base or _standard(nn, event), lambda z: self.transforms.forward(nn, own, z, context, event), noise
        )


def _standard(nn: Layers, event: Event | None) -> Callable[[Array], Array]:
    rank = 1 if event is None else len(event)
    return lambda z: density.standard_normal(nn.ops, flatten(nn.ops, z, rank))


def _own(params: Values) -> dict[str, Array]:
    return {name.removeprefix("transforms."): value for name, value in params.items()}
