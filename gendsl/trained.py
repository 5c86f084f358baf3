"""`TrainedFit`: what training returns: parameters, curves, and, where there is a guide, a posterior.

The guide's draws are draws of an approximation; how good it is, the importance weights w = p(x, z) / q(z) tell: their
mean logarithm is the ELBO, and the shape k of their upper tail says whether they could mend it (below 0.7) or not.

Reference:
    Yes, but Did It Work?: Evaluating Variational Inference (Yao, Vehtari, Simpson, Gelman, 2018)
    | https://proceedings.mlr.press/v80/yao18a.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, find_device, get_backend
from gendsl.elpd import Kind, LogProb
from gendsl.errors import FitError, caller
from gendsl.groups import data_groups, dims_of
from gendsl.objectives.densities import density_kind
from gendsl.objectives.posterior import Posterior, posterior_of
from gendsl.request import asked_for, check_seed, positive
from gendsl.results.named import NamedDraws

if TYPE_CHECKING:
    import os

    import pandas as pd
    from matplotlib.figure import Figure

    from gendsl.methods import MCMC, Train
    from gendsl.objectives import Objective
    from gendsl.objectives.setting import Bindable, Setting
    from gendsl.program import BoundProgram, Program
    from gendsl.results.check import Check
    from gendsl.samplers import Sampler
    from gendsl.training import Trained
    from gendsl.training.history import History

__all__ = ["TrainedFit"]

_DRAWS = 1000


@dataclass(eq=False)
class TrainedFit:
    """What training returns.

    Attributes:
        setting: the model's graph and its data.
        made: the objective as it was bound.
        objective: what was trained for.
        method: how.
        seed: the seed of all its randomness.
        raw: what the training loop returned.
        seconds: wall time of the parts of the run, and "total".
    """

    setting: Setting
    made: Bindable
    objective: Objective
    method: Train
    seed: int
    raw: Trained
    seconds: dict[str, float]
    _drawn: dict[int, dict[str, np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def history(self) -> History:
        """Curves of the losses and their terms."""
        return self.raw.history

    @cached_property
    def params(self) -> dict[str, np.ndarray]:
        """Trained parameters, (*dims, *event), and those of networks under their canonical names.

        The average where one was kept; the guide's own parameters begin with "guide.".
        """
        shown: dict[str, np.ndarray] = {}
        game: Any = self.made.game
        found = game.parameters if isinstance(game.parameters, Mapping) else {"model": game.parameters}
        values = {k: np.asarray(v, np.float64) for k, v in self.raw.best.items()}
        for parameters in found.values():
            own = parameters.initial(0)
            shown |= parameters.shown({k: values[k] for k in own})
        return shown | {k: v for k, v in values.items() if k not in shown}

    @cached_property
    def bound(self) -> BoundProgram:
        """The model's program with its data and the trained parameters."""
        bound = self.made.programs["model"]
        names = set(bound.params)
        return bound.with_params({k: v for k, v in self.params.items() if k in names})

    @property
    def program(self) -> Program:
        """The program that was trained."""
        return self.bound.program

    # -- the posterior ----------------------------------------------------------------------------------------------
    @cached_property
    def posterior(self) -> Posterior:
        """The guide after training.

        Raises:
            FitError: if the objective has none.
        """
        out = posterior_of(self)
        if out is None:
            raise FitError(
                f"{type(self.objective).__name__} has no guide, so there is no posterior",
                given=f"a fit of '{self.setting.graph.name}', which has no latents",
                needed="a model with latents",
                fix="fit.params holds what was trained; fit.sample draws observations",
                where=caller(),
            )
        return out

    @property
    def draws(self) -> dict[str, np.ndarray]:
        """Site -> (1, draw, *dims, *event): a thousand draws of the guide, of every latent and recorded value."""
        if self.seed not in self._drawn:
            values = self.posterior.draw(_DRAWS, self.seed)
            self._drawn[self.seed] = NamedDraws({k: v[None] for k, v in values.items()})
        return self._drawn[self.seed]

    @cached_property
    def idata(self) -> Any:
        """arviz's InferenceData: posterior (draws of the guide), observed_data, constant_data."""
        from gendsl.diagnostics import inference_data

        graph, bound = self.setting.graph, self.setting.bound
        named = {
            name: (("chain", "draw", *dims_of(graph, graph.nodes[graph.sites[name]])), x)
            for name, x in self.draws.items()
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
            names: one site or several; left out, all.
            prob: probability of the highest-density interval.
            round_to: decimals; left out, arviz's choice for each column.
        """
        from gendsl.diagnostics import summary

        return summary(
            self.idata, [names] if isinstance(names, str) else names, prob=prob, round_to=round_to, chains=False
        )

    def evidence(self, draws: int = _DRAWS, *, seed: int = 0) -> LogProb:
        """The log evidence of the data: as `log_prob` without latents, else the objective's bound, from below.

        Of an energy it is known up to a constant; of a pushforward not at all.

        Args:
            draws: estimates of the bound, each by as many draws of the guide as the objective has particles.
            seed: of these.

        Returns:
            The value with its standard error, and which kind it is.

        Raises:
            FitError: if a distribution has draws and no density.
        """
        if posterior_of(self) is None:
            from gendsl.objectives.diffused import log_prob_of_diffusions

            if (found := log_prob_of_diffusions(self, check_seed(seed))) is not None:
                return found
            kind = density_kind(self.setting.graph)
            return LogProb(self._log_density(), np.nan if kind is Kind.ESTIMATE else 0.0, kind, {}, {}, 1.0)
        values = self.posterior.bounds(positive("draws", draws, _DRAWS), check_seed(seed))
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
        return LogProb(float(values.mean()), error, Kind.LOWER_BOUND, {}, {}, float(len(values)))

    def pareto_k(self, draws: int = _DRAWS, *, seed: int = 0) -> float:
        """The shape of the upper tail of the importance weights, by arviz's smoothing (PSIS).

        Below 0.5 the guide is good; above 0.7 its draws cannot be mended by weights. Minus infinity where the largest
        weights are equal. Where each row has latents of its own, it is of all rows together, and grows with them.
        """
        from gendsl.diagnostics import pareto_shape

        return pareto_shape(self.posterior.log_weights(positive("draws", draws, _DRAWS), check_seed(seed)))

    def _log_density(self) -> float:
        p, bound = self.setting.backend, self.bound
        with self.setting.context():
            if bound.program.emitted.sites:
                raise TypeError("a model with latents")
            return float(p.numpy(bound.program.log_density({}, *bound.arguments)))

    # -- elsewhere --------------------------------------------------------------------------------------------------
    def to(self, backend: str, *, device: str = CPU) -> TrainedFit:
        """The same parameters on another backend: equal densities, and equal draws of equal noise.

        Args:
            backend: "numpyro" or "pyro".
            device: where it computes.

        Raises:
            BackendError: if the backend is missing, or has no such device.
            FitError: if a network of the user's own has other parameters there.
        """
        there = get_backend(backend)
        setting = replace(self.setting, backend=there, device=find_device(there, device))
        made = self.objective.bind(setting)
        given, needed = _shapes(self.raw.params), _shapes(made.game.initial_params(0))
        if given != needed:
            name = min(k for k in given.keys() | needed.keys() if given.get(k) != needed.get(k))
            raise FitError(
                f"the parameters are not those of the model on {backend}: '{name}' differs",
                node=name.rpartition(".")[0] or name,
                given=f"on {self.setting.backend.name}: {given.get(name, 'none')}",
                needed=f"on {backend}: {needed.get(name, 'none')}",
                fix="give gd.Native modules of equal parameters, or use gendsl's own networks",
                where=caller(),
            )
        return replace(self, setting=setting, made=made, _drawn={})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fit to a file, whole or not at all; `gd.load` reads it back, and training can go on from it.

        Args:
            path: a name that ends in .safetensors. An earlier file is replaced.

        Raises:
            FitError: if the path ends otherwise, or the disk refuses; the fit, and an earlier file, are untouched.
            FormatError: if the model or its objective holds a network, a process or a class of the user's own, which
                files cannot hold.
        """
        from gendsl.results.trained_store import save

        save(self, path)

    # -- predictions ------------------------------------------------------------------------------------------------
    def log_prob(self, data: Mapping[str, Any], *, draws: int = _DRAWS, seed: int = 0) -> LogProb:
        """The log-probability of new data under what was trained.

        Args:
            data: values of all data and observations.
            draws: of the guide.
            seed: of these.

        Returns:
            Exact without latents (of an energy up to a constant, of diffusions with probes an estimate; of a Gaussian
            process without latents, that of a new function: it is not given the data of the fit); where the guide is
            a model that reads the rows for all latents, its lower bound; else an estimate by draws of the latents that
            the fit has learnt, as `Fit.log_prob`.

        Raises:
            FitError: if a distribution has draws and no density, or the guide reads the rows for some latents only.
        """
        from gendsl.elpd import log_prob
        from gendsl.guide import Guide
        from gendsl.objectives.learnt import learnt_of

        if isinstance(getattr(self.objective, "guide", None), Guide):
            return log_prob(self, data, (), seed, None)
        if (learnt := learnt_of(self)) is not None:
            learnt.refuse_mixed()
            return log_prob(learnt.seen(positive("draws", draws, _DRAWS)), data, (), seed, None)
        return self.on(data).evidence(draws, seed=seed)

    def on(self, data: Mapping[str, Any]) -> TrainedFit:
        """The same parameters with other data, for a guide that reads them, or a model without latents.

        Raises:
            DataError: if they do not fit the model.
        """
        setting = replace(self.setting, data=data, count=None)
        return replace(self, setting=setting, made=self.objective.bind(setting), _drawn={})

    @asked_for
    def sample(
        self,
        data: Mapping[str, Any] | int | None = None,
        names: str | Sequence[str] | None = None,
        *,
        draws: int | None = None,
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
        sampler: MCMC | Sampler | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw observations.

        With a guide, from the posterior predictive distribution: see `Fit.sample`. Latents over rows that a guide
        reads, a model, are those of these rows alone: they are drawn from their priors. Without latents, from the
        model with its trained parameters; Gaussian processes given the data that it was trained on, at new inputs. An
        energy has no draws of its own: chains of a sampler give them, each a row for itself; under a context, all rows
        together.

        Args:
            data: values of the data; left out, those of the fit; or a number of new rows, of which one draw is made.
            names: sites to return; left out, all observations.
            draws: how many, where they are not the fit's; left out, a thousand, or the sampler's own number.
            seed: seed of all randomness.
            sizes: lengths of plates that no data have.
            sampler: of an energy, such as `gd.MALA(chains=20)`; or of diffusions, such as `gd.sampler.DDIM(steps=50)`,
                left out by their own.

        Returns:
            Site -> (1, draw, *dims, *event); of an energy, (chain, draw, *event), and with a context (chain, draw,
            *dims, *event).

        Raises:
            FitError: if an energy is given no sampler, or another model is given one and draws no diffusion.
        """
        from gendsl.objectives.observations import observations

        return observations(self, data, names, draws, seed, sizes, sampler)

    # -- what happened ----------------------------------------------------------------------------------------------
    def plot(self, *, log: bool = False) -> Figure:
        """The learning curves: losses by step, and those of held-out rows.

        Args:
            log: whether steps are shown on a logarithmic axis.
        """
        from gendsl.results.plots.curves import curves

        return curves(self.history, self.setting.graph.name, log)

    def check(self) -> Check:
        """What is to be said of the run, in words, and what to try.

        Whether it was whole, the loss had settled, held-out rows got worse, and the guide is near the posterior.
        """
        from gendsl.results.check_trained import check_trained

        return check_trained(self)

    def __repr__(self) -> str:
        curve = next(iter(self.history.curves.values()), np.zeros(0))
        last = f", loss {np.mean(curve[-max(1, len(curve) // 100) :]):.4g}" if len(curve) else ""
        note = f"; {self.raw.note}" if self.raw.note else ""
        return (
            f"<fit of {self.setting.graph.name} by {type(self.objective).__name__} on {self.setting.backend.name}: "
            f"{self.raw.step} steps{last}, {self.seconds['total']:.1f} s{note}>"
        )


def _shapes(params: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {k: np.shape(v) for k, v in params.items()}
