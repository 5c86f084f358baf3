"""Predictions: new observations from a posterior or a prior, as draws.

From draws theta_s of a posterior, y_s ~ p(y | theta_s) are draws of the posterior predictive distribution; from draws
of the prior, of the prior predictive one. Latents over plates that are called new are drawn from their priors given the
other latents: a new school, given what is known of schools.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.data import Bound
from gendsl.errors import FitError, ModelError, caller
from gendsl.forward import (
    ForwardProgram,
    bind_forward,
    compile_forward,
    observed_dims,
    refuse_improper,
    simulate,
)
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType
from gendsl.passes.forward import imputing
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.diagnostics import Variables
    from gendsl.fit import Fit

__all__ = [
    "Task",
    "check_seed",
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
    fit: Fit,
    data: Mapping[str, Any] | None,
    names: Sequence[str] | None,
    seed: int,
    new: str | Sequence[str],
    sizes: Mapping[str, int] | None,
) -> dict[str, np.ndarray]:
    """See `Fit.sample`."""
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
    wanted = tuple(observations if names is None else _site_names(graph, names))
    held = graph.inputs if data is None else data
    drawn = frozenset(n for n in observations if n in wanted or n not in held)
    task = posterior_task(fit, wanted, drawn, data, new, sizes)
    spread = simulate(task.bound, task.given, task.count, (at, _POSTERIOR), values=wanted)
    lead = (task.chains, task.count // task.chains)
    return {k: v.reshape(*lead, *v.shape[1:]) for k, v in spread.values.items()}


@dataclass(frozen=True, eq=False)
class Task:
    """A forward program with data and posterior draws.

    Attributes:
        bound: the bound program.
        given: latent -> (chain * draw, *dims, *event).
        chains: how many chains.
        count: how many draws in all.
    """

    bound: BoundProgram
    given: dict[str, np.ndarray]
    chains: int
    count: int


def posterior_task(
    fit: Fit,
    wanted: tuple[str, ...],
    drawn: frozenset[str],
    data: Mapping[str, Any] | None = None,
    new: str | Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> Task:
    """The latents of a fit set in a program that gives the wanted sites.

    Args:
        fit: the fit.
        wanted: sites.
        drawn: observations that are drawn, not held.
        data: new data; left out, those of the fit.
        new: plates whose latents are drawn anew.
        sizes: lengths of plates that no data have.

    Raises:
        FitError: if the posterior cannot serve the data.
        DataError: if the data do not fit the model, or the plates that the posterior has.
    """
    p, trained = fit.program, fit.bound.bound
    graph = p.declared
    roots = _new_plates(graph, new)
    kept = frozenset(k for k in data or {} if k in graph.inputs)
    program = compile_forward(graph, p.backend.name, wanted, drawn, kept, p.precision)
    latents = [n for _, n in program.graph.of("latent") if n.name in fit.draws]
    old = [n for n in latents if not roots & set(_roots(graph, n))]
    lead = next(iter(fit.draws.values())).shape[:2]
    count = lead[0] * lead[1]
    given = {str(n.name): x.reshape(count, *x.shape[2:]) for n in old for x in [fit.draws[str(n.name)]]}
    refuse_improper(program, given, "a prediction")
    if data is None:
        return Task(BoundProgram(program, Bound(trained.arrays, trained.sizes, trained.coords)), given, lead[0], count)
    if stands := [n for n in old if n.name in imputing(graph)]:
        source = imputing(graph)[str(stands[0].name)]
        raise FitError(
            f"the missing elements of '{source}' were imputed for the data of the fit only",
            node=source,
            given=f"new data for {', '.join(map(repr, wanted))}, which depend on them",
            needed="the data of the fit",
            fix=f"leave data= out, or ask for '{source}' too, which is then drawn",
            where=stands[0].where,
        )
    plates = dict.fromkeys(root for n in old for root in _roots(graph, n))
    fixed = {k: (trained.sizes[k], trained.coords.get(k)) for k in plates}
    _check_sizes(graph, sizes, fixed)
    return Task(bind_forward(program, data, sizes, fixed), given, lead[0], count)


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
    graph: Graph, backend: str, kept: frozenset[str] = frozenset(), precision: str = "float64"
) -> ForwardProgram:
    """The program that draws every latent, recorded value and observation from the joint distribution.

    Raises:
        FitError: if a prior is improper, or a factor reweights it.
    """
    stands = imputing(graph)
    drawn = frozenset(str(n.name) for _, n in graph.of("observe"))
    wanted = tuple(str(n.name) for _, n in graph.of("latent", "let", "observe") if n.name not in stands)
    program = compile_forward(graph, backend, wanted, drawn, kept, precision)
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

    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
        raise FitError(
            "draws is a positive integer", given=repr(draws), needed="how many draws", fix="draws=1000", where=caller()
        )
    if not graph.of("latent", "observe"):
        raise ModelError(
            f"model '{graph.name}' has neither latents nor observations: there is nothing to draw",
            needed="at least one",
            fix='m.latent("mu", gd.Normal(0, 1))',
            where=caller(),
        )
    at = check_seed(seed)
    bound, values = prior_draws(graph, backend, data or {}, int(draws), at, sizes)
    one = {k: v[None] for k, v in values.items()}
    observed = {str(n.name) for _, n in graph.of("observe")}
    groups = {
        "prior": named(graph, {k: v for k, v in one.items() if k not in observed}),
        "prior_predictive": named(graph, {k: v for k, v in one.items() if k in observed}),
        **_given(graph, bound),
    }
    return inference_data(groups, bound.bound.coords, {"model": graph.name, "seed": at})


def _given(graph: Graph, bound: BoundProgram) -> dict[str, Variables]:
    from gendsl.fit import data_groups

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
    program = prior_program(fit.program.declared, fit.program.backend.name, frozenset(), fit.program.precision)
    trained = fit.bound.bound
    bound = BoundProgram(program, Bound(trained.arrays, trained.sizes, trained.coords))
    return simulate(bound, {}, count, (seed, _PRIOR), values=[x.name for x in program.emitted.outputs]).values


# -- names and dims ------------------------------------------------------------------------------------------------
def named(graph: Graph, values: Mapping[str, np.ndarray]) -> Variables:
    """Draws (chain, draw, ...) with the names of their dims."""
    from gendsl.fit import dims_of

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


def check_seed(seed: Any) -> int:
    """A seed as a Python integer.

    Raises:
        FitError: if it is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise FitError(
            "a seed is a nonnegative integer", given=repr(seed), needed="0, 1, ...", fix="seed=0", where=caller()
        )
    return int(seed)


