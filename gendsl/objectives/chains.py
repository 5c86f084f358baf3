"""Draws of a trained energy, by a sampler of densities that are known up to a constant.

The rows of an observation are independent and alike, so chains are of one row: the model of one latent whose prior is
the energy, with its trained parameters. Under a context rows are not alike: chains are of all of them together, in the
model whose observation is a latent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.densities import EnergyDensity
from gendsl.errors import FitError, caller
from gendsl.graph.learned import UsedDensity, densities, parts
from gendsl.graph.node import Graph
from gendsl.program import BoundProgram
from gendsl.request import check_seed, positive, site_names

if TYPE_CHECKING:
    from gendsl.methods import MCMC
    from gendsl.samplers import Sampler
    from gendsl.trained import TrainedFit

__all__ = ["drawn_by", "observed_energy", "refuse_sampler"]

_FIX = "fit.sample(sampler=gd.MALA(chains=20, warmup=500, draws=100))"


def observed_energy(graph: Graph) -> UsedDensity | None:
    """The energy that a model observes; None where it observes none."""
    for _, n in graph.of("observe"):
        for used in densities(list(parts(graph, n))):
            if isinstance(used.spec, EnergyDensity):
                return used
    return None


def refuse_sampler(sampler: MCMC) -> FitError:
    """The error of a sampler of densities where draws are made at once."""
    return FitError(
        "such a sampler is for energies, and this model draws at once",
        given=f"sampler={sampler!r}"[:120],
        needed="no sampler",
        fix="fit.sample(draws=1000)",
        where=caller(),
    )


def drawn_by(
    fit: TrainedFit,
    used: UsedDensity,
    data: Mapping[str, Any] | int | None,
    names: str | Sequence[str] | None,
    draws: int | None,
    seed: int,
    sizes: Mapping[str, int] | None,
    sampler: MCMC | Sampler | None,
) -> dict[str, np.ndarray]:
    """Draws of an observed energy, (chain, draw, *event), or (chain, draw, *dims, *event) under a context.

    Raises:
        FitError: if there is no sampler for it, or there are rows to be drawn for, which are alike.
        DataError: if data that a context is made of are missing.
    """
    from gendsl.methods import MCMC
    from gendsl.progress import Silent
    from gendsl.run import infer

    graph = fit.setting.graph
    if not isinstance(sampler, MCMC):
        given: Any = sampler
        is_kind = isinstance(given, type) and issubclass(given, MCMC)
        raise FitError(
            f"draws of '{used.name}' take a sampler: an energy has none of its own",
            node=used.name,
            given="no sampler" if given is None else repr(given)[:80],
            needed="a sampler of densities that are known up to a constant: gd.MALA, gd.NUTS, gd.HMC, gd.ULA",
            fix=f"sampler=gd.{given.__name__}()" if is_kind else _FIX,
            where=caller(),
        )
    [site] = [str(n.name) for _, n in graph.of("observe")]
    if used.spec.context and isinstance(data, (int, np.integer)):
        given = ", ".join(f'"{k}": ...' for k in graph.inputs if k != site)
        raise FitError(
            f"rows of '{site}' are drawn under their contexts, which a number of rows does not give",
            node=site,
            given=f"{data} rows",
            needed="the data that contexts are made of",
            fix=f"fit.sample({{{given}}}, sampler=...)",
            where=caller(),
        )
    if not used.spec.context and (data is not None or sizes is not None):
        raise FitError(
            f"chains are of one row of '{used.name}', for all rows are alike",
            node=used.name,
            given=f"sizes={dict(sizes or {})}" if data is None else f"{data} rows" if isinstance(data, int) else "data",
            needed="a sampler alone, whose chains and draws are the rows",
            fix=_FIX,
            where=caller(),
        )
    if names is not None:
        site_names(graph, names)
    if draws is not None:
        sampler = replace(sampler, draws=positive("draws", draws, sampler.draws))
    rows = data if data is None or isinstance(data, Mapping) else None
    name, bound = (site, _all_rows(fit, site, rows, sizes)) if used.spec.context else ("row", _one_row(fit, used))
    return {site: infer(bound.with_learnt(fit.params), sampler, check_seed(seed), Silent()).draws[name]}


def _one_row(fit: TrainedFit, used: UsedDensity) -> BoundProgram:
    """The model of a latent "row" whose prior is the energy."""
    from gendsl.lang.distributions import Energy
    from gendsl.lang.model import Model

    spec, setting = used.spec, fit.setting
    if not isinstance(spec, EnergyDensity):
        raise TypeError("an energy")
    m = Model(setting.graph.name)
    m.latent("row", Energy(spec.network, used.event, spread=spec.spread, name=used.name))
    return m.compile(setting.backend.name, precision=setting.precision, device=setting.device).bind({})


def _all_rows(
    fit: TrainedFit, site: str, data: Mapping[str, Any] | None, sizes: Mapping[str, int] | None
) -> BoundProgram:
    """The model whose observation is a latent, with the data of its contexts; left out, those of the fit."""
    from gendsl.forward import bind_forward, compile_forward, with_sizes
    from gendsl.program import compile_graph

    graph, setting = fit.setting.graph, fit.setting
    own = data is None and not sizes
    given = {k: v for k, v in (setting.given if own else dict(data or {})).items() if k != site}
    if own:
        sizes = {p.name: setting.bound.sizes[p.name] for p in graph.plates if p.base is None and p.size is None}
    name, precision, device = setting.backend.name, setting.precision, setting.device
    kept = frozenset(k for k in given if k in graph.inputs)
    forward = compile_forward(graph, name, (site,), frozenset((site,)), kept, precision=precision, device=device)
    rows = bind_forward(forward, given, sizes)
    drawn = with_sizes(forward.declared, rows.bound.sizes)
    return BoundProgram(compile_graph(drawn, name, precision=precision, device=device), rows.bound)
