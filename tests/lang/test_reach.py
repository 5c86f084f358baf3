"""What is refused as a parameter because it takes every real value, and what is let pass."""

from __future__ import annotations

from collections.abc import Callable

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
    "cumulative": lambda x, a, b, s: gd.stack([a, s])[0],
}
LET_PASS: dict[str, Case] = {
    "data": lambda x, a, b, s: 2 * x,
    "square": lambda x, a, b, s: a * a,
    "positive": lambda x, a, b, s: s * 2,
    "of data of either sign": lambda x, a, b, s: s * x,
    "met again inside a function": lambda x, a, b, s: a + gd.abs(a),
    "one that divides": lambda x, a, b, s: s / a,
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


def test_an_expression_of_very_many_operations_is_let_pass_in_little_time() -> None:
    m = gd.Model("m")
    total = m.latent("a", gd.Normal(0, 1)) + 0.0
    for k in range(5000):
        total = total + float(k)
    assert unbounded(total.builder.nodes, total.node) is None
