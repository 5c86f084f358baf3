"""Networks in models: the law of the compiler, one set of parameters, JSON, words and pictures."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.networks import networks_of
from gendsl.graph.view import site_graph
from gendsl.networks import MLP, Native, Sinusoidal
from gendsl.run import check_nuts
from tests.laws.law_whole import examine
from tests.networks.models import MODELS, vae
from tests.networks.test_native import jax_mlp, torch_mlp

BACKENDS = ("pyro", "numpyro")


@pytest.mark.parametrize("name", MODELS)
def test_the_law(name: str) -> None:
    """Densities, traces and gradients agree; axes on the left are a loop; JSON gives the same programs."""
    m, data = MODELS[name]()
    seen = examine(m, data, 3, tolerance=1e-6 if name == "equation" else 1e-10)
    assert seen.finite


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_density_is_that_of_the_formula(backend: str) -> None:
    m, data = vae()
    bound = m.compile(backend).bind(data)
    p = bound.program.network_parameters(3)
    bound = bound.with_params(p)
    z = np.random.default_rng(0).normal(size=(3, 2))
    b = bound.program.backend
    with b.context("float64"):
        got = float(b.numpy(bound.log_density({"z": b.array(z, "float64")})))
    h = z @ p["decoder.layers.0.weight"].T + p["decoder.layers.0.bias"]
    h = h / (1 + np.exp(-h))
    logits = h @ p["decoder.layers.1.weight"].T + p["decoder.layers.1.bias"]
    terms = np.where(data["x"] == 1, -np.log1p(np.exp(-logits)), -np.log1p(np.exp(logits)))
    assert got == pytest.approx(terms.sum() - 0.5 * (z**2).sum() - 3 * np.log(2 * np.pi), abs=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_reaches_parameters(backend: str) -> None:
    m, data = vae()
    bound = m.compile(backend).bind(data)
    program, b = bound.program, bound.program.backend
    with b.context("float64"):
        u = {"z": b.array(np.full((3, 2), 0.4), "float64")}
        value = b.value_and_grad(lambda p: program.log_density(u, bound.arrays, p))(bound.params)[1]
        assert set(value) == {f"decoder.layers.{k}.{part}" for k in (0, 1) for part in ("weight", "bias")}
        assert all(np.abs(b.numpy(g)).max() > 1e-3 for g in value.values())


def test_parameters_are_equal_on_both_backends_and_functions_of_the_seed() -> None:
    m, _ = vae()
    a, b = (m.compile(name).network_parameters(4) for name in BACKENDS)
    assert list(a) == list(b)
    for k, v in a.items():
        np.testing.assert_array_equal(v, b[k])
    other = m.compile("pyro").network_parameters(5)
    assert all(np.any(v != other[k]) for k, v in a.items())
    with pytest.raises(gd.FitError, match="a seed is a nonnegative integer"):
        m.compile("pyro").network_parameters(-1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_source_is_readable(backend: str) -> None:
    source = vae()[0].compile(backend).source
    ast.parse(source)
    assert f"from gendsl.networks import MLP\nfrom gendsl_{backend}.networks import network\n" in source
    assert 'decoder = network(MLP(4, hidden=(5,)), event=(2,), name="decoder")\n' in source
    assert "        decoder.layers.0: weight [5, 2], bias [5]\n" in source
    assert "dist.Bernoulli(logits=decoder(params, z)" in source
    assert "def model(data, params):" in source


@pytest.mark.parametrize("backend", BACKENDS)
def test_calls_on_one_value_are_computed_once(backend: str) -> None:
    m = gd.Model("twice")
    f = m.network("f", MLP(2, hidden=(3,)))
    z = m.latent("z", gd.Normal(0, 1).expand(2))
    m.observe("y", gd.Normal(f(z), gd.exp(f(z))))
    density = m.compile(backend).source.partition("def log_density")[2]
    assert density.count("f(params,") == 1


def test_what_is_not_used_is_dropped() -> None:
    m = gd.Model("unused")
    i = m.plate("i", 3)
    f, g = m.network("f", MLP(2)), m.network("g", MLP(2))
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=i)
    f(z)
    m.observe("y", gd.Normal(g(z), 1.0), dims=i)
    assert "network 'f' is not used" in str(m.explain())
    assert list(m.compile("pyro").networks) == ["g"]
    assert all(k.startswith("g.") for k in m.compile("pyro").network_parameters())


def test_a_network_is_not_folded_and_does_not_noncenter() -> None:
    m = gd.Model("conditional")
    i = m.plate("i", 3)
    f, x = m.network("f", MLP(2)), m.data("x", dims=i, event=2)
    scale, loc = gd.exp(f(x)), f(np.ones(2))
    m.latent("z", gd.Normal(loc, scale), dims=i)
    program = m.compile("pyro")
    assert [s.name for s in program.sites] == ["z"]
    assert program.source.count("f(params, torch.tensor([1.0, 1.0]") >= 1


# -- in the model -----------------------------------------------------------------------------------------------------
def test_what_a_handle_is() -> None:
    m, _ = vae()
    decoder = m.networks["decoder"]
    assert repr(decoder) == "<network decoder: MLP(4, hidden=(5,))>"
    z = m["z"]
    assert (decoder(z).dims, decoder(z).event) == (("image",), (4,))
    with pytest.raises(gd.ModelError, match=r'm.networks\["decoder"\]'):
        m["decoder"]


def test_copies_and_files_keep_networks() -> None:
    m, data = vae()
    for other in (m.copy("vae"), gd.Model.from_json(m.to_json())):
        assert other == m
        assert list(other.networks) == ["decoder"]
        other.let("again", other.networks["decoder"](other["z"]))
        assert list(networks_of(other.graph.nodes)) == ["decoder"]
        with pytest.raises(gd.ModelError, match="the name 'decoder' is taken"):
            other.latent("decoder", gd.Normal(0, 1))
        with pytest.raises(gd.ModelError, match="of model 'vae' is applied to a value of a copy of it"):
            m.networks["decoder"](other["z"])
    assert "again" not in m.graph.sites


def test_a_failed_line_leaves_the_model_as_it_was() -> None:
    m = gd.Model("m")
    with pytest.raises(gd.ModelError):
        m.network("f", MLP)  # type: ignore[arg-type]
    f = m.network("f", MLP(2, hidden=(3,)))
    x = m.latent("x", gd.Normal(0, 1).expand(2))
    with pytest.raises(gd.ModelError):
        f(x, time=0.5)
    assert f(x).event == (2,)
    count = len(m.graph.nodes)
    with pytest.raises(gd.ModelError, match="two event shapes"):
        f(x[0])
    assert len(m.graph.nodes) - count <= 1  # the index is a line of its own


def test_a_network_is_called_in_a_step_on_the_event_of_its_other_calls() -> None:
    m = gd.Model("m")
    t, f = m.plate("t", 3), m.network("f", MLP(2, hidden=(3,)))
    x = m.latent("x", gd.Normal(0, 1).expand(2))
    f(x)
    with pytest.raises(gd.ModelError, match="two event shapes"):
        gd.scan(lambda h, v: (f(h[0]), None), x, m.data("v", dims=t), dim=t)


def test_parts_of_a_result() -> None:
    m = gd.Model("encoder")
    x = m.data("x", dims=m.plate("image"), event=(4,))
    loc, raw = gd.split(m.network("encoder", MLP(6, hidden=(5,)))(x), 2)
    assert (loc.event, raw.event, loc.dims) == ((3,), (3,), ("image",))
    m.latent("z", gd.Normal(loc, gd.softplus(raw)), dims="image")
    program = m.compile("numpyro")
    assert [s.name for s in program.sites] == ["z"]


# -- words and pictures -----------------------------------------------------------------------------------------------
def test_text() -> None:
    assert str(MODELS["crossed_time"]()[0]).splitlines()[7:] == [
        "network f = MLP(2, hidden=(3,), time=Fourier(size=4, width=3))   event (3,) -> event (2,)",
        "",
        "x[a, c] ~ Normal(0, 1).expand(3)   event (3,)",
        "h[a, c, b] = f(x, time=t)   event (2,)",
        "y[a, b, c] ~ Normal(sum(h), 1)   observed",
    ]


def test_report() -> None:
    report = str(MODELS["shared"]()[0].explain())
    (row,) = [line for line in report.splitlines() if line.startswith("f ")]
    assert "network" in row
    assert "MLP(2, hidden=(3,))" in row
    assert all(len(MODELS[n]()[0].explain().rows) == len(MODELS[n]()[0].graph.nodes) for n in ("shared", "scanned"))


@pytest.mark.parametrize("name", MODELS)
def test_pictures(name: str) -> None:
    m, _ = MODELS[name]()
    g = site_graph(m.graph)
    names = list(networks_of(m.graph.nodes))
    assert [n for n, d in g.nodes.items() if d["kind"] == "network"] == names
    assert all(not list(g.predecessors(n)) and list(g.successors(n)) for n in names)
    figure = m.plot()
    ids = {a.get_gid() for a in figure.findobj()}
    assert all(f"site:{n}" in ids and f"label:{n}" in ids for n in names)
    assert all(f'label="{n}' in m.dot() and f'["{n}' in m.mermaid() for n in names)


def test_edges_of_a_network_go_through_values() -> None:
    g = site_graph(MODELS["hierarchy"]()[0].graph)
    assert set(g.successors("prior")) == {"u"}
    assert set(g.successors("head")) == {"y"}
    assert set(site_graph(MODELS["scanned"]()[0].graph).successors("cell")) == {"y"}


# -- methods ----------------------------------------------------------------------------------------------------------
def test_nuts_refuses_a_model_with_networks() -> None:
    m, data = vae()
    with pytest.raises(gd.FitError) as e:
        check_nuts(m.graph)
    assert e.value.node == "decoder"
    assert "have no prior" in str(e.value)
    with pytest.raises(gd.FitError, match="network 'decoder'"):
        m.fit(data, gd.NUTS(draws=10, warmup=10), progress=False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_prior_predictive_runs_at_the_start(backend: str) -> None:
    m, _ = vae()
    out = m.prior_predictive(draws=20, backend=backend, sizes={"image": 3})
    assert out.prior_predictive["x"].shape == (1, 20, 3, 4)


# -- the user's own module ------------------------------------------------------------------------------------------
def native() -> tuple[gd.Model, dict[str, Any]]:
    m = gd.Model("native")
    i = m.plate("i")
    f = m.network("f", Native(torch=torch_mlp, jax=jax_mlp, out=3))
    z = m.latent("z", gd.Normal(0, 1).expand(4), dims=i)
    m.observe("x", gd.Normal(f(z), 1.0), dims=i)
    return m, {"x": np.ones((2, 3))}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_native_module_in_a_program(backend: str) -> None:
    m, data = native()
    program = m.compile(backend)
    assert 'f = network(modules["f"], event=(4,), name="f")' in program.source
    bound = program.bind(data).with_params(start := program.network_parameters(2))
    w0, b0, w1, b1 = start.values()
    z, b = np.random.default_rng(1).normal(size=(2, 4)), program.backend
    with b.context("float64"):
        got = float(b.numpy(bound.log_density({"z": b.array(z, "float64")})))
    mean = np.tanh(z @ w0.T + b0) @ w1.T + b1
    assert got == pytest.approx(-0.5 * ((1 - mean) ** 2).sum() - 0.5 * (z**2).sum() - 7 * np.log(2 * np.pi), abs=1e-10)
    assert str(m)
    assert str(m.explain())
    with pytest.raises(gd.FormatError, match="a user's own module cannot be written"):
        m.to_json()


def test_time_passes_dims_through() -> None:
    m = gd.Model("m")
    a, b = m.plate("a", 2), m.plate("b", 3)
    f = m.network("f", MLP(2, time=Sinusoidal()))
    y = f(m.data("x", dims=a, event=3), time=m.data("t", dims=b))
    assert (y.dims, y.event) == (("a", "b"), (2,))
    assert f(m["x"], time=0.5).dims == ("a",)
