"""Reading one value: what was given, as a numpy array with missing elements, names and labels of its axes.

Masked arrays, pandas and xarray are recognised by the module of their type, so none of them is imported here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gendsl.data.labels import Labels, clean
from gendsl.errors import DataError
from gendsl.graph.node import Node

__all__ = ["Given", "count", "describe", "first", "read"]


@dataclass
class Given:
    """One value as given.

    Attributes:
        values: numbers or strings; the positions of the categories of categorical values.
        missing: which elements are missing (None, NaN, NA, masked).
        words: what it was, for messages.
        dims: names of its axes (xarray).
        labels: labels of its axes, where it has them.
        categories: labels that `values` are positions of.
    """

    values: np.ndarray
    missing: np.ndarray
    words: str
    dims: tuple[str, ...] | None = None
    labels: list[Labels | None] = field(default_factory=list)
    categories: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.labels = self.labels or [None] * self.values.ndim

    def transpose(self, order: list[int]) -> None:
        """Permute the axes."""
        self.values, self.missing = np.transpose(self.values, order), np.transpose(self.missing, order)
        self.labels = [self.labels[k] for k in order]

    def take(self, order: np.ndarray, axis: int, labels: Labels) -> None:
        """Reorder one axis."""
        self.values, self.missing = np.take(self.values, order, axis), np.take(self.missing, order, axis)
        self.labels[axis] = labels


def describe(value: Any) -> str:
    """Words for a value in messages."""
    kind = type(value).__name__
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and shape:
        return f"{kind} of shape {shape}" + (f", {dtype}" if dtype is not None else "")
    if isinstance(value, (list, tuple)):
        return f"{kind} of length {len(value)}"
    return f"{kind}: {value!r}"[:80]


def first(bad: np.ndarray, name: str) -> str:
    """Where the first True of a boolean array is: `y[3, 0]`."""
    at = tuple(int(k[0]) for k in np.nonzero(bad)) if bad.ndim else ()
    return f"{name}[{', '.join(map(str, at))}]" if at else name


def count(bad: np.ndarray) -> str:
    """How many are True: `2 of 8`."""
    return f"{int(bad.sum())} of {bad.size}"


def read(node: Node, value: Any) -> Given:
    """A value as an array.

    Raises:
        DataError: if it is no array of numbers or labels.
    """
    home = type(value).__module__.partition(".")[0]
    if home == "gendsl":
        raise DataError(
            "data are numbers, not declarations",
            node=node.name,
            given=repr(value)[:100],
            needed="a number, a list, or a numpy, pandas or xarray array",
            fix="pass the values themselves",
            where=node.where,
        )
    if home == "xarray":
        return _xarray(node, value)
    if home == "pandas":
        return _pandas(node, value)
    if isinstance(value, np.ma.MaskedArray):
        out = _array(node, value.data, describe(value))
        out.missing = out.missing | np.ma.getmaskarray(value)
        return out
    return _array(node, value, describe(value))


def _array(node: Node, value: Any, words: str) -> Given:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a list with np.ma.masked: it becomes NaN, as wanted
        try:
            x = np.asarray(value)
        except Exception as e:
            raise _unreadable(node, words, e) from None
    if x.dtype.kind == "O":
        return _objects(node, x, words)
    if x.dtype.kind == "S":
        x = x.astype(str)
    missing = np.isnat(x) if x.dtype.kind in "mM" else np.zeros(x.shape, bool)
    if x.dtype.kind == "f":
        missing = np.isnan(x)
    return Given(x, missing, words)


def _unreadable(node: Node, words: str, e: Exception) -> DataError:
    if "inhomogeneous" in str(e):
        return DataError(
            "the rows have different lengths",
            node=node.name,
            given=words,
            needed=f"a full array: {node.type}",
            fix="pad the rows and mark the padding missing, or give one long array with an index of the rows",
            where=node.where,
        )
    return DataError(
        "the value cannot be read as an array",
        node=node.name,
        given=f"{words} ({str(e).splitlines()[0] if str(e) else type(e).__name__})"[:160],
        needed="a number, a list, or a numpy, pandas or xarray array",
        fix="convert it to a numpy array first",
        where=node.where,
    )


def _is_missing(v: Any) -> bool:
    return v is None or v is np.ma.masked or type(v).__name__ in ("NAType", "NaTType") or (v != v) is True


def _objects(node: Node, x: np.ndarray, words: str) -> Given:
    """An array of Python objects: numbers or strings with None or NA among them."""
    flat = list(x.flat)
    missing = np.array([_is_missing(v) for v in flat], bool).reshape(x.shape)
    there = [v for v in flat if not _is_missing(v)]
    if there and all(isinstance(v, str) for v in there):
        values = np.array(["" if _is_missing(v) else v for v in flat], str)
        return Given(values.reshape(x.shape), missing, words)
    if any(isinstance(v, (list, tuple, np.ndarray)) for v in there):
        raise _unreadable(node, words, ValueError("inhomogeneous"))
    if all(isinstance(v, (bool, np.bool_)) for v in there) and there:
        return Given(np.array([not _is_missing(v) and bool(v) for v in flat]).reshape(x.shape), missing, words)
    try:
        numbers = [np.nan if _is_missing(v) else float(v) for v in flat if not isinstance(v, (str, bytes, complex))]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != len(flat):
        odd = next(
            (v for v in there if isinstance(v, (str, bytes, complex)) or not hasattr(v, "__float__")),
            there[0],
        )
        raise not_numbers(node, f"{words}, with {type(odd).__name__}: {odd!r} in it"[:120])
    return Given(np.array(numbers, float).reshape(x.shape), missing, words)


def not_numbers(node: Node, words: str, fix: str | None = None) -> DataError:
    """The error for what is not numeric."""
    return DataError(
        "the data are not numbers",
        node=node.name,
        given=words,
        needed=str(node.type),
        fix=fix or "give numbers only: convert, encode or drop the rest",
        where=node.where,
    )


# -- pandas and xarray -----------------------------------------------------------------------------------
def _index(index: Any) -> Labels:
    """The labels of a pandas index; a default one (0, 1, ...) is weak."""
    weak = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
    return Labels(clean(np.asarray(index)), weak)


def _pandas(node: Node, value: Any) -> Given:
    words = describe(value)
    labels: list[Labels | None] = []
    if hasattr(value, "iloc"):  # a Series or a DataFrame
        labels = [_index(a) for a in value.axes]
    if str(getattr(value, "dtype", "")) == "category":
        codes = getattr(value, "cat", value).codes
        positions = np.asarray(codes)
        words = f"{type(value).__name__} of shape {np.shape(value)}"  # and numeric.py says that it has categories
        categories = clean(np.asarray(getattr(value, "cat", value).categories))
        return Given(positions, positions < 0, words, None, labels, categories)
    try:
        some_missing = hasattr(value, "isna") and bool(np.any(value.isna()))
    except NotImplementedError:  # a MultiIndex
        some_missing = False
    if some_missing:
        out = _array(node, np.asarray(value, dtype=object), words)
    else:
        out = _array(node, value, words)
    out.labels = labels or out.labels
    return out


def _xarray(node: Node, value: Any) -> Given:
    if not hasattr(value, "dims") or not hasattr(value, "values") or callable(value.values):
        raise DataError(
            "a data set holds several arrays",
            node=node.name,
            given=type(value).__name__,
            needed="one array",
            fix=f'name the variable: ds["{node.name}"]',
            where=node.where,
        )
    dims = tuple(map(str, value.dims))
    coords = getattr(value, "coords", {})
    out = _array(node, value.values, f"DataArray with dims ({', '.join(dims)}) and shape {value.shape}")
    out.dims = dims
    out.labels = [Labels(clean(np.asarray(coords[d].values)), False) if d in coords else None for d in value.dims]
    return out
