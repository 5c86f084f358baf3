"""Guides that are models and read no data: their plates are the model's, and what they learn is a posterior."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.objectives.learnt import amortised

Y = np.array([1.0, -2.0, 0.4, 3.0, -0.5])


def _rows() -> gd.Model:
    """z_i ~ N(0, 1), x_i ~ N(z_i, 1): the posterior of z_i is N(x_i / 2, 1 / 2)."""
    m = gd.Model("rows")
    i = m.plate("i")
    m.observe("x", gd.Normal(m.latent("z", gd.Normal(0, 1), dims=i), 1), dims=i)
    return m


def _without_rows(each: bool) -> gd.Model:
    """Parameters of each row, or one pair for all."""
    g = gd.Model("without_rows")
    i = g.plate("i")
    loc = g.param("loc", 0.0, dims=i) if each else g.param("loc", 0.0)
    g.latent("z", gd.Normal(loc, g.param("scale", np.sqrt(0.5), gd.positive)), dims=i)
    return g


def _still(model: gd.Model, guide: gd.Model, data: dict[str, Any], backend: str, **options: Any) -> Any:
    """A fit whose parameters are those that were declared."""
    model.objective(gd.ELBO(guide=guide))
    method = gd.Train(steps=1, optimizer=optim.SGD(1e-12), precision=gd.Precision.FLOAT64, **options)
    return model.fit(data, method, backend=backend, progress=False)


def _with(fit: Any, **params: np.ndarray) -> Any:
    return replace(fit, raw=replace(fit.raw, params=fit.raw.params | params, average={}))


def _normal(x: np.ndarray, loc: Any, variance: Any) -> float:
    return float((-0.5 * (np.log(2 * np.pi * variance) + (x - loc) ** 2 / variance)).sum())


def test_a_guide_without_data_takes_the_sizes_of_the_model(backend: str) -> None:
    """Under the exact posterior each draw's weight is the evidence."""
    fit = _with(_still(_rows(), _without_rows(True), {"x": Y}, backend), loc=Y / 2)
    assert fit.draws["z"].shape == (1, 1000, 5)
    np.testing.assert_allclose(fit.posterior.log_weights(5, 0), _normal(Y, 0, 2), rtol=1e-9)
    np.testing.assert_allclose(fit.draws["z"].mean((0, 1)), Y / 2, atol=5 * np.sqrt(0.5 / 1000))
    batched = _still(_rows(), _without_rows(False), {"x": Y}, backend, batch_size=2)
    assert np.isfinite(batched.history.curves["loss"]).all()
    assert batched.draws["z"].shape == (1, 1000, 5)


def test_sizes_of_a_guide_that_cannot_be() -> None:
    with pytest.raises(gd.FitError, match=r"'loc' has a value for each element of 'i', which come in batches") as e:
        _still(_rows(), _without_rows(True), {"x": Y}, "numpyro", batch_size=2)
    assert "leave batch_size out" in str(e.value)
    g = gd.Model("longer")
    g.latent("z", gd.Normal(g.param("loc", 0.0), 1), dims=g.plate("i", size=6))
    with pytest.raises(gd.DataError, match="plate 'i' of guide 'longer' has another size than in the model"):
        _still(_rows(), g, {"x": Y}, "numpyro")


# -- what a guide has learnt, on new data --------------------------------------------------------------------------
def _near(draws: np.ndarray, loc: Any, variance: Any) -> None:
    """Means within five standard errors, and variances within 25 percent, of so many draws."""
    np.testing.assert_array_less(np.abs(draws.mean(0) - loc), 5 * np.sqrt(variance / len(draws)))
    np.testing.assert_allclose(draws.var(0), variance, rtol=0.25)


