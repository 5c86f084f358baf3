"""Bounds on the evidence: ELBO and IWAE.

With latents z, data x, parameters theta of the model and phi of the guide q, and draws z_k ~ q,

    w_k   = p(x, z_k; theta) / q(z_k; phi)
    ELBO  = E (1/K) sum_k log w_k          <= log p(x)
    IWAE  = E log (1/K) sum_k w_k          between the ELBO and log p(x), rising with K

and the loss is the negative bound divided by the number of rows N (1 where data do not come in rows). Gradients pass
along the path of a draw where its distribution allows, or by the score function, grad log q times log w. The losses are
the engines' own: Trace_ELBO, TraceGraph_ELBO, TraceMeanField_ELBO, RenyiELBO of Pyro and NumPyro.

A bound over all rows is a sum over rows where every latent is over the plate of rows. Latents that rows share make the
ELBO of a batch unbiased still, by the scale N / B of its terms; IWAE's logarithm is of them all, and takes no batch.

Reference:
    Automated Variational Inference in Probabilistic Programming (Wingate, Weber, 2013)
    | https://arxiv.org/abs/1301.1299
    Importance Weighted Autoencoders (Burda, Grosse, Salakhutdinov, 2016) | https://arxiv.org/abs/1509.00519
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from gendsl.checked import boolean, refuse, whole
from gendsl.graph.node import Graph
from gendsl.guide import Guide, MeanField
from gendsl.objectives.base import Objective, Refusal, register
from gendsl.objectives.baseline import Baseline, baseline_refusals
from gendsl.objectives.densities import density_refusals
from gendsl.objectives.guides import guide_refusals, has_path, latent_refusals, prior_of
from gendsl.objectives.pair import Bound

if TYPE_CHECKING:
    from gendsl.lang.model import Model
    from gendsl.objectives.setting import Bindable, Setting

__all__ = ["ELBO", "IWAE", "Gradient"]


class Gradient(StrEnum):
    """How a gradient passes through a draw."""

    PATHWISE = "along the path"
    SCORE = "score function"


@dataclass(frozen=True, kw_only=True)
class _Evidence(Objective):
    """What both bounds have."""

    other: ClassVar[Mapping[str, str]] = MappingProxyType({"num_particles": "particles", "samples": "particles"})
    bound: ClassVar[Bound]

    guide: Guide | Model = field(default_factory=MeanField)
    particles: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "particles", whole(self.who(), "particles", self.particles, usual="1"))
        self._check_guide()

    def _check_guide(self) -> None:
        from gendsl.lang.model import Model

        if isinstance(self.guide, Model):  # later declarations are not the objective's
            object.__setattr__(self, "guide", self.guide.copy())
        elif not isinstance(self.guide, Guide):
            is_kind = isinstance(self.guide, type) and issubclass(self.guide, Guide)
            fix = f"an instance: gd.guide.{self.guide.__name__}()" if is_kind else "gd.guide.MeanField()"
            refuse(self.who(), "a guide is one of gd.guide, or a model", self.guide, "such as gd.guide.FullRank()", fix)

    @property
    def amortised(self) -> Graph | None:
        """The graph of a guide that is a model."""
        return None if isinstance(self.guide, Guide) else self.guide.graph

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """It needs latents, a guide that has them all, and densities that are known."""
        other = self.amortised
        out = list(latent_refusals(graph, self.who(), self.guide if isinstance(self.guide, Guide) else None))
        out += density_refusals(graph)
        return out if other is None else out + list(guide_refusals(graph, other))

    def score_of(self, site: str, has_path: bool) -> bool:
        """Whether a site's gradient is that of the score function."""
        return not has_path

    def bind(self, setting: Setting) -> Bindable:
        """The bound on the evidence of a model's data as a game."""
        from gendsl.objectives.amortised import bind_model
        from gendsl.objectives.unconstrained import bind_guide

        self.check(setting.graph)
        return bind_guide(self, setting) if self.amortised is None else bind_model(self, setting)


