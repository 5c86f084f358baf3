"""Where chains start: as far out as was said, at given values of any latent, or at draws from the prior."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.methods.start import starts
from gendsl_models import reference
from gendsl_models.registry import ZOO
from tests.fit.models import SCHOOLS, schools


def _found(m: gd.Model, data: Any, init: gd.methods.Init, backend: str, chains: int = 2, seed: int = 4) -> Any:
    """Constrained values of the starting points, (chain, ...), and the points themselves."""
    bound = m.compile(backend).bind(data)
    points = starts(bound, lambda u: (0.0, u), chains, seed, init)
    values = [bound.constrain({k: v[None] for k, v in u.items()}) for u in points]
    return {k: np.stack([v[k][0] for v in values]) for k in values[0]}, points


def test_a_uniform_start_has_its_radius(backend: str) -> None:
    _, near = _found(schools(), SCHOOLS, gd.init.Uniform(0.1), backend, 20)
    u = np.concatenate([x.ravel() for point in near for x in point.values()])
    assert np.abs(u).max() <= 0.1
    assert np.abs(u).max() > 0.09
    _, same = _found(schools(), SCHOOLS, gd.init.Uniform(), backend, 1)
    default = starts(schools().compile(backend).bind(SCHOOLS), lambda u: (0.0, u), 1, 4)
    assert all(np.array_equal(x, default[0][k]) for k, x in same[0].items())


def _zoo() -> tuple[gd.Model, dict[str, Any], dict[str, Any]]:
    """Latents that every pass lowers in its own way, data, and values of them all."""
    m = gd.Model("zoo")
    g, h = m.plate("g"), m.plate("h")
    low = m.latent("low", gd.Normal(0, 1))
    tau = m.latent("tau", gd.HalfNormal(1))
    m.latent("both", gd.Uniform(low, low + gd.exp(tau)), dims=g)
    m.latent("one", gd.TruncatedNormal(0, 1, low=low), dims=g)
    m.latent("centred", gd.Normal(low, tau), dims=g, centered=True)
    m.latent("moved", gd.Normal(low, tau), dims=(g, h))
    m.latent("table", gd.StudentT(5, low, tau).expand(2, 3), dims=h)
    factor = m.latent("factor", gd.LKJCholesky(3, 2.0))
    m.latent("vector", gd.MultivariateNormal(gd.stack([low, low, tau]), scale_tril=tau * factor), dims=g)
    m.latent("matrix", gd.Wishart(5.0, np.eye(2)))
    m.latent("where", gd.ProjectedNormal(np.zeros(3)))
    m.latent("angle", gd.VonMises(0.0, 1.0))
    m.latent("share", gd.Dirichlet(np.ones(4)), dims=g)
    m.latent("unit", gd.Beta(2, 2))
    m.observe("y", gd.Normal(m["moved"], 1), dims=(g, h))
    rng = np.random.default_rng(1)
    tril = np.linalg.cholesky([[1.0, 0.3, -0.2], [0.3, 1.0, 0.5], [-0.2, 0.5, 1.0]])
    share = rng.dirichlet(np.ones(4), 5)
    direction = np.array([0.6, 0.0, -0.8])
    values = {
        "low": 0.4,
        "tau": 0.7,
        "both": 0.4 + rng.uniform(0.1, 1.9, 5),
        "one": 0.4 + rng.gamma(1.0, size=5),
        "centred": rng.normal(size=5),
        "moved": rng.normal(size=(5, 2)),
        "table": rng.normal(size=(2, 2, 3)),
        "factor": tril,
        "vector": rng.normal(size=(5, 3)),
        "matrix": [[2.0, 0.5], [0.5, 1.0]],
        "where": direction,
        "angle": -2.0,
        "share": share,
        "unit": 0.2,
    }
    return m, {"y": rng.normal(size=(5, 2))}, values


def test_given_values_of_every_kind_of_latent_are_where_chains_start(backend: str) -> None:
    m, data, values = _zoo()
    found, points = _found(m, data, gd.init.Given(values), backend)
    for name, x in values.items():
        np.testing.assert_allclose(found[name], np.broadcast_to(x, found[name].shape), rtol=1e-7, atol=1e-7)
    assert all(np.array_equal(points[0][k], x) for k, x in points[1].items())


def test_some_values_given_leave_the_others_uniform(backend: str) -> None:
    m, data, values = _zoo()
    few = {k: values[k] for k in ("moved", "vector", "one")}
    found, points = _found(m, data, gd.init.Given(few), backend)
    for name, x in few.items():
        np.testing.assert_allclose(found[name], np.broadcast_to(x, found[name].shape), rtol=1e-7, atol=1e-7)
    assert not np.array_equal(points[0]["low"], points[1]["low"])
    assert all(abs(p["low"]) <= 2 for p in points)


def test_values_by_chain_and_jitter(backend: str) -> None:
    mu, theta = np.array([-3.0, 5.0]), np.arange(16.0).reshape(2, 8)
    found, exact = _found(schools(), SCHOOLS, gd.init.Given({"mu": mu, "theta": theta}), backend)
    np.testing.assert_allclose(found["mu"], mu)
    np.testing.assert_allclose(found["theta"], theta, atol=1e-12)
    _, moved = _found(schools(), SCHOOLS, gd.init.Given({"mu": mu, "theta": theta}, jitter=0.25), backend)
    for a, b in zip(exact, moved, strict=True):
        gaps = np.concatenate([np.ravel(a[k] - b[k]) for k in ("mu", "theta_base")])
        assert 0.1 < np.abs(gaps).max() <= 0.25
        assert np.array_equal(a["tau"], b["tau"])


def test_a_start_from_the_prior_is_a_draw_from_it(backend: str) -> None:
    """mu ~ N(0, 5) and theta | mu, tau: 200 starts have their moments, 4 standard errors allowed."""
    found, _ = _found(schools(), SCHOOLS, gd.init.Prior(), backend, 200)
    mu, tau, theta = found["mu"], found["tau"], found["theta"]
    assert abs(mu.mean()) < 4 * 5 / np.sqrt(200)
    assert abs((mu**2).mean() - 25) < 4 * 25 * np.sqrt(2 / 200)
    z = (theta - mu[:, None]) / tau[:, None]
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / z.size)
    assert abs((tau < 5).mean() - 0.5) < 4 * 0.5 / np.sqrt(200)


@pytest.mark.parametrize("engine", list(gd.Engine))
def test_chains_stay_at_the_mode_where_they_start(backend: str, engine: gd.Engine) -> None:
    m = gd.Model("modes")
    x = m.latent("x", gd.ImproperUniform(gd.real))
    m.factor("two", gd.logaddexp(-0.5 * (x - 800.0) ** 2, -0.5 * (x + 800.0) ** 2))
    init = gd.init.Given({"x": [799.0, -801.0]})
    method = gd.NUTS(chains=2, warmup=30, draws=20, engine=engine, init=init)
    fit = m.fit({}, method, backend=backend, progress=False)
    np.testing.assert_allclose(fit.draws["x"].mean(1), [800.0, -800.0], atol=3)


@pytest.mark.parametrize("init", [gd.init.Prior(), gd.init.Given({"y_missing": [7.0, 8.0]})])
def test_missing_observations_may_start_anywhere(backend: str, init: gd.methods.Init) -> None:
    m = gd.Model("missing")
    mu = m.latent("mu", gd.Normal(100.0, 1.0))
    m.observe("y", gd.Normal(mu, 1), dims=m.plate("row"), missing=gd.Missing.IMPUTE)
    found, points = _found(m, {"y": [np.nan, 3.0, np.nan]}, init, backend)
    if isinstance(init, gd.init.Prior):
        assert (abs(found["mu"] - 100) < 5).all()
        assert all((abs(p["y_missing"]) <= 2).all() for p in points)
    else:
        np.testing.assert_allclose(found["y_missing"], [[7.0, 8.0]] * 2)


def test_nutpie_may_start_at_a_mode() -> None:
    """It refuses points whose gradient is zero, so it is given one next to them."""
    m = gd.Model("mode")
    m.latent("x", gd.Normal(0, 1))
    method = gd.NUTS(chains=1, warmup=50, draws=20, engine=gd.Engine.NUTPIE, init=gd.init.Given({"x": 0.0}))
    assert m.fit({}, method, backend="numpyro", progress=False).draws["x"].std() > 0


BAD: dict[str, tuple[Callable[[], gd.Model], dict[str, Any], str]] = {
    "below a bound": (schools, {"tau": -1.0}, "tau"),
    "below a bound that depends on a value": (lambda: _zoo()[0], {"low": 0.0, "one": np.full(5, -0.5)}, "one"),
    "beyond an interval": (lambda: _zoo()[0], {"unit": 1.5}, "unit"),
    "off the simplex": (lambda: _zoo()[0], {"share": np.full((5, 4), 0.5)}, "share"),
    "not positive definite": (lambda: _zoo()[0], {"matrix": [[1.0, 2.0], [2.0, 1.0]]}, "matrix"),
    "off the sphere": (lambda: _zoo()[0], {"where": [1.0, 1.0, 0.0]}, "where"),
}


@pytest.mark.parametrize("case", BAD)
def test_values_outside_the_support_are_refused(backend: str, case: str) -> None:
    build, values, node = BAD[case]
    data = SCHOOLS if build is schools else _zoo()[1]
    with pytest.raises(gd.FitError, match="lies outside its support") as e:
        _found(build(), data, gd.init.Given(values), backend)
    assert e.value.node == node
    assert e.value.needed
    assert e.value.where is not None


def test_given_values_are_data() -> None:
    a, b = gd.init.Given({"x": [1.0, 2.0]}), gd.init.Given({"x": np.array([1.0, 2.0])})
    assert a == b
    assert hash(a) == hash(b)
    assert a != gd.init.Given({"x": [1.0, 2.5]})
    assert pickle.loads(pickle.dumps(a)) == a  # as methods go to the processes that chains run in
    with pytest.raises(ValueError, match="read-only"):
        a.values["x"][0] = 3.0


def _valley(z: np.ndarray) -> tuple[float, np.ndarray]:
    """A mode at -30, and one at 30 that is 200 nats lower."""
    logs = np.array([-0.5 * (z[0] + 30) ** 2, -200 - 0.5 * (z[0] - 30) ** 2])
    top = logs.max()
    weights = np.exp(logs - top) / np.exp(logs - top).sum()
    return float(top + np.log(np.exp(logs - top).sum())), np.array([-weights @ (z[0] + np.array([30.0, -30.0]))])


def test_candidates_of_a_mode_that_does_not_matter_are_left_out() -> None:
    from gendsl.methods.basins import begin

    here, far = np.array([-29.0]), np.array([30.5])
    assert begin(_valley, [[far, np.array([-3.0])]])[0] < -10  # it went up beyond the other mode's height
    assert begin(_valley, [[far, here, here]]) == [here]
    assert begin(_valley, [[here, far]]) == [here]
    assert begin(_valley, [[far], [here]], [iter([far + 1.0, here - 0.5]), iter(())]) == [here - 0.5, here]
    assert begin(_valley, [[far], [here]]) == [far, here]  # there is no other
    assert begin(lambda z: (float(z[0]), np.ones(1)), [[far, here]]) == [far]  # there is no mode


def test_a_lower_mode_matters_by_its_mass() -> None:
    from gendsl.methods.basins import begin

    d, here, far = 8, np.full(8, -1.0), np.full(8, 51.0)

    def two(width: float) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        """Modes at 0 and 50, the second 20 nats lower and wider in each of 8 directions."""

        def density(z: np.ndarray) -> tuple[float, np.ndarray]:
            logs = np.array([-0.5 * z @ z, -20.0 - 0.5 * (z - 50.0) @ (z - 50.0) / width**2])
            gradients = np.stack([-z, -(z - 50.0) / width**2])
            weights = np.exp(logs - logs.max())
            return float(logs.max() + np.log(weights.sum())), weights / weights.sum() @ gradients

        return density

    # log of the masses: 0 and -20 + d log(width)
    (narrow,), (wide,) = begin(two(1.5), [[far, here]]), begin(two(3.0), [[far, here]])
    assert -20 + d * np.log(1.5) < -14 < -20 + d * np.log(3.0)
    assert np.array_equal(narrow, here)
    assert np.array_equal(wide, far)


def test_an_ascent_that_ends_nowhere_is_left_out_where_others_are_far_above() -> None:
    from gendsl.methods.basins import begin

    def broken(z: np.ndarray) -> tuple[float, np.ndarray]:
        """A normal; beyond 20 a plateau 1,000 nats below, whose gradient is wrong, so that no ascent gets anywhere."""
        return (-0.5 * float(z @ z), -z) if z[0] < 20 else (-1000.0, np.ones_like(z))

    here, far = np.array([1.0]), np.array([30.0])
    assert begin(broken, [[far, here]]) == [here]
    assert begin(broken, [[far, far]]) == [far]


def test_a_candidate_on_a_cliff_is_walked_up() -> None:
    from gendsl.methods.basins import begin

    def steep(z: np.ndarray) -> tuple[float, np.ndarray]:
        return -float(np.cosh(3 * z).sum()), -3 * np.sinh(3 * z)

    start = np.array([9.0, -8.0])
    (at,) = begin(steep, [[start, start]])
    assert steep(start)[0] < -1e11
    assert -3002 <= steep(at)[0] < -2.1  # near, and not at the mode
    assert np.array_equal(begin(steep, [[np.ones(2), start]])[0], np.ones(2))


@pytest.mark.skipif(not reference.available(), reason="the reference posteriors are absent")
def test_no_chain_of_a_mixture_starts_at_a_mode_that_does_not_matter(backend: str) -> None:
    from gendsl.methods.basins import _ascend

    entry = ZOO["low_dim_gauss_mix"]
    bound = entry.build().compile(backend).bind(entry.data())
    density = bound.program.backend.value_and_grad(bound.log_density)
    b = bound.program.backend

    def evaluate(u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        with bound.program.context():
            value, gradient = density({k: b.array(v, "float64") for k, v in u.items()})
            return float(value), {k: b.numpy(g) for k, g in gradient.items()}

    def modes(points: list[dict[str, np.ndarray]]) -> list[float]:
        shapes = bound.shapes
        ends = np.cumsum([int(np.prod(x)) for x in shapes.values()])[:-1]

        def flat(z: np.ndarray) -> tuple[float, np.ndarray]:
            value, g = evaluate({k: x.reshape(shapes[k]) for k, x in zip(shapes, np.split(z, ends), strict=True)})
            return value, np.concatenate([g[k].ravel() for k in shapes])

        ways = [_ascend(flat, np.concatenate([u[k].ravel() for k in shapes])) for u in points]
        return [w.mode for w in ways if w.converged]

    as_they_come, screened = (modes(starts(bound, evaluate, 3, 0, screened=s)) for s in (False, True))
    assert as_they_come[2] < as_they_come[0] - 400  # the third would settle 450 nats below
    np.testing.assert_allclose(screened, as_they_come[0], atol=0.1)


def test_a_start_whose_density_has_lost_its_digits_is_a_last_resort() -> None:
    """An explosive recurrence has log-densities of -1e40, among which no step is better than another."""
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("steep", gd.where(x > 0, -1e40 * x, 0.0))
    bound = m.compile("numpyro").bind({})

    def evaluate(u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        return (-1e40 if u["x"] > 0 else 0.0), u

    found = starts(bound, evaluate, 20, 0)
    assert all(u["x"] <= 0 for u in found)
    assert len(starts(bound, lambda u: (-1e40, u), 2, 0)) == 2  # where there is nothing better
