"""Networks of linear layers on events as flat vectors.

    MLP:     h_0 = x,  h_l = phi(W_l h_(l-1) + b_l),  y = W h_L + b
    ResNet:  h_0 = W x + b,  h_l = h_(l-1) + V_l phi(U_l norm(h_(l-1))),  y = W' phi(norm(h_L)) + b'

A time scales and shifts what stands inside phi of each hidden layer or block (gendsl/networks/time.py).

Reference:
    Identity Mappings in Deep Residual Networks (He, Zhang, Ren, Sun, 2016) | https://arxiv.org/abs/1603.05027
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

from gendsl.networks.activation import Activation
from gendsl.networks.base import Event, Timed
from gendsl.networks.layers import Array, Layers, Values, flatten
from gendsl.networks.parameter import Parameters, linear, norm
from gendsl.networks.time import condition, film, film_parameters, time_parameters

__all__ = ["MLP", "ResNet"]


@dataclass(frozen=True, kw_only=True, repr=False)
class _Flat(Timed):
    """A network on flattened events, whose result has any event shape."""

    def output(self, event: Event) -> Event:
        """`out` as an event shape, whatever the input's."""
        self._event(event, None, "an event of any fixed shape")
        out: int | Event = self.out  # type: ignore[attr-defined]
        return (out,) if isinstance(out, int) else out

    def _sizes(self, event: Event) -> tuple[int, int]:
        """Numbers in and out."""
        return math.prod(event), math.prod(self.output(event))

    def _shaped(self, nn: Layers, y: Array, event: Event) -> Array:
        out = self.output(event)
        return y if len(out) == 1 else nn.ops.reshape(y, (*y.shape[:-1], *out))


@dataclass(frozen=True, repr=False)
class MLP(_Flat):
    """A multi-layer perceptron. An event is taken as one vector.

    Args:
        out: numbers in the result, or its event shape; () for one number without an event axis.
        hidden: widths of the hidden layers; () makes it linear.
        activation: the function between layers.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    out: int | tuple[int, ...]
    _: KW_ONLY
    hidden: tuple[int, ...] = (64, 64)
    activation: Activation = Activation.SILU

    def __post_init__(self) -> None:
        self._shape("out")
        self._counts("hidden")
        self._member("activation", Activation)
        self._time()
        if self.timed and not self.hidden:
            self._refuse("a time acts on hidden layers", "hidden=()", "a hidden layer", "hidden=(64,)")

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """layers.0 ... layers.L, the last being the result's; time.* and films.0 ... where it takes a time."""
        first, last = self._sizes(event)
        widths = (first, *self.hidden, last)
        out: Parameters = {}
        for k, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            out |= linear(f"layers.{k}", a, b)
        out |= time_parameters(self.time, context)
        for k, width in enumerate(self.hidden):
            out |= film_parameters(f"films.{k}", self.time, width)
        return out

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., *event) -> (..., *out)."""
        h, c = flatten(nn.ops, x, len(event)), condition(nn, params, self.time, time, context)
        for k in range(len(self.hidden)):
            h = film(nn, params, f"films.{k}", nn.linear(params, f"layers.{k}", h), c)
            h = self.activation(nn.ops, h)
        return self._shaped(nn, nn.linear(params, f"layers.{len(self.hidden)}", h), event)


@dataclass(frozen=True, repr=False)
class ResNet(_Flat):
    """Residual blocks of linear layers between a first and a last one. An event is taken as one vector.

    Args:
        out: numbers in the result, or its event shape; () for one number without an event axis.
        width: width of the blocks.
        blocks: how many.
        activation: the function in the blocks.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    out: int | tuple[int, ...]
    _: KW_ONLY
    width: int = 128
    blocks: int = 2
    activation: Activation = Activation.SILU

    def __post_init__(self) -> None:
        self._shape("out")
        self._count("width")
        self._count("blocks")
        self._member("activation", Activation)
        self._time()

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """first, blocks.k.norm, .first, .film, .second, then norm and last."""
        first, last = self._sizes(event)
        out = linear("first", first, self.width) | time_parameters(self.time, context)
        for k in range(self.blocks):
            out |= norm(f"blocks.{k}.norm", self.width)
            out |= linear(f"blocks.{k}.first", self.width, self.width)
            out |= film_parameters(f"blocks.{k}.film", self.time, self.width)
            out |= linear(f"blocks.{k}.second", self.width, self.width)
        return out | norm("norm", self.width) | linear("last", self.width, last)

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., *event) -> (..., *out)."""
        h = nn.linear(params, "first", flatten(nn.ops, x, len(event)))
        c = condition(nn, params, self.time, time, context)
        for k in range(self.blocks):
            inner = nn.linear(params, f"blocks.{k}.first", nn.layer_norm(params, f"blocks.{k}.norm", h))
            inner = self.activation(nn.ops, film(nn, params, f"blocks.{k}.film", inner, c))
            h = h + nn.linear(params, f"blocks.{k}.second", inner)
        h = self.activation(nn.ops, nn.layer_norm(params, "norm", h))
        return self._shaped(nn, nn.linear(params, "last", h), event)
