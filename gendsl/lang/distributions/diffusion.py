"""Diffusions as distributions: a process from data to noise and a network that turns it round."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from gendsl.checked import refuse
from gendsl.densities import DiffusionDensity
from gendsl.errors import check_call
from gendsl.graph.constraints import real
from gendsl.graph.families import Params
from gendsl.graph.types import Size
from gendsl.lang.distributions.base import param, static
from gendsl.lang.distributions.learned import (
    OTHER_NAMES,
    LearnedDistribution,
    check_context,
    context_length,
    event_shape,
    fixed_event,
    spec_of,
)
from gendsl.lang.expr import Value
from gendsl.math.diffusion.predicts import Predicts
from gendsl.networks import Network
from gendsl.processes import ForwardProcess
from gendsl.samplers import DPMSolver, Grid, ProbabilityFlow, Sampler, UniformLogSNR

if TYPE_CHECKING:
    from gendsl.lang.chain import ModelAndGuide

__all__ = ["Diffusion"]


class Diffusion(LearnedDistribution):
    """A diffusion, or a flow that was matched: data are what a solver makes of noise.

        x_t = alpha(t) x_0 + sigma(t) eps,     dx/dt = alpha' E[x_0 | x_t] + sigma' E[eps | x_t]

    A draw is made by the sampler of one standard normal event, and is differentiable in parameters and noise. The
    log-density is that of the probability-flow ODE at the process's `start`: exact but for the solver's steps, or, with
    `flow=gd.ProbabilityFlow(probes=...)`, an estimate whose probes are fixed. It takes as many derivatives of the
    network as an event has elements, at each evaluation; `gd.DenoisingScoreMatching` and `gd.FlowMatching` train
    without it.

    With a context the network is a function of x_t, t and the context, and everything is of x given it. It enters with
    the time: c = silu(W2 silu(W1 features(t) + V context)) scales and shifts the activations of each hidden layer of an
    MLP, of each block of the others. For a one-hot coded class V is a table of embeddings.

    Args:
        process: from data to noise, such as `gd.VP(gd.schedule.Linear(0.1, 20.0))`.
        network: from events to events; one that takes no time is given `gd.Sinusoidal()`.
        predicts: what its output means: `gd.Predicts.EPS`, or "eps", "x0", "v", "velocity", "score" or "F".
        event: event shape of a draw, or the length of its one axis.
        sampler: how a draw is made; one that takes no noise of its own.
        flow: how the log-density is computed.
        data_scale: standard deviation of the data; networks that predict F see it.
        context: a vector that the network sees with the time, for a conditional diffusion.
        name: of the parameters; left out, the site's.

    Raises:
        ModelError: if a value is not what it should be, or the network does not fit the event.

    References:
        Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
        Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
        https://arxiv.org/abs/2011.13456
        Flow Matching for Generative Modeling (Lipman et al., 2022) | https://arxiv.org/abs/2210.02747
    """

    event: tuple[int, ...] = static()
    spec: DiffusionDensity = static()
    context: Value | None = param(real, rank=1, default=None)
    name: str | None = static(default=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_call("gd.Diffusion", _DIFFUSION, args, kwargs, OTHER_NAMES)
        bound = _DIFFUSION.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        event, name = event_shape(given.pop("event"), "Diffusion"), given.pop("name")
        context = given.pop("context")
        spec = DiffusionDensity(**given, context=context_length(context, "Diffusion"))
        super().__init__(event=event, spec=spec, context=context, name=name)

    def chain(
        self, steps: int = 10, *, grid: Grid = UniformLogSNR(), name: str = "x", plate: str = "row"
    ) -> ModelAndGuide:
        """The explicit chain x_T -> ... -> x_1 -> x of process and network, as a model and its guide.

        `model.objective(gd.ELBO(guide=guide, analytic_kl=True))` trains the network by the variational bound of
        denoising diffusions. Each step is a latent and a call of the network in the program: this is for chains of
        tens of steps. Sampler and flow have no part in it.

        Args:
            steps: T, latents "x_1", ..., "x_T", the last with the most noise.
            grid: where the T levels are; the bound falls as there are more, and the log-SNR's even grid is a good one.
            name: of the observation, before the numbers of the latents.
            plate: of the rows.

        Returns:
            model, guide. The network is the model's, under the distribution's name or "<name>_network".

        Raises:
            ModelError: if a value is not what it should be.

        Reference:
            Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
        """
        from gendsl.lang.chain import explicit_chain

        if "context" in self.params:
            refuse(
                "Diffusion.chain",
                "a chain is a model of its own, which has no context from another",
                self,
                "a diffusion without a context",
                "gd.DenoisingScoreMatching(), which trains conditional diffusions",
            )
        if self.expanded:
            refuse(
                "Diffusion.chain",
                "a chain is that of one event, without copies",
                self,
                "the diffusion before .expand(...)",
                "event=... of all of it, or a plate",
            )
        network = self.params.get("name") or f"{name}_network"
        return explicit_chain(self.params["spec"], self.params["event"], steps, grid, name, plate, network)

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        check_context(p)
        event = fixed_event(p["event"], "a diffusion")
        spec_of(p).parameters(event)  # raises where the network does not fit
        return event


def _diffusion(
    process: ForwardProcess,
    *,
    network: Network,
    predicts: Predicts = Predicts.EPS,
    event: int | tuple[int, ...],
    sampler: Sampler = DPMSolver(steps=20),
    flow: ProbabilityFlow = ProbabilityFlow(),
    data_scale: float = 1.0,
    context: Value | None = None,
    name: str | None = None,
) -> None: ...


_DIFFUSION = inspect.signature(_diffusion)
# What inspect and editors show; classes are not declared to have the attribute.
Diffusion.__signature__ = _DIFFUSION  # type: ignore[attr-defined]
