"""`bind`: data against a graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.data.check import check
from gendsl.data.index import resolve
from gendsl.data.labels import keys, near, one_a_row
from gendsl.data.missing import derive, derived_from, fill
from gendsl.data.numeric import array_type, is_observed, numeric
from gendsl.data.plates import Plates
from gendsl.data.read import Given, describe, read
from gendsl.data.readers import refuse_readers
from gendsl.errors import DataError, caller
from gendsl.graph.initial import meant_by_element
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, show_shape

__all__ = ["Bound", "bind"]


@dataclass(frozen=True, eq=False)
class Bound:
    """Data that fit a graph.

    Attributes:
        arrays: every data node by name, derived ones included, in its declared layout: its dims in declared
            order, then its event axes; float64, int64 or bool.
        sizes: the plates that have a size, derived ones and copies included.
        coords: labels of the plates and named axes that have some.
    """

    arrays: dict[str, np.ndarray]
    sizes: dict[str, int]
    coords: dict[str, np.ndarray]


def bind(
    graph: Graph, data: Mapping[str, Any], fitted: Mapping[str, tuple[int, np.ndarray | None]] | None = None
) -> Bound:
    """Check data against a graph and bring them into its layout.

    Args:
        graph: the declared graph.
        data: a value for every data node and observation, by name: a number, a list, a numpy (masked) array,
            a pandas Series, DataFrame, Index or Categorical, or an xarray DataArray, whose dims go by name.
        fitted: plates whose sizes and labels are fixed by draws of latents over them.

    Raises:
        DataError: if something is missing, too much, of the wrong shape or kind, or outside its support, or if what is
            missing is read.
    """
    derived = derived_from(graph)
    nodes = {name: graph.nodes[i] for name, i in graph.inputs.items() if graph.nodes[i].attr["derived"] is None}
    values = _by_name(graph, nodes, data)
    givens = {name: read(node, values[name]) for name, node in nodes.items()}
    axes: dict[str, np.ndarray] = {a.name: np.asarray(a.coords) for a in graph.axes if a.coords is not None}
    plates = Plates(graph, fitted)
    for name, node in nodes.items():
        _lay_out(graph, node, givens[name])
        _measure(node, givens[name], plates)
    for name, node in nodes.items():
        for k, dim in enumerate(array_type(node).dims):
            plates.learn(dim, givens[name].labels[k], node)
    for name, node in nodes.items():
        for k, dim in enumerate(array_type(node).dims):
            plates.align(dim, givens[name], k, node)
        _axis_labels(node, givens[name], axes)
    resolve(graph, givens, plates)
    sizes = plates.all_sizes()

    arrays: dict[str, np.ndarray] = {}
    missing: dict[str, np.ndarray] = {}
    for name, node in nodes.items():
        given, t = givens[name], array_type(node)
        if node.attr["indexes"] is None:
            numeric(graph, node, given, name in derived)
        arrays[name] = given.values
        if name in derived:
            gone = given.missing
            missing[name] = np.asarray(gone.reshape(*gone.shape[: len(t.dims)], -1).any(-1))
            arrays[name] = fill(given.values, missing[name], t.support)
            more, counts = derive(derived[name], node, missing[name])
            arrays.update(more)
            sizes.update(counts)
    refuse_readers(graph, arrays, missing, sizes)
    check(graph, arrays, missing, sizes, [p.name for p in graph.plates if plates.is_drawn(p.name)])
    return Bound(arrays, sizes, plates.all_labels() | axes)


# -- names -----------------------------------------------------------------------------------------------
def _by_name(graph: Graph, nodes: Mapping[str, Node], data: Any) -> dict[str, Any]:
    """The data as a dict with exactly the names that the graph needs."""
    if not isinstance(data, Mapping) and not (hasattr(data, "columns") and hasattr(data, "iloc")):
        raise DataError(
            "data are given by name",
            given=describe(data),
            needed=f"a dict with the keys {', '.join(map(repr, nodes))}" if nodes else "an empty dict",
            fix=f'for example {{"{next(iter(nodes))}": values}}' if nodes else "pass {}",
            where=caller(),
        )
    values = {k: data[k] for k in data}
    absent = [n for n in nodes if n not in values]
    extra = [k for k in values if k not in nodes]
    if absent:
        guesses = [(n, near(n, [str(k) for k in extra])) for n in absent]
        close = [f"is {guess!r} meant for '{n}'?" for n, guess in guesses if guess]
        node = nodes[absent[0]]
        raise DataError(
            f"data are missing for {', '.join(map(repr, absent))}",
            node=absent[0] if len(absent) == 1 else None,
            given=", ".join(map(str, values)) or "nothing",
            needed="; ".join(f"'{n}' ({nodes[n].type})" for n in absent),
            fix=" ".join(close) or f'add "{absent[0]}" to the data',
            where=node.where,
        )
    if extra:
        raise _extra(graph, nodes, extra, hasattr(data, "columns"))
    return values


def _extra(graph: Graph, nodes: Mapping[str, Node], extra: list[Any], table: bool) -> DataError:
    name, where = extra[0], caller()
    fix = "leave them out, or declare them with m.data"
    if table:
        fix = f"name the columns that the model has: df[{list(nodes)}]"
    if not isinstance(name, str):
        fix = "keys are the names of data and observations, as strings"
    elif name in graph.inputs:
        fix = f"leave '{name}' out: it follows from the missing elements of the observation"
        where = graph.nodes[graph.inputs[name]].where
    elif name in graph.sites:
        n = graph.nodes[graph.sites[name]]
        fix = f"'{name}' is a {n.op}, which is not given; leave it out"
        if n.op == "latent":
            fix += f', or observe it: m.observe("{name}", ...)'
        if n.op == "observe":
            fix = f"'{name}' was declared with value=, so it is not given; leave it out"
        where = n.where
    elif name in graph.plate:
        fix = f"leave it out: data over '{name}' give its size, or declare m.plate(\"{name}\", size=...)"
        where = graph.plate[name].where
    elif close := near(name, list(nodes)):
        fix = f"did you mean '{close}'? It is given too: leave one out"
    return DataError(
        f"model '{graph.name}' has no data named {', '.join(map(repr, extra))}",
        node=name if isinstance(name, str) else None,
        given=f"{len(extra)} too many: {', '.join(map(repr, extra))}",
        needed=f"only {', '.join(nodes)}" if nodes else "no data",
        fix=fix,
        where=where,
    )


# -- axes ------------------------------------------------------------------------------------------------
def _axis_names(node: Node) -> list[str | None]:
    t, named = array_type(node), list(node.attr["axes"])
    return [*t.dims, *named, *[None] * (t.rank - len(named))]


def _needs(t: ArrayType) -> str:
    if not t.dims and not t.event:
        return "one number"
    return f"{_axes(len(t.dims) + t.rank)}: {show_shape(t.dims, t.event)}"


def _axes(n: int) -> str:
    return f"{n} axis" if n == 1 else f"{n} axes"


def _lay_out(graph: Graph, node: Node, given: Given) -> None:
    """Bring named axes into the declared order, and check the number of axes."""
    t = array_type(node)
    rank = len(t.dims) + t.rank
    shape = given.values.shape
    if given.dims is not None and len(given.dims) == rank:
        names = _axis_names(node)
        free = [d for d in given.dims if d not in names]
        order = [d if d in given.dims else None for d in names]
        unmatched = [d for d in t.dims if d not in given.dims]
        if unmatched:
            rename = f"x.rename({{{free[0]!r}: {unmatched[0]!r}}})" if free else "x.transpose(...)"
            raise DataError(
                f"the DataArray has no dim '{unmatched[0]}'",
                node=node.name,
                given=given.words,
                needed=f"dims ({', '.join(t.dims)})",
                fix=f"{rename}, or x.values to go by position",
                where=node.where,
            )
        given.transpose([given.dims.index(d) if d is not None else given.dims.index(free.pop(0)) for d in order])
        return
    if len(shape) == rank:
        return
    fix = "check the dims of the declaration"
    if (whole := _reshaped(shape, t)) is not None:
        fix = f"np.reshape({node.name}, {whole})"
    elif rank == 0:
        plates = [p.name for p in graph.plates if p.base is None]
        over = f"dims={plates[0]}" if len(plates) == 1 else "dims= (independent elements)"
        fix = f"declare '{node.name}' with {over}, or event= (parts of one element); or give one number"
    elif len(shape) == 0:
        fix = f"one value is not repeated: give an array, for example np.full(n, {given.values!s})"
    elif len(shape) == rank + 1 and 1 in shape:
        fix = f"drop the axis of length 1: np.squeeze({node.name}, {shape.index(1)})"
    elif len(shape) == rank - 1 and (words := _constant_axis(graph, node, shape) or _param_axis(graph, node)):
        fix = words
    elif len(shape) == rank - 1 and len(t.event) == 1:
        fix = one_a_row(str(node.name), t.event[0], given.values, is_observed(graph, node.name)) or fix
    elif len(shape) > rank:
        fix = "add a plate to dims= (independent elements) or an axis to event= (parts of one element)"
    raise DataError(
        "the data have another number of axes than the declaration",
        node=node.name,
        given=f"{given.words}: {_axes(len(shape))}" if shape else given.words,
        needed=_needs(t),
        fix=fix,
        where=node.where,
    )


def _reshaped(shape: tuple[int, ...], t: ArrayType) -> tuple[int, ...] | None:
    """The shape in which the axes behind the dims hold as many numbers as an event has; None where there is none."""
    event = tuple(s for s in t.event if isinstance(s, int))
    own, rest = shape[: len(t.dims)], shape[len(t.dims) :]
    fits = len(event) == len(t.event) > 0 and len(own) == len(t.dims) and math.prod(rest) == math.prod(event) > 1
    return (*own, *event) if fits else None


def _constant_axis(graph: Graph, node: Node, shape: tuple[int, ...]) -> str | None:
    """What to do where a constant of a distribution was meant to run along a plate of its observation."""
    t = array_type(node)
    if not is_observed(graph, node.name) or not t.dims or not t.event or shape[-1:] != t.event[-1:]:
        return None
    todo = [graph.nodes[graph.sites[str(node.name)]].args[0]]
    seen = set(todo)
    while todo:
        n = graph.nodes[todo.pop()]
        new = {a for a in n.args if graph.nodes[a].op not in ("data", "latent")} - seen
        seen |= new
        todo += new
        if n.op == "const" and isinstance(n.type, ArrayType) and n.type.event[-1:] == t.event[-1:]:
            size, plate = t.event[-1], t.dims[-1]
            return (
                f"the constant of length {size} in its distribution became an event axis, beside plate '{plate}'. If "
                f"it has one value for each element of '{plate}', declare it and give it with the data: "
                f'm.data("name", dims={plate})'
            )
    return None


def _param_axis(graph: Graph, node: Node) -> str | None:
    """What to do where a parameter's initial value was meant to run along a plate."""
    if not is_observed(graph, node.name) or not array_type(node).event:
        return None
    return meant_by_element(graph, graph.nodes[graph.sites[str(node.name)]].args[0])


