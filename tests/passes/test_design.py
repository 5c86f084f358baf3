"""Designs that the graph shows, the coordinates that follow from them, and fits in these coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.coordinates import Coordinates
from gendsl.passes.design import designs
from tests.laws.law import BACKENDS, bind, fused

RNG = np.random.default_rng(8)
N = 200
HEIGHT, MALE = RNG.normal(170.0, 8.0, N), (RNG.uniform(size=N) < 0.5).astype(float)
X = np.stack([np.ones(N), HEIGHT, MALE, HEIGHT * MALE], -1)
B, NOISE = np.array([3.0, 0.04, 0.5, 0.002]), 0.9
Y = X @ B + NOISE * RNG.normal(size=N)
DATA = {"height": HEIGHT, "male": MALE, "y": Y}


def vector(prior: Any = None) -> gd.Model:
    m = gd.Model("m")
    row = m.plate("row")
    h, s = m.data("height", dims=row), m.data("male", dims=row)
    b = m.latent("b", gd.ImproperUniform(gd.real).expand(4) if prior is None else prior)
    m.observe("y", gd.Normal(b[0] + b[1] * h + b[2] * s + b[3] * h * s, NOISE), dims=row)
    return m


def scalars(noise: Any = NOISE) -> gd.Model:
    m = gd.Model("m")
    row = m.plate("row")
    h, s = m.data("height", dims=row), m.data("male", dims=row)
    names = ("a", "bh", "bs", "bhs")
    a, bh, bs, bhs = (m.latent(k, gd.Normal(0, 10)) for k in names)
    m.observe("y", gd.Normal(a + bh * h + bs * s + bhs * h * s, noise), dims=row)
    return m


def hessian(bound: Any, v: np.ndarray) -> np.ndarray:
    """Of the negative log-density in the sampler's coordinates, by differences of the gradient."""
    c = bound.coordinates
    names, shapes = list(bound.shapes), list(bound.shapes.values())
    ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def gradient(v: np.ndarray) -> np.ndarray:
        parts = np.split(c.forward(v), ends)
        g = fused(bound, {k: p.reshape(s) for k, p, s in zip(names, parts, shapes, strict=True)}).grad
        flat = np.concatenate([np.ravel(g[k]) for k in names])
        out = flat.copy()
        out[c.index] = c.matrix.T @ flat[c.index]
        return out

    steps = 1e-3 * np.eye(v.size)
    return -np.stack([(gradient(v + e) - gradient(v - e)) / 2e-3 for e in steps])


@pytest.mark.parametrize("build", [vector, scalars])
def test_a_gaussian_posterior_becomes_standard(build: Any) -> None:
    """With the noise known and in place of its estimate, sqrt(n) v has the identity as Hessian, and its mode at 0."""
    for backend in BACKENDS:
        bound = build().compile(backend).bind(DATA)
        assert np.linalg.cond(X.T @ X) > 1e6
        h = hessian(bound, np.zeros(bound.dimension)) * bound.coordinates.spread[0] ** 2
        rest = Y - X @ np.linalg.lstsq(X, Y, rcond=None)[0]
        ratio = rest @ rest / (N - 4) / NOISE**2
        np.testing.assert_allclose(h, ratio * np.eye(4), atol=0.05)
        at = bound.coordinates.forward(np.zeros(4))
        if build is vector:
            np.testing.assert_allclose(at, np.linalg.lstsq(X, Y, rcond=None)[0], rtol=1e-4)


def test_forward_and_inverse() -> None:
    c = Coordinates(np.array([3, 1]), np.array([[2.0, 1.0], [0.0, 0.5]]), np.array([10.0, -1.0]), np.ones(2))
    v = np.arange(10.0).reshape(2, 5)
    u = c.forward(v)
    np.testing.assert_allclose(u[0], [0, 0.5 * 1 - 1, 2, 2 * 3 + 1 + 10, 4])
    np.testing.assert_allclose(c.inverse(u), v)
    assert c.forward(v.astype(np.float32)).dtype == np.float32
    again = Coordinates.from_arrays(c.to_arrays())
    assert again is not None
    assert np.array_equal(again.matrix, c.matrix)
    assert Coordinates.from_arrays({}) is None


STUDENTS, QUESTIONS, ANSWERS = 12, 7, 200


