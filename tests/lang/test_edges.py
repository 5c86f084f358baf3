"""Edges of the language that a review found."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from tests.laws.law import BACKENDS, check_batched, check_law, fused

NAMES = (
    "\u00b5",
    "\uff49\uff46",
    "\uff44ata",
    "TruncatedNormal",
    "Markov",
    "float",
    "int",
    "special",
    "x_",
    "carry_",
    "real",
    "scan",
)


def value(m: gd.Model, data: dict[str, object], backend: str, **u: object) -> float:
    p = m.compile(backend).bind(data)
    given = {k: np.asarray(u.get(k, np.zeros(s)), float) for k, s in p.shapes.items()}
    return fused(p, given).value


def test_a_markov_chain_needs_a_fixed_support() -> None:
    m = gd.Model("m")
    t = m.plate("t", 3)
    x = m.latent("x", gd.Normal(0, 1))
    with pytest.raises(gd.ModelError, match="fixed support"):
        gd.Markov(gd.Uniform(x - 1, x + 1), lambda p: gd.Uniform(p - 1, p + 1), dim=t)


@pytest.mark.parametrize("backend", BACKENDS)
def test_constants_do_not_take_the_names_of_data(backend: str) -> None:
    m = gd.Model("m")
    c = m.data("constant_1")
    a = m.latent("a", gd.Normal(0, 1))
    m.observe("y", gd.Normal(a * np.arange(30.0).sum() * 0 + (np.arange(30.0) * a).sum() + c, 1.0))
    got = value(m, {"constant_1": 2.0, "y": 2.0}, backend)
    assert got == pytest.approx(-np.log(2 * np.pi), abs=1e-12)


def test_conditions_are_combined_and_numbers_are_not() -> None:
    m = gd.Model("m")
    n = m.data("n", dtype=int)
    with pytest.raises(gd.ModelError, match="needs conditions"):
        gd.logical_and(n, 4)


@pytest.mark.parametrize("name", NAMES)
def test_any_identifier_may_name_a_site(name: str) -> None:
    m = gd.Model("m")
    t = m.plate("t")
    y = m.data("y", dims=t)
    z = m.latent(name, gd.TruncatedNormal(0, 1, low=-1.0))
    k = m.data("k", dims=t, dtype=int)
    _, out = gd.scan(lambda c, v: (0.5 * c + gd.sigmoid(v) * z, c), 0.0, y, dim=t)
    m.observe("w", gd.Normal(out + gd.to_float(gd.to_int(z)) + k, 1.0), dims=t)
    check_law(m, {"y": [0.1, 0.2], "k": [1, 2], "w": [0.0, 1.0]}, 0)


def test_sizes_of_plates_are_values() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    a = m.latent("a", gd.Normal(0, 1 / gd.sqrt(t.size)))
    m.let("c", 3.0)
    trend = gd.to_float(t.index) / (t.size - 1)
    m.observe("y", gd.Normal(a * trend, gd.to_float(t.size)), dims=t)
    check_law(m, {"y": [0.0, 1.0, 2.0]}, 0)


def test_bounds_are_plain_numbers() -> None:
    m = gd.Model("m")
    m.latent("a", gd.ImproperUniform(gd.Interval(np.float64(1), None)))
    m.latent("b", gd.ImproperUniform(gd.Interval(0, np.inf)))
    m.factor("f", -m["a"] - m["b"])
    check_law(m, {}, 0)
    with pytest.raises(gd.ModelError, match="wrong way round"):
        gd.ImproperUniform(gd.Interval(2.0, 1.0))


def test_derived_plates_do_not_take_a_user_s_name() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    other = m.plate("t_from_1", 7)
    late = t >= 1
    assert late.name != other.name
    assert (t >= 1).name == late.name


@pytest.mark.parametrize("outputs", [True, False])
def test_scans_without_a_carry_or_without_an_output(outputs: bool) -> None:
    m = gd.Model("m")
    t = m.plate("t")
    y = m.data("y", dims=t)
    a = m.latent("a", gd.Normal(0, 1))
    if outputs:
        _, out = gd.scan(lambda _, v: ((), v * a), (), y, dim=t)
        m.factor("f", -(out**2))
    else:
        final, _ = gd.scan(lambda c, v: (c + v * a, ()), 0.0, y, dim=t)
        m.factor("f", -(final**2))
    check_law(m, {"y": [0.1, 0.2]}, 0)


def test_the_largest_of_conditions() -> None:
    m = gd.Model("m")
    t = m.plate("t", 3)
    z = m.latent("z", gd.Normal(0, 1), dims=t)
    m.factor("f", 1.0 - (z > 0).max(dim=t))
    check_law(m, {}, 0)


def test_scales_of_kernels_and_noise_are_positive() -> None:
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"))
    q = m.latent("q", gd.Normal(0, 1))
    with pytest.raises(gd.ModelError, match="length must be positive"):
        gd.kernel.SquaredExponential(length=-1.0)
    with pytest.raises(gd.ModelError, match="scale must be positive"):
        gd.kernel.Matern(scale=q)
    with pytest.raises(gd.ModelError, match="noise must be nonnegative"):
        gd.GaussianProcess(gd.kernel.Matern(), x, noise=q)


def test_a_count_is_not_positive() -> None:
    m = gd.Model("m")
    k = m.latent("k", gd.Poisson(3.0))
    with pytest.raises(gd.ModelError, match="must be positive"):
        gd.Normal(0, k)


def test_a_markov_step_that_sums_over_a_plate() -> None:
    m = gd.Model("m")
    t, p = m.plate("t", 4), m.plate("p", 3)
    a = m.latent("a", gd.Normal(0, 1), dims=p)
    x = m.latent("x", gd.Markov(gd.Normal(0, 1), lambda x: gd.Normal((x * a).sum(dim=p), 1.0), dim=t), dims=t)
    assert x.dims == ("t",)
    m.observe("y", gd.Normal(x, 1.0), dims=t)
    check_law(m, {"y": [0.1, 0.2, 0.3, 0.4]}, 0)
    check_batched(m, {"y": [0.1, 0.2, 0.3, 0.4]}, 0)


def test_a_markov_step_that_adds_a_plate() -> None:
    m = gd.Model("m")
    t, p = m.plate("t", 4), m.plate("p", 3)
    a = m.latent("a", gd.Normal(0, 1), dims=p)
    m.latent("x", gd.Markov(gd.Normal(0, 1), lambda x: gd.Normal(x * a, 1.0), dim=t), dims=(p, t))
    check_law(m, {}, 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_that_python_spells_otherwise(backend: str) -> None:
    """Sites, data and plates keep the user's spelling, though Python normalises identifiers."""
    m = gd.Model("m")
    i = m.plate("\u2139")
    x = m.data("\u00b5_x", dims=i)
    mu = m.latent("\u00b5", gd.Normal(0, 1), dims=i)
    m.let("\ufb01", mu + x)
    m.observe("\uff59", gd.Normal(mu, 1.0), dims=i)
    p = gd.Model.from_json(m.to_json()).compile(backend).bind({"\u00b5_x": [1.0, 2.0], "\uff59": [0.0, 0.0]})
    out = p.constrain({"\u00b5": np.array([[0.5, 1.5]])})
    np.testing.assert_allclose(out["\ufb01"], [[1.5, 3.5]])
    check_law(m, {"\u00b5_x": [1.0, 2.0], "\uff59": [0.0, 0.0]}, 0)


