"""Labels of plates and axes: numbers, dates or strings, compared as what they say."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np

__all__ = ["Labels", "clean", "keys", "near", "one_a_row", "repeated"]


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of one axis of a value.

    Attributes:
        values: one label for each element.
        weak: whether they are the default 0, 1, ... of pandas, which names nothing by itself.
    """

    values: np.ndarray
    weak: bool


def clean(labels: np.ndarray) -> np.ndarray:
    """Labels as plain numbers, dates or strings; other objects become their text."""
    if labels.dtype.kind in "SO":
        return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in labels.tolist()], str)
    return labels


def keys(labels: np.ndarray) -> list[str]:
    """What labels are compared by: 1 and 1.0 are equal, and a date equals its ISO text."""
    if labels.dtype.kind == "M":
        return [str(k) for k in np.datetime_as_string(labels, unit="auto")]
    if labels.dtype.kind == "f":
        return [str(int(v)) if v == np.floor(v) else repr(v) for v in labels.tolist()]
    return [str(v) for v in labels.tolist()]


def repeated(labels: list[str]) -> list[str]:
    """The labels that occur more than once, in order."""
    seen: set[str] = set()
    out: dict[str, None] = {}
    for k in labels:
        if k in seen:
            out[k] = None
        seen.add(k)
    return list(out)


def near(word: str, known: list[str]) -> str | None:
    """The known word closest to one that is not known, ignoring case."""
    lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), list(lower), 1, 0.6)
    return lower[found[0]] if found else None


def one_a_row(name: str, size: int | str, values: np.ndarray, observed: bool) -> str | None:
    """What to do with one value a row where there is an event axis: it is of length 1, or the values are classes."""
    if size == 1:
        location = "let its distribution be of one number, by gd.MLP(()) or [..., 0] behind a network; or "
        return f"{location if observed else ''}give {name}[..., None]"
    if not isinstance(size, int):
        return None
    if values.dtype.kind in "OUS":
        return f"np.eye({size})[np.unique({name}, return_inverse=True)[1]], if they are names of {size} classes"
    is_class = values.dtype.kind in "iub" and values.size > 0 and values.min() >= 0 and values.max() < size
    return f"np.eye({size})[{name}], if they are {size} classes" if is_class else None
