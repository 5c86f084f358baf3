"""Passes that keep the meaning and make the graph smaller: prune, fold, share."""

from __future__ import annotations

import numpy as np

from gendsl.graph.networks import networks_of
from gendsl.graph.node import Array, Graph, Node
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType
from gendsl.passes.rewrite import Rewriter, rewrite

__all__ = ["fold", "prune", "share"]

_ROOTS = ("latent", "observe", "factor", "let", "param")
_FOLD_LIMIT = 10_000  # elements; a larger constant costs more to carry than to compute


def prune(graph: Graph) -> tuple[Graph, list[str]]:
    """Drop what no latent, observation, factor, parameter or recorded value depends on."""
    needed = [n.op in _ROOTS for n in graph.nodes]
    for i in range(len(needed) - 1, -1, -1):
        if needed[i]:
            for a in graph.nodes[i].args:
                needed[a] = True
    r = Rewriter(graph)
    dropped = []
    for i, n in graph:
        if needed[i]:
            r.map[i] = r.keep(i)
        elif n.name:
            dropped.append(f"{n.op} '{n.name}' is not used")
    left = networks_of(r.nodes)
    dropped += [f"network '{name}' is not used" for name in networks_of(graph.nodes) if name not in left]
    if len(r.nodes) < len(graph.nodes):
        dropped.append(f"{len(graph.nodes) - len(r.nodes)} of {len(graph.nodes)} nodes dropped")
    return r.finish(), dropped


def fold(graph: Graph) -> tuple[Graph, list[str]]:
    """Compute what depends on constants only."""
    count = 0

    def visit(r: Rewriter, i: int, n: Node) -> int | None:
        nonlocal count
        spec = OPS.get(n.op)
        if n.op == "const" or n.name or spec is None or spec.numpy is None or not n.args:
            return None
        if not isinstance(n.type, ArrayType) or not all(isinstance(size, int) for size in n.type.event):
            return None  # its shape is known once the data are
        args = [r.nodes[r.map[a]] for a in n.args]
        if (same := _neutral(n, args)) is not None and _same_layout(r.nodes[r.map[n.args[same]]], n):
            count += 1
            return r.map[n.args[same]]
        if any(a.op != "const" for a in args):
            return None
        values = [_value(a) for a in args]
        with np.errstate(all="ignore"):
            out = np.asarray(spec.numpy(*values, **n.attr))
        if out.size > _FOLD_LIMIT or out.dtype.kind not in "bif" or not np.isfinite(out).all():
            return None
        count += 1
        return r.add("const", (), value=Array.of(out) if out.ndim else out.item())

    out, _ = rewrite(graph, visit)
    return out, [f"{count} operation{'s' * (count != 1)} on constants computed"] if count else []


_NEUTRAL: dict[str, tuple[float | None, float | None]] = {
    "add": (0.0, 0.0),
    "sub": (None, 0.0),
    "mul": (1.0, 1.0),
    "div": (None, 1.0),
}


def _neutral(n: Node, args: list[Node]) -> int | None:
    """The argument that x + 0, 0 + x, x - 0, x * 1, 1 * x or x / 1 is equal to."""
    pair = _NEUTRAL.get(n.op)
    if pair is None:
        return None
    for k in (0, 1):
        a = args[k]
        if (
            pair[k] is not None
            and a.op == "const"
            and not isinstance(a.attr["value"], Array)
            and a.attr["value"] == pair[k]
        ):
            return 1 - k
    return None


def _same_layout(a: Node, b: Node) -> bool:
    """Whether one can stand for the other: equal dims, event shape and dtype."""
    s, t = a.type, b.type
    if not isinstance(s, ArrayType) or not isinstance(t, ArrayType):
        return False
    return (s.dims, s.event, s.dtype) == (t.dims, t.event, t.dtype)


def _value(n: Node) -> np.ndarray:
    value = n.attr["value"]
    return np.asarray(value.numpy() if isinstance(value, Array) else value)


def share(graph: Graph) -> tuple[Graph, list[str]]:
    """Compute equal subexpressions once."""
    seen: dict[tuple[object, ...], int] = {}
    count = 0

    def visit(r: Rewriter, i: int, n: Node) -> int | None:
        nonlocal count
        if n.name is not None or n.op == "input":
            return None
        key = (n.op, tuple(r.map[a] for a in n.args), n.attrs, _kind(n))
        if key in seen:
            count += 1
            return seen[key]
        out = r.keep(i)
        seen[key] = out
        return out

    out, _ = rewrite(graph, visit)
    return out, [f"{count} repeated subexpression{'s' * (count != 1)} computed once"] if count else []


def _kind(n: Node) -> str:
    """Tells 1 from 1.0 and True, and 0.0 from -0.0, which are equal and hash alike."""
    if n.op != "const":
        return ""
    value = n.attr["value"]
    return type(value).__name__ if isinstance(value, Array) else f"{type(value).__name__} {value!r}"
