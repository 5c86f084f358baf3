"""Energies and pushforwards in models: the law of the compiler, what each can and cannot do, draws and posteriors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.densities import EnergyDensity, PushforwardDensity
from gendsl.lang.distributions import Energy, Pushforward
from gendsl.methods import MALA
from gendsl.networks import MLP, Activation, ConvNet, Native, Sinusoidal
from gendsl.objectives import ELBO, MaximumLikelihood
from gendsl.program import BoundProgram
from gendsl.progress import Silent
from gendsl.run import check_nuts, infer
from tests.families.densities import BACKENDS, Bound, values
from tests.laws.law import bind
from tests.laws.law_whole import examine

Built = tuple[gd.Model, dict[str, Any]]
RNG = np.random.default_rng(5)
H = (4,)


# -- models with energies ------------------------------------------------------------------------------------------
def prior() -> Built:
    """A prior over a plate, with events of one and of two axes, and copies."""
    m = gd.Model("prior")
    i = m.plate("i")
    z = m.latent("z", Energy(MLP(1, hidden=H), 2, spread=1.5), dims=i)
    w = m.latent("w", Energy(MLP(1, hidden=H, activation=Activation.TANH), (2, 2), spread=1.0).expand(3))
    m.observe("y", gd.Normal(z.sum() + w.sum(), 1.0), dims=i)
    return m, {"y": RNG.normal(size=4)}


def observed() -> Built:
    """Images, and one energy of two sites."""
    m = gd.Model("observed")
    i, j = m.plate("i"), m.plate("j")
    m.observe("x", Energy(ConvNet(1, channels=(4,), groups=2), (4, 4, 1)), dims=(i, j))
    shared = Energy(MLP(1, hidden=H), 2, name="common")
    a = m.latent("a", shared)
    m.observe("y", shared, dims=i)
    m.factor("more", 0.5 * shared.log_prob(2.0 * a))
    return m, {"x": RNG.normal(size=(2, 3, 4, 4, 1)), "y": RNG.normal(size=(2, 2))}


def conditional() -> Built:
    """Under a context of one plate that a network makes of data, and in copies; images, beside their channels."""
    m = gd.Model("conditional")
    i, j = m.plate("i"), m.plate("j")
    h = m.network("h", MLP(2, hidden=()))(m.data("c", dims=i, event=3))
    z = m.latent("z", Energy(MLP(1, hidden=H), 2, spread=1.5, context=h).expand(2), dims=(i, j))
    image = Energy(ConvNet(1, channels=(4,), groups=2), (4, 4, 1), context=np.array([0.5, -1.0]))
    m.observe("x", image, dims=j)
    m.observe("y", gd.Normal(z.sum(), 1.0), dims=(j, i))
    return m, {"c": RNG.normal(size=(2, 3)), "x": RNG.normal(size=(3, 4, 4, 1)), "y": RNG.normal(size=(3, 2))}


MODELS: dict[str, Callable[[], Built]] = {"prior": prior, "observed": observed, "conditional": conditional}
LEARNT = {"prior": {"z", "w"}, "observed": {"x", "common"}, "conditional": {"x", "z", "h"}}


@pytest.mark.parametrize("name", MODELS)
def test_the_law(name: str) -> None:
    assert examine(*MODELS[name](), 3).finite


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_parameter_and_agree(name: str) -> None:
    m, data = MODELS[name]()
    grads = {}
    for backend, bound in bind(m, data).items():
        b, program = bound.program.backend, bound.program
        rng = np.random.default_rng(1)
        with b.context("float64"):
            u = {k: b.array(rng.normal(size=s), "float64") for k, s in bound.shapes.items()}
            _, g = b.value_and_grad(lambda p, f=program.log_density, u=u, a=bound.arrays: f(u, a, p))(bound.params)
            grads[backend] = {k: b.numpy(v) for k, v in g.items()}
    assert {k.split(".")[0] for k in grads["pyro"]} == LEARNT[name]
    for k, g in grads["pyro"].items():
        assert np.any(g != 0), k
        np.testing.assert_allclose(g, grads["numpyro"][k], rtol=1e-10, atol=1e-10 * (1 + np.abs(g).max()))


# -- densities -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("event", [(3,), (2, 2)])
def test_the_log_density_is_minus_the_energy_on_both_backends(event: tuple[int, ...]) -> None:
    spec = EnergyDensity(MLP(1, hidden=H), spread=2.0)
    params = values(spec, event)
    x = RNG.normal(size=(5, 2, *event))
    found = [Bound(spec, params, b, event) for b in BACKENDS]
    lp, other = (f.log_prob(x) for f in found)
    bare = Bound(EnergyDensity(MLP(1, hidden=H)), params, "pyro", event).log_prob(x)
    np.testing.assert_allclose(lp, other, rtol=1e-12)
    np.testing.assert_allclose(lp, bare - np.sum(x**2, tuple(range(2, x.ndim))) / 8.0, rtol=1e-12)
    flat = x.reshape(5, 2, -1)
    h = flat @ params["network.layers.0.weight"].T + params["network.layers.0.bias"]
    out = (h / (1 + np.exp(-h))) @ params["network.layers.1.weight"].T + params["network.layers.1.bias"]
    np.testing.assert_allclose(bare, -out[..., 0], rtol=1e-10)
    for k, g in found[0].gradient(x).items():
        np.testing.assert_allclose(g, found[1].gradient(x)[k], rtol=1e-10, atol=1e-12)


def test_contexts_stand_behind_the_last_axis() -> None:
    """Of an image at every pixel, of a number in a vector with it; the spread is of x alone; left axes broadcast."""
    from gendsl.networks import beside, seen_event

    assert [seen_event(e, 2) for e in ((), (3,), (4, 4, 1))] == [(3,), (5,), (4, 4, 3)]
    assert seen_event((4, 4, 1), 0) == (4, 4, 1)
    b = get_backend("pyro")
    x, c = RNG.normal(size=(5, 1, 4, 4, 1)), RNG.normal(size=(3, 2))
    with b.context("float64"):
        both = b.numpy(beside(b.ops, b.array(x, "float64"), b.array(c, "float64"), 3))
        one = b.numpy(beside(b.ops, b.array(x[0, 0, 0, 0, 0], "float64"), b.array(c, "float64"), 0))
    np.testing.assert_array_equal(both[..., :1], np.broadcast_to(x, (5, 3, 4, 4, 1)))
    np.testing.assert_array_equal(both[..., 1:], np.broadcast_to(c[:, None, None], (5, 3, 4, 4, 2)))
    np.testing.assert_array_equal(one, np.concatenate([np.full((3, 1), x[0, 0, 0, 0, 0]), c], 1))
    spec = EnergyDensity(MLP(1, hidden=()), spread=2.0, context=2)
    params, x = values(spec, (3,)), RNG.normal(size=(5, 3))
    weight, bias = params["network.layers.0.weight"][0], params["network.layers.0.bias"][0]
    found = Bound(spec, params, "pyro", (3,)).log_prob(x, c[:, None])
    wanted = -(x @ weight[:3] + c[:, None] @ weight[3:] + bias + (x**2).sum(-1) / 8.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pushed_noise_and_context_are_the_networks(backend: str) -> None:
    spec = PushforwardDensity(MLP((2, 2), hidden=()), source=(3,), context=2)
    params, z, c = values(spec, (2, 2)), RNG.normal(size=(6, 3)), RNG.normal(size=(4, 1, 2))
    x = Bound(spec, params, backend, (2, 2)).sample(z, c)
    seen = np.concatenate([np.broadcast_to(z, (4, 6, 3)), np.broadcast_to(c, (4, 6, 2))], -1)
    wanted = seen @ params["network.layers.0.weight"].T + params["network.layers.0.bias"]
    np.testing.assert_allclose(x, wanted.reshape(4, 6, 2, 2), rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pushed_noise_is_the_network_of_it(backend: str) -> None:
    spec = PushforwardDensity(MLP((2, 2), hidden=()), source=(3,))
    params, z = values(spec, (2, 2)), RNG.normal(size=(6, 3))
    x = Bound(spec, params, backend, (2, 2)).sample(z)
    wanted = z @ params["network.layers.0.weight"].T + params["network.layers.0.bias"]
    np.testing.assert_allclose(x, wanted.reshape(6, 2, 2), rtol=1e-12)


# -- posteriors and draws ------------------------------------------------------------------------------------------
def _linear(bound: BoundProgram, name: str, weight: np.ndarray, bias: np.ndarray) -> BoundProgram:
    return bound.with_params({f"{name}.network.layers.0.weight": weight, f"{name}.network.layers.0.bias": bias})


def test_the_posterior_under_a_known_energy(backend: str) -> None:
    """E(x) = -b'x + c + |x|^2 / (2 s^2) is N(s^2 b, s^2 I); with an observation of N(x, 1) the posterior is known."""
    m = gd.Model("known")
    x = m.latent("x", Energy(MLP(1, hidden=()), 2, spread=2.0))
    m.observe("y", gd.Normal(x, 1.0))
    b, y = np.array([0.5, -0.3]), np.array([1.0, 3.0])
    bound = _linear(m.compile(backend).bind({"y": y}), "x", -b[None], np.array([7.0]))
    draws = infer(bound, MALA(chains=20, warmup=300, draws=400), 1, Silent()).draws["x"].reshape(-1, 2)
    precision = 1 / 4.0 + 1.0
    error = 4 * np.sqrt(1 / precision / (len(draws) / 10))
    assert error < 0.15
    assert (np.abs(draws.mean(0) - (b + y) / precision) < error).all()
    assert (np.abs(draws.var(0) * precision - 1.0) < 4 * np.sqrt(2 / (len(draws) / 10))).all()


