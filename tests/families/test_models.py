"""Learned distributions in models: the law of the compiler, their parameters, prediction, words."""

from __future__ import annotations

import ast

import numpy as np
import pytest

import gendsl as gd
from gendsl import transforms as tr
from gendsl.lang.distributions import Flow
from gendsl.run import check_nuts
from tests.families.models import MODELS
from tests.laws.law import bind
from tests.laws.law_whole import examine

H = (4,)


@pytest.mark.parametrize("name", MODELS)
def test_the_law(name: str) -> None:
    """Densities, traces and gradients agree; axes on the left are a loop; JSON gives the same programs."""
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
    for k, g in grads["pyro"].items():
        assert np.any(g != 0), k
        np.testing.assert_allclose(g, grads["numpyro"][k], rtol=1e-10, atol=1e-10 * (1 + np.abs(g).max()))


def test_names_of_parameters() -> None:
    def names(model: str) -> set[str]:
        return {
            k.split("transforms")[0].split("layers")[0] for k in MODELS[model]()[0].compile("pyro").network_parameters()
        }

    assert names("observed") == {"x."}
    assert names("shared") == {"common."}
    assert names("autoregressive") == {"z.", "w.", "second."}
    assert names("mixed") == {"z.", "x.c0.", "x.c2.", "y."}
    assert names("conditional") == {"h.", "x."}
    starts = [MODELS["prior"]()[0].compile(b).network_parameters(3) for b in ("pyro", "numpyro")]
    for k, v in starts[0].items():
        np.testing.assert_array_equal(v, starts[1][k])


def test_predictions_are_draws_of_the_flow(backend: str) -> None:
    """A linear flow onto positive numbers: log x is normal with mean b and covariance A A'."""
    m = gd.Model("m")
    row = m.plate("row")
    m.observe("x", Flow(gd.Normal(0, 1).expand(2), (tr.LULinear(), tr.Exp())), dims=row)
    factors, bias = np.array([[0.3, 0.5], [-0.4, -0.2]]), np.array([0.2, -0.1])
    a = np.array([[1.0, 0.0], [-0.4, 1.0]]) @ np.array([[np.exp(0.3), 0.5], [0.0, np.exp(-0.2)]])
    bound = m.compile(backend).bind({"x": np.ones((1, 2))})
    values = {"x.transforms.0.factors": factors, "x.transforms.0.bias": bias}
    d = bound.program.namespace["x_density"]
    b = bound.program.backend
    with b.context("float64"):
        params = bound.with_params(values).params
        base = _normal(backend, b)
        x = b.numpy(_sample(d(params, base), backend, (4000,)))
        lp = b.numpy(d(params, base).log_prob(b.array(np.array([[1.0, 2.0], [-1.0, 2.0]]), "float64")))
    logs = np.log(x)
    cov = a @ a.T
    for k in (0, 1):
        assert abs(logs[:, k].mean() - bias[k]) < 4 * np.sqrt(cov[k, k] / 4000)
        assert abs(logs[:, k].var() / cov[k, k] - 1) < 4 * np.sqrt(2 / 4000)
    z = np.linalg.solve(a, np.log([1.0, 2.0]) - bias)
    truth = -0.5 * z @ z - np.log(2 * np.pi) - np.log(abs(np.linalg.det(a))) - np.log(2.0)
    np.testing.assert_allclose(lp, [truth, -np.inf], rtol=1e-12)


def _normal(backend: str, b: object) -> object:
    if backend == "pyro":
        import pyro.distributions as dist
        import torch

        return dist.Normal(torch.zeros(2, dtype=torch.float64), 1.0).to_event(1)
    import jax.numpy as jnp
    import numpyro.distributions as ndist

    return ndist.Normal(jnp.zeros(2), 1.0).to_event(1)


def _sample(d: object, backend: str, shape: tuple[int, ...]) -> object:
    if backend == "pyro":
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)
            return d.sample(shape)  # type: ignore[attr-defined]
    import jax

    return d.sample(jax.random.key(0), shape)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["prior", "autoregressive", "mixed"])
def test_the_prior_predictive_runs(name: str, backend: str) -> None:
    m, data = MODELS[name]()
    given = {k: v for k, v in data.items() if k in ("c", "keep")}
    out = m.prior_predictive(given, draws=10, backend=backend, sizes={"i": 3} if name != "prior" else {})
    drawn = out.prior_predictive
    shapes = {
        "prior": {"y": (2, 3)},
        "autoregressive": {"w": (3, 2, 2), "y": (2,)},
        "mixed": {"x": (3, 2), "y": (3, 2)},
    }
    for k, shape in shapes[name].items():
        assert drawn[k].shape == (1, 10, *shape)
        assert np.isfinite(drawn[k]).all()
    if name == "autoregressive":
        assert set(np.unique(drawn["w"])) == {0, 1, 2}


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_the_source_is_readable(backend: str) -> None:
    m, _ = MODELS["conditional"]()
    source = m.compile(backend).source
    ast.parse(source)
    assert f"from gendsl_{backend}.families import density\nfrom gendsl_{backend}.networks import network\n" in source
    assert "from gendsl.densities import FlowDensity\n" in source
    assert "x_density(" in source.partition("def model")[2]
    assert "context=" in source
    assert "        x.transforms.0.layers.0: weight [4, 3], bias [4]\n" in source


def test_words() -> None:
    m, _ = MODELS["constrained"]()
    assert "rate ~ Flow(Normal(0, 1).expand(2), FlowDensity(Chain((Coupling(hidden=(4,)), Exp()))))" in str(m)
    assert m["rate"].support == gd.positive
    assert str(m["p"].support) == "in (-1, 2)"
    w = MODELS["autoregressive"]()[0]["w"]
    assert (w.event, str(w.dtype)) == ((2, 2), "int")


def test_what_has_no_prior_is_not_sampled() -> None:
    with pytest.raises(gd.FitError, match="the distribution of 'z' have no prior"):
        check_nuts(MODELS["prior"]()[0].graph)


def test_a_lacking_parameter_is_named(backend: str) -> None:
    m, _ = MODELS["observed"]()
    d = m.compile(backend).namespace["x_density"]
    with pytest.raises(gd.ModelError, match=r"lacks parameter 'x.transforms.0.layers.0.weight'"):
        d({}, None)
    assert repr(d).startswith("<density x: FlowDensity(")
