"""Parameters on constrained spaces: their coordinates, and that they reach known maxima and posteriors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.backend import get_backend
from gendsl.graph import constraints as c
from gendsl.math.numpy_ops import NUMPY
from gendsl.methods import Precision, Train
from gendsl.objectives import ELBO
from gendsl.objectives.parameters import _COORDINATES
from tests.objectives.gauss import regression, regression_truth

ROOT = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.2, 0.3, np.sqrt(1 - 0.13)]])
INSIDE: dict[type[c.Constraint], tuple[c.Constraint, Any]] = {
    c.Circular: (c.circular, [-3.0, 0.5, 3.1]),
    c.CorrCholesky: (c.corr_cholesky, ROOT),
    c.CorrMatrix: (c.CorrMatrix(), ROOT @ ROOT.T),
    c.LowerCholesky: (c.lower_cholesky, np.diag([0.5, 2.0, 3.0]) @ ROOT),
    c.Ordered: (c.ordered, [-1.0, 0.2, 5.0]),
    c.PositiveDefinite: (c.positive_definite, 4 * ROOT @ ROOT.T),
    c.PositiveOrdered: (c.positive_ordered, [0.1, 0.2, 5.0]),
    c.Simplex: (c.simplex, [0.2, 0.7, 0.1]),
    c.Sphere: (c.sphere, [0.6, 0.0, -0.8]),
}


@pytest.mark.parametrize("kind", _COORDINATES)
def test_coordinates(kind: type[c.Constraint]) -> None:
    """A value comes back; any free values, with axes on the left, are inside; both backends and numpy agree."""
    coordinates, (constraint, value) = _COORDINATES[kind], INSIDE[kind]
    x = np.stack([np.asarray(value), np.asarray(value)])
    np.testing.assert_allclose(coordinates.value(NUMPY, coordinates.free(x)), x, rtol=1e-12, atol=1e-14)
    u = 2 * np.random.default_rng(0).normal(size=(7, *x.shape))
    there = coordinates.value(NUMPY, u)
    assert there.shape == u.shape
    assert not c.violations(there, constraint).any()
    for name in ("pyro", "numpyro"):
        b = get_backend(name)
        with b.context("float64"):
            found = b.numpy(coordinates.value(b.ops, b.array(u, "float64")))
        np.testing.assert_allclose(found, there, rtol=1e-12, atol=1e-14)


def _fit(m: gd.Model, data: Any, backend: str, steps: int = 300) -> Any:
    method = Train(steps=steps, optimizer=optim.Adam(optim.Cosine(0.1)), precision=Precision.FLOAT64)
    return m.fit(data, method, backend=backend, progress=False)


def _normal(constraint: c.Constraint, init: np.ndarray) -> tuple[gd.Model, np.ndarray]:
    """Rows of a multivariate normal about zero with a parameter for its spread; the covariance of the rows."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 3)) @ (np.diag([0.5, 1.0, 2.0]) @ ROOT).T
    m = gd.Model("spread")
    spread = m.param("spread", init, constraint=constraint)
    if isinstance(constraint, c.CorrCholesky):
        spread = m.param("scales", np.ones(3), constraint=gd.positive)[:, None] * spread
    how = {"covariance_matrix": spread} if isinstance(constraint, c.PositiveDefinite) else {"scale_tril": spread}
    m.observe("x", gd.MultivariateNormal(np.zeros(3), **how), dims=m.plate("row"))
    return m, x


@pytest.mark.parametrize("kind", [c.LowerCholesky, c.CorrCholesky, c.PositiveDefinite])
def test_a_covariance_reaches_its_maximum(kind: type[c.Constraint], backend: str) -> None:
    """That of the rows, whichever way it is written."""
    m, x = _normal(INSIDE[kind][0], np.eye(3))
    fit = _fit(m, {"x": x}, backend)
    spread = fit.params["spread"]
    assert not c.violations(spread, INSIDE[kind][0]).any()
    if kind is c.CorrCholesky:
        spread = fit.params["scales"][:, None] * spread
    covariance = spread if kind is c.PositiveDefinite else spread @ spread.T
    np.testing.assert_allclose(covariance, x.T @ x / len(x), rtol=1e-3, atol=1e-3)


def test_shares_reach_their_maximum(backend: str) -> None:
    """Of a category, how often it was seen."""
    m = gd.Model("shares")
    p = m.param("p", np.full(4, 0.25), constraint=gd.simplex)
    m.observe("k", gd.Categorical(probs=p), dims=m.plate("row"))
    k = np.repeat([0, 1, 2, 3], [3, 20, 10, 7])
    fit = _fit(m, {"k": k}, backend)
    np.testing.assert_allclose(fit.params["p"], np.bincount(k) / 40, atol=1e-4)
    assert fit.params["p"].sum() == pytest.approx(1.0, abs=1e-12)


def test_a_guide_with_a_factor_reaches_the_evidence(backend: str) -> None:
    """The posterior's covariance by a Cholesky factor among the parameters of a model as guide."""
    _, data = regression()
    x = np.stack([np.ones_like(data["x"]), data["x"]], 1)
    m = gd.Model("line")
    row = m.plate("row")
    design = m.data("x", dims=row, event=(2,))
    w = m.latent("w", gd.MultivariateNormal(np.zeros(2), scale_tril=np.eye(2)))
    m.observe("y", gd.Normal(design @ w, 0.5), dims=row)
    g = gd.Model("guide")
    factor = g.param("factor", 0.3 * np.eye(2), constraint=gd.lower_cholesky)
    g.latent("w", gd.MultivariateNormal(g.param("at", np.zeros(2)), scale_tril=factor))
    m.objective(ELBO(guide=g, particles=4))
    fit = _fit(m, {"x": x, "y": data["y"]}, backend, 500)
    evidence, mean, cov = regression_truth(data)
    found = fit.evidence(400)
    assert 4 * found.se < 0.02
    assert found.value == pytest.approx(evidence, abs=0.02)
    np.testing.assert_allclose(fit.params["at"], mean, atol=0.02)
    np.testing.assert_allclose(fit.params["factor"] @ fit.params["factor"].T, cov, atol=0.01)
