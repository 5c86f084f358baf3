"""Whether a LOO estimate can be trusted, said at the line that asked for it.

LOO weighs each draw by 1 / p(y_i | theta_s). The weights' upper tail is smoothed by a generalised Pareto distribution,
whose shape k tells whether so many draws S are enough: k below min(1 - 1 / log10(S), 0.7) (arviz's `good_k`).

Reference:
    Pareto Smoothed Importance Sampling (Vehtari, Simpson, Gelman, Yao, Gabry, 2024) |
    https://jmlr.org/papers/v25/19-556.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gendsl.diagnostics import FEWEST, loo
from gendsl.errors import FitError, caller, warn
from gendsl.results.words import counted, number

__all__ = ["judged_loo"]


def judged_loo(model: str, log_likelihood: np.ndarray, posterior: Any) -> Any:
    """arviz's LOO; a GendslWarning where it cannot be trusted.

    Args:
        model: the model's name.
        log_likelihood: (chain, draw, observation).
        posterior: the draws.

    Raises:
        FitError: if there are too few draws for any estimate.
    """
    chains, draws, count = log_likelihood.shape
    if draws < FEWEST:
        raise FitError(
            "too few draws for LOO",
            given=f"{counted(draws, 'draw')} of {counted(chains, 'chain')}",
            needed=f"{FEWEST} draws of each chain at least; some hundreds for a figure to trust",
            fix="fit with more: gd.NUTS(draws=1000)",
            where=caller(),
        )
    out = loo(log_likelihood, posterior)
    shapes, bound = np.atleast_1d(np.asarray(out.pareto_k, float)), float(out.good_k)
    bad = int((shapes > bound).sum())
    if bad and bound <= 0:
        warn(
            f"LOO of model '{model}' rests on too few draws to be trusted",
            given=f"{counted(draws, 'draw')} of {counted(chains, 'chain')}",
            needed="some hundreds of draws",
            fix="fit with more: gd.NUTS(draws=1000)",
        )
    elif bad:
        warn(
            f"LOO of model '{model}' is unreliable for {bad} of {counted(count, 'observation')}",
            given=f"Pareto shapes up to {number(float(shapes.max()))}; {bad} above {bound:.2f}",
            needed=f"shapes (.pareto_k) below {bound:.2f}, the bound for {chains * draws} draws",
            fix="draw longer where there are few draws; else those observations have much influence: look at them, or "
            "give the model heavier tails (gd.StudentT)",
        )
    return out
