"""Labels of plates and axes: numbers, dates or strings, compared as what they say."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np

__all__ = ["Labels", "clean", "keys", "near", "repeated"]


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
