"""numpy's functions on expressions are gendsl's operations, with numpy's own defaults."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import gendsl as gd
from gendsl.lang.numpy_functions import _FUNCTIONS


def ops(x: gd.Expr) -> list[str]:
    """The operations of the expression's model, without constants and data."""
    return [n.op for n in x.builder.nodes if n.op not in ("const", "data")]


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("exp", "exp"),
        ("log1p", "log1p"),
        ("negative", "neg"),
        ("absolute", "abs"),
        ("sqrt", "sqrt"),
        ("tanh", "tanh"),
        ("rint", "round"),
        ("floor", "floor"),
    ],
)
def test_unary_ufuncs(name: str, op: str) -> None:
    assert ops(getattr(np, name)(gd.Model("m").data("x"))) == [op]


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("add", "add"),
        ("subtract", "sub"),
        ("true_divide", "div"),
        ("power", "pow"),
        ("maximum", "maximum"),
        ("arctan2", "arctan2"),
        ("logaddexp", "logaddexp"),
        ("less", "lt"),
        ("greater_equal", "ge"),
        ("not_equal", "ne"),
    ],
)
def test_binary_ufuncs_with_an_array_on_either_side(name: str, op: str) -> None:
    function = getattr(np, name)
    for values in ((gd.Model("m").data("x"), np.ones(3)), (np.ones(3), gd.Model("m").data("x"))):
        out = function(*values)
        assert ops(out) == [op]
        assert out.event == (3,)
        args = out.builder.nodes[out.node].args
        assert [out.builder.nodes[a].op for a in args] == [
            "data" if isinstance(v, gd.Expr) else "const" for v in values
        ]


def test_array_operators_defer_to_the_expression() -> None:
    x = gd.Model("m").data("x", event=3)
    for out in (np.ones(3) + x, np.ones(3) * x, np.ones(3) @ x, np.float64(2.0) * x, np.ones((2, 3)) @ x):
        assert isinstance(out, gd.Expr)
    assert (np.ones((2, 3)) @ x).event == (2,)


def test_scipy_special() -> None:
    x = gd.Model("m").data("x")
    assert ops(scipy.special.expit(x)) == ["sigmoid"]
    assert ops(scipy.special.gammaln(gd.Model("m").data("x"))) == ["gammaln"]


CALLS = [
    lambda f, x: f.sum(x),
    lambda f, x: f.sum(x, axis=0),
    lambda f, x: f.mean(x, axis=-1),
    lambda f, x: f.var(x, axis=1),
    lambda f, x: f.max(x, axis=(0, 1)),
    lambda f, x: f.min(x),
    lambda f, x: f.prod(x, axis=1),
    lambda f, x: f.cumsum(x),
    lambda f, x: f.cumsum(x, axis=0),
    lambda f, x: f.cumprod(x, axis=1),
    lambda f, x: f.where(x > 0, x, 0.0),
    lambda f, x: f.clip(x, 0.0, 1.0),
    lambda f, x: f.stack([x, x]),
    lambda f, x: f.stack([x, x], axis=-1),
    lambda f, x: f.concatenate([x, x]),
    lambda f, x: f.concatenate([x, x], axis=1),
    lambda f, x: f.reshape(x, (3, 2)),
    lambda f, x: f.reshape(x, -1),
    lambda f, x: f.transpose(x),
    lambda f, x: f.expand_dims(x, 0),
    lambda f, x: f.broadcast_to(x, (4, 2, 3)),
    lambda f, x: f.dot(x, np.ones(3)),
    lambda f, x: f.outer(x[0], x[1]),
    lambda f, x: f.diag(x[0]),
    lambda f, x: f.diag(x[:, :2]),
    lambda f, x: f.tril(x[:, :2]),
    lambda f, x: f.flip(x),
    lambda f, x: f.flip(x, 0),
    lambda f, x: f.round(x),
    lambda f, x: f.linalg.inv(x[:, :2]),
    lambda f, x: f.linalg.solve(x[:, :2], np.ones(2)),
]


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_shapes_are_those_of_numpy_on_arrays(call) -> None:
    array = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 0.5]])
    out = call(np, gd.Model("m").data("x", event=(2, 3)))
    assert isinstance(out, gd.Expr)
    assert out.event == np.shape(call(np, array))


def test_the_list_of_functions_is_covered() -> None:
    names = {name for call in CALLS for name in call.__code__.co_names}
    synonyms = {"amax", "amin", "all", "any", "diagonal", "cholesky", "logsumexp"}
    assert set(_FUNCTIONS) - synonyms <= names


def test_logical_functions() -> None:
    x = gd.Model("m").data("x")
    assert ops((x > 0) & (x < 1))[-1] == "logical_and"
    assert ops(~(x > 0))[-1] == "logical_not"
    assert ops(np.logical_or(x > 0, x < -1))[-1] == "logical_or"
    assert ops(np.invert(x > 0))[-1] == "logical_not"
    with pytest.raises(gd.ModelError, match="logical"):
        np.bitwise_and(x, 1)


def test_hasattr_is_safe() -> None:
    x = gd.Model("m").data("x")
    assert not hasattr(x, "shape")
    assert getattr(x, "anything", 3) == 3
