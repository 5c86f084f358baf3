"""The Laplace guide: the curvature at the mode of what was trained in float32, and where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, 2.0, -1.0] + 0.5 * RNG.normal(size=40)


def _fit(backend: str, steps: int) -> Any:
    m = gd.Model("line")
    row = m.plate("row")
    w, s = m.latent("w", gd.Normal(0, 1).expand(3)), m.latent("s", gd.HalfNormal(1))
    m.observe("y", gd.Normal(m.data("x", dims=row, event=3) @ w, s), dims=row)
    m.objective(gd.ELBO(guide=gd.guide.Laplace()))
    method = gd.Train(steps=steps, optimizer=optim.Adam(optim.Cosine(0.05)))
    return m.fit({"x": X, "y": Y}, method, backend=backend, progress=False)


def test_the_curvature_of_a_fit_in_float32(backend: str) -> None:
    """With s = e^u: -H is (X'X / s^2 + 1, 2 X'r / s^2; ., 2 r'r / s^2 + 2 s^2), by the residuals r."""
    fit = _fit(backend, 600)
    *w, u = fit.params["guide.location"]
    r, s2 = Y - X @ w, np.exp(2 * u)
    cross = (2 * X.T @ r / s2)[:, None]
    corner = np.array([[2 * r @ r / s2 + 2 * s2]])
    precision = np.block([[X.T @ X / s2 + np.eye(3), cross], [cross.T, corner]])
    root = fit.posterior._spread()
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(precision), rtol=1e-8)
    at = np.concatenate([fit.draws["w"].reshape(-1, 3), np.log(fit.draws["s"]).reshape(-1, 1)], 1)
    error = np.sqrt(np.diag(root @ root.T) / len(at))
    assert (np.abs(at.mean(0) - [*w, u]) < 4 * error).all()


def test_no_mode_is_said(backend: str) -> None:
    fit = _fit(backend, 1)
    with pytest.raises(gd.FitError, match="not come to a mode") as e:
        fit.summary()
    assert "test_laplace.py" in str(e.value)
    assert "gd.guide.FullRank()" in str(e.value)
