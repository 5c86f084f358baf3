"""`Model.fit` with `gd.Train`: guides reach the evidence of a conjugate model, and the fit says what it is."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import guide, optim
from gendsl.methods import Precision, Train, Validation
from gendsl.objectives import ELBO, IWAE
from tests.objectives.gauss import ppca, ppca_evidence, regression, regression_truth


def _method(steps: int = 1500, **options: Any) -> Train:
    rate = optim.Adam(optim.Cosine(0.05))
    return Train(steps=steps, optimizer=rate, precision=Precision.FLOAT64, **options)


@cache
def _trained(backend: str) -> Any:
    model, data = regression()
    model.objective(ELBO(guide=guide.FullRank(scale=0.3), particles=8))
    return model.fit(data, _method(), backend=backend, progress=False)


def test_the_fit_shows_itself() -> None:
    fit = _trained("numpyro")
    assert list(fit.summary().index) == ["a", "b"]
    assert list(fit.summary().columns) == ["mean", "sd", "hdi_3%", "hdi_97%"]
    assert fit.idata.posterior["a"].dims == ("chain", "draw")
    assert set(fit.idata.groups()) >= {"posterior", "observed_data", "constant_data"}
    assert "ELBO" in repr(fit)
    assert "1500 steps" in repr(fit)
    assert fit.history.curves["loss"].shape == (1500,)
    assert fit.plot().axes[0].get_xlabel() == "step"
    y = fit.sample(seed=1)["y"]
    assert y.shape == (1, 1000, 12)
    assert np.abs(y[0].mean(0) - regression()[1]["y"]).max() < 2
    new = fit.log_prob({"x": np.zeros(2), "y": np.zeros(2)})
    assert new.kind == "estimate"
    _, mean, cov = regression_truth(regression()[1])
    h = np.array([[1.0, 0.0], [1.0, 0.0]])
    s = h @ cov @ h.T + 0.25 * np.eye(2)
    d = h @ mean
    exact = -0.5 * (d @ np.linalg.solve(s, d) + np.linalg.slogdet(2 * np.pi * s)[1])
    assert new.value == pytest.approx(exact, abs=0.15)


def test_linear_vae_reaches_its_maximum() -> None:
    """The maximum of probabilistic principal components, in the noise's scale given (V2); held-out rows; batches."""
    model, other, data, truth = ppca(64)
    model.objective(ELBO(guide=other, analytic_kl=True))
    method = _method(600, batch_size=16, validation=Validation(fraction=0.25, every=200))
    fit = model.fit(data, method, backend="numpyro", progress=False)
    before = ppca_evidence(data, truth).sum()
    found = fit.evidence(50)
    assert found.kind == "lower bound"
    assert found.value > before - 25.0
    assert fit.history.validation["loss"].shape == (3,)
    assert fit.params["scale"].shape == (2,)
    assert (fit.params["scale"] > 0).all()
    assert fit.draws["z"].shape == (1, 1000, 64, 2)
    assert fit.sample(draws=5)["x"].shape == (1, 5, 64, 5)
    assert np.isfinite(fit.log_prob({"x": data["x"][:3]}, draws=10).value)


def test_maximum_likelihood_of_a_line(backend: str) -> None:
    """Least squares, exactly; the likelihood's value is exact."""
    m = gd.Model("ols")
    n = m.plate("row")
    x = m.data("x", dims=n)
    w, s = m.param("w", 0.0), m.param("s", 1.0, constraint=gd.positive)
    m.observe("y", gd.Normal(w * x, s), dims=n)
    rng = np.random.default_rng(2)
    data = {"x": rng.normal(size=40), "y": rng.normal(size=40)}
    best = data["x"] @ data["y"] / (data["x"] @ data["x"])
    scale = np.sqrt(np.mean((data["y"] - best * data["x"]) ** 2))
    fit = m.fit(data, _method(500), backend=backend, progress=False)
    assert fit.params["w"] == pytest.approx(best, abs=1e-4)
    assert fit.params["s"] == pytest.approx(scale, abs=1e-4)
    found = fit.evidence()
    assert found.kind == "exact"
    assert found.value == pytest.approx(-40 * (np.log(scale) + 0.5 * np.log(2 * np.pi) + 0.5), abs=1e-4)
    assert fit.log_prob({"x": data["x"][:2], "y": data["y"][:2]}).kind == "exact"
    assert fit.sample(draws=3)["y"].shape == (1, 3, 40)
    for ask in (lambda: fit.draws, lambda: fit.idata, lambda: fit.summary(), lambda: fit.posterior):
        with pytest.raises(gd.FitError, match="has no guide") as e:
            ask()
        assert e.value.where is not None
        assert e.value.where.file == __file__
    again = m.fit(data, _method(700), backend=backend, progress=False, resume=fit)
    assert len(again.history.steps) == 700


