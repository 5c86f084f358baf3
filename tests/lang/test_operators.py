"""Types of elementwise operations: dims by name, event axes as numpy broadcasts, dtypes and supports that hold."""

from __future__ import annotations

import itertools
import operator
from dataclasses import replace

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.constraints import Constraint, Integers, Interval, boolean, nonnegative_integer, violations
from gendsl.graph.ops.elementwise import BINARY, UNARY
from gendsl.graph.types import DType
from gendsl.lang.expr import apply

FLOAT, INT, BOOL = DType.FLOAT, DType.INT, DType.BOOL


@pytest.fixture
def m() -> gd.Model:
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    m.data("a", dims=i)
    m.data("b", dims=j)
    m.data("ab", dims=(j, i))
    m.data("v", event=3)
    m.data("av", dims=i, event=3)
    m.data("mat", event=(2, 3))
    m.data("n", dtype=int)
    m.data("c", dtype=bool)
    return m


def test_dims_join_by_name_in_order_of_appearance(m: gd.Model) -> None:
    assert (m["a"] + m["b"]).dims == ("i", "j")
    assert (m["b"] + m["a"]).dims == ("j", "i")
    assert (m["a"] * m["ab"]).dims == ("i", "j")
    assert (m["a"] - 1.0).dims == ("i",)


def test_event_axes_broadcast_and_dims_do_not_mix_with_them(m: gd.Model) -> None:
    out = m["a"] + m["v"]
    assert (out.dims, out.event) == (("i",), (3,))
    assert (m["mat"] + m["v"]).event == (2, 3)
    assert (m["mat"] + np.zeros((2, 1))).event == (2, 3)
    assert (m["v"][..., None] + m["v"]).event == (3, 3)
    assert (m["av"] * m["b"]).dims == ("i", "j")


@pytest.mark.parametrize("shapes", list(itertools.product([(), (1,), (3,), (2, 1), (2, 3), (4, 1, 3)], repeat=2)))
def test_broadcasting_is_numpys(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    m = gd.Model("m")
    a, b = m.data("a", event=shapes[0]), m.data("b", event=shapes[1])
    assert (a + b).event == np.broadcast_shapes(*shapes)


@pytest.mark.parametrize(
    ("op", "dtypes", "result"),
    [
        (operator.add, (INT, INT), INT),
        (operator.add, (INT, FLOAT), FLOAT),
        (operator.add, (BOOL, BOOL), INT),
        (operator.mul, (BOOL, FLOAT), FLOAT),
        (operator.truediv, (INT, INT), FLOAT),
        (operator.floordiv, (INT, INT), INT),
        (operator.mod, (INT, INT), INT),
        (operator.pow, (INT, INT), FLOAT),  # the exponent may be negative
        (operator.pow, (INT, BOOL), INT),
        (operator.lt, (FLOAT, FLOAT), BOOL),
        (operator.eq, (INT, FLOAT), BOOL),
        (operator.and_, (BOOL, BOOL), BOOL),
        (operator.xor, (BOOL, BOOL), BOOL),
    ],
)
def test_dtype_of_operators(op, dtypes, result) -> None:
    m = gd.Model("m")
    a, b = (m.data(name, dtype=d) for name, d in zip("ab", dtypes, strict=True))
    assert op(a, b).dtype is result


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "sigmoid", "gammaln", "reciprocal", "softplus"])
def test_smooth_functions_of_integers_are_floats(m: gd.Model, name: str) -> None:
    assert getattr(gd, name)(m["n"]).dtype is FLOAT


def test_constants_take_their_own_dtype(m: gd.Model) -> None:
    assert (m["n"] + 1).dtype is INT
    assert (m["n"] + 1.5).dtype is FLOAT
    assert (m["n"] * True).dtype is INT
    assert gd.to_int(m["a"]).dtype is INT
    assert gd.to_float(m["c"]).dtype is FLOAT


def test_where_joins_three(m: gd.Model) -> None:
    out = gd.where(m["a"] > 0, m["v"], m["b"])
    assert (out.dims, out.event, out.dtype) == (("i", "j"), (3,), FLOAT)


