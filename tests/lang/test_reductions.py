"""Types of reductions and shape operations; event shapes are those of numpy's own functions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.constraints import Integers, Interval, boolean, implies, violations
from gendsl.graph.ops.reductions import CUMULATIVE, REDUCTIONS
from gendsl.graph.types import DType

SHAPES = [(3,), (2, 3), (4, 2, 3)]


def value(shape: tuple[int, ...], dtype=float, dims: bool = True) -> gd.Expr:
    m = gd.Model("m")
    return m.data("x", dims=(m.plate("i"), m.plate("j")) if dims else None, event=shape, dtype=dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "logsumexp"])
def test_reduction_of_event_axes(name: str, shape: tuple[int, ...]) -> None:
    x, z = value(shape), np.zeros(shape)
    reduce_, plain = getattr(gd, name), np.sum
    assert reduce_(x).event == ()
    for axis in range(-len(shape), len(shape)):
        out = reduce_(x, axis)
        assert out.event == plain(z, axis).shape
        assert out.dims == ("i", "j")
    for pair in itertools.permutations(range(len(shape)), 2):
        assert reduce_(x, pair).event == plain(z, pair).shape


@pytest.mark.parametrize("dim", ["i", "j", ("j", "i")])
def test_reduction_of_plates(dim) -> None:
    out = value((3,)).sum(dim=dim)
    gone = {dim} if isinstance(dim, str) else set(dim)
    assert out.dims == tuple(d for d in ("i", "j") if d not in gone)
    assert out.event == (3,)


def test_axis_and_dim_together() -> None:
    out = value((2, 3)).mean(axis=0, dim="i")
    assert (out.dims, out.event) == (("j",), (3,))


@pytest.mark.parametrize(
    ("name", "dtype", "result"),
    [
        ("sum", bool, DType.INT),
        ("sum", int, DType.INT),
        ("sum", float, DType.FLOAT),
        ("mean", int, DType.FLOAT),
        ("max", int, DType.INT),
        ("all", bool, DType.BOOL),
        ("any", bool, DType.BOOL),
        ("logsumexp", int, DType.FLOAT),
    ],
)
def test_dtypes(name: str, dtype: type, result: DType) -> None:
    assert getattr(gd, name)(value((3,), dtype)).dtype is result


SUPPORTS = {
    gd.real: [-2.0, 0.5],
    gd.positive: [0.5, 2.0],
    gd.nonnegative: [0.0, 2.0],
    gd.unit_interval: [0.0, 0.5, 1.0],
    Interval(-1.0, 2.0, (True, True)): [-1.0, 2.0],
    boolean: [0.0, 1.0],
    Integers(1.0, 3.0): [1.0, 3.0],
}


@pytest.mark.parametrize("support", SUPPORTS, ids=str)
@pytest.mark.parametrize("name", [*REDUCTIONS, *CUMULATIVE])
def test_supports_hold(name: str, support) -> None:
    if name in ("all", "any"):
        return
    m = gd.Model("m")
    dtype = int if isinstance(support, Integers) else float
    x = m.data("x", event=3, dtype=dtype, support=support)
    inferred = getattr(gd, name)(x).support
    if isinstance(inferred, Interval):  # the rules take an end as having probability zero
        inferred = replace(inferred, closed=(True, True))
    plain = {**REDUCTIONS, **CUMULATIVE}[name]
    for point in itertools.product(SUPPORTS[support], repeat=3):
        out = np.asarray(plain(np.array(point), axis=-1))
        assert not violations(out, inferred).any(), f"{name}{point} = {out}, declared {inferred}"


def test_sum_of_scales_is_a_scale() -> None:
    m = gd.Model("m")
    s = m.latent("s", gd.HalfNormal(1).expand(3))
    assert implies(s.sum().support, gd.nonnegative)
    p = m.latent("p", gd.Dirichlet(np.ones(3)))
    assert implies(p[0].support, gd.unit_interval)
    assert p.support == gd.simplex
    assert implies(p[:2].support, gd.unit_interval)
    assert p[:2].support != gd.simplex


# -- shapes -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_numpys(shape: tuple[int, ...]) -> None:
    x, z = value(shape), np.zeros(shape)
    n = len(shape)
    for axis in range(-n - 1, n + 1):
        assert gd.expand_dims(x, axis).event == np.expand_dims(z, axis).shape
    for axes in itertools.permutations(range(n)):
        assert gd.transpose(x, axes).event == np.transpose(z, axes).shape
    assert gd.transpose(x).event == z.T.shape
    assert x.reshape(-1).event == (z.size,)
    assert x.reshape(1, -1).event == (1, z.size)
    for axis in range(-n - 1, n + 1):
        assert gd.stack([x, x], axis=axis).event == np.stack([z, z], axis=axis).shape
    for axis in range(-n, n):
        assert gd.concatenate([x, x, x], axis=axis).event == np.concatenate([z, z, z], axis=axis).shape
    assert gd.flip(x).event == shape
    assert gd.cumsum(x).event == shape
    assert [p.event for p in gd.split(x, 3)] == [(*shape[:-1], 1)] * 3
    if n > 1:
        assert x.T.event == np.swapaxes(z, -1, -2).shape


def test_stack_puts_the_values_last_and_joins_dims() -> None:
    m = gd.Model("m")
    a, b = m.data("a", dims=m.plate("i")), m.data("b", dims=m.plate("j"))
    out = gd.stack([a, b, 1.0])
    assert (out.dims, out.event) == (("i", "j"), (3,))


def test_cumsum_along_a_plate_keeps_the_dims() -> None:
    x = value((3,))
    out = gd.cumsum(x, dim="i")
    assert set(out.dims) == {"i", "j"}
    assert out.event == (3,)


def test_softmax_is_positive_and_keeps_the_shape() -> None:
    out = gd.softmax(value((2, 3)), axis=0)
    assert out.event == (2, 3)
    assert implies(out.support, gd.positive)


# -- linear algebra ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("a", "b"), [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,))]
)
def test_matmul_is_numpys(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    m = gd.Model("m")
    out = m.data("a", dims=m.plate("i"), event=a) @ m.data("b", dims=m.plate("j"), event=b)
    assert out.event == np.matmul(np.zeros(a), np.zeros(b)).shape
    assert out.dims == ("i", "j")


@pytest.mark.parametrize("lead", [(), (5,)])
def test_square_matrices(lead: tuple[int, ...]) -> None:
    m = gd.Model("m")
    a, z = m.data("a", event=(*lead, 3, 3)), np.broadcast_to(np.eye(3), (*lead, 3, 3))
    assert gd.cholesky(a).event == np.linalg.cholesky(z).shape
    assert gd.inv(a).event == np.linalg.inv(z).shape
    assert gd.logdet(a).event == np.linalg.slogdet(z)[1].shape
    assert gd.diagonal(a).event == np.diagonal(z, axis1=-2, axis2=-1).shape
    assert gd.solve(a, np.zeros((3, 2))).event == np.linalg.solve(z, np.zeros((3, 2))).shape
    assert gd.tril(a).event == z.shape
    assert gd.add_diagonal(a, 1.0).event == z.shape
    assert gd.outer(np.zeros(2), a[..., 0]).event == (*lead, 2, 3)


def test_a_cholesky_factor_is_a_scale_tril() -> None:
    m = gd.Model("m")
    r = m.latent("r", gd.LKJ(3))
    assert gd.cholesky(r).support == gd.lower_cholesky
    assert implies(r.support, gd.positive_definite)
    gd.MultivariateNormal(np.zeros(3), covariance_matrix=r)
