"""The cases of the law of networks: each registered network at least once, and what counts its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gendsl.networks import (
    MLP,
    Activation,
    ConvDecoder,
    ConvNet,
    Event,
    Fourier,
    MaskedMLP,
    Network,
    ResNet,
    Sinusoidal,
    Transformer,
    UNet,
)

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """One network on one event.

    Attributes:
        spec: the network.
        event: event shape of its input.
        output: that of its result.
        count: how many numbers its parameters are, counted by hand.
        context: numbers in the context that it sees.
    """

    spec: Network
    event: Event
    output: Event
    count: int
    context: int = 0

    @property
    def name(self) -> str:
        """The test's id."""
        return f"{self.spec!r}{self.event}{f'|{self.context}' if self.context else ''}".replace(" ", "")

    def x(self, lead: tuple[int, ...] = (3, 2), seed: int = 0) -> np.ndarray:
        """Inputs with some left axes."""
        rng = np.random.default_rng(seed)
        if self.spec.integers:
            return rng.integers(0, self.spec.vocabulary, (*lead, *self.event))  # type: ignore[attr-defined]
        return rng.standard_normal((*lead, *self.event))

    def time(self, lead: tuple[int, ...] = (3, 2)) -> np.ndarray | None:
        """Times, or None where it takes none."""
        return np.random.default_rng(7).uniform(size=lead) if self.spec.timed else None

    def seen(self, lead: tuple[int, ...] = (3, 2)) -> np.ndarray | None:
        """Contexts, or None where it sees none."""
        return np.random.default_rng(8).standard_normal((*lead, self.context)) if self.context else None


T = Sinusoidal(size=4, width=6)  # 4 * 6 + 6 + 6 * 6 + 6 = 72 parameters
F = Fourier(size=6, width=5, scale=1.0)  # 6 * 5 + 5 + 5 * 5 + 5 = 65


def _conv(a: int, b: int, k: int = 3) -> int:
    return a * b * k * k + b


def _block(a: int, b: int, film: int = 0) -> int:
    """A residual block of the U-Net; film is the width of time."""
    skip = 0 if a == b else _conv(a, b, 1)
    return 2 * a + _conv(a, b) + 2 * b + _conv(b, b) + skip + (2 * b * (film + 1) if film else 0)


_UNET = 72 + _conv(1, 4) + _block(4, 4, 6) + _conv(4, 4) + _block(4, 8, 6) + 2 * _block(8, 8, 6) + (16 + 4 * 64 + 3 * 8)
_UNET += _block(16, 8, 6) + _conv(8, 8) + _block(12, 4, 6) + 2 * 4 + _conv(4, 1)
_TRANSFORMER = 2 * 8 + (4 * 64 + 3 * 8) + 2 * 8 + (8 * 16 + 16) + (16 * 8 + 8)  # one block of width 8, expansion 2

