"""The passes of the compiler: functions from graph to graph, in the order of `PASSES` and `DENSITY_PASSES`.

`PASSES` make the graph of the model; it is what the PPL program, `constrain` and `unconstrain` are emitted from.
`DENSITY_PASSES` take it further for the fused density alone, which need not draw or predict: they may change anything
but the sampled latents. To add a pass, write `def my_pass(graph) -> (graph, notes)` and put it into a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gendsl.graph.node import Graph
from gendsl.passes.bounds import bounds
from gendsl.passes.collapse import collapse
from gendsl.passes.design import design
from gendsl.passes.noncenter import noncenter, partly_noncenter
from gendsl.passes.recurrences import recurrences
from gendsl.passes.report import Done, Report, rows
from gendsl.passes.simplify import fold, prune, share
from gendsl.passes.validate import validate

__all__ = ["DENSITY_PASSES", "PASSES", "Pass", "Report", "explain", "lower", "optimise", "unroll"]


@dataclass(frozen=True)
class Pass:
    """One pass.

    Attributes:
        name: its name.
        purpose: what it is for.
        run: the function.
        tidy: whether it only tidies up, and is left out where no pass before it in its list changed anything.
        loops: whether it is for engines alone to which recurrences are loops of Python.
    """

    name: str
    purpose: str
    run: Callable[[Graph], tuple[Graph, list[str]]]
    tidy: bool = False
    loops: bool = False


PASSES: tuple[Pass, ...] = (
    Pass("validate", "what only the whole graph shows", validate),
    Pass("prune", "drop what nothing depends on", prune),
    Pass("bounds", "supports that depend on values, or that the engines map differently", bounds),
    Pass("noncenter", "non-centre latents whose scale is random", noncenter),
    Pass("fold", "compute what depends on constants only", fold),
    Pass("share", "compute equal subexpressions once", share),
)

DENSITY_PASSES: tuple[Pass, ...] = (
    Pass("design", "whiten the coefficients of linear predictors, for the sampler", design),
    Pass("collapse", "sum the rows of likelihoods with sufficient statistics once", collapse),
    Pass("recurrences", "evaluate steps for all elements at once, on engines that would loop", recurrences, loops=True),
    Pass("prune", "drop what the density no longer depends on", prune, tidy=True),
    Pass("fold", "compute what depends on constants only", fold, tidy=True),
    Pass("share", "compute equal subexpressions once", share, tidy=True),
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
    out, done = _run(graph, passes)
    return out, Report(graph.name, rows(graph), done)


def lower(graph: Graph, *, partly_centered: bool = False, loops: bool = True) -> tuple[Graph, Graph, Report]:
    """The graph of the model, the graph of its fused density, and what each pass did.

    Args:
        graph: the declared graph.
        partly_centered: whether latents with a random scale are centred by shares that are parameters.
        loops: whether the engine would run recurrences as loops of Python.

    Raises:
        ModelError: if a pass finds the model impossible.
    """
    first = (replace(p, run=partly_noncenter) if partly_centered and p.run is noncenter else p for p in PASSES)
    model, done = _run(graph, tuple(first))
    density, more = _run(model, tuple(p for p in DENSITY_PASSES if loops or not p.loops))
    return model, density, Report(graph.name, rows(graph), done, more)


def unroll(graph: Graph) -> Graph:
    """The graph of a model without the recurrences that can be done without, for engines that would loop."""
    out, _ = recurrences(graph)
    if out is not graph:
        for tidy in (p for p in DENSITY_PASSES if p.tidy):
            out, _ = tidy.run(out)
    return out


def explain(graph: Graph) -> Report:
    """What each node is, and what the passes do."""
    return lower(graph)[2]


def _run(graph: Graph, passes: tuple[Pass, ...]) -> tuple[Graph, tuple[Done, ...]]:
    done: list[Done] = []
    given = graph
    for p in passes:
        graph, notes = (graph, []) if p.tidy and graph is given else p.run(graph)
        done.append((p.name, p.purpose, tuple(notes)))
    return graph, tuple(done)
