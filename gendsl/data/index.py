"""Data that index a plate: labels become positions, integers are checked against the plate's size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gendsl.data.labels import keys, near, repeated
from gendsl.data.numeric import numeric, refuse_missing
from gendsl.data.plates import Plates, duplicated
from gendsl.data.read import Given, first
from gendsl.errors import DataError
from gendsl.graph.node import Graph, Node

__all__ = ["from_1", "resolve", "unseen"]


@dataclass
class _Index:
    node: Node
    given: Given
    plate: str

    @property
    def labelled(self) -> bool:
        return self.given.categories is not None or self.given.values.dtype.kind == "U"

    @property
    def vocabulary(self) -> np.ndarray:
        """The labels that may occur: the categories, or the strings that do."""
        if self.given.categories is not None:
            return self.given.categories
        return np.unique(self.given.values)


def resolve(graph: Graph, givens: dict[str, Given], plates: Plates) -> None:
    """Turn every index into checked positions; plates learn labels and sizes from them where they have none.

    Raises:
        DataError: if a label is unknown or an integer out of range.
    """
    found = [(graph.nodes[graph.inputs[name]], g) for name, g in givens.items()]
    indices = [_Index(n, g, n.attr["indexes"]) for n, g in found if n.attr["indexes"] is not None]
    for i in indices:
        refuse_missing(graph, i.node, i.given.missing)
    for plate in dict.fromkeys(i.plate for i in indices):
        labelled = [i for i in indices if i.plate == plate and i.labelled]
        if labelled and plates.labels(plate) is None:
            _name_plate(plate, labelled, givens, graph, plates)
        for i in labelled:
            _look_up(i, plates)
    for i in indices:
        if not i.labelled:
            numeric(graph, i.node, i.given, allow_missing=False)
    for plate in dict.fromkeys(i.plate for i in indices):
        mine = [i for i in indices if i.plate == plate and i.given.values.size]
        if plates.size(plate) is None and mine:
            top = max(mine, key=lambda i: int(i.given.values.max()))
            _refuse_offset(plate, mine)
            plates.claim(plate, max(int(top.given.values.max()) + 1, 1), top.node)
        for i in mine:
            if not i.labelled:
                _by_integer_label(i, plates)
            _in_range(i, plates)


def _refuse_offset(plate: str, indices: list[_Index]) -> None:
    """Indices alone give the plate its size: those that do not start at 0 would make elements that nothing observes."""
    low = min(int(i.given.values.min()) for i in indices)
    if low < 1:
        return
    i = indices[0]
    high, count = int(i.given.values.max()), len(np.unique(i.given.values))
    raise DataError(
        f"indices into '{plate}' do not start at 0, and nothing else gives the plate a size",
        node=str(i.node.name),
        given=f"{count} different values from {low} to {high}",
        needed="0, 1, ... in the order of the plate",
        fix="subtract 1 if they count from 1; give identifiers as strings or a pandas Categorical; "
        f'or declare the size: m.plate("{plate}", size=...)',
        where=i.node.where,
    )


def _by_integer_label(i: _Index, plates: Plates) -> None:
    """Integers into a plate with integer labels other than 0, 1, ... are labels, as pandas would take them."""
    labels = plates.labels(i.plate)
    if labels is None or labels.dtype.kind not in "iu" or np.array_equal(labels, np.arange(len(labels))):
        return
    at = {int(label): k for k, label in enumerate(labels.tolist())}
    unknown = [v for v in np.unique(i.given.values).tolist() if v not in at]
    if unknown:
        raise DataError(
            f"'{i.node.name}' has values that are no labels of plate '{i.plate}'",
            node=str(i.node.name),
            given=f"{len(unknown)} unknown, such as {unknown[0]}",
            needed=f"labels of '{i.plate}': {', '.join(map(str, labels[:5].tolist()))}, ...",
            fix="the plate has integer labels, so integers are looked up among them; use its labels, "
            "or leave its labels out and give positions",
            where=i.node.where,
        )
    positions = [at[v] for v in i.given.values.ravel().tolist()]
    i.given.values = np.array(positions, np.int64).reshape(i.given.values.shape)


def _name_plate(plate: str, indices: list[_Index], givens: dict[str, Given], graph: Graph, plates: Plates) -> None:
    """Labels for a plate that has none: the common categories, or all labels in sorted order."""
    node = indices[0].node
    words = [keys(i.vocabulary) for i in indices]
    ordered = all(i.given.categories is not None for i in indices) and all(w == words[0] for w in words)
    labels = indices[0].vocabulary if ordered else np.unique(np.array([k for w in words for k in w], str))
    if twice := repeated(keys(labels)):
        raise duplicated(plate, twice, node, node.where)
    over = [n for n in givens if plates.root(plate)[0] in _roots(graph.nodes[graph.inputs[n]], plates)]
    if over and not ordered:
        raise DataError(
            f"the order of plate '{plate}' is not known",
            node=node.name,
            given=f"strings in '{node.name}', and data over '{plate}' without labels: {', '.join(over)}",
            needed="to know which element of the data each label means",
            fix=f'label the plate, m.plate("{plate}", coords=[...]), or give {over[0]} as a pandas Series',
            where=node.where,
        )
    size = plates.size(plate)
    if size is not None and size != len(labels):
        raise DataError(
            f"'{node.name}' has another number of labels than plate '{plate}' has elements",
            node=node.name,
            given=f"{len(labels)} labels ({', '.join(keys(labels)[:5])}{', ...' if len(labels) > 5 else ''})",
            needed=f"{size}",
            fix=f'name all elements: m.plate("{plate}", coords=[...])',
            where=node.where,
        )
    plates.set_labels(plate, labels)
    plates.claim(plate, len(labels), node)


def _roots(node: Node, plates: Plates) -> set[str]:
    return {plates.root(d)[0] for d in node.type.dims}  # type: ignore[union-attr]


def _look_up(i: _Index, plates: Plates) -> None:
    known = plates.labels(i.plate)
    if known is None:
        raise RuntimeError(f"plate '{i.plate}' has no labels")
    at = {k: position for position, k in enumerate(keys(known))}
    words = keys(i.vocabulary)
    used = np.unique(i.given.values) if i.given.categories is not None else np.arange(len(words))
    unknown = [words[k] for k in used.tolist() if words[k] not in at]
    if unknown:
        close = near(unknown[0], list(at))
        raise DataError(
            f"'{i.node.name}' has labels that plate '{i.plate}' does not have",
            node=i.node.name,
            given=f"{len(unknown)} unknown, such as {unknown[0]!r}",
            needed=f"labels of '{i.plate}': {', '.join(list(at)[:5])}{', ...' if len(at) > 5 else ''}",
            fix=f"did you mean {close!r}?" if close else _unknown(plates, i.plate),
            where=i.node.where,
        )
    positions = np.array([at.get(w, -1) for w in words], np.int64)
    if i.given.categories is None:
        _, inverse = np.unique(i.given.values, return_inverse=True)
        i.given.values = positions[inverse].reshape(i.given.values.shape)
    else:
        i.given.values = positions[i.given.values] if i.given.values.size else i.given.values.astype(np.int64)


def _in_range(i: _Index, plates: Plates) -> None:
    n, x, name = plates.size(i.plate), i.given.values, str(i.node.name)
    if n is None:
        return
    low, high = int(x.min()), int(x.max())
    if low >= 0 and high < n:
        return
    bad = (x < 0) | (x >= n)
    fix = "number the elements 0, 1, ... in the order of the plate"
    problem = f"indices into '{i.plate}' are out of range"
    labels = plates.labels(i.plate)
    drawn = plates.is_drawn(i.plate)
    if from_1(x, n, all_of_them=drawn):
        problem += "; they count from 1"
        fix = f'subtract 1: data["{name}"] - 1'
    elif labels is not None and set(map(str, x.ravel().tolist())) <= set(keys(labels)):
        fix = f"these are labels of '{i.plate}'; give them as strings or a pandas Categorical to look them up"
    elif drawn and low >= 0:
        fix = unseen(i.plate, name, n, x)
    elif low < 0:
        fix += "; negative indices do not count from the end here"
    raise DataError(
        problem,
        node=name,
        given=f"values from {low} to {high}, the first bad one {first(bad, name)} = {x[bad][0]}",
        needed=f"0 to {n - 1}, for the {n} elements of '{i.plate}'",
        fix=fix,
        where=i.node.where,
    )


def from_1(x: np.ndarray, n: int, all_of_them: bool = False) -> bool:
    """Whether indices into n elements look as if they counted from 1: there are several, none is 0, and one is n.

    Args:
        x: the indices.
        n: elements of the plate.
        all_of_them: whether only all of 1, ..., n will do: in a prediction, n may be an element that the fit lacks.
    """
    several = len(np.unique(x)) >= (n if all_of_them else min(n, 2))
    return several and int(x.min()) >= 1 and int(x.max()) == n


def unseen(plate: str, name: str, n: int, x: np.ndarray) -> str:
    """What to do where indices of a prediction lie beyond the n elements that the fit has."""
    fix = f"the fit has elements 0 to {n - 1}; new ones are drawn from the prior: new={plate!r}, numbered 0, 1, ..."
    return f'{fix}; if the indices count from 1, data["{name}"] - 1' if from_1(x, n) else fix


def _unknown(plates: Plates, plate: str) -> str:
    if plates.is_drawn(plate):
        return f"for elements that the fit has not seen, draw their latents from the prior: new={plate!r}"
    return f"add them to the coords of '{plate}', or drop those rows"
