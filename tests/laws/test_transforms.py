"""What holds for every registered transform, on both backends: the law of flows (F1, F2, F7, F8)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gendsl.errors import ModelError
from gendsl.graph.constraints import Interval, positive, simplex
from gendsl.graph.json.nodes import Codec
from gendsl.networks import Activation
from gendsl.transforms import (
    SCALARS,
    TRANSFORMS,
    Affine,
    Chain,
    Coupling,
    Elementwise,
    Inverse,
    Spline,
    onto,
)
from tests.laws.transforms import BACKENDS, CASES, Case, On, kinds, on, points

by_case = pytest.mark.parametrize("name", CASES)


def test_every_transform_and_scalar_has_a_case() -> None:
    assert kinds(tuple(case.transform for case in CASES.values())) == {*TRANSFORMS, *SCALARS}


@by_case
def test_round_trip(name: str, backend: str) -> None:
    case, run = CASES[name], on(name, backend)
    z, c = points(case)
    y, up = run("forward", z, c)
    back, down = run("inverse", y, c)
    np.testing.assert_allclose(back, z, rtol=0, atol=1e-8)
    np.testing.assert_allclose(up, -down, rtol=0, atol=1e-8)
    x = 2.5 * points(case, 2)[0] if case.real else run("forward", 2.0 * z, c)[0]
    noise, down = run("inverse", x, c)
    again, up = run("forward", noise, c)
    np.testing.assert_allclose(again, x, rtol=0, atol=1e-8)
    np.testing.assert_allclose(up, -down, rtol=0, atol=1e-8)


@by_case
@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_single_precision(name: str, backend: str) -> None:
    """Both ways, and the log-determinant, to 1e-4, at parameters half as far from their start: at those of the other
    tests Jacobians have singular values down to 2e-4, and a rounding of y is as much more of z."""
    case, run, double = CASES[name], On(CASES[name], backend, "float32"), On(CASES[name], "pyro")
    run.numbers = double.numbers = {k: 0.5 * v for k, v in run.numbers.items()}
    z, c = points(case)
    y, up = run("forward", z, c)
    assert y.dtype == np.float32
    back, down = run("inverse", y, c)
    np.testing.assert_allclose(back, z, rtol=0, atol=1e-4)
    np.testing.assert_allclose(up, -down, rtol=0, atol=1e-4)
    np.testing.assert_allclose(up, double("forward", z, c)[1], rtol=0, atol=1e-4)
    again, _ = run("forward", back, c)
    np.testing.assert_allclose(again, y, rtol=0 if case.real else 1e-4, atol=1e-4)


@by_case
def test_log_determinant_is_that_of_the_jacobian(name: str, backend: str) -> None:
    case, run = CASES[name], on(name, backend)
    z, c = points(case)
    y, up = run("forward", z, c)
    _, down = run("inverse", y, c)
    c = None if c is None else c[:16]
    for direction, x, ladj in (("forward", z, up), ("inverse", y, down)):
        j = run.jacobian(direction, x[:16], c)
        np.testing.assert_allclose(ladj[:16], np.linalg.slogdet(j)[1], rtol=0, atol=1e-8)


@by_case
def test_backends_agree_and_gradients_reach_every_parameter(name: str) -> None:
    case = CASES[name]
    z, c = points(case)
    y, _ = on(name, "pyro")("forward", z, c)
    for direction, x in (("forward", z), ("inverse", y)):
        for a, b in zip(*(on(name, k)(direction, x, c) for k in BACKENDS), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
        few = (x[:16], None if c is None else c[:16])
        ours, theirs = (on(name, k).gradient(direction, *few) for k in BACKENDS)
        for parameter, g in ours.items():
            assert np.isfinite(g).all()
            assert np.any(g != 0), parameter
            np.testing.assert_allclose(g, theirs[parameter], rtol=1e-10, atol=1e-10 * np.abs(g).max())


@by_case
def test_any_axes_stand_on_the_left(name: str, backend: str) -> None:
    case, run = CASES[name], on(name, backend)
    z, c = points(case)
    flat, ladj = run("forward", z, c)
    wide = run("forward", z[:6].reshape(2, 3, case.d), None if c is None else c[:6].reshape(2, 3, case.c))
    np.testing.assert_allclose(wide[0], flat[:6].reshape(2, 3, case.d), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(wide[1], ladj[:6].reshape(2, 3), rtol=1e-12, atol=1e-13)
    value, number = run("inverse", flat[0], None if c is None else c[0])
    assert value.shape == (case.d,)
    assert number.shape == ()
    np.testing.assert_allclose(value, z[0], rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", [k for k, v in CASES.items() if v.identity])
def test_training_starts_at_the_identity(name: str, backend: str) -> None:
    case, run = CASES[name], on(name, backend)
    start = case.transform.init((case.d,), 0, context=case.c)
    z, c = points(case)
    for direction in ("forward", "inverse"):
        y, ladj = run(direction, 3.0 * z, c, start)
        np.testing.assert_allclose(y, 3.0 * z, atol=1e-12)
        np.testing.assert_allclose(ladj, 0.0, atol=1e-12)


def test_what_depends_on_what(backend: str) -> None:
    """Zeros of the Jacobians are exact: the triangle of autoregressive maps, the first half of couplings."""
    for name in ("affine autoregressive", "spline autoregressive", "autoregressive under a context"):
        case = CASES[name]
        z, c = points(case)
        for direction in ("forward", "inverse"):
            j = on(name, backend).jacobian(direction, z[:16], None if c is None else c[:16])
            assert np.all(np.triu(j, 1) == 0)
            assert np.all(j[:, *np.tril_indices(case.d)] != 0)
    for name in ("affine coupling", "spline coupling"):
        case, k = CASES[name], CASES[name].d // 2
        j = on(name, backend).jacobian("forward", points(case)[0][:16], None)
        np.testing.assert_array_equal(j[:, :k, :k], np.broadcast_to(np.eye(k), (16, k, k)))
        assert np.all(j[:, :k, k:] == 0)
        assert np.all(j[:, k:, :k] != 0)
        own = np.broadcast_to(np.eye(case.d - k, dtype=bool), (16, case.d - k, case.d - k))
        np.testing.assert_array_equal(j[:, k:, k:] != 0, own)


@pytest.mark.parametrize("scalar", [Affine(), Spline()])
def test_scalars_are_monotone(scalar: Any, backend: str) -> None:
    run = On(Case(Elementwise(scalar=scalar), 1), backend)
    x = np.linspace(-8, 8, 4001)[:, None]
    for seed in range(5):
        theta = {"theta": 2.0 * np.random.default_rng(seed).normal(size=(1, scalar.size))}
        assert np.all(np.diff(run("forward", x, None, theta)[0][:, 0]) > 0)


@pytest.mark.parametrize("name", ["elementwise spline", "spline coupling", "spline autoregressive", "nsf"])
def test_splines_are_the_identity_far_outside(name: str, backend: str) -> None:
    """Values and gradients are finite there: no NaN comes through the branch that is not taken."""
    case, run = CASES[name], on(name, backend)
    far = np.array([5.0, -5.0, 7.0, -1e6, 1e6, *([1e300, -1e300] if name == "elementwise spline" else [])])
    rows = np.full((case.d * len(far), case.d), 0.3)
    for k in range(case.d):
        rows[k * len(far) : (k + 1) * len(far), k] = far
    for direction in ("forward", "inverse"):
        y, ladj = run(direction, rows)
        assert np.isfinite(y).all()
        assert np.isfinite(ladj).all()
        for parameter, g in run.gradient(direction, rows, None).items():
            assert np.isfinite(g).all(), parameter
        if name != "nsf":
            outside = np.abs(rows) >= 5.0
            np.testing.assert_array_equal(y[outside], rows[outside])


@pytest.mark.parametrize(
    ("support", "inside", "outside"),
    [
        (positive, 2.0, (-1.0, 0.0)),
        (Interval(3.0, None), 3.5, (3.0, 2.0)),
        (Interval(None, -2.0), -2.1, (-2.0, 5.0)),
        (Interval(-1.0, 2.0), 0.5, (-1.0, 2.0, -3.0, 7.0)),
    ],
    ids=str,
)
def test_supports(support: Interval, inside: float, outside: tuple[float, ...], backend: str) -> None:
    """Outside, the log-determinant is -inf and no gradient is NaN; all that is mapped lies inside."""
    run = On(Case(Chain(onto(support)), 2, real=False), backend)
    y, _ = run("forward", np.random.default_rng(0).normal(size=(500, 2)) * 4)
    low = -np.inf if support.lower is None else support.lower
    high = np.inf if support.upper is None else support.upper
    assert np.all((y > low) & (y < high))
    for v in outside:
        x, ladj = run("inverse", np.array([[inside, v]]))
        assert np.isfinite(x).all()
        assert ladj[0] == -np.inf
        assert not np.isnan(run.gradient("inverse", np.array([[inside, v]]), None)["x"]).any()
    assert onto(Interval()) == ()


@by_case
def test_json_and_repr_give_it_back(name: str) -> None:
    t, codec = CASES[name].transform, Codec(set(), set())
    again = codec.decode(json.loads(json.dumps(codec.encode(t, "here"))), "here")
    assert again == t
    assert hash(again) == hash(t)
    assert eval(repr(t), {**TRANSFORMS, **SCALARS, "Activation": Activation}) == t  # noqa: S307


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Coupling().parameters((1,)), "an element that chooses"),
        (lambda: Coupling().parameters((2, 2)), "acts on vectors"),
        (lambda: Coupling(scalar=Spline), "a map of the line"),
        (lambda: Coupling(hidden=(0,)), "hidden"),
        (lambda: Coupling(scaler=Affine()), "has no argument 'scaler'"),
        (lambda: Spline(bins=1), "bins"),
        (lambda: Spline(bins=10_000), "no room"),
        (lambda: Spline(bound=-1.0), "bound"),
        (lambda: Affine(limit=0.0), "limit"),
        (lambda: Chain((Elementwise,)), "parts of a chain"),
        (lambda: Inverse(3), "turned round"),
        (lambda: TRANSFORMS["Permutation"]((0, 0, 1)), "each element once"),
        (lambda: TRANSFORMS["Permutation"]((0, 1)).parameters((3,)), "another length"),
        (lambda: TRANSFORMS["Scale"](0.0, 0.0), "shrink"),
        (lambda: TRANSFORMS["Scale"](np.nan), "finite"),
        (lambda: onto(simplex), "fixed interval"),
    ],
)
def test_mistakes(make: Any, says: str) -> None:
    with pytest.raises(ModelError, match=says) as e:
        make()
    assert e.value.needed
