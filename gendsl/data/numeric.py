"""From what was given to float64, int64 or bool, as the node was declared."""

from __future__ import annotations

import numpy as np

from gendsl.data.read import Given, count, first, not_numbers
from gendsl.errors import DataError
from gendsl.graph.constraints import boolean
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DType

__all__ = ["array_type", "is_observed", "numeric", "refuse_missing"]

_INT64 = np.iinfo(np.int64)


def array_type(node: Node) -> ArrayType:
    """The type of a data node."""
    if not isinstance(node.type, ArrayType):
        raise TypeError(f"'{node.name}' is not a value: {node.type}")
    return node.type


def is_observed(graph: Graph, name: str | None) -> bool:
    """Whether a data node is the value of an observation (and no covariate)."""
    site = graph.sites.get(name or "")
    return site is not None and graph.nodes[site].op == "observe"


def refuse_missing(graph: Graph, node: Node, bad: np.ndarray) -> None:
    """Raise where elements are missing."""
    if not bad.any():
        return
    name, t = str(node.name), array_type(node)
    if plate := node.attr.get("indexes"):
        fix = f"drop those rows, or give them a label of their own, such as 'unknown': an element of '{plate}'"
    elif not is_observed(graph, name):
        fix = "drop or fill them; what has unknown elements is an observation: m.observe(..., missing=...)"
    elif (kind := _of_whole_rows(graph, name)) is not None:
        fix = f"leave out those rows: objectives of a gd.{kind} learn from whole ones"
    elif t.dtype is DType.FLOAT and not t.event and t.dims:
        fix = "leave them out with missing=gd.Missing.MASK, or infer them with missing=gd.Missing.IMPUTE"
    else:
        fix = "leave them out with missing=gd.Missing.MASK"
    raise DataError(
        "values are missing",
        node=name,
        given=f"{count(bad)} missing (NaN, None or masked), the first at {first(bad, name)}",
        needed="a value for every element",
        fix=fix,
        where=node.where,
    )


def _of_whole_rows(graph: Graph, name: str) -> str | None:
    """The family of an observation whose objectives take no mask; None for others."""
    dist = graph.nodes[graph.nodes[graph.sites[name]].args[0]]
    kind = dist.op.removeprefix("dist.")
    return kind if kind in ("Diffusion", "Energy", "Pushforward") else None


def numeric(graph: Graph, node: Node, given: Given, allow_missing: bool) -> None:
    """Convert `given.values` to the node's dtype; missing elements become 0 for now.

    Raises:
        DataError: if it holds no numbers, numbers that the dtype does not allow, or missing values.
    """
    _check_kind(graph, node, given)
    if not allow_missing:
        refuse_missing(graph, node, given.missing)
    x, dtype = given.values, array_type(node).dtype
    if given.missing.any():
        x = np.where(given.missing, np.zeros((), x.dtype), x)
    if x.dtype.kind == "f":
        _finite(node, x)
    if dtype is DType.FLOAT:
        given.values = np.array(x, np.float64)
    elif dtype is DType.INT:
        given.values = _integers(graph, node, x)
    else:
        given.values = _booleans(node, x)


def _check_kind(graph: Graph, node: Node, given: Given) -> None:
    kind, words = given.values.dtype.kind, given.words
    if given.categories is not None or kind in "US":
        shown = "categories" if given.categories is not None else f"strings such as {str(given.values.flat[0])!r}"
        fix = _as_numbers(graph, node, given)
        raise not_numbers(node, f"{words}, {shown}" if given.values.size else words, fix)
    if kind == "c":
        raise not_numbers(node, f"{words}, complex", "give x.real, x.imag, or np.abs(x)")
    if kind == "M":
        raise not_numbers(node, f"{words}, dates", "count from a start: (t - t[0]) / np.timedelta64(1, 'D')")
    if kind == "m":
        raise not_numbers(node, f"{words}, time differences", "divide by a unit: dt / np.timedelta64(1, 's')")
    if kind not in "biuf":
        raise not_numbers(node, words)


def _as_numbers(graph: Graph, node: Node, given: Given) -> str:
    """How strings and categories become numbers."""
    if not is_observed(graph, node.name):
        return f'for labels of a plate, m.data("{node.name}", ..., indexes=plate); else convert them to numbers'
    y, labels = node.name, given.categories if given.categories is not None else given.values.ravel()
    some = list(dict.fromkeys(map(str, labels[:1000])))
    support = array_type(node).support
    if support == boolean or array_type(node).dtype is DType.BOOL:
        return f"compare: {y} == {(some[-1:] or ['yes'])[0]!r} is 1 where it holds"
    if given.categories is not None:
        return f"give the codes 0, 1, ... of the categories, in their order: {y}.cat.codes (of a Categorical {y}.codes)"
    return (
        f"give codes 0, 1, ...: pd.Categorical({y}, categories=[...], ordered=True).codes, categories in their order"
        if array_type(node).dtype is DType.INT
        else "convert them to numbers: np.asarray(..., float)"
    )


def _finite(node: Node, x: np.ndarray) -> None:
    bad = ~np.isfinite(x)
    if bad.any():
        name = str(node.name)
        raise DataError(
            "values are infinite",
            node=name,
            given=f"{count(bad)} infinite, the first at {first(bad, name)}",
            needed="finite numbers",
            fix="look for a division by zero or log(0) in the preparation of the data",
            where=node.where,
        )


def _integers(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    name = str(node.name)
    if x.dtype.kind == "f":
        bad = x != np.floor(x)
        if bad.any():
            raise DataError(
                "integers are needed",
                node=name,
                given=f"{count(bad)} with a fraction, the first {first(bad, name)} = {x[bad][0]:g}",
                needed="whole numbers",
                fix="look for rows whose label is missing, or give the labels themselves"
                if node.attr.get("indexes")
                else _whole(graph, node, x),
                where=node.where,
            )
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    if low < _INT64.min or high >= float(_INT64.max):
        raise DataError(
            "integers are too large",
            node=name,
            given=f"up to {max(-low, high):g}",
            needed="64-bit integers",
            fix="number the values 0, 1, ... instead",
            where=node.where,
        )
    return np.array(x, np.int64)


def _whole(graph: Graph, node: Node, x: np.ndarray) -> str:
    """What to do about numbers with a fraction where integers are needed."""
    name = node.name
    if not is_observed(graph, name):
        return f'round them, or declare numbers with a fraction: m.data("{name}", ..., dtype=float)'
    if array_type(node).support == boolean and x.min() >= 0 and x.max() <= 1:
        return (
            f'make them 0 or 1: data["{name}"] > 0.5; or observe them by a continuous distribution, such as gd.Normal, '
            "or gd.Beta between 0 and 1"
        )
    return "round them, or observe them by a continuous distribution, such as gd.Normal or gd.Gamma"


def _booleans(node: Node, x: np.ndarray) -> np.ndarray:
    name = str(node.name)
    bad = (x != 0) & (x != 1)
    if bad.any():
        raise DataError(
            "booleans are needed",
            node=name,
            given=f"{count(bad)} neither 0 nor 1, the first {first(bad, name)} = {x[bad][0]:g}",
            needed="True or False (or 1 and 0)",
            fix="compare: x > 0",
            where=node.where,
        )
    return np.array(x, np.bool_)
