"""Models as values: equality, copies, lookup, printing; a declaration that fails leaves nothing behind."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import gendsl as gd
from gendsl.errors import caller


def build(scale: float = 5.0, name: str = "schools") -> gd.Model:
    m = gd.Model(name)
    school = m.plate("school", coords=["A", "B"])
    sigma = m.data("sigma", dims=school)
    mu = m.latent("mu", gd.Normal(0, scale))
    tau = m.latent("tau", gd.HalfCauchy(5))
    theta = m.latent("theta", gd.Normal(mu, tau), dims=school)
    m.let("effect", theta - mu)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    return m


def test_equal_declarations_are_equal_wherever_they_stand() -> None:
    a, b = build(), build()
    assert a == b
    assert a.graph == b.graph
    assert hash(a.graph) == hash(b.graph)
    assert a != build(scale=4.0)
    assert a != build(name="other")
    assert a != "schools"


def test_order_of_arguments_matters() -> None:
    def make(swap: bool) -> gd.Model:
        m = gd.Model("m")
        x, y = m.data("x"), m.data("y")
        m.let("d", y - x if swap else x - y)
        return m

    assert make(True) != make(False)


@pytest.mark.parametrize("how", [gd.Model.copy, copy.copy, copy.deepcopy], ids=["copy", "copy.copy", "deepcopy"])
def test_copies_are_equal_and_independent(how) -> None:
    a = build()
    b = how(a)
    assert b == a
    b.latent("extra", gd.Normal(b["mu"], 1))
    b.plate("pupil")
    assert b != a
    assert "extra" not in a.graph.sites
    assert "pupil" not in a.graph.plate
    a.latent("extra", gd.Normal(a["mu"], 1))


def test_graph_is_a_snapshot() -> None:
    m = build()
    before = m.graph
    m.latent("extra", gd.Normal(0, 1))
    assert "extra" not in before.sites
    assert len(before.nodes) < len(m.graph.nodes)


def test_from_graph_goes_on_where_it_stopped() -> None:
    m = gd.Model.from_graph(build().graph)
    assert m == build()
    with pytest.raises(gd.ModelError, match="taken"):
        m.latent("mu", gd.Normal(0, 1))
    m.latent("more", gd.Normal(m["mu"], 1), dims="school")


def test_lookup_returns_the_declared_expression() -> None:
    m = gd.Model("m")
    x, mu = m.data("x"), m.latent("mu", gd.Normal(0, 1))
    assert gd.same(m["x"], x)
    assert gd.same(m["mu"], mu)
    assert not gd.same(m["mu"], x)
    assert not gd.same(x + 1, x + 1)
    assert isinstance(x == mu, gd.Expr)
    assert x.name == "x"
    assert (x + 1).name is None


def test_expressions_are_keys() -> None:
    m = gd.Model("m")
    x, y = m.data("x"), m.data("y")
    assert hash(x) == hash(m["x"])
    assert len({id(k): k for k in (x, y)}) == 2


def test_repr_says_what_a_value_is() -> None:
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"), event=(3,), support=gd.positive)
    assert repr(x) == "<x: float, dims (i), event (3,), positive>"
    assert repr(x > 1) == "<x > 1: bool, dims (i), event (3,), 0 or 1>"
    assert repr(gd.exp(x) * 2 + x) == "<exp(x) * 2 + x: float, dims (i), event (3,), positive>"
    assert repr(gd.Normal(m.latent("mu", gd.Normal(0, 1)), 2.5).expand(3)) == "Normal(loc=mu, scale=2.5).expand(3,)"
    assert repr(m.plate("j")) == "<plate j>"
    assert repr(m.axis("k", 4)) == "<axis k, length 4>"
    assert repr(build()).startswith("<model schools: ")


def test_a_declaration_that_fails_leaves_no_trace() -> None:
    m = build()
    before, names = m.graph, dict(m._builder.names)
    failures = [
        lambda: m.plate("bad", size=0),
        lambda: m.axis("bad", 0),
        lambda: m.data("bad", dims="nowhere"),
        lambda: m.param("bad", "text"),
        lambda: m.latent("bad", gd.Normal(m["theta"], 1)),
        lambda: m.observe("bad", gd.Normal(0, 1), dims="school", mask=m["sigma"]),
        lambda: m.observe("bad", gd.Poisson(1.0), dims="school", missing=gd.Missing.IMPUTE),
        lambda: m.let("bad", None),
        lambda: m.factor("bad", m["sigma"] > 0),
    ]
    for fail in failures:
        count = len(m._builder.nodes)
        with pytest.raises(gd.ModelError):
            fail()
        assert {n.name for n in m.graph.nodes[count:]} <= {None}
        assert m._builder.names == names
        assert (m.graph.plates, m.graph.axes) == (before.plates, before.axes)
        assert set(m.graph.inputs) == set(before.inputs)
    m.latent("bad", gd.Normal(0, 1))


def test_missing_observations_add_what_they_need() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    m.observe("a", gd.Normal(0, 1), dims=i, missing=gd.Missing.MASK)
    m.observe("b", gd.Normal(0, 1), dims=i, missing=gd.Missing.IMPUTE)
    assert set(m.graph.inputs) == {"a", "a_observed", "b", "b_observed", "b_missing_position"}
    assert set(m.graph.sites) == {"a", "b", "b_missing"}
    assert m["b_missing"].dims == ("b_missing_element",)


def test_derived_names_give_way() -> None:
    m = gd.Model("m")
    m.data("a_observed")
    m.observe("a", gd.Normal(0, 1), dims=m.plate("i"), missing=gd.Missing.MASK)
    assert set(m.graph.inputs) == {"a_observed", "a", "a_observed_2"}


def test_dates_become_labels() -> None:
    import pandas as pd

    m = gd.Model("m")
    m.plate("day", coords=pd.date_range("2024-02-28", periods=3))
    assert m.graph.plate["day"].coords == ("2024-02-28", "2024-02-29", "2024-03-01")


def test_caller_skips_generated_constructors() -> None:
    here = caller()
    assert here is not None
    assert here.file == __file__
    with pytest.raises(gd.ModelError) as caught:
        gd.NUTS(chains=0)
    assert caught.value.where is not None
    assert caught.value.where.file == __file__


def test_integer_codes_are_looked_up_among_integer_labels() -> None:
    """As pandas aligns: code 2 is the element labelled 2, wherever it stands."""
    import pandas as pd

    from gendsl.data import bind

    m = gd.Model("m")
    g, o = m.plate("g"), m.plate("o")
    m.data("c", dims=o, indexes=g)
    m.data("u", dims=g)
    bound = bind(m.graph, {"c": [1, 2, 1], "u": pd.Series([10.0, 20.0, 30.0], index=[2, 1, 3])})
    np.testing.assert_array_equal(bound.arrays["u"][bound.arrays["c"]], [20.0, 10.0, 20.0])
