"""`bind`: missing elements, what stands in for them, and which values are checked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gendsl as gd
from gendsl.data import bind
from gendsl.data.known import evaluate
from gendsl.data.missing import interior
from gendsl.graph.constraints import (
    Circular,
    Counts,
    Integers,
    Interval,
    Sphere,
    boolean,
    corr_cholesky,
    corr_matrix,
    lower_cholesky,
    ordered,
    positive_definite,
    positive_ordered,
    violations,
)

MASK, IMPUTE = gd.Missing.MASK, gd.Missing.IMPUTE


# -- missing ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "y",
    [
        [1.0, np.nan, 3.0],
        [1.0, None, 3.0],
        np.ma.array([1.0, 9.0, 3.0], mask=[False, True, False]),
        np.ma.array([1.0, np.nan, 3.0], mask=[False, True, False]),
        [1.0, np.ma.masked, 3.0],
        pd.Series([1.0, None, 3.0]),
        pd.Series([1, None, 3], dtype="Int64"),
        np.array([1.0, None, 3.0], object),
    ],
    ids=["nan", "None", "masked", "masked-nan", "masked-list", "series", "Int64", "object"],
)
def test_missing_elements_are_masked_and_filled(y: object) -> None:
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing=MASK)
    out = bind(m.graph, {"y": y}).arrays
    assert out["y_observed"].tolist() == [True, False, True]
    assert out["y_observed"].dtype == np.bool_
    assert out["y"].tolist() == [1.0, 3.0, 3.0]


def test_mask_of_complete_data_is_all_true() -> None:
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing=MASK)
    assert bind(m.graph, {"y": [1.0, 2.0]}).arrays["y_observed"].tolist() == [True, True]


def test_one_missing_part_makes_an_element_missing() -> None:
    m = gd.Model("m")
    m.observe("y", gd.Dirichlet(np.ones(2)), dims=m.plate("i"), missing=MASK)
    out = bind(m.graph, {"y": [[np.nan, 0.5], [0.2, 0.8], [0.4, 0.6]]}).arrays
    assert out["y_observed"].tolist() == [False, True, True]
    assert out["y"].tolist() == [[0.4, 0.6], [0.2, 0.8], [0.4, 0.6]]


def test_imputed_elements_are_numbered_in_order() -> None:
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=(m.plate("i"), m.plate("j")), missing=IMPUTE)
    out = bind(m.graph, {"y": [[np.nan, 1.0], [2.0, np.nan], [np.nan, 3.0]]})
    assert out.sizes == {"i": 3, "j": 2, "y_missing_element": 3}
    assert out.arrays["y_observed"].tolist() == [[False, True], [True, False], [False, True]]
    position = out.arrays["y_missing_position"]
    assert position[~out.arrays["y_observed"]].tolist() == [0, 1, 2]
    assert position.dtype == np.int64
    assert set(position.ravel().tolist()) <= {0, 1, 2}


def test_all_missing_is_filled_inside_the_support() -> None:
    for dist in (gd.Gamma(1, 1), gd.Beta(1, 1), gd.Uniform(3, 4), gd.Poisson(1.0), gd.Categorical([0.5, 0.5])):
        m = gd.Model("m")
        m.observe("y", dist, dims=m.plate("i"), missing=MASK)
        y = bind(m.graph, {"y": [None, None]}).arrays["y"]
        assert not violations(y, dist.type.support).any()


def test_missing_counts_are_filled_below_their_own_bound() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    n = m.data("n", dims=i, dtype=int)
    m.observe("y", gd.Binomial(n, probs=0.5), dims=i, missing=MASK)
    m.observe("z", gd.Multinomial(n, probs=[0.5, 0.5]), dims=i, missing=MASK)
    out = bind(m.graph, {"n": [9, 2, 3], "y": [8, None, None], "z": [[4, 5], [np.nan] * 2, [1, 2]]}).arrays
    assert out["y"].tolist()[0] == 8
    assert (out["y"] <= out["n"]).all()
    assert out["z"].sum(-1).tolist() == [9, 2, 3]


def test_missing_values_are_filled_between_bounds_in_the_data() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    low, high = m.data("low", dims=i), m.data("high", dims=i)
    m.observe("y", gd.Uniform(low, high), dims=i, missing=MASK)
    m.observe("z", gd.TruncatedNormal(0, 1, low=low), dims=i, missing=MASK)
    given = {"low": [0.0, 5.0], "high": [1.0, 6.0], "y": [0.5, None], "z": [0.5, None]}
    out = bind(m.graph, given).arrays
    assert 5.0 < out["y"][1] < 6.0
    assert out["z"][1] > 5.0


@pytest.mark.parametrize(
    ("support", "event"),
    [
        (gd.real, ()),
        (gd.positive, (3,)),
        (Interval(2.0, 3.0), ()),
        (Interval(None, -4.0), (2,)),
        (gd.unit_interval, ()),
        (boolean, ()),
        (Integers(3.0, None), ()),
        (Integers(None, -2.0), ()),
        (gd.simplex, (2, 4)),
        (ordered, (3,)),
        (positive_ordered, (3,)),
        (Sphere(), (3,)),
        (Counts(5.0), (3,)),
        (Circular(), ()),
        (corr_cholesky, (3, 3)),
        (lower_cholesky, (2, 3, 3)),
        (corr_matrix, (3, 3)),
        (positive_definite, (3, 3)),
    ],
    ids=str,
)
def test_interior_points_lie_inside(support, event: tuple[int, ...]) -> None:
    point = interior(support, event)
    assert point.shape == event
    assert not violations(point, support).any()


# -- what is checked, and what is not ---------------------------------------------------------------------------------
def test_masked_elements_may_lie_outside() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    keep = m.data("keep", dims=i, dtype=bool)
    m.observe("a", gd.Gamma(1, 1), dims=i, mask=keep)
    m.observe("b", gd.Gamma(1, 1).mask(keep), dims=i)
    given = {"keep": [True, False], "a": [1.0, -1.0], "b": [1.0, -1.0]}
    bind(m.graph, given)
    for name in "ab":
        with pytest.raises(gd.DataError, match="support"):
            bind(m.graph, given | {name: [-1.0, 1.0]})


def test_missing_elements_are_not_checked() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    m.observe("y", gd.Gamma(1, 1), dims=i, missing=MASK)
    bind(m.graph, {"y": np.ma.array([1.0, -1.0], mask=[False, True])})
    with pytest.raises(gd.DataError, match=r"y\[2\] = -2"):
        bind(m.graph, {"y": [1.0, None, -2.0]})


def test_imputed_observations_are_checked_where_they_are_there() -> None:
    m = gd.Model("m")
    m.observe("y", gd.Gamma(1, 1), dims=m.plate("i"), missing=IMPUTE)
    bind(m.graph, {"y": [1.0, None]})
    with pytest.raises(gd.DataError, match=r"y\[2\] = -2"):
        bind(m.graph, {"y": [1.0, None, -2.0]})


@pytest.mark.parametrize(
    ("dist", "inside", "outside"),
    [
        (gd.Beta(1, 1), [0.0, 1.0], [1.1]),
        (gd.Exponential(1), [0.0], [-0.1]),
        (gd.LogNormal(0, 1), [0.1], [0.0]),
        (gd.Uniform(1, 2), [1.0, 2.0], [2.1]),
        (gd.VonMises(0, 1), [-3.0, 3.0], [4.0]),
        (gd.Poisson(1.0), [0, 7], [-1]),
        (gd.Bernoulli(0.5), [0, 1], [2]),
        (gd.OrderedLogistic(0.0, [-1.0, 1.0]), [0, 2], [3]),
        (gd.Mixture([0.5, 0.5], [gd.Gamma(1, 1), gd.LogNormal(0, 1)]), [0.1], [-1.0]),
    ],
    ids=lambda v: repr(v)[:30],
)
def test_supports_of_observations(dist: gd.Distribution, inside: list[float], outside: list[float]) -> None:
    m = gd.Model("m")
    m.observe("y", dist, dims=m.plate("i"))
    bind(m.graph, {"y": inside})
    for bad in outside:
        with pytest.raises(gd.DataError, match="support"):
            bind(m.graph, {"y": [*inside, bad]})


def test_observations_of_a_chain_are_checked() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    m.observe("y", gd.Markov(gd.LogNormal(0, 1), lambda x: gd.LogNormal(gd.log(x), 1), dim=t), dims=t)
    bind(m.graph, {"y": [1.0, 2.0]})
    with pytest.raises(gd.DataError, match=r"y\[1\] = -2"):
        bind(m.graph, {"y": [1.0, -2.0]})


def test_bounds_broadcast_by_name() -> None:
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    n = m.data("n", dims=j, dtype=int)
    m.observe("y", gd.Binomial(n, probs=0.5), dims=(i, j))
    bind(m.graph, {"n": [1, 5], "y": [[1, 5], [0, 4]]})
    with pytest.raises(gd.DataError, match=r"y\[1, 0\] = 2 with n = 1"):
        bind(m.graph, {"n": [1, 5], "y": [[1, 5], [2, 4]]})


def test_random_parameters_are_left_alone() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    s = m.latent("s", gd.HalfNormal(1))
    m.observe("y", gd.Normal(0, gd.exp(x * s)), dims=i)  # where they must be negative: test_signs
    bind(m.graph, {"x": [-1.0, 1.0], "y": [0.0, 0.0]})


def test_known_values_are_numpys_on_broadcast_arrays() -> None:
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    a, b = m.data("a", dims=(i, j), event=2), m.data("b", dims=j)
    late = i >= 1
    out = {
        "sum": a + b,
        "function": gd.exp(a) / (1.0 + gd.square(b)),
        "const": a * np.array([1.0, 10.0]),
        "cut": a[late],
        "let": m.let("w", -a),
        "unknown": a * m.latent("z", gd.Normal(0, 1)),
    }
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4, 2)), rng.normal(size=4)
    known = evaluate(m.graph, {"a": x, "b": y}, [e.node for e in out.values()], {})
    expected = {
        "sum": x + y[None, :, None],
        "function": np.exp(x) / (1 + y[None, :, None] ** 2),
        "const": x * [1.0, 10.0],
        "let": -x,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(known[out[name].node], value, rtol=1e-14)
    cut = known[out["cut"].node]
    dims = out["cut"].dims
    np.testing.assert_array_equal(np.moveaxis(cut, dims.index("i_from_1"), 0), x[1:])
    assert out["unknown"].node not in known
