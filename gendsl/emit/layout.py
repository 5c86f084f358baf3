"""Where plates lie in arrays: slots, and the passage between the user's layout and the program's.

The user's layout of a value is (dims in declared order..., event axes...). The program's is (slots..., event axes...),
each plate at its slot, with length 1 where a value does not vary. Slots are a colouring: plates that meet in one value
differ; those that never meet share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import DataError
from gendsl.graph.constraints import CorrCholesky, CorrMatrix, Simplex
from gendsl.graph.evaluate import evaluate
from gendsl.graph.node import Array, Graph, Node, subgraphs
from gendsl.graph.types import ArrayType, DistType, Size

if TYPE_CHECKING:
    from gendsl.data import Bound
    from gendsl.emit.emitter import Emitted

__all__ = ["Layout", "arrange", "assign_slots", "restore", "statistics", "unconstrained_event", "user_layout"]


@dataclass(frozen=True)
class Layout:
    """The layout of one named value.

    Attributes:
        name: its name.
        dims: its plates in the user's order.
        slots: the slot of each.
        event: its event shape.
        joint: plates whose axes are the leading event axes; they follow `dims` in the user's order.
    """

    name: str
    dims: tuple[str, ...]
    slots: tuple[int, ...]
    event: tuple[Size, ...]
    joint: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """Slot axes of the array."""
        return max((-s for s in self.slots), default=0)

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape in the program's layout."""
        batch = [1] * self.depth
        for d, s in zip(self.dims, self.slots, strict=True):
            batch[s] = sizes[d]
        return (*batch, *(e if isinstance(e, int) else sizes[e] for e in self.event))

    def into(self, value: np.ndarray, lead: int = 0) -> np.ndarray:
        """From the user's layout, after `lead` leading axes, to the program's."""
        order = sorted(range(len(self.dims)), key=lambda k: self.slots[k])
        rest = range(lead + len(self.dims), value.ndim)
        moved = np.transpose(value, (*range(lead), *(lead + k for k in order), *rest))
        index: list[Any] = [None] * self.depth
        for k in order:
            index[self.slots[k]] = slice(None)
        return moved[(*(slice(None),) * lead, *index)] if index else moved

    def back(self, value: np.ndarray, lead: int) -> np.ndarray:
        """From the program's layout, after `lead` leading axes, to the user's."""
        rank = len(self.event)
        slots = value.ndim - lead - rank
        wanted = [lead + slots + s for s in self.slots]
        idle = [lead + k for k in range(slots) if lead + k not in wanted]
        order = [*range(lead), *wanted, *idle, *range(lead + slots, value.ndim)]
        moved = np.transpose(value, order)
        at = lead + len(wanted)
        return moved.reshape((*moved.shape[:at], *moved.shape[at + len(idle) :]))


def assign_slots(graph: Graph, *more: Graph) -> dict[str, int]:
    """A slot for each plate: greedy colouring of the plates that meet, in an order that keeps declared layouts.

    A plate that stands last in the declared dims gets -1 where that is free, so that arrays need no transposing. What
    meets in the graph of the model, or in one of the others that are made of it, gets different slots in all.
    """
    meets: dict[str, set[str]] = {p.name: set() for p in graph.plates}
    score: dict[str, int] = dict.fromkeys(meets, 0)
    seen: set[tuple[str, ...]] = set()
    for n in _all_nodes(n for g in (graph, *more) for n in g.nodes):
        t = n.type
        dims = t.dims if isinstance(t, ArrayType | DistType) else tuple(d for i in t.items for d in i.dims)
        if len(dims) < 2 or (dims, n.name is not None) in seen:  # type: ignore[comparison-overlap]
            continue
        seen.add((dims, n.name is not None))  # type: ignore[arg-type]
        for k, d in enumerate(dims):
            meets[d].update(e for e in dims if e != d)
            if n.op in ("data", "latent"):
                score[d] = max(score[d], len(dims) - 1 - k)
    order = sorted(meets, key=lambda d: (score[d], list(meets).index(d)))
    slots: dict[str, int] = {}
    for d in order:
        taken = {slots[e] for e in meets[d] if e in slots}
        slot = -1
        while slot in taken:
            slot -= 1
        slots[d] = slot
    return slots


def _all_nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes, and those of their steps."""
    for n in nodes:
        yield n
        for step in subgraphs(n):
            yield from _all_nodes(step.nodes)


def unconstrained_event(t: DistType) -> tuple[Size, ...]:
    """The event shape of a draw's unconstrained form."""
    s = t.support
    if isinstance(s, Simplex) and isinstance(t.event[-1], int):
        return (*t.event[:-1], t.event[-1] - 1)
    if isinstance(s, CorrCholesky | CorrMatrix) and isinstance(t.event[-1], int):
        n = t.event[-1]
        return (*t.event[:-2], n * (n - 1) // 2)
    return t.event


def arrange(emitted: Emitted, bound: Bound) -> dict[str, np.ndarray | int]:
    """The program's data argument from checked data: arrays in its layout, statistics, constants, and plate sizes.

    Raises:
        DataError: if a statistic cannot be computed.
    """
    out: dict[str, np.ndarray | int] = {}
    for layout in emitted.inputs:
        value = bound.arrays[layout.name]
        out[layout.name] = layout.into(value.astype(np.float64) if layout.name in emitted.casts else value)
    for layout, value in zip(emitted.statistics, statistics(emitted.density, bound), strict=True):
        out[layout.name] = layout.into(value)
    out.update(
        {name: value.numpy() if isinstance(value, Array) else value for name, value in emitted.constants.items()}
    )
    out.update({plate: bound.sizes[plate] for plate in emitted.sizes})
    return out


def statistics(graph: Graph, bound: Bound) -> list[np.ndarray]:
    """The values of the precomputed nodes of a density's graph, in order, in the user's layout."""
    nodes = graph.of("precomputed")
    try:
        found = evaluate(graph, bound.arrays, bound.sizes, [i for i, _ in nodes])
    except (ValueError, ArithmeticError, IndexError) as e:  # numpy's, of a factorisation or an index
        raise DataError("the data's statistics cannot be computed", given=str(e), fix="check the data") from e
    out = []
    for i, n in nodes:
        t = n.type
        if not isinstance(t, ArrayType) or i not in found:
            raise DataError("a statistic is not known from the data", node=n.name, where=n.where)
        out.append(
            np.broadcast_to(
                found[i], [bound.sizes[d] for d in t.dims] + [int(s) for s in found[i].shape[len(t.dims) :]]
            )
        )
    return out


def restore(
    emitted: Emitted,
    values: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    declared: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Outputs of `constrain` for many draws in the user's layout: (draw, *dims, *event).

    A pass may write a value with its dims in another order; `declared` gives the order in which they were declared.
    """
    out = {}
    for layout in emitted.outputs:
        x = user_layout(layout, values[layout.name], sizes)
        order = [1 + layout.dims.index(d) for d in declared.get(layout.name, layout.dims)]
        out[layout.name] = np.transpose(x, (0, *order, *range(1 + len(order), x.ndim)))
    return out


def user_layout(layout: Layout, value: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """Many draws in the user's layout, (draw, *dims, *event), broadcast to their full size."""
    x = layout.back(value, 1)
    shape = [sizes[d] for d in layout.dims] + [e if isinstance(e, int) else sizes[e] for e in layout.event]
    return np.broadcast_to(x, (x.shape[0], *shape))
