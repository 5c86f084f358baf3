"""Scores, posterior means and codes of given values, against closed forms and differences of the density."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

import gendsl as gd
from gendsl import optim

STILL = gd.Train(steps=1, optimizer=optim.SGD(1e-12), precision=gd.Precision.FLOAT64)
X = np.random.default_rng(0).normal(size=(5, 2))


def _fit(m: gd.Model, data: dict[str, Any], backend: str, method: gd.Train = STILL) -> Any:
    return m.fit(data, method, backend=backend, progress=False)


def _model(density: Any, name: str = "m") -> gd.Model:
    m = gd.Model(name)
    m.observe("x", density, dims=m.plate("row"))
    return m


# -- scores -----------------------------------------------------------------------------------------------------------
def test_scores_of_parametric_models(backend: str) -> None:
    """Also of several observations, of data with another number of rows, and of axes in another order."""
    m = gd.Model("m")
    row, item = m.plate("row"), m.plate("item")
    a, t = m.param("a", 0.5), m.data("t", dims=row)
    m.observe(
        "x", gd.MultivariateNormal(np.ones(2) * a, covariance_matrix=np.array([[2.0, 0.5], [0.5, 1.0]])), dims=row
    )
    m.observe("y", gd.StudentT(4.0, a * t, 2.0), dims=(item, row))
    rng = np.random.default_rng(1)
    fit = _fit(m, {"x": X, "t": np.arange(5.0), "y": rng.normal(size=(3, 5))}, backend)
    x, t, y = rng.normal(size=(4, 2)), np.arange(4.0), rng.normal(size=(2, 4))
    found = fit.score({"x": x, "t": t, "y": y})
    np.testing.assert_allclose(found["x"], -(x - 0.5) @ np.linalg.inv([[2.0, 0.5], [0.5, 1.0]]), rtol=1e-9)
    z = (y - 0.5 * t) / 2.0
    np.testing.assert_allclose(found["y"], -5.0 * z / (4.0 + z**2) / 2.0, rtol=1e-9)


@pytest.mark.parametrize("family", ["flow", "autoregressive", "energy", "conditional flow"])
def test_scores_are_derivatives_of_the_density(family: str, backend: str) -> None:
    m = gd.Model("m")
    row = m.plate("row")
    data: dict[str, Any] = {"x": X}
    if family == "conditional flow":
        data["label"] = np.eye(2)[[0, 1, 1, 0, 1]]
        label = m.data("label", dims=row, event=2)
        m.observe("x", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(8,)), context=label), dims=row)
    else:
        density: Any = {
            "flow": gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(8,))),
            "autoregressive": gd.Autoregressive(2),
            "energy": gd.Energy(gd.MLP((), hidden=(8,)), 2, spread=2.0),
        }[family]
        m.observe("x", density, dims=row)
    fit = _fit(m, data, backend)
    found, step = fit.score(data)["x"], 1e-5
    assert found.dtype == np.float64
    for i, k in ((0, 0), (3, 1)):
        up, down = X.copy(), X.copy()
        up[i, k] += step
        down[i, k] -= step
        slope = (fit.log_prob(data | {"x": up}).value - fit.log_prob(data | {"x": down}).value) / (2 * step)
        assert found[i, k] == pytest.approx(slope, rel=1e-6, abs=1e-7)


# -- diffusions -------------------------------------------------------------------------------------------------------
def _zero(backend: str) -> Any:
    """Standard normal data are noised to themselves by a VP process, and a network that predicts v is zero for them."""
    density = gd.Diffusion(gd.VP(gd.schedule.Linear(0.1, 20.0)), network=gd.MLP(2, hidden=(4,)), event=2, predicts="v")
    fit = _fit(_model(density), {"x": X}, backend)
    return replace(fit, raw=replace(fit.raw, params={k: 0 * v for k, v in fit.raw.best.items()}, average={}))


def test_a_diffusion_scores_and_denoises_at_each_time(backend: str) -> None:
    """s(x, t) = -x and E[x_0 | x_t] = alpha(t) x of standard normal data."""
    fit = _zero(backend)
    t = np.array([0.1, 0.4, 0.9])
    alpha = np.exp(-0.5 * (0.1 * t + 0.5 * 19.9 * t**2))
    np.testing.assert_allclose(fit.denoise({"x": X[:3]}, time=t)["x"], alpha[:, None] * X[:3], rtol=1e-9)
    np.testing.assert_allclose(fit.denoise({"x": X}, time=0.4)["x"], alpha[1] * X, rtol=1e-9)
    np.testing.assert_allclose(fit.score({"x": X[:3]}, time=t)["x"], -X[:3], rtol=1e-9)
    np.testing.assert_allclose(fit.score({"x": X})["x"], -X, rtol=1e-6)  # at the least noise, which magnifies rounding


def test_many_rows_are_denoised_in_pieces(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl.objectives import scores

    fit = _zero(backend)
    monkeypatch.setattr(scores, "_NUMBERS", 4)  # two rows
    np.testing.assert_allclose(fit.score({"x": X}, time=0.4)["x"], -X, rtol=1e-9)


# -- codes ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("conditional", [False, True])
def test_a_flow_encodes_to_its_base(backend: str, conditional: bool) -> None:
    """log p(x) is that of the code under the base and the log-determinant; the code of a draw is its noise."""
    m = gd.Model("m")
    row = m.plate("row")
    data: dict[str, Any] = {"x": X}
    context = None
    if conditional:
        data["label"] = np.eye(2)[[0, 1, 1, 0, 1]]
        context = m.data("label", dims=row, event=2)
    m.observe("x", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(8,)), context=context), dims=row)
    fit = _fit(m, data, backend, replace(STILL, optimizer=optim.SGD(0.01)))
    z = fit.encode(data)["x"]
    assert z.shape == (1, 1, 5, 2)
    density, step = fit.log_prob(data).elements["x"], 1e-5
    for i in range(5):
        columns = []
        for k in range(2):
            up, down = X.copy(), X.copy()
            up[i, k] += step
            down[i, k] -= step
            columns.append(
                (fit.encode(data | {"x": up})["x"] - fit.encode(data | {"x": down})["x"])[0, 0, i] / (2 * step)
            )
        volume = np.linalg.slogdet(np.stack(columns, 1))[1]
        assert density[i] == pytest.approx(stats.norm.logpdf(z[0, 0, i]).sum() + volume, abs=1e-7)


def test_a_guide_encodes_new_rows(backend: str) -> None:
    """Draws of q(z | y) = N(a y, s): of the latents that it reads from the rows, and of no other."""
    m, g = gd.Model("m"), gd.Model("g")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(mu, 1), dims=m.plate("row")), 1.0), dims="row")
    g.latent("mu", gd.Normal(g.param("b", 0.0), 0.5))
    g.latent("z", gd.Normal(g.param("a", 0.4) * g.data("y", dims=g.plate("row")), 0.3), dims="row")
    m.objective(gd.ELBO(guide=g))
    fit = _fit(m, {"y": np.zeros(6)}, backend)
    y = np.array([-1.0, 0.0, 2.0])
    found = fit.encode({"y": y}, draws=4000)
    assert set(found) == {"z"}
    assert found["z"].shape == (1, 4000, 3)
    np.testing.assert_allclose(found["z"].mean((0, 1)), 0.4 * y, atol=4.5 * 0.3 / np.sqrt(4000))
    np.testing.assert_allclose(found["z"].std((0, 1)), 0.3, rtol=4.5 / np.sqrt(2 * 4000))
    assert np.array_equal(found["z"], fit.encode({"y": y}, draws=4000)["z"])


def test_recorded_values_are_drawn_with_the_latents(backend: str) -> None:
    """Those over rows that the guide reads when they are asked for, of the rows that are given."""
    m, g = gd.Model("m"), gd.Model("g")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.let("twice", 2 * mu)
    z = m.latent("z", gd.Normal(mu, 1), dims=row)
    m.observe("y", gd.Normal(m.let("mean", z + m.data("x", dims=row)), 1.0), dims=row)
    g.latent("mu", gd.Normal(g.param("b", 0.0), 0.5))
    g.latent("z", gd.Normal(g.param("a", 0.4) * g.data("y", dims=g.plate("row")), 0.3), dims="row")
    m.objective(gd.ELBO(guide=g))
    x, y = np.arange(6.0), np.linspace(-1, 1, 6)
    fit = _fit(m, {"x": x, "y": y}, backend)
    assert list(fit.draws) == ["mu", "twice", "z"]
    assert "mean" in fit.draws
    np.testing.assert_array_equal(fit.draws.get("mean"), fit.draws["mean"])
    assert list(fit.draws) == ["mu", "twice", "z"]  # as before
    np.testing.assert_allclose(fit.draws["twice"], 2 * fit.draws["mu"], rtol=1e-12)
    np.testing.assert_allclose(fit.draws["mean"], fit.draws["z"] + x, rtol=1e-12)
    assert list(fit.idata.posterior) == ["mu", "twice", "z"]
    assert list(fit.summary("mean").index) == [f"mean[{k}]" for k in range(6)]
    new = {"x": np.array([7.0, 9.0]), "y": np.array([0.5, 0.0])}
    found = fit.encode(new, "mean", draws=50)
    assert set(found) == {"mean"}
    np.testing.assert_allclose(found["mean"], fit.encode(new, draws=50)["z"] + new["x"], rtol=1e-12)


def test_a_number_of_rows_beside_sizes_of_other_plates() -> None:
    """A smoke test of shapes."""
    m = gd.Model("m")
    row, item = m.plate("row", subsample=2), m.plate("item")
    m.observe("y", gd.Normal(m.param("a", 0.0), 1.0), dims=(row, item))
    fit = _fit(m, {"y": np.zeros((4, 3))}, "pyro")
    assert fit.sample(7, sizes={"item": 5})["y"].shape == (1, 1, 7, 5)
