"""Convolutional networks between images, (height, width, channels), and vectors.

    ConvNet:      each stage halves height and width: conv of stride 2, group norm, phi; then a linear layer
    ConvDecoder:  a linear layer to a small image; each stage doubles it: nearest upsampling, conv, group norm, phi;
                  then a last conv

Upsampling and a convolution stand where a transposed convolution could: that leaves checkerboards.

Reference:
    Deconvolution and Checkerboard Artifacts (Odena, Dumoulin, Olah, 2016) | https://distill.pub/2016/deconv-checkerboard
    Group Normalization (Wu, He, 2018) | https://arxiv.org/abs/1803.08494
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from gendsl.networks.activation import Activation
from gendsl.networks.base import Event, Timed, shape_words
from gendsl.networks.layers import Array, Layers, Values, flatten, upsample
from gendsl.networks.parameter import Parameters, conv, linear, norm
from gendsl.networks.time import condition, film, film_parameters, time_parameters

__all__ = ["IMAGE", "ConvDecoder", "ConvNet", "Convolutional"]

IMAGE = "an image: event (height, width, channels)"


@dataclass(frozen=True, kw_only=True, repr=False)
class Convolutional(Timed):
    """What networks with convolutions share.

    Args:
        kernel: height and width of the kernels, odd.
        groups: groups of channels that are normalised together; None for no normalisation (a Wasserstein critic).
        activation: the function between layers.
    """

    kernel: int = 3
    groups: int | None = 8
    activation: Activation = Activation.SILU

    def _convolutional(self, channels: tuple[int, ...]) -> None:
        self._count("kernel")
        if self.kernel % 2 == 0:
            self._refuse("a kernel has an odd size", f"kernel={self.kernel}", "an odd integer", "kernel=3")
        self._member("activation", Activation)
        self._time()
        if self.groups is None:
            return
        self._count("groups")
        if odd := [c for c in channels if c % self.groups]:
            self._refuse(
                "groups divide the channels",
                f"groups={self.groups}, channels={channels}",
                "multiples of the groups as channels",
                f"groups={math.gcd(*channels)}" if math.gcd(*channels) > 1 else f"channels such as {8 * odd[0]}",
            )

    def _norm(self, name: str, channels: int) -> Parameters:
        return {} if self.groups is None else norm(name, channels)

    def _normed(self, nn: Layers, params: Values, name: str, h: Array) -> Array:
        return h if self.groups is None else nn.group_norm(params, name, h, self.groups)


@dataclass(frozen=True, repr=False)
class ConvNet(Convolutional):
    """From an image to numbers: an encoder, a critic, a classifier.

    Args:
        out: numbers in the result, or its event shape; () for one number without an event axis.
        channels: channels of the stages; each halves height and width, rounded up.
        kernel: height and width of the kernels, odd.
        groups: groups of channels that are normalised together; None for no normalisation.
        activation: the function between layers.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    rank: ClassVar[int] = 3
    out: int | tuple[int, ...]
    _: KW_ONLY
    channels: tuple[int, ...] = (32, 64)

    def __post_init__(self) -> None:
        self._shape("out")
        self._counts("channels", 1)
        self._convolutional(self.channels)

    def output(self, event: Event) -> Event:
        """`out` as an event shape."""
        self._event(event, 3, IMAGE)
        return (self.out,) if isinstance(self.out, int) else self.out

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """stages.k.conv, .norm, .film, then last."""
        height, width, last = self._event(event, 3, IMAGE)
        out = time_parameters(self.time, context)
        for k, c in enumerate(self.channels):
            out |= conv(f"stages.{k}.conv", last, c, self.kernel) | self._norm(f"stages.{k}.norm", c)
            out |= film_parameters(f"stages.{k}.film", self.time, c)
            height, width, last = -(-height // 2), -(-width // 2), c
        return out | linear("last", height * width * last, math.prod(self.output(event)))

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., height, width, channels) -> (..., *out)."""
        h, c = x, condition(nn, params, self.time, time, context)
        for k in range(len(self.channels)):
            h = self._normed(nn, params, f"stages.{k}.norm", nn.conv(params, f"stages.{k}.conv", h, 2))
            h = self.activation(nn.ops, film(nn, params, f"stages.{k}.film", h, c, 3))
        y = nn.linear(params, "last", flatten(nn.ops, h, 3))
        return nn.ops.reshape(y, (*y.shape[:-1], *self.output(event)))


@dataclass(frozen=True, repr=False)
class ConvDecoder(Convolutional):
    """From a vector to an image: a decoder, a generator. An event is taken as one vector.

    Args:
        out: the image's event shape, (height, width, channels); height and width are multiples of 2^stages.
        channels: channels of the stages; each doubles height and width.
        kernel: height and width of the kernels, odd.
        groups: groups of channels that are normalised together; None for no normalisation.
        activation: the function between layers.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    out: tuple[int, ...]
    _: KW_ONLY
    channels: tuple[int, ...] = (64, 32)

    def __post_init__(self) -> None:
        self._shape("out")
        self._counts("channels", 1)
        self._convolutional(self.channels)
        factor = 2 ** len(self.channels)
        if isinstance(self.out, int) or len(self.out) != 3 or self.out[0] % factor or self.out[1] % factor:
            self._refuse(
                f"{len(self.channels)} stages make an image whose height and width are multiples of {factor}",
                f"out={self.out!r}",
                f"(height, width, channels), such as out=({4 * factor}, {4 * factor}, 1)",
                "other sizes, or fewer stages: channels=(32,)",
            )

    def output(self, event: Event) -> Event:
        """The image's event shape."""
        self._event(event, None, "an event of any fixed shape")
        return self.out

    @property
    def _small(self) -> Event:
        factor = 2 ** len(self.channels)
        return (self.out[0] // factor, self.out[1] // factor, self.channels[0])

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """first, stages.k.conv, .norm, .film, then last."""
        self.output(event)
        out = linear("first", math.prod(event), math.prod(self._small)) | time_parameters(self.time, context)
        for k, (a, b) in enumerate(zip((self.channels[0], *self.channels), self.channels, strict=False)):
            out |= conv(f"stages.{k}.conv", a, b, self.kernel) | self._norm(f"stages.{k}.norm", b)
            out |= film_parameters(f"stages.{k}.film", self.time, b)
        return out | conv("last", self.channels[-1], self.out[2], self.kernel)

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., *event) -> (..., height, width, channels)."""
        c = condition(nn, params, self.time, time, context)
        h = self.activation(nn.ops, nn.linear(params, "first", flatten(nn.ops, x, len(event))))
        h = nn.ops.reshape(h, (*h.shape[:-1], *self._small))
        for k in range(len(self.channels)):
            h = nn.conv(params, f"stages.{k}.conv", upsample(nn.ops, h))
            h = film(nn, params, f"stages.{k}.film", self._normed(nn, params, f"stages.{k}.norm", h), c, 3)
            h = self.activation(nn.ops, h)
        return nn.conv(params, "last", h)


def check_levels(spec: Convolutional, event: Event, levels: int) -> None:
    """Raise a ModelError unless height and width can be halved `levels` times."""
    factor = 2**levels
    if event[0] % factor or event[1] % factor:
        spec._refuse(
            f"height and width are halved {levels} times and doubled again",
            f"event {shape_words(event)}",
            f"multiples of {factor} as height and width",
            "pad the images, or give fewer levels: channels=(32, 64) halves once",
        )
