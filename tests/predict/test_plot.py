"""Pictures of predictive checks hold what was observed and what is predicted."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from gendsl.plot_predictive import plot_predictive
from tests.predict.exact import fit_of, regression_fit


def test_observed_values_stand_at_their_medians_and_outliers_are_counted() -> None:
    draws = np.random.default_rng(0).normal(size=(4, 500, 10)) + np.arange(10)
    y = np.arange(10.0)
    y[[2, 5]] += 50
    figure = plot_predictive({"y": y}, {"y": draws})
    left, right = figure.axes
    assert len(left.lines) == 51  # 50 predicted curves, and the observed one on top
    assert set(left.lines[-1].get_xdata()) >= set(y)
    assert right.get_title(loc="left") == "y: 80 % within their 94 % intervals"
    inside, outside = right.lines
    assert sorted(inside.get_ydata()) == sorted(np.delete(y, [2, 5]))
    assert sorted(outside.get_ydata()) == sorted(y[[2, 5]])


def test_missing_observations_are_left_out() -> None:
    m = gd.Model("gaps")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=m.plate("row"), missing=gd.Missing.MASK)
    fit = fit_of(m, {"y": [1.0, np.nan, 0.5]}, "pyro", {"mu": np.zeros((1, 60))})
    _, right = fit.plot_predictive().axes
    assert sorted(right.lines[0].get_ydata()) == [0.5, 1.0]


def test_few_elements_are_named() -> None:
    m = gd.Model("named")
    row = m.plate("row", coords=["a", "b", "c", "d"])
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1), dims=row), 0.1), dims=row, missing=gd.Missing.MASK)
    mu = np.broadcast_to([3.0, 1.0, 2.0, 0.0], (2, 60, 4))
    fit = fit_of(m, {"y": [3.0, 1.0, np.nan, 0.0]}, "pyro", {"mu": mu})
    _, right = fit.plot_predictive().axes
    assert [t.get_text() for t in right.get_xticklabels()] == ["d", "b", "a"]
    _, right = plot_predictive({"y": np.arange(3.0)}, {"y": np.zeros((1, 9, 3))}).axes
    assert "x" not in "".join(t.get_text() for t in right.get_xticklabels())


def test_pyplot_knows_nothing_of_the_figure() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    assert len(regression_fit("pyro", 400).plot_predictive(["y"]).axes) == 2
    assert plt.get_fignums() == before