def _measure(node: Node, given: Given, plates: Plates) -> None:
    """Check event lengths, and let the plates learn their sizes."""
    t = array_type(node)
    shape, k = given.values.shape, len(t.dims)
    for axis, size in enumerate(t.event):
        if isinstance(size, str):
            plates.claim(size, shape[k + axis], node)
        elif shape[k + axis] != size:
            fits = sorted(shape[k:]) == sorted(map(str, t.event)) or sorted(shape[k:]) == sorted(t.event, key=str)
            raise DataError(
                "an event axis has another length than declared",
                node=node.name,
                given=f"{given.words}: {shape[k + axis]} along event axis {axis}",
                needed=f"{size}; {_needs(t)}",
                fix="exchange the axes"
                if fits
                else f"declare event={shape[k:]}, or give {size} values for each element",
                where=node.where,
            )
    for axis, dim in enumerate(t.dims):
        n = shape[axis]
        if n == 0:
            raise DataError(
                f"plate '{dim}' has no elements",
                node=node.name,
                given=given.words,
                needed=f"at least one element along '{dim}'",
                fix="check the filter that made the data",
                where=node.where,
            )
        known = [plates.size(d) for d in t.dims]
        swapped = k == 2 and [shape[1], shape[0]] == [
            n if n is not None else s for n, s in zip(known, shape, strict=False)
        ]
        crossed = f"the axes are ({', '.join(t.dims)}) in this order: transpose the data" if swapped else None
        plates.claim(dim, n, node, crossed)


def _axis_labels(node: Node, given: Given, axes: dict[str, np.ndarray]) -> None:
    """Labels of named event axes: learnt, or compared with the declared ones."""
    for k, name in enumerate(_axis_names(node)):
        labels = given.labels[k]
        if k < len(array_type(node).dims) or name is None or labels is None or labels.weak:
            continue
        if name not in axes:
            axes[name] = labels.values
        elif keys(labels.values) != keys(axes[name]):
            raise DataError(
                f"the labels of axis '{name}' differ from its coords",
                node=node.name,
                given=", ".join(keys(labels.values)[:6]),
                needed=", ".join(keys(axes[name])[:6]),
                fix="bring the columns into the declared order, or give x.to_numpy() to go by position",
                where=node.where,
            )
