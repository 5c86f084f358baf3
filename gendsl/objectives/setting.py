"""What an objective is bound to: a model's graph, its data, a backend, and how the data come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, Backend, get_backend
from gendsl.data import Bound, bind
from gendsl.errors import DataError
from gendsl.forward import ForwardProgram, compile_forward
from gendsl.graph.node import Graph
from gendsl.objectives.rows import Rows, check_rows, row_plate
from gendsl.program import BoundProgram, compile_graph

if TYPE_CHECKING:
    from gendsl.objectives.game import Game

__all__ = ["Bindable", "Setting"]


@dataclass(frozen=True, eq=False)
class Bindable:
    """An objective, bound.

    Attributes:
        game: what the loop runs.
        rows: arrays that batches are rows of, by key.
        whole: arrays that every batch has.
        programs: the programs that it runs, by role: "model", "guide".
    """

    game: Game
    rows: dict[str, np.ndarray]
    whole: dict[str, np.ndarray]
    programs: dict[str, BoundProgram]


@dataclass(frozen=True, eq=False)
class Setting:
    """A graph with its data.

    Attributes:
        graph: the declared graph.
        data: what the user gave, or that, bound.
        backend: the backend.
        precision: "float64" or "float32".
        device: where programs run.
        plate: the plate of the rows, where data come in batches.
        count: rows that are trained on; left out, all.
        asked: what asks for a part of the rows, of batch_size, subsample and validation.
        bound: the data, checked.
    """

    graph: Graph
    data: Mapping[str, Any] | Bound
    backend: Backend
    precision: str = "float64"
    device: str = CPU
    plate: str | None = None
    count: int | None = None
    asked: tuple[str, ...] = ("batch_size",)
    bound: Bound = field(init=False)

    def __post_init__(self) -> None:
        bound = self.data if isinstance(self.data, Bound) else bind(self.graph, self.data)
        object.__setattr__(self, "bound", bound)
        if self.plate is not None:
            check_rows(self.graph, self.plate, self.asked)

    @classmethod
    def of(
        cls,
        graph: Graph,
        data: Mapping[str, Any],
        backend: str,
        *,
        batched: bool = False,
        precision: str = "float64",
        device: str = CPU,
        count: int | None = None,
        asked: tuple[str, ...] = ("batch_size",),
    ) -> Setting:
        """A setting, with the plate of its rows found; see `row_plate`.

        Raises:
            DataError: if the data do not fit.
            FitError: if no plate can be given in batches.
        """
        plate = row_plate(graph, batched, asked)
        return cls(graph, data, get_backend(backend), precision, device, plate, count, asked)

    @property
    def rows(self) -> int:
        """How many rows are trained on; 1 where there is no plate of rows."""
        if self.count is not None:
            return self.count
        return 1 if self.plate is None else self.bound.sizes[self.plate]

    @property
    def given(self) -> dict[str, Any]:
        """The values of all data and observations, by name."""
        if isinstance(self.data, Bound):
            return {k: x for k, x in self.bound.arrays.items() if k in self.graph.inputs}
        return dict(self.data)

    def context(self) -> Any:
        """Where the backend's arrays of this precision are made."""
        return self.backend.context(self.precision, self.device)

    def program(self, graph: Graph | None = None) -> BoundProgram:
        """The program of the graph, or of one that was made of it, with its fused density."""
        graph = _any_size(graph or self.graph, self.plate)
        compiled = compile_graph(graph, self.backend.name, precision=self.precision, device=self.device)
        return BoundProgram(compiled, self.bound)

    def forward(self, slots: Mapping[str, int] | None = None) -> BoundProgram:
        """The PPL program of the graph as declared: no latent is rewritten."""
        graph = _any_size(self.graph, self.plate)
        sites = tuple(str(n.name) for _, n in graph.of("latent", "observe", "factor"))
        compiled: ForwardProgram = compile_forward(
            graph,
            self.backend.name,
            sites,
            frozenset(),
            precision=self.precision,
            device=self.device,
            slots=None if slots is None else tuple(sorted(slots.items())),
        )
        return BoundProgram(compiled, self.bound)

    def guide(self, graph: Graph) -> Setting:
        """The setting of a guide: its data are the values of the model's data and observations, its plates' sizes too.

        Raises:
            DataError: if they do not fit the guide.
        """
        sizes = self.bound.sizes
        data = {name: self.bound.arrays[name] for name in graph.inputs}
        free = [p.name for p in graph.plates if p.base is None and p.size is None and p.name in sizes]
        bound = bind(graph, data, {name: (sizes[name], None) for name in free})  # data are positions already
        for p in graph.plates:
            if p.name in bound.sizes and bound.sizes[p.name] != sizes.get(p.name):
                raise DataError(
                    f"plate '{p.name}' of guide '{graph.name}' has another size than in the model",
                    node=p.name,
                    given=f"{bound.sizes[p.name]}",
                    needed=f"{sizes.get(p.name, 'no size')}",
                    fix=f'leave the size to the model: m.plate("{p.name}")',
                    where=p.where,
                )
        plate = self.plate if self.plate in graph.plate else None
        return replace(self, graph=graph, data=bound, plate=plate, count=self.rows)

    def laid(self, programs: Mapping[str, BoundProgram]) -> tuple[Rows, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """How the programs' arrays are found in batches; those with rows, and the whole ones."""
        return Rows.of(programs, self.plate, self.rows)


def _any_size(graph: Graph, plate: str | None) -> Graph:
    """The graph with the plate's size left to the data, for batches have another."""
    if plate is None:
        return graph
    plates = tuple(replace(p, size=None, coords=None) if p.name == plate else p for p in graph.plates)
    return replace(graph, plates=plates)