def test_predictions_are_the_network_of_noise(backend: str) -> None:
    """A linear network of N(m, I): mean W m + b, covariance W W'; over a plate, and with the noise's own parameters."""
    m = gd.Model("implicit")
    row = m.plate("row", 2)
    loc = m.data("loc", dims=row)
    m.observe("x", Pushforward(gd.Normal(loc, 1).expand(3), MLP(2, hidden=())), dims=row)
    weight, bias = np.array([[1.0, 0.5, 0.0], [0.3, -1.0, 2.0]]), np.array([0.2, -0.1])
    program = m.compile(backend)
    bound = _linear(program.bind({"loc": [0.0, 2.0], "x": np.zeros((2, 2))}), "x", weight, bias)
    b = get_backend(backend)
    with b.context("float64"):
        at, params = b.array(np.array([0.0, 2.0]), "float64"), bound.params
        noise = _normal(backend, at)
        dist = program.namespace["x_density"](params, noise)
        assert tuple(dist.event_shape) == (2,)
        assert tuple(dist.batch_shape) == (2,)
        assert dist.has_rsample
        x = b.numpy(_sample(dist, backend, (20_000,)))
    assert x.shape == (20_000, 2, 2)
    cov = weight @ weight.T
    for k, mean in enumerate((0.0, 2.0)):
        found = x[:, k]
        assert (np.abs(found.mean(0) - weight.sum(1) * mean - bias) < 4 * np.sqrt(np.diag(cov) / 20_000)).all()
        np.testing.assert_allclose(np.cov(found, rowvar=False), cov, atol=0.2)
    drawn = m.prior_predictive({"loc": [0.0, 2.0]}, draws=7, backend=backend).prior_predictive["x"]
    assert drawn.shape == (1, 7, 2, 2)
    assert np.isfinite(drawn).all()