def test_iwae_of_a_guide_of_ours() -> None:
    model, data = regression()
    model.objective(IWAE(guide=guide.FullRank(scale=0.3), particles=5))
    fit = model.fit(data, _method(500), backend="numpyro", progress=False)
    evidence, _, _ = regression_truth(data)
    found = fit.evidence(2000)
    assert fit.posterior.log_weights(2000, 1).mean() < found.value < evidence + 4 * found.se  # tighter than the ELBO
    assert evidence - found.value < 0.4


def test_check_says_what_is_wrong() -> None:
    model, data = regression()
    model.objective(ELBO(guide=guide.MeanField(scale=0.01)))
    short = model.fit(data, Train(steps=200, optimizer=optim.SGD(1e-7)), backend="numpyro", progress=False).check()
    assert not short.ok
    assert "the guide is far from the posterior: the Pareto shape of its weights is" in str(short)


def _poor(model: gd.Model, data: dict[str, Any], form: guide.Guide) -> str:
    model.objective(ELBO(guide=form))
    method = Train(steps=2, optimizer=optim.SGD(1e-12))
    return str(model.fit(data, method, backend="pyro", progress=False).check())


def test_check_suggests_what_applies_and_was_not_done() -> None:
    model, data = regression()
    assert "try gd.guide.FullRank(), more steps, or gd.NUTS()" in _poor(model, data, guide.MeanField(scale=0.01))
    assert "try more steps or gd.NUTS()" in _poor(model, data, guide.FullRank(scale=0.01))
    m = gd.Model("scaled")
    a, s = m.latent("a", gd.Normal(0, 1)), m.param("s", 1.0, constraint=gd.positive)
    m.observe("y", gd.Normal(a, s), dims=m.plate("row"))
    assert "try more steps\n" in _poor(m, {"y": np.full(50, 3.0)}, guide.FullRank(scale=0.01))


def test_check_of_a_guide_by_rows_blames_no_joint_weights() -> None:
    """Weights of forty rows together are far from equal, whatever the guide of each."""
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(mu, 1), dims=m.plate("row")), 1.0), dims="row")
    g = gd.Model("g")
    y, row = g.data("y", dims=g.plate("row")), "row"
    g.latent("mu", gd.Normal(0.0, 0.2))
    g.latent("z", gd.Normal(g.param("a", 0.2) * y, 0.5), dims=row)
    m.objective(ELBO(guide=g))
    method = Train(steps=2, optimizer=optim.SGD(1e-12))
    found = m.fit({"y": np.linspace(-3, 3, 40)}, method, backend="pyro", progress=False).check()
    assert found.ok
    assert found.figures["joint Pareto k"] > 0.7
    assert "which grows with their number" in str(found)


def test_weights_whose_largest_are_equal_have_no_tail() -> None:
    from gendsl.diagnostics import pareto_shape

    rng = np.random.default_rng(0)
    assert pareto_shape(rng.choice([-1.0, 0.3], 1000, p=[0.1, 0.9])) == -np.inf
    assert pareto_shape(np.full(1000, -2.0)) == -np.inf
    assert pareto_shape(np.r_[np.zeros(999), 30.0]) == np.inf  # one draw has all the weight
    assert pareto_shape(2.0 * rng.exponential(size=1000)) > 0.7


def _curve() -> tuple[gd.Model, dict[str, np.ndarray]]:
    """Twelve rows that are trained on, and as many coefficients."""
    rng = np.random.default_rng(0)
    m = gd.Model("curve")
    row = m.plate("row")
    x = m.data("x", dims=row, event=(12,))
    w, s = m.param("w", np.zeros(12)), m.param("s", 1.0, constraint=gd.positive)
    m.observe("y", gd.Normal(x @ w, s), dims=row)
    m.objective(gd.MaximumLikelihood())
    return m, {"x": rng.normal(size=(16, 12)), "y": rng.normal(size=16)}


def test_check_sees_a_loss_that_falls() -> None:
    m, data = _curve()
    found = m.fit(data, Train(steps=200, optimizer=optim.Adam(1e-3)), backend="numpyro", progress=False).check()
    assert found.ok
    assert "the loss was still falling, by" in str(found)


def test_check_sees_held_out_rows_get_worse() -> None:
    m, data = _curve()
    method = Train(steps=600, optimizer=optim.Adam(0.05), validation=Validation(fraction=0.25, every=50))
    found = m.fit(data, method, backend="numpyro", progress=False).check()
    assert "the loss on held-out rows was lowest after step" in str(found)
    assert "patience" in str(found)
