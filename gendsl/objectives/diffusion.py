"""Objectives of diffusions: what a network learns from, as specs over gendsl.math.diffusion.losses.

Each draws its noise first, {"u": (n,), "eps": (n, *event)}, and is then evaluated on it, row by row. They apply to
models whose observations are all diffusions (gendsl/objectives/matching.py).

References:
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    Maximum Likelihood Training of Score-Based Diffusion Models (Song et al., 2021) | https://arxiv.org/abs/2101.09258
    Flow Matching for Generative Modeling (Lipman et al., 2022) | https://arxiv.org/abs/2210.02747
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gendsl.graph.node import Graph
from gendsl.math.diffusion import losses, times
from gendsl.math.diffusion.losses import Weight
from gendsl.math.diffusion.predicts import Net, Predicts
from gendsl.math.diffusion.process import GaussianPath
from gendsl.math.diffusion.times import Density, Times
from gendsl.objectives.base import Objective, Refusal, register
from gendsl.objectives.contexts import contexts_of
from gendsl.objectives.diffusions import only_diffusions
from gendsl.objectives.matching import Matching, matching_refusals
from gendsl.objectives.setting import Bindable, Setting
from gendsl.spec import Checked

__all__ = ["DenoisingScoreMatching", "Density", "DiffusionObjective", "FlowMatching", "Times", "Weight"]

Array = Any
Noise = dict[str, Array]


@dataclass(frozen=True, kw_only=True, repr=False)
class DiffusionObjective(Checked, Objective):
    """What the objectives of diffusions share.

    Args:
        times: how the times of a batch are drawn; stratified ones have the same expectation and less variance.
        density: where they lie; left out, what suits the loss.
    """

    times: Times = Times.STRATIFIED
    density: Density | None = None

    def __post_init__(self) -> None:
        self._choice("times", Times)
        if self.density is not None:
            self._choice("density", Density)

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """It needs observations that are diffusions, and nothing else that a density is made of."""
        return matching_refusals(graph, self.who())

    def bind(self, setting: Setting) -> Bindable:
        """The mean loss of a model's rows as a game."""
        self.check(setting.graph)
        bound = setting.program()
        contexts = contexts_of(setting)
        rows, by_row, whole = setting.laid({"model": bound} | contexts.programs)
        return Bindable(Matching(self, setting, bound, rows, contexts), by_row, whole, {"model": bound})

    def draw(self, ops: Any, key: Any, x0: Array, rank: int = 1) -> Noise:
        """The noise of a batch x0 (n, *event): uniform numbers for times, normal ones for the data."""
        first, second = ops.split(key, 2)
        u = times.draw(ops, self.times, first, x0.shape[0], x0)
        return {"u": u, "eps": ops.normal(second, x0.shape, like=x0)}

    def loss(
        self,
        ops: Any,
        process: GaussianPath,
        predicts: Predicts,
        net: Net,
        x0: Array,
        noise: Noise,
        rank: int = 1,
        data_scale: float = 1.0,
    ) -> Array:
        """The loss of each row, (n,); arguments as `gendsl.math.diffusion.losses.score_matching`."""
        raise NotImplementedError


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class DenoisingScoreMatching(DiffusionObjective):
    """The squared error of the noise that a network finds in noisy data.

    Args:
        weight: SIMPLE counts all times alike; LIKELIHOOD makes the expectation a bound on -log p(x), but for the two
            terms at the ends (gendsl.math.diffusion.bound).
        density: where times lie. Left out, TIME for SIMPLE, and LOG_SNR for LIKELIHOOD, whose expectation does not
            depend on it.
    """

    purpose: ClassVar[str] = "a diffusion, by the noise that its network finds in data"

    weight: Weight = Weight.SIMPLE

    @classmethod
    def turn(cls, graph: Graph) -> int | None:
        """Before the likelihood: one call of the network a step, where that solves an equation."""
        return 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._choice("weight", Weight)

    def loss(
        self,
        ops: Any,
        process: GaussianPath,
        predicts: Predicts,
        net: Net,
        x0: Array,
        noise: Noise,
        rank: int = 1,
        data_scale: float = 1.0,
    ) -> Array:
        """The weighted squared error of each row, (n,)."""
        u, eps = noise["u"], noise["eps"]
        density = self.density or (Density.LOG_SNR if self.weight is Weight.LIKELIHOOD else Density.TIME)
        return losses.score_matching(ops, process, predicts, net, x0, u, eps, self.weight, rank, data_scale, density)


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class FlowMatching(DiffusionObjective):
    """The squared error of the velocity alpha' x_0 + sigma' eps: conditional flow matching."""

    purpose: ClassVar[str] = "a diffusion, by the velocity of its paths from data to noise"

    @classmethod
    def turn(cls, graph: Graph) -> int | None:
        """First, where networks predict the velocity, which it compares with that of the paths."""
        sites = only_diffusions(graph)
        return 0 if sites and all(s.spec.predicts is Predicts.VELOCITY for s in sites) else None

    def loss(
        self,
        ops: Any,
        process: GaussianPath,
        predicts: Predicts,
        net: Net,
        x0: Array,
        noise: Noise,
        rank: int = 1,
        data_scale: float = 1.0,
    ) -> Array:
        """The squared error of each row's velocity, (n,)."""
        u, eps, density = noise["u"], noise["eps"], self.density or Density.TIME
        return losses.flow_matching(ops, process, predicts, net, x0, u, eps, rank, data_scale, density)