def rasch(noise: float | None) -> gd.Model:
    """Abilities less difficulties about a mean; answers with normal noise, or right or wrong."""
    m = gd.Model("rasch")
    student, question, answer = m.plate("student"), m.plate("question"), m.plate("answer")
    s, q = m.data("s", dims=answer, indexes=student), m.data("q", dims=answer, indexes=question)
    mean = m.latent("mean", gd.Normal(0.7, 3))
    ability = m.latent("ability", gd.Normal(0.3, 2), dims=student)
    difficulty = m.latent("difficulty", gd.Normal(0, 1), dims=question)
    f = mean + ability[s] - difficulty[q]
    m.observe("y", gd.Bernoulli(logits=f) if noise is None else gd.Normal(f, noise), dims=answer)
    return m


def test_values_of_groups_are_coefficients() -> None:
    """A normal posterior, known in closed form: standard in the coordinates, with its mode at 0."""
    s, q = RNG.integers(0, STUDENTS, ANSWERS), RNG.integers(0, QUESTIONS, ANSWERS)
    x = np.column_stack([np.ones(ANSWERS), np.eye(STUDENTS)[s], -np.eye(QUESTIONS)[q]])
    y = x @ RNG.normal(size=x.shape[1]) + RNG.normal(size=ANSWERS)
    prior = np.concatenate([[1 / 9], np.full(STUDENTS, 1 / 4), np.ones(QUESTIONS)])
    places = np.concatenate([[0.7], np.full(STUDENTS, 0.3), np.zeros(QUESTIONS)])
    precision = x.T @ x + np.diag(prior)
    for bound in bind(rasch(1.0), {"s": s, "q": q, "y": y}).values():
        order = [bound.coordinates.index.tolist().index(k) for k in range(x.shape[1])]
        assert len(order) == bound.dimension
        at = bound.coordinates.forward(np.zeros(bound.dimension))
        # The noise is estimated, and so is a little off.
        np.testing.assert_allclose(at, np.linalg.solve(precision, x.T @ y + prior * places), atol=0.05)
        h = hessian(bound, np.zeros(bound.dimension)) / ANSWERS
        assert 0.8 < np.linalg.eigvalsh(h)[0] < np.linalg.eigvalsh(h)[-1] < 1.25
    for bound in bind(rasch(None), {"s": s, "q": q, "y": (y > 0).astype(int)}).values():
        values = np.linalg.eigvalsh(hessian(bound, bound_mode(bound)))
        assert values[-1] / values[0] < 8


def test_values_of_groups_with_a_random_prior_stay() -> None:
    m = gd.Model("m")
    group, row = m.plate("group"), m.plate("row")
    g = m.data("g", dims=row, indexes=group)
    level = m.latent("level", gd.Normal(0, m.latent("tau", gd.HalfNormal(1))), dims=group)
    m.observe("y", gd.Normal(m.latent("a", gd.Normal(0, 1)) + level[g], 1.0), dims=row)
    assert not names(m)


def names(m: gd.Model) -> list[list[tuple[str, int | None]]]:
    from gendsl.passes import lower

    return [[(c.latent, c.element) for c in d.columns] for d in designs(lower(m.graph)[0])]


def test_which_latents_are_coefficients() -> None:
    assert names(vector()) == [[("b", 0), ("b", 1), ("b", 2), ("b", 3)]]
    assert names(scalars()) == [[("a", None), ("bh", None), ("bs", None), ("bhs", None)]]
    assert "'y': 'a', 'bh', 'bs', 'bhs' can move in the coordinates" in str(scalars().explain())


@pytest.mark.parametrize("family", ["logistic", "poisson", "student"])
def test_other_links(family: str) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(3,))
    b, c = m.latent("b", gd.Normal(0, 2).expand(3)), m.latent("c", gd.Normal(0, 5))
    f = x @ b + c
    dist = {
        "logistic": lambda: gd.Bernoulli(logits=f),
        "poisson": lambda: gd.Poisson(gd.exp(f)),
        "student": lambda: gd.StudentT(4, f, m.latent("s", gd.HalfNormal(1))),
    }[family]()
    m.observe("y", dist, dims=row)
    design = RNG.normal(5.0, 1.0, (N, 3))
    data = {"x": design, "y": (RNG.uniform(size=N) < 0.5).astype(int) if family != "student" else RNG.normal(size=N)}
    for bound in bind(m, data).values():
        found = bound.coordinates
        assert len(found.index) == 4
        k = sorted(found.index)
        near = hessian(bound, bound_mode(bound))[np.ix_(k, k)]
        values = np.linalg.eigvalsh(near)
        assert values[-1] / values[0] < 12  # against thousands in the coefficients themselves


