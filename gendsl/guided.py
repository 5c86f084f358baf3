"""What a trained guide gives: a posterior, as draws, tables and weights.

The guide's draws are draws of an approximation; how good it is, the importance weights w = p(x, z) / q(z) tell: their
mean logarithm is the ELBO, and the shape k of their upper tail says whether they could mend it (below 0.7) or not.

Reference:
    Yes, but Did It Work?: Evaluating Variational Inference (Yao, Vehtari, Simpson, Gelman, 2018)
    | https://proceedings.mlr.press/v80/yao18a.html
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.groups import data_groups, dims_of
from gendsl.request import check_seed, positive
from gendsl.results.named import NamedDraws, known_draws

if TYPE_CHECKING:
    import pandas as pd

    from gendsl.objectives import Objective
    from gendsl.objectives.posterior import Posterior
    from gendsl.objectives.setting import Setting

__all__ = ["DRAWS", "Guided"]

DRAWS = 1000


class Guided(ABC):
    """The part of a `TrainedFit` that is about its guide."""

    setting: Setting
    objective: Objective
    seed: int
    _drawn: dict[int, dict[str, np.ndarray]]

    @property
    @abstractmethod
    def posterior(self) -> Posterior:
        """The guide after training."""

    @abstractmethod
    def _late(self) -> frozenset[str]:
        """Recorded values over rows that the guide reads."""

    @property
    def draws(self) -> dict[str, np.ndarray]:
        """Site -> (1, draw, *dims, *event): a thousand draws of the guide, of every latent and recorded value.

        Recorded values over rows that the guide reads, such as reconstructions, are computed when they are asked for.
        """
        if self.seed not in self._drawn:
            late = self._late()
            first = [str(n.name) for _, n in self.setting.graph.of("latent", "let") if n.name not in late]
            values = self.posterior.draw(DRAWS, self.seed, first)
            make = {k: partial(self._drawn_late, k) for k in late}
            self._drawn[self.seed] = NamedDraws({k: v[None] for k, v in values.items()}, make)
        return self._drawn[self.seed]

    def _drawn_late(self, name: str) -> np.ndarray:
        return self.posterior.draw(DRAWS, self.seed, [name])[name][None]

    @cached_property
    def idata(self) -> Any:
        """arviz's InferenceData: posterior (draws of the guide), observed_data, constant_data."""
        late = self._late()
        return self._idata([k for k in self.draws if k not in late])

    def _idata(self, names: Sequence[str]) -> Any:
        from gendsl.diagnostics import inference_data

        graph, bound = self.setting.graph, self.setting.bound
        named = {
            name: (("chain", "draw", *dims_of(graph, graph.nodes[graph.sites[name]])), self.draws[name])
            for name in names
        }
        attrs = {
            "creation_library": "gendsl",
            "creation_library_version": version("gendsl"),
            "inference_library": self.setting.backend.name,
            "model": graph.name,
            "objective": type(self.objective).__name__,
            "seed": self.seed,
        }
        groups = {"posterior": named, **data_groups(graph, bound.arrays, graph.inputs)}
        return inference_data(groups, bound.coords, attrs)

    def summary(
        self, names: str | Sequence[str] | None = None, *, prob: float = 0.94, round_to: int | None = None
    ) -> pd.DataFrame:
        """arviz's table of the posterior: means, deviations and intervals. Draws of a guide are independent.

        Args:
            names: one site or several; left out, all that `idata` has.
            prob: probability of the highest-density interval.
            round_to: decimals; left out, arviz's choice for each column.

        Raises:
            FitError: if there is no site of a given name.
        """
        from gendsl.diagnostics import summary

        chosen = known_draws(names, self.draws)
        idata = self.idata if chosen is None else self._idata(chosen)
        return summary(idata, chosen, prob=prob, round_to=round_to, chains=False)

    def pareto_k(self, draws: int = DRAWS, *, seed: int = 0) -> float:
        """The shape of the upper tail of the importance weights, by arviz's smoothing (PSIS).

        Below 0.5 the guide is good; above 0.7 its draws cannot be mended by weights. Minus infinity where the largest
        weights are equal. Where each row has latents of its own, it is of all rows together, and grows with them.
        """
        from gendsl.diagnostics import pareto_shape

        return float(pareto_shape(self.posterior.log_weights(positive("draws", draws, DRAWS), check_seed(seed))))
