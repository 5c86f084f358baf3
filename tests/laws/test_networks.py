"""Every registered network, on both backends: equal values and gradients, any left axes, JSON, counts, masks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from gendsl.backend import get_backend
from gendsl.errors import ModelError
from gendsl.graph.json.nodes import Codec
from gendsl.networks import NETWORKS, TIMES, Activation, MaskedMLP
from tests.laws.networks import CASES, Case

BACKENDS = ("pyro", "numpyro")
EACH = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])


def params_of(case: Case) -> dict[str, np.ndarray]:
    """Parameters away from their start, at which norms do nothing."""
    rng = np.random.default_rng(3)
    start = case.spec.init(case.event, 5, "net.", case.context)
    return {k: v + 0.1 * rng.standard_normal(v.shape) for k, v in start.items()}


def placed(case: Case, backend: str) -> Callable[..., Any]:
    return import_module(f"gendsl_{backend}.networks").network(  # type: ignore[no-any-return]
        case.spec, event=case.event, name="net", context=case.context
    )


def compiled(function: Callable[..., Any], backend: str) -> Callable[..., Any]:
    """jax compiles each operation apart, unless the whole is compiled; quickly, for it runs once."""
    if backend == "pyro":
        return function
    import jax

    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


@cache
def network(at: int, backend: str) -> Callable[..., Any]:
    return compiled(placed(CASES[at], backend), backend)


def evaluate(
    case: Case, backend: str, x: np.ndarray, time: np.ndarray | None, seen: np.ndarray | None = None
) -> np.ndarray:
    b = get_backend(backend)
    with b.context("float64"):
        p = {k: b.array(v, "float64") for k, v in params_of(case).items()}
        more = [None if v is None else b.array(v, "float64") for v in (time, seen)]
        return b.numpy(network(CASES.index(case), backend)(p, b.array(x, "float64"), *more))


def at(value: np.ndarray | None, *index: Any) -> np.ndarray | None:
    """Some of a case's times or contexts, where it has them."""
    return None if value is None else value[index]


@cache
def pulled(at: int, backend: str) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]]:
    """Values, gradients of a weighted sum of them, and both sides of <w, J v> = <J' w, v> for one tangent v."""
    case, b = CASES[at], get_backend(backend)
    x, time = case.x(), case.time()
    w = np.random.default_rng(1).standard_normal((3, 2, *case.output))
    with b.context("float64"):
        o = b.ops
        inputs = {k: b.array(v, "float64") for k, v in params_of(case).items()}
        moving = {} if case.spec.integers else {"x": b.array(x, "float64")}
        more = {"time": time, "seen": case.seen()}
        moving |= {k: b.array(v, "float64") for k, v in more.items() if v is not None}
        fixed = {"x": b.array(x, "float64")} if case.spec.integers else {}
        weights, net = b.array(w, "float64"), placed(case, backend)

        def f(values: dict[str, Any]) -> Any:
            values = values | fixed
            return net(values, values["x"], values.get("time"), values.get("seen"))

        every = inputs | moving
        rng = np.random.default_rng(2)
        tangent = {k: b.array(rng.standard_normal(v.shape), "float64") for k, v in every.items()}

        def derivatives(values: dict[str, Any], tangent: dict[str, Any]) -> Any:
            value, pull = o.vjp(f, values)
            forward = o.jvp(f, (values,), (tangent,))[1] if backend == "pyro" else 0.0 * value
            return value, *pull(weights), forward

        value, grads, forward = compiled(derivatives, backend)(every, tangent)
        one = float(b.numpy(o.sum(forward * weights)))
        other = sum(float(b.numpy(o.sum(grads[k] * tangent[k]))) for k in every)
        return b.numpy(value), {k: b.numpy(v) for k, v in grads.items()}, {"forward": one, "reverse": other}


def test_every_network_and_every_part_of_one_has_a_case() -> None:
    assert {type(c.spec).__name__ for c in CASES} == set(NETWORKS)
    assert {type(c.spec.time).__name__ for c in CASES if c.spec.timed} == set(TIMES)  # type: ignore[attr-defined]
    assert {c.spec.activation for c in CASES} == set(Activation)  # type: ignore[attr-defined]
    assert {type(c.spec).__name__ for c in CASES if c.spec.timed} == set(NETWORKS)


