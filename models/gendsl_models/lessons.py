"""The learned models of the demo: which backend trains each, and what is shown of the fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import gendsl as gd
from gendsl.results.plots.samples import clouds, sheets
from gendsl_models import toys
from gendsl_models.judged import judge_digits, judge_eight, sliced_distance
from gendsl_models.learned import LEARNED, Learned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LESSONS", "Lesson", "Shown"]

_IMAGES, _POINTS = 200, 5_000


@dataclass(frozen=True)
class Shown:
    """What is shown of a fit.

    Attributes:
        figure: samples beside data.
        numbers: figures by name, in words.
        fine: whether they are what they should be.
    """

    figure: Figure
    numbers: dict[str, str]
    fine: bool


@dataclass(frozen=True)
class Lesson:
    """One learned model of the demo.

    Attributes:
        entry: the model, its data, and how it is trained.
        title: what it is.
        backend: which one trains it.
        show: makes the pictures and figures of the fit.
    """

    entry: Learned
    title: str
    backend: str
    show: Callable[[Learned, gd.TrainedFit], Shown]


def _vae(entry: Learned, fit: gd.TrainedFit) -> Shown:
    held_out = entry.data(held_out=True)
    bound = fit.log_prob(held_out, draws=100)
    x = 16.0 * fit.sample(_IMAGES, names="grey")["grey"].reshape(-1, 64)
    learnt, others = entry.data()["x"], held_out["x"]
    said, fine = judge_digits(x, learnt, others)
    mean = bound.value / len(others)
    numbers = {"held-out ELBO": f"{mean:.2f} nats an image"} | said
    return Shown(_sheets(learnt, x), numbers, fine and mean > -103.0)


def _sheets(learnt: np.ndarray, drawn: np.ndarray) -> Figure:
    return sheets(learnt.reshape(-1, 8, 8), drawn.reshape(-1, 8, 8))


def _flow(entry: Learned, fit: gd.TrainedFit) -> Shown:
    return _known(entry, fit, 0.1)


def _plane_diffusion(entry: Learned, fit: gd.TrainedFit) -> Shown:
    return _known(entry, fit, 0.15)


def _known(entry: Learned, fit: gd.TrainedFit, most: float) -> Shown:
    """Eight Gaussians with a density."""
    held_out = entry.data(held_out=True)
    nats = -fit.log_prob(held_out).value / len(held_out["x"])
    x = fit.sample(_POINTS)["x"].reshape(-1, 2)
    said, fine = judge_eight(x)
    numbers = {"held-out -log p": f"{nats:.3f} nats a point (entropy {toys.EIGHT_ENTROPY:.3f})"} | said
    return Shown(clouds(held_out["x"], x), numbers, fine and abs(nats - toys.EIGHT_ENTROPY) < most)


def _gan(entry: Learned, fit: gd.TrainedFit) -> Shown:
    held_out, x = entry.data(held_out=True)["x"], fit.sample(_POINTS)["x"].reshape(-1, 2)
    said, fine = judge_eight(x)
    numbers = _distance(x, held_out, toys.eight_gaussians(_POINTS, 2)) | said
    return Shown(clouds(held_out, x), numbers, fine)


def _energy(entry: Learned, fit: gd.TrainedFit) -> Shown:
    held_out, x = entry.data(held_out=True)["x"], fit.sample(sampler=entry.sampler)["x"].reshape(-1, 2)
    x = x[np.random.default_rng(0).permutation(len(x))]
    fine = sliced_distance(x, held_out) < 0.2
    return Shown(clouds(held_out, x), _distance(x, held_out, toys.two_moons(_POINTS, 2)), fine)


def _distance(x: np.ndarray, held_out: np.ndarray, more: np.ndarray) -> dict[str, str]:
    ours, best = sliced_distance(x, held_out), sliced_distance(more, held_out)
    return {"sliced distance to held-out data": f"{ours:.3f} (of other data {best:.3f})"}


def _digits(entry: Learned, fit: gd.TrainedFit) -> Shown:
    learnt, held_out = entry.data()["x"].reshape(-1, 64), entry.data(held_out=True)["x"]
    density = fit.log_prob({"x": held_out[:100]})
    x = fit.sample(_IMAGES)["x"].reshape(-1, 64)
    said, fine = judge_digits(x, learnt, held_out.reshape(-1, 64))
    numbers = {"held-out log p at the process's start": f"{density.value / 100:.1f} nats an image"} | said
    return Shown(_sheets(learnt, x), numbers, fine)


LESSONS = (
    Lesson(LEARNED["digits_vae"], "A variational autoencoder of handwritten digits", "numpyro", _vae),
    Lesson(LEARNED["eight_flow"], "A flow of spline couplings on eight Gaussians", "numpyro", _flow),
    Lesson(LEARNED["eight_gan"], "A generator against a critic on eight Gaussians", "numpyro", _gan),
    Lesson(LEARNED["moons_energy"], "An energy of two moons", "numpyro", _energy),
    Lesson(LEARNED["eight_diffusion"], "A diffusion on eight Gaussians", "pyro", _plane_diffusion),
    Lesson(LEARNED["digits_diffusion"], "A diffusion of handwritten digits", "numpyro", _digits),
)
"""The learned models of the demo, in order."""
