"""Parameters that the signs of the data make negative, whatever the latents are: the rate k x, k > 0, where x < 0.

A sign is -1, 0 or 1 where it is certain, and nan where it is not. Products, quotients, sums of what has one sign and
functions of known sign are followed; a latent has a sign where its support has, and any other value has none. What is
masked, missing or a part of another distribution is let pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from gendsl.data.known import names_of, spread
from gendsl.data.read import count, first
from gendsl.errors import DataError
from gendsl.graph.constraints import Interval
from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Graph, Node
from gendsl.graph.show import expression
from gendsl.graph.types import ArrayType, DType

__all__ = ["check_signs", "sign_edges"]

_MOST = 200
"""Operations looked through."""
_POSITIVE = frozenset(("cosh", "erfc", "exp", "ndtr", "sigmoid", "softplus"))
_NEGATIVE = frozenset(("log_ndtr", "log_sigmoid"))
_SAME = frozenset(("arcsinh", "expm1", "let", "log1p", "sinh", "stop_gradient", "tanh", "to_float"))
_MOVED = frozenset(("expand_dims", "flip", "from_event", "gather", "index", "slice", "to_event"))
_CONTINUOUS = frozenset(("HalfCauchy", "HalfNormal", "Exponential", "Uniform"))
"""Families whose closed ends have probability zero."""


def sign_edges(graph: Graph, missing: Collection[str]) -> set[int]:
    """The values without latents at which the signs of parameters end: those that `check_signs` must know."""
    values = {a for _, a, _ in _parameters(graph, missing)}
    return {k for a in values for k in _operations(graph, a) if not graph.random[k]}


def check_signs(graph: Graph, known: Mapping[int, np.ndarray], missing: Collection[str]) -> None:
    """Refuse data that make a parameter negative that must not be.

    Args:
        graph: the declared graph.
        known: the values of the nodes that `sign_edges` gives, where they are known.
        missing: observations with missing elements.

    Raises:
        DataError: naming the datum.
    """
    for i, a, name in _parameters(graph, missing):
        _check(graph, i, a, name, known)


def _parameters(graph: Graph, missing: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """The parameters that are computed from latents and must not be negative: distribution, value and name."""
    for i, d in graph:
        if not d.op.startswith("dist.") or not _plain(graph, i, missing):
            continue
        for name, a in zip(d.attr["params"], d.args, strict=False):
            p = FAMILIES[d.op[5:]].parameter(name)
            c = p.constraint
            bounded = p.kind == "value" and isinstance(c, Interval) and isinstance(c.lower, float) and c.lower >= 0
            if bounded and graph.random[a] and graph.nodes[a].op not in ("latent", "param"):
                yield i, a, name


def _plain(graph: Graph, i: int, missing: Collection[str]) -> bool:
    """Whether all that a distribution is for is drawn or observed, every element of it."""
    users = [graph.nodes[u] for u in graph.users[i]]
    return bool(users) and all(
        n.op == "latent" or (n.op == "observe" and len(n.args) == 2 and n.name not in missing) for n in users
    )


def _check(graph: Graph, i: int, a: int, name: str, known: Mapping[int, np.ndarray]) -> None:
    signs: dict[int, np.ndarray] = {}
    order = _operations(graph, a)
    for k in order:
        signs[k] = np.sign(known[k].astype(np.float64)) if k in known else _sign(graph, graph.nodes[k], signs)
    bad = signs.get(a, np.asarray(np.nan)) == -1
    if bad.any():
        data = [k for k in order if k in known and graph.nodes[k].op != "const"]
        raise _negative(graph, i, a, name, bad, {k: known[k] for k in data})


def _operations(graph: Graph, root: int) -> list[int]:
    """What the sign of a value is made of, arguments first: latents, what data give, and functions of one sign end it.

    Nothing where that is too much.
    """
    seen, waiting = {root}, [root]
    while waiting:
        k = waiting.pop()
        new = set(_followed(graph.nodes[k])) - seen if graph.random[k] else set()
        seen |= new
        waiting += new
        if len(seen) > _MOST:
            return []
    return sorted(seen)


def _followed(n: Node) -> tuple[int, ...]:
    """The arguments on whose signs that of a value depends; none where it has its own, or is not known."""
    if n.op in _BINARY:
        return n.args
    return n.args[:1] if n.op in _SAME or n.op in _MOVED or n.op == "neg" else ()


def _sign(graph: Graph, n: Node, signs: Mapping[int, np.ndarray]) -> np.ndarray:
    """The sign of what depends on latents: one number where it is that of all elements, else laid out as the value."""
    t, unknown = n.type, np.asarray(np.nan)
    if not isinstance(t, ArrayType):
        return unknown
    if n.op in ("latent", "param"):
        return _drawn(graph, n, t)
    if n.op in _POSITIVE or n.op in _NEGATIVE:
        return np.asarray(1.0 if n.op in _POSITIVE else -1.0)
    if not _followed(n):
        return unknown
    x = signs[n.args[0]]
    if n.op in _SAME or n.op == "neg":
        return -x if n.op == "neg" else x
    if n.op in _MOVED:
        return x if x.ndim == 0 else unknown
    laid = []
    for k in n.args:
        have, sign = graph.nodes[k].type, signs[k]
        if not isinstance(have, ArrayType):
            return unknown
        laid.append(sign if sign.ndim == 0 else spread(sign, have, t.dims, max(t.rank, have.rank)))
    return np.asarray(_BINARY[n.op](*laid))


def _drawn(graph: Graph, n: Node, t: ArrayType) -> np.ndarray:
    """The sign of a support; an end that belongs to it has probability zero in some families only."""
    s = t.support
    if isinstance(s, Interval) and t.dtype is DType.FLOAT:
        closed = n.op == "param" or graph.nodes[n.args[0]].op[5:] not in _CONTINUOUS
        if isinstance(s.lower, float) and (s.lower > 0 or s.lower == 0 and not (closed and s.closed[0])):
            return np.asarray(1.0)
        if isinstance(s.upper, float) and (s.upper < 0 or s.upper == 0 and not (closed and s.closed[1])):
            return np.asarray(-1.0)
    return np.asarray(np.nan)


def _sum(a: Any, b: Any) -> Any:
    return np.where(a == b, a, np.where(a == 0, b, np.where(b == 0, a, np.nan)))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": _sum,
    "div": lambda a, b: a * np.where(b == 0, np.nan, b),
    "mul": lambda a, b: a * b,
    "sub": lambda a, b: _sum(a, -b),
}


def _negative(graph: Graph, i: int, a: int, name: str, bad: np.ndarray, known: Mapping[int, np.ndarray]) -> DataError:
    """The error, at the first datum that is negative where the parameter is; at any where none is."""
    d, user = graph.nodes[i], next(graph.nodes[u] for u in graph.users[i])
    source, text = _blamed(graph, a, tuple(int(k[0]) for k in np.nonzero(bad)) if bad.ndim else (), known)
    node = graph.nodes[graph.inputs[source]] if source in graph.inputs else user
    shown = expression(graph.nodes, a, graph.plate)
    c = FAMILIES[d.op[5:]].parameter(name).constraint
    elements = f"{count(bad)} negative whatever the latents are, the first {first(bad, f'that of {user.name}')}{text}"
    return DataError(
        f"used as '{name}' of '{user.name}' ({d.op[5:]}), {shown} must be {c}",
        node=node.name,
        given=elements if known else "negative whatever the latents and the data are",
        needed=f"values that are {c}",
        fix=f"{'check the values, or ' if known else ''}wrap it: gd.exp({shown}) or gd.softplus({shown})",
        where=node.where,
    )


def _blamed(graph: Graph, a: int, at: tuple[int, ...], known: Mapping[int, np.ndarray]) -> tuple[str, str]:
    """The datum to show, the first that is negative at the element `at` or just the first: its name, and words."""
    if not known:
        return "", ""
    values = {k: _element(graph, a, k, x, at) for k, x in known.items()}
    k = next((k for k, value in values.items() if value < 0), next(iter(values)))
    names = names_of(graph, k)
    text = f", where {expression(graph.nodes, k, graph.plate)}{_place(graph, a, k, at)} = {values[k]:g}"
    return (names[0] if len(names) == 1 else ""), text


def _element(graph: Graph, a: int, k: int, x: np.ndarray, at: tuple[int, ...]) -> float:
    """A value at the element `at` of the parameter: a number is the same at all."""
    have, t = graph.nodes[k].type, graph.nodes[a].type
    if x.ndim == 0 or not isinstance(have, ArrayType) or not isinstance(t, ArrayType):
        return float(x)
    laid = spread(x, have, t.dims, t.rank)
    return float(laid[tuple(0 if size == 1 else m for size, m in zip(laid.shape, at, strict=True))])


def _place(graph: Graph, a: int, k: int, at: tuple[int, ...]) -> str:
    """The position of that element in the value's own axes, in words."""
    have, t = graph.nodes[k].type, graph.nodes[a].type
    if not isinstance(have, ArrayType) or not isinstance(t, ArrayType):
        return ""
    own = [at[t.dims.index(dim)] for dim in have.dims] + list(at[len(at) - have.rank :] if have.rank else ())
    place = f"[{', '.join(map(str, own))}]" if own else ""
    return place if graph.nodes[k].name else place and f" at {place}"