def bound_mode(bound: Any) -> np.ndarray:
    from scipy.optimize import minimize

    c, names_, shapes = bound.coordinates, list(bound.shapes), list(bound.shapes.values())
    ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        parts = np.split(c.forward(v), ends)
        p = fused(bound, {k: x.reshape(s) for k, x, s in zip(names_, parts, shapes, strict=True)})
        flat = np.concatenate([np.ravel(p.grad[k]) for k in names_])
        flat[c.index] = c.matrix.T @ flat[c.index]
        return -p.value, -flat

    return np.asarray(minimize(loss, np.zeros(bound.dimension), jac=True).x)


def test_what_is_no_design() -> None:
    m = gd.Model("one")
    row = m.plate("row")
    m.observe("y", gd.Normal(m.latent("a", gd.Normal(0, 1)) * m.data("x", dims=row), 1.0), dims=row)
    assert names(m) == []  # one column
    m = gd.Model("hierarchical")
    row = m.plate("row")
    t = m.latent("t", gd.HalfNormal(1))
    b = m.latent("b", gd.Normal(0, t).expand(3))
    m.observe("y", gd.Normal(m.data("x", dims=row, event=(3,)) @ b, 1.0), dims=row)
    assert names(m) == []  # non-centred: its base is no coefficient
    m = gd.Model("positive")
    row = m.plate("row")
    b = m.latent("b", gd.HalfNormal(1).expand(3))
    m.observe("y", gd.Normal(m.data("x", dims=row, event=(3,)) @ b, 1.0), dims=row)
    assert names(m) == []


@pytest.mark.parametrize("change", ["few rows", "a column of zeros", "equal columns", "many rows", "huge"])
def test_any_design_has_coordinates(change: str) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(4,))
    m.observe("y", gd.Normal(x @ m.latent("b", gd.Normal(0, 1).expand(4)), m.latent("s", gd.HalfNormal(1))), dims=row)
    design, y = X.copy(), Y.copy()
    if change == "few rows":
        design, y = design[:2], y[:2]
    elif change == "a column of zeros":
        design[:, 2] = 0.0
    elif change == "equal columns":
        design[:, 2] = design[:, 1]
    elif change == "huge":
        design = design * 1e12
    else:
        design, y = np.tile(design, (250, 1)), np.tile(y, 250)
    for bound in bind(m, {"x": design, "y": y}).values():
        c = bound.coordinates
        assert np.isfinite(c.matrix).all()
        v = RNG.normal(size=bound.dimension)
        np.testing.assert_allclose(c.inverse(c.forward(v)), v, rtol=1e-4, atol=1e-4)
        h = hessian(bound, c.inverse(c.forward(np.zeros(bound.dimension))))
        assert np.isfinite(h).all()


@pytest.mark.parametrize(
    ("backend", "engine"),
    [
        ("numpyro", gd.Engine.NATIVE),
        ("numpyro", gd.Engine.NUTPIE),
        pytest.param("pyro", gd.Engine.NATIVE, marks=pytest.mark.slow),
        ("pyro", gd.Engine.NUTPIE),
    ],
)
def test_fits_in_either_coordinates_agree(backend: str, engine: gd.Engine) -> None:
    import arviz as az

    m = vector(gd.Normal(0, 10).expand(4))
    fits = []
    for whiten in (True, False):
        method = gd.NUTS(chains=2, warmup=300, draws=300, engine=engine, whiten=whiten, keep_warmup=whiten)
        fits.append(m.fit(DATA, method, backend=backend, seed=3, progress=False))
    a, b = (f.draws["b"] for f in fits)
    for k in range(4):
        error = 4 * float(np.hypot(az.mcse(a[..., k]), az.mcse(b[..., k])))
        assert abs(a[..., k].mean() - b[..., k].mean()) < error
    fit = fits[0]
    p = fit.program
    with p.context():
        u = {"b": p.backend.array(fit.raw.unconstrained["b"][1, 7], "float64")}
        assert float(fit.bound.log_density(u)) == pytest.approx(fit.raw.stats["lp"][1, 7], rel=1e-9)
    assert fit.raw.warmup["b"].shape == (2, 300, 4)
    assert fit.state is not None
    assert fit.state.coordinates is not None
    np.testing.assert_allclose(fit.state.coordinates.forward(fit.state.position), a[:, -1], rtol=1e-9)
    assert fits[1].state is not None
    assert fits[1].state.coordinates is None
    more = fit.continue_(30, progress=False)
    assert abs(more.draws["b"][:, 300:, 1].mean() - a[..., 1].mean()) < 0.02