def _normal(backend: str, loc: Any) -> Any:
    if backend == "pyro":
        import pyro.distributions as dist

        return dist.Normal(loc[:, None].expand(2, 3), 1.0).to_event(1)
    import numpyro.distributions as ndist

    return ndist.Normal(loc[:, None] * np.ones(3), 1.0).to_event(1)


def _sample(dist: Any, backend: str, shape: tuple[int, ...]) -> Any:
    if backend == "pyro":
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)
            return dist.sample(shape)
    import jax

    return dist.sample(jax.random.key(0), shape)


# -- what they cannot do -------------------------------------------------------------------------------------------
def implicit() -> gd.Model:
    m = gd.Model("implicit")
    m.observe("x", Pushforward(gd.Normal(0, 1).expand(3), MLP(2, hidden=H)), dims=m.plate("row"))
    return m


def test_a_pushforward_has_no_density(backend: str) -> None:
    m = implicit()
    bound = m.compile(backend).bind({"x": np.zeros((3, 2))})
    with pytest.raises(gd.FitError, match=r"node 'x'[\s\S]*has draws and no density[\s\S]*gd.Flow has both"):
        bound.log_density({})


def test_an_energy_has_no_draws(backend: str) -> None:
    m = gd.Model("m")
    m.observe("x", Energy(MLP(1, hidden=H), 2), dims=m.plate("row"))
    with pytest.raises(
        gd.FitError, match=r"the observation 'x' has[\s\S]*cannot be drawn from[\s\S]*EnergyDensity[\s\S]*gd.MALA"
    ):
        m.prior_predictive({}, draws=3, sizes={"row": 2}, backend=backend)
    dist = m.compile(backend).namespace["x_density"](m.compile(backend).bind({"x": np.zeros((1, 2))}).params)
    assert not dist.has_rsample


