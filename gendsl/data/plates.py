"""Sizes and labels of plates.

A plate's size is declared, or follows from the data over it, or, failing all, from the largest index into it.
A derived plate has its base's size less the elements it drops; a copy has its base's size and labels.
Labelled axes (pandas, xarray) are aligned by label: the declared labels, or those met first, give the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field

import numpy as np

from gendsl.data.labels import Labels, clean, keys, repeated
from gendsl.data.read import Given
from gendsl.errors import DataError, Location
from gendsl.graph.node import Graph, Node

__all__ = ["Plates"]


@dataclass(frozen=True)
class _Size:
    """A root plate's length, and who gave it."""

    length: int
    who: str


def _same_rows(plate: str, known: _Size) -> str:
    if "drawn" in known.who:
        return f"give data for these {known.length}, in the order of the fit; or draw the latents anew: new={plate!r}"
    if "declared" in known.who:
        return f"give {known.length} along '{plate}', or leave size= and coords= out of its declaration"
    return f"all data over '{plate}' have one length: check that they come from the same rows"


@dataclass
class Plates:
    """Sizes and labels of a graph's plates, filled in as data are read.

    Args:
        graph: the graph.
        fitted: sizes and labels that latents already have, for data that are predicted from them.
    """

    graph: Graph
    fitted: InitVar[Mapping[str, tuple[int, np.ndarray | None]] | None] = None
    _sizes: dict[str, _Size] = field(default_factory=dict)
    _labels: dict[str, np.ndarray] = field(default_factory=dict)
    _declared: set[str] = field(default_factory=set)
    _drawn: set[str] = field(default_factory=set)

    def __post_init__(self, fitted: Mapping[str, tuple[int, np.ndarray | None]] | None) -> None:
        for p in self.graph.plates:
            if fitted and p.name in fitted:
                size, labels = fitted[p.name]
                self._drawn.add(p.name)
                self._sizes[p.name] = _Size(size, f"the latents were drawn for {size} elements of '{p.name}'")
                if labels is not None:
                    self._labels[p.name] = labels
                    self._declared.add(p.name)
                continue
            if p.coords is not None:
                self._labels[p.name] = clean(np.asarray(p.coords))
                self._declared.add(p.name)
            if p.size is not None:
                words = "coords of length" if p.coords is not None else "size="
                self._sizes[p.name] = _Size(p.size, f"plate '{p.name}' is declared with {words}{p.size}")

    def is_drawn(self, plate: str) -> bool:
        """Whether draws of latents over the plate fix it, and its declaration does not."""
        name = self.root(plate)[0]
        return name in self._drawn and self.graph.plate[name].coords is None

    # -- sizes --------------------------------------------------------------------------------------------
    def root(self, plate: str) -> tuple[str, int]:
        """The plate that this one is cut from or a copy of, and how many elements it drops."""
        p, dropped = self.graph.plate[plate], 0
        while p.base is not None:
            dropped += p.start + p.stop
            p = self.graph.plate[p.base]
        return p.name, dropped

    def size(self, plate: str) -> int | None:
        """The size of a plate, where it is known."""
        root, dropped = self.root(plate)
        known = self._sizes.get(root)
        return None if known is None else known.length - dropped

    def claim(self, plate: str, length: int, node: Node, fix: str | None = None) -> None:
        """Data of a node have this length along a plate."""
        root, dropped = self.root(plate)
        known = self._sizes.get(root)
        if known is None:
            who = f"'{node.name}' has {length} along '{plate}'"
            self._sizes[root] = _Size(length + dropped, who)
        elif known.length - dropped != length:
            short = f" ('{root}' less {dropped})" if dropped else ""
            raise DataError(
                f"the sizes of plate '{plate}' differ",
                node=node.name,
                given=f"'{node.name}' has {length} along '{plate}'; {known.who}",
                needed=f"{known.length - dropped} along '{plate}'{short}",
                fix=fix or _same_rows(root, known),
                where=node.where,
            )

    def all_sizes(self) -> dict[str, int]:
        """Every plate's size, where it is known.

        Raises:
            DataError: if a derived plate would have no element.
        """
        out: dict[str, int] = {}
        for p in self.graph.plates:
            n = self.size(p.name)
            if n is None:
                continue
            root, dropped = self.root(p.name)
            if n < 1 and dropped:
                raise DataError(
                    f"plate '{p.name}' has no elements",
                    node=p.name,
                    given=f"'{root}' has {n + dropped}, of which '{p.name}' drops {dropped}",
                    needed=f"at least {dropped + 1} elements of '{root}'",
                    fix=f"give more data along '{root}', or drop fewer elements",
                    where=p.where,
                )
            out[p.name] = n
        return out

    # -- labels -------------------------------------------------------------------------------------------
    def labels(self, plate: str) -> np.ndarray | None:
        """The labels of a plate: its own, or its base's part."""
        p = self.graph.plate[plate]
        if plate in self._labels or p.base is None:
            return self._labels.get(plate)
        base = self.labels(p.base)
        return None if base is None else base[p.start : len(base) - p.stop]

    def all_labels(self) -> dict[str, np.ndarray]:
        """The labels of every plate that has some."""
        found = {p.name: self.labels(p.name) for p in self.graph.plates}
        return {name: x for name, x in found.items() if x is not None}

    def set_labels(self, plate: str, labels: np.ndarray) -> None:
        """The labels of a plate that has none; a copy hands them to its base."""
        p = self.graph.plate[plate]
        while p.base is not None and p.start == p.stop == 0:
            p = self.graph.plate[p.base]
        self._labels[p.name] = labels

    def learn(self, plate: str, labels: Labels | None, node: Node) -> None:
        """Take the labels of data over a plate, where it has none yet."""
        if labels is None or labels.weak:
            return
        if twice := repeated(keys(labels.values)):
            raise duplicated(plate, twice, node, node.where)
        if self.labels(plate) is None:
            self.set_labels(plate, labels.values)

    def align(self, plate: str, given: Given, axis: int, node: Node) -> None:
        """Bring labelled data into the plate's order.

        Raises:
            DataError: if the data have other labels than the plate.
        """
        labels, known = given.labels[axis], self.labels(plate)
        if labels is None or known is None:
            return
        have, want = keys(labels.values), keys(known)
        if have == want or (labels.weak and (self.root(plate)[0] in self._declared or set(have) != set(want))):
            return
        if set(have) != set(want):
            extra = [k for k in have if k not in set(want)][:3]
            lacking = [k for k in want if k not in set(have)][:3]
            other = "its coords" if self.root(plate)[0] in self._declared else "those of other data"
            raise DataError(
                f"the labels along '{plate}' differ from {other}",
                node=node.name,
                given=f"labels {extra} that the plate does not have"
                if extra
                else f"no labels {lacking}, which the plate has",
                needed=f"the labels of '{plate}': {', '.join(want[:5])}{', ...' if len(want) > 5 else ''}",
                fix="give data with the same labels, or x.to_numpy() (xarray: x.values) to go by position",
                where=node.where,
            )
        at = {k: i for i, k in enumerate(have)}
        given.take(np.array([at[k] for k in want]), axis, Labels(known, False))


def duplicated(plate: str, twice: list[str], node: Node, where: Location | None) -> DataError:
    """The error for labels that are not unique."""
    return DataError(
        f"the labels along '{plate}' are not unique",
        node=node.name,
        given=f"{len(twice)} repeated, such as {twice[0]!r}",
        needed="one label for each element",
        fix="for pandas, x.reset_index(drop=True); or give x.to_numpy(), which has no labels",
        where=where,
    )
