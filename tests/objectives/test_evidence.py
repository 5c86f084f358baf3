"""Every guide reaches the exact log evidence of a conjugate model, within 0.02 nats, on both backends.

The divergence of a trained guide from the posterior is also computed from its parameters, so that what the draws of
`fit.evidence` say is checked against it without their noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import guide, optim
from gendsl.methods import Precision, Train
from gendsl.objectives import ELBO
from tests.objectives.gauss import regression, regression_truth

NATS = 0.02
GUIDES: dict[str, guide.Guide] = {
    "mean field": guide.MeanField(scale=0.3),
    "full rank": guide.FullRank(scale=0.3),
    "low rank": guide.LowRank(rank=1, scale=0.3),  # a plane's covariance is diagonal plus rank one
    "laplace": guide.Laplace(),
}


def _train(model: gd.Model, data: Any, backend: str, steps: int = 600) -> Any:
    method = Train(steps=steps, optimizer=optim.Adam(optim.Cosine(0.05)), precision=Precision.FLOAT64)
    return model.fit(data, method, backend=backend, progress=False)


def _moments(name: str, p: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and covariance of a trained guide."""
    mean = p["guide.location"]
    if name == "mean field":
        return mean, np.diag(np.exp(2 * p["guide.log_scale"]))
    if name == "full rank":
        root = np.tril(p["guide.lower"], -1) + np.diag(np.exp(p["guide.log_diagonal"]))
        return mean, root @ root.T
    if name == "low rank":
        return mean, p["guide.factor"] @ p["guide.factor"].T + np.diag(np.exp(2 * p["guide.log_diagonal"]))
    return None


def _divergence(mean: np.ndarray, cov: np.ndarray, to_mean: np.ndarray, to_cov: np.ndarray) -> float:
    """KL(N(mean, cov) || N(to_mean, to_cov))."""
    inverse, d = np.linalg.inv(to_cov), to_mean - mean
    logs = np.linalg.slogdet(to_cov)[1] - np.linalg.slogdet(cov)[1]
    return float(0.5 * (np.trace(inverse @ cov) + d @ inverse @ d - len(d) + logs))


QUICK = (("full rank", "pyro"), ("laplace", "pyro"), ("low rank", "numpyro"), ("mean field", "numpyro"))
CASES = [
    pytest.param(name, backend, marks=() if (name, backend) in QUICK else pytest.mark.slow)
    for name in GUIDES
    for backend in ("pyro", "numpyro")
]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_guides_reach_the_evidence(name: str, backend: str) -> None:
    """Mean field its known bound, (sum_i log P_ii - log det P) / 2 below, of the posterior's precision P."""
    model, data = regression()
    model.objective(ELBO(guide=GUIDES[name], particles=1 if name == "laplace" else 4))
    fit = _train(model, data, backend, 1500 if name == "low rank" else 600)
    evidence, mean, cov = regression_truth(data)
    best = evidence
    if name == "mean field":
        precision = np.linalg.inv(cov)
        best -= 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
        assert evidence - best > 0.1
    trained = _moments(name, fit.params)
    if trained is not None:
        assert evidence - _divergence(*trained, mean, cov) == pytest.approx(best, abs=NATS / 2)
    found = fit.evidence(20_000 if name == "mean field" else 4000)
    assert found.kind == "lower bound"
    assert 4 * found.se < NATS
    assert found.value == pytest.approx(best, abs=NATS)
    drawn = np.array([fit.draws["a"][0], fit.draws["b"][0]])
    np.testing.assert_allclose(drawn.mean(1), mean, atol=0.05)
    if name != "mean field":
        np.testing.assert_allclose(np.cov(drawn), cov, atol=0.02)
        assert fit.pareto_k() < 0.5
        assert fit.check().ok
        assert fit.check().figures["Pareto k"] < 0.5
    if backend == "pyro":
        import pyro

        assert not list(pyro.get_param_store().keys())


def test_a_point_has_its_known_bound(backend: str) -> None:
    """The log joint density at the mode, log p(y) + log N(m; m, C): half log det 2 pi C below the evidence."""
    model, data = regression()
    model.objective(ELBO(guide=guide.Delta()))
    fit = _train(model, data, backend)
    evidence, mean, cov = regression_truth(data)
    np.testing.assert_allclose(fit.params["guide.location"], mean, atol=1e-4)
    assert -fit.history.curves["loss"][-1] == pytest.approx(
        evidence - 0.5 * np.linalg.slogdet(2 * np.pi * cov)[1], abs=1e-6
    )
    with pytest.raises(gd.FitError, match="a point has no density"):
        fit.evidence()


def test_a_model_as_guide_reaches_the_evidence(backend: str) -> None:
    """Whose second latent depends on the first, and on the data: p(a | y) p(b | a, y)."""
    model, data = regression()
    other = gd.Model("posterior")
    row = other.plate("row")
    x, y = other.data("x", dims=row), other.data("y", dims=row)
    xx, xy = (x * x).mean(dim=row), (x * y).mean(dim=row)
    read = other.param("read", np.zeros(2))
    a = other.latent("a", gd.Normal(read[0] * xx + read[1] * xy, other.param("a_scale", 0.3, constraint=gd.positive)))
    slope, shift = other.param("slope", 0.0), other.param("by", 0.0)
    other.latent("b", gd.Normal(slope * a + shift * xy, other.param("b_scale", 0.3, constraint=gd.positive)))
    model.objective(ELBO(guide=other, particles=4))
    fit = _train(model, data, backend, 500)
    found = fit.evidence(400)  # each of four draws
    assert 4 * found.se < NATS
    assert found.value == pytest.approx(regression_truth(data)[0], abs=NATS)
