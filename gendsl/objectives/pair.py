"""What an engine needs to evaluate a bound on the evidence: a model, a guide, and the noise of its draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from scipy.special import logsumexp

__all__ = ["Bound", "Evidence", "Pair", "estimates"]

Array = Any


class Bound(StrEnum):
    """Which of the engine's losses."""

    ELBO = "mean of log weights"
    ANALYTIC = "mean of log weights, Kullback-Leibler divergences in closed form"
    IWAE = "log of the mean of weights"


def estimates(bound: Bound, log_weights: np.ndarray) -> np.ndarray:
    """Estimates of a bound by K log-weights each, (n, K, ...) -> (n, ...)."""
    if bound is not Bound.IWAE:
        return np.asarray(log_weights.mean(1))
    return np.asarray(logsumexp(log_weights, 1) - np.log(log_weights.shape[1]))


@dataclass(frozen=True, eq=False)
class Pair:
    """A model and a guide.

    Attributes:
        model: the PPL model, without arguments.
        guide: the PPL guide, without arguments.
        particles: K, draws of the guide.
        draws: site of the guide -> standard normal noise, (K, *slots, *event), in the program's layout. The draw is the
            image of its noise under the site's distribution: loc + scale eps, loc + L eps, and transforms of these.
        seed: of sites that have no noise of their own, an integer array; None where every site has.
        score: sites whose gradient is that of the score function; others are differentiated along their path.
        baselines: some of these -> b, a scalar; the site's gradient is then grad log q times (cost - b), which has the
            same mean for every b that does not depend on the draws.
        model_reads: site of the model -> the latents that its log-probability depends on, its own draw and those that
            draws of the guide depend on among them; a site that is not here may depend on all.
        guide_reads: the same of the guide's sites.
        scales: plate -> factor of the log-probabilities of the sites in it.
        depth: plate slots of the programs.
        bound: which loss.
    """

    model: Callable[[], Any]
    guide: Callable[[], Any]
    particles: int = 1
    draws: Mapping[str, Array] = field(default_factory=dict)
    seed: Array | None = None
    score: frozenset[str] = frozenset()
    baselines: Mapping[str, Array] = field(default_factory=dict)
    model_reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    guide_reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    depth: int = 0
    bound: Bound = Bound.ELBO


class Evidence(Protocol):
    """What a backend does with a pair; the losses are its engine's own.

    Attributes:
        ppl: the engine's language, with `sample` and `factor`.
        dist: its distributions.
    """

    ppl: Any
    dist: Any

    def loss(self, pair: Pair) -> Array:
        """The negative bound, a scalar whose gradient is the estimator's; nothing global is left behind."""

    def loss_and_costs(self, pair: Pair) -> tuple[Array, dict[str, Array]]:
        """The same, and for each site with a baseline the mean over particles and elements of what its score weighs.

        That is the sum of the log weights that depend on an element's draw. No costs where no gradients are recorded.
        """

    def log_joint(
        self,
        model: Callable[..., Any],
        u: Mapping[str, Array],
        scales: Mapping[str, float],
        *arguments: Any,
    ) -> Array:
        """The log-density of a PPL model at unconstrained latents, log-determinants included, a scalar."""

    def image(self, distribution: Any, noise: Array) -> Array:
        """The draws of a distribution whose standard normal noise is given, (count, ...)."""
