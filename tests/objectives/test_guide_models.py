"""Guides that are models and read no data: their plates are the model's, and what they learn is a posterior."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim

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
    g.latent("z", gd.Normal(loc, g.param("scale", 1.0, gd.positive)), dims=i)
    return g


def _fit(model: gd.Model, guide: gd.Model, data: dict[str, Any], backend: str, steps: int, **options: Any) -> Any:
    model.objective(gd.ELBO(guide=guide, particles=50))
    method = gd.Train(steps=steps, optimizer=optim.Adam(optim.Cosine(0.05)), **options)
    return model.fit(data, method, backend=backend, progress=False)


def test_a_guide_without_data_takes_the_sizes_of_the_model(backend: str) -> None:
    fit = _fit(_rows(), _without_rows(True), {"x": Y}, backend, 300)
    np.testing.assert_allclose(fit.params["loc"], Y / 2, atol=0.05)
    assert fit.params["scale"] == pytest.approx(np.sqrt(0.5), abs=0.05)
    assert fit.draws["z"].shape == (1, 1000, 5)
    batched = _fit(_rows(), _without_rows(False), {"x": Y}, backend, 300, batch_size=2)
    assert batched.params["loc"] == pytest.approx(Y.mean() / 2, abs=0.1)
    assert batched.params["scale"] == pytest.approx(np.sqrt(0.5), abs=0.1)


def test_sizes_of_a_guide_that_cannot_be() -> None:
    with pytest.raises(gd.FitError, match=r"'loc' has a value for each element of 'i', which come in batches") as e:
        _fit(_rows(), _without_rows(True), {"x": Y}, "numpyro", 2, batch_size=2)
    assert "leave batch_size and subsample out" in str(e.value)
    g = gd.Model("longer")
    g.latent("z", gd.Normal(g.param("loc", 0.0), 1), dims=g.plate("i", size=6))
    with pytest.raises(gd.DataError, match="plate 'i' of guide 'longer' has another size than in the model"):
        _fit(_rows(), g, {"x": Y}, "numpyro", 2)