CASES: list[Case] = [
    Case(MLP(3, hidden=(5, 4)), (2,), (3,), 15 + 24 + 15),
    Case(MLP((2, 2), hidden=()), (2, 3), (2, 2), 28),
    Case(MLP(1, hidden=(5,), activation=Activation.TANH, time=T), (2,), (1,), 15 + 6 + 72 + 7 * 10),
    Case(MLP(2, hidden=(7,), activation=Activation.GELU), (3,), (2,), 28 + 16),
    Case(MLP(2, hidden=(7,), activation=Activation.LEAKY_RELU), (3,), (2,), 28 + 16),
    Case(MLP(2, hidden=(7,), activation=Activation.RELU), (3,), (2,), 28 + 16),
    Case(MLP(2, hidden=(7,), activation=Activation.SIGMOID), (3,), (2,), 28 + 16),
    Case(MLP(2, hidden=(7,), activation=Activation.SOFTPLUS), (3,), (2,), 28 + 16),
    Case(ResNet(3, width=6, blocks=2), (2,), (3,), 18 + 2 * (12 + 42 + 42) + 12 + 21),
    Case(ResNet((2, 1), width=4, blocks=1, time=F), (2, 2), (2, 1), 20 + 65 + (8 + 20 + 48 + 20) + 8 + 10),
    Case(ConvNet(3, channels=(4, 8), groups=2), (6, 5, 2), (3,), _conv(2, 4) + 8 + _conv(4, 8) + 16 + (32 * 3 + 3)),
    Case(ConvNet((2, 2), channels=(4,), groups=None, kernel=5), (4, 4, 1), (2, 2), _conv(1, 4, 5) + 16 * 4 + 4),
    Case(ConvNet(1, channels=(4,), groups=2, time=T), (4, 4, 1), (1,), 72 + _conv(1, 4) + 8 + 7 * 8 + 17),
    Case(
        ConvDecoder((8, 4, 2), channels=(6, 4), groups=2),
        (3,),
        (8, 4, 2),
        (4 * 12) + _conv(6, 6) + 12 + _conv(6, 4) + 8 + _conv(4, 2),
    ),
    Case(
        ConvDecoder((4, 4, 1), channels=(4,), groups=None, time=T),
        (2, 2),
        (4, 4, 1),
        (5 * 16) + 72 + _conv(4, 4) + 7 * 8 + _conv(4, 1),
    ),
    Case(UNet(channels=(4, 8), groups=2, attention=True, heads=2, time=T), (4, 6, 1), (4, 6, 1), _UNET),
    Case(
        UNet(channels=(4,), groups=2, blocks=2, out=3),
        (3, 3, 2),
        (3, 3, 3),
        _conv(2, 4) + 5 * _block(4, 4) + _block(8, 4) + 8 + _conv(4, 3),
    ),
    Case(
        Transformer(3, width=8, heads=2, blocks=2, expansion=2),
        (5, 2),
        (5, 3),
        24 + 40 + 2 * _TRANSFORMER + 16 + 27,
    ),
    Case(
        Transformer(3, width=8, heads=4, blocks=1, expansion=2, causal=True, time=T),
        (4, 2),
        (4, 3),
        24 + 32 + 72 + _TRANSFORMER + 7 * 32 + 16 + 27,
    ),
    Case(
        Transformer(2, width=8, heads=1, blocks=1, expansion=2, positions=False, vocabulary=7),
        (4,),
        (4, 2),
        56 + _TRANSFORMER + 16 + 18,
    ),
    Case(MaskedMLP(2, hidden=(9, 8)), (4,), (4, 2), 45 + 80 + 9 * 8),
    Case(MaskedMLP(2, inputs=2, context=1, hidden=(9,)), (7,), (3, 2), 72 + 60),
    Case(MaskedMLP(1, hidden=(9,), order=(2, 0, 1), time=T), (3,), (3, 1), 36 + 30 + 72 + 7 * 18),
    # under a context of two or three numbers, as many times the width of time
    Case(MLP(2, hidden=(5, 4), time=T), (2,), (2,), 15 + 24 + 10 + 72 + 7 * (10 + 8) + 6 * 3, 3),
    Case(ResNet((2, 1), width=4, blocks=1, time=F), (2, 1), (2, 1), 12 + 65 + (8 + 20 + 48 + 20) + 8 + 10 + 5 * 2, 2),
    Case(ConvNet(1, channels=(4,), groups=2, time=T), (4, 4, 1), (1,), 72 + _conv(1, 4) + 8 + 7 * 8 + 17 + 6 * 2, 2),
    Case(
        ConvDecoder((2, 2, 1), channels=(4,), groups=None, time=T),
        (3,),
        (2, 2, 1),
        (4 * 4) + 72 + _conv(4, 4) + 7 * 8 + _conv(4, 1) + 6 * 2,
        2,
    ),
    Case(
        UNet(channels=(4,), groups=2, time=T),
        (2, 2, 1),
        (2, 2, 1),
        72 + _conv(1, 4) + 3 * _block(4, 4, 6) + _block(8, 4, 6) + 8 + _conv(4, 1) + 6 * 3,
        3,
    ),
    Case(
        Transformer(2, width=4, heads=2, blocks=1, expansion=1, time=T),
        (3, 2),
        (3, 2),
        12 + 12 + 72 + (8 + 4 * 16 + 3 * 4 + 8 + 20 + 20) + 7 * 8 + 8 + 10 + 6 * 2,
        2,
    ),
    Case(MaskedMLP(1, hidden=(9,), time=T), (3,), (3, 1), 36 + 30 + 72 + 7 * 18 + 6 * 2, 2),
]  # fmt: skip
