"""The values of nodes that follow from data and constants alone, so that they can be checked before a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gendsl.graph import evaluate as values
from gendsl.graph.evaluate import spread
from gendsl.graph.node import Graph
from gendsl.graph.ops import OPS

__all__ = ["evaluate", "spread"]

_MOVES = ("const", "let", "to_event", "from_event", "shift")


def evaluate(graph: Graph, arrays: Mapping[str, np.ndarray], wanted: Iterable[int]) -> dict[int, np.ndarray]:
    """The values of the wanted nodes, where known; dims first, then event axes.

    Only elementwise operations are computed: a fault of a row is then a fault of that row of the data.
    """
    return values.evaluate(graph, arrays, {}, wanted, _rowwise, strict=False)


def _rowwise(op: str) -> bool:
    return op in _MOVES or (op in OPS and OPS[op].elementwise)
