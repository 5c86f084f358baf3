"""Cases of the univariate discrete families."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from tests.laws.distributions.case import Counted, Row
from tests.laws.distributions.oracles import Inflated, Mass

__all__ = ["CASES"]

PROBS, LOGITS = [0.4, 0.95, 0.02], [1.0, -2.0, 3.0]
SIMPLEX = [[0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [1e-3, 0.499, 0.5]]
SCORES = [[0.0, 1.0, -2.0], [5.0, 0.3, 0.2], [-9.0, 0.0, 0.1]]
TRIALS = [1, 7, 40]


def _trials(p: Row) -> float:
    return float(p.total_count)


def _classes(p: Row) -> float:
    return 2.0


def _ordered(p: Row) -> Mass:
    above = np.concatenate([[0.0], special.expit(p.cutpoints - p.predictor), [1.0]])
    return Mass(np.diff(above))


CASES: list[Counted] = [
    Counted("Bernoulli", {"probs": PROBS}, "probs", oracle=lambda p: stats.bernoulli(p.probs), last=lambda p: 1.0),
    Counted(
        "Bernoulli",
        {"logits": LOGITS},
        "logits",
        oracle=lambda p: stats.bernoulli(special.expit(p.logits)),
        last=lambda p: 1.0,
    ),
    Counted(
        "Binomial",
        {"total_count": TRIALS, "probs": PROBS},
        "probs",
        oracle=lambda p: stats.binom(p.total_count, p.probs),
        last=_trials,
    ),
    Counted(
        "Binomial",
        {"total_count": TRIALS, "logits": LOGITS},
        "logits",
        oracle=lambda p: stats.binom(p.total_count, special.expit(p.logits)),
        last=_trials,
    ),
    Counted(
        "BetaBinomial",
        {"concentration1": [2.0, 0.5, 8.0], "concentration0": [3.0, 0.7, 2.5], "total_count": TRIALS},
        oracle=lambda p: stats.betabinom(p.total_count, p.concentration1, p.concentration0),
        last=_trials,
    ),
    Counted("Categorical", {"probs": SIMPLEX}, "probs", oracle=lambda p: Mass(p.probs), last=_classes),
    Counted(
        "Categorical", {"logits": SCORES}, "logits", oracle=lambda p: Mass(special.softmax(p.logits)), last=_classes
    ),
    Counted(
        "OrderedLogistic",
        {"predictor": [0.0, 1.5, -4.0], "cutpoints": [[-1.0, 1.0], [0.0, 0.3], [-5.0, 2.0]]},
        oracle=_ordered,
        last=_classes,
    ),
    Counted("Poisson", {"rate": [3.0, 0.2, 40.0]}, oracle=lambda p: stats.poisson(p.rate)),
    Counted(
        "GammaPoisson",
        {"concentration": [2.0, 0.6, 9.0], "rate": [1.0, 0.5, 0.3]},
        oracle=lambda p: stats.nbinom(p.concentration, p.rate / (1 + p.rate)),
    ),
    Counted(
        "NegativeBinomial",
        {"total_count": [3.0, 0.6, 8.5], "probs": [0.4, 0.8, 0.02]},
        "probs",
        oracle=lambda p: stats.nbinom(p.total_count, 1 - p.probs),
    ),
    Counted(
        "NegativeBinomial",
        {"total_count": [3.0, 0.6, 8.5], "logits": [0.0, -2.0, 1.5]},
        "logits",
        oracle=lambda p: stats.nbinom(p.total_count, special.expit(-p.logits)),
    ),
    Counted("Geometric", {"probs": [0.4, 0.95, 0.06]}, "probs", oracle=lambda p: stats.geom(p.probs, -1)),
    Counted(
        "Geometric",
        {"logits": [0.0, -2.0, 3.0]},
        "logits",
        oracle=lambda p: stats.geom(special.expit(p.logits), -1),
    ),
    Counted(
        "ZeroInflatedPoisson",
        {"rate": [3.0, 0.2, 40.0], "gate": [0.3, 0.9, 0.01]},
        oracle=lambda p: Inflated(stats.poisson(p.rate), float(p.gate)),
    ),
]
