"""Parameters of a program as the training loop moves them: free numbers, of which the constrained are functions.

The functions are those of `gendsl.math.free`; they keep shapes, so a parameter has one layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.emit.layout import Layout
from gendsl.errors import FitError
from gendsl.graph.constraints import (
    Circular,
    Constraint,
    CorrCholesky,
    CorrMatrix,
    Interval,
    LowerCholesky,
    Ordered,
    PositiveDefinite,
    PositiveOrdered,
    Ref,
    Simplex,
    Sphere,
)
from gendsl.graph.node import Node
from gendsl.graph.types import ArrayType
from gendsl.math import free
from gendsl.math.free import Coordinates
from gendsl.math.numpy_ops import NUMPY
from gendsl.program import BoundProgram, initial_params

__all__ = ["Parameters", "parameters_of"]

Array = Any

_COORDINATES: dict[type[Constraint], Coordinates] = {
    Circular: free.ANGLE,
    CorrCholesky: free.CORR_CHOLESKY,
    CorrMatrix: free.CORRELATION,
    LowerCholesky: free.LOWER_CHOLESKY,
    Ordered: free.ORDERED,
    PositiveDefinite: free.COVARIANCE,
    PositiveOrdered: free.POSITIVE_ORDERED,
    Simplex: free.SIMPLEX,
    Sphere: free.SPHERE,
}


@dataclass(frozen=True, eq=False)
class Parameters:
    """The parameters of a program.

    Attributes:
        bound: the program with its data.
        coordinates: parameter -> the coordinates it is moved in, for those that are constrained.
        layouts: the layouts of those that the graph declares.
    """

    bound: BoundProgram
    coordinates: Mapping[str, Coordinates]
    layouts: Mapping[str, Layout]

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """Values before the first step, free, in the program's layout."""
        p = self.bound.program
        out = {k: np.array(v, float) for k, v in self._declared().items()}
        for name, c in self.coordinates.items():
            out[name] = c.free(out[name])
        return out | p.network_parameters(seed)

    def _declared(self) -> dict[str, np.ndarray]:
        p = self.bound.program
        return initial_params(p.graph, p.emitted.slots, self.bound.bound.sizes)

    def constrained(self, ops: Any, values: Mapping[str, Array]) -> dict[str, Array]:
        """What the program takes, of free values."""
        return dict(values) | {name: c.value(ops, values[name]) for name, c in self.coordinates.items()}

    def shown(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Trained values as the user knows them: constrained, (*dims, *event); those of networks in their layout."""
        out = dict(values)
        for name, c in self.coordinates.items():
            out[name] = np.asarray(c.value(NUMPY, np.asarray(out[name])))
        for name, layout in self.layouts.items():
            out[name] = layout.back(np.asarray(out[name]), 0)
        return out


def parameters_of(bound: BoundProgram) -> Parameters:
    """The parameters of a bound program.

    Raises:
        FitError: if a parameter is not continuous, or begins at the edge of its constraint.
    """
    graph, slots = bound.program.graph, bound.program.emitted.slots
    coordinates: dict[str, Coordinates] = {}
    layouts: dict[str, Layout] = {}
    for _, n in graph.of("param"):
        t, name = n.type, str(n.name)
        if not isinstance(t, ArrayType):
            continue
        layouts[name] = Layout(name, t.dims, tuple(slots[d] for d in t.dims), t.event)
        if (found := _coordinates(n, t.support)) is not None:
            coordinates[name] = found
    return Parameters(bound, coordinates, layouts)


def _coordinates(n: Node, s: Constraint) -> Coordinates | None:
    """The coordinates of a parameter; None on the real line."""
    out = _COORDINATES.get(type(s))
    if isinstance(s, Interval) and not isinstance(s.lower, Ref) and not isinstance(s.upper, Ref):
        if s.lower is None and s.upper is None:
            return None
        out = free.interval(s.lower, s.upper)
    if out is None:
        raise FitError(
            f"a parameter that is {s} cannot be trained",
            node=n.name,
            given=f"constraint={s}",
            needed="continuous values with a fixed constraint",
            fix="leave constraint out, or train another function of it",
            where=n.where,
        )
    init = n.attr["init"]
    start = np.asarray(init.numpy() if hasattr(init, "numpy") else init, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.isfinite(out.free(start)).all()
    if not inside:
        what = "interval" if isinstance(s, Interval) else "set"
        raise FitError(
            f"a parameter that begins at the edge of its {what} cannot move",
            node=n.name,
            given=f"init={np.array2string(start, threshold=6)}"[:80],
            needed=f"a value inside: {s}",
            fix=f"begin inside the {what}",
            where=n.where,
        )
    return out
