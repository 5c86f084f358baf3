"""Diffusions as densities: drawn by a solver of the probability-flow ODE, and judged by it.

Under a context y all of it is of x given y: the network is a function of (x_t, t, y), and losses, solvers and the trace
of the Jacobian, which is that in x, hold y as it is. How a network sees y is in gendsl/networks/time.py.

The density is that of x at the process's `start`, data with the noise sigma(start) on them; see
gendsl/math/diffusion/likelihood.py for what is exact about it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

from gendsl.densities.base import Density, Event
from gendsl.log_density import LogDensity
from gendsl.math.diffusion.predicts import Net, Predicts, denoiser
from gendsl.math.diffusion.table import Table, run
from gendsl.networks import Network, Sinusoidal
from gendsl.networks.base import shape_words
from gendsl.networks.layers import Array, Layers, Values, broadcast_lead, lead_of
from gendsl.networks.parameter import Parameters
from gendsl.processes import ForwardProcess
from gendsl.samplers import DPMSolver, Sampler
from gendsl.samplers.probability_flow import ProbabilityFlow
from gendsl.spec import Checked

__all__ = ["DiffusionDensity", "Predicts"]


@lru_cache(maxsize=64)
def _table(sampler: Sampler, process: ForwardProcess, predicts: Predicts, data_scale: float) -> Table:
    return sampler.network_table(process, predicts, data_scale)


@dataclass(frozen=True, repr=False)
class DiffusionDensity(Density, Checked):
    """A diffusion, or a flow that was matched: a process and a network.

    Args:
        process: from data to noise.
        network: from events to events; one that takes no time is given `Sinusoidal()`.
        predicts: what its output means.
        sampler: how a draw is made of one standard normal event; it takes no other noise.
        flow: how the log-density is computed. Probes, where there are any, are the same for all rows and evaluations: a
            function of the event's shape alone.
        data_scale: standard deviation of the data, which a network that predicts F is scaled by.
        context: numbers in the context that the network sees with the time; 0 for none.

    Raises:
        ModelError: if a value is not what it should be.

    References:
        Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
        Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
        https://arxiv.org/abs/2011.13456
    """

    process: ForwardProcess
    network: Network
    _: KW_ONLY
    predicts: Predicts = Predicts.EPS
    sampler: Sampler = DPMSolver(steps=20)
    flow: ProbabilityFlow = ProbabilityFlow()
    data_scale: float = 1.0

    def __post_init__(self) -> None:
        self._part("process", ForwardProcess, "gd.VP(gd.schedule.Linear(0.1, 20.0))")
        self._part("network", Network, "gd.MLP(2, hidden=(128, 128))")
        self._set("network", self.network.with_time(Sinusoidal()))
        self._choice("predicts", Predicts)
        self._part("sampler", Sampler, "gd.sampler.DPMSolver(steps=20)")
        self._part("flow", ProbabilityFlow, "gd.ProbabilityFlow()")
        self._number("data_scale", 0.0)
        self._count("context", 0)
        if self.context:
            self.network.check_context()
        if self.sampler.stochastic:
            self._refuse(
                "a distribution's own sampler is a function of one normal event",
                f"sampler={self.sampler!r}, which takes noise at each step",
                "DDIM(eta=0), DPMSolver or Heun",
                "give it to fit.sample(..., sampler=...) instead",
            )

    def parameters(self, event: Event) -> Parameters:
        """network.*"""
        out = self.network.output(event)
        if out != event:
            self._refuse(
                "the network gives another shape than it takes",
                f"{shape_words(event)} -> {shape_words(out)}",
                f"{shape_words(event)} -> {shape_words(event)}",
                "a network as wide at its end as the event",
            )
        own = self.network.parameters(event, self.context) if self.context else self.network.parameters(event)
        return {f"network.{name}": p for name, p in own.items()}

    def net(self, nn: Layers, params: Values, event: Event, context: Array | None = None) -> Net:
        """The network as a function of x (..., *event) and a time as it sees it, () or (...).

        Args:
            nn: a backend's layers.
            params: name -> array, names as in `parameters`.
            event: event shape of x.
            context: (..., numbers); its left axes are among those of x, or 1.
        """
        own = {name.removeprefix("network."): value for name, value in params.items()}
        return lambda x, t: self.network.apply(nn, own, x, event=event, time=t, context=context)

    def denoise(self, nn: Layers, params: Values, event: Event, context: Array | None = None) -> Net:
        """The posterior mean, of x (..., *event) and t, () or (...); arguments as for `net`."""
        net = self.net(nn, params, event, context)
        return denoiser(nn.ops, self.process, self.predicts, net, len(event), self.data_scale)

    def log_density(
        self,
        nn: Layers,
        params: Values,
        x: Array,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
        check: bool = False,
        context: Array | None = None,
    ) -> LogDensity:
        """The log-density and what it is worth.

        Args:
            nn: a backend's layers.
            params: name -> array, names as in `parameters`.
            x: the value, (..., *event).
            event: event shape of x; left out, its last axis.
            base: log-density of the noise of a draw; left out, standard normal.
            check: whether the solver's error is estimated.
            context: (..., numbers); its left axes broadcast with those of x.
        """
        event = tuple(x.shape[-1:]) if event is None else tuple(event)
        x = _over(nn, x, context, event)
        probes = self.flow.draw(nn.ops, nn.ops.key(0), nn.ops.zeros(event, like=x))
        if probes is not None:
            shape = (probes.shape[0], *(1,) * (x.ndim - len(event)), *event)
            probes = nn.ops.broadcast_to(nn.ops.reshape(probes, shape), (shape[0], *x.shape))
        denoise, end = self.denoise(nn, params, event, context), None
        if base is not None:
            scale = self.process.base_scale
            volume = math.prod(event) * math.log(scale)
            end = lambda z: base(z / scale) - volume  # noqa: E731
        return self.flow.log_density(nn.ops, self.process, denoise, x, probes, rank=len(event), base=end, check=check)

    def log_prob(
        self,
        nn: Layers,
        params: Values,
        x: Array,
        context: Array | None = None,
        event: Event | None = None,
        base: Callable[[Array], Array] | None = None,
    ) -> Array:
        """The log-density, (...)."""
        return self.log_density(nn, params, x, event, base, context=context).value

    def sample(
        self, nn: Layers, params: Values, noise: Array, context: Array | None = None, event: Event | None = None
    ) -> Array:
        """What the sampler makes of the noise, (..., *event)."""
        event = tuple(noise.shape[-1:]) if event is None else tuple(event)
        table = _table(self.sampler, self.process, self.predicts, self.data_scale)
        start = self.process.base_scale * _over(nn, noise, context, event)
        return run(nn.ops, table, self.net(nn, params, event, context), start)


def _over(nn: Layers, x: Array, context: Array | None, event: Event) -> Array:
    """x with the left axes that a context has and it has not, in memory: torch's forward mode takes no wider view."""
    if context is None:
        return x
    wide = broadcast_lead(nn.ops, x, len(event), lead_of(context, 1))
    return wide if wide is x else wide + nn.ops.zeros(tuple(wide.shape), like=x)
