"""What lies behind given rows: latents by a guide that reads them, or the base values of a flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.densities import FlowDensity
from gendsl.errors import FitError, caller
from gendsl.graph.learned import UsedDensity, densities
from gendsl.graph.node import Graph
from gendsl.graph.types import DistType
from gendsl.objectives.contexts import context_values
from gendsl.objectives.learnt import amortised, recorded_by_row
from gendsl.objectives.pieces import contexts_of_rows
from gendsl.objectives.posterior import posterior_of
from gendsl.objectives.scores import refuse_missing_values
from gendsl.results.named import known_draws

if TYPE_CHECKING:
    from gendsl.trained import TrainedFit

__all__ = ["encode"]


def encode(
    fit: TrainedFit, data: Mapping[str, Any], names: str | Sequence[str] | None, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """See `TrainedFit.encode`."""
    guide = getattr(fit.objective, "amortised", None)
    if guide is not None:
        read = amortised(guide)
        codes = [str(n.name) for _, n in fit.setting.graph.of("latent") if n.name in read]
        if codes:
            known = dict.fromkeys([*codes, *sorted(recorded_by_row(fit))], np.zeros(0))
            guided = posterior_of(fit.on(data))
            if guided is None:
                raise TypeError("a guide that is a model")
            return {k: x[None] for k, x in guided.draw(draws, seed, known_draws(names, known) or codes).items()}
    flows = {} if fit.setting.graph.of("latent") else _flows(fit.setting.graph)
    flows = {k: x for k, x in flows.items() if k in (known_draws(names, dict.fromkeys(flows, np.zeros(0))) or flows)}
    if not flows:
        raise FitError(
            f"model '{fit.setting.graph.name}' has nothing that encodes rows",
            given=repr(fit),
            needed="a guide that is a model and reads the rows, or observations of gd.Flow",
            fix="fit.draws has the latents that were learnt"
            if fit.setting.graph.of("latent")
            else "gd.ELBO(guide=encoder) of a model with latents, or gd.Flow",
            where=caller(),
        )
    there = fit.on(data)
    refuse_missing_values(there)
    return _noise(there, flows)


def _flows(graph: Graph) -> dict[str, UsedDensity]:
    """The observations, data of their own, whose distribution is a flow."""
    out = {}
    for _, n in graph.of("observe"):
        dist = graph.nodes[n.args[0]]
        found = next(iter(densities([dist])), None)
        if found is not None and isinstance(found.spec, FlowDensity) and n.name in graph.inputs:
            out[str(n.name)] = found
    return out


def _noise(fit: TrainedFit, flows: Mapping[str, UsedDensity]) -> dict[str, np.ndarray]:
    """f^-1(x) of each flow, (1, 1, *dims, *event)."""
    b, setting, out = fit.setting.backend, fit.setting, {}
    contexts = context_values(fit.bound, list(flows), fit.params)
    with setting.context():
        for name, used in flows.items():
            t = setting.graph.nodes[setting.graph.nodes[setting.graph.sites[name]].args[0]].type
            if not isinstance(t, DistType) or not isinstance(used.spec, FlowDensity):
                raise TypeError("a flow")
            x = np.asarray(setting.bound.arrays[name], np.float64)
            given = contexts_of_rows(contexts.get(name), x.shape[: x.ndim - len(used.event)])
            own = {k: fit.bound.params[f"{used.name}.{k}"] for k in used.spec.parameters(used.event)}
            rows = b.array(x.reshape(-1, *used.event), setting.precision)
            context = None if given is None else b.array(given, setting.precision)
            z = used.spec.invert(b.layers, own, rows, context, used.event)
            out[name] = b.numpy(z).astype(np.float64).reshape(1, 1, *x.shape)
    return out
