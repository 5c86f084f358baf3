"""Conditional families: a class that the network sees, learnt from rows of both classes, and drawn for one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import gendsl as gd
from gendsl.lang.expr import Expr

RNG = np.random.default_rng(0)
CLASS = RNG.integers(0, 2, 400)
MEANS = np.array([[-2.0, 1.0], [3.0, 0.0]])
DATA = {"label": np.eye(2)[CLASS], "x": MEANS[CLASS] + 0.5 * RNG.normal(size=(400, 2))}


def _flow(label: Expr) -> gd.Distribution:
    """A coupling of each element given the other and the class."""
    return gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.realnvp(2, hidden=(8,)), context=label)


def _autoregressive(label: Expr) -> gd.Distribution:
    return gd.Autoregressive(2, hidden=(8,), context=label)


@pytest.mark.parametrize("family", [_flow, _autoregressive])
def test_a_class_is_learnt_and_drawn(family: Callable[[Expr], gd.Distribution], backend: str) -> None:
    """Means of draws of each class are those of its rows; the density of a row falls under the other class."""
    m = gd.Model("classes")
    row = m.plate("row")
    m.observe("x", family(m.data("label", dims=row, event=2)), dims=row)
    train = gd.Train(steps=400, batch_size=100, optimizer=gd.optim.Adam(0.02))
    fit = m.fit(DATA, train, backend=backend, progress=False)
    assert isinstance(fit.objective, gd.MaximumLikelihood)
    for k in range(2):
        x = fit.sample({"label": np.eye(2)[np.full(400, k)]}, draws=1)["x"][0, 0]
        rows = DATA["x"][k == CLASS]
        np.testing.assert_allclose(x.mean(0), rows.mean(0), atol=0.2)
        np.testing.assert_allclose(x.std(0), rows.std(0), atol=0.2)
    exact = -np.log(2 * np.pi * np.e * 0.25)  # of a row given its class
    assert abs(fit.log_prob(DATA).value / 400 - exact) < 0.15
    assert fit.log_prob(DATA | {"label": 1 - DATA["label"]}).value / 400 < exact - 5