@EACH
def test_backends_agree_in_values_and_gradients(case: Case) -> None:
    (a, da, _), (b, db, _) = (pulled(CASES.index(case), name) for name in BACKENDS)
    assert a.shape == b.shape == (3, 2, *case.output)
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
    for name in da:
        np.testing.assert_allclose(da[name], db[name], rtol=1e-10, atol=1e-10 * (1 + np.abs(da[name]).max()))


@EACH
def test_forward_and_reverse_mode_agree(case: Case) -> None:
    """On torch, whose layers have a formula of their own for each mode."""
    sides = pulled(CASES.index(case), "pyro")[2]
    np.testing.assert_allclose(sides["forward"], sides["reverse"], rtol=1e-9, atol=1e-9)


@EACH
def test_a_gradient_reaches_every_parameter(case: Case) -> None:
    grads = pulled(CASES.index(case), "pyro")[1]
    for name, g in grads.items():
        assert np.abs(g).max() > 1e-8, name


FIRST = [next(c for c in CASES if type(c.spec) is kind) for kind in NETWORKS.values()]


@pytest.mark.parametrize(
    ("case", "backend"),
    [*((c, "pyro") for c in CASES), *((c, "numpyro") for c in FIRST)],
    ids=[*(f"pyro-{c.name}" for c in CASES), *(f"numpyro-{c.name}" for c in FIRST)],
)
def test_left_axes_are_a_loop(case: Case, backend: str) -> None:
    x, time, seen = case.x(), case.time(), case.seen()
    whole = evaluate(case, backend, x, time, seen)
    for i in range(3):
        for j in range(2):
            one = evaluate(case, backend, x[i, j], at(time, i, j), at(seen, i, j))
            np.testing.assert_allclose(whole[i, j], one, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c.spec.timed], ids=lambda c: c.name)
def test_times_broadcast(case: Case) -> None:
    x, time, seen = case.x(), case.time(), at(case.seen(), 0, 0)
    assert time is not None
    many = evaluate(case, "pyro", x[0, 0], time[:, 0], seen)
    once = evaluate(case, "pyro", x, time[0, 0], seen)
    np.testing.assert_allclose(many[1], evaluate(case, "pyro", x[0, 0], time[1, 0], seen), atol=1e-12)
    np.testing.assert_allclose(once[2, 1], evaluate(case, "pyro", x[2, 1], time[0, 0], seen), atol=1e-12)
    assert np.all(many[0] != many[1])


@pytest.mark.parametrize("case", [c for c in CASES if c.context], ids=lambda c: c.name)
def test_contexts_broadcast_and_act(case: Case) -> None:
    """One x and time under several contexts; a map of the context without a bias stands for a zero context."""
    x, time, seen = case.x(), case.time(), case.seen()
    assert time is not None
    assert seen is not None
    many = evaluate(case, "pyro", x[0, 0], time[0, 0], seen[:, 0])
    np.testing.assert_allclose(many[1], evaluate(case, "pyro", x[0, 0], time[0, 0], seen[1, 0]), atol=1e-12)
    assert np.all(many[0] != many[1])
    none = import_module("gendsl_pyro.networks").network(case.spec, event=case.event, name="net")
    b = get_backend("pyro")
    with b.context("float64"):
        p = {k: b.array(v, "float64") for k, v in params_of(case).items() if not k.endswith("context.weight")}
        without = b.numpy(none(p, b.array(x, "float64"), b.array(time, "float64")))
    np.testing.assert_array_equal(without, evaluate(case, "pyro", x, time, 0 * seen))


def test_a_network_without_a_time_sees_no_context() -> None:
    with pytest.raises(ModelError, match="this network sees no context"):
        MaskedMLP(2).check_context()


