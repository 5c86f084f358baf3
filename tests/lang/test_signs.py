"""A parameter that the signs of the data make negative, whatever the latents are, is refused; nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.data import bind, known

X, Y = np.array([1.0, 2.0, -1.0]), np.array([0, 1, 0])
Rate = Callable[[Any, Any, Any], Any]


def _bind(rate: Rate, x: np.ndarray, family: Callable[[Any], Any] = gd.Poisson, **options: Any) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x_, k, b = m.data("x", dims=row), m.latent("k", gd.HalfNormal(1)), m.latent("b", gd.Normal(0, 1))
    m.observe("y", family(rate(k, x_, b)), dims=row, **{k: v(x_) for k, v in options.items()})
    bind(m.graph, {"x": x, "y": Y})


@pytest.mark.parametrize(
    ("rate", "x", "words"),
    [
        (lambda k, x, b: k * x, X, "node 'x'"),
        (lambda k, x, b: k * x, X, "1 of 3 negative whatever the latents are, the first that of y[2], where x[2] = -1"),
        (lambda k, x, b: gd.exp(b) * x / (k + 1), X, "where x[2] = -1"),
        (lambda k, x, b: -k * x, -X, "where x[2] = 1"),
        (lambda k, x, b: k * x + x * gd.softplus(b), X, "where x[2] = -1"),
        (lambda k, x, b: k * (x - 0.5), np.array([1, 0.2, 1]), "where x - 0.5 at [1] = -0.3"),
        (lambda k, x, b: gd.log_sigmoid(b) * k + 0 * x, np.zeros(3), "3 of 3 negative"),
        (lambda k, x, b: -gd.exp(b * x) * x, -X, "1 of 3 negative whatever the latents are, the first that of y[2]"),
        (lambda k, x, b: -gd.exp(b * x) * x, X, "the first that of y[0], where x[0] = 1"),
        (lambda k, x, b: -gd.exp(b * gd.mean(x, dim="row")) * x, X, "the first that of y[0], where x[0] = 1"),
    ],
)
def test_what_must_be_negative_is_refused(rate: Rate, x: np.ndarray, words: str) -> None:
    with pytest.raises(gd.DataError, match="used as 'rate' of 'y'") as e:
        _bind(rate, x)
    assert words in str(e.value)


@pytest.mark.parametrize(
    "rate",
    [
        lambda k, x, b: -gd.exp(b * x),
        lambda k, x, b: -k * gd.exp(x * b),
        lambda k, x, b: gd.log_sigmoid(b * x),
        lambda k, x, b: gd.log_ndtr(x * b) * k,
        lambda k, x, b: -gd.exp(b),
    ],
)
def test_what_is_negative_for_all_data_blames_none(rate: Rate) -> None:
    with pytest.raises(gd.DataError, match=r"node 'y'.*used as 'rate' of 'y'") as e:
        _bind(rate, X)
    assert "negative whatever the latents and the data are" in str(e.value)
    assert "fix:    wrap it: gd.exp(" in str(e.value)


@pytest.mark.parametrize(
    ("rate", "x"),
    [
        (lambda k, x, b: k * x, np.abs(X)),
        (lambda k, x, b: k * x, np.array([1.0, 0.0, 1.0])),  # a rate of zero where nothing is counted
        (lambda k, x, b: k * x * x, X),
        (lambda k, x, b: -k * x, -np.abs(X)),
        (lambda k, x, b: k + k * x, X),
        (lambda k, x, b: gd.exp(b * x), X),
        (lambda k, x, b: gd.where(x > 0, k * x, 1.0), X),
        (lambda k, x, b: gd.maximum(k * x, 0.1), X),
    ],
)
def test_what_may_be_right_is_let_pass(rate: Rate, x: np.ndarray) -> None:
    _bind(rate, x)


def test_what_is_masked_is_let_pass() -> None:
    _bind(lambda k, x, b: k * x, X, mask=lambda x: x > 0)


def test_groups_and_events() -> None:
    m = gd.Model("m")
    group, row = m.plate("group", 3), m.plate("row")
    at, x = m.data("at", dims=row, indexes=group), m.data("x", dims=row, event=2)
    k = m.latent("k", gd.Gamma(1, 1), dims=group)
    m.observe("y", gd.Normal(0.0, k[at] * x), dims=row)
    data = {"at": [0, 1, 2, 0], "x": np.ones((4, 2)), "y": np.zeros((4, 2))}
    bind(m.graph, data)
    data["x"] = np.array([[1, 1], [1, 1], [1, -3], [1, 1.0]])
    with pytest.raises(gd.DataError, match=r"used as 'scale' of 'y' \(Normal\)") as e:
        bind(m.graph, data)
    assert "1 of 8 negative whatever the latents are, the first that of y[2, 1], where x[2, 1] = -3" in str(e.value)


def test_the_graph_is_evaluated_once_for_all_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each of them makes a bind quadratic in the number of sites."""
    walks: list[int] = []
    evaluate = known.values.evaluate
    monkeypatch.setattr(known.values, "evaluate", lambda *a, **k: walks.append(1) or evaluate(*a, **k))

    def bound(sites: int) -> int:
        m = gd.Model("m")
        for i in range(sites):
            m.observe(f"y{i}", gd.Normal(0, 2 * m.data(f"x{i}") * m.latent(f"s{i}", gd.HalfNormal(1))))
        walks.clear()
        bind(m.graph, {f"{k}{i}": 1.0 for k in "xy" for i in range(sites)})
        return len(walks)

    assert bound(20) == bound(2)


def test_what_stands_in_for_missing_elements_is_not_judged() -> None:
    """The first value that is there, -1, stands in for the missing one, whose element of y does not count."""
    m = gd.Model("m")
    row = m.plate("row")
    x = m.observe("x", gd.Normal(0, 1), dims=row, missing=gd.Missing.MASK)
    k = m.latent("k", gd.HalfNormal(1))
    m.observe("y", gd.Poisson(k * x), dims=row, mask=m.data("seen", dims=row, dtype=bool))
    data = {"x": [-1.0, np.nan, 2.0], "y": [0, 1, 0], "seen": [False, False, True]}
    bind(m.graph, data)
    with pytest.raises(gd.DataError, match=r"node 'x'.*'y' is computed from 'x', of which elements are missing"):
        bind(m.graph, {**data, "seen": [False, True, True]})
