"""Autoregressive models: each element given those before it, by one masked network (gendsl/math/autoregressive.py)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gendsl.densities.base import Density, Event, Noise
from gendsl.graph.constraints import Constraint, Integers, real
from gendsl.math import autoregressive
from gendsl.networks import Activation, MaskedMLP
from gendsl.networks.layers import Array, Layers, Values, broadcast_lead
from gendsl.networks.parameter import Parameters
from gendsl.networks.spec import Spec

__all__ = ["CONDITIONALS", "AutoregressiveDensity", "CategoricalElement", "Element", "NormalElement"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Element(Spec):
    """The distribution of one element (gendsl.math.autoregressive.Conditional); see there for the methods.

    To add one, write a frozen dataclass and name it in `CONDITIONALS`.
    """

    @property
    def noise(self) -> Noise:
        """What an element is drawn from."""
        return Noise.NORMAL

    @property
    def support(self) -> Constraint:
        """Where an element lies."""
        return real

    @property
    def size(self) -> int:
        """How many unconstrained numbers its parameters are."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """How many numbers the network sees of it."""
        return 1

    def encode(self, ops: Any, x: Any) -> Any:
        """(..., d) -> (..., d, width)."""
        return x[..., None]

    def log_prob(self, ops: Any, raw: Any, x: Any) -> Any:
        """(..., d, size) and (..., d) -> (..., d)."""
        raise NotImplementedError

    def draw(self, ops: Any, raw: Any, noise: Any) -> Any:
        """(..., d, size) and (..., d) -> (..., d)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, repr=False)
class NormalElement(Element):
    """A normal distribution with location and log-scale from the network.

    Args:
        limit: bound of the absolute log-scale.
    """

    limit: float = 5.0

    def __post_init__(self) -> None:
        self._positive("limit")

    @property
    def size(self) -> int:
        """Location and log-scale."""
        return 2

    def log_prob(self, ops: Any, raw: Any, x: Any) -> Any:
        """log N of each element."""
        return autoregressive.normal_log_prob(ops, raw, x, self.limit)

    def draw(self, ops: Any, raw: Any, noise: Any) -> Any:
        """loc + exp(s) noise."""
        return autoregressive.normal_draw(ops, raw, noise, self.limit)


@dataclass(frozen=True, repr=False)
class CategoricalElement(Element):
    """One of `classes` classes 0, 1, ...; the network sees them one-hot.

    Args:
        classes: how many, at least 2.
    """

    classes: int

    def __post_init__(self) -> None:
        self._count("classes", 2)

    @property
    def noise(self) -> Noise:
        """A uniform number chooses the class."""
        return Noise.UNIFORM

    @property
    def support(self) -> Constraint:
        """The classes."""
        return Integers(0.0, self.classes - 1.0)

    @property
    def size(self) -> int:
        """A logit for each class."""
        return self.classes

    @property
    def width(self) -> int:
        """One number a class."""
        return self.classes

    def encode(self, ops: Any, x: Any) -> Any:
        """One-hot."""
        return autoregressive.one_hot(ops, x, self.classes)

    def log_prob(self, ops: Any, raw: Any, x: Any) -> Any:
        """log p of each element's class."""
        return autoregressive.categorical_log_prob(ops, raw, x)

    def draw(self, ops: Any, raw: Any, noise: Any) -> Any:
        """The class at which the cumulated probability exceeds the noise."""
        return autoregressive.categorical_draw(ops, raw, noise)


CONDITIONALS: dict[str, type[Element]] = {k.__name__: k for k in (CategoricalElement, NormalElement)}
"""The distributions of elements that files may hold, by name."""


@dataclass(frozen=True, kw_only=True, repr=False)
class AutoregressiveDensity(Density):
    """p(x) = prod_i p(x_i; theta_i(x_<i)), theta a masked network; row by row where events have several axes.

    Args:
        element: the distribution of one element.
        hidden: widths of the hidden layers of theta.
        activation: the function between them.
        context: numbers in the context that theta sees; 0 for none.

    Raises:
        ModelError: if a value is not what it should be.

    Reference:
        MADE: Masked Autoencoder for Distribution Estimation (Germain et al., 2015) | https://arxiv.org/abs/1502.03509
    """

    element: Element = NormalElement()
    hidden: tuple[int, ...] = (64, 64)
    activation: Activation = Activation.SILU

    def __post_init__(self) -> None:
        if not isinstance(self.element, Element):
            self._refuse("element is the distribution of one element", f"element={self.element!r}", "an Element")
        self._count("context", 0)
        self._counts("hidden")
        self._member("activation", Activation)

    @property
    def noise(self) -> Noise:
        """The element's."""
        return self.element.noise

    @property
    def support(self) -> Constraint:
        """The elements'."""
        return self.element.support

    def parameters(self, event: Event) -> Parameters:
        """layers.0 ... layers.L of the masked network."""
        return self._network.parameters((self.context + math.prod(event) * self.element.width,))

    @property
    def _network(self) -> MaskedMLP:
        e = self.element
        return MaskedMLP(e.size, inputs=e.width, context=self.context, hidden=self.hidden, activation=self.activation)

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
        x, context, _ = _flat(nn, x, context, event)
        return autoregressive.log_prob(nn.ops, self.element, self._theta(nn, params, context), x)

    def sample(
        self, nn: Layers, params: Values, noise: Array, context: Array | None = None, event: Event | None = None
    ) -> Array:
        """The draw that the noise makes; categories as floats."""
        noise, context, shape = _flat(nn, noise, context, event)
        return nn.ops.reshape(
            autoregressive.sample(nn.ops, self.element, self._theta(nn, params, context), noise), shape
        )

    def _theta(self, nn: Layers, params: Values, context: Array | None) -> Any:
        network = self._network

        def theta(seen: Array) -> Array:
            flat = nn.ops.reshape(seen, (*seen.shape[:-2], seen.shape[-2] * seen.shape[-1]))
            return network.apply(nn, params, flat if context is None else nn.ops.concatenate([context, flat], -1))

        return theta


def _flat(
    nn: Layers, x: Array, context: Array | None, event: Event | None
) -> tuple[Array, Array | None, tuple[int, ...]]:
    """The value with one event axis, the context with the same left axes, and the value's shape."""
    event = tuple(x.shape[-1:]) if event is None else tuple(event)
    if context is not None:
        x = broadcast_lead(nn.ops, x, len(event), context.shape[:-1])
        context = broadcast_lead(nn.ops, context, 1, x.shape[: len(x.shape) - len(event)])
    shape = tuple(x.shape)
    lead = shape[: len(shape) - len(event)]
    return nn.ops.reshape(x, (*lead, math.prod(event))), context, shape