def test_explain_says_what_each_offers() -> None:
    m, _ = MODELS["prior"]()
    offers = {r.name: r.capabilities for r in m.explain().rows}
    assert offers["z"] == ("energy", "score")
    assert offers["y"] == ("sample", "reparam", "log_prob", "score")
    assert {r.name: r.capabilities for r in implicit().explain().rows}["x"] == ("sample", "reparam")


def test_what_has_no_prior_is_not_sampled() -> None:
    with pytest.raises(gd.FitError, match="the distribution of 'z' have no prior"):
        check_nuts(MODELS["prior"]()[0].graph)


def test_likelihoods_are_refused_to_both() -> None:
    """An energy's -E is no likelihood to learn by: its parameters change Z."""
    m = gd.Model("m")
    m.observe("x", Energy(MLP(1, hidden=H), 2), dims=m.plate("row"))
    with pytest.raises(gd.FitError, match=r"node 'x'[\s\S]*up to a constant, which its parameters change"):
        MaximumLikelihood().check(m.graph)
    with pytest.raises(gd.FitError, match=r"node 'x'[\s\S]*has draws and no density[\s\S]*gd.WGAN"):
        MaximumLikelihood().check(implicit().graph)
    with pytest.raises(gd.FitError, match="the density of 'z' is known up to a constant"):
        ELBO().check(MODELS["prior"]()[0].graph)
    why = {name: no for name, _, no in m.explain().methods}
    assert "up to a constant" in why["Train(MaximumLikelihood)"]
    assert {"MALA", "ULA", "NUTS"} <= set(why)


def test_words() -> None:
    m, _ = MODELS["prior"]()
    assert "z[i] ~ Energy(2, " in str(m)
    assert "EnergyDensity(MLP(1, hidden=(4,)), spread=1.5)" in str(m)
    assert "PushforwardDensity(MLP(2, hidden=(4,)), (3,))" in str(implicit())


def test_mistakes() -> None:
    m = gd.Model("m")
    i = m.plate("i", 3)
    noise = gd.Normal(0, 1).expand(3)
    for make, says in (
        (lambda: Energy(MLP(2), 3), "an energy is one number"),
        (lambda: Energy(MLP(1)), "missing a required argument: 'event'"),
        (lambda: Energy(lambda x: x, 3), "network is a network"),
        (lambda: Energy(MLP, 3), "the class MLP"),
        (lambda: Energy(MLP(1), 0), "positive lengths"),
        (lambda: Energy(MLP(1), 3, spread=-1.0), "spread is a positive number"),
        (lambda: Energy(MLP(1), 3, scale=1.0), "no argument 'scale'"),
        (lambda: Energy(MLP(1, time=Sinusoidal()), 3), "takes a time is given none"),
        (lambda: Energy(ConvNet(1, channels=(4,), groups=2), 3), "event axes"),
        (lambda: Energy(MLP(1), 3).log_prob(np.ones(3)), "needs a name"),
        (lambda: Pushforward(3.0, MLP(2)), "noise of a pushforward must be a distribution"),
        (lambda: Pushforward(gd.Normal(0, 1), MLP(2)), "fixed event shape"),
        (lambda: Pushforward(gd.Poisson(1.0).expand(3), MLP(2)), "is continuous"),
        (lambda: Pushforward(noise, MLP), "the class MLP"),
        (lambda: Pushforward(noise), "missing a required argument: 'network'"),
        (lambda: m.latent("w", Pushforward(gd.Normal(m.data("d", dims=i), 1).expand(2), MLP(2))), "varies over"),
    ):
        with pytest.raises(gd.ModelError, match=says) as e:
            make()
        assert e.value.where is not None
        assert e.value.where.file == __file__


def test_a_user_s_own_module_is_refused() -> None:
    with pytest.raises(gd.ModelError, match="known to that module alone"):
        Energy(Native(torch=lambda event: None, out=1), 3)
