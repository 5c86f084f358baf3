"""Parameters of a program as the training loop moves them: on the real line, from which constraints are reached.

value in (lower, inf)       value = lower + exp(u)
value in (-inf, upper)      value = upper - exp(u)
value in (lower, upper)     value = lower + (upper - lower) / (1 + exp(-u))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.emit.layout import Layout
from gendsl.errors import FitError
from gendsl.graph.constraints import Interval
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.program import BoundProgram, initial_params

__all__ = ["Parameters", "parameters_of"]

Array = Any


@dataclass(frozen=True, eq=False)
class Parameters:
    """The parameters of a program.

    Attributes:
        bound: the program with its data.
        bounds: parameter -> its interval, for those that have one.
        layouts: the layouts of those that the graph declares.
    """

    bound: BoundProgram
    bounds: Mapping[str, tuple[float | None, float | None]]
    layouts: Mapping[str, Layout]

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """Values before the first step, on the real line, in the program's layout."""
        p = self.bound.program
        out = {k: np.array(v, float) for k, v in self._declared().items()}
        for name, ends in self.bounds.items():
            out[name] = _free(out[name], *ends)
        return out | p.network_parameters(seed)

    def _declared(self) -> dict[str, np.ndarray]:
        p = self.bound.program
        return initial_params(p.graph, p.emitted.slots, self.bound.bound.sizes)

    def constrained(self, ops: Any, values: Mapping[str, Array]) -> dict[str, Array]:
        """What the program takes, of values on the real line."""
        out = dict(values)
        for name, (lower, upper) in self.bounds.items():
            u = out[name]
            if lower is not None and upper is not None:
                out[name] = lower + (upper - lower) * ops.sigmoid(u)
            else:
                out[name] = upper - ops.exp(u) if upper is not None else lower + ops.exp(u)
        return out

    def shown(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Trained values as the user knows them: constrained, (*dims, *event); those of networks in their layout."""
        out = dict(values)
        for name, (lower, upper) in self.bounds.items():
            out[name] = _bounded(np.asarray(out[name]), lower, upper)
        for name, layout in self.layouts.items():
            out[name] = layout.back(np.asarray(out[name]), 0)
        return out


def _free(x: np.ndarray, lower: float | None, upper: float | None) -> np.ndarray:
    if lower is not None and upper is not None:
        share = (x - lower) / (upper - lower)
        return np.asarray(np.log(share) - np.log1p(-share))
    return np.asarray(np.log(x - lower if lower is not None else upper - x))


def _bounded(u: np.ndarray, lower: float | None, upper: float | None) -> np.ndarray:
    if lower is not None and upper is not None:
        return np.asarray(lower + (upper - lower) / (1.0 + np.exp(-u)))
    return np.asarray(upper - np.exp(u) if upper is not None else lower + np.exp(u))


def parameters_of(bound: BoundProgram) -> Parameters:
    """The parameters of a bound program.

    Raises:
        FitError: if a constraint is none that can be trained in yet, or a parameter begins at its edge.
    """
    graph, slots = bound.program.graph, bound.program.emitted.slots
    bounds: dict[str, tuple[float | None, float | None]] = {}
    layouts: dict[str, Layout] = {}
    for _, n in graph.of("param"):
        t, name = n.type, str(n.name)
        if not isinstance(t, ArrayType):
            continue
        layouts[name] = Layout(name, t.dims, tuple(slots[d] for d in t.dims), t.event)
        ends = _ends(graph, n, t)
        if ends != (None, None):
            bounds[name] = ends
    return Parameters(bound, bounds, layouts)


def _ends(graph: Graph, n: Node, t: ArrayType) -> tuple[float | None, float | None]:
    s = t.support
    if not isinstance(s, Interval) or s.dynamic:
        raise FitError(
            f"a parameter that is {s} cannot be trained yet",
            node=n.name,
            given=f"constraint={s}",
            needed="a parameter on the real line or in an interval",
            fix="a parameter on the real line, and a function of it: gd.softmax, gd.exp",
            where=n.where,
        )
    lower, upper = s.lower, s.upper
    init = n.attr["init"]
    start = np.asarray(init.numpy() if hasattr(init, "numpy") else init)
    at_edge = (lower is not None and (start <= lower).any()) or (upper is not None and (start >= upper).any())
    if at_edge:
        raise FitError(
            "a parameter that begins at the edge of its interval cannot move",
            node=n.name,
            given=f"init={np.array2string(start, threshold=6)}"[:80],
            needed=f"a value inside: {s}",
            fix="begin inside the interval",
            where=n.where,
        )
    return lower, upper  # type: ignore[return-value]
