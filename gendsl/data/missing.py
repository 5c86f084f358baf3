"""Missing observations: what the model derives from them, and what stands in for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gendsl.errors import DataError
from gendsl.graph.constraints import (
    Constraint,
    CorrCholesky,
    CorrMatrix,
    Counts,
    Integers,
    Interval,
    LowerCholesky,
    Ordered,
    PositiveDefinite,
    PositiveOrdered,
    Simplex,
    Sphere,
)
from gendsl.graph.node import Graph, Node

__all__ = ["derive", "derived_from", "fill", "interior"]


def derived_from(graph: Graph) -> dict[str, list[Node]]:
    """The derived data nodes, by the name of the data that they come from."""
    out: dict[str, list[Node]] = {}
    for _, n in graph.of("data"):
        if n.attr["derived"] is not None:
            out.setdefault(n.attr["derived"][1], []).append(n)
    return out


def derive(nodes: list[Node], source: Node, missing: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """The values of the nodes derived from one data node, and the sizes of the plates that they index.

    "observed" tells which elements are there; "missing_position" numbers the others, in the array's order.

    Args:
        nodes: the derived nodes.
        source: the data node.
        missing: which elements of it are missing, over its dims.

    Raises:
        DataError: if elements are to be imputed and none is missing.
    """
    arrays: dict[str, np.ndarray] = {}
    sizes: dict[str, int] = {}
    for n in nodes:
        if n.attr["derived"][0] == "observed":
            arrays[str(n.name)] = ~missing
            continue
        if not missing.any():  # neither engine has plates of length 0
            raise DataError(
                "nothing is missing, so there is nothing to impute",
                node=source.name,
                given=f"{missing.size} elements, none of them missing",
                needed="at least one missing element (NaN) for missing=gd.Missing.IMPUTE",
                fix=f'drop missing=gd.Missing.IMPUTE from m.observe("{source.name}", ...) for these data',
                where=source.where,
            )
        position = np.zeros(missing.shape, np.int64)
        position[missing] = np.arange(np.count_nonzero(missing))
        arrays[str(n.name)] = position
        sizes[n.attr["indexes"]] = int(np.count_nonzero(missing))
    return arrays, sizes


def fill(x: np.ndarray, missing: np.ndarray, support: Constraint) -> np.ndarray:
    """A copy of x with the middle element that is there (or a point of the support) for each missing one.

    The middle of them in order is the same in whatever order they come: guides of the user's own may read it.
    """
    if not missing.any():
        return x
    out = x.copy()
    there = x[~missing]
    if len(there):
        order = np.lexsort(there.reshape(len(there), -1).T[::-1])
        out[missing] = there[order[len(there) // 2]]
    else:
        out[missing] = interior(support, x.shape[missing.ndim :])
    return out


def interior(support: Constraint, event: tuple[int, ...]) -> np.ndarray:
    """A point inside a support; bounds that depend on other nodes are taken as infinite."""
    if isinstance(support, (Interval, Integers)):
        return np.full(event, _number(support.lower, support.upper, isinstance(support, Integers)))
    n = event[-1] if event else 1
    point: np.ndarray
    if isinstance(support, Simplex):
        point = np.full(n, 1.0 / n)
    elif isinstance(support, (Ordered, PositiveOrdered)):
        point = np.arange(1.0, n + 1)
    elif isinstance(support, (CorrCholesky, LowerCholesky, CorrMatrix, PositiveDefinite)):
        point = np.eye(n)
    elif isinstance(support, Sphere):
        point = np.eye(n)[0]
    elif isinstance(support, Counts):
        point = np.eye(n)[0] * (support.total if isinstance(support.total, (int, float)) else 0)
    else:
        point = np.zeros(event)
    return np.broadcast_to(point, event)


def _number(lower: object, upper: object, integer: bool) -> float:
    low = float(lower) if isinstance(lower, (int, float)) else None
    high = float(upper) if isinstance(upper, (int, float)) else None
    if low is not None and high is not None:
        return float(math.ceil(low)) if integer else (low + high) / 2
    if low is not None:
        return float(math.ceil(low)) if integer else low + 1.0
    if high is not None:
        return float(math.floor(high)) if integer else high - 1.0
    return 0.0


def refill(x: np.ndarray, missing: np.ndarray, support: Constraint, bounds: Mapping[str, np.ndarray]) -> np.ndarray:
    """Like `fill` where the bounds differ from element to element: each is filled within its own.

    Args:
        x: the values, dims first.
        missing: which elements are missing, over the dims.
        support: an interval, a range of integers, or counts.
        bounds: "lower", "upper" or "total", laid out like x; those that are known.
    """
    out = x.copy()
    if isinstance(support, Counts) and "total" in bounds:
        first = np.zeros_like(x)
        first[..., 0] = np.broadcast_to(bounds["total"], x.shape[:-1])
        out[missing] = first[missing]
        return out
    low, high = bounds.get("lower"), bounds.get("upper")
    if low is None and high is None:
        return out
    middle: Any = low if low is not None else high
    if not isinstance(support, Integers):
        if low is not None and high is not None:
            middle = (low + high) / 2
        else:
            middle = middle + (1.0 if low is not None else -1.0)
    out[missing] = np.broadcast_to(np.asarray(middle), x.shape)[missing]
    return out
