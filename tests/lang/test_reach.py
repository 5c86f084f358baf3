"""What is refused as a parameter because it takes every real value, and what is let pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import gendsl as gd
from gendsl.lang.distributions.reach import unbounded
from gendsl.lang.expr import Expr

Case = Callable[..., Expr]

CERTAIN: dict[str, Case] = {
    "sum": lambda x, a, b, s: a + b * x,
    "difference": lambda x, a, b, s: 1 - a / s,
    "product of unknowns": lambda x, a, b, s: a * b,
    "scaled by a positive unknown": lambda x, a, b, s: s * a + gd.exp(b),
    "cumulative": lambda x, a, b, s: gd.sum(np.cumsum(gd.stack([a, 2 * a]))),
    "part of a whole that is linear": lambda x, a, b, s: gd.stack([a, a + s])[1],
}
LET_PASS: dict[str, Case] = {
    "data": lambda x, a, b, s: 2 * x,
    "square": lambda x, a, b, s: a * a,
    "positive": lambda x, a, b, s: s * 2,
    "of data of either sign": lambda x, a, b, s: s * x,
    "met again inside a function": lambda x, a, b, s: a + gd.abs(a),
    "one that divides": lambda x, a, b, s: s / a,
    "part of a whole that may be another": lambda x, a, b, s: gd.stack([a, s])[1],
    "part of a vector with a name": lambda x, a, b, s: (2 * gd.stack([a, s, gd.exp(b)]))[2],
    "quadratic": lambda x, a, b, s: a * (a + s),
}


def _reach(case: Case) -> str | None:
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"))
    a, b = m.latent("a", gd.Normal(0, 1)), m.latent("b", gd.StudentT(3))
    out = case(x, a, b, m.latent("s", gd.HalfNormal(1)))
    nodes = out.builder.nodes
    found = unbounded(nodes, out.node)
    return None if found is None else nodes[found].name


@pytest.mark.parametrize("name", CERTAIN)
def test_linear_in_an_unknown_of_any_sign(name: str) -> None:
    assert _reach(CERTAIN[name]) in ("a", "b")


@pytest.mark.parametrize("name", LET_PASS)
def test_what_may_be_within_bounds_passes(name: str) -> None:
    assert _reach(LET_PASS[name]) is None


def test_two_networks_side_by_side_pass() -> None:
    m = gd.Model("heads")
    row = m.plate("row")
    x = m.data("x", dims=row, event=3)
    mean, raw = m.network("mean", gd.MLP(2)), m.network("raw", gd.MLP(2))
    q = gd.concatenate([mean(x), gd.softplus(raw(x))])
    m.observe("y", gd.Normal(q[..., :2], q[..., 2:]), dims=row)
    with pytest.raises(gd.ModelError, match="network 'raw' does"):
        m.observe("z", gd.Normal(mean(x), raw(x)), dims=row)


def test_an_expression_of_very_many_operations_is_let_pass_in_little_time() -> None:
    m = gd.Model("m")
    total = m.latent("a", gd.Normal(0, 1)) + 0.0
    for k in range(5000):
        total = total + float(k)
    assert unbounded(total.builder.nodes, total.node) is None