@pytest.mark.parametrize("flag", [True, False, np.True_])
def test_conditions_that_are_python_s(flag: bool) -> None:
    m = gd.Model("m")
    i = m.plate("i")
    a = m.latent("a", gd.Normal(0, 1), dims=i)
    x = m.data("x", dims=i)
    m.observe("y", gd.LogNormal(0, 1), value=gd.exp(a) + x, mask=flag)
    m.factor("f", gd.where(flag, a, -a))
    check_law(m, {"x": [0.1, 0.2]}, 0)


def test_the_density_of_a_flat_prior_has_the_value_s_dims() -> None:
    m = gd.Model("m")
    i = m.plate("i")
    a = m.latent("a", gd.Normal(0, 1).expand(2), dims=i)
    m.data("x", dims=i)
    m.factor("f", gd.ImproperUniform(shape=(2,)).log_prob(a).sum(dim=i))
    check_law(m, {"x": [0.1, 0.2]}, 0)


def test_whole_numbers_of_numpy() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    assert (t >= np.int64(2)).name == (t >= 2).name == t[np.int64(2) :].name
    assert gd.NUTS(chains=np.int64(2)) == gd.NUTS(chains=2)
    assert not gd.same(m.data("x"), 3)


def test_a_copy_has_plates_of_its_own() -> None:
    m = gd.Model("m")
    t = m.plate("t", 4)
    m.latent("x", gd.Normal(0, 1), dims=t)
    c = m.copy()
    late = c.plates["t"] >= 1
    c.observe("y", gd.Normal(c["x"][late], 1.0), dims=late)
    assert "y" in c.graph.sites
    assert late.name not in m.plates
