"""Joint distributions and sequences at edges that a review found, against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special, stats

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.math.sequences import hidden_markov_log_prob
from tests.laws.law import BACKENDS, check_law, fused


def value(m: gd.Model, data: dict[str, object], backend: str, **u: object) -> float:
    p = m.compile(backend).bind(data)
    given = {k: np.asarray(u.get(k, np.zeros(s)), float) for k, s in p.shapes.items()}
    return fused(p, given).value


def _joint(name: str) -> gd.Model:
    m = gd.Model(name)
    t = m.plate("t")
    x = m.data("x", dims=t)
    a = m.latent("a", gd.Normal(0, 1).expand(2))
    if name == "hidden":
        dist: gd.Distribution = gd.HiddenMarkov(np.ones(2) / 2, np.full((2, 2), 0.5), gd.Poisson(gd.exp(a)), dim=t)
    elif name == "markov":
        dist = gd.Markov(gd.Normal(a[0], 1.0), lambda v: gd.Normal(v * a[1], 1.0), dim=t)
    else:
        dist = gd.GaussianProcess(gd.kernel.SquaredExponential(scale=1.0, length=1.0), x, noise=0.1)
    m.observe("y", dist, dims=t)
    return m


def draw_model(backend: str, model: Callable[..., object], *given: object) -> dict[str, np.ndarray]:
    """One draw of every site of the PPL model."""
    if backend == "pyro":
        import pyro

        trace = pyro.poutine.trace(model).get_trace(*given).nodes
    else:
        import numpyro

        trace = numpyro.handlers.trace(numpyro.handlers.seed(model, 0)).get_trace(*given)
    return {k: np.asarray(site["value"]) for k, site in trace.items() if site["type"] == "sample"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_emission_made_of_a_distribution(backend: str) -> None:
    rng = np.random.default_rng(0)
    data = {"n": rng.uniform(1, 2, 5), "y": rng.poisson(2.0, 5)}
    values = []
    for wrapped in (True, False):
        m = gd.Model("m")
        t = m.plate("t")
        n = m.data("n", dims=t)
        rate = m.latent("rate", gd.Gamma(2.0, 1.0).expand(2))
        if wrapped:
            emission: gd.Distribution = gd.ZeroInflated(gd.Poisson(rate * n), gate=0.2)
        else:
            emission = gd.ZeroInflatedPoisson(rate * n, 0.2)
        m.observe("y", gd.HiddenMarkov(np.ones(2), np.full((2, 2), 0.5), emission, dim=t), dims=t)
        values.append(value(m, data, backend, rate=[0.1, 0.7]))
    assert values[0] == pytest.approx(values[1], abs=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_hidden_chain_with_impossible_transitions(backend: str) -> None:
    """Left to right: the value is that of the sum over paths, and the gradient is finite."""
    y, mu = np.array([0.3, -0.4, 1.1, 0.9]), np.array([-0.2, 0.8])
    m = gd.Model("m")
    t, means = m.plate("t"), m.latent("mu", gd.Normal(0, 1).expand(2))
    m.observe("y", gd.HiddenMarkov([1.0, 0.0], [[0.5, 0.5], [0.0, 1.0]], gd.Normal(means, 1.0), dim=t), dims=t)
    paths = [[0] * k + [1] * (4 - k) for k in range(1, 5)]
    chances = [0.5 ** min(k, 3) for k in range(1, 5)]
    joint = [np.log(c) + stats.norm.logpdf(y, mu[p]).sum() for c, p in zip(chances, paths, strict=True)]
    point = fused(m.compile(backend).bind({"y": y}), {"mu": mu})
    assert point.value == pytest.approx(special.logsumexp(joint) + stats.norm.logpdf(mu).sum(), rel=1e-12)
    weights = special.softmax(joint)
    occupied = sum(w * np.eye(2)[p] for w, p in zip(weights, paths, strict=True))
    np.testing.assert_allclose(point.grad["mu"], (occupied * (y[:, None] - mu)).sum(0) - mu, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sequence_that_cannot_be_has_no_density(backend: str) -> None:
    b = get_backend(backend)
    emission = np.array([[0.0, -np.inf], [-np.inf, 0.0]])
    with b.context("float64"):
        given = [b.array(x, "float64") for x in (np.array([1.0, 0.0]), np.eye(2), emission)]
        assert float(b.numpy(hidden_markov_log_prob(b.ops, *given))) == -np.inf


@pytest.mark.parametrize("kind", ["categorical", "multinomial", "general", "family"])
def test_computed_probabilities_are_divided_by_their_sum(kind: str) -> None:
    m = gd.Model("m")
    o, u = m.plate("o"), m.latent("u", gd.Normal(0, 1).expand(3))
    w = gd.exp(u)
    given, y = {
        "categorical": (gd.Categorical(w), np.array([0, 2, 1])),
        "multinomial": (gd.Multinomial(4, w), np.array([[1, 1, 2], [0, 4, 0]])),
        "general": (gd.Mixture(w, [gd.Normal(0, 1), gd.Normal(1, 1), gd.StudentT(3)]), np.array([0.4, -1.0])),
        "family": (gd.Mixture(w, gd.Normal(u, 1)), np.array([0.4, -1.0])),
    }[kind]
    m.observe("y", given, dims=o)
    check_law(m, {"y": y}, seed=2)
    if kind == "categorical":
        at = np.array([0.2, -1.0, 0.7])
        want = np.log(special.softmax(at))[y].sum() + stats.norm.logpdf(at).sum()
        assert value(m, {"y": y}, "numpyro", u=at) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [1, 3])
def test_carries_have_all_their_dims(backend: str, length: int) -> None:
    """A carry that is passed on unchanged lacks the plate that it has from the second step on."""
    m = gd.Model("m")
    s, t = m.plate("s", 2), m.plate("t")
    phi, y = m.latent("phi", gd.Normal(0, 1), dims=s), m.data("y", dims=t)
    z = m.latent("z", gd.Normal(0, 1))
    (_, before), _ = gd.scan(lambda c, v: ((phi * c[0] + v, c[0]), c[1]), (z, z), y, dim=t)
    m.factor("f", before.sum(dim=s))
    ys, slope, start = np.array([0.3, -0.8, 1.2])[:length], np.array([0.4, -0.9]), 0.7
    now, held = np.full(2, start), np.full(2, start)
    for v in ys:
        now, held = slope * now + v, now
    want = held.sum() + stats.norm.logpdf([*slope, start]).sum()
    assert value(m, {"y": ys}, backend, phi=slope, z=np.array(start)) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["hidden", "markov", "process"])
def test_joint_observations_are_drawn_where_they_are_left_out(backend: str, name: str) -> None:
    m = _joint(name)
    p = m.compile(backend)
    given = p.bind({"x": [0.0, 1.0, 3.0], "y": [1, 2, 1]}).arrays
    with p.backend.context("float64"):
        out = draw_model(backend, p.model, {k: v for k, v in given.items() if k != "y"})["y"]
    assert out.shape == (3,)
    assert np.isfinite(out).all()
    check_law(m, {"x": [0.0, 1.0, 3.0], "y": [1, 2, 1]}, 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_gaussian_process_in_single_precision(backend: str) -> None:
    """Smooth kernels without noise: the factorisation needs a jitter of the size of rounding errors."""
    m = gd.Model("m")
    t = m.plate("t")
    x = m.data("x", dims=t)
    scale = m.latent("scale", gd.LogNormal(3, 1))
    m.latent("f", gd.GaussianProcess(gd.kernel.SquaredExponential(scale=scale, length=1.0), x), dims=t)
    p = m.compile(backend, precision="float32").bind({"x": np.linspace(0, 4, 60)})
    got = fused(p, {"scale": np.array(3.0), "f": np.zeros(60)})
    assert np.isfinite(got.value)
    assert np.isfinite(got.grad["f"]).all()
    assert "1e-10" in m.compile(backend).source


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_chain_whose_input_runs_along_its_plate_alone(backend: str) -> None:
    """The input's axis for the chain's plate stands left of the outer plate's: it is no axis of the chain."""
    rng = np.random.default_rng(0)
    x, z, w, y = rng.normal(size=2), rng.normal(size=(2, 4)), rng.normal(size=4), rng.normal(size=(2, 4))
    m = gd.Model("m")
    a, b = m.plate("a"), m.plate("b", 4)
    scale = gd.exp(m.data("x", dims=a))
    inputs = m.latent("w", gd.Normal(0, 1), dims=b)
    chain = gd.Markov(gd.Normal(0, 1), lambda v, s: gd.Normal(0.5 * v + s, scale), dim=b, inputs=[inputs])
    z_ = m.latent("z", chain, dims=(a, b))
    m.observe("y", gd.Normal(z_ + inputs, 1.0), dims=(b, a))
    check_law(m, {"x": x, "y": y.T}, 0)
    expected = stats.norm.logpdf(w).sum() + stats.norm.logpdf(z[:, 0]).sum()
    expected += stats.norm.logpdf(z[:, 1:], 0.5 * z[:, :-1] + w[1:], np.exp(x)[:, None]).sum()
    expected += stats.norm.logpdf(y, z + w).sum()
    assert value(m, {"x": x, "y": y.T}, backend, w=w[:, None], z=z) == pytest.approx(expected, rel=1e-12)
    p = m.compile(backend)
    given = p.bind({"x": [-30.0, -30.0], "y": y.T}).arrays
    with p.backend.context("float64"):
        drawn = draw_model(backend, p.model, {"x": given["x"]})
    assert drawn["z"].shape == (2, 4)
    np.testing.assert_allclose(drawn["z"][:, 1:], 0.5 * drawn["z"][:, :-1] + drawn["w"].reshape(4)[1:], atol=1e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_of_a_chain_inside_two_plates(backend: str) -> None:
    """The outer plate reaches the steps: each row follows its own slope and none is shared."""
    m = gd.Model("m")
    a, c, b = m.plate("a", 2), m.plate("c", 3), m.plate("b", 4)
    slope = m.data("slope", dims=a)
    m.latent("z", gd.Markov(gd.Normal(slope, 1.0), lambda v: gd.Normal(slope * v, 1e-9), dim=b), dims=(a, c, b))
    given = np.array([0.5, -1.0])
    p = m.compile(backend)
    with p.backend.context("float64"):
        z = draw_model(backend, p.model, p.bind({"slope": given}).arrays)["z"]
    assert z.shape == (2, 3, 4)
    np.testing.assert_allclose(z, z[:, :, :1] * given[:, None, None] ** np.arange(4), atol=1e-6)
    assert len(np.unique(z[:, :, 0])) == 6
