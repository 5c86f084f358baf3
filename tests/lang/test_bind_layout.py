"""`bind`: layout, sizes, labels and indices of data that fit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import gendsl as gd
from gendsl.data import Bound, bind


def one(value: object, dims: int = 1, dtype: type = float, **options: object) -> np.ndarray:
    """The bound array of a data node over plates p0, p1, ..."""
    m = gd.Model("m")
    m.data("x", dims=[m.plate(f"p{k}") for k in range(dims)], dtype=dtype, **options)
    return bind(m.graph, {"x": value}).arrays["x"]


# -- what can be given ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        range(1, 4),
        np.array([1, 2, 3], np.int8),
        np.array([1, 2, 3], np.float32),
        np.array([1, 2, 3], np.uint64),
        np.array([1, 2, 3], object),
        np.ma.array([1, 2, 3]),
        [np.float64(1), np.int32(2), 3],
        pd.Series([1, 2, 3]),
        pd.Series([1, 2, 3], dtype="Int64"),
        pd.Series([1, 2, 3], dtype="Float32"),
        pd.Series([1, 2, 3], index=["a", "b", "c"]),
        pd.Index([1, 2, 3]),
        pd.array([1, 2, 3]),
        xr.DataArray([1, 2, 3], dims="p0"),
        np.array([[1, 2, 3]])[0],
    ],
    ids=lambda v: type(v).__name__,
)
def test_vectors(value: object) -> None:
    out = one(value)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("value", [2, 2.0, True + 1, np.float32(2), np.array(2), xr.DataArray(2.0)])
def test_scalars(value: object) -> None:
    out = one(value, dims=0)
    assert (out.shape, out.dtype) == ((), np.float64)
    assert out == 2.0


@pytest.mark.parametrize(
    ("value", "dtype", "kind"),
    [
        ([1.0, 2.0], int, np.int64),
        ([True, False], int, np.int64),
        (np.array([1, 2], np.uint8), int, np.int64),
        (pd.Series([1, 0], dtype="boolean"), bool, np.bool_),
        ([1, 0], bool, np.bool_),
        ([True, False], float, np.float64),
        ([True, False], bool, np.bool_),
    ],
)
def test_dtypes_follow_the_declaration(value: object, dtype: type, kind: type) -> None:
    out = one(value, dtype=dtype)
    assert out.dtype == kind
    np.testing.assert_array_equal(out, np.asarray(value, kind))


def test_matrices_and_events() -> None:
    table = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(one(pd.DataFrame(table), dims=2), table)
    np.testing.assert_array_equal(one(table.tolist(), dims=1, event=3), table)
    np.testing.assert_array_equal(one(table, dims=0, event=(2, 3)), table)


def test_a_table_or_dataset_holds_all_data() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    m.observe("y", gd.Normal(x, 1), dims=i)
    columns = {"x": [1.0, 2.0], "y": [3.0, 4.0]}
    for data in (columns, pd.DataFrame(columns), xr.Dataset({k: ("i", v) for k, v in columns.items()})):
        np.testing.assert_array_equal(bind(m.graph, data).arrays["y"], [3.0, 4.0])


def test_the_users_arrays_are_left_alone() -> None:
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing=gd.Missing.MASK)
    y = np.array([1.0, np.nan, 3.0])
    out = bind(m.graph, {"y": y}).arrays["y"]
    assert np.isfinite(out).all()
    assert np.isnan(y[1])


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, gendsl as gd; from gendsl.data import bind\n"
        "m = gd.Model('m'); m.observe('y', gd.Normal(0, 1), dims=m.plate('i')); bind(m.graph, {'y': [1, 2]})\n"
        "print([k for k in ('pandas', 'xarray', 'torch', 'jax', 'scipy') if k in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# -- xarray: axes by name ---------------------------------------------------------------------------------------------
def test_xarray_axes_are_put_into_the_declared_order() -> None:
    m = gd.Model("m")
    i, j, k = m.plate("i"), m.plate("j"), m.axis("k", 4)
    m.data("x", dims=(i, j), event=(k, 5))
    value = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    given = xr.DataArray(value, dims=("i", "j", "k", "other")).transpose("k", "other", "j", "i")
    bound = bind(m.graph, {"x": given})
    np.testing.assert_array_equal(bound.arrays["x"], value)
    assert bound.arrays["x"].flags.c_contiguous
    assert bound.sizes == {"i": 2, "j": 3}


def test_xarray_coords_are_taken() -> None:
    m = gd.Model("m")
    i, k = m.plate("i"), m.axis("k", 2)
    m.data("x", dims=i, event=k)
    x = xr.DataArray(np.zeros((2, 3)), dims=("k", "i"), coords={"k": ["u", "v"], "i": [10, 20, 30]})
    coords = bind(m.graph, {"x": x}).coords
    assert coords["k"].tolist() == ["u", "v"]
    assert coords["i"].tolist() == [10, 20, 30]


# -- sizes ------------------------------------------------------------------------------------------------------------
def test_sizes_of_plates_copies_and_cuts() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    x = m.data("x", dims=t)
    late, middle = t >= 2, t[1:-1]
    m.factor("f", x[late].sum(dim=late) + x[middle].sum(dim=middle) + (x * x.rename(t="s")).sum(dim=(t, "s")))
    assert bind(m.graph, {"x": np.zeros(7)}).sizes == {"t": 7, "t_from_2": 5, "t_from_1_drop_1": 5, "s": 7}


def test_a_cut_tells_the_size_of_its_base() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    m.data("x", dims=t >= 2)
    assert bind(m.graph, {"x": np.zeros(5)}).sizes == {"t": 7, "t_from_2": 5}


def test_plates_without_a_size_are_left_out() -> None:
    m = gd.Model("m")
    m.plate("unused")
    m.plate("known", size=3)
    assert bind(m.graph, {}).sizes == {"known": 3}


# -- labels -----------------------------------------------------------------------------------------------------------
def pair(x: object, y: object, **plate: object) -> Bound:
    m = gd.Model("m")
    i = m.plate("i", **plate)
    m.data("x", dims=i)
    m.data("y", dims=i)
    return bind(m.graph, {"x": x, "y": y})


def test_labels_align_by_what_they_say() -> None:
    x = pd.Series([1.0, 2.0, 3.0], index=["a", "b", "c"])
    out = pair(x, x[["c", "a", "b"]])
    np.testing.assert_array_equal(out.arrays["x"], out.arrays["y"])
    assert out.coords["i"].tolist() == ["a", "b", "c"]


def test_declared_labels_give_the_order() -> None:
    x = pd.Series([1.0, 2.0, 3.0], index=["a", "b", "c"])
    out = pair(x, [7.0, 8.0, 9.0], coords=["c", "b", "a"])
    np.testing.assert_array_equal(out.arrays["x"], [3.0, 2.0, 1.0])
    np.testing.assert_array_equal(out.arrays["y"], [7.0, 8.0, 9.0])
    assert out.coords["i"].tolist() == ["c", "b", "a"]


def test_a_default_index_is_no_label() -> None:
    out = pair(pd.Series([1.0, 2.0]), pd.Series([3.0, 4.0], index=["a", "b"]))
    np.testing.assert_array_equal(out.arrays["x"], [1.0, 2.0])
    assert out.coords["i"].tolist() == ["a", "b"]
    assert pair(pd.Series([1.0, 2.0]), [3.0, 4.0]).coords == {}


def test_a_sorted_table_and_its_original_are_not_mixed_up() -> None:
    table = pd.DataFrame({"x": [3.0, 1.0, 2.0]})
    out = pair(table["x"], table["x"].sort_values())
    np.testing.assert_array_equal(out.arrays["x"], out.arrays["y"])


def test_a_filtered_index_stays_as_it_is() -> None:
    table = pd.DataFrame({"x": [1.0, -1.0, 2.0], "y": [1.0, 2.0, 3.0]})
    kept = table[table.x > 0]
    out = pair(kept.x, kept.y)
    np.testing.assert_array_equal(out.arrays["y"], [1.0, 3.0])
    assert out.coords["i"].tolist() == [0, 2]


def test_missing_marks_move_with_their_labels() -> None:
    m = gd.Model("m")
    i = m.plate("i", coords=["a", "b"])
    m.observe("y", gd.Normal(0, 1), dims=i, missing=gd.Missing.MASK)
    out = bind(m.graph, {"y": pd.Series([1.0, np.nan], index=["b", "a"])})
    assert out.arrays["y_observed"].tolist() == [False, True]


def test_labels_of_cuts_and_copies() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    x = m.data("x", dims=t)
    m.factor("f", (x[t[1:-1]].sum(dim="t_from_1_drop_1")) + x.rename(t="s").sum(dim="s"))
    coords = bind(m.graph, {"x": pd.Series(np.zeros(4), index=list("abcd"))}).coords
    assert {k: "".join(v) for k, v in coords.items()} == {"t": "abcd", "t_from_1_drop_1": "bc", "s": "abcd"}


def test_columns_label_a_named_axis() -> None:
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"), event=m.axis("p", 2))
    coords = bind(m.graph, {"x": pd.DataFrame({"height": [1.0], "weight": [2.0]})}).coords
    assert coords["p"].tolist() == ["height", "weight"]


def test_dates_are_labels() -> None:
    days = pd.date_range("2024-02-28", periods=2)
    x = pd.Series([1.0, 2.0], index=days)
    assert pair(x, [1, 2]).coords["i"].dtype.kind == "M"
    np.testing.assert_array_equal(pair(x[::-1], [1, 2], coords=days).arrays["x"], [1.0, 2.0])


# -- indices ----------------------------------------------------------------------------------------------------------
def index(value: object, u: object = None, **plate: object) -> Bound:
    m = gd.Model("m")
    county, obs = m.plate("county", **plate), m.plate("obs")
    m.data("k", dims=obs, indexes=county)
    if u is not None:
        m.data("u", dims=county)
    return bind(m.graph, {"k": value} | ({} if u is None else {"u": u}))


LETTERS = ["B", "A", "C", "A"]


@pytest.mark.parametrize(
    "value",
    [LETTERS, np.array(LETTERS), pd.Series(LETTERS), pd.Categorical(LETTERS), pd.Series(LETTERS, dtype="category")],
    ids=["list", "array", "series", "categorical", "series-category"],
)
def test_labels_become_positions(value: object) -> None:
    out = index(value)
    assert out.arrays["k"].tolist() == [1, 0, 2, 0]
    assert out.arrays["k"].dtype == np.int64
    assert out.coords["county"].tolist() == ["A", "B", "C"]
    assert out.sizes == {"county": 3, "obs": 4}


def test_categories_give_the_order_and_the_size() -> None:
    out = index(pd.Categorical(["low", "high"], categories=["low", "mid", "high"]))
    assert out.arrays["k"].tolist() == [0, 2]
    assert out.coords["county"].tolist() == ["low", "mid", "high"]
    assert out.sizes["county"] == 3


def test_labels_are_looked_up_in_those_of_the_plate() -> None:
    assert index(LETTERS, coords=["C", "B", "A"]).arrays["k"].tolist() == [1, 2, 0, 2]
    u = pd.Series([0.1, 0.2, 0.3, 0.4], index=["C", "D", "A", "B"])
    assert index(LETTERS, u).arrays["k"].tolist() == [3, 2, 0, 2]
    assert index(pd.Categorical(LETTERS), u).arrays["k"].tolist() == [3, 2, 0, 2]


def test_integer_categories_are_labels() -> None:
    out = index(pd.Categorical([2002, 2001, 2002]))
    assert out.arrays["k"].tolist() == [1, 0, 1]
    assert out.coords["county"].tolist() == [2001, 2002]


def test_two_indices_share_their_labels() -> None:
    m = gd.Model("m")
    team, game = m.plate("team"), m.plate("game")
    m.data("home", dims=game, indexes=team)
    m.data("away", dims=game, indexes=team)
    out = bind(m.graph, {"home": ["B", "A"], "away": ["C", "B"]})
    assert (out.arrays["home"].tolist(), out.arrays["away"].tolist()) == ([1, 0], [2, 1])
    assert out.sizes["team"] == 3


def test_integers_give_the_size_failing_all() -> None:
    assert index([0, 4, 2]).sizes["county"] == 5
    assert index([0, 1], size=7).sizes["county"] == 7
    assert index([0, 1], [0.1, 0.2, 0.3]).sizes["county"] == 3
    assert index(np.array([0.0, 2.0])).arrays["k"].tolist() == [0, 2]


def test_several_integer_indices_give_the_largest_size() -> None:
    m = gd.Model("m")
    team, game = m.plate("team"), m.plate("game")
    m.data("home", dims=game, indexes=team)
    m.data("away", dims=game, indexes=team)
    assert bind(m.graph, {"home": [0, 1], "away": [3, 0]}).sizes["team"] == 4


def test_an_index_into_a_copy_is_one_into_its_base() -> None:
    m = gd.Model("m")
    i, obs = m.plate("i", size=3), m.plate("obs")
    theta = m.latent("theta", gd.Normal(0, 1), dims=i)
    m.factor("f", (theta * theta.rename(i="j")).sum(dim=("i", "j")))
    m.data("k", dims=obs, indexes="j")
    assert bind(m.graph, {"k": [0, 2]}).arrays["k"].tolist() == [0, 2]
