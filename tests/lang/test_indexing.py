"""Types of indices, gathers, cuts, lags and copies. Event indices are compared with numpy's own."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.types import DType


@pytest.fixture
def m() -> gd.Model:
    m = gd.Model("m")
    county, state, obs = m.plate("county"), m.plate("state"), m.plate("obs")
    m.data("ci", dims=obs, indexes=county)
    m.data("si", dims=obs, indexes=state)
    m.data("sc", dims=county, indexes=state)
    m.data("k", dtype=int)
    m.latent("theta", gd.Normal(0, 1), dims=county)
    m.latent("w", gd.Normal(0, 1).expand(3), dims=county)
    m.latent("pair", gd.Normal(0, 1), dims=(county, state))
    m.latent("p", gd.Dirichlet(np.ones(4)), dims=county)
    return m


# -- gathers ----------------------------------------------------------------------------------------------------------
def test_gather_replaces_the_dim(m: gd.Model) -> None:
    out = m["theta"][m["ci"]]
    assert (out.dims, out.event, out.dtype) == (("obs",), (), DType.FLOAT)


def test_gather_keeps_event_axes_and_support(m: gd.Model) -> None:
    assert m["w"][m["ci"]].event == (3,)
    out = m["p"][m["ci"]]
    assert (out.dims, out.event, out.support) == (("obs",), (4,), gd.simplex)


def test_gather_of_one_of_two_dims_keeps_the_other(m: gd.Model) -> None:
    assert set(m["pair"][m["ci"]].dims) == {"state", "obs"}
    assert set(m["pair"][:, m["si"]].dims) == {"county", "obs"}


def test_gather_of_both_dims_pairs_the_indices(m: gd.Model) -> None:
    assert m["pair"][m["ci"], m["si"]].dims == ("obs",)


def test_gather_through_two_levels(m: gd.Model) -> None:
    m.latent("top", gd.Normal(0, 1), dims="state")
    assert m["top"][m["sc"]][m["ci"]].dims == ("obs",)


def test_gather_by_a_scalar_takes_the_dim_away(m: gd.Model) -> None:
    assert m["theta"][m["k"]].dims == ()
    assert m["theta"][0].dims == ()
    assert m["pair"][0].dims == ("state",)
    assert m["pair"][0, 1].dims == ()


def test_gather_by_a_list_makes_an_event_axis(m: gd.Model) -> None:
    out = m["theta"][[0, 2, 1, 0]]
    assert (out.dims, out.event) == ((), (4,))
    out = m["w"][np.array([0, 1], dtype=np.uint8)]
    assert (out.dims, out.event) == ((), (2, 3))


def test_gather_by_a_latent_category(m: gd.Model) -> None:
    z = m.latent("z", gd.Categorical([0.2, 0.3, 0.5]), dims="obs")
    mu = m.latent("mu", gd.Normal(0, 1).expand(3))
    assert (mu[z].dims, mu[z].event) == (("obs",), ())


# -- event axes -------------------------------------------------------------------------------------------------------
KEYS = [
    0,
    -1,
    np.s_[1:],
    np.s_[:-1],
    np.s_[::2],
    np.s_[..., 0],
    np.s_[0, 1:],
    np.s_[:, 0],
    np.s_[..., None],
    np.s_[None, ...],
    np.s_[0, ..., 1],
    np.s_[[0, 1]],
    np.s_[[0, 1], [1, 2]],
    np.s_[:, [0, 2, 1]],
    np.s_[::-1],
    np.s_[0, [0, 2]],
    np.s_[..., [0, 2]],
    np.s_[:, None, [0, 1]],
    np.s_[:, np.array([[0, 1], [1, 2]])],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_event_indices_are_numpys(key, shape: tuple[int, ...]) -> None:
    m = gd.Model("m")
    assert m.data("x", event=shape)[key].event == np.zeros(shape)[key].shape


@pytest.mark.parametrize(
    "key", [np.s_[0, :, [0, 2]], np.s_[:, 0, [0, 2]], np.s_[[0, 1], :, [1, 2]], np.s_[:, [0, 1], 0]]
)
def test_separated_indices_are_numpys(key) -> None:
    m = gd.Model("m")
    assert m.data("x", event=(2, 3, 4))[key].event == np.zeros((2, 3, 4))[key].shape


def test_event_indices_come_after_the_dims(m: gd.Model) -> None:
    assert (m["w"][:, 0].dims, m["w"][:, 0].event) == (("county",), ())
    assert m["w"][..., 1:].event == (2,)
    assert m["w"][m["ci"], 0].event == ()


def test_unpacking(m: gd.Model) -> None:
    a, b, c = gd.stack([m["theta"], 1.0, 2.0])
    assert a.dims == b.dims == c.dims == ("county",)
    assert len(m["w"]) == 3


# -- cuts and lags ----------------------------------------------------------------------------------------------------
@pytest.fixture
def series() -> tuple[gd.Model, gd.Plate, gd.Expr]:
    m = gd.Model("series")
    t = m.plate("t", size=10)
    return m, t, m.data("y", dims=t, event=2, support=gd.positive)


def shift(m: gd.Model, x: gd.Expr) -> tuple[int, int]:
    """How many elements the cut that made x drops at the front and at the end."""
    node = m.graph.nodes[m.graph.nodes[x.node].args[0]]
    return node.attr["start"], node.attr["stop"]


def test_cut(series) -> None:
    m, t, y = series
    late = t >= 3
    out = y[late]
    assert (out.dims, out.event, out.support) == (("t_from_3",), (2,), gd.positive)
    assert shift(m, out) == (3, 0)
    assert m.graph.plate["t_from_3"].base == "t"
    assert y[t[:-2]].dims == ("t_drop_2",)
    assert shift(m, y[t[1:-2]]) == (1, 2)


def test_the_same_cut_is_the_same_plate(series) -> None:
    m, t, y = series
    (y[t >= 2] + y[t > 1] + y[t[2:]]).sum()
    assert [p.name for p in m.graph.plates] == ["t", "t_from_2"]
    assert (t >= 0) is t


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_lag_drops_what_is_left_at_the_end(series, k: int) -> None:
    m, t, y = series
    late = t >= 3
    out = gd.lag(y, k, late)
    assert out.dims == ("t_from_3",)
    assert shift(m, out) == (3 - k, k)


def test_cut_of_a_cut_counts_from_the_first_plate(series) -> None:
    m, t, y = series
    later = (t >= 2) >= 1
    assert shift(m, y[later]) == (3, 0)
    assert shift(m, y[t >= 2][later]) == (1, 0)


def test_index_and_size_of_a_plate(series) -> None:
    _, t, _ = series
    assert (t.index.dims, t.index.dtype) == (("t",), DType.INT)
    assert (t.size.dims, t.size.dtype) == ((), DType.INT)


# -- copies -----------------------------------------------------------------------------------------------------------
def test_rename_makes_pairs(m: gd.Model) -> None:
    theta = m["theta"]
    other = theta.rename(county="county2")
    assert other.dims == ("county2",)
    assert (theta - other).dims == ("county", "county2")
    copy = m.graph.plate["county2"]
    assert (copy.base, copy.start, copy.stop) == ("county", 0, 0)
    assert theta.rename(county="county2").dims == ("county2",)
    assert (theta - other).sum(dim="county2").dims == ("county",)


def test_a_copy_is_indexed_like_its_base(m: gd.Model) -> None:
    assert m["theta"].rename(county="county2")[m["ci"]].dims == ("obs",)


def test_the_name_of_a_copy_is_taken(m: gd.Model) -> None:
    m["theta"].rename(county="county2")
    with pytest.raises(gd.ModelError, match="taken"):
        m.latent("county2", gd.Normal(0, 1))
