"""Models of any family compared on held-out data: the table's figures against those of closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import gendsl as gd
from gendsl import optim
from gendsl.elpd import _sum_error
from tests.predict.exact import fit_of

STILL = gd.Train(steps=1, optimizer=optim.SGD(1e-12), precision=gd.Precision.FLOAT64)
TRAIN, HELD = np.random.default_rng(0).normal(size=20), np.random.default_rng(1).normal(size=12)


def _normal(scale: float, backend: str) -> Any:
    m = gd.Model("normal")
    m.observe("y", gd.Normal(m.param("loc", 0.0), scale), dims=m.plate("row"))
    return m.fit({"y": TRAIN}, STILL, backend=backend, progress=False)


def _by_rows(slope: float, backend: str, factor: bool = False) -> Any:
    """A latent of each row; the exact posterior where the slope is 1/2."""
    m, g = gd.Model("m"), gd.Model("g")
    z = m.latent("z", gd.Normal(0, 1), dims=m.plate("row"))
    m.observe("y", gd.Normal(z, 1.0), dims="row")
    if factor:
        m.factor("nothing", 0.0 * z)
    g.latent("z", gd.Normal(g.param("a", slope) * g.data("y", dims=g.plate("row")), np.sqrt(0.5)), dims="row")
    m.objective(gd.ELBO(guide=g))
    return m.fit({"y": TRAIN}, STILL, backend=backend, progress=False)


def _sampled(backend: str, count: int = 4000) -> Any:
    """mu ~ N(0, 2), y ~ N(mu, 1), with exact draws of the posterior."""
    m = gd.Model("mean")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 2)), 1.0), dims=m.plate("row"))
    v = 1 / (len(TRAIN) + 0.25)
    mu = np.random.default_rng(2).normal(v * TRAIN.sum(), np.sqrt(v), (4, count // 4))
    return fit_of(m, {"y": TRAIN}, backend, {"mu": mu})


def test_held_out_figures_are_those_of_closed_forms(backend: str) -> None:
    fits = {"wide": _normal(3.0, backend), "rows": _by_rows(0.5, backend), "mean": _sampled(backend)}
    table = gd.compare(fits, {"y": HELD})
    v = 1 / (len(TRAIN) + 0.25)
    terms = {
        "wide": norm(0, 3).logpdf(HELD),
        "rows": norm(0, np.sqrt(2)).logpdf(HELD),
        "mean": norm(v * TRAIN.sum(), np.sqrt(1 + v)).logpdf(HELD),
    }
    assert list(table.index) == sorted(terms, key=lambda k: -terms[k].sum()) == ["mean", "rows", "wide"]
    assert list(table["rank"]) == [0, 1, 2]
    for name, own in terms.items():
        exact = name != "mean"
        row, apart, slack = table.loc[name], terms["mean"] - own, 1e-8 if exact else 0.05
        assert row["elpd"] == pytest.approx(own.sum(), abs=slack)
        assert row["se"] == pytest.approx(np.sqrt(12 * own.var(ddof=1)), abs=0.05)
        assert row["elpd_diff"] == pytest.approx(apart.sum(), abs=0.05)
        assert row["dse"] == pytest.approx(np.sqrt(12 * apart.var(ddof=1)), abs=0.05)
    assert table.loc["mean", "mcse"] < 0.05
    assert abs(table.loc["mean", "elpd"] - terms["mean"].sum()) < 4 * table.loc["mean", "mcse"]
    assert list(table["kind"]) == ["estimate", "lower bound", "exact"]


def test_a_bound_of_all_rows_together_has_no_errors(backend: str) -> None:
    """Where a factor stands beside the rows, the bound is of all of them."""
    fits = {"rows": _by_rows(0.5, backend, factor=True), "wide": _normal(3.0, backend)}
    table = gd.compare(fits, {"y": HELD})
    assert table.loc["wide", "elpd"] == pytest.approx(norm(0, 3).logpdf(HELD).sum(), rel=1e-10)
    assert table.loc["rows", "elpd"] == pytest.approx(norm(0, np.sqrt(2)).logpdf(HELD).sum(), rel=1e-10)
    assert np.isnan(table.loc["rows", "se"])
    assert np.isnan(table.loc["wide", "dse"])
    assert table.loc["rows", "dse"] == 0.0


def test_observations_of_a_row_are_one_element(backend: str) -> None:
    """A model of the two columns and one of the rows have terms of the same rows."""
    x = np.random.default_rng(3).normal(size=(9, 2))
    both, apart = gd.Model("both"), gd.Model("apart")
    both.observe("x", gd.Normal(both.param("loc", np.zeros(2)), 1.0), dims=both.plate("row"))
    row, loc = apart.plate("row"), apart.param("loc", 0.0)
    apart.observe("a", gd.Normal(loc, 2.0), dims=row)
    apart.observe("b", gd.Normal(loc, 2.0), dims=row)
    data = {"x": x, "a": x[:, 0], "b": x[:, 1]}
    fits = {
        m.name: m.fit({k: v for k, v in data.items() if k in m.graph.inputs}, STILL, backend=backend, progress=False)
        for m in (both, apart)
    }
    table = gd.compare(fits, data)
    one, two = norm(0, 1).logpdf(x).sum(1), norm(0, 2).logpdf(x).sum(1)
    assert table["dse"].max() == pytest.approx(np.sqrt(9 * (one - two).var(ddof=1)), rel=1e-8)
    assert table.loc["apart", "se"] == pytest.approx(np.sqrt(9 * two.var(ddof=1)), rel=1e-8)


def test_each_model_takes_the_data_that_it_has(backend: str) -> None:
    """A conditional model is compared with one that ignores what it is given."""
    m = gd.Model("line")
    row = m.plate("row")
    m.observe("y", gd.Normal(m.param("b", 0.7) * m.data("x", dims=row), 1.0), dims=row)
    x = np.linspace(-1, 1, 20)
    line = m.fit({"x": x, "y": TRAIN}, STILL, backend=backend, progress=False)
    table = gd.compare({"line": line, "normal": _normal(1.0, backend)}, {"x": x[:12], "y": HELD})
    assert table.loc["line", "elpd"] == pytest.approx(norm(0.7 * x[:12], 1).logpdf(HELD).sum(), rel=1e-8)
    assert table.loc["normal", "elpd"] == pytest.approx(norm(0, 1).logpdf(HELD).sum(), rel=1e-8)


def test_the_error_of_a_sum_of_estimates() -> None:
    """Against the spread of the estimate itself: all elements share their draws."""
    rng, count = np.random.default_rng(0), 200
    errors, sums = [], []
    for _ in range(count):
        mu = 0.3 * rng.standard_normal((1, 900, 1))
        x = norm(mu, 1).logpdf(np.linspace(-2, 2, 15))
        sums.append(np.log(np.exp(x).mean((0, 1))).sum())
        errors.append(_sum_error([x]))
    spread = np.std(sums, ddof=1)
    assert np.mean(errors) == pytest.approx(spread, rel=4 / np.sqrt(2 * count))
    assert spread < 0.2


def test_elements_over_other_plates_are_not_paired(backend: str) -> None:
    """Whatever the order in which they were declared; and a table may have columns that one model has not."""
    fits = {}
    for names in ("yz", "zy"):
        m = gd.Model(names)
        loc = m.param("loc", 0.0)
        for k in names:
            m.observe(k, gd.Normal(loc, 1.0), dims=m.plate(f"row_{k}"))
        fits[names] = m.fit({"y": TRAIN[:4], "z": TRAIN[:4]}, STILL, backend=backend, progress=False)
    y, z = HELD[:5], 3 * HELD[5:10]
    table = gd.compare(fits, {"y": y, "z": z})
    assert table["dse"].max() == pytest.approx(0.0, abs=1e-12)
    each = norm(0, 1).logpdf(np.concatenate([y, z]))
    assert table["se"].iloc[0] == pytest.approx(np.sqrt(10 * each.var(ddof=1)), rel=1e-8)
    m = gd.Model("line")
    row = m.plate("row")
    m.observe("y", gd.Normal(m.param("b", 0.7) * m.data("x", dims=row), 1.0), dims=row)
    line = m.fit({"x": np.ones(20), "y": TRAIN}, STILL, backend=backend, progress=False)
    frame = pd.DataFrame({"x": np.linspace(-1, 1, 12), "y": HELD, "more": 1.0})
    both = {"line": line, "normal": _normal(1.0, backend)}
    pd.testing.assert_frame_equal(gd.compare(both, frame), gd.compare(both, {k: frame[k] for k in "xy"}))
