"""Baselines of score-function gradients.

The gradient of an expectation by the score function is E[grad log q(z) c(z)], with c the sum of the log weights that
depend on z. As E[grad log q] = 0, so is E[grad log q (c - b)] for every b that does not depend on the draw, with less
noise for b near E c. Here b is a running mean of the costs of earlier steps, the same for all elements of a site, for
which rows of a batch are which changes at every step:

    s <- d s + (1 - d) c,   w <- d w + (1 - d),   b = s / w   (0 before the first step)

Reference:
    Neural Variational Inference and Learning in Belief Networks (Mnih, Gregor, 2014) | https://arxiv.org/abs/1402.0030
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.checked import Configuration, number
from gendsl.objectives.base import Refusal

__all__ = ["Baseline", "Baselines", "baseline_refusals"]

Array = Any
_PREFIX = "baseline."


@dataclass(frozen=True, kw_only=True)
class Baseline(Configuration):
    """A running mean of the costs of a site, which its score-function gradient is taken against.

    Args:
        decay: d, the share of the mean that is kept at each step, in [0, 1).
    """

    decay: float = 0.9

    def __post_init__(self) -> None:
        words = "a share in [0, 1)"
        value = number(self.who(), "decay", self.decay, high=1.0, closed=True, needed=words, usual="0.9")
        object.__setattr__(self, "decay", value)


@dataclass(frozen=True, eq=False)
class Baselines:
    """The baselines of a game, whose means are its state.

    Attributes:
        sites: site -> its baseline.
        ops: array functions.
    """

    sites: Mapping[str, Baseline]
    ops: Any

    @classmethod
    def of(cls, given: Baseline | Mapping[str, Baseline] | None, score: Iterable[str], ops: Any) -> Baselines:
        """Those of the sites whose gradient is that of the score function."""
        if isinstance(given, Baseline):
            given = dict.fromkeys(sorted(score), given)
        return cls({k: b for k, b in (given or {}).items() if k in set(score)}, ops)

    def initial(self) -> dict[str, np.ndarray]:
        """The state before the first step: s and w of each site."""
        return {f"{_PREFIX}{k}": np.zeros(2) for k in self.sites}

    def values(self, state: Mapping[str, Array]) -> dict[str, Array]:
        """b of each site; none where there is no state, as in an evaluation after training."""
        out = {}
        for name in self.sites:
            if f"{_PREFIX}{name}" in state:
                s, w = (state[f"{_PREFIX}{name}"][k] for k in (0, 1))
                out[name] = self.ops.where(w > 0, s / self.ops.where(w > 0, w, self.ops.ones_like(w)), 0.0 * s)
        return out

    def after(self, state: Mapping[str, Array], costs: Mapping[str, Array]) -> dict[str, Array]:
        """The state after a step; the same where no costs were recorded."""
        out = {}
        for name, baseline in self.sites.items():
            key = f"{_PREFIX}{name}"
            if key in state:
                before = state[key]
                c = costs.get(name)
                new = before if c is None else self.ops.stack((c, self.ops.ones_like(c)))
                out[key] = baseline.decay * before + (1.0 - baseline.decay) * new
        return out


def baseline_refusals(
    who: str, given: Baseline | Mapping[str, Baseline] | None, score: Mapping[str, bool], whole: bool
) -> Iterator[Refusal]:
    """Why baselines do not fit a guide.

    Args:
        who: the objective.
        given: its baselines.
        score: site of the guide -> whether its gradient is that of the score function.
        whole: whether the guide draws all latents as one site.
    """
    if given is None:
        return
    if isinstance(given, Mapping) and whole:
        yield Refusal(
            f"{who} has baselines by site, and its guide draws all latents at once",
            given=f"baseline={dict(given)!r}"[:100],
            needed="one baseline, or a model as guide",
            fix="baseline=gd.Baseline()",
        )
        return
    for name in given if isinstance(given, Mapping) else ():
        if name not in score or not score[name]:
            problem = "is along its path" if name in score else "is none that the guide has by name"
            yield Refusal(
                f"a baseline is of a score-function gradient, and that of '{name}' {problem}",
                node=name,
                given=f"baseline for {name!r}",
                needed=f"some of {', '.join(k for k, v in score.items() if v) or 'no site'}",
                fix=f"gradient={{{name!r}: gd.Gradient.SCORE}}" if name in score else "check the spelling",
            )
    if isinstance(given, Baseline) and not any(score.values()):
        yield Refusal(
            f"{who} has a baseline, and no gradient is that of the score function",
            given=f"baseline={given!r}",
            needed="a site whose gradient is that of the score function",
            fix="gradient=gd.Gradient.SCORE, or leave baseline out",
        )
