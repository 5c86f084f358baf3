"""The log evidence of a trained fit's data: exact, an estimate, or a bound; see `TrainedFit.evidence`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gendsl.elpd import Kind, LogProb
from gendsl.objectives.by_row import bounds_by_row, elements_of, shared_plate
from gendsl.objectives.densities import density_kind
from gendsl.objectives.diffused import log_prob_of_diffusions
from gendsl.objectives.posterior import posterior_of

if TYPE_CHECKING:
    from gendsl.trained import TrainedFit

__all__ = ["log_evidence"]


def log_evidence(fit: TrainedFit, draws: int, seed: int) -> LogProb:
    """See `TrainedFit.evidence`."""
    if posterior_of(fit) is None:
        return _density(fit, seed)
    if (plate := shared_plate(fit)) is not None:
        rows, errors = bounds_by_row(fit, plate, draws, seed)
        observations = [str(n.name) for _, n in fit.setting.graph.of("observe")]
        name = observations[0] if len(observations) == 1 else plate
        se = float(np.sqrt((errors**2).sum()))  # rows have noise of their own
        return LogProb(float(rows.sum()), se, Kind.LOWER_BOUND, {name: rows}, {name: errors}, float(draws))
    values = fit.posterior.bounds(draws, seed)
    se = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
    return LogProb(float(values.mean()), se, Kind.LOWER_BOUND, {}, {}, float(len(values)))


def _density(fit: TrainedFit, seed: int) -> LogProb:
    """Of a fit without latents."""
    if (found := log_prob_of_diffusions(fit, seed)) is not None:
        return found
    kind = density_kind(fit.setting.graph)
    se = np.nan if kind is Kind.ESTIMATE else 0.0
    elements = {} if kind is Kind.UNNORMALISED else elements_of(fit)
    errors = {k: np.full(x.shape, se) for k, x in elements.items()}
    return LogProb(fit._log_density(), se, kind, elements, errors, 1.0)
