"""The values of nodes that follow from data and constants alone, so that they can be checked before a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gendsl.graph import evaluate as values
from gendsl.graph.evaluate import spread
from gendsl.graph.node import Graph
from gendsl.graph.ops import OPS

__all__ = ["evaluate", "names_of", "spread"]

_MOVES = ("const", "let", "to_event", "from_event", "shift", "plate_size", "arange")
_ON_EVENT_AXES = ("index", "slice", "expand_dims", "flip", "cumsum", "cumprod")


def names_of(graph: Graph, node: int) -> list[str]:
    """The named nodes that a value is made of."""
    out: dict[str, None] = {}
    todo = [node]
    while todo:
        n = graph.nodes[todo.pop()]
        if n.name is not None:
            out[n.name] = None
        else:
            todo.extend(reversed(n.args))
    return list(out)


def evaluate(
    graph: Graph, arrays: Mapping[str, np.ndarray], wanted: Iterable[int], sizes: Mapping[str, int]
) -> dict[int, np.ndarray]:
    """The values of the wanted nodes, where known; dims first, then event axes.

    Only operations that keep the rows apart are computed: a fault of a row is then a fault of that row of the data.
    """
    return values.evaluate(graph, arrays, sizes, wanted, _rowwise, strict=False)


def _rowwise(op: str) -> bool:
    return op in _MOVES or op in _ON_EVENT_AXES or (op in OPS and OPS[op].elementwise)