def test_global_latents_are_those_that_the_guide_has_learnt(backend: str) -> None:
    """A line through the origin: the prediction at x is N(2 x, 0.05^2 x^2 + 0.1^2), and so is its density."""
    m, g = gd.Model("line"), gd.Model("guide")
    i = m.plate("i")
    x = m.data("x", dims=i)
    w = m.latent("w", gd.Normal(0, 10))
    m.let("double", 2 * w)
    m.observe("y", gd.Normal(w * x, 0.1), dims=i)
    g.latent("w", gd.Normal(g.param("loc", 2.0), g.param("scale", 0.05, gd.positive)))
    fit = _still(m, g, {"x": np.arange(6.0), "y": 2 * np.arange(6.0)}, backend)
    new = np.array([1.0, 3.0])
    variance = (0.05 * new) ** 2 + 0.1**2
    _near(fit.sample({"x": new}, draws=2000)["y"][0], 2 * new, variance)
    _near(fit.sample({"x": new}, names="double")["double"][0], 4.0, 0.1**2)
    assert fit.sample()["y"].shape == (1, 1000, 6)
    y = np.array([2.1, 6.2])
    found = fit.log_prob({"x": new, "y": y}, draws=4000)
    cov = 0.05**2 * np.outer(new, new) + 0.1**2 * np.eye(2)
    off = y - 2 * new
    exact = -0.5 * (off @ np.linalg.solve(cov, off) + np.linalg.slogdet(2 * np.pi * cov)[1])
    assert found.kind == "estimate"
    assert found.ok
    assert found.se < 0.05
    assert abs(found.value - exact) < 5 * found.se
    each = [_normal(y[k], 2 * new[k], variance[k]) for k in range(2)]
    np.testing.assert_allclose(found.elements["y"], each, atol=0.1)


def test_a_group_keeps_what_the_guide_has_learnt_of_it(backend: str) -> None:
    """Rows of the last groups alone: the groups are those of the fit."""
    m, g = gd.Model("groups"), gd.Model("guide")
    county, i = m.plate("county"), m.plate("i")
    mu = m.latent("mu", gd.Normal(0, 10))
    theta = m.latent("theta", gd.Normal(mu, 1), dims=county)
    m.observe("y", gd.Normal(theta[m.data("at", dims=i, indexes=county)], 0.5), dims=i)
    own = g.plate("county")
    loc = np.array([1.0, -1.0, 4.0, 8.0])
    g.latent("mu", gd.Normal(g.param("middle", 3.0), 0.5))
    g.latent("theta", gd.Normal(g.param("loc", 0.0, dims=own), g.param("scale", 0.2, gd.positive)), dims=own)
    at = np.array([0, 1, 2, 3, 3])
    fit = _with(_still(m, g, {"at": at, "y": loc[at]}, backend), loc=loc)
    few = np.array([2, 3])
    _near(fit.sample({"at": few})["y"][0], loc[few], 0.2**2 + 0.5**2)
    found = fit.log_prob({"at": few, "y": np.array([4.5, 7.0])}, draws=4000)
    assert abs(found.value - _normal(np.array([4.5, 7.0]), loc[few], 0.2**2 + 0.5**2)) < 5 * found.se < 0.2


@pytest.mark.parametrize("model", [True, False])
def test_new_groups_are_drawn_from_what_the_guide_has_learnt(backend: str, model: bool) -> None:
    """y of a new group is N(3, 0.5^2 + 1 + 0.5^2), those of the fit are drawn about their own means."""
    m, g = gd.Model("groups"), gd.Model("guide")
    county = m.plate("county")
    theta = m.latent("theta", gd.Normal(m.latent("mu", gd.Normal(0, 10)), 1), dims=county)
    m.observe("y", gd.Normal(theta, 0.5), dims=county)
    loc = np.array([1.0, -1.0, 4.0, 8.0])
    if model:
        own = g.plate("county")
        g.latent("mu", gd.Normal(g.param("middle", 3.0), 0.5))
        g.latent("theta", gd.Normal(g.param("loc", 0.0, dims=own), g.param("scale", 0.2, gd.positive)), dims=own)
        fit = _with(_still(m, g, {"y": loc}, backend), loc=loc)
        middle, variance = 3.0, 0.5**2 + 1 + 0.5**2
    else:
        fit = _still(m, gd.guide.MeanField(scale=0.5), {"y": loc}, backend)
        mu = fit.draws["mu"][0]
        middle, variance = mu.mean(), mu.var() + 1 + 0.5**2
    drawn = fit.sample({"y": np.zeros(3)}, new="county")["y"][0]
    assert drawn.shape == (1000, 3)
    _near(drawn, middle, variance)
    found = fit.log_prob({"y": np.array([2.0])}, new="county")
    assert found.se < 0.12
    assert abs(found.value - _normal(np.array([2.0]), middle, variance)) < 4 * found.se
    with pytest.raises(gd.DataError, match="draw the latents anew: new='county'"):
        fit.sample({"y": np.zeros(3)}, names="theta")


