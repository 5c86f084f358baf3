"""Chains that stand still, that lag behind, and that settle on different modes.

A chain stands still if it leaves its place in fewer than 5 % of its draws, varies a thousand times less than the
others, accepts fewer than 1 % of its proposals, or has a step size a thousand times smaller than the others'. Chains
settle on different modes where the central 90 % of their draws do not overlap although each of them, by itself, has
settled (its halves agree): a chain that only wanders slowly is none that has found a mode. A chain lags behind if its
mean log-density is lower than the best chain's by 10, and by 10 of that chain's standard deviations: the log-density
varies by about sqrt(d / 2) where a chain of d dimensions is at home.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType
from gendsl.results.scalars import Scalars, split_rhat
from gendsl.results.words import chains_of, listed, number, percent

__all__ = ["lagging", "modes", "stuck"]

_NONE: Mapping[str, np.ndarray] = MappingProxyType({})
_REJECTED = 0.01  # mean acceptance probability below which a chain is stuck
_COLLAPSED = 1e-3  # step size, in those of the median chain, below which it creeps
_ELSEWHERE = (
    "It may have started where the density is very steep, flat or not smooth: start it elsewhere, "
    "init=gd.init.Prior(), gd.init.Given({...}) or a smaller gd.init.Uniform(0.5); warm up longer, or try another "
    "seed; and look for scales of very different size and for jumps (where, round, comparisons) in what"
    " depends on latents"
)
_MOVES, _NARROW, _FEW, _SETTLED, _SHOWN, _BEHIND = 0.05, 1e-3, 20, 1.1, 3, 10.0


def stuck(found: Scalars, stats: Mapping[str, np.ndarray] = _NONE) -> list[tuple[int, str]]:
    """The chains that stand still, and what is said of each.

    Args:
        found: the scalars of the latents.
        stats: the sampler's, (chain, draw); acceptance_rate and step_size are looked at where they are there.
    """
    x = found.draws
    if not len(found) or x.shape[2] < _FEW:
        return []
    moves = (np.diff(x, axis=2) != 0).any(0).mean(1)
    spread = x.std(2)
    accepted = stats["acceptance_rate"].mean(1) if "acceptance_rate" in stats else None
    size = stats["step_size"][:, -1] if "step_size" in stats else None
    out = []
    for c in range(x.shape[1]):
        others = np.delete(spread, c, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = spread[:, c] / np.median(others, axis=1) if others.size else np.ones(len(found))
        ratio = ratio[np.isfinite(ratio)]
        if moves[c] < _MOVES:
            how = f"it leaves its place in {percent(moves[c])} of its draws"
        elif ratio.size > 0 and float(ratio.max()) < _NARROW:
            how = f"it varies at most {number(float(ratio.max()))} times as much as the others"
        elif accepted is not None and accepted[c] < _REJECTED:
            how = "it accepts hardly any proposal"
        elif size is not None and size[c] < _COLLAPSED * np.median(size):
            how = "it creeps"
        else:
            continue
        figures = [
            f"{w} {number(float(v[c]))}" for w, v in (("acceptance", accepted), ("step size", size)) if v is not None
        ]
        words = f"chain {c} stands still: {how}{f' ({listed(figures)})' if figures else ''}"
        out.append((c, f"{words}. {_ELSEWHERE}"))
    return out


def lagging(lp: np.ndarray | None, still: list[int], step_size: np.ndarray | None = None) -> list[str]:
    """What is said of chains that have not come to where others are.

    Args:
        lp: log-densities, (chain, draw).
        still: chains that stand still, of which enough is said.
        step_size: the sampler's, (chain, draw).
    """
    if lp is None or lp.shape[1] < _FEW:
        return []
    level = lp.mean(1)
    best = int(np.nanargmax(level)) if np.isfinite(level).any() else 0
    bound = level[best] - _BEHIND * max(1.0, float(lp[best].std()))
    out = []
    for c in np.flatnonzero(level < bound):
        if c in still:
            continue
        sizes = [] if step_size is None else [number(float(np.median(step_size[k]))) for k in (c, best)]
        steps = f"; step sizes are {listed(sizes)}" if sizes else ""
        out.append(
            f"chain {c} has not come to where chain {best} is: its log-density is {number(float(level[c]))} on "
            f"average, that of chain {best} is {number(float(level[best]))}{steps}. Its draws are not of the "
            "posterior: warm up longer, or try another seed"
        )
    return out


def modes(graph: Graph, found: Scalars, still: list[int], lp: np.ndarray | None = None) -> list[str]:
    """What is said of chains that settle on different modes; nothing where they do not.

    Args:
        graph: the declared graph, for advice.
        found: the scalars of the latents.
        still: chains that stand still, which are left out.
        lp: log-densities, (chain, draw).
    """
    use = [c for c in range(found.draws.shape[1]) if c not in still]
    found = found.moving()
    if len(use) < 2 or found.draws.shape[2] < _FEW or not len(found):
        return []
    x = found.draws[:, use]
    settled = np.stack([split_rhat(x[:, c : c + 1]) for c in range(len(use))], axis=1).max(1) < _SETTLED
    low, middle, high = np.quantile(x, [0.05, 0.5, 0.95], axis=2)
    partitions: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for k in np.flatnonzero(settled):
        parts = _apart(low[k], middle[k], high[k])
        if len(parts) > 1:
            key = tuple(sorted(tuple(sorted(use[c] for c in part)) for part in parts))
            partitions.setdefault(key, []).append(int(k))
    if not partitions:
        return []
    groups, where = max(partitions.items(), key=lambda item: len(item[1]))
    gap = [_gap(x[k], groups, use) for k in where]
    shown = [where[i] for i in np.argsort(gap)[::-1][:_SHOWN]]
    levels = "; ".join(
        f"{found.labels[k]} is near " + listed([number(float(np.median(found.draws[k, list(g)]))) for g in groups])
        for k in shown
    )
    rest = f", and {len(where) - len(shown)} more differ" if len(where) > len(shown) else ""
    words = f"chains settle on different modes: in {' against '.join(map(chains_of, groups))}, {levels}{rest}"
    return [f"{words}. {_density(groups, lp)}{_advice(graph, {found.sites[k] for k in where})}"]


def _apart(low: np.ndarray, middle: np.ndarray, high: np.ndarray) -> list[list[int]]:
    """Groups of chains, from low to high, whose intervals do not overlap those of the next group."""
    order = np.argsort(middle)
    out: list[list[int]] = [[int(order[0])]]
    reach = high[order[0]]
    for j, c in enumerate(order[1:], 1):
        if reach < low[order[j:]].min():
            out.append([])
        out[-1].append(int(c))
        reach = max(reach, high[c])
    return out


def _gap(x: np.ndarray, groups: tuple[tuple[int, ...], ...], use: list[int]) -> float:
    """How far the groups are apart, in standard deviations within chains."""
    centres = [float(np.mean([x[use.index(c)].mean() for c in g])) for g in groups]
    return float((max(centres) - min(centres)) / np.sqrt(x.var(1).mean()))


def _density(groups: tuple[tuple[int, ...], ...], lp: np.ndarray | None) -> str:
    if lp is None:
        return ""
    heights = [float(lp[list(g)].mean()) for g in groups]
    return f"The log-density is {listed([number(h) for h in heights])} there on average. "


def _advice(graph: Graph, sites: set[str]) -> str:
    ops = {n.op for n in graph.nodes}
    mixed = (
        "mixture" if ops & {"dist.Mixture", "dist.MixtureOf"} else "hidden chain" if "dist.HiddenMarkov" in ops else ""
    )
    vectors = [
        str(n.name) for _, n in graph.of("latent") if n.name in sites and isinstance(n.type, ArrayType) and n.type.event
    ]
    if mixed and vectors:
        return (
            f"Components of the {mixed} may have changed places: order them, "
            f'm.latent("{vectors[0]}", ..., constraint=gd.ordered)'
        )
    return (
        "The share of draws in each says nothing of its weight: if only one of them makes sense, exclude the others by "
        "a prior or a constraint; if a symmetry of the model (a sign, an order) makes them, break it; if one is far "
        "lower in density, warm up longer"
    )