def _site_names(graph: Graph, names: Any) -> list[str]:
    known = [str(n.name) for _, n in graph.of("latent", "let", "observe")]
    if isinstance(names, str) or not isinstance(names, Collection):
        raise FitError(
            "names are a list of sites",
            given=repr(names)[:80],
            needed=f"some of {', '.join(known)}",
            fix=f"names=[{names!r}]" if isinstance(names, str) else f"names=[{known[-1]!r}]",
            where=caller(),
        )
    if unknown := [n for n in names if n not in known]:
        is_data = unknown[0] in graph.inputs
        raise FitError(
            f"'{unknown[0]}' is data, which is given and not drawn"
            if is_data
            else f"model '{graph.name}' has no site named {', '.join(map(repr, unknown))}",
            node=str(unknown[0]) if is_data else None,
            given=f"names={list(names)!r}"[:120],
            needed=f"some of {', '.join(known)}",
            fix="check the spelling; names are latents, recorded values and observations",
            where=caller(),
        )
    if not names:
        raise FitError(
            "no name is given",
            given="names=[]",
            needed=f"some of {', '.join(known)}",
            fix="leave names out for all observations",
            where=caller(),
        )
    return list(dict.fromkeys(names))


def _root(graph: Graph, plate: str) -> str:
    p = graph.plate[plate]
    while p.base is not None:
        p = graph.plate[p.base]
    return p.name


def _roots(graph: Graph, n: Node) -> list[str]:
    """The plates that a latent runs over, back to those that are cut from no other."""
    if not isinstance(n.type, ArrayType):
        return []
    dist = graph.nodes[graph.nodes[graph.sites[str(n.name)]].args[0]].type
    joint = dist.joint if isinstance(dist, DistType) else ()
    names = [*n.type.dims, *joint, *(e for e in n.type.event if isinstance(e, str))]
    return list(dict.fromkeys(_root(graph, d) for d in names))


def _new_plates(graph: Graph, new: Any) -> set[str]:
    names = [new] if isinstance(new, str) or not isinstance(new, Collection) else list(new)
    names = [getattr(p, "name", p) for p in names]
    latents = [n for _, n in graph.of("latent")]
    served = {root for n in latents for root in _roots(graph, n)}
    for name in names:
        if name not in graph.plate or _root(graph, name) not in served:
            over = ", ".join(p.name for p in graph.plates if p.base is None and p.name in served)
            raise FitError(
                f"there is no plate '{name}' of latents that could be drawn anew",
                node=str(name),
                given=f"new={new!r}"[:80],
                needed=f"some of {over}" if over else "nothing: no latent runs over a plate",
                fix="leave it out: data over a plate without latents may have any length",
                where=graph.plate[name].where if name in graph.plate else caller(),
            )
    return {_root(graph, name) for name in names}


def _check_sizes(graph: Graph, sizes: Mapping[str, int] | None, fixed: Mapping[str, tuple[int, Any]]) -> None:
    if not isinstance(sizes, Mapping):
        return
    for name, size in sizes.items():
        if name in fixed and fixed[name][0] != size:
            raise FitError(
                f"the latents over '{name}' were drawn for another number of elements",
                node=name,
                given=f"sizes={dict(sizes)}",
                needed=f"{fixed[name][0]}",
                fix=f'leave it out, or draw them anew: new="{name}"',
                where=graph.plate[name].where,
            )
