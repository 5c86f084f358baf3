"""Both backends' `ops` are one protocol: the same names, and the same numbers where no draws are involved."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from gendsl.backend import get_backend

BACKENDS = ("pyro", "numpyro")
X = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
Y = np.array([[1.3, 0.2, -2.0], [0.5, 1.1, 0.9]])
S = np.array([[2.0, 0.0], [0.5, 1.5]])

CASES: dict[str, Any] = {
    "abs": lambda o, x, y, s: o.abs(x),
    "arange": lambda o, x, y, s: o.arange(4, like=x),
    "arctan2": lambda o, x, y, s: o.arctan2(x, y),
    "broadcast_to": lambda o, x, y, s: o.broadcast_to(x, (4, 2, 3)),
    "cholesky": lambda o, x, y, s: o.stack([o.cholesky(s @ s.T), o.cholesky(-s @ s.T)], 0),
    "clip": lambda o, x, y, s: o.clip(x, -0.5, 0.5),
    "concatenate": lambda o, x, y, s: o.concatenate([x, y], -1),
    "constant": lambda o, x, y, s: o.constant([1.0, 2.0], x),
    "cos": lambda o, x, y, s: o.cos(x),
    "cumsum": lambda o, x, y, s: o.cumsum(x, -1),
    "diagonal": lambda o, x, y, s: o.diagonal(s),
    "einsum": lambda o, x, y, s: o.einsum("ij,kj->ik", x, y),
    "erf": lambda o, x, y, s: o.erf(x),
    "exp": lambda o, x, y, s: o.exp(x),
    "expm1": lambda o, x, y, s: o.expm1(x),
    "eye": lambda o, x, y, s: o.eye(3, like=x),
    "flip": lambda o, x, y, s: o.flip(x, -1),
    "floor": lambda o, x, y, s: o.floor(x),
    "full": lambda o, x, y, s: o.full((2, 2), 0.5, like=x),
    "gammaln": lambda o, x, y, s: o.gammaln(o.abs(x)),
    "gelu": lambda o, x, y, s: o.gelu(x),
    "i0e": lambda o, x, y, s: o.i0e(x),
    "isfinite": lambda o, x, y, s: o.isfinite(x),
    "log": lambda o, x, y, s: o.log(o.abs(x)),
    "log1p": lambda o, x, y, s: o.log1p(o.abs(x)),
    "log_ndtr": lambda o, x, y, s: o.log_ndtr(x),
    "log_sigmoid": lambda o, x, y, s: o.log_sigmoid(x),
    "log_softmax": lambda o, x, y, s: o.log_softmax(x, -1),
    "logsumexp": lambda o, x, y, s: o.logsumexp(x, -1),
    "matmul": lambda o, x, y, s: o.matmul(s, x),
    "max": lambda o, x, y, s: o.max(x, 0) + o.max(x),
    "maximum": lambda o, x, y, s: o.maximum(x, y),
    "mean": lambda o, x, y, s: o.mean(x, -1, keepdims=True) + o.mean(x),
    "min": lambda o, x, y, s: o.min(x, 0) + o.min(x),
    "minimum": lambda o, x, y, s: o.minimum(x, y),
    "moveaxis": lambda o, x, y, s: o.moveaxis(x, 0, -1),
    "ndtr": lambda o, x, y, s: o.ndtr(x),
    "ndtri": lambda o, x, y, s: o.ndtri(o.ndtr(x)),
    "off_diagonal": lambda o, x, y, s: o.off_diagonal(x, -1) + o.off_diagonal(y, 1),
    "ones": lambda o, x, y, s: o.ones((2,), like=x),
    "ones_like": lambda o, x, y, s: o.ones_like(x),
    "relu": lambda o, x, y, s: o.relu(x),
    "reshape": lambda o, x, y, s: o.reshape(x, (3, 2)),
    "round": lambda o, x, y, s: o.round(x),
    "sigmoid": lambda o, x, y, s: o.sigmoid(x),
    "sign": lambda o, x, y, s: o.sign(x),
    "silu": lambda o, x, y, s: o.silu(x),
    "sin": lambda o, x, y, s: o.sin(x),
    "softmax": lambda o, x, y, s: o.softmax(x, -1),
    "softplus": lambda o, x, y, s: o.softplus(x),
    "solve_triangular": lambda o, x, y, s: o.solve_triangular(s, x, lower=True),
    "solve_unit_triangular": lambda o, x, y, s: o.solve_unit_triangular(s, x, False),
    "sqrt": lambda o, x, y, s: o.sqrt(o.abs(x)),
    "square": lambda o, x, y, s: o.square(x),
    "stack": lambda o, x, y, s: o.stack([x, y], -1),
    "stop_gradient": lambda o, x, y, s: o.grad(lambda v: o.sum(v * o.stop_gradient(v)))(x),
    "sum": lambda o, x, y, s: o.sum(x, (0, 1)) + o.sum(x, -1, keepdims=True) + o.sum(x),
    "take": lambda o, x, y, s: (
        o.take(x, o.round(o.arange(2, like=x)).astype("int32"), 1)
        if hasattr(x, "astype")
        else o.take(x, o.arange(2, like=x).long(), 1)
    ),
    "take_along_axis": lambda o, x, y, s: o.take_along_axis(x, x.argsort(-1), -1),
    "tanh": lambda o, x, y, s: o.tanh(x),
    "tril": lambda o, x, y, s: o.tril(x),
    "triu": lambda o, x, y, s: o.triu(x),
    "unstack": lambda o, x, y, s: o.unstack(x, 1)[2],
    "where": lambda o, x, y, s: o.where(x > 0, x, y),
    "zeros": lambda o, x, y, s: o.zeros((2,), like=x),
    "zeros_like": lambda o, x, y, s: o.zeros_like(x),
    "grad": lambda o, x, y, s: o.grad(lambda v: o.sum(o.sin(v) * y))(x),
    "jvp": lambda o, x, y, s: o.stack(o.jvp(o.sin, (x,), (y,)), 0),
    "scan": lambda o, x, y, s: (
        o.scan(lambda c, v: (c + v * c, c), s[0, 0], x[0], reverse=True)[1]
        + o.scan(lambda c, v: (c + v, None), s[0, 0], x[0])[0]
    ),
    "solve_ode": lambda o, x, y, s: o.solve_ode(lambda t, v: t * y, x, 0.0, 1.5, 1e-8, 1e-8, 1000),
    "value_and_grad": lambda o, x, y, s: o.value_and_grad(lambda v: (o.sum(o.exp(v)), v), has_aux=True)(x)[1],
    "vjp": lambda o, x, y, s: o.vjp(o.tanh, x)[1](y)[0],
    "vmap": lambda o, x, y, s: o.vmap(lambda a, b: o.sum(a * b), (0, None))(x, y[0]),
    "while_loop": lambda o, x, y, s: o.while_loop(lambda v: o.sum(v) < 100.0, lambda v: 2.0 * v, o.abs(x)),
}
DRAWS = {"fold_in", "key", "normal", "permutation", "rademacher", "randint", "split", "uniform"}


def _names(backend: str) -> set[str]:
    return set(vars(get_backend(backend).ops))


def test_both_have_the_same_names_and_each_has_a_case() -> None:
    assert _names("pyro") == _names("numpyro") == set(CASES) | DRAWS


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_equal(name: str) -> None:
    out = []
    for b in map(get_backend, BACKENDS):
        with b.context("float64"):
            out.append(b.numpy(CASES[name](b.ops, *(b.array(v, "float64") for v in (X, Y, S)))))
    assert out[0].shape == out[1].shape
    np.testing.assert_allclose(out[0], out[1], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_are_functions_of_the_key(backend: str) -> None:
    b = get_backend(backend)
    with b.context("float64"):
        o, like = b.ops, b.array(X, "float64")
        for draw in (o.normal, o.uniform, o.rademacher):
            first, again = (b.numpy(draw(o.key(3, 1), (2000,), like=like)) for _ in range(2))
            other = b.numpy(draw(o.key(3, 2), (2000,), like=like))
            np.testing.assert_array_equal(first, again)
            assert np.any(first != other)
            assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(2000)
        normal = b.numpy(o.normal(o.key(0), (20_000,), like=like))
        assert abs(normal.mean()) < 4 / np.sqrt(20_000)
        assert abs(normal.var() - 1) < 4 * np.sqrt(2 / 20_000)
        integers = b.numpy(o.randint(o.key(0), (20_000,), 2, 6, like=like))
        assert set(integers) == {2, 3, 4, 5}
        assert sorted(b.numpy(o.permutation(o.key(0), 9, like=like))) == list(range(9))
        a, c = o.split(o.key(1), 2)
        streams = [o.key(1), a, c, o.fold_in(o.key(1), 0), o.fold_in(o.key(1), 1)]
        values = {float(b.numpy(o.uniform(k, (), like=like))) for k in streams}
        assert len(values) == len(streams)
        third = o.fold_in(o.key(1), o.arange(4, like=like)[3])  # a number of a scan, which is a float
        assert float(b.numpy(o.uniform(third, (), like=like))) == float(
            b.numpy(o.uniform(o.fold_in(o.key(1), 3), (), like=like))
        )


def test_the_protocol_names_what_makes_draws() -> None:
    from gendsl.backend import Ops

    for name in DRAWS:
        assert f"`{name}" in inspect.getdoc(Ops).replace("`key(*", "`key(")  # type: ignore[union-attr]