def test_an_observation_with_more_dims_than_its_design() -> None:
    """Repeated measures: the coefficients are of the rows, another effect of the items."""
    m = gd.Model("m")
    row, item = m.plate("row"), m.plate("item", 3)
    x = m.data("x", dims=row)
    a, b = m.latent("a", gd.Normal(0, 5)), m.latent("b", gd.Normal(0, 5))
    u = m.latent("u", gd.Normal(0, 1), dims=item)
    m.observe("y", gd.Normal(a + b * x + u, 1.0), dims=(row, item))
    for bound in bind(m, {"x": HEIGHT, "y": RNG.normal(size=(N, 3))}).values():
        assert bound.coordinates is not None
        assert len(bound.coordinates.index) == 2
        assert bound.coordinates.spread[0] == pytest.approx((3 * N) ** -0.5)


def test_directions_that_nothing_determines_stay_as_they_are() -> None:
    m = gd.Model("lasso")
    row = m.plate("row")
    b = m.latent("b", gd.Laplace(0, 1).expand(30))
    m.observe("y", gd.Normal(m.data("x", dims=row, event=(30,)) @ b, 1.0), dims=row)
    data = {"x": RNG.normal(size=(10, 30)), "y": RNG.normal(size=10)}
    for bound in bind(m, data).values():
        c = bound.coordinates
        assert np.abs(c.matrix * c.spread).max() < 3.0  # as wide as the prior, and no wider
    flat = gd.Model("flat")
    row = flat.plate("row")
    b = flat.latent("b", gd.ImproperUniform(gd.real).expand(30))
    flat.observe("y", gd.Normal(flat.data("x", dims=row, event=(30,)) @ b, 1.0), dims=row)
    for bound in bind(flat, data).values():
        assert bound.coordinates is None


def test_two_observations_share_a_vector() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(4,))
    b = m.latent("b", gd.StudentT(3, 0, 2.5).expand(4))
    m.observe("y", gd.Normal(b[0] + b[1] * x[:, 1], 1.0), dims=row)
    m.observe("w", gd.Normal(b[2] * x[:, 1] + b[3] * x[:, 2], 1.0), dims=row)
    assert names(m) == [[("b", 0), ("b", 1)], [("b", 2), ("b", 3)]]
    for bound in bind(m, {"x": X, "y": Y, "w": Y}).values():
        c = bound.coordinates
        assert sorted(c.index) == [0, 1, 2, 3]
        assert np.abs(c.matrix * c.spread).max() < 10.0


def test_a_factor_that_goes_round_with_the_rows() -> None:
    n, levels = 48_000, 3
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(levels,))
    m.observe("y", gd.Normal(x @ m.latent("b", gd.StudentT(3, 0, 1).expand(levels)), 1.0), dims=row)
    data = {"x": np.eye(levels)[np.arange(n) % levels], "y": RNG.normal(size=n)}
    c = m.compile("pyro").bind(data).coordinates
    assert c is not None
    np.testing.assert_allclose(np.diag(np.abs(c.matrix)) * c.spread, np.sqrt(levels / n), rtol=0.05)


def test_single_precision(backend: str) -> None:
    """Steep columns: the map is not rounded away, so the posterior has its width."""
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row)
    a, b = m.latent("a", gd.Normal(0, 10)), m.latent("b", gd.Normal(0, 10))
    m.observe("y", gd.Normal(a + b * x, 1.0), dims=row)
    steep = RNG.uniform(-1e7, 1e7, N)
    data = {"x": steep, "y": 1.0 + 3e-7 * steep + RNG.normal(size=N)}
    for engine in (gd.Engine.NATIVE, gd.Engine.NUTPIE):
        method = gd.NUTS(chains=2, warmup=300, draws=500, engine=engine)
        fit = m.fit(data, method, backend=backend, precision="float32", seed=0, progress=False)
        exact = np.linalg.inv(np.stack([np.ones(N), steep]) @ np.stack([np.ones(N), steep]).T)
        assert fit.draws["b"].std() / np.sqrt(exact[1, 1]) == pytest.approx(1.0, abs=0.2)
