"""An index on a plate, where an element of each row's event was meant, is warned of at its line."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import gendsl as gd

Made = Callable[[gd.Model, Any, Any], Any]

SLIPS: dict[str, tuple[Made, str]] = {
    "one number": (lambda m, x, r: gd.Normal(m.network("net", gd.MLP(()))(x)[..., 0], 0.1), "leave the index out"),
    "two outputs": (lambda m, x, r: _two(m.network("net", gd.MLP(2))(x)), "elements of an event are [..., 0]"),
    "data": (lambda m, x, r: gd.Normal(m.param("b", 1.0) * x[0], 0.1), "elements of an event are [..., 0]"),
    "within an expression": (lambda m, x, r: gd.Normal(gd.exp(x[3]) + 1.0, 0.1), "[3]"),
}


def _two(h: Any) -> Any:
    return gd.Normal(h[0], gd.softplus(h[1]))


MEANT: dict[str, Made] = {
    "unpacked": lambda m, x, r: gd.Normal(*_positive(m.network("net", gd.MLP(2))(x))),
    "event": lambda m, x, r: gd.Normal(x[..., 0], 0.1),
    "a first row that others are compared with": lambda m, x, r: gd.Normal(x[..., 0] - x[0, 0], 0.1),
    "another plate": lambda m, x, r: gd.Normal(m.latent("z", gd.Normal(0, 1), dims=m.plate("k", size=2))[1], 0.1),
    "a recorded one, which is named on purpose": lambda m, x, r: gd.Normal(m.let("first", x[0, 0]), 0.1),
    "a vector": lambda m, x, r: gd.Normal(m.param("b", [1.0, 2.0])[0], 0.1),
    "a latent that reads one": lambda m, x, r: gd.Normal(m.latent("z", gd.Normal(x[0, 0], 1.0)), 0.1),
}


def _positive(h: Any) -> Any:
    a, b = h
    return a, gd.softplus(b)


def _declare(make: Made) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=2)
    m.observe("y", make(m, x, row), dims=row)


@pytest.mark.parametrize("name", SLIPS)
def test_an_index_on_the_rows_is_warned_of(name: str) -> None:
    make, said = SLIPS[name]
    with pytest.warns(gd.GendslWarning, match="'y' is over 'row', and has the distribution of element") as found:
        _declare(make)
    assert said in str(found[0].message)
    assert found[0].filename == __file__


@pytest.mark.parametrize("name", MEANT)
def test_what_may_be_meant_is_not(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _declare(MEANT[name])