@register
@dataclass(frozen=True, kw_only=True)
class ELBO(_Evidence):
    """The evidence lower bound.

    Args:
        guide: one of gd.guide on the unconstrained latents, or a model whose latents are this model's.
        particles: K, draws at each step.
        gradient: of all sites, or by the name of a site of a guide that is a model; left out, along the path where a
            site's distribution allows it.
        baseline: of all score-function gradients, or by the name of a site of a guide that is a model; it takes noise
            from them and leaves their mean.
        analytic_kl: Kullback-Leibler divergences in closed form where the engine knows them, for a guide that is a
            model.

    Raises:
        ModelError: if a value is not what it should be.
    """

    purpose: ClassVar[str] = "a posterior, and parameters and networks, by a guide"
    bound: ClassVar[Bound] = Bound.ELBO

    gradient: Gradient | Mapping[str, Gradient] | None = None
    baseline: Baseline | Mapping[str, Baseline] | None = None
    analytic_kl: bool = False

    @classmethod
    def turn(cls, graph: Graph) -> int | None:
        """For models with latents, to which nothing before it applies."""
        return 4

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "analytic_kl", boolean(self.who(), "analytic_kl", self.analytic_kl))
        if isinstance(self.gradient, Mapping):
            object.__setattr__(self, "gradient", MappingProxyType(dict(self.gradient)))
        for value in self.gradient.values() if isinstance(self.gradient, Mapping) else (self.gradient,):
            if value is not None and not isinstance(value, Gradient):
                choices = ", ".join(f"gd.Gradient.{g.name}" for g in Gradient)
                refuse(self.who(), "unknown gradient", value, f"one of {choices}, or one for each site", None)
        if isinstance(self.baseline, Mapping):
            object.__setattr__(self, "baseline", MappingProxyType(dict(self.baseline)))
        for given in self.baseline.values() if isinstance(self.baseline, Mapping) else (self.baseline,):
            if given is not None and not isinstance(given, Baseline):
                refuse(self.who(), "unknown baseline", given, "a gd.Baseline, or one for each site", "gd.Baseline()")
        if self.analytic_kl and isinstance(self.guide, Guide):
            refuse(self.who(), "analytic_kl needs the model's own sites in the guide", self.guide, "a model as guide")

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """See `_Evidence.refusals`; and sites with gradients are the guide's."""
        out = list(super().refusals(graph))
        if isinstance(self.gradient, Mapping):
            other = self.amortised
            known = [] if other is None else [str(n.name) for _, n in other.of("latent")]
            for name in self.gradient:
                if name not in known:
                    out.append(
                        Refusal(
                            f"the guide has no site '{name}' whose gradient could be chosen",
                            node=name,
                            given=f"gradient for {name!r}",
                            needed=f"some of {', '.join(known)}" if known else "one gradient for all sites",
                            fix="gradient=gd.Gradient.SCORE" if not known else "check the spelling",
                        )
                    )
        out += self._pathless()
        score = self._scores()
        out += baseline_refusals(self.who(), self.baseline, score, self.amortised is None)
        if self.analytic_kl and any(score.values()):
            name = next(k for k, v in score.items() if v)
            out.append(
                Refusal(
                    f"analytic_kl differentiates draws along their paths, and '{name}' by the score function",
                    node=name,
                    given="analytic_kl=True",
                    needed="paths, or divergences that are sampled",
                    fix="leave analytic_kl out",
                )
            )
        return out

    def _pathless(self) -> Iterator[Refusal]:
        """Sites that are to be differentiated along a path that they do not have."""
        other = self.amortised
        if other is None:
            return
        for _, n in other.of("latent"):
            if not has_path(other, n) and not self.score_of(str(n.name), False):
                kind = prior_of(other, n)[0].op.removeprefix("dist.")
                yield Refusal(
                    f"no gradient passes along the path of a draw of '{n.name}'",
                    node=n.name,
                    given=f"gd.Gradient.PATHWISE for {kind}",
                    needed="a distribution whose draws are differentiable, or the score function",
                    fix=f"gradient={{{n.name!r}: gd.Gradient.SCORE}}, or leave it out",
                    where=n.where,
                )

    def _scores(self) -> dict[str, bool]:
        """Site of a guide that is a model -> whether its gradient is that of the score function."""
        if self.amortised is None:
            return {"the guide": isinstance(self.guide, Guide) and self.guide.draws and self.score_of("", True)}
        return {str(n.name): self.score_of(str(n.name), has_path(self.amortised, n))
                for _, n in self.amortised.of("latent")}  # fmt: skip

    def score_of(self, site: str, has_path: bool) -> bool:
        """Whether a site's gradient is that of the score function."""
        wanted = self.gradient.get(site) if isinstance(self.gradient, Mapping) else self.gradient
        return not has_path if wanted is None else wanted is Gradient.SCORE

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.particles, self.analytic_kl))


@register
@dataclass(frozen=True, kw_only=True)
class IWAE(_Evidence):
    """The importance-weighted bound, tighter than the ELBO; its guide's gradients pass along paths.

    Args:
        guide: one of gd.guide on the unconstrained latents, or a model whose latents are this model's.
        particles: K, draws at each step.

    Raises:
        ModelError: if a value is not what it should be.
    """

    purpose: ClassVar[str] = "as ELBO, by a tighter bound"
    bound: ClassVar[Bound] = Bound.IWAE

    particles: int = 10

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """See `_Evidence.refusals`; a point has no weight."""
        out = list(super().refusals(graph))
        if isinstance(self.guide, Guide) and not self.guide.draws:
            out.append(
                Refusal(
                    f"IWAE weighs draws of its guide, and {self.guide!r} is a point",
                    given=f"guide={self.guide!r}",
                    needed="a guide with a density",
                    fix="gd.guide.FullRank(), or gd.ELBO with this guide",
                )
            )
        return out

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.particles))
