"""The scalars of a fit: every single number that was drawn, with a label.

A label is the one that `fit.summary()` has: `theta[A]` for the element of `theta` that the data call A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gendsl.fit import Fit

__all__ = ["Scalars", "ks_distance", "most_different", "of_draws", "scalars", "split_rhat", "unconstrained"]


@dataclass(frozen=True, eq=False)
class Scalars:
    """Some scalars.

    Attributes:
        sites: the site of each.
        labels: the label of each.
        draws: (scalar, chain, draw), float.
    """

    sites: tuple[str, ...]
    labels: tuple[str, ...]
    draws: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: Sequence[int] | np.ndarray) -> Scalars:
        """Those with these numbers, in this order."""
        at = [int(k) for k in which]
        return Scalars(tuple(self.sites[k] for k in at), tuple(self.labels[k] for k in at), self.draws[at])

    def moving(self) -> Scalars:
        """Those that vary at all, and are finite: others (a diagonal of ones) have no diagnostics."""
        finite = np.isfinite(self.draws).all((1, 2))
        with np.errstate(invalid="ignore"):
            return self.take(np.flatnonzero(finite & (np.ptp(self.draws, axis=(1, 2)) > 0)))


def of_draws(draws: Mapping[str, np.ndarray], labels: Mapping[str, Sequence[Sequence[object]]]) -> Scalars:
    """The scalars of draws.

    Args:
        draws: site -> (chain, draw, ...).
        labels: site -> for each axis after the first two, the labels of its elements.
    """
    sites: list[str] = []
    names: list[str] = []
    parts = []
    for site, x in draws.items():
        for index in np.ndindex(x.shape[2:]):
            inside = ", ".join(str(axis[k]) for axis, k in zip(labels[site], index, strict=True))
            names.append(f"{site}[{inside}]" if index else site)
            sites.append(site)
        parts.append(np.moveaxis(x.reshape(*x.shape[:2], -1), -1, 0).astype(float))
    whole = np.concatenate(parts) if parts else np.zeros((0, 1, 0))
    return Scalars(tuple(sites), tuple(names), whole)


def scalars(fit: Fit, names: Sequence[str] | None = None) -> Scalars:
    """The scalars of a fit's latents and recorded values.

    Args:
        fit: the fit.
        names: sites; left out, all.
    """
    from gendsl.groups import dims_of

    graph, coords = fit.program.declared, fit.bound.bound.coords
    chosen = {k: x for k, x in fit.draws.items() if names is None or k in names}
    labels = {}
    for site, x in chosen.items():
        dims = dims_of(graph, graph.nodes[graph.sites[site]])
        labels[site] = [
            coords[d].tolist() if d in coords and coords[d].dtype.kind not in "mM" and len(coords[d]) == n
            else coords[d].astype(str).tolist() if d in coords and len(coords[d]) == n
            else range(n)
            for d, n in zip(dims, x.shape[2:], strict=True)
        ]  # fmt: skip
    return of_draws(chosen, labels)


def unconstrained(fit: Fit, names: Sequence[str] | None = None) -> Scalars:
    """The scalars that the sampler itself moves.

    Args:
        fit: the fit.
        names: declared latents; one that a pass of the compiler has moved is what it was made from. Left out, all.
    """
    from gendsl.invert import places

    sites = {} if names is None else places(fit.program.declared, fit.program.graph)
    wanted = {sites.get(n) for n in names or ()}
    raw = {k: x for k, x in fit.raw.unconstrained.items() if names is None or k in wanted}
    found = of_draws(raw, {k: [range(n) for n in x.shape[2:]] for k, x in raw.items()})
    return Scalars(found.sites, tuple(f"unconstrained {label}" for label in found.labels), found.draws)


def split_rhat(x: np.ndarray) -> np.ndarray:
    """Split R-hat, sqrt((n - 1)/n + B/(n W)), without ranks: quick for many scalars.

    Args:
        x: (scalar, chain, draw).

    Returns:
        (scalar,); infinite where no half of a chain moves but they differ, 1 where nothing does.

    Reference:
        Inference from Iterative Simulation Using Multiple Sequences (Gelman, Rubin, 1992) |
        https://doi.org/10.1214/ss/1177011136
    """
    half = x.shape[2] // 2
    if half < 2:
        return np.ones(len(x))
    parts = np.concatenate([x[:, :, :half], x[:, :, -half:]], axis=1)
    within = parts.var(2, ddof=1).mean(1)
    between = parts.mean(2).var(1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.sqrt((half - 1) / half + between / within)
    return np.where(np.isnan(out), 1.0, out)


def ks_distance(x: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """How far the distributions of marked and other draws are apart: the Kolmogorov-Smirnov distance of each scalar.

    Args:
        x: (scalar, chain, draw).
        marked: (chain, draw), true for some.
    """
    flat, mark = x.reshape(len(x), -1), marked.ravel()
    order = np.argsort(flat, axis=1, kind="stable")
    steps = np.where(mark, 1.0 / max(mark.sum(), 1), -1.0 / max((~mark).sum(), 1))[order]
    value = np.take_along_axis(flat, order, 1)
    last = np.ones(value.shape, bool)
    last[:, :-1] = value[:, 1:] > value[:, :-1]  # equal values step together
    out: np.ndarray = np.abs(np.where(last, steps.cumsum(1), 0.0)).max(1)
    return out


def most_different(found: Scalars, limit: int, score: np.ndarray) -> tuple[Scalars, int]:
    """At most `limit` scalars: of each site the one with the largest score, then the largest of all; in their order.

    Args:
        found: the scalars.
        limit: how many.
        score: (scalar,).

    Returns:
        The scalars, and how many were left out.
    """
    if len(found) <= limit:
        return found, 0
    order = np.argsort(-score, kind="stable")
    first = {found.sites[k]: int(k) for k in order[::-1]}  # the largest of each site
    leaders = sorted(first.values(), key=lambda k: -score[k])
    chosen = list(dict.fromkeys([*leaders, *order.tolist()]))[:limit]
    return found.take(sorted(chosen)), len(found) - limit
