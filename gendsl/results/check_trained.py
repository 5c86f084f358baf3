"""`check` of a trained fit: whether the run was whole, the loss had settled, and the guide is near the posterior.

The loss had not settled if the mean of the later half of its last fifth is lower than that of the earlier one by four
standard errors. Neither this nor held-out rows are looked at where losses of two steps cannot be compared. The guide is
judged by the shape k of the upper tail of its importance weights: below 0.7 they could mend it.

Reference:
    Yes, but Did It Work?: Evaluating Variational Inference (Yao, Vehtari, Simpson, Gelman, 2018)
    | https://proceedings.mlr.press/v80/yao18a.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError
from gendsl.guide import FullRank, Guide
from gendsl.objectives.by_row import shapes_by_row, shared_plate
from gendsl.objectives.learnt import amortised
from gendsl.objectives.posterior import posterior_of
from gendsl.results.check import Check

if TYPE_CHECKING:
    from gendsl.trained import TrainedFit

__all__ = ["WORST_K", "check_trained"]

WORST_K, _DRAWS = 0.7, 1000
_FEWEST = 100
"""Steps below which a curve says nothing."""


def check_trained(fit: TrainedFit) -> Check:
    """See `TrainedFit.check`."""
    raw = fit.raw
    problems = [raw.note] if raw.note and not raw.complete else []
    notes = [raw.note] if raw.note and raw.complete else []
    figures: dict[str, float] = {}
    for name in (p.name for p in fit.made.game.players):
        curve = raw.history.curves.get(name, np.zeros(0))
        if len(curve):
            figures["loss" if name == "loss" else f"loss of the {name}"] = float(
                curve[-max(1, len(curve) // 100) :].mean()
            )
    if fit.objective.comparable and raw.complete:
        notes += _falling(raw.history.curves.get(fit.made.game.players[0].name, np.zeros(0)))
    problems += fit.objective.remarks(raw.history.curves)
    problems += _overfitted(fit) if fit.objective.comparable else []
    if not raw.error and posterior_of(fit) is not None and fit.posterior.has_density:
        try:
            _weights(fit, figures, problems, notes)
        except FitError as e:  # Laplace's guide, where training has not come to a mode
            problems.append(f"{e.problem}; try {e.fix}" if e.fix else e.problem)
    return Check(tuple(problems), figures, tuple(notes))


def _weights(fit: TrainedFit, figures: dict[str, float], problems: list[str], notes: list[str]) -> None:
    """What the weights of the guide's draws tell; of many rows together they spread however good it is."""
    guide = getattr(fit.objective, "amortised", None)
    by_row = guide is not None and bool(amortised(guide))
    if by_row and (plate := shared_plate(fit)) is not None:
        _rows(fit, plate, figures, notes)
        return
    k = fit.pareto_k()
    if by_row:
        figures["joint Pareto k"] = k
        if not k <= WORST_K:
            notes.append(
                f"the Pareto shape of the weights of all rows together is {k:.2f}, which grows with their number and "
                "says little of the guide of one row; a poor guide shows in a gap between gd.ELBO and gd.IWAE"
            )
        return
    figures["Pareto k"] = k
    if not k <= WORST_K:
        problems.append(
            f"the guide is far from the posterior: the Pareto shape of its weights is {k:.2f}, above {WORST_K}; "
            f"try {_remedies(fit)}"
        )


def _rows(fit: TrainedFit, plate: str, figures: dict[str, float], notes: list[str]) -> None:
    """As `_weights`, of each row by itself."""
    k = shapes_by_row(fit, plate, _DRAWS, 0)
    poor = float(1 - (k <= WORST_K).mean())
    figures[f"median Pareto k of '{plate}'"] = float(np.median(k))
    if not poor:
        return
    notes.append(
        f"for {poor:.0%} of '{plate}' the Pareto shape of the guide's weights is above {WORST_K}: there the guide is "
        "far from the posterior and the bound loose; gd.IWAE, or a guide of more freedom, narrows it"
    )


def _remedies(fit: TrainedFit) -> str:
    """What applies to the model and is not what was done."""
    from gendsl.run import check_nuts

    guide = getattr(fit.objective, "guide", None)
    other = "gd.guide.FullRank()" if isinstance(guide, Guide) else "a guide of more freedom"
    out = [] if isinstance(guide, FullRank) else [other]
    out.append("more steps")
    with suppress(FitError):
        check_nuts(fit.setting.graph)
        out.append("gd.NUTS()")
    return f"{', '.join(out[:-1])}{',' if len(out) > 2 else ''} or {out[-1]}" if len(out) > 1 else out[0]


def _falling(curve: np.ndarray) -> list[str]:
    if len(curve) < _FEWEST:
        return []
    a, b = np.array_split(curve[-(len(curve) // 5) :], 2)
    fell, error = a.mean() - b.mean(), np.hypot(a.std() / np.sqrt(len(a)), b.std() / np.sqrt(len(b)))
    if not fell > 4 * error:
        return []
    return [f"the loss was still falling, by {fell:.2g} over the last tenth of the steps: more steps may lower it"]


def _overfitted(fit: TrainedFit) -> list[str]:
    """Whether the last parameters are those kept, and are worse on held-out rows than earlier ones."""
    history, name = fit.history, fit.made.game.players[0].name
    held = history.validation.get(name, np.zeros(0))
    if len(held) < 2 or fit.raw.state.best is not None:
        return []
    at = int(np.argmin(held))
    spread = float(np.std(np.diff(held))) if len(held) > 2 else 0.0
    if at == len(held) - 1 or not held[-1] - held[at] > 2 * spread:
        return []
    return [
        f"the loss on held-out rows was lowest after step {history.validation_step[at]} ({held[at]:.4g}) and is "
        f"{held[-1]:.4g} now; gd.Validation(patience=...) keeps the best parameters"
    ]
