"""Sufficient statistics: collapsed densities equal the uncollapsed ones, and what cannot collapse is left alone.

The PPL model is never collapsed, so the law (fused density = trace, in value and gradient, on both backends) compares
the two forms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import gendsl as gd
from gendsl.passes.collapse.likelihoods import LIKELIHOODS
from gendsl.passes.collapse.regression import MOST_COLUMNS
from tests.laws.law import BACKENDS, bind, check_law, close, fused, ppl
from tests.passes.collapsing import FACTOR, FAMILIES, REGRESSIONS, density_graph, observed


def test_every_family_has_a_case() -> None:
    assert set(FAMILIES) == set(LIKELIHOODS)


def _family(name: str, kept: bool = False, masked: bool = False, event: int = 0) -> tuple[gd.Model, dict[str, Any]]:
    """Rows over two plates, whose parameters vary over none, or over the first."""
    family, r = FAMILIES[name], np.random.default_rng(1)
    m = gd.Model("rows")
    group, row = m.plate("group", 3), m.plate("row", 20)
    a = m.latent("a", gd.Normal(0, 0.5), dims=group if kept else None)
    b = m.latent("b", gd.Normal(0, 0.5), dims=group if kept else None)
    n = m.data("n", dims=row, dtype=int, support=gd.positive)
    mask = m.data("mask", dims=(group, row), dtype=bool) if masked else None
    d = family.dist(a, b, n)
    m.observe("y", d.expand(event) if event else d, dims=(group, row), mask=mask)
    shape = (3, 20, event) if event else (3, 20)
    data: dict[str, Any] = {"n": r.integers(3, 6, 20), "y": family.draw(r, shape)}
    if masked:
        data["mask"] = r.random((3, 20)) < 0.7
    return m, data


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("kept", [False, True])
def test_an_exponential_family_collapses(name: str, kept: bool) -> None:
    m, data = _family(name, kept, masked=kept)
    assert observed(m) == []
    check_law(m, data, 0)


@pytest.mark.parametrize("name", ["Normal", "Binomial", "Gamma"])
def test_event_axes_collapse(name: str) -> None:
    m, data = _family(name, event=4, masked=True)
    assert observed(m) == []
    assert all(n.type.event == () for _, n in density_graph(m).of("precomputed"))  # type: ignore[union-attr]
    check_law(m, data, 0)


@pytest.mark.parametrize("name", ["Normal", "Poisson"])
def test_parameters_with_event_axes_keep_them(name: str) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    a = m.latent("a", gd.Normal(0, 1).expand(3))
    m.observe("y", gd.Normal(a, 2.0) if name == "Normal" else gd.Poisson(gd.exp(a)), dims=row)
    assert observed(m) == []
    check_law(m, {"y": np.random.default_rng(0).poisson(2.0, (15, 3))}, 0)


@pytest.mark.parametrize("form", ["covariance_matrix", "precision_matrix"])
def test_vectors_by_their_covariance_or_precision(form: str) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    a, s = m.latent("a", gd.Normal(0, 1).expand(3)), m.latent("s", gd.HalfNormal(1))
    scale: Any = {form: s * (FACTOR @ FACTOR.T)}
    m.observe("y", gd.MultivariateNormal(a, **scale), dims=m.plate("few"))
    m.observe("z", gd.MultivariateNormal(-a, **scale), dims=row, missing=gd.Missing.MASK)
    assert observed(m) == []
    r = np.random.default_rng(0)
    z = r.normal(size=(12, 3))
    z[::5] = np.nan
    check_law(m, {"y": 1e4 + r.normal(size=(2, 3)), "z": z}, 0)


@pytest.mark.parametrize("form", ["scale_tril", "covariance_matrix", "precision_matrix"])
@pytest.mark.parametrize("kept", [False, True])
def test_fewer_vectors_than_elements(form: str, kept: bool) -> None:
    """The triangle has no more rows than there are vectors: it is never larger than the data."""
    k, n, r = 6, 2, np.random.default_rng(0)
    m = gd.Model("m")
    group, row = m.plate("group"), m.plate("row")
    a = m.latent("a", gd.Normal(0, 1).expand(k), dims=group if kept else None)
    s = m.latent("s", gd.HalfNormal(1))
    factor = np.eye(k) + np.tril(r.normal(size=(k, k)) * 0.1)
    scale: Any = {form: s * (factor if form == "scale_tril" else factor @ factor.T)}
    m.observe("y", gd.MultivariateNormal(a, **scale), dims=(group, row))
    assert observed(m) == []
    data = {"y": r.normal(size=(1 if not kept else 3, n, k))}
    check_law(m, data, 0)
    spread = m.compile("pyro").bind(data).arrays["y_stats_spread"]
    assert tuple(spread.shape) == ((3, 1, k, n) if kept else (k, n))


def test_long_vectors_are_left_alone() -> None:
    m = gd.Model("m")
    a = m.latent("a", gd.Normal(0, 1))
    m.observe("y", gd.MultivariateNormal(a * np.ones(201), scale_tril=np.eye(201)), dims=m.plate("row"))
    assert observed(m) == ["y"]


SCALARS = [name for name, family in FAMILIES.items() if not family.vector]


def _indexed(name: str, masked: bool = False) -> tuple[gd.Model, dict[str, Any]]:
    """Rows whose parameters depend on them through the index of a group; one group has none."""
    family, r = FAMILIES[name], np.random.default_rng(2)
    m = gd.Model("groups")
    group, row = m.plate("group", 4), m.plate("row")
    of = m.data("of", dims=row, indexes=group)
    a, b = m.latent("a", gd.Normal(0, 0.5), dims=group), m.latent("b", gd.Normal(0, 0.5))
    n = m.data("n", dims=row, dtype=int, support=gd.positive)
    mask = m.data("mask", dims=row, dtype=bool) if masked else None
    m.observe("y", family.dist(a[of] + b, 0.5 * a[of] * b, n), dims=row, mask=mask)
    data: dict[str, Any] = {"of": r.choice([0, 1, 3], 30), "n": r.integers(3, 6, 30), "y": family.draw(r, (30,))}
    if masked:
        data["mask"] = r.random(30) < 0.7
    return m, data


@pytest.mark.parametrize("name", SCALARS)
def test_groups_of_rows_collapse(name: str) -> None:
    for masked in (False, True) if name == "Normal" else (False,):
        m, data = _indexed(name, masked)
        assert observed(m) == []
        assert "sums of each group" in str(m.explain())
        check_law(m, data, 0)


def test_groups_of_two_indices_and_two_plates() -> None:
    m = gd.Model("m")
    g, h, row, col = m.plate("g", 3), m.plate("h", 2), m.plate("row", 8), m.plate("col", 5)
    i, j = m.data("i", dims=row, indexes=g), m.data("j", dims=(row, col), indexes=h)
    a = m.latent("a", gd.Normal(0, 1), dims=(g, h))
    m.observe("y", gd.Normal(a[i, j], 1.5), dims=(col, row))
    m.observe("k", gd.Poisson(gd.exp(a[i, j])), dims=(row, col))
    assert observed(m) == []
    r = np.random.default_rng(0)
    data = {"i": r.integers(0, 3, 8), "j": r.integers(0, 2, (8, 5))}
    check_law(m, data | {"y": r.normal(size=(5, 8)), "k": r.poisson(1.0, (8, 5))}, 0)


def test_parameters_of_different_groups_are_left_alone() -> None:
    m = gd.Model("m")
    g, row = m.plate("g", 3), m.plate("row")
    i, j = m.data("i", dims=row, indexes=g), m.data("j", dims=row, indexes=g)
    a, x = m.latent("a", gd.Normal(0, 1), dims=g), m.data("x", dims=row)
    m.observe("y", gd.Normal(a[i], gd.exp(a[j])), dims=row)
    m.observe("z", gd.Poisson(gd.exp(a[i] * x)), dims=row)
    assert observed(m) == ["y", "z"]


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_regression_collapses(name: str) -> None:
    m, data = REGRESSIONS[name]()
    assert observed(m) == []
    check_law(m, data, 0)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_fewer_rows_than_columns(rows: int) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(4,))
    m.observe("y", gd.Normal(x @ m.latent("b", gd.Normal(0, 1).expand(4)), 1.0), dims=row)
    assert observed(m) == []
    r = np.random.default_rng(0)
    data = {"x": r.normal(size=(rows, 4)), "y": r.normal(size=rows)}
    check_law(m, data, 0)
    assert tuple(m.compile("pyro").bind(data).arrays["y_stats_r"].shape) == (rows, 4)


def test_badly_scaled_data() -> None:
    """A mean far from zero and nearly dependent columns: normal equations would lose all digits."""
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row)
    a, b, c = (m.latent(k, gd.Normal(0, 1)) for k in "abc")
    m.observe("y", gd.Normal(1e6 + a + b * x + c * (x + 1e-7 * x**2), 1.0), dims=row)
    m.observe("z", gd.Normal(1e6 + a, 1.0), dims=row)
    assert observed(m) == []
    r = np.random.default_rng(0)
    check_law(m, {"x": 1000 + r.normal(size=500), "y": 1e6 + r.normal(size=500), "z": 1e6 + r.normal(size=500)}, 0)


@pytest.mark.parametrize("how", ["mask", "missing", "both", "distribution"])
@pytest.mark.parametrize("kind", ["family", "regression", "levels"])
def test_masks_are_weights(how: str, kind: str) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row)
    seen = m.data("seen", dims=row, dtype=bool)
    a, s = m.latent("a", gd.Normal(0, 1)), m.latent("s", gd.HalfNormal(1))
    level = _levels(m, row, "i") if kind == "levels" else 0.0
    d = gd.Normal(a, s) if kind == "family" else gd.Normal(a * x + level, s)
    missing = gd.Missing.MASK if how in ("missing", "both") else gd.Missing.ERROR
    if how == "distribution":
        m.observe("y", d.mask(seen), dims=row)
    else:
        m.observe("y", d, dims=row, mask=seen if how in ("mask", "both") else None, missing=missing)
    assert observed(m) == []
    r = np.random.default_rng(0)
    y = r.normal(size=30)
    if missing is gd.Missing.MASK:
        y[::7] = np.nan
    data = {"x": r.normal(size=30), "seen": r.random(30) < 0.6, "y": y}
    check_law(m, data | ({"i": r.integers(0, 2, 30)} if kind == "levels" else {}), 0)


def test_probabilities_at_the_ends_are_finite() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    eta = m.latent("eta", gd.Normal(0, 1))
    m.observe("y", gd.Bernoulli(logits=400 * eta), dims=row)
    m.observe("z", gd.Bernoulli(probs=gd.sigmoid(400 * eta)), dims=row)
    assert observed(m) == []
    data = {"y": [0, 1, 1], "z": [1, 1, 1]}
    for p in bind(m, data).values():
        out = fused(p, {"eta": np.array(1.0)})
        assert np.isfinite(out.value)
        assert np.isfinite(out.grad["eta"])


def test_values_on_the_edge_count_where_their_power_is_zero() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    b = m.latent("b", gd.Gamma(2.0, 1.0))
    m.observe("x", gd.Beta(1, b), dims=row)
    m.observe("y", gd.Beta(b, 2.5), dims=row)
    m.observe("z", gd.Dirichlet(gd.stack([1.0, 2.0 * b])), dims=row)
    assert observed(m) == []
    programs = bind(m, {"x": [0.0, 0.3], "y": [0.2, 0.9], "z": [[0.0, 1.0], [0.5, 0.5]]})
    u = {"b": np.array(0.4)}
    trace = ppl(programs["pyro"], u)  # NumPyro's own is NaN here
    for p in programs.values():
        close(fused(p, u), trace, trace.scale, "a value on the edge")


# -- values outside the support ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["Gamma", "LogNormal", "Poisson"])
def test_a_computed_value_outside_the_support_has_no_density(kind: str) -> None:
    """A sum over elements is not computed before a run, so the data check does not see it."""
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(2,))
    v = m.latent("v", gd.Normal(0, 1))
    d = {"Gamma": gd.Gamma(2.0, gd.exp(v)), "LogNormal": gd.LogNormal(v, 1.0), "Poisson": gd.Poisson(gd.exp(v))}[kind]
    m.observe("y", d, dims=row, value=x.sum())
    assert observed(m) == []
    check_law(m, {"x": [[1.0, 2.0], [2.0, 3.0]]}, 0)
    for p in bind(m, {"x": [[1.0, 2.0], [2.0, -3.0]]}).values():
        assert fused(p, {"v": np.array(0.3)}).value == -np.inf


def test_data_outside_the_support_are_the_same_error() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    m.observe("y", gd.Gamma(2.0, gd.exp(m.latent("v", gd.Normal(0, 1)))), dims=row)
    with pytest.raises(gd.DataError, match="outside the support of Gamma"):
        m.compile("numpyro").bind({"y": [1.0, -1.0]})


# -- what is left alone -----------------------------------------------------------------------------------------------
def _left(build: Any) -> list[str]:
    m = gd.Model("m")
    row = m.plate("row", 5)
    x = m.data("x", dims=row)
    a, s = m.latent("a", gd.Normal(0, 1)), m.latent("s", gd.HalfNormal(1))
    v = m.latent("v", gd.Normal(0, 1), dims=row)
    build(m, row, x, a, s, v)
    return observed(m)


def _levels(m: gd.Model, row: Any, name: str) -> Any:
    group = m.plate(f"group_{name}", 2)
    return m.latent(f"level_{name}", gd.Normal(0, 1), dims=group)[m.data(name, dims=row, indexes=group)]


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(a * x, gd.exp(v)), dims=r), id="noise by row"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(v + a * x, s), dims=r), id="latent by row"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(gd.exp(a * x), s), dims=r), id="not linear"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(a * x, s + x**2), dims=r), id="sum of noises"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(a, s), dims=r, mask=v > 0), id="random mask"),
        pytest.param(
            lambda m, r, x, a, s, v: m.observe("y", gd.Normal(a, s), dims=r, missing=gd.Missing.IMPUTE), id="imputed"
        ),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(a, s), dims=r, value=v), id="latent value"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.StudentT(3.0, a * x, s), dims=r), id="Student"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Poisson(gd.exp(a * x)), dims=r), id="Poisson by row"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Laplace(a, s), dims=r), id="Laplace"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Pareto(s, 2.0), dims=r), id="random bound"),
        pytest.param(
            lambda m, r, x, a, s, v: m.observe("y", gd.NegativeBinomial(s, probs=0.3), dims=r), id="random total"
        ),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(0.0, 1.0), dims=r), id="no parameter"),
        pytest.param(lambda m, r, x, a, s, v: m.observe("y", gd.Normal(a, s)), id="one number"),
        pytest.param(
            lambda m, r, x, a, s, v: m.observe("y", gd.Normal(_levels(m, r, "i") + _levels(m, r, "j"), s), dims=r),
            id="crossed levels",
        ),
        pytest.param(
            lambda m, r, x, a, s, v: m.observe("y", gd.Normal(_levels(m, r, "i") * x, s), dims=r), id="group's slope"
        ),
        pytest.param(
            lambda m, r, x, a, s, v: m.observe(
                "y",
                gd.Normal(m.data("X", dims=r, event=MOST_COLUMNS + 1) @ m.latent("w", gd.Normal(0, 1).expand(201)), s),
                dims=r,
            ),
            id="many columns",
        ),
    ],
)
def test_what_does_not_collapse_is_left_alone(build: Any) -> None:
    assert _left(build) == ["y"]


def test_observations_are_taken_one_by_one() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    a = m.latent("a", gd.Normal(0, 1))
    x = m.data("x", dims=row)
    m.observe("y", gd.Normal(a * x, 1.0), dims=row)
    m.observe("z", gd.Poisson(gd.exp(a * x)), dims=row)
    m.observe("w", gd.Poisson(gd.exp(a)), dims=row)
    assert observed(m) == ["z"]
    r = np.random.default_rng(0)
    check_law(m, {"x": r.normal(size=9), "y": r.normal(size=9), "z": r.poisson(1.0, 9), "w": r.poisson(1.0, 9)}, 0)


# -- what a user sees -------------------------------------------------------------------------------------------------
def test_the_report_says_so() -> None:
    m, _ = REGRESSIONS["matrix, intercept, offset"]()
    assert "'y': a linear predictor of 4 columns; rows along group, row became a triangle of 5" in str(m.explain())
    m, _ = _family("Gamma")
    assert "'y': Gamma rows along group, row became sums" in str(m.explain())


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_density_reads_no_rows(backend: str) -> None:
    n = 1_000_000
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row)
    a, b, s = m.latent("a", gd.Normal(0, 1)), m.latent("b", gd.Normal(0, 1)), m.latent("s", gd.HalfNormal(1))
    m.let("mean", a + b * x)
    m.observe("y", gd.Normal(m["mean"], s), dims=row)
    m.observe("k", gd.Poisson(gd.exp(a)), dims=row)
    r = np.random.default_rng(0)
    p = m.compile(backend).bind({"x": r.normal(size=n), "y": r.normal(size=n), "k": r.poisson(1.0, n)})
    (read,) = p.density_arguments
    assert all(np.prod(np.shape(v)) <= 6 for v in read.values())
    with p.program.backend.context("float64"):
        u = {k: p.program.backend.array(np.array(0.1), "float64") for k in p.shapes}
        assert float(p.program.log_density(u, read)) == float(p.log_density(u))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_docstring_says_how_to_run_the_program_alone(backend: str) -> None:
    m, data = REGRESSIONS["levels of a plate"]()
    words = m.compile(backend).log_density.__doc__ or ""
    for name in ("y_stats_r", "y_stats_z", "y_stats_n"):
        assert f"{name}: float" in words
    assert "triangle(" in words
    assert "numpy.linalg.qr" in words


def test_statistics_give_way_to_names_that_are_taken() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    m.data("y_stats_n", dims=row)
    a = m.latent("a", gd.Normal(0, 1))
    m.observe("y", gd.Normal(a * m["y_stats_n"], 1.0), dims=row)
    m.let("kept", m["y_stats_n"] * a)
    assert observed(m) == []
    check_law(m, {"y_stats_n": [1.0, 2.0], "y": [0.1, 0.2]}, 0)


def test_a_conjugate_regression_has_its_closed_form() -> None:
    """Normal prior and known noise: the density of the latents given the data is the closed-form normal."""
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(3,))
    m.observe("y", gd.Normal(x @ m.latent("b", gd.Normal(0.5, 2.0).expand(3)), 0.7), dims=row)
    assert observed(m) == []
    r = np.random.default_rng(5)
    X = r.normal(size=(2000, 3))
    y = X @ np.array([1.0, -2.0, 0.3]) + 0.7 * r.normal(size=2000)
    precision = X.T @ X / 0.7**2 + np.eye(3) / 4
    mean = np.linalg.solve(precision, X.T @ y / 0.7**2 + 0.5 / 4)
    posterior = scipy.stats.multivariate_normal(mean, np.linalg.inv(precision))
    evidence = scipy.stats.multivariate_normal(X[:200] @ np.full(3, 0.5), 4 * X[:200] @ X[:200].T + 0.49 * np.eye(200))
    for p in bind(m, {"x": X, "y": y}).values():
        points = [mean + 0.02 * r.normal(size=3) for _ in range(4)]
        got = np.array([fused(p, {"b": b}).value for b in points])
        want = np.array([posterior.logpdf(b) for b in points])
        np.testing.assert_allclose(got - got[0], want - want[0], rtol=1e-8)
        np.testing.assert_allclose(fused(p, {"b": mean}).grad["b"], 0.0, atol=1e-8)
    few = {"x": X[:200], "y": y[:200]}  # and the normalising constant is the evidence
    precision = X[:200].T @ X[:200] / 0.49 + np.eye(3) / 4
    mean = np.linalg.solve(precision, X[:200].T @ y[:200] / 0.49 + 0.125)
    constant = evidence.logpdf(y[:200]) + scipy.stats.multivariate_normal(mean, np.linalg.inv(precision)).logpdf(mean)
    for p in bind(m, few).values():
        assert fused(p, {"b": mean}).value == pytest.approx(constant, rel=1e-10)


def test_a_parameter_of_each_row_is_no_coefficient() -> None:
    m = gd.Model("m")
    row = m.plate("row")
    shift = m.param("shift", 0.5, dims=row)
    m.observe("y", gd.Normal(m.latent("a", gd.Normal(0, 1)) + shift, 1.0), dims=row)
    assert observed(m) == ["y"]
    check_law(m, {"y": [0.1, 0.2, 0.7]}, 0)