@pytest.mark.parametrize("case", FIRST, ids=lambda c: c.name)
@pytest.mark.parametrize("backend", BACKENDS)
def test_maps_and_single_precision(case: Case, backend: str) -> None:
    b, x, time = get_backend(backend), case.x(), case.time()
    whole = evaluate(case, backend, x, time)
    net, arrays = placed(case, backend), params_of(case)
    given = [x] if time is None else [x, time]
    with b.context("float64"):
        p = {k: b.array(v, "float64") for k, v in arrays.items()}
        args = [b.array(a, "float64") for a in given]
        many = {k: b.ops.stack([v, v], 0) for k, v in p.items()}  # an ensemble, and each row apart
        mapped = b.ops.vmap(lambda q, *rows: b.ops.vmap(lambda *row: net(q, *row))(*rows), (0, *(None for _ in args)))
        both = compiled(mapped, backend)(many, *args)
        np.testing.assert_allclose(b.numpy(both)[1], whole, rtol=1e-12, atol=1e-12)
        empty = compiled(net, backend)(p, *(a[:0] for a in args))
        assert tuple(empty.shape) == (0, 2, *case.output)
    with b.context("float32"):
        p = {k: b.array(v, "float32") for k, v in arrays.items()}
        single = b.numpy(compiled(net, backend)(p, *(b.array(a, "float32") for a in given)))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, whole, rtol=3e-4, atol=3e-4 * np.abs(whole).max())


@EACH
def test_shapes_and_counts(case: Case) -> None:
    assert case.spec.output(case.event) == case.output
    parameters = case.spec.parameters(case.event, case.context)
    assert sum(math.prod(p.shape) for p in parameters.values()) == case.count
    assert case.context or case.spec.count(case.event) == case.count
    start = case.spec.init(case.event, 0, "net.", case.context)
    assert {k: v.shape for k, v in start.items()} == {f"net.{k}": p.shape for k, p in parameters.items()}


@EACH
def test_json_and_repr_give_it_back(case: Case) -> None:
    codec = Codec(set(), set())
    text = json.dumps(codec.encode(case.spec, "here"))
    again = codec.decode(json.loads(text), "here")
    assert again == case.spec
    assert hash(again) == hash(case.spec)
    names = {**NETWORKS, **TIMES, "Activation": Activation}
    assert eval(repr(case.spec), names) == case.spec  # noqa: S307 - the printed form is what programs hold


# -- masks ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", [c for c in CASES if isinstance(c.spec, MaskedMLP)], ids=lambda c: c.name)
@pytest.mark.parametrize("backend", BACKENDS)
def test_masks_are_strictly_triangular(case: Case, backend: str) -> None:
    b, spec, n = get_backend(backend), case.spec, case.output[0]
    assert isinstance(spec, MaskedMLP)
    order = spec.order or tuple(range(n))
    with b.context("float64"):
        p = {k: b.array(v, "float64") for k, v in params_of(case).items()}
        net = placed(case, backend)
        time, seen = case.time(()), case.seen(())
        t = None if time is None else b.array(time, "float64")
        y = None if seen is None else b.array(seen, "float64")
        x = b.array(case.x(()), "float64")
        along = compiled(lambda v: b.ops.jvp(lambda x: net(p, x, t, y), (x,), (v,))[1], backend)
        d = [b.numpy(along(b.array(v, "float64"))) for v in np.eye(*case.event)]  # by input
        assert all(np.all(column != 0.0) for column in d[: spec.context])
        for at, j in enumerate(order):
            for column in d[spec.context + j * spec.inputs :][: spec.inputs]:
                for i in order[: at + 1]:
                    assert np.all(column[i] == 0.0), (i, j)
                for i in order[at + 1 :]:
                    assert np.all(column[i] != 0.0), (i, j)
        if t is not None:  # also the first element's results depend on time
            moved = compiled(lambda v: b.ops.jvp(lambda t: net(p, x, t, y), (t,), (v,))[1], backend)(b.ops.ones_like(t))
            assert np.all(b.numpy(moved) != 0.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_causal_transformer_sees_no_later_place(backend: str) -> None:
    case = next(c for c in CASES if getattr(c.spec, "causal", False))
    x, time = case.x(), case.time()
    before = evaluate(case, backend, x, time)
    x[..., 2:, :] += 1.0
    after = evaluate(case, backend, x, time)
    np.testing.assert_array_equal(before[..., :2, :], after[..., :2, :])
    assert np.all(np.any(before[..., 2:, :] != after[..., 2:, :], -1))
