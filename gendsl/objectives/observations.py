"""Draws of observations from what was trained: whose draws they are, how many, and by which sampler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.guide import Guide
from gendsl.methods import MCMC
from gendsl.objectives.chains import drawn_by, observed_energy, refuse_sampler
from gendsl.objectives.diffused import check_sampler, draw_diffusions, none_to_draw
from gendsl.objectives.learnt import learnt_of
from gendsl.objectives.posterior import generate
from gendsl.objectives.rows import sizes_of_rows
from gendsl.predict import Task, sample
from gendsl.request import check_seed, positive
from gendsl.samplers import Sampler

if TYPE_CHECKING:
    from gendsl.trained import TrainedFit

__all__ = ["none_new", "observations"]

_DRAWS = 1000


def observations(
    fit: TrainedFit,
    data: Mapping[str, Any] | int | None,
    names: str | Sequence[str] | None,
    draws: int | None,
    seed: int,
    new: str | Sequence[str],
    sizes: Mapping[str, int] | None,
    sampler: MCMC | Sampler | None,
) -> dict[str, np.ndarray]:
    """See `TrainedFit.sample`."""
    if (energy := observed_energy(fit.setting.graph)) is not None:
        none_new(fit.setting.graph.name, new)
        return drawn_by(fit, energy, data, names, draws, seed, sizes, sampler)
    if isinstance(data, (int, np.integer)):
        sizes = {**(sizes or {}), **sizes_of_rows(fit.setting.graph, fit.setting.plate, positive("rows", data, 64))}
        data, draws = None, 1 if draws is None else draws
    posterior = isinstance(getattr(fit.objective, "guide", None), Guide)
    if isinstance(sampler, MCMC):
        raise refuse_sampler(sampler)
    if sampler is not None:
        check_sampler(sampler, posterior)
    if not posterior and (learnt := learnt_of(fit)) is not None:
        seen = learnt.seen(_DRAWS if draws is None else positive("draws", draws, _DRAWS))
        return sample(seen, data, names, seed, new, sizes, _by(sampler, fit, seed))
    if posterior:
        most = _DRAWS if draws is None else _at_most(positive("draws", draws, _DRAWS))
        found = sample(fit, data, names, seed, new, sizes)
        return {k: x[:, :most] for k, x in found.items()}
    none_new(fit.setting.graph.name, new)
    count = _DRAWS if draws is None else positive("draws", draws, _DRAWS)
    return generate(fit, data, names, count, check_seed(seed), sizes, sampler)


def none_new(model: str, new: str | Sequence[str]) -> None:
    """Raise where plates are called new, and no latents were learnt whose posterior could be told from new ones.

    Raises:
        FitError: naming the plates.
    """
    if new:
        raise FitError(
            f"model '{model}' has learnt no latents over plates, so all rows are new",
            given=f"new={new!r}",
            needed="latents that the fit has learnt, and not read from the rows",
            fix="leave new out",
            where=caller(),
        )


def _by(sampler: Sampler | None, fit: TrainedFit, seed: int) -> Callable[[Task], dict[str, np.ndarray]] | None:
    """Draws of the diffusions of a prediction by a sampler."""
    if sampler is None:
        return None

    def draws(task: Task) -> dict[str, np.ndarray]:
        found = draw_diffusions(task.bound, sampler, task.count, check_seed(seed), fit.params)
        if not found:
            raise none_to_draw(tuple(str(n.name) for _, n in fit.setting.graph.of("observe")), sampler)
        return found

    return draws


def _at_most(draws: int) -> int:
    if draws > _DRAWS:
        raise FitError(
            "a fit with a guide has a thousand draws of its posterior, and predicts once for each",
            given=f"draws={draws}",
            needed=f"at most {_DRAWS}",
            fix="fit.sample(seed=1) for others of the predictions; fit.posterior.draw(...) for more of the guide",
            where=caller(),
        )
    return draws
