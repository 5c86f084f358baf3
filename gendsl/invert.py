"""From values of declared latents to the unconstrained values that a program samples; the inverse of `constrain`.

A latent that the passes left alone is inverted by the program's `unconstrain`. One that they lowered is x = f(z) of a
latent z that took its place, given the latents before it (passes/bounds, passes/noncenter):

- x = a + b z for each element, where a latent was non-centred or has bounds that depend on values: a and b follow from
  two points of z;
- x = a + B z, where the latent was a multivariate normal: from one point more than z has elements;
- x = L or L L', with log-diagonal: z is read off the (Cholesky) factor;
- x = z / |z|: z = x sqrt(n).

Each is checked by going back: a value that is not reached lies outside the support.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError
from gendsl.graph.constraints import LowerCholesky, PositiveDefinite, Sphere
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType

if TYPE_CHECKING:
    from gendsl.program import BoundProgram

__all__ = ["places", "unconstrained"]

_CLOSE = 1e-6

Point = dict[str, np.ndarray]


def unconstrained(bound: BoundProgram, given: Mapping[str, np.ndarray], u: Point) -> Point:
    """A point at which some declared latents have given values.

    Args:
        bound: the bound program.
        given: latent -> value, (*dims, *event).
        u: the unconstrained values of the others, by sampled site; the rest of it is replaced.

    Raises:
        FitError: if a value lies outside its support.
    """
    out = dict(u)
    graph = bound.program.graph
    with np.errstate(all="ignore"):
        for name, site in places(bound.program.declared, graph).items():
            if name in given:
                x = np.asarray(given[name], np.float64)
                z = x if name == site else _solve(bound, out, name, site, x)
                out[site] = _free(bound, out, site, z)
        there = _values(bound, out)
    for name, x in given.items():
        if not np.allclose(there[name], x, rtol=_CLOSE, atol=_CLOSE):
            raise _outside(bound.program.declared, name, np.asarray(x))
    return out


def places(declared: Graph, graph: Graph) -> dict[str, str]:
    """Declared latent -> the sampled latent that stands for it, in the order in which values depend on each other."""
    latents = {str(n.name) for _, n in declared.of("latent")}
    out: dict[str, str] = {}
    for i, n in graph.of("latent", "let"):
        name = str(n.name)
        if name not in latents:
            continue
        if n.op == "latent":
            out[name] = name
        else:  # the only one among its ancestors that stands for nothing yet
            found = [a for a in _ancestors(graph, i) if a not in latents and a not in out.values()]
            if len(found) != 1:
                raise TypeError(f"'{name}' is not a function of one sampled latent")
            out[name] = found[0]
    return out


def _ancestors(graph: Graph, i: int) -> list[str]:
    """Names of the latents that a node depends on."""
    waiting, seen = [i], {i}
    while waiting:
        for a in graph.nodes[waiting.pop()].args:
            if a not in seen:
                seen.add(a)
                waiting.append(a)
    return [str(graph.nodes[k].name) for k in sorted(seen) if graph.nodes[k].op == "latent"]


def _values(bound: BoundProgram, u: Point) -> Point:
    """Every named value at a point, in the user's layout."""
    return {k: v[0] for k, v in bound.constrain({k: v[None] for k, v in u.items()}).items()}


def _free(bound: BoundProgram, u: Point, site: str, value: np.ndarray) -> np.ndarray:
    """The unconstrained form of a sampled latent's value, (*dims, *event) in the order of its layout."""
    p = bound.program
    layouts = {layout.name: layout for layout in p.emitted.outputs}
    # `unconstrain` maps all sampled latents, each for itself.
    there = _values(bound, u)
    values = {s.name: there[s.name] for s in p.sites} | {site: value}
    with p.context():
        at = {k: p.backend.array(np.array(layouts[k].into(v)), p.precision) for k, v in values.items()}
        out: np.ndarray = p.backend.numpy(p.unconstrain(at, *bound.arguments)[site]).astype(np.float64)
        return out


def _solve(bound: BoundProgram, u: Point, name: str, site: str, x: np.ndarray) -> np.ndarray:
    """The value of the sampled latent `site` at which the lowered latent `name` is x."""
    declared, graph = bound.program.declared, bound.program.graph
    n, t = _declared(declared, name)
    if isinstance(t.support, LowerCholesky | PositiveDefinite):
        return _vector(x, positive_definite=isinstance(t.support, PositiveDefinite))
    if isinstance(t.support, Sphere):
        return x * float(np.sqrt(x.shape[-1]))
    # The sampled latent has the same dims, perhaps in another order.
    mine = n.type.dims if isinstance(n.type, ArrayType) else ()
    other = graph.nodes[graph.sites[site]].type
    theirs = other.dims if isinstance(other, ArrayType) else ()
    order = [theirs.index(d) for d in mine]
    event = range(len(mine), x.ndim)

    def at(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = _values(bound, u | {site: v})
        return np.transpose(values[site], (*order, *event)), values[name]

    flat = np.zeros(bound.shapes[site])
    if _family(declared, n) == "MultivariateNormal":
        size, (_, x0) = x.shape[-1], at(flat)
        columns = [at(np.broadcast_to(np.eye(size)[k], flat.shape))[1] - x0 for k in range(size)]
        z = _linear(np.stack(columns, -1), x - x0)
    else:
        (z0, x0), (z1, x1) = at(flat - 0.5), at(flat + 0.5)
        z = z0 + (x - x0) * (z1 - z0) / (x1 - x0)
    return np.transpose(z, (*np.argsort(order), *event))


def _linear(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    try:
        out: np.ndarray = np.linalg.solve(matrix, x[..., None])[..., 0]
    except np.linalg.LinAlgError:
        out = np.full_like(x, np.nan)
    return out


def _vector(x: np.ndarray, *, positive_definite: bool) -> np.ndarray:
    """The rows of the lower triangle of a Cholesky factor, the diagonal as logarithms."""
    if positive_definite:
        try:
            x = np.linalg.cholesky(x)
        except np.linalg.LinAlgError:
            x = np.full_like(x, np.nan)
    rows, columns = np.tril_indices(x.shape[-1])
    v = x[..., rows, columns]
    return np.where(rows == columns, np.log(np.where(rows == columns, v, 1.0)), v)


def _declared(graph: Graph, name: str) -> tuple[Node, DistType]:
    n = graph.nodes[graph.sites[name]]
    t = graph.nodes[n.args[0]].type
    if not isinstance(t, DistType):
        raise TypeError("a latent is a draw")
    return n, t


def _family(graph: Graph, n: Node) -> str:
    return graph.nodes[n.args[0]].op.removeprefix("dist.")


def _outside(declared: Graph, name: str, x: np.ndarray) -> FitError:
    n, t = _declared(declared, name)
    return FitError(
        f"a starting value of '{name}' lies outside its support",
        node=name,
        given=str(x.item()) if x.ndim == 0 else np.array2string(x, precision=4, threshold=8).replace("\n", ""),
        needed="values within its bounds, which depend on other values"
        if t.support.dynamic
        else f"values in the support: {t.support}",
        fix="change the value in gd.init.Given, or leave it out",
        where=n.where,
    )
