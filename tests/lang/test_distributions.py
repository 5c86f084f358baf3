"""What one draw of each kind of distribution looks like."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.constraints import Counts, Integers, Interval, Ref, boolean, nonnegative_integer
from gendsl.graph.types import DType


def draw(d: gd.Distribution) -> tuple:
    t = d.type
    return t.dims, t.event, t.dtype, t.support


@pytest.mark.parametrize(
    ("dist", "event", "dtype", "support"),
    [
        (gd.Normal(0, 1), (), DType.FLOAT, gd.real),
        (gd.Normal([0, 1, 2], 1), (3,), DType.FLOAT, gd.real),
        (gd.Normal(np.zeros((2, 1)), [1, 1, 1]), (2, 3), DType.FLOAT, gd.real),
        (gd.Normal(0, 1).expand(4), (4,), DType.FLOAT, gd.real),
        (gd.Normal([0, 1], 1).expand(4), (4, 2), DType.FLOAT, gd.real),
        (gd.Normal(0, 1).expand(2).expand(3), (3, 2), DType.FLOAT, gd.real),
        (gd.HalfNormal(1), (), DType.FLOAT, gd.nonnegative),
        (gd.Gamma(1, 1), (), DType.FLOAT, gd.positive),
        (gd.Beta(1, 1), (), DType.FLOAT, gd.unit_interval),
        (gd.Uniform(-1, 2), (), DType.FLOAT, Interval(-1.0, 2.0, (True, True))),
        (gd.TruncatedNormal(0, 1, low=1), (), DType.FLOAT, Interval(1.0, None, (True, True))),
        (gd.TruncatedNormal(0, 1, high=1), (), DType.FLOAT, Interval(None, 1.0, (True, True))),
        (gd.Pareto(2, 1), (), DType.FLOAT, Interval(2.0, None, (True, False))),
        (gd.Bernoulli(0.5), (), DType.INT, boolean),
        (gd.Bernoulli(logits=[0, 1]), (2,), DType.INT, boolean),
        (gd.Poisson(1.0), (), DType.INT, nonnegative_integer),
        (gd.Binomial(5, probs=0.5), (), DType.INT, Integers(0.0, 5.0)),
        (gd.Categorical([0.2, 0.3, 0.5]), (), DType.INT, Integers(0.0, 2.0)),
        (gd.Categorical(logits=np.zeros((4, 3))), (4,), DType.INT, Integers(0.0, 2.0)),
        (gd.OrderedLogistic(0.0, [-1.0, 1.0]), (), DType.INT, Integers(0.0, 2.0)),
        (gd.Dirichlet(np.ones(3)), (3,), DType.FLOAT, gd.simplex),
        (gd.Dirichlet(np.ones(3)).expand(2), (2, 3), DType.FLOAT, gd.simplex),
        (gd.Multinomial(5, probs=[0.5, 0.5]), (2,), DType.INT, Counts(5.0)),
        (gd.MultivariateNormal(np.zeros(3), covariance_matrix=np.eye(3)), (3,), DType.FLOAT, gd.real),
        (gd.MultivariateNormal(np.zeros((2, 3)), scale_tril=np.eye(3)), (2, 3), DType.FLOAT, gd.real),
        (gd.LKJCholesky(3), (3, 3), DType.FLOAT, gd.corr_cholesky),
        (gd.LKJ(2).expand(4), (4, 2, 2), DType.FLOAT, gd.corr_matrix),
        (gd.Wishart(4, covariance_matrix=np.eye(2)), (2, 2), DType.FLOAT, gd.positive_definite),
        (gd.ImproperUniform(gd.ordered, 3), (3,), DType.FLOAT, gd.ordered),
        (gd.Folded(gd.Normal([0, 1], 1)), (2,), DType.FLOAT, gd.nonnegative),
        (gd.ZeroInflated(gd.Poisson(1.0), 0.2), (), DType.INT, nonnegative_integer),
        (gd.Normal(0, 1).mask(True), (), DType.FLOAT, gd.real),
    ],
    ids=lambda v: repr(v)[:40],
)
def test_draws_of_constants(dist: gd.Distribution, event, dtype, support) -> None:
    assert draw(dist) == ((), event, dtype, support)


@pytest.mark.parametrize(
    ("dist", "event", "support"),
    [
        (gd.Mixture([0.5, 0.5], gd.Normal([0, 1], 1)), (), gd.real),
        (gd.Mixture([0.5, 0.5], gd.Normal(np.zeros((3, 2)), 1)), (3,), gd.real),
        (gd.Mixture([0.5, 0.5], [gd.Normal(0, 1), gd.StudentT(3.0)]), (), gd.real),
        (gd.Mixture([0.2, 0.3, 0.5], [gd.Poisson(k) for k in (1.0, 2.0, 3.0)]), (), nonnegative_integer),
        (gd.Mixture([0.5, 0.5], gd.MultivariateNormal(np.zeros((2, 3)), scale_tril=np.eye(3))), (3,), gd.real),
    ],
    ids=lambda v: repr(v)[:40],
)
def test_mixtures(dist: gd.Distribution, event, support) -> None:
    assert (dist.type.event, dist.type.support) == (event, support)


def test_dims_come_from_the_parameters() -> None:
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    a, s = m.data("a", dims=i), m.data("s", dims=j, support=gd.positive)
    assert gd.Normal(a, s).type.dims == ("i", "j")
    assert gd.Normal(a, 1).mask(s > 1).type.dims == ("i", "j")
    w = m.latent("w", gd.Dirichlet(np.ones(2)), dims=i)
    assert gd.Mixture(w, gd.Normal(gd.stack([s, -s]), 1)).type.dims == ("i", "j")


def test_a_list_of_expressions_is_stacked() -> None:
    m = gd.Model("m")
    a, b = m.latent("a", gd.Normal(0, 1)), m.latent("b", gd.Normal(0, 1), dims=m.plate("i"))
    t = gd.Categorical(logits=[a, b, 0.0]).type
    assert (t.dims, t.event, t.support) == (("i",), (), Integers(0.0, 2.0))


def test_bounds_that_depend_on_a_value_refer_to_it() -> None:
    m = gd.Model("m")
    high = m.latent("high", gd.HalfNormal(1))
    x = m.latent("x", gd.Uniform(0.0, high))
    assert isinstance(x.support, Interval)
    assert (x.support.lower, x.support.upper) == (0.0, Ref(high.node))
    n = m.data("n", dtype=int)
    assert m.observe("y", gd.Binomial(n, probs=0.5)).dtype is DType.INT
    observed = m.graph.nodes[m.graph.sites["y"]]
    assert observed.type.support == Integers(0.0, Ref(n.node))


def test_integers_are_made_floats_where_floats_are_needed() -> None:
    m = gd.Model("m")
    n = m.data("n", dtype=int)
    m.latent("x", gd.Normal(n, 1))
    (dist,) = [k for k in m.graph.nodes if k.op == "dist.Normal"]
    assert m.graph.nodes[dist.args[0]].op == "to_float"


def test_named_axes_follow_the_expansion() -> None:
    m = gd.Model("m")
    k = m.axis("k", 3)
    m.latent("b", gd.Normal(0, 1).expand(k))
    assert m["b"].event == (3,)
    assert m.graph.nodes[m["b"].node].attr["axes"] == ("k",)


@pytest.mark.parametrize(
    ("name", "args"), [("Normal", ()), ("HalfNormal", ()), ("Exponential", ()), ("Cauchy", ()), ("Uniform", ())]
)
def test_defaults_are_the_standard_ones(name: str, args: tuple) -> None:
    assert getattr(gd, name)(*args).type.event == ()


def test_expand_leaves_the_original_alone() -> None:
    d = gd.Normal(0, 1)
    d.expand(3)
    assert d.type.event == ()


def test_log_prob_has_one_number_for_each_draw() -> None:
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"), event=3)
    out = gd.MultivariateNormal(np.zeros(3), scale_tril=np.eye(3)).log_prob(x)
    assert (out.dims, out.event, out.dtype) == (("i",), (), DType.FLOAT)
