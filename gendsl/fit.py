"""`Fit`: what a method returns, whatever the method and the backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gendsl.groups import groups_of
from gendsl.methods import MCMC, Method
from gendsl.request import Kept, asked_for
from gendsl.results.kinds import Plot
from gendsl.results.named import NamedDraws, known_draws, missing_attribute
from gendsl.results.words import counted

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from gendsl.backend import Draws
    from gendsl.diagnostics import Variables
    from gendsl.elpd import LogProb
    from gendsl.program import BoundProgram, Program
    from gendsl.results.check import Check
    from gendsl.state import SamplerState

__all__ = ["Fit"]

_PACKAGES = {"pyro": "pyro-ppl"}
_TRAINED = "it was sampled, not trained"
_ELSEWHERE = {
    "history": (_TRAINED, "fit.plot() shows the chains"),
    "evidence": ("draws of a posterior do not give it", "gd.ELBO(guide=...) with gd.Train() bounds it from below"),
    "pareto_k": ("its draws are the posterior's own", "fit.check(); fit.loo() has the shape for each observed element"),
    "score": (_TRAINED, "draws are in fit.draws; a trained energy, flow or diffusion has a score"),
    "denoise": (_TRAINED, "a trained diffusion denoises"),
    "encode": (_TRAINED, "latents of the data are in fit.draws"),
    "to": ("chains are of one backend", 'm.fit(data, gd.NUTS(), backend="...") samples the same posterior on another'),
}
"""What only trained fits have: why not this one, and what does instead."""


@dataclass(eq=False)
class Fit(Kept):
    """What a method returns.

    Attributes:
        bound: the program with its data.
        method: what was run.
        seed: the seed of all its randomness.
        raw: unconstrained draws of the sampled sites, and the sampler's statistics.
        draws: site -> (chain, draw, *dims, *event) for every declared latent and recorded value, in declared order.
        seconds: wall time of the parts of the run, and "total".
    """

    bound: BoundProgram
    method: Method
    seed: int
    raw: Draws
    draws: dict[str, np.ndarray]
    seconds: dict[str, float]

    def __post_init__(self) -> None:
        self.draws = NamedDraws(self.draws)

    if not TYPE_CHECKING:  # a type checker knows what there is

        def __getattr__(self, name: str) -> Any:
            raise missing_attribute(self, name, _ELSEWHERE)

    @property
    def program(self) -> Program:
        """The program that was run."""
        return self.bound.program

    @property
    def params(self) -> dict[str, np.ndarray]:
        """Parameters that training has learnt: none, where latents were drawn; those of m.param stay as declared."""
        return {}

    @cached_property
    def idata(self) -> Any:
        """arviz's InferenceData: posterior, sample_stats, observed_data, constant_data; the model's dims and coords."""
        return self._idata({}, {})

    def _idata(self, more: Mapping[str, Variables], coords: Mapping[str, np.ndarray]) -> Any:
        from gendsl.diagnostics import inference_data

        p = self.program
        library = p.backend.name
        attrs = {
            "created_at": datetime.now(UTC).isoformat(),
            "creation_library": "gendsl",
            "creation_library_version": version("gendsl"),
            "inference_library": library,
            "inference_library_version": version(_PACKAGES.get(library, library)),
            "model": p.declared.name,
            "seed": self.seed,
            "sampling_time": self.seconds["total"],
            "tuning_steps": getattr(self.method, "warmup", 0),
        }
        return inference_data(groups_of(self) | dict(more), {**self.bound.bound.coords, **coords}, attrs)

    def summary(
        self, names: str | Sequence[str] | None = None, *, prob: float = 0.94, round_to: int | None = None
    ) -> pd.DataFrame:
        """arviz's table of the posterior: mean, sd, interval, MCSE, ESS and R-hat of each scalar.

        Args:
            names: one site or several; left out, all.
            prob: probability of the highest-density interval.
            round_to: decimals; left out, arviz's choice for each column.

        Raises:
            FitError: if there is no site of a given name.
        """
        from gendsl.diagnostics import summary

        names = known_draws(names, self.draws)
        return summary(self.idata, names, prob=prob, round_to=round_to)

    def plot(
        self, kind: Plot = Plot.TRACE, names: str | Sequence[str] | None = None, *, unconstrained: bool = False
    ) -> Figure:
        """A picture of the draws, as a matplotlib figure that belongs to no window.

        Chains have colours that are told apart without seeing all of them, and divergences are marked. Where there are
        more scalars than can be read, those whose chains differ most are shown, and a note says so.

        Args:
            kind: traces, ranks, pairs, energy, intervals, autocorrelations or effective sample sizes.
            names: one site or several; left out, all.
            unconstrained: show the values that the sampler moves, such as the logarithm of a scale.

        Raises:
            FitError: if there is no site of a given name, or nothing of this kind to show.
        """
        from gendsl.results.plots import plot

        return plot(self, kind, known_draws(names, self.draws), unconstrained)

    # -- predictions -----------------------------------------------------------------------------------------------
    @asked_for
    def sample(
        self,
        data: Mapping[str, Any] | None = None,
        names: str | Sequence[str] | None = None,
        *,
        seed: int = 0,
        new: str | Sequence[str] = (),
        sizes: Mapping[str, int] | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw from the posterior predictive distribution.

        Without `data`, observations are replicated: drawn anew at the data of the fit, given the latents alone. With
        them, a Gaussian process is the function that the fit has seen: its values at new inputs are drawn given those
        that were observed (or, of a latent process, given its draws), missing ones left out. Functions over a plate
        among `new` are other functions.

        Args:
            data: new data, of any number of rows in plates that no latent runs over; left out, those of the fit. Labels
                of groups are looked up among those of the fit. Observations may be left out.
            names: sites to return: observations, which are drawn; recorded values and latents. Left out, all
                observations. An observation that is not named is held at its values where the data have them.
            seed: seed of all randomness.
            new: plates with new elements: the latents over them are drawn from their priors, given the rest. Elements
                with labels that the fit has are not new, and keep their draws. New elements of the plate of a latent
                Gaussian process are other points of its function.
            sizes: lengths of plates that no data have.

        Returns:
            Site -> (chain, draw, *dims, *event).

        Raises:
            DataError: if the data do not fit the model, or have other groups than the posterior.
            FitError: if there is no such site, a latent cannot be drawn, or a Gaussian process not be conditioned: its
                points meet otherwise than in a covariance of two (a mean along the plate), or what they share changes.
        """
        from gendsl.predict import sample

        return sample(self, data, names, seed, new, sizes)

    def log_likelihood(self) -> dict[str, np.ndarray]:
        """The log-probability of each observed element at each draw.

        Returns:
            Observation -> (chain, draw, *dims). A distribution that is joint over a plate gives one number for all of
            it: of a Gaussian process with missing elements, the density of the others; of any other, at the imputed
            values. Where a mask leaves elements out, or they are missing, only the others are there, in one axis.
        """
        from gendsl.elpd import log_likelihood

        return log_likelihood(self)

    def log_prob(
        self,
        data: Mapping[str, Any],
        *,
        new: str | Sequence[str] = (),
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
    ) -> LogProb:
        """The log predictive density of new data: log of the mean of p(data | theta) over the draws.

        Values of a Gaussian process are taken given those of the fit: p(new values | values of the fit, theta).

        Args:
            data: values of all data and observations.
            new: plates whose elements are new ones; see `sample`.
            seed: seed of their draws.
            sizes: lengths of plates that no data have.

        Returns:
            The value for all data together and for each element, with standard errors; an estimate.
        """
        from gendsl.elpd import log_prob

        return log_prob(self, data, new, seed, sizes)

    def loo(self, name: str | None = None) -> Any:
        """arviz's estimate of the leave-one-out log predictive density (ELPDData, pointwise values included).

        Args:
            name: one observation; left out, all together.

        Reference:
            Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC (Vehtari, Gelman, Gabry,
            2017) | https://doi.org/10.1007/s11222-016-9696-4
        """
        from gendsl.elpd import loo

        return loo(self, name)

    def with_groups(
        self,
        *,
        prior: bool = False,
        posterior_predictive: bool = False,
        log_likelihood: bool = False,
        seed: int = 0,
    ) -> Any:
        """`idata` with more groups, computed now.

        Args:
            prior: add prior and prior_predictive, as many draws as the posterior has.
            posterior_predictive: add posterior_predictive.
            log_likelihood: add log_likelihood.
            seed: seed of all randomness.
        """
        from gendsl.predict import groups

        return self._idata(*groups(self, prior, posterior_predictive, log_likelihood, seed))

    def plot_predictive(self, names: Sequence[str] | None = None, *, seed: int = 0) -> Figure:
        """Observations beside what the posterior predicts: distribution functions, and intervals of each element.

        Args:
            names: observations; left out, all.
            seed: seed of the predictions.
        """
        from gendsl.plot_predictive import plot_fit

        return plot_fit(self, names, seed)

    def check(self, *, prior: bool = True) -> Check:
        """What the diagnostics say, in words, and what to try.

        R-hat and effective sample sizes; chains that stand still, lag behind, or settle on different modes; divergences
        and where they are; energy and tree depth; posteriors in the tails of their priors.

        Args:
            prior: compare the posterior with draws of the prior, which takes some seconds where the backend compiles.
        """
        from gendsl.results.check import check

        return check(self, prior)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fit to a file, whole or not at all; `gd.load` reads it back.

        Args:
            path: ends in .nc (netCDF, one file) or .zarr (Zarr, a folder). What is there is replaced when all of the
                new is on the disk; folders above it that are not there are made.

        Raises:
            FitError: if the disk is full or refuses; an earlier file is as it was.
            FormatError: if the model or the method holds a network or a class of the user's own, which files cannot
                hold.
            BackendError: if h5netcdf, or zarr, is not installed.
        """
        from gendsl.results.store import save

        save(self, path)

    def report(self, path: str | PathLike[str], *, prior: bool = True, seed: int = 0) -> None:
        """Write all there is to see of the fit as one HTML page that needs nothing beside it.

        On top what `check` says; then the model and its diagram, the summary, pictures of the chains, predictions, the
        program, and how it was run.

        Args:
            path: ends in .html; folders that are not there are made.
            prior: see `check`.
            seed: seed of the predictions.

        Raises:
            FitError: if the disk is full or refuses; an earlier file is as it was.
        """
        from gendsl.results.report import report

        report(self, path, prior, seed)

    # -- going on --------------------------------------------------------------------------------------------------
    @property
    def state(self) -> SamplerState | None:
        """What the sampler needs to go on; None where it cannot."""
        return self.raw.state

    def continue_(self, draws: int | None = None, *, progress: bool = True) -> Fit:
        """Go on sampling from the last kept draws.

        The backends' own kernels, MALA and ULA keep their step sizes and mass matrices, and do not warm up again.
        nutpie, which `gd.NUTS()` runs by default, cannot be given a mass matrix, so it warms up again from the last
        draws, for a quarter of `warmup` (100 iterations at least); the new fit's note says so. The same
        fit continued twice gives the same draws. A deadline of the method counts anew.

        Args:
            draws: more draws of each chain; left out, those that an interrupt or a deadline cost, or, where none are
                missing, as many as the method has.
            progress: whether to show how far the chains are.

        Returns:
            A new fit with the draws of this one, then the new ones.

        Raises:
            FitError: if the fit holds no state to go on from, or the deadline comes before the first draw.
        """
        from gendsl.resume import resume

        return resume(self, draws, progress)

    def __repr__(self) -> str:
        p, (chains, draws) = self.program, next(iter(self.draws.values())).shape[:2]
        note = f"; {self.raw.note}" if self.raw.note else ""
        engine = " (nutpie)" if isinstance(self.method, MCMC) and not self.method.native else ""
        return (
            f"<fit of {p.declared.name} by {type(self.method).__name__}{engine} on {p.backend.name}: "
            f"{counted(chains, 'chain')} of {counted(draws, 'draw')}, {self.seconds['total']:.1f} s{note}>"
        )
