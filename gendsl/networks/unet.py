"""A U-Net: an image to an image of the same height and width.

    down:    at each level residual blocks, then a convolution of stride 2
    middle:  a residual block, attention over all pixels, a residual block
    up:      at each level the level's results are put beside what comes from below, residual blocks, then nearest
             upsampling and a convolution

    block(h) = skip(h) + conv(phi(film(norm(conv(phi(norm(h)))))))

skip is the identity, or a 1 x 1 convolution where channels change.

Reference:
    U-Net (Ronneberger, Fischer, Brox, 2015) | https://arxiv.org/abs/1505.04597
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gendsl.networks.base import Event
from gendsl.networks.convolution import IMAGE, Convolutional, check_levels
from gendsl.networks.layers import Array, Layers, Values, attention, upsample
from gendsl.networks.parameter import Parameters, conv
from gendsl.networks.parameter import attention as attention_parameters
from gendsl.networks.time import condition, film, film_parameters, time_parameters

__all__ = ["UNet"]


@dataclass(frozen=True, kw_only=True, repr=False)
class UNet(Convolutional):
    """A small U-Net on images (height, width, channels).

    Args:
        channels: channels of the levels; between two levels height and width are halved.
        out: channels of the result; left out, as many as the input's.
        blocks: residual blocks of a level, down and up each.
        attention: whether the middle attends over its pixels.
        heads: heads of the attention, a divisor of the last level's channels.
        kernel: height and width of the kernels, odd.
        groups: groups of channels that are normalised together; None for no normalisation.
        activation: the function between layers.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    rank: ClassVar[int] = 3
    channels: tuple[int, ...] = (32, 64)
    out: int | None = None
    blocks: int = 1
    attention: bool = False
    heads: int = 4

    def __post_init__(self) -> None:
        self._counts("channels", 1)
        self._count("blocks")
        self._count("heads")
        self._flag("attention")
        if self.out is not None:
            self._count("out")
        self._convolutional(self.channels)
        if self.attention and self.channels[-1] % self.heads:
            given = f"heads={self.heads}, channels={self.channels}"
            self._refuse("heads divide the last level's channels", given, "a divisor", "heads=4, channels=(32, 64)")

    def output(self, event: Event) -> Event:
        """(height, width, out)."""
        height, width, channels = self._event(event, 3, IMAGE)
        check_levels(self, event, len(self.channels) - 1)
        return (height, width, self.out or channels)

    # -- parameters ---------------------------------------------------------------------------------------------------
    def _block(self, name: str, a: int, b: int) -> Parameters:
        out = self._norm(f"{name}.norm0", a) | conv(f"{name}.conv0", a, b, self.kernel)
        out |= self._norm(f"{name}.norm1", b) | film_parameters(f"{name}.film", self.time, b)
        out |= conv(f"{name}.conv1", b, b, self.kernel)
        return out if a == b else out | conv(f"{name}.skip", a, b, 1)

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """first; down.l.blocks.k, .sample; middle.0, .attention, .1; up.l.blocks.k, .sample; norm, last."""
        _, _, outputs = self.output(event)
        levels, c = len(self.channels), self.channels[0]
        out = time_parameters(self.time, context) | conv("first", event[-1], c, self.kernel)
        for level, width in enumerate(self.channels):
            for k in range(self.blocks):
                out |= self._block(f"down.{level}.blocks.{k}", c, width)
                c = width
            if level < levels - 1:
                out |= conv(f"down.{level}.sample", c, c, self.kernel)
        out |= self._block("middle.0", c, c)
        if self.attention:
            out |= self._norm("middle.norm", c)
            out |= attention_parameters("middle.attention", c)
        out |= self._block("middle.1", c, c)
        for level, width in reversed(list(enumerate(self.channels))):
            for k in range(self.blocks):
                out |= self._block(f"up.{level}.blocks.{k}", c + (width if k == 0 else 0), width)
                c = width
            if level > 0:
                out |= conv(f"up.{level}.sample", c, c, self.kernel)
        return out | self._norm("norm", c) | conv("last", c, outputs, self.kernel)

    # -- arithmetic ---------------------------------------------------------------------------------------------------
    def _residual(self, nn: Layers, params: Values, name: str, x: Array, c: Array | None) -> Array:
        h = self.activation(nn.ops, self._normed(nn, params, f"{name}.norm0", x))
        h = self._normed(nn, params, f"{name}.norm1", nn.conv(params, f"{name}.conv0", h))
        h = self.activation(nn.ops, film(nn, params, f"{name}.film", h, c, 3))
        skip = nn.conv(params, f"{name}.skip", x) if f"{name}.skip.weight" in params else x
        return skip + nn.conv(params, f"{name}.conv1", h)

    def _attended(self, nn: Layers, params: Values, x: Array) -> Array:
        height, width, channels = x.shape[-3:]
        h = self._normed(nn, params, "middle.norm", x)
        pixels = nn.ops.reshape(h, (*x.shape[:-3], height * width, channels))
        return x + nn.ops.reshape(attention(nn, params, "middle.attention", pixels, self.heads), tuple(x.shape))

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., height, width, channels) -> (..., height, width, out)."""
        c, last = condition(nn, params, self.time, time, context), len(self.channels) - 1
        h, beside = nn.conv(params, "first", x), []
        for level in range(last + 1):
            for k in range(self.blocks):
                h = self._residual(nn, params, f"down.{level}.blocks.{k}", h, c)
            beside.append(h)
            if level < last:
                h = nn.conv(params, f"down.{level}.sample", h, 2)
        h = self._residual(nn, params, "middle.0", h, c)
        h = self._attended(nn, params, h) if self.attention else h
        h = self._residual(nn, params, "middle.1", h, c)
        for level in range(last, -1, -1):
            h = nn.ops.concatenate([h, beside[level]], -1)
            for k in range(self.blocks):
                h = self._residual(nn, params, f"up.{level}.blocks.{k}", h, c)
            if level > 0:
                h = nn.conv(params, f"up.{level}.sample", upsample(nn.ops, h))
        return nn.conv(params, "last", self.activation(nn.ops, self._normed(nn, params, "norm", h)))