def test_reflected_operators_are_the_operations_they_say() -> None:
    m = gd.Model("m")
    x = m.data("x")
    for out, op in [(1 - x, "sub"), (2 / x, "div"), (2**x, "pow"), (5 // x, "floordiv"), (5 % x, "mod")]:
        node = m.graph.nodes[out.node]
        assert node.op == op
        assert m.graph.nodes[node.args[0]].op == "const"
        assert node.args[1] == x.node


# -- supports: whatever the arguments, the value lies where the type says ---------------------------------------------
POINTS: dict[Constraint, list[float]] = {
    gd.real: [-2.5, -1.0, 0.0, 0.5, 3.0],
    gd.positive: [0.25, 1.0, 2.0, 7.5],
    gd.nonnegative: [0.0, 0.5, 1.0, 4.0],
    gd.unit_interval: [0.0, 0.25, 0.5, 1.0],
    Interval(-1.0, 2.0, (True, True)): [-1.0, -0.5, 0.0, 1.5, 2.0],
    Interval(None, -1.0): [-4.0, -1.5],
    nonnegative_integer: [0.0, 1.0, 5.0],
    boolean: [0.0, 1.0],
    Integers(-2.0, 3.0): [-2.0, 0.0, 3.0],
}


def closure(c: Constraint) -> Constraint:
    """With its ends: the rules take an end as having probability zero (`gendsl.graph.constraints.implies`)."""
    return replace(c, closed=(True, True)) if isinstance(c, Interval) else c


def _holds(op: str, supports: tuple[Constraint, ...], value) -> None:
    m = gd.Model("m")
    if op.startswith("logical_"):
        supports = (boolean,) * len(supports)
        data = [m.data(f"x{k}", dtype=bool, support=boolean) for k in range(len(supports))]
    else:
        kinds = [int if isinstance(s, Integers) else float for s in supports]
        data = [m.data(f"x{k}", dtype=d, support=s) for k, (d, s) in enumerate(zip(kinds, supports, strict=True))]
    inferred = closure(apply(op, *data).support)
    points = np.array(list(itertools.product(*(POINTS[s] for s in supports)))).T
    with np.errstate(all="ignore"):
        out = np.asarray(value(*points), float)
    out = out[np.isfinite(out)]
    bad = violations(out, inferred)
    assert not bad.any(), f"{op}({', '.join(map(str, supports))}) gives {out[bad]}, declared {inferred}"


@pytest.mark.parametrize("op", UNARY)
def test_unary_supports_hold(op: str) -> None:
    for support in POINTS:
        _holds(op, (support,), UNARY[op][0])


@pytest.mark.parametrize("op", BINARY)
def test_binary_supports_hold(op: str) -> None:
    for supports in itertools.product(POINTS, repeat=2):
        _holds(op, supports, BINARY[op][0])


@pytest.mark.parametrize(
    ("make", "support"),
    [
        (lambda p, s, x: 1 - p, gd.unit_interval),
        (lambda p, s, x: gd.exp(x), gd.positive),
        (lambda p, s, x: gd.softplus(x) + s, gd.positive),
        (lambda p, s, x: s * s + 1.0, gd.positive),
        (lambda p, s, x: 1.0 / s, gd.positive),
        (lambda p, s, x: gd.sigmoid(x) * p, gd.unit_interval),
        (lambda p, s, x: gd.sqrt(s), gd.positive),
        (lambda p, s, x: x**2, gd.nonnegative),
        (lambda p, s, x: gd.where(x > 0, s, 1.0), gd.positive),
        (lambda p, s, x: gd.maximum(x, 0.1), gd.positive),
        (lambda p, s, x: gd.clip(x, 0.0, 1.0), gd.unit_interval),
        (lambda p, s, x: 0.0 - (-s), gd.positive),
    ],
)
def test_supports_are_sharp_enough_to_be_parameters(make, support: Constraint) -> None:
    from gendsl.graph.constraints import implies

    m = gd.Model("m")
    p = m.latent("p", gd.Beta(1, 1))
    s = m.latent("s", gd.LogNormal(0, 1))
    x = m.latent("x", gd.Normal(0, 1))
    assert implies(make(p, s, x).support, support)
