"""Learning how far to centre each element of a hierarchical latent, from draws of a short run.

With z = (x - loc) / scale of the draws, the value that is sampled at the share c is

    z_c = c loc + scale^(c - 1) (x - loc),   |dz_c / dx| = scale^(c - 1)

and c minimises the Kullback-Leibler divergence of the draws from a normal distribution of its own for z_c,

    log sd(z_c) + (1 - c) E log scale

an element at a time. Where the data say little of an element, z is independent of the scale and c is 0; where they
determine x, it is 1.

Reference:
    Automatic Reparameterisation of Probabilistic Programs (Gorinova, Moore, Hoffman, 2020) |
    https://arxiv.org/abs/1906.03028
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError, ModelError
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.invert import unconstrained
from gendsl.methods import MCMC
from gendsl.methods.init import Given
from gendsl.methods.sample import sample
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.backend import Draws, Progress

__all__ = ["Learnt", "Shared", "best_shares", "learn", "partly_centered"]

_LEAST = 25  # iterations to adapt in, and draws to learn from
_LEARNING = 21  # keeps its random numbers apart from those of the run that follows
_MOST = 0.9  # of the deadline, after which what has been drawn is kept
_SHARES = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class Shared:
    """A latent that is centred by shares.

    Attributes:
        name: the latent's.
        share: the parameter's.
        loc: the recorded location's.
        scale: the recorded scale's.
    """

    name: str
    share: str
    loc: str
    scale: str


def partly_centered(graph: Graph, declared: Graph) -> list[Shared]:
    """The latents of a lowered graph that are centred by shares."""
    out = []
    for i, n in graph.of("let"):
        at = declared.sites.get(str(n.name))
        if at is None or declared.nodes[at].op != "latent":
            continue
        found = _named(graph, i)
        shares = [m for m in found if m.op == "param" and m.name not in declared.sites]
        lets = [m for m in found if m.op == "let"]
        if len(shares) == 1 and len(lets) == 2:
            out.append(Shared(str(n.name), str(shares[0].name), str(lets[0].name), str(lets[1].name)))
    return out


def _named(graph: Graph, i: int) -> list[Node]:
    """The named nodes that an expression is made of, in the order in which it names them."""
    out: dict[int, None] = {}

    def visit(k: int) -> None:
        if graph.nodes[k].name is not None:
            out[k] = None
        else:
            for a in graph.nodes[k].args:
                visit(a)

    for a in graph.nodes[i].args:
        visit(a)
    return [graph.nodes[k] for k in out]


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a short run taught.

    Attributes:
        bound: the program with its shares.
        method: what is left to run.
        note: what there is to say of it.
        cut: the draws of the short run, where that was cut short; then there is nothing left to run.
    """

    bound: BoundProgram
    method: MCMC
    note: str = ""
    cut: Draws | None = None


def learn(bound: BoundProgram, method: MCMC, seed: int, progress: Progress) -> Learnt:
    """Spend half of warmup on a run whose draws tell the shares.

    Args:
        bound: a partly centred program.
        method: as asked for.
        seed: of the run.
        progress: told how far the chains are.

    Raises:
        FitError: if no starting point is found, or the deadline comes before the first draw.
    """
    p, began = bound.program, time.perf_counter()
    latents = partly_centered(p.graph, p.declared)
    quarter = method.warmup // 4
    if not latents or quarter < _LEAST:
        why = "no latent is non-centred" if not latents else f"a warmup of {method.warmup} is too short to learn from"
        return Learnt(bound, method, f"centring is as declared: {why}")
    first = replace(method, warmup=quarter, draws=quarter, thinning=1, keep_warmup=False)
    own = int(np.random.SeedSequence([seed, _LEARNING]).generate_state(1, np.uint64)[0] >> np.uint64(1))
    raw = sample(bound, first, own, progress)
    if not raw.complete:
        return Learnt(bound, method, cut=raw)
    if method.deadline is not None and time.perf_counter() - began > _MOST * method.deadline:
        raw.complete = False
        raw.note = f"stopped at the deadline of {method.deadline:g} s, when it had learnt how far to centre"
        return Learnt(bound, method, cut=raw)
    values = _values(bound, raw.unconstrained)
    shares, notes = {}, []
    for x in latents:
        best = best_shares(*(_aligned(p.graph, p.declared, values, k, x.name) for k in (x.name, x.loc, x.scale)))
        low, high = best.min(), best.max()
        notes.append(f"'{x.name}' is centred by {low:.2f}" + (f" to {high:.2f}" if high > low else ""))
        dims, theirs = _layout(p.declared, x.name)[0], _layout(p.graph, x.share)[0]
        shares[x.share] = np.transpose(best, (*map(dims.index, theirs), *range(len(dims), best.ndim)))
    ready = bound.with_params(shares)
    left = replace(method, warmup=method.warmup - 2 * quarter, init=_ends(ready, values, raw) or method.init)
    if method.deadline is not None:
        left = replace(left, deadline=method.deadline - (time.perf_counter() - began))
    return Learnt(ready, left, "; ".join(notes))


def best_shares(x: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The share of each element.

    Args:
        x: draws, (draw, ...).
        loc: of each draw, broadcast against x.
        scale: likewise.
    """
    log_scale = np.log(np.maximum(scale, np.finfo(float).tiny))
    losses = []
    for c in _SHARES:
        z = c * loc + np.exp((c - 1.0) * log_scale) * (x - loc)
        losses.append(np.log(np.std(z, axis=0)) + (1.0 - c) * np.broadcast_to(log_scale.mean(0), x.shape[1:]))
    out: np.ndarray = _SHARES[np.nanargmin(np.where(np.isfinite(losses), losses, np.inf), axis=0)]
    return out


def _values(bound: BoundProgram, u: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every recorded value, (chain * draw, ...)."""
    return bound.constrain({k: v.reshape(-1, *v.shape[2:]) for k, v in u.items()})


def _aligned(graph: Graph, declared: Graph, values: Mapping[str, np.ndarray], name: str, like: str) -> np.ndarray:
    """A value with its dims in the places of the declared latent's."""
    dims, event = _layout(declared, like)
    mine, own = (dims, event) if name == like else _layout(graph, name)
    x = values[name]
    order = sorted(range(len(mine)), key=lambda k: dims.index(mine[k]))
    x = np.transpose(x, (0, *(1 + k for k in order), *range(1 + len(mine), x.ndim)))
    index = (slice(None), *(slice(None) if d in mine else None for d in dims), *(None,) * (event - own))
    return x[index]


def _layout(graph: Graph, name: str) -> tuple[tuple[str, ...], int]:
    t = graph.nodes[graph.sites[name]].type
    return (t.dims, len(t.event)) if isinstance(t, ArrayType) else ((), 0)


def _ends(bound: BoundProgram, values: Mapping[str, np.ndarray], raw: Draws) -> Given | None:
    """The last draw of each chain, to start from; None where one lies at the border of its support."""
    latents = [str(n.name) for _, n in bound.program.declared.of("latent")]
    chains = len(next(iter(raw.unconstrained.values())))
    ends = {k: values[k].reshape(chains, -1, *values[k].shape[1:])[:, -1] for k in latents}
    nowhere = {k: np.zeros(shape) for k, shape in bound.shapes.items()}
    try:
        for c in range(chains):
            unconstrained(bound, {k: v[c] for k, v in ends.items()}, nowhere)
        return Given(ends)
    except (FitError, ModelError):
        return None
