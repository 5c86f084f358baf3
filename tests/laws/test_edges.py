"""Densities at edges that a review found, each against a value worked out by hand or the other engine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

import gendsl as gd
from tests.laws.law import BACKENDS, check_law, fused


def value(m: gd.Model, data: dict[str, object], backend: str, **u: object) -> float:
    p = m.compile(backend).bind(data)
    given = {k: np.asarray(u.get(k, np.zeros(s)), float) for k, s in p.shapes.items()}
    return fused(p, given).value


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_recorded_values_keep_the_declared_order_of_dims(backend: str, order: tuple[str, str]) -> None:
    """mu varies over b alone, so the pass writes loc + scale * base with b first."""
    m = gd.Model("m")
    m.plate("a", 3), m.plate("b", 3)
    mu = m.latent("mu", gd.Normal(0, 1), dims="b")
    s = m.latent("s", gd.HalfNormal(1))
    x = m.latent("x", gd.Normal(mu, s), dims=order)
    m.let("twice", 2 * x)
    p = m.compile(backend).bind({})
    rng = np.random.default_rng(0)
    u = {k: rng.normal(size=(1, *v)) for k, v in p.shapes.items()}
    out = p.constrain(u)
    base = out["x_base"][0]
    loc = out["mu"][0][None, :] if order == ("a", "b") else out["mu"][0][:, None]
    np.testing.assert_allclose(out["x"][0], loc + out["s"][0] * base, rtol=1e-12)
    dims = {"x": order, "twice": m["twice"].dims}
    twice = out["twice"][0] if dims["twice"] == order else out["twice"][0].T
    np.testing.assert_allclose(twice, 2 * out["x"][0], rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_observation_outside_a_random_bound_has_no_density(backend: str) -> None:
    m = gd.Model("m")
    h = m.latent("h", gd.HalfNormal(1))
    m.observe("y", gd.Uniform(0, h), dims=m.plate("i"))
    assert value(m, {"y": [0.5, 3.0]}, backend, h=0.0) == -np.inf
    assert np.isfinite(value(m, {"y": [0.5, 3.0]}, backend, h=np.log(4.0)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_value_on_an_open_end_has_no_density(backend: str) -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("f", gd.LogNormal(0, 1).log_prob(gd.relu(x)))
    assert value(m, {}, backend, x=-1.0) == -np.inf
    assert np.isfinite(value(m, {}, backend, x=1.0))


@pytest.mark.parametrize("whole", [False, True])
def test_masked_values_may_lie_outside_a_random_bound(whole: bool) -> None:
    m = gd.Model("m")
    o = m.plate("o")
    on, p = m.data("on", dims=o, dtype=bool), m.latent("p", gd.Uniform(0, 1))
    if whole:
        m.observe("y", gd.Binomial(m.data("n", dims=o, dtype=int), p).mask(on), dims=o)
        data = {"n": np.array([3, 4, 3]), "y": np.array([1, 9, 2])}
        want = stats.binom.logpmf([1, 2], 3, 0.5).sum()
    else:
        m.observe("y", gd.Uniform(0, 1 + p), dims=o, mask=on)
        data = {"y": np.array([0.1, 9.0, 0.3])}
        want = -2 * np.log(1.5)
    data["on"] = np.array([True, False, True])
    check_law(m, data, seed=1)
    for backend in BACKENDS:
        assert value(m, data, backend) == pytest.approx(want + np.log(0.25), rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_derivative_of_digamma_has_full_accuracy(backend: str) -> None:
    """torch's own trigamma is right to 1e-9 only."""
    m = gd.Model("m")
    x = m.latent("x", gd.ImproperUniform(gd.real, 6))
    m.factor("f", gd.digamma(x).sum())
    p = m.compile(backend).bind({})
    at = np.array([1e-3, 0.4, 1.0, 3.3, 7.0, 40.0])
    np.testing.assert_allclose(fused(p, {"x": at}).grad["x"], special.polygamma(1, at), rtol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_normal_distribution_function_in_its_tails(backend: str) -> None:
    """Over many draws too, for which torch's own warns that it goes through them one by one."""
    m = gd.Model("m")
    x = m.latent("x", gd.ImproperUniform(gd.real, 7))
    m.factor("f", gd.log_ndtr(x).sum())
    m.let("y", gd.log_ndtr(x))
    p = m.compile(backend).bind({})
    at = np.array([-1e4, -40.0, -3.0, -1.0, 0.0, 2.0, 5.0])
    want = np.exp(stats.norm.logpdf(at) - special.log_ndtr(at))
    want[:1] = -at[:1]  # and 1e-4, which both have lost
    found = fused(p, {"x": at})
    np.testing.assert_allclose(found.value, special.log_ndtr(at).sum(), rtol=1e-12)
    np.testing.assert_allclose(found.grad["x"], want, rtol=1e-7)
    np.testing.assert_allclose(found.grad["x"][1:], want[1:], rtol=1e-10)
    np.testing.assert_allclose(
        p.constrain({"x": np.stack([at, -at])})["y"][0], special.log_ndtr(at), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_variance_far_from_zero(backend: str) -> None:
    m = gd.Model("m")
    x, z = m.data("x", event=(2, 3)), m.latent("z", gd.Normal(0, 1))
    m.let("v", gd.var(x, 1)), m.let("w", np.var(x) + 0 * z)
    at = 1e8 + np.array([[0.0, 1.0, 2.0], [4.0, 4.0, 1.0]])
    out = m.compile(backend).bind({"x": at}).constrain({"z": np.zeros(1)})
    np.testing.assert_allclose(np.squeeze(out["v"]), at.var(1), rtol=1e-7)
    np.testing.assert_allclose(np.squeeze(out["w"]), at.var(), rtol=1e-7)


@pytest.mark.parametrize("kind", ["positive", "rows", "random", "counts"])
def test_masked_values_may_lie_outside_the_support(kind: str) -> None:
    m = gd.Model("m")
    o, mu = m.plate("o", 3), m.latent("mu", gd.Normal(0, 1))
    keep = m.data("keep", dims=o, dtype=bool)
    data: dict[str, object] = {"keep": np.array([True, False, True])}
    at, logs = 0.4, stats.lognorm(1.0, 0.0, np.exp(0.4)).logpdf
    if kind == "rows":
        m.observe("y", gd.LogNormal(mu, 1).expand(2), dims=o, mask=keep)
        data["y"] = np.array([[1.0, 2.0], [-1.0, 2.0], [2.0, 0.5]])
        want = logs([1.0, 2.0, 2.0, 0.5]).sum()
    elif kind == "counts":
        m.observe("y", gd.Categorical(gd.softmax(gd.stack([mu, 0.0]))), dims=o, mask=keep)
        data["y"] = np.array([1, 7, 0])
        want = np.log(special.softmax([at, 0.0])).sum()
    else:
        m.observe("y", gd.LogNormal(mu, 1), dims=o, mask=keep if kind == "positive" else keep & (mu < 9.0))
        data["y"] = np.array([1.0, -1.0, 2.0])
        want = logs([1.0, 2.0]).sum()
    check_law(m, data, seed=3)
    for backend in BACKENDS:
        got = value(m, data, backend, mu=np.array(at))
        assert got == pytest.approx(want + stats.norm.logpdf(at), rel=1e-12)


@pytest.mark.parametrize("kind", ["unit", "interval", "binomial", "categorical"])
def test_mixtures_whose_bounds_are_constants(kind: str) -> None:
    part, y = {
        "unit": (gd.Uniform(0, np.array([1.0, 1.0])), np.array([0.2, 0.9])),
        "interval": (gd.Uniform(np.array([-1.0, -1.0]), 2.0), np.array([0.2, 1.9])),
        "binomial": (gd.Binomial(5, np.array([0.2, 0.6])), np.array([0, 5])),
        "categorical": (gd.Categorical(np.array([[0.2, 0.8], [0.5, 0.5]])), np.array([0, 1])),
    }[kind]
    m = gd.Model("m")
    o, w = m.plate("o"), m.latent("w", gd.Dirichlet(np.ones(2)))
    m.observe("y", gd.Mixture(w, part), dims=o)
    if kind in ("unit", "interval"):
        m.latent("x", gd.Mixture(w, part))
    check_law(m, {"y": y}, seed=4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_constrain_without_values_says_what_it_needs(backend: str) -> None:
    m = gd.Model("m")
    m.latent("a", gd.Normal(0, 1))
    with pytest.raises(gd.DataError, match="values are missing for latents"):
        m.compile(backend).bind({}).constrain({})


def test_a_truncated_normal_whose_scale_is_summed_over_a_plate() -> None:
    """The sum keeps an axis of length 1 in the program; the support has no part in it."""
    m = gd.Model("m")
    o = m.plate("o", 2)
    v = m.latent("v", gd.Normal(0, 1), dims=o)
    m.latent("z", gd.TruncatedNormal(0.0, gd.exp(v.sum(dim=o)), low=-1.3, high=2))
    check_law(m, {}, seed=5)


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_gradient_of_an_extreme_under_compilation(name: str) -> None:
    """XLA may compute twice, with two roundings, what jax's own gradient compares with the extreme."""
    m = gd.Model("extreme")
    b = m.plate("b", 4)
    z = m.latent("z", gd.Normal(0, 1), dims=b)
    p = gd.softmax(gd.sigmoid(z) * np.array([0.148, 1.687]), 0)
    apart = p - p.rename(b="c")
    m.factor("f", getattr(apart, name)(dim="c").sum(dim="b").sum())
    m.factor("g", getattr(apart, name)(dim=("b", "c")).sum())
    for seed in range(8):
        check_law(m, {}, seed)
