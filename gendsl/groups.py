"""Draws and data under the names, dims and axes that they have in arviz's InferenceData."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType
from gendsl.methods.chains import doubles

if TYPE_CHECKING:
    from gendsl.diagnostics import Variables
    from gendsl.fit import Fit
    from gendsl.program import BoundProgram

__all__ = ["constrained", "data_groups", "dims_of", "groups_of"]


def constrained(bound: BoundProgram, u: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every declared latent and recorded value of draws (chain, draw, ...), a chain at a time, in declared order."""
    chains = len(next(iter(u.values())))
    parts = [bound.constrain({k: v[c] for k, v in u.items()}) for c in range(chains)]
    return _declared(bound.program.declared, {k: doubles(np.stack([part[k] for part in parts])) for k in parts[0]})


def _declared(graph: Graph, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the helpers of passes, in declared order."""
    return {str(n.name): values[str(n.name)] for _, n in graph.of("latent", "let")}


def groups_of(fit: Fit) -> dict[str, Variables]:
    """The groups of a fit's InferenceData."""
    graph, arrays = fit.program.declared, fit.bound.bound.arrays
    sample: tuple[str, ...] = ("chain", "draw")

    def named(draws: Mapping[str, np.ndarray]) -> Variables:
        return {n: ((*sample, *dims_of(graph, graph.nodes[graph.sites[n]])), x) for n, x in draws.items()}

    groups = {"posterior": named(fit.draws), "sample_stats": {k: (sample, x) for k, x in fit.raw.stats.items()}}
    if fit.raw.warmup:
        groups["warmup_posterior"] = named(constrained(fit.bound, fit.raw.warmup))
        groups["warmup_sample_stats"] = {k: (sample, x) for k, x in fit.raw.warmup_stats.items()}
    return {**groups, **data_groups(graph, arrays, graph.inputs)}


def data_groups(graph: Graph, arrays: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, Variables]:
    """The groups observed_data and constant_data of some data; missing elements are NaN."""
    derived = {n.attr["derived"]: arrays.get(str(n.name)) for _, n in graph.of("data") if n.attr["derived"]}
    groups: dict[str, dict[str, tuple[tuple[str, ...], np.ndarray]]] = {"observed_data": {}, "constant_data": {}}
    for name in names:
        n = graph.nodes[graph.inputs[name]]
        if n.attr["derived"]:
            continue
        x = arrays[name]
        if (there := derived.get(("observed", name))) is not None:
            x = np.where(there.reshape(there.shape + (1,) * (x.ndim - there.ndim)), x, np.nan)
        groups["observed_data" if name in graph.sites else "constant_data"][name] = (dims_of(graph, n), x)
    return dict(groups)


def dims_of(graph: Graph, n: Node) -> tuple[str, ...]:
    """Names for the axes of a value in the user's layout; axes without a name get arviz's, `<site>_dim_<k>`."""
    t = n.attr["type"] if n.op == "data" else n.type
    if not isinstance(t, ArrayType):
        raise TypeError(f"'{n.name}' is not a value")
    dist = graph.nodes[n.args[0]].type if n.op == "latent" else None
    joint = dist.joint if isinstance(dist, DistType) else ()
    named = [*joint, *n.attr["axes"]]
    named += [None] * (t.rank - len(named))
    names = [*t.dims, *(size if isinstance(size, str) else name for name, size in zip(named, t.event, strict=True))]
    out: list[str] = []
    for k, name in enumerate(names):
        taken = name is None or name in out
        out.append(f"{n.name}_dim_{k}" if taken else str(name))
    return tuple(out)
