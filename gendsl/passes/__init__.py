"""The passes of the compiler: functions from graph to graph, in the order of `PASSES`.

To add one, write `def my_pass(graph) -> (graph, notes)` and put it into the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gendsl.graph.node import Graph
from gendsl.passes.bounds import bounds
from gendsl.passes.noncenter import noncenter
from gendsl.passes.report import Report, rows
from gendsl.passes.simplify import fold, prune, share
from gendsl.passes.validate import validate

__all__ = ["PASSES", "Pass", "Report", "explain", "optimise"]


@dataclass(frozen=True)
class Pass:
    """One pass: its name, what it is for, and the function."""

    name: str
    purpose: str
    run: Callable[[Graph], tuple[Graph, list[str]]]


PASSES: tuple[Pass, ...] = (
    Pass("validate", "what only the whole graph shows", validate),
    Pass("prune", "drop what nothing depends on", prune),
    Pass("bounds", "supports that depend on values, or that the engines map differently", bounds),
    Pass("noncenter", "non-centre latents whose scale is random", noncenter),
    Pass("fold", "compute what depends on constants only", fold),
    Pass("share", "compute equal subexpressions once", share),
)


def optimise(graph: Graph, passes: tuple[Pass, ...] = PASSES) -> tuple[Graph, Report]:
    """Run the passes in order.

    Args:
        graph: the declared graph.
        passes: which, in order.

    Returns:
        The new graph, and what each pass did.

    Raises:
        ModelError: if a pass finds the model impossible.
    """
    declared = graph
    done: list[tuple[str, str, tuple[str, ...]]] = []
    for p in passes:
        graph, notes = p.run(graph)
        done.append((p.name, p.purpose, tuple(notes)))
    return graph, Report(declared.name, rows(declared), tuple(done))


def explain(graph: Graph) -> Report:
    """What each node is, and what the passes do."""
    return optimise(graph)[1]
