"""The user's own modules: names, values, starts, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.errors import CompileError, ModelError
from gendsl.networks import Native

X = np.random.default_rng(0).standard_normal((3, 2, 4))
TIME = np.random.default_rng(1).uniform(size=(3, 2))


def torch_mlp(event: tuple[int, ...]) -> Any:
    import torch

    return torch.nn.Sequential(torch.nn.Linear(event[0], 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))


def jax_mlp(event: tuple[int, ...], key: Any) -> Any:
    import equinox as eqx
    import jax

    return eqx.nn.MLP(event[0], 3, 5, 1, activation=jax.numpy.tanh, key=key)


def jax_ordered(event: tuple[int, ...], key: Any) -> Any:
    """A multilayer perceptron with an array of integers and a number beside its parameters."""
    import equinox as eqx
    import jax.numpy as jnp

    class Ordered(eqx.Module):
        net: eqx.Module
        order: Any
        power: int

        def __call__(self, x: Any) -> Any:
            return self.net(x[self.order]) ** self.power

    return Ordered(jax_mlp(event, key), jnp.array([2, 0, 1, 3]), 3)


BOTH = Native(torch=torch_mlp, jax=jax_mlp, out=3)
NAMES = {
    "pyro": ["0.weight", "0.bias", "2.weight", "2.bias"],
    "numpyro": ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"],
}


def layers(backend: str) -> Any:
    from importlib import import_module

    return import_module(f"gendsl_{backend}.networks")


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_names_values_and_gradients(backend: str) -> None:
    b, module = get_backend(backend), layers(backend)
    with b.context("float64"):
        start = module.LAYERS.native_init(BOTH, (4,), 0)
        assert list(start) == NAMES[backend]
        assert all(v.dtype == np.float64 for v in start.values())
        again, other = module.LAYERS.native_init(BOTH, (4,), 0), module.LAYERS.native_init(BOTH, (4,), 1)
        for k, v in start.items():
            np.testing.assert_array_equal(v, again[k])
            assert np.any(v != other[k])
        w0, b0, w1, b1 = start.values()
        expected = np.tanh(X @ w0.T + b0) @ w1.T + b1
        net = module.network(BOTH, event=(4,), name="f")
        p = {f"f.{k}": b.array(v, "float64") for k, v in start.items()}
        np.testing.assert_allclose(b.numpy(net(p, b.array(X, "float64"))), expected, rtol=1e-10)
        one = b.numpy(net(p, b.array(X[0, 0], "float64")))
        np.testing.assert_allclose(one, expected[0, 0], rtol=1e-10)
        grads = b.ops.grad(lambda q: b.ops.sum(b.ops.square(net(q, b.array(X, "float64")))))(p)
        hidden = np.tanh(X @ w0.T + b0)
        np.testing.assert_allclose(
            b.numpy(grads[f"f.{NAMES[backend][2]}"]), 2 * np.einsum("abi,abj->ij", expected, hidden), rtol=1e-9
        )


def test_parameters_may_be_traced_before_a_module_is_built() -> None:
    """What is no parameter of a module, here an order of the inputs, is no tracer of the first trace."""
    import equinox as eqx
    import jax

    class Reversed(eqx.Module):
        inner: Any
        order: Any

        def __call__(self, x: Any) -> Any:
            return self.inner(x[self.order])

    spec = Native(jax=lambda event, key: Reversed(jax_mlp(event, key), jax.numpy.arange(4)[::-1]), out=3)
    module = layers("numpyro")
    with jax.enable_x64(True):
        start = module.LAYERS.native_init(spec, (4,), 0)
        assert list(start) == [f"inner.{name}" for name in NAMES["numpyro"]]
        net = module.network(spec, event=(4,), name="f")
        f = jax.jit(lambda p, x: net(p, x))
        p = {f"f.{k}": jax.numpy.asarray(v) for k, v in start.items()}
        first = f(p, jax.numpy.asarray(X))
        np.testing.assert_allclose(net(p, jax.numpy.asarray(X)), first, rtol=1e-12)


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_a_module_of_time(backend: str) -> None:
    def with_torch(event: tuple[int, ...]) -> Any:
        import torch

        class Module(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.w = torch.nn.Parameter(torch.full((4,), 0.5))
                self.register_buffer("shift", torch.ones(4))

            def forward(self, x: Any, t: Any) -> Any:
                return self.w * x * t[:, None] + self.shift

        return Module()

    def with_jax(event: tuple[int, ...], key: Any) -> Any:
        import equinox as eqx
        import jax

        class Module(eqx.Module):
            w: Any

            def __call__(self, x: Any, t: Any) -> Any:
                return self.w * x * t + 1.0

        return Module(jax.numpy.full((4,), 0.5))

    b, module = get_backend(backend), layers(backend)
    spec = Native(torch=with_torch, jax=with_jax, out=4, takes_time=True)
    assert spec.timed
    with b.context("float64"):
        net = module.network(spec, event=(4,), name="f")
        y = net({"f.w": b.array(np.full(4, 2.0), "float64")}, b.array(X, "float64"), b.array(TIME, "float64"))
        np.testing.assert_allclose(b.numpy(y), 2.0 * X * TIME[..., None] + 1.0, rtol=1e-12)
        wide = net({"f.w": b.array(np.full(4, 2.0), "float64")}, b.array(X[0, 0], "float64"), b.array(TIME, "float64"))
        np.testing.assert_allclose(b.numpy(wide), 2.0 * X[0, 0] * TIME[..., None] + 1.0, rtol=1e-12)


@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_training(backend: str, batch: int | None) -> None:
    """Parameters move, of equinox under jit too; what is no parameter of a module stays as it is."""
    x, y = np.random.default_rng(2).standard_normal((20, 4)), np.ones((20, 3))
    m = gd.Model("m")
    spec = Native(torch=torch_mlp, jax=jax_ordered, out=3)
    n, row = m.network("n", spec), m.plate("row")
    m.observe("y", gd.Normal(n(m.data("x", dims=row, event=4)), 0.5), dims=row)
    method = gd.Train(steps=2, batch_size=batch, precision=gd.Precision.FLOAT64)
    fit = m.fit({"x": x, "y": y}, method, backend=backend, progress=False)
    start = layers(backend).LAYERS.native_init(spec, (4,), 0)
    assert [k.removeprefix("n.") for k in fit.params] == list(start)
    assert all(fit.params[f"n.{k}"].shape == v.shape and np.any(fit.params[f"n.{k}"] != v) for k, v in start.items())
    w0, b0, w1, b1 = fit.params.values()
    inside = x if backend == "pyro" else x[:, [2, 0, 1, 3]]
    mean = (np.tanh(inside @ w0.T + b0) @ w1.T + b1) ** (1 if backend == "pyro" else 3)
    expected = -2.0 * (y - mean) ** 2 - np.log(0.5 * np.sqrt(2.0 * np.pi))
    assert fit.log_prob({"x": x, "y": y}).value == pytest.approx(expected.sum(), rel=1e-10)


def test_torchs_global_generator_is_left_alone() -> None:
    import torch

    before = torch.get_rng_state()
    layers("pyro").LAYERS.native_init(BOTH, (4,), 3)
    assert torch.equal(before, torch.get_rng_state())


def _batch_norm(event: tuple[int, ...]) -> Any:
    import torch

    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))


def _dropout(event: tuple[int, ...], key: Any) -> Any:
    import equinox as eqx

    return eqx.nn.Sequential([eqx.nn.Linear(4, 4, key=key), eqx.nn.Dropout(0.5)])


def _wrong(event: tuple[int, ...], key: Any = None) -> Any:
    return 3


@pytest.mark.parametrize(
    ("backend", "spec", "words"),
    [
        ("pyro", Native(torch=_batch_norm, out=4), "BatchNorm1d"),
        ("numpyro", Native(jax=_dropout, out=4), "Dropout"),
        ("pyro", Native(torch=_wrong, out=4), "does not make a torch.nn.Module"),
        ("numpyro", Native(jax=_wrong, out=4), "does not make a module of equinox"),
        ("pyro", Native(jax=_wrong, out=4), "no module for torch"),
        ("numpyro", Native(torch=_wrong, out=4), "no module for jax"),
    ],
)
def test_what_is_refused(backend: str, spec: Native, words: str) -> None:
    with pytest.raises((CompileError, ModelError), match=words):
        layers(backend).network(spec, event=(4,), name="f")


@pytest.mark.parametrize("latent", [False, True])
@pytest.mark.parametrize(("backend", "cause"), [("pyro", RuntimeError), ("numpyro", TypeError)])
def test_what_a_module_raises_stands_behind_our_error(backend: str, cause: type[Exception], latent: bool) -> None:
    """Pyro makes other errors of those that pass through its traces, as with latents; the first one leaves."""
    m = gd.Model("m")
    row = m.plate("row")
    n = m.network("n", Native(torch=lambda event: torch_mlp((7,)), jax=lambda event, key: jax_mlp((7,), key), out=3))
    x = m.data("x", dims=row, event=4)
    if latent:
        x = m.latent("z", gd.Normal(x, 1.0), dims=row)
        guide = gd.Model("guide")
        own = guide.plate("row")
        guide.latent("z", gd.Normal(guide.param("a", 1.0) * guide.data("x", dims=own, event=4), 1.0), dims=own)
        m.objective(gd.ELBO(guide=guide))
    m.observe("y", gd.Normal(n(x), 0.5), dims=row)
    with pytest.raises(ModelError, match="node 'n'.* cannot be called on event") as caught:
        m.fit({"x": X[0], "y": np.ones((2, 3))}, gd.Train(steps=1), backend=backend, progress=False)
    assert type(caught.value.__cause__) is cause
    assert caught.value.node == "n"
    assert "Trace" not in str(caught.value)


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_a_result_of_another_shape_is_refused(backend: str) -> None:
    b = get_backend(backend)
    spec = Native(torch=torch_mlp, jax=jax_mlp, out=(3, 1))
    with b.context("float64"):
        start = layers(backend).LAYERS.native_init(spec, (4,), 0)
        net = layers(backend).network(spec, event=(4,), name="f")
        with pytest.raises(ModelError, match="another shape"):
            net({f"f.{k}": b.array(v, "float64") for k, v in start.items()}, b.array(X, "float64"))
