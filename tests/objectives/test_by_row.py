"""Densities and bounds row by row, against closed forms and the engines' own losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

import gendsl as gd
from gendsl import optim
from gendsl.objectives.by_row import bounds_by_row, elements_of, shapes_by_row, shared_plate

Y = np.linspace(-3.0, 3.0, 40)
STILL = gd.Train(steps=1, optimizer=optim.SGD(1e-12), precision=gd.Precision.FLOAT64)


def _pair(slope: float, scale: float, objective: Any = gd.ELBO, **options: Any) -> gd.Model:
    """z ~ N(0, 1), y ~ N(z, 1), whose posterior is N(y / 2, 1 / 2); a guide N(slope y, scale)."""
    m, g = gd.Model("m"), gd.Model("g")
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1), dims=m.plate("row")), 1.0), dims="row")
    y = g.data("y", dims=g.plate("row"))
    g.latent("z", gd.Normal(g.param("a", slope) * y, scale), dims="row")
    m.objective(objective(guide=g, **options))
    return m


def _fit(m: gd.Model, data: dict[str, Any], backend: str, method: gd.Train = STILL) -> Any:
    return m.fit(data, method, backend=backend, progress=False)


def test_elements_of_observations(backend: str) -> None:
    """Those that a mask leaves out and missing ones are not there; the others add up to the density."""
    m = gd.Model("m")
    row = m.plate("row")
    loc = m.param("loc", np.array([0.5, -1.0]))
    y = m.observe("y", gd.Normal(loc, 2.0), dims=row, mask=m.data("kept", dims=row) > 0, missing=gd.Missing.MASK)
    m.observe("n", gd.Poisson(np.exp(0.3)), dims=row)
    del y
    x = np.random.default_rng(0).normal(size=(5, 2))
    x[3] = np.nan
    n = np.arange(5)
    fit = _fit(m, {"y": x, "kept": np.array([1, 0, 1, 1, 1]), "n": n}, backend)
    found = fit.evidence()
    there = [0, 2, 4]
    np.testing.assert_allclose(found.elements["y"], stats.norm([0.5, -1.0], 2.0).logpdf(x[there]).sum(1), rtol=1e-10)
    np.testing.assert_allclose(found.elements["n"], stats.poisson(np.exp(0.3)).logpmf(n), rtol=1e-10)
    assert found.value == pytest.approx(sum(x.sum() for x in found.elements.values()), rel=1e-10)
    assert elements_of(fit)["y"].dtype == np.float64


def test_an_exact_guide_gives_each_row_its_evidence(backend: str) -> None:
    fit = _fit(_pair(0.5, np.sqrt(0.5)), {"y": Y}, backend)
    found = fit.evidence(5)
    np.testing.assert_allclose(found.elements["y"], stats.norm(0, np.sqrt(2)).logpdf(Y), rtol=1e-10)
    np.testing.assert_allclose(found.element_se["y"], 0.0, atol=1e-7)
    assert found.kind == "lower bound"
    assert found.value == pytest.approx(stats.norm(0, np.sqrt(2)).logpdf(Y).sum(), rel=1e-10)
    assert (shapes_by_row(fit, "row", 1000, 0) < 0.5).all()  # all weights are equal but for rounding


def test_the_bound_of_a_row_is_its_evidence_less_the_divergence(backend: str) -> None:
    slope, scale = 0.3, 0.5
    fit = _fit(_pair(slope, scale, particles=2), {"y": Y}, backend)
    rows, se = bounds_by_row(fit, "row", 2000, 0)
    v = 0.5
    kl = np.log(np.sqrt(v) / scale) + (scale**2 + (slope - 0.5) ** 2 * Y**2) / (2 * v) - 0.5
    expected = stats.norm(0, np.sqrt(2)).logpdf(Y) - kl
    z = (rows - expected) / se
    assert np.abs(z).max() < 4.5  # of forty rows
    assert np.abs(rows - expected).max() < 0.1
    engine = fit.posterior.bounds(400, 1)  # by the engine's own loss
    gap = engine.mean() - rows.sum()
    assert abs(gap) < 4 * np.hypot(engine.std() / 20, np.sqrt((se**2).sum()))


def test_iwae_by_row(backend: str) -> None:
    """E log (1 / K) sum_k w_k of each row, by a million draws of numpy."""
    slope, scale, k = 0.3, 0.5, 4
    fit = _fit(_pair(slope, scale, gd.IWAE, particles=k), {"y": Y[::8]}, backend)
    rows, se = bounds_by_row(fit, "row", 4000, 0)
    rng = np.random.default_rng(0)
    for y, row, error in zip(Y[::8], rows, se, strict=True):
        z = slope * y + scale * rng.standard_normal((250_000, k))
        w = stats.norm.logpdf(z) + stats.norm.logpdf(y, z, 1) - stats.norm.logpdf(z, slope * y, scale)
        each = logsumexp(w, 1) - np.log(k)
        assert abs(row - each.mean()) < 4 * np.hypot(error, each.std() / 500)
        assert abs(row - each.mean()) < 0.05
    engine = fit.posterior.bounds(1000, 1)
    assert abs(engine.mean() - rows.sum()) < 4 * np.hypot(engine.std() / np.sqrt(1000), np.sqrt((se**2).sum()))


def test_shapes_by_row_are_those_of_narrow_guides(backend: str) -> None:
    """Of Gaussians, N(m, s^2) for N(m, v), the weights have a tail of shape 1 - s^2 / v."""
    fit = _fit(_pair(0.5, np.sqrt(0.1)), {"y": Y}, backend)
    assert np.median(shapes_by_row(fit, "row", 2000, 0)) == pytest.approx(0.8, abs=0.12)
    assert len(shapes_by_row(fit, "row", 100, 0, most=7)) == 7
    said = fit.check()
    assert said.ok
    assert "% of 'row' the Pareto shape of the guide's weights is above 0.7" in str(said)


def test_more_axes_than_the_rows_are_summed(backend: str) -> None:
    """Latents and observations of each row over another plate too, in another order."""
    m, g = gd.Model("m"), gd.Model("g")
    row, item = m.plate("row"), m.plate("item")
    z = m.latent("z", gd.Normal(0, 1), dims=row)
    u = m.latent("u", gd.Normal(z, 1.0), dims=(item, row))
    m.observe("y", gd.Normal(u, 1.0), dims=(row, item))
    y = g.data("y", dims=(g.plate("row"), g.plate("item")))
    g.latent("z", gd.Normal(g.param("a", 0.3), 0.9), dims="row")
    g.latent("u", gd.Normal(0.5 * y, 0.6), dims=("item", "row"))
    m.objective(gd.ELBO(guide=g))
    data = {"y": np.random.default_rng(0).normal(size=(4, 3))}
    fit = _fit(m, data, backend)
    assert shared_plate(fit) == "row"
    rows, se = bounds_by_row(fit, "row", 4000, 0)
    v = fit.on({"y": data["y"][1:2]}).evidence(4000, seed=1)
    assert abs(v.value - rows[1]) < 4 * np.hypot(v.se, se[1])
    engine = fit.posterior.bounds(2000, 1)
    assert abs(engine.mean() - rows.sum()) < 4 * np.hypot(engine.std() / np.sqrt(2000), np.sqrt((se**2).sum()))


def test_no_rows_where_a_latent_is_shared() -> None:
    m, g = gd.Model("m"), gd.Model("g")
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1)), 1.0), dims=m.plate("row"))
    g.latent("z", gd.Normal(g.param("a", 0.5), 0.5))
    m.objective(gd.ELBO(guide=g))
    fit = _fit(m, {"y": Y}, "pyro")
    assert shared_plate(fit) is None
    assert fit.evidence(5).elements == {}


@pytest.mark.parametrize("shared", [False, True])
def test_the_evidence_is_of_all_rows_whatever_was_held_out(backend: str, shared: bool) -> None:
    """Rows that were held out count once: the scale of a batch is that of the rows that were trained on."""
    if shared:
        m, g = gd.Model("m"), gd.Model("g")
        m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1)), 1.0), dims=m.plate("row"))
        g.latent("z", gd.Normal(g.param("a", 0.5), 0.5))
        m.objective(gd.ELBO(guide=g))
    else:
        m = _pair(0.3, 0.5)
    method = replace(STILL, batch_size=10, validation=gd.Validation(fraction=0.5, every=1))
    fit = _fit(m, {"y": Y}, backend, method)
    assert fit.setting.rows == 20
    whole = replace(fit, setting=replace(fit.setting, count=None))
    assert fit.evidence(50).value == pytest.approx(whole.evidence(50).value, rel=1e-12)


@pytest.mark.parametrize("where", ["model", "guide"])
def test_no_rows_where_they_meet(where: str) -> None:
    """A sum over the rows in the model, or in the guide: then the bound is of all of them, and so is its error."""
    m, g = gd.Model("m"), gd.Model("g")
    row = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1), dims=row)
    m.observe("y", gd.Normal(z.sum(dim="row") if where == "model" else z, 1.0), dims=row)
    y = g.data("y", dims=g.plate("row"))
    g.latent("z", gd.Normal(g.param("a", 0.3) * (y.sum(dim="row") if where == "guide" else y), 1.0), dims="row")
    m.objective(gd.ELBO(guide=g))
    fit = _fit(m, {"y": Y[:5]}, "pyro")
    assert shared_plate(fit) is None
    assert fit.evidence(5).elements == {}
    if where == "model":
        m.objective(gd.IWAE(guide=g, particles=4))
        with pytest.raises(gd.FitError, match="IWAE takes elements of 'row' for independent, and they meet"):
            _fit(m, {"y": Y[:5]}, "pyro")


def test_a_check_of_a_guide_that_has_no_mode_says_so() -> None:
    m = gd.Model("m")
    a, b = m.latent("a", gd.Normal(0, 1)), m.latent("b", gd.Normal(0, 1))
    m.observe("y", gd.Normal(a * b, 0.1), dims=m.plate("row"))
    m.objective(gd.ELBO(guide=gd.guide.Laplace()))
    fit = _fit(m, {"y": np.full(20, 3.0)}, "pyro")
    assert "training has not come to a mode" in str(fit.check())
