"""Cases that a review found, each against a value worked out by hand or against the other engine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.math.sequences import hidden_markov_log_prob
from tests.laws.law import BACKENDS, check_batched, check_law, fused


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


def test_conditions_are_combined_and_numbers_are_not() -> None:
    m = gd.Model("m")
    n = m.data("n", dtype=int)
    with pytest.raises(gd.ModelError, match="needs conditions"):
        gd.logical_and(n, 4)


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


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_value_on_an_open_end_has_no_density(backend: str) -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("f", gd.LogNormal(0, 1).log_prob(gd.relu(x)))
    assert value(m, {}, backend, x=-1.0) == -np.inf
    assert np.isfinite(value(m, {}, backend, x=1.0))


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


def test_a_count_is_not_positive() -> None:
    m = gd.Model("m")
    k = m.latent("k", gd.Poisson(3.0))
    with pytest.raises(gd.ModelError, match="must be positive"):
        gd.Normal(0, k)


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
    with b.precision("float64"):
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


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["hidden", "markov", "process"])
def test_joint_observations_are_drawn_where_they_are_left_out(backend: str, name: str) -> None:
    m = _joint(name)
    p = m.compile(backend)
    given = p.bind({"x": [0.0, 1.0, 3.0], "y": [1, 2, 1]}).arrays
    with p.backend.precision("float64"):
        out = draw_model(backend, p.model, {k: v for k, v in given.items() if k != "y"})
    assert out.shape == (3,)
    assert np.isfinite(out).all()
    check_law(m, {"x": [0.0, 1.0, 3.0], "y": [1, 2, 1]}, 0)


def draw_model(backend: str, model: object, data: object) -> np.ndarray:
    if backend == "pyro":
        import pyro

        return np.asarray(pyro.poutine.trace(model).get_trace(data).nodes["y"]["value"])
    import numpyro

    traced = numpyro.handlers.trace(numpyro.handlers.seed(model, 0))
    return np.asarray(traced.get_trace(data)["y"]["value"])


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


@pytest.mark.parametrize("backend", BACKENDS)
def test_constrain_without_values_says_what_it_needs(backend: str) -> None:
    m = gd.Model("m")
    m.latent("a", gd.Normal(0, 1))
    with pytest.raises(gd.DataError, match="values are missing for latents"):
        m.compile(backend).bind({}).constrain({})


def test_a_copy_has_plates_of_its_own() -> None:
    m = gd.Model("m")
    t = m.plate("t", 4)
    m.latent("x", gd.Normal(0, 1), dims=t)
    c = m.copy()
    late = c.plates["t"] >= 1
    c.observe("y", gd.Normal(c["x"][late], 1.0), dims=late)
    assert "y" in c.graph.sites
    assert late.name not in m.plates


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


def test_a_truncated_normal_whose_scale_is_summed_over_a_plate() -> None:
    """The sum keeps an axis of length 1 in the program; the support has no part in it."""
    m = gd.Model("m")
    o = m.plate("o", 2)
    v = m.latent("v", gd.Normal(0, 1), dims=o)
    m.latent("z", gd.TruncatedNormal(0.0, gd.exp(v.sum(dim=o)), low=-1.3, high=2))
    check_law(m, {}, seed=5)