def _mixed() -> tuple[gd.Model, gd.Model]:
    """y_i ~ N(w + z_i, 0.5): w is learnt, z_i read from its row."""
    m, g = gd.Model("mixed"), gd.Model("guide")
    i, j = m.plate("i"), g.plate("i")
    w = m.latent("w", gd.Normal(0, 10))
    z = m.latent("z", gd.Normal(0, 1), dims=i)
    m.observe("y", gd.Normal(w + z, 0.5), dims=i)
    shift = g.latent("w", gd.Normal(g.param("loc", 5.0), 0.1))
    g.latent("z", gd.Normal(0.8 * (g.data("y", dims=j) - shift), 0.4), dims=j)
    return m, g


def test_rows_are_new_beside_what_is_learnt(backend: str) -> None:
    fit = _still(*_mixed(), {"y": np.array([4.0, 5.0, 7.0])}, backend)
    y = fit.sample(2, draws=2000)["y"][0]
    assert y.shape == (2000, 2)
    _near(y, 5.0, 0.1**2 + 1 + 0.5**2)
    with pytest.raises(gd.FitError, match="'w' is learnt from the data of the fit, and 'z' is read from the rows"):
        fit.log_prob({"y": np.array([5.0])})
    assert fit.on({"y": np.array([5.0])}).evidence(10).kind == "lower bound"


def test_latents_that_depend_on_others_are_judged_by_their_own_rows() -> None:
    _, g = _mixed()
    assert amortised(g.graph) == {"z"}
    g = gd.Model("summary")
    j = g.plate("i")
    a = g.latent("a", gd.Normal(g.data("y", dims=j).mean(dim=j), 1))
    b = g.latent("b", gd.Normal(a, 1), dims=j)
    g.latent("c", gd.Normal(b + g.data("x", dims=j), 1), dims=j)
    g.latent("d", gd.Normal(g.data("u"), 1), dims=g.plate("k"))
    assert amortised(g.graph) == {"b", "c"}  # b's rows are those that c's are read from
    g = gd.Model("learnt")
    a = g.latent("a", gd.Normal(g.data("y", dims=g.plate("i")).mean(dim="i"), 1))
    g.latent("b", gd.Normal(a, 1), dims="i")
    assert not amortised(g.graph)


def test_a_sampler_beside_what_is_learnt() -> None:
    """z, read from its row, is drawn by the sampler from its prior; w is the guide's."""
    m, g = gd.Model("prior"), gd.Model("guide")
    i, j = m.plate("i"), g.plate("i")
    network = gd.MLP(2, hidden=(4,), time=gd.Fourier(size=4, width=4, scale=1.0))
    w, flow = m.latent("w", gd.Normal(0, 10)), gd.ProbabilityFlow(steps=2)
    z = m.latent("z", gd.Diffusion(gd.VP(), network=network, predicts="v", event=2, flow=flow), dims=i)
    m.observe("y", gd.Normal(z + w, 0.1), dims=i)
    g.latent("w", gd.Normal(g.param("loc", 5.0), 0.2))
    g.latent("z", gd.Normal(g.data("y", dims=j, event=2), 1.0), dims=j)
    fit = _still(m, g, {"y": np.zeros((3, 2))}, "pyro")
    sampler = gd.sampler.EulerMaruyama(steps=2)
    out = fit.sample(names=["y", "z", "w"], draws=500, sampler=sampler)
    assert out["z"].shape == (1, 500, 3, 2)
    _near(out["w"][0], 5.0, 0.2**2)
    _near((out["y"] - out["z"])[0, :, 0, 0] - out["w"][0], 0.0, 0.1**2)
