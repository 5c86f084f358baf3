"""Values against the model: observations and data in their supports, and parameters that data give."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from gendsl.data.known import evaluate, names_of, spread
from gendsl.data.missing import refill
from gendsl.data.numeric import array_type, is_observed
from gendsl.data.positions import check_positions, positions
from gendsl.data.read import count, first
from gendsl.data.signs import check_signs, sign_edges
from gendsl.errors import DataError
from gendsl.graph.constraints import Constraint, Counts, Integers, Interval, Ref, real, violations
from gendsl.graph.families import FAMILIES
from gendsl.graph.masks import masks
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType

__all__ = ["check", "counted"]


def check(
    graph: Graph,
    arrays: dict[str, np.ndarray],
    missing: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    drawn: Collection[str] = (),
) -> None:
    """Check all values; missing elements whose bounds differ from element to element are filled within them.

    Args:
        graph: the graph.
        arrays: the data, by name.
        missing: which elements are missing, by name.
        sizes: of plates.
        drawn: plates whose sizes a fit's draws of latents fix.

    Raises:
        DataError: if a value lies outside its support, is a parameter that a distribution cannot have, or an index
            outside its axis.
    """
    dists = [(i, n) for i, n in graph if n.op.startswith("dist.")]
    observed = graph.of("observe")
    wanted = {a for _, n in [*dists, *observed] for a in n.args if isinstance(graph.nodes[a].type, ArrayType)}
    wanted |= {r.node for _, n in observed for r in _refs(_support(graph, n)).values()}
    wanted.update(positions(graph))
    lacking = [k for k, gone in missing.items() if gone.any()]
    wanted |= sign_edges(graph, lacking)
    known = evaluate(graph, arrays, wanted, sizes)
    check_positions(graph, known, sizes, drawn)
    for _, n in graph.of("data"):
        t = array_type(n)
        if n.name in arrays and t.support != real and not is_observed(graph, n.name) and n.attr["derived"] is None:
            _report(violations(arrays[str(n.name)], t.support), arrays[str(n.name)], n, t.support, "its support")
    for i, n in dists:
        _parameters(graph, i, n, known)
    for _, n in observed:
        _observation(graph, n, known, arrays, missing)
    check_signs(graph, known, lacking)


def _support(graph: Graph, observe: Node) -> Constraint:
    t = graph.nodes[observe.args[0]].type
    return t.support if isinstance(t, DistType) else real


def _refs(c: Constraint) -> dict[str, Ref]:
    """The bounds of a constraint that other nodes give."""
    fields = ("lower", "upper", "total")
    return {f: r for f in fields if isinstance(r := getattr(c, f, None), Ref)}


def _words(graph: Graph, c: Constraint) -> str:
    """A constraint in words, with names for the nodes that give its bounds."""
    out = str(c)
    for ref in _refs(c).values():
        out = out.replace(f"node {ref.node}", ", ".join(names_of(graph, ref.node)) or "a bound")
    return out


# -- observations ----------------------------------------------------------------------------------------
def _observation(
    graph: Graph,
    n: Node,
    known: Mapping[int, np.ndarray],
    arrays: dict[str, np.ndarray],
    missing: Mapping[str, np.ndarray],
) -> None:
    name = str(n.name)
    at = graph.inputs.get(name, n.args[1])
    x, t, support = known.get(at, arrays.get(name)), graph.nodes[at].type, _support(graph, n)
    if x is None or not isinstance(t, ArrayType):
        return
    bounds: dict[str, np.ndarray] = {}
    for field, ref in _refs(support).items():
        have = graph.nodes[ref.node].type
        if ref.node in known and isinstance(have, ArrayType) and set(have.dims) <= set(t.dims):
            bounds[field] = spread(known[ref.node], have, t.dims, t.rank - support.rank)
    there = counted(graph, n, known, t)
    if there is None:
        return
    gone = missing.get(name)
    if gone is not None and bounds:
        fixed = {
            f: np.asarray(b) for f in ("lower", "upper") if isinstance(b := getattr(support, f, None), (int, float))
        }
        arrays[name] = x = refill(x, gone, support, fixed | bounds)
    if gone is not None:
        there = there & ~gone
    there = there.reshape((*there.shape, *(1,) * (t.rank - support.rank)))
    bad = violations(x, support) & there
    family = graph.nodes[n.args[0]].op.removeprefix("dist.")
    _report(bad, x, n, support, f"the support of {family}", _words(graph, support))
    for field, bound in bounds.items():
        got = x.sum(-1) if isinstance(support, Counts) else x
        if isinstance(support, Counts):
            bad, words = got != bound, "that sum to"
        else:
            closed = isinstance(support, Integers) or isinstance(support, Interval) and support.closed[field == "upper"]
            beyond = got < bound if field == "lower" else got > bound
            bad, words = (
                (beyond if closed else beyond | (got == bound)),
                "at least" if field == "lower" else "at most",
            )
        _beyond(graph, n, bad & there, got, bound, words, _refs(support)[field].node)


def counted(graph: Graph, n: Node, known: Mapping[int, np.ndarray], t: ArrayType) -> np.ndarray | None:
    """Which elements are not masked out, over the dims; None where a mask is not known."""
    out = np.ones((1,) * len(t.dims), bool)
    for m in masks(graph, n):
        have = graph.nodes[m].type
        if m not in known or not isinstance(have, ArrayType) or have.rank or not set(have.dims) <= set(t.dims):
            return None
        out = out & (spread(known[m], have, t.dims, 0) != 0)
    return out


def _at(bad: np.ndarray) -> tuple[int, ...]:
    return tuple(int(k[0]) for k in np.nonzero(bad)) if bad.ndim else ()


def _show(x: np.ndarray, at: tuple[int, ...]) -> str:
    value = np.asarray(x[at])
    return f"{value.item():g}" if value.ndim == 0 else np.array2string(value, precision=4, threshold=8, separator=", ")


def _report(bad: np.ndarray, x: np.ndarray, n: Node, support: Constraint, what: str, words: str | None = None) -> None:
    """Raise where elements lie outside a support."""
    if not np.any(bad):
        return
    fix = "check the values, or choose a distribution whose support has them"
    if n.op == "data":
        fix = "check the values, or declare the support that they have"
    if isinstance(support, Integers) and isinstance(support.upper, float) and support.lower == 0.0:
        if x.min() >= 1 and x.max() == support.upper + 1:
            fix = f'they count from 1: give data["{n.name}"] - 1'
    elif isinstance(support, Interval) and float(x[_at(bad)]) in (support.lower, support.upper):
        fix = "the end itself has no density: move such values inside, or choose another distribution"
    name = str(n.name)
    raise DataError(
        f"values lie outside {what}",
        node=name,
        given=f"{count(bad)} outside, the first {first(bad, name)} = {_show(x, _at(bad))}",
        needed=f"values that are {words or support}",
        fix=fix,
        where=n.where,
    )


def _beyond(graph: Graph, n: Node, bad: np.ndarray, x: np.ndarray, bound: np.ndarray, words: str, node: int) -> None:
    """Raise where elements lie beyond a bound that other data give."""
    if not np.any(bad):
        return
    name, other = str(n.name), ", ".join(names_of(graph, node)) or "its bound"
    at = _at(bad)
    limit = np.broadcast_to(bound, bad.shape)[at]
    raise DataError(
        f"values lie outside the range that '{other}' gives",
        node=name,
        given=f"{count(bad)} outside, the first {first(bad, name)} = {x[at]:g} with {other} = {limit:g}",
        needed=f"values {words} '{other}'",
        fix=f"check that the rows of '{name}' and '{other}' belong together",
        where=n.where,
    )


# -- parameters ------------------------------------------------------------------------------------------
def _parameters(graph: Graph, i: int, d: Node, known: Mapping[int, np.ndarray]) -> None:
    family = FAMILIES[d.op[5:]]
    for name, a in zip(d.attr["params"], d.args, strict=False):
        p = family.parameter(name)
        if p.kind != "value" or a not in known or graph.nodes[a].op == "const":
            continue
        x = known[a]
        if x.ndim < p.constraint.rank:
            continue
        axes = tuple(range(-p.constraint.rank, 0))
        finite = np.isfinite(x) if x.dtype.kind == "f" else np.ones(x.shape, bool)
        finite = finite.all(axes) if axes else finite
        bad = violations(np.where(np.isfinite(x), x, 0.0), p.constraint) | ~finite
        if bad.any():
            raise _bad_parameter(graph, i, d, a, name, p.constraint, bad, x)
    if family.name in ("Uniform", "TruncatedNormal"):
        _ordered(graph, d, known)


def _bad_parameter(
    graph: Graph, i: int, d: Node, a: int, name: str, c: Constraint, bad: np.ndarray, x: np.ndarray
) -> DataError:
    sources = names_of(graph, a)
    users = [graph.nodes[u].name for u in graph.users[i] if graph.nodes[u].name]
    of = f" of '{users[0]}'" if users else ""
    source = sources[0] if len(sources) == 1 else None
    node = graph.nodes[graph.inputs[source]] if source in graph.inputs else d
    label = source or f"its {name}"
    computed = "" if graph.nodes[a].op in ("data", "to_float") else f", computed from {', '.join(sources)}"
    return DataError(
        f"used as '{name}'{of} ({d.op[5:]}), it must be {c}",
        node=source or (users[0] if users else d.op[5:]),
        given=f"{count(bad)} not so, the first {first(bad, label)} = {_show(x, _at(bad))}{computed}",
        needed=f"values that are {c}",
        fix="check the values, or drop the rows without a valid one",
        where=node.where,
    )


def _ordered(graph: Graph, d: Node, known: Mapping[int, np.ndarray]) -> None:
    args = dict(zip(d.attr["params"], d.args, strict=False))
    if not {"low", "high"} <= set(args) or args["low"] not in known or args["high"] not in known:
        return
    if isinstance(d.type, DistType):
        laid = []
        for k in ("low", "high"):
            have = graph.nodes[args[k]].type
            if isinstance(have, ArrayType):
                laid.append(spread(known[args[k]], have, d.type.dims, d.type.rank))
        low, high = laid
        bad = low >= high
        if bad.any():
            low, high = np.broadcast_arrays(low, high)
            names = [n for k in ("low", "high") for n in names_of(graph, args[k])]
            raise DataError(
                f"the bounds of {d.op[5:]} are not in order",
                node=names[0] if names else d.op[5:],
                given=f"{count(bad)}, the first low = {low[_at(bad)]:g}, high = {high[_at(bad)]:g}",
                needed="low < high",
                fix="exchange them, or drop those rows",
                where=d.where,
            )
