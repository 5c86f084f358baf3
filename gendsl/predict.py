"""Predictions: new observations from a posterior or a prior, as draws.

From draws theta_s of a posterior, y_s ~ p(y | theta_s) are draws of the posterior predictive distribution; from draws
of the prior, of the prior predictive one. Latents over plates that are called new are drawn from their priors given the
other latents: a new school, given what is known of schools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU
from gendsl.counting import refuse_held
from gendsl.data import Bound
from gendsl.data.read import read
from gendsl.errors import FitError, ModelError, caller
from gendsl.forward import (
    ForwardProgram,
    bind_forward,
    compile_forward,
    observed_dims,
    refuse_improper,
    simulate,
)
from gendsl.graph.node import Graph
from gendsl.joined import with_learnt
from gendsl.known import keep_known
from gendsl.kriging import Kriging, functions_over
from gendsl.passes.forward import imputing
from gendsl.program import BoundProgram
from gendsl.request import check_seed, check_sizes, new_plates, plates_of, positive, site_names

if TYPE_CHECKING:
    from gendsl.diagnostics import Variables
    from gendsl.fit import Fit
    from gendsl.joined import Seen

__all__ = [
    "Task",
    "groups",
    "named",
    "posterior_task",
    "prior_draws",
    "prior_predictive",
    "prior_program",
    "sample",
]

_SAMPLE, _PRIOR, _POSTERIOR = ("chain", "draw"), 1, 2  # the last two keep the streams of random numbers apart


# -- from a fit ----------------------------------------------------------------------------------------------------
def sample(
    fit: Seen,
    data: Mapping[str, Any] | None,
    names: str | Sequence[str] | None,
    seed: int,
    new: str | Sequence[str],
    sizes: Mapping[str, int] | None,
    more: Callable[[Task], Mapping[str, np.ndarray]] | None = None,
) -> dict[str, np.ndarray]:
    """See `Fit.sample`; `more` gives draws that are made in another way than by the program."""
    graph, at = fit.program.declared, check_seed(seed)
    data = {} if data is None and sizes else data
    observations = [str(n.name) for _, n in graph.of("observe")]
    if names is None and not observations:
        raise FitError(
            f"model '{graph.name}' observes nothing, so there is nothing to predict",
            needed="m.observe(...), or names of latents and recorded values",
            fix=f'names=["{next(iter(fit.draws))}"]',
            where=caller(),
        )
    wanted = tuple(observations if names is None else site_names(graph, names))
    held = graph.inputs if data is None else data
    drawn = frozenset(n for n in observations if n in wanted or n not in held)
    task = posterior_task(fit, wanted, drawn, data, new, sizes, at)
    given = task.given if more is None else {**more(task), **task.given}
    values = simulate(task.bound, given, task.count, (at, _POSTERIOR), values=wanted).values
    return {k: v.reshape(task.chains, task.count // task.chains, *v.shape[1:]) for k, v in values.items()}


@dataclass(frozen=True, eq=False)
class Task:
    """A forward program with data and posterior draws.

    Attributes:
        bound: the bound program.
        given: latent -> (chain * draw, *dims, *event).
        chains: how many chains.
        count: how many draws in all.
        kriging: Gaussian processes at new inputs; None under the data of the fit.
    """

    bound: BoundProgram
    given: dict[str, np.ndarray]
    chains: int
    count: int
    kriging: Kriging | None = None


def posterior_task(
    fit: Seen,
    wanted: tuple[str, ...],
    drawn: frozenset[str],
    data: Mapping[str, Any] | None = None,
    new: str | Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Task:
    """The latents of a fit set in a program that gives the wanted sites.

    Args:
        fit: the fit.
        wanted: sites.
        drawn: observations that are drawn, not held.
        data: new data; left out, those of the fit.
        new: plates whose elements are new ones, but for those whose labels the fit has.
        sizes: lengths of plates that no data have.
        seed: seed of the draws of new elements beside known ones.

    Raises:
        FitError: if the posterior cannot serve the data.
        DataError: if the data do not fit the model, or the plates that the posterior has.
    """
    p, trained = fit.program, fit.bound.bound
    graph = p.declared
    anew = new_plates(graph, new)
    kept = frozenset(k for k in (() if data is None else data) if k in graph.inputs)
    as_data = _read_as_data(graph, drawn, data)
    program = compile_forward(graph, p.backend.name, wanted, drawn, kept, as_data, p.precision, p.device)
    latents = [n for _, n in program.graph.of("latent") if n.name in fit.draws]
    old = [n for n in latents if not anew & set(plates_of(graph, n))]
    lead = next(iter(fit.draws.values())).shape[:2]
    count = lead[0] * lead[1]
    given = {str(n.name): x.reshape(count, *x.shape[2:]) for n in old for x in [fit.draws[str(n.name)]]}
    refuse_improper(program, given, "a prediction")
    if data is None:
        refuse_held(program.declared, graph, trained, drawn)
        bound = BoundProgram(program, Bound(trained.arrays, trained.sizes, trained.coords))
        return Task(with_learnt(fit, bound), given, lead[0], count)
    if stands := [n for n in old if n.name in imputing(graph)]:
        source = imputing(graph)[str(stands[0].name)]
        raise FitError(
            f"the missing elements of '{source}' were imputed for the data of the fit only",
            node=source,
            given=f"new data with missing elements of '{source}', on which {', '.join(map(repr, wanted))} depend",
            needed=f"complete values of '{source}', or the data of the fit",
            fix=f"give complete values, leave '{source}' out so that it is drawn, or leave data= out",
            where=stands[0].where,
        )
    plates = dict.fromkeys(root for n in old for root in plates_of(graph, n))
    plates |= dict.fromkeys(sorted(functions_over(program) - anew))
    fixed = {k: (trained.sizes[k], trained.coords.get(k)) for k in plates}
    check_sizes(graph, sizes, fixed)
    bound = with_learnt(fit, bind_forward(program, data, sizes, fixed))
    kriging = Kriging(fit, bound, given, count, anew, seed)
    given |= kriging.latents()
    if anew:
        given |= keep_known(fit, bound, anew, given, data, seed)
    given |= replace(kriging, given=given).observations(drawn)
    return Task(bound, given, lead[0], count, replace(kriging, given=given))


def _read_as_data(
    graph: Graph, drawn: frozenset[str], data: Mapping[str, Any] | None
) -> tuple[frozenset[str], frozenset[str]]:
    """Held observations of new data whose missing elements a fit would impute: those that are complete, and others."""
    held = {o for o in imputing(graph).values() if data is not None and o in data and o not in drawn}
    whole = {
        o for o in held if not read(graph.nodes[graph.inputs[o]], (data if data is not None else {})[o]).missing.any()
    }
    return frozenset(whole), frozenset(held - whole)


# -- from the prior ------------------------------------------------------------------------------------------------
def prior_draws(
    graph: Graph, backend: str, data: Mapping[str, Any], count: int, seed: int, sizes: Mapping[str, int] | None
) -> tuple[BoundProgram, dict[str, np.ndarray]]:
    """Draws of every latent, recorded value and observation from the joint distribution.

    Returns:
        The bound program, and site -> (count, *dims, *event).

    Raises:
        FitError: if a prior is improper.
        DataError: if data are missing.
    """
    program = prior_program(graph, backend, frozenset(k for k in data if k in graph.inputs))
    bound = bind_forward(program, data, sizes)
    names = [x.name for x in program.emitted.outputs]
    return bound, simulate(bound, {}, count, (seed, _PRIOR), values=names).values


def prior_program(
    graph: Graph,
    backend: str,
    kept: frozenset[str] = frozenset(),
    precision: str = "float64",
    device: str = CPU,
) -> ForwardProgram:
    """The program that draws every latent, recorded value and observation from the joint distribution.

    Raises:
        FitError: if a prior is improper, or a factor reweights it.
    """
    stands = imputing(graph)
    drawn = frozenset(str(n.name) for _, n in graph.of("observe"))
    wanted = tuple(str(n.name) for _, n in graph.of("latent", "let", "observe") if n.name not in stands)
    program = compile_forward(graph, backend, wanted, drawn, kept, precision=precision, device=device)
    refuse_improper(program, (), "a prior prediction")
    return program


def prior_predictive(
    graph: Graph,
    data: Mapping[str, Any] | None,
    draws: int,
    backend: str,
    seed: int,
    sizes: Mapping[str, int] | None,
) -> Any:
    """See `Model.prior_predictive`."""
    from gendsl.diagnostics import inference_data

    count = positive("draws", draws, 1000)
    if not graph.of("latent", "observe"):
        raise ModelError(
            f"model '{graph.name}' has neither latents nor observations: there is nothing to draw",
            needed="at least one",
            fix='m.latent("mu", gd.Normal(0, 1))',
            where=caller(),
        )
    at = check_seed(seed)
    bound, values = prior_draws(graph, backend, {} if data is None else data, count, at, sizes)
    one = {k: v[None] for k, v in values.items()}
    observed = {str(n.name) for _, n in graph.of("observe")}
    groups = {
        "prior": named(graph, {k: v for k, v in one.items() if k not in observed}),
        "prior_predictive": named(graph, {k: v for k, v in one.items() if k in observed}),
        **_given(graph, bound),
    }
    return inference_data(groups, bound.bound.coords, {"model": graph.name, "seed": at})


def _given(graph: Graph, bound: BoundProgram) -> dict[str, Variables]:
    from gendsl.groups import data_groups

    there = [str(n.name) for _, n in graph.of("data") if n.name in bound.bound.arrays]
    return data_groups(graph, bound.bound.arrays, there)


def groups(
    fit: Fit, prior: bool, posterior_predictive: bool, log_likelihood: bool, seed: int
) -> tuple[dict[str, Variables], dict[str, np.ndarray]]:
    """The groups that `Fit.with_groups` adds, and labels of their own dims."""
    from gendsl.elpd import pointwise

    out: dict[str, Variables] = {}
    coords: dict[str, np.ndarray] = {}
    graph, at = fit.program.declared, check_seed(seed)
    if posterior_predictive:
        out["posterior_predictive"] = named(graph, sample(fit, None, None, at, (), None))
    if log_likelihood:
        out["log_likelihood"], coords = pointwise(fit)
    if prior:
        chains, draws = next(iter(fit.draws.values())).shape[:2]
        values = _prior_of(fit, chains * draws, at)
        shaped = {k: v.reshape(chains, draws, *v.shape[1:]) for k, v in values.items()}
        observed = {str(n.name) for _, n in graph.of("observe")}
        out["prior"] = named(graph, {k: v for k, v in shaped.items() if k not in observed})
        out["prior_predictive"] = named(graph, {k: v for k, v in shaped.items() if k in observed})
    return out, coords


def _prior_of(fit: Fit, count: int, seed: int) -> dict[str, np.ndarray]:
    """Draws from the prior, with the data of a fit."""
    p = fit.program
    program = prior_program(p.declared, p.backend.name, frozenset(), p.precision, p.device)
    trained = fit.bound.bound
    bound = BoundProgram(program, Bound(trained.arrays, trained.sizes, trained.coords))
    return simulate(bound, {}, count, (seed, _PRIOR), values=[x.name for x in program.emitted.outputs]).values


# -- names and dims ------------------------------------------------------------------------------------------------
def named(graph: Graph, values: Mapping[str, np.ndarray]) -> Variables:
    """Draws (chain, draw, ...) with the names of their dims."""
    from gendsl.groups import dims_of

    out = {}
    for name, x in values.items():
        n = graph.nodes[graph.sites[name]]
        own = graph.inputs.get(name)
        if n.op == "observe" and own is None:
            dims = observed_dims(graph, name)
            dims = (*dims, *(f"{name}_dim_{k}" for k in range(len(dims), x.ndim - 2)))
        else:
            dims = dims_of(graph, n if own is None else graph.nodes[own])
        out[name] = ((*_SAMPLE, *dims), x)
    return out
