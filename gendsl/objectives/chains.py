"""Draws of a trained energy, by a sampler of densities that are known up to a constant.

The rows of an observation are independent and alike, so chains are of one row: the model of one latent whose prior is
the energy, with its trained parameters.
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
    """Draws of an observed energy, (chain, draw, *event).

    Raises:
        FitError: if there is no sampler for it, or there are rows to be drawn for.
    """
    from gendsl.methods import MCMC

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
    if data is not None or sizes is not None:
        raise FitError(
            f"chains are of one row of '{used.name}', for all rows are alike",
            node=used.name,
            given=f"sizes={dict(sizes or {})}" if data is None else f"{data} rows" if isinstance(data, int) else "data",
            needed="a sampler alone, whose chains and draws are the rows",
            fix=_FIX,
            where=caller(),
        )
    [site] = [str(n.name) for _, n in graph.of("observe")]
    if names is not None:
        site_names(graph, names)
    if draws is not None:
        sampler = replace(sampler, draws=positive("draws", draws, sampler.draws))
    return {site: _chains(fit, used, sampler, check_seed(seed))}


def _chains(fit: TrainedFit, used: UsedDensity, sampler: MCMC, seed: int) -> np.ndarray:
    """(chain, draw, *event)."""
    from gendsl.lang.distributions import Energy
    from gendsl.lang.model import Model
    from gendsl.progress import Silent
    from gendsl.run import infer

    spec, setting = used.spec, fit.setting
    if not isinstance(spec, EnergyDensity):
        raise TypeError("an energy")
    m = Model(setting.graph.name)
    m.latent("row", Energy(spec.network, used.event, spread=spec.spread, name=used.name))
    bound = m.compile(setting.backend.name, precision=setting.precision, device=setting.device).bind({})
    bound = bound.with_params({k: v for k, v in fit.params.items() if k in bound.params})
    return infer(bound, sampler, seed, Silent()).draws["row"]
