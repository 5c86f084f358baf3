"""`TrainedFit`: what training returns: parameters, curves, and, where there is a guide, a posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, find_device, get_backend
from gendsl.errors import FitError, caller
from gendsl.guided import DRAWS, Guided
from gendsl.objectives.posterior import Posterior, posterior_of
from gendsl.request import Kept, asked_for, check_seed, positive
from gendsl.results.named import missing_attribute

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

    from gendsl.elpd import LogProb
    from gendsl.methods import MCMC, Train
    from gendsl.objectives import Objective
    from gendsl.objectives.setting import Bindable, Setting
    from gendsl.program import BoundProgram, Program
    from gendsl.results.check import Check
    from gendsl.samplers import Sampler
    from gendsl.training import Trained
    from gendsl.training.history import History

__all__ = ["TrainedFit"]

_SAMPLED = "it was trained, not sampled"
_ELSEWHERE = {
    "loo": (_SAMPLED, 'fit.log_prob({...}) of held-out data, or gd.compare({"a": fit, ...}, {...}) of several fits'),
    "log_likelihood": (_SAMPLED, "fit.log_prob(data).elements"),
    "with_groups": (_SAMPLED, "fit.idata has the posterior of a guide, fit.sample() predictions"),
    "posterior_predictive": (_SAMPLED, "fit.sample()"),
    "prior": (_SAMPLED, "model.prior_predictive(data)"),
    "prior_predictive": (_SAMPLED, "model.prior_predictive(data)"),
    "sample_stats": (_SAMPLED, "fit.history has the curves of training"),
    "continue_": (_SAMPLED, "m.fit(data, gd.Train(steps=...), resume=fit) goes on, to so many steps in all"),
    "state": (_SAMPLED, "m.fit(..., resume=fit) goes on from it"),
}
"""What only sampled fits have: why not this one, and what does instead."""


@dataclass(eq=False)
class TrainedFit(Guided, Kept):
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

    if not TYPE_CHECKING:  # a type checker knows what there is

        def __getattr__(self, name: str) -> Any:
            setting = vars(self).get("setting")
            sites = [] if setting is None else [str(n.name) for _, n in setting.graph.of("latent", "let")]
            drawn = {k: ("draws are found by name", f'fit.draws["{k}"]') for k in sites}
            raise missing_attribute(self, name, drawn | _ELSEWHERE)

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
        return self.made.programs["model"].with_learnt(self.params)

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

    def _late(self) -> frozenset[str]:
        """Recorded values over rows that the guide reads."""
        from gendsl.objectives.learnt import recorded_by_row

        return recorded_by_row(self)

    def evidence(self, draws: int = DRAWS, *, seed: int = 0) -> LogProb:
        """The log evidence of the data: as `log_prob` without latents, else the objective's bound, from below.

        Of an energy it is known up to a constant; of a pushforward not at all.

        Args:
            draws: estimates of the bound, each by as many draws of the guide as the objective has particles.
            seed: of these.

        Returns:
            The value with its standard error, and which kind it is. The elements of a bound, where model and guide are
            wholly over a plate of rows, are bounds of each row: under the name of the observation, or, of several,
            that of the plate.

        Raises:
            FitError: if a distribution has draws and no density.
        """
        from gendsl.objectives.log_evidence import log_evidence

        return log_evidence(self, positive("draws", draws, DRAWS), check_seed(seed))

    def _log_density(self) -> float:
        """By the program, without latents."""
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
            FormatError: if the model, its objective or the method holds a network, a process or a class of the user's
                own, which files cannot hold.
        """
        from gendsl.results.trained_store import save

        save(self, path)

    # -- predictions ------------------------------------------------------------------------------------------------
    def log_prob(
        self, data: Mapping[str, Any], *, new: str | Sequence[str] = (), draws: int = DRAWS, seed: int = 0
    ) -> LogProb:
        """The log-probability of new data under what was trained.

        Args:
            data: values of all data and observations.
            new: plates whose elements are new ones, of latents that the fit has learnt; see `Fit.sample`.
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
        from gendsl.objectives.observations import none_new

        if isinstance(getattr(self.objective, "guide", None), Guide):
            return log_prob(self, data, new, seed, None)
        if (learnt := learnt_of(self)) is not None:
            learnt.refuse_mixed()
            return log_prob(learnt.seen(positive("draws", draws, DRAWS)), data, new, seed, None)
        none_new(self.setting.graph.name, new)
        return self.on(data).evidence(draws, seed=seed)

    def on(self, data: Mapping[str, Any]) -> TrainedFit:
        """The same parameters with other data, for a guide that reads them, or a model without latents.

        Raises:
            DataError: if they do not fit the model.
            FitError: if the guide reads no data, or something was learnt for each element of a plate of another size.
        """
        from gendsl.objectives.learnt import check_other_data

        setting = replace(self.setting, data=data, count=None)
        check_other_data(self, setting)
        return replace(self, setting=setting, made=self.objective.bind(setting), _drawn={})

    def score(self, data: Mapping[str, Any], *, time: float | np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The gradient of the log-density in the observed values.

        Args:
            data: values of all data and observations.
            time: of diffusions, the time at which the values are noised data, from `start` to `end` of the process:
                a number, or one for each row; left out, `start`. A score there rests on what the network has learnt of
                the least noise.

        Returns:
            Observation -> (*dims, *event).

        Raises:
            FitError: if the model has latents, a distribution has no density, an observation does not vary over the
                real line, values are missing, or there is no such time.
        """
        from gendsl.objectives.scores import score

        return score(self, data, time)

    def denoise(self, data: Mapping[str, Any], *, time: float | np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The posterior mean E[x_0 | x_t] of a diffusion.

        Args:
            data: values of all data and observations; these are noised data, x_t = alpha(t) x_0 + sigma(t) eps.
            time: t; see `score`.

        Returns:
            Observation -> (*dims, *event).

        Raises:
            FitError: if the model is not of diffusions alone, values are missing, or there is no such time.
        """
        from gendsl.objectives.scores import denoise

        return denoise(self, data, time)

    def encode(
        self,
        data: Mapping[str, Any],
        names: str | Sequence[str] | None = None,
        *,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> dict[str, np.ndarray]:
        """What lies behind rows: draws of the latents that a guide reads from them, or what a flow makes them of.

        Args:
            data: values of all data and observations.
            names: latents, and recorded values over the rows, such as the mean of an observation, which is then the
                row's reconstruction; left out, the latents. Of flows, observations.
            draws: of a guide's latents.
            seed: of these.

        Returns:
            Latent -> (1, draw, *dims, *event); of flows, observation -> the value of its base, (1, 1, *dims, *event).

        Raises:
            FitError: if there is neither such a guide nor a flow, or no such name.
        """
        from gendsl.objectives.codes import encode

        return encode(self, data, names, positive("draws", draws, DRAWS), check_seed(seed))

    @asked_for
    def sample(
        self,
        data: Mapping[str, Any] | int | None = None,
        names: str | Sequence[str] | None = None,
        *,
        draws: int | None = None,
        seed: int = 0,
        new: str | Sequence[str] = (),
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
            new: plates whose elements are new ones, of latents that the fit has learnt; see `Fit.sample`.
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

        return observations(self, data, names, draws, seed, new, sizes, sampler)

    # -- what happened ----------------------------------------------------------------------------------------------
    def plot(self, *, log: bool = False) -> Figure:
        """The learning curves: losses by step, and those of held-out rows.

        Args:
            log: whether steps are shown on a logarithmic axis.
        """
        from gendsl.results.plots.curves import curves

        return curves(self.history, self.setting.graph.name, log)

    def plot_predictive(
        self,
        names: str | Sequence[str] | None = None,
        *,
        seed: int = 0,
        sampler: MCMC | Sampler | None = None,
    ) -> Figure:
        """What was observed beside what the model draws.

        Points in the plane and images, (height, width) with one or three colours behind, are shown as such; of other
        events, distribution functions and intervals of each element.

        Args:
            names: observations; left out, all.
            seed: seed of the draws.
            sampler: of an energy, or of diffusions; see `sample`.

        Raises:
            FitError: if a name is no observation, or an energy is given no sampler.
        """
        from gendsl.results.plots.trained import plot_trained

        return plot_trained(self, names, seed, sampler)

    def check(self) -> Check:
        """What is to be said of the run, in words, and what to try.

        Whether it was whole, the loss had settled, held-out rows got worse, and the guide is near the posterior.
        """
        from gendsl.results.check_trained import check_trained

        return check_trained(self)

    def report(self, path: str | os.PathLike[str], *, seed: int = 0, sampler: MCMC | Sampler | None = None) -> None:
        """Write all there is to see of the fit as one HTML page that needs nothing beside it.

        On top what `check` says; then the model and its diagram, learning curves, the summary of a posterior, samples
        beside data, the programs, and how it was run.

        Args:
            path: ends in .html; folders that are not there are made.
            seed: seed of the samples.
            sampler: of an energy, or of diffusions; see `sample`.

        Raises:
            FitError: if the disk is full or refuses; an earlier file is as it was.
        """
        from gendsl.results.report import write_page
        from gendsl.results.report_trained import page

        write_page(path, lambda: page(self, seed, sampler))

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
