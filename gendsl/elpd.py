"""How well a posterior predicts: pointwise log-likelihoods, log predictive densities, LOO.

The log predictive density of new data y under draws theta_s is

    log p(y | data) = log E[p(y | theta) | data]  ~  log (1/S) sum_s p(y | theta_s),

an estimate, whose standard error is that of the mean of w_s = p(y | theta_s) divided by the mean. The draws of a chain
depend on each other, so the variance is that of means over runs of about sqrt(draws) of them (batch means).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.counting import counting, refuse_missing
from gendsl.errors import FitError, caller
from gendsl.forward import simulate
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType
from gendsl.kriging import incomplete
from gendsl.predict import Task, posterior_task
from gendsl.reliable import judged_loo
from gendsl.request import check_seed
from gendsl.unscored import warn_of_factors

if TYPE_CHECKING:
    from gendsl.diagnostics import Variables
    from gendsl.fit import Fit
    from gendsl.joined import Seen

__all__ = ["Kind", "LogProb", "log_likelihood", "log_prob", "loo", "observations", "pointwise"]

_FEW = 100  # draws below which the mean of densities is not to be trusted


class Kind(StrEnum):
    """What a log-probability is."""

    EXACT = "exact"
    LOWER_BOUND = "lower bound"
    ESTIMATE = "estimate"
    UNNORMALISED = "up to a constant"


@dataclass(frozen=True, eq=False)
class LogProb:
    """A log predictive density.

    Attributes:
        value: log p(all of the data).
        se: its standard error.
        kind: exact, a lower bound, an estimate; or known up to a constant, the same for all values, which only the
            parameters change: then values of one fit compare, and those of two fits do not.
        elements: observation -> log p(each of its elements alone), (*dims); elements that a mask leaves out are not
            there (then in one axis). Of a bound, see `TrainedFit.evidence`; empty where it is of all rows together.
        element_se: their standard errors.
        effective: how many equally weighted draws `value` is worth, (sum w)^2 / sum w^2; infinite where an estimate has
            no weights.
        note: how it was computed, and what that leaves, where this is not by draws of a posterior.
        sum_se: standard error of the sum of all elements; that of `value` where they are its terms.
    """

    value: float
    se: float
    kind: Kind
    elements: dict[str, np.ndarray]
    element_se: dict[str, np.ndarray]
    effective: float
    note: str = ""
    sum_se: float = np.nan

    def __post_init__(self) -> None:
        if np.isnan(self.sum_se):
            object.__setattr__(self, "sum_se", self.se)

    @property
    def ok(self) -> bool:
        """Whether the standard error can be trusted: the mean does not rest on a few draws."""
        return self.kind in (Kind.EXACT, Kind.UNNORMALISED) or self.effective >= _FEW

    def __str__(self) -> str:
        if self.kind is Kind.UNNORMALISED:
            return f"log p = {self.value:.3f} + constant (the energy's, which is not known)"
        how = self.note or ("" if self.kind is Kind.EXACT else f"{self.effective:.0f} effective draws")
        out = f"log p = {self.value:.3f} ± {self.se:.3f} ({', '.join(filter(None, (self.kind, how)))})"
        if self.ok:
            return out
        return f"{out}: it rests on a few draws, so the error may be larger; draw longer, or look at the elements"

    __repr__ = __str__


# -- pointwise log-likelihoods -------------------------------------------------------------------------------------
def log_likelihood(fit: Fit) -> dict[str, np.ndarray]:
    """See `Fit.log_likelihood`."""
    return _terms(fit, "a log-likelihood")


def _terms(fit: Fit, what: str) -> dict[str, np.ndarray]:
    names = observations(fit.program.declared)
    warn_of_factors(fit.program.declared, what)
    return _pointwise(fit, posterior_task(fit, names, frozenset()), names, 0)


def pointwise(fit: Fit) -> tuple[Variables, dict[str, np.ndarray]]:
    """The log-likelihoods with the names of their dims, and labels of dims that masks have made."""
    graph = fit.program.declared
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    coords: dict[str, np.ndarray] = {}
    for name, x in log_likelihood(fit).items():
        dims, there = _dims(graph, name), counting(graph, name, fit.bound.bound)
        if there is not None:
            label = f"{name}_counted"
            coords[label] = np.flatnonzero(there)
            if len(dims) == 1 and dims[0] in fit.bound.bound.coords:
                coords[label] = fit.bound.bound.coords[dims[0]][there]
            dims = (label,)
        variables[name] = (("chain", "draw", *dims), x)
    return variables, coords


def observations(graph: Graph) -> tuple[str, ...]:
    """The names of a model's observations.

    Raises:
        FitError: if there are none.
    """
    names = tuple(str(n.name) for _, n in graph.of("observe"))
    if not names:
        raise FitError(
            f"model '{graph.name}' observes nothing: it has no likelihood",
            needed="at least one observation",
            fix='m.observe("y", distribution, dims=...); factors are no observations',
            where=caller(),
        )
    return names


def _pointwise(fit: Seen, task: Task, names: tuple[str, ...], seed: int) -> dict[str, np.ndarray]:
    """(chain, draw, *dims), or (chain, draw, counted) where a mask leaves some elements out."""
    given_fit = incomplete(fit, names) if task.kriging is None else task.kriging.densities(names)
    rest = tuple(k for k in names if k not in given_fit)
    if task.kriging is not None:
        refuse_missing(fit.program.declared, rest, task.bound.bound)
    terms = simulate(task.bound, task.given, task.count, (seed, 3), log_probs=rest).log_probs | given_fit
    out = {}
    for name in names:
        x, there = terms[name], counting(fit.program.declared, name, task.bound.bound)
        x = x if there is None else x[:, there]
        out[name] = np.ascontiguousarray(x.reshape(task.chains, task.count // task.chains, *x.shape[1:]))
    return out


def _dims(graph: Graph, name: str) -> tuple[str, ...]:
    t = graph.nodes[graph.sites[name]].type
    return t.dims if isinstance(t, ArrayType) else ()


# -- on new data ---------------------------------------------------------------------------------------------------
def log_prob(
    fit: Seen, data: Mapping[str, Any], new: str | Sequence[str], seed: int, sizes: Mapping[str, int] | None
) -> LogProb:
    """See `Fit.log_prob`."""
    names = observations(fit.program.declared)
    warn_of_factors(fit.program.declared, "a log predictive density")
    task = posterior_task(fit, names, frozenset(), data, new, sizes, check_seed(seed))
    terms = _pointwise(fit, task, names, check_seed(seed))
    chains, draws = task.chains, task.count // task.chains
    total = np.zeros((chains, draws))
    for x in terms.values():
        total = total + x.reshape(chains, draws, int(np.prod(x.shape[2:]))).sum(-1)
    value, se, effective = _log_mean(total)
    each = {k: _log_mean(x) for k, x in terms.items()}
    return LogProb(
        float(value),
        float(se),
        Kind.ESTIMATE,
        {k: v for k, (v, _, _) in each.items()},
        {k: v for k, (_, v, _) in each.items()},
        float(effective),
        sum_se=_sum_error(terms.values()),
    )


def _sum_error(terms: Iterable[np.ndarray]) -> float:
    """The standard error of sum_i log mean_s p(y_i | theta_s), moving with the mean of sum_i p(y_i | .) / mean_i."""
    moved = np.zeros(())
    with np.errstate(invalid="ignore"):
        for x in (x.reshape(*x.shape[:2], -1) for x in terms):
            moved = moved + np.exp(x - _log_mean(x)[0]).sum(-1)
    return _error_of_mean(moved) if moved.ndim else np.nan


def _log_mean(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log mean exp(x) over (chain, draw), its standard error, and the effective number of draws."""
    top = x.max((0, 1))
    w = np.exp(x - np.where(np.isfinite(top), top, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = w.mean((0, 1))
        value = np.log(mean) + np.where(np.isfinite(top), top, 0.0)
        se = _error_of_mean(w) / mean
        effective = w.sum((0, 1)) ** 2 / (w**2).sum((0, 1))
    return value, se, effective


def _error_of_mean(w: np.ndarray) -> Any:
    """By batch means over (chain, draw)."""
    chains, draws = w.shape[:2]
    length = max(1, round(np.sqrt(draws)))
    runs = draws // length
    means = w[:, : runs * length].reshape(chains * runs, length, *w.shape[2:]).mean(1)
    return means.std(0, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.full(w.shape[2:], np.nan)


# -- leave-one-out -------------------------------------------------------------------------------------------------
def loo(fit: Fit, name: str | None = None) -> Any:
    """See `Fit.loo`."""
    names = observations(fit.program.declared)
    if name is not None and name not in names:
        raise FitError(
            f"model '{fit.program.declared.name}' has no observation named {name!r}",
            given=repr(name),
            needed=f"one of {', '.join(names)}",
            fix="leave the name out for all observations together",
            where=caller(),
        )
    terms = _terms(fit, f"LOO of model '{fit.program.declared.name}'")
    chosen = [x for k, x in terms.items() if name in (None, k)]
    parts = [x.reshape(*x.shape[:2], int(np.prod(x.shape[2:]))) for x in chosen]
    whole = np.concatenate(parts, -1)
    if not whole.shape[-1]:
        raise FitError(
            "no observed element counts, so there is none to leave out",
            given=f"masks and missing elements that leave nothing of {name or ', '.join(names)}",
            needed="observed elements",
            fix="check the masks",
            where=caller(),
        )
    if not np.isfinite(whole).all():
        raise FitError(
            "the log-likelihood is not finite at some draws, so LOO is not defined",
            given=f"{int((~np.isfinite(whole)).sum())} of {whole.size} terms not finite",
            needed="observations inside the support at every draw",
            fix="look at fit.log_likelihood(), and at bounds that depend on latents",
            where=caller(),
        )
    return judged_loo(fit.program.declared.name, whole, fit.idata.posterior)
