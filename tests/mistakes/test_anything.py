"""Whatever is given as data, binding works or says what is wrong: never numpy's or pandas' own error."""

from __future__ import annotations

import datetime
import decimal
import fractions
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import gendsl as gd
from gendsl.data import bind

VALUES: list[object] = [
    *(None, 3, 3.5, True, "a", b"a", 1j, 10**30, -(10**30), 2**64, float("nan"), float("inf"), ""),
    *([], [[]], [1, 2], [1.5, 2], ["a", "b"], ["a", None], [None, None], [1, None], [[1, 2], [3, 4]]),
    *([[1, 2], [3]], [1, [2]], [True, 2], ["1", 2], [np.nan, "a"], [""], [-1, 0], [0, 1], [1e300], [2**63, 1]),
    *({"a": 1}, {1, 2}, iter([1, 2]), range(2), memoryview(b"ab"), bytearray(b"ab"), object(), np, gd, len),
    *(gd.Normal, gd.Normal(0, 1), gd.Model("other"), gd.Model("other").data("x"), gd.Model("other").plate("i")),
    *(np.zeros((2, 2)), np.zeros((2, 2, 2)), np.zeros(0), np.zeros((0, 2)), np.array([np.inf, 1])),
    *(np.array(["a", "b"]), np.array([b"a", b"c"]), np.array([1, 2], object), np.array([[1, 2], 3], object)),
    *(np.array([(1, 2.0)], dtype="i4,f4"), np.array(["2020-01-01"], "M8[D]"), np.array([1], "m8[s]")),
    *(np.float16(3), np.longdouble(3), np.clongdouble(3), np.ma.masked, np.ma.array([1.0, 2], mask=True)),
    *(np.ma.array([1, 2], mask=[1, 0]), np.ma.array(["a", "b"], mask=[1, 0])),
    *(pd.NA, pd.NaT, pd.Timestamp("2020"), datetime.datetime(2020, 1, 1), [fractions.Fraction(1, 2), 1]),
    *(pd.Series([1, 2]), pd.Series(["a", "b"]), pd.Series([1, None]), pd.Series([1, None], dtype="Int64")),
    *(pd.Series([True, None], dtype="boolean"), pd.Series(["a", "z"], dtype="category"), pd.Categorical([])),
    *(pd.Series(["a", None], dtype="category"), pd.Categorical([1, None]), pd.Series([decimal.Decimal(1), 2])),
    *(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), pd.DataFrame({"a": ["x", 2]}), pd.DataFrame(), pd.Index([1, 2])),
    *(pd.MultiIndex.from_tuples([(1, 2), (3, 4)]), pd.array([1, None], dtype="Int64")),
    *(pd.Series([1, 2], index=pd.MultiIndex.from_tuples([(1, 2), (3, 4)])), pd.Series([1, 2], index=[None, "a"])),
    *(pd.Series([1, 2], index=[np.nan, np.nan]), pd.Series([1, 2], index=pd.interval_range(0, 2))),
    *(pd.Series([1, 2], index=pd.period_range("2020", periods=2)), pd.Series([pd.Timedelta(1), pd.NaT])),
    *(xr.DataArray([1, 2], dims="i"), xr.DataArray([1, 2]), xr.DataArray(3), xr.DataArray(["a", "b"], dims="i")),
    *(xr.DataArray([[1, 2], [3, 4]], dims=("j", "i")), xr.Dataset({"x": ("i", [1, 2])}), xr.Variable("i", [1, 2])),
    xr.DataArray([[1, 2], [3, 4]], dims=("i", "q"), coords={"i": ["u", "u"]}),
    xr.DataArray([1, 2], dims="i", coords={"i": [1.5, np.nan]}),
]


def models() -> Iterator[gd.Model]:
    for dims, options in [
        ((), {}),
        ("i", {}),
        (("i", "j"), {}),
        ("i", {"event": 2}),
        ("i", {"dtype": int}),
        ("i", {"dtype": bool}),
        ("i", {"indexes": "c"}),
        ("i", {"indexes": "d"}),
        ("i", {"support": gd.positive}),
        ("i", {"event": 2, "support": gd.simplex}),
        ((), {"dtype": int}),
        ((), {"indexes": "c"}),
    ]:
        m = gd.Model("m")
        for name in "ijc":
            m.plate(name)
        m.plate("d", coords=["a", "b"])
        m.data("x", dims=dims, **options)
        yield m
    for missing in gd.Missing:
        for dist in (gd.Normal(0, 1), gd.Poisson(1.0), gd.Dirichlet([1.0, 1.0]), gd.Bernoulli(0.5)):
            if missing is not gd.Missing.IMPUTE or dist.family.name == "Normal":
                m = gd.Model("m")
                m.observe("x", dist, dims=m.plate("i"), missing=missing)
                yield m


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_anything_as_data(value: object) -> None:
    for m in models():
        error, bound = None, None
        try:
            bound = bind(m.graph, {"x": value})
        except gd.DataError as e:
            error = e
        if bound is None:
            assert error is not None
            assert all((error.given, error.needed, error.fix, error.where)), str(error)
            continue
        x = bound.arrays["x"]
        assert x.dtype in (np.float64, np.int64, np.bool_)
        assert np.isfinite(x).all()
        assert all(size >= 1 for size in bound.sizes.values())
        assert all(len(labels) == bound.sizes[plate] for plate, labels in bound.coords.items())


@pytest.mark.parametrize("data", [v for v in VALUES if not isinstance(v, xr.Dataset)], ids=lambda v: type(v).__name__)
def test_anything_as_the_whole(data: object) -> None:
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))
    with pytest.raises(gd.DataError) as caught:
        bind(m.graph, data)  # type: ignore[arg-type]
    assert all((caught.value.given, caught.value.needed, caught.value.fix))
