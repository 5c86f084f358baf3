"""The learned part of the zoo: models with networks, the data that teach them, and how.

>>> from gendsl_models import LEARNED
>>> sorted(LEARNED)[:2]
['digits_diffusion', 'digits_vae']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

import gendsl as gd
from gendsl_models import digits_diffusion, digits_vae, eight_diffusion, eight_flow, eight_gan, moons_energy

__all__ = ["LEARNED", "Data", "Learned"]


class Data(Protocol):
    """Rows to learn from, the same at every call; or others, held out."""

    def __call__(self, *, held_out: bool = False) -> Mapping[str, np.ndarray]: ...


class _Build(Protocol):
    def __call__(self) -> gd.Model: ...


@dataclass(frozen=True)
class Learned:
    """A model that is trained.

    Attributes:
        name: its name here.
        build: declares the model, its objective included.
        data: rows for it.
        method: training that is known to teach it, in a minute on two cores or less.
        sampler: what draws from it, where it has no draws of its own.
    """

    name: str
    build: _Build
    data: Data
    method: gd.Train
    sampler: gd.MALA | None = None


def _train(
    steps: int, batch_size: int, rate: float, *, ema: float | None = None, clip: float | None = None
) -> gd.Train:
    return gd.Train(
        steps=steps, batch_size=batch_size, optimizer=gd.optim.Adam(gd.optim.Cosine(rate)), ema=ema, clip=clip
    )


def _game(steps: int, batch_size: int, critic: float, generator: float, ema: float) -> gd.Train:
    """A critic that learns faster than the generator, both with short memories."""
    first, second = (gd.optim.Adam(gd.optim.Cosine(rate), beta1=0.5, beta2=0.9) for rate in (critic, generator))
    return gd.Train(steps=steps, batch_size=batch_size, optimizer=first, players={"generator": second}, ema=ema)


_ENTRIES = (
    Learned("digits_vae", digits_vae.digits_vae, digits_vae.data, _train(4_000, 128, 2e-3)),
    Learned("eight_flow", eight_flow.eight_flow, eight_flow.data, _train(2_000, 512, 5e-3)),
    Learned("eight_gan", eight_gan.eight_gan, eight_gan.data, _game(5_000, 128, 1e-3, 5e-4, ema=0.99)),
    Learned(
        "moons_energy",
        moons_energy.moons_energy,
        moons_energy.data,
        _train(6_000, 256, 2e-3, ema=0.99, clip=1.0),
        gd.MALA(chains=100, warmup=300, draws=200, thinning=4),
    ),
    Learned(
        "eight_diffusion", eight_diffusion.eight_diffusion, eight_diffusion.data, _train(3_000, 512, 3e-3, ema=0.999)
    ),
    Learned(
        "digits_diffusion",
        digits_diffusion.digits_diffusion,
        digits_diffusion.data,
        _train(6_000, 128, 1e-3, ema=0.999),
    ),
)

LEARNED: dict[str, Learned] = {e.name: e for e in _ENTRIES}
"""Every learned model of the zoo, by name."""
