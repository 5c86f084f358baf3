"""`compare`: models beside each other by how well they predict, left-out elements or held-out data.

On held-out data y each model has

    elpd = sum_i log p(y_i | fit),    se = sqrt(n var_i log p(y_i | fit)),

and the difference of two its standard error from the differences of their terms, which vary less than either. What a
model knows of p(y_i) is exact, an estimate with a Monte Carlo error, or a lower bound: then it may be better than its
elpd.

Reference:
    Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC (Vehtari, Gelman, Gabry, 2017)
    | https://doi.org/10.1007/s11222-016-9696-4
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.counting import counting, observed
from gendsl.data.labels import near
from gendsl.data.read import read
from gendsl.elpd import Kind, LogProb, loo, observations
from gendsl.errors import DataError, FitError, caller
from gendsl.fit import Fit
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType, DistType
from gendsl.request import check_seed
from gendsl.trained import TrainedFit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare"]


def compare(fits: Mapping[str, Fit | TrainedFit], data: Any = None, *, seed: int = 0) -> pd.DataFrame:
    """Compare models by their log predictive densities: of held-out data, or of left-out elements of their own (LOO).

    Args:
        fits: name -> fit, all of the same observations; of whatever method, model and backend.
        data: held-out values of the data and observations of all models, by name; left out, sampled fits are compared
            by leave-one-out cross-validation.
        seed: of draws that an estimate on held-out data needs.

    Returns:
        A table, the best first. By LOO it is arviz's: elpd_loo, its differences with standard errors, and stacking
        weights. On held-out data: rank, elpd, its standard error over elements (se), the difference to the best
        (elpd_diff) and its standard error (dse), the error of computing elpd (mcse), and its kind. Errors are NaN where
        a bound is of all rows together.

    Raises:
        FitError: if there are fewer than two fits, their observations differ, the density of one is known up to a
            constant or not at all, or fits that are trained are compared without held-out data.
        DataError: if the data do not fit a model.

    Reference:
        Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC (Vehtari, Gelman, Gabry,
        2017) | https://doi.org/10.1007/s11222-016-9696-4
    """
    either = (Fit, TrainedFit)
    if not isinstance(fits, Mapping) or len(fits) < 2 or not all(isinstance(f, either) for f in fits.values()):
        raise FitError(
            "two or more fits are compared by name",
            given=repr(fits)[:100],
            needed="a dict of fits",
            fix='gd.compare({"pooled": fit_1, "hierarchical": fit_2})',
            where=caller(),
        )
    if data is not None:
        return _on(fits, data, check_seed(seed))
    if trained := [k for k, f in fits.items() if isinstance(f, TrainedFit)]:
        raise FitError(
            f"leave-one-out is by draws of a sampler, and '{trained[0]}' was trained",
            given=f"fits that were trained: {', '.join(trained)}",
            needed="held-out data, or fits by gd.NUTS()",
            fix='gd.compare({...}, {"x": held_out})',
            where=caller(),
        )
    return _by_loo({k: f for k, f in fits.items() if isinstance(f, Fit)})


# -- leave-one-out -------------------------------------------------------------------------------------------------
def _by_loo(fits: Mapping[str, Fit]) -> pd.DataFrame:
    from gendsl.diagnostics import compare as arviz_compare

    _check_same({name: _fitted(fit) for name, fit in fits.items()})
    return arviz_compare({name: loo(fit) for name, fit in fits.items()})


def _fitted(fit: Fit) -> np.ndarray:
    """All observed numbers of a fit that count, where they are data."""
    graph, bound = fit.program.declared, fit.bound.bound
    parts = [np.zeros(0)]
    for name in observations(graph):
        if name in graph.inputs:
            joint = graph.nodes[graph.nodes[graph.sites[name]].args[0]].type
            own = isinstance(joint, DistType) and joint.joint
            x, there = bound.arrays[name], (observed if own else counting)(graph, name, bound)
            parts.append(np.asarray(x if there is None else x[there], float).ravel())
    return np.concatenate(parts)


def _check_same(seen: Mapping[str, np.ndarray]) -> None:
    first, *others = seen
    for name in others:
        a, b = seen[first], seen[name]
        if a.shape != b.shape or not np.allclose(np.sort(a), np.sort(b), rtol=1e-12, equal_nan=True):
            raise FitError(
                f"'{first}' and '{name}' are of different observations: their densities do not compare",
                given=f"{a.size} and {b.size} observed numbers" + ("" if a.size != b.size else ", other values"),
                needed="the same observations",
                fix="fit both to the same rows, on the same scale",
                where=caller(),
            )


# -- held-out data -------------------------------------------------------------------------------------------------
def _on(fits: Mapping[str, Fit | TrainedFit], data: Any, seed: int) -> pd.DataFrame:
    import pandas as pd

    graphs = {name: f.setting.graph if isinstance(f, TrainedFit) else f.program.declared for name, f in fits.items()}
    _check_names(graphs, data)
    found = {name: fit.log_prob(_own(graphs[name], data), seed=seed) for name, fit in fits.items()}
    _check_same({name: _given(graph, data) for name, graph in graphs.items()})
    _check_counts(found)
    for name, p in found.items():
        if p.kind is Kind.UNNORMALISED:
            raise FitError(
                f"the density of '{name}' is known up to a constant of its own, so it compares with no other",
                given=repr(fits[name]),
                needed="fits whose densities are normalised",
                fix="compare draws, fit.sample(sampler=...), with the data; or gd.Flow, which has a density",
                where=caller(),
            )
    terms = {name: _terms(p, graphs[name]) for name, p in found.items()}
    totals = {name: found[name].value if x is None else float(x.sum()) for name, x in terms.items()}
    order = sorted(found, key=lambda name: -totals[name] if np.isfinite(totals[name]) else np.inf)
    best = order[0]
    rows = []
    for rank, name in enumerate(order):
        own, theirs = terms[name], terms[best]
        with np.errstate(invalid="ignore"):
            both = own is not None and theirs is not None and own.shape == theirs.shape
            apart = own - theirs if both and own is not None and theirs is not None else None
        rows.append(
            {
                "rank": rank,
                "elpd": totals[name],
                "se": _error(own),
                "elpd_diff": totals[best] - totals[name],
                "dse": 0.0 if name == best else _error(apart),
                "mcse": found[name].sum_se,
                "kind": str(found[name].kind),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(order))


def _check_names(graphs: Mapping[str, Graph], data: Any) -> None:
    """Raise where a name of the data is none of any model; a table may have more columns."""
    if not isinstance(data, Mapping):
        if not hasattr(data, "columns"):
            raise DataError(
                "data are given by name",
                given=f"{type(data).__name__}: {data!r}"[:80],
                needed="a dict with the keys "
                + ", ".join(map(repr, sorted({k for g in graphs.values() for k in g.inputs}))),
                fix='for example {"x": values}',
                where=caller(),
            )
        return
    known = sorted({k for graph in graphs.values() for k in graph.inputs if not _derived(graph, k)})
    for name in data:
        if name not in known:
            guess = near(str(name), known)
            raise DataError(
                f"no model has data named {name!r}",
                given=repr(name),
                needed=f"some of {', '.join(known)}",
                fix=f"did you mean '{guess}'?" if guess else f"leave {name!r} out",
                where=caller(),
            )


def _derived(graph: Graph, name: str) -> bool:
    return bool(graph.nodes[graph.inputs[name]].attr["derived"])


def _own(graph: Graph, data: Any) -> Any:
    """The data that a model has."""
    if isinstance(data, Mapping):
        return {k: x for k, x in data.items() if k in graph.inputs}
    return data[[k for k in data.columns if k in graph.inputs]]


def _given(graph: Graph, data: Any) -> np.ndarray:
    """All numbers given for observations."""
    parts = [np.zeros(0)]
    for name in observations(graph):
        if name in graph.inputs and name in data:
            given = read(graph.nodes[graph.inputs[name]], data[name])
            parts.append(np.where(given.missing, np.nan, np.asarray(given.values, float)).ravel())
    return np.concatenate(parts)


def _check_counts(found: Mapping[str, LogProb]) -> None:
    """Raise where a mask leaves out elements of an observation in one model, and not in another."""
    first: dict[str, tuple[str, int]] = {}
    for name, p in found.items():
        for k, x in p.elements.items():
            other, count = first.setdefault(k, (name, x.size))
            if count != x.size:
                raise FitError(
                    f"'{other}' and '{name}' are of different elements of '{k}': their densities do not compare",
                    node=k,
                    given=f"{count} and {x.size} elements that count",
                    needed="the same elements",
                    fix="mask the same elements in both, or leave their rows out of the data",
                    where=caller(),
                )


def _terms(p: LogProb, graph: Graph) -> np.ndarray | None:
    """Log-densities of rows, or of elements where observations are over other plates; None where there are none."""
    names = sorted(p.elements)
    if not names or not all(p.elements[k].size for k in names):
        return None
    parts = [p.elements[k] for k in names]
    plates = {_first(graph, k) for k in names}
    if len(plates) == 1 and all(x.ndim and len(x) == len(parts[0]) for x in parts):
        return np.asarray(np.concatenate([x.reshape(len(x), -1) for x in parts], 1).sum(1))
    return np.concatenate([x.ravel() for x in parts])


def _first(graph: Graph, name: str) -> str | None:
    """The first plate of an observation; a plate is its own."""
    t = graph.nodes[graph.sites[name]].type if name in graph.sites else None
    dims = t.dims if isinstance(t, ArrayType) else () if t is not None else (name,)
    return dims[0] if dims else None


def _error(terms: np.ndarray | None) -> float:
    if terms is None or terms.size < 2:
        return np.nan
    with np.errstate(invalid="ignore"):  # a density may be 0
        return float(np.sqrt(terms.size * terms.var(ddof=1)))
