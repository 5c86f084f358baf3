"""Every model of the zoo is run forward on both backends, at the same latents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from gendsl.passes.forward import imputing
from gendsl_models.registry import ZOO
from tests.predict.exact import fit_of, prior_fit

ADAPTIVE = ("lotka_volterra", "epidemic")  # solvers with steps of their own agree to their tolerance, here 1e-10
SLOW = ("item_response", *ADAPTIVE)
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
    for name, entry in ZOO.items()
    if entry.build().graph.of("observe")
]
COUNT = 400


@pytest.mark.parametrize("name", NAMES)
def test_both_backends_agree(name: str) -> None:
    model, data = ZOO[name].build(), ZOO[name].data()
    if name in ADAPTIVE:
        model = _exact(model)
    count = 20 if name in SLOW else COUNT
    fit = prior_fit(model, data, "numpyro", count)
    other = fit_of(model, data, "pyro", fit.draws)
    _same_likelihood(model, fit, other, 1e-6 if name in ADAPTIVE else 1e-10)
    _same_predictions(model, fit, other, count)


def _exact(model: gd.Model) -> gd.Model:
    """The model with tight tolerances of its solver."""
    tight = {"rtol": 1e-10, "atol": 1e-10}
    nodes = model._builder.nodes
    for i, n in enumerate(nodes):
        if n.op == "odeint":
            nodes[i] = replace(n, attrs=tuple(sorted((n.attr | tight).items())))
    return model


def _same_likelihood(model: gd.Model, a: Fit, b: Fit, tolerance: float) -> None:
    """Elements agree, and their sums with the terms of the program that was sampled."""
    first, second = a.log_likelihood(), b.log_likelihood()
    assert set(first) == set(second)
    imputed = set(imputing(model.graph).values())
    p = a.program
    for name, x in first.items():
        assert x.shape == second[name].shape
        assert np.abs(x - second[name]).max() <= tolerance * (1 + np.abs(x).max()), name
    with p.backend.context("float64"):
        for s in range(3):
            u = {k: p.backend.array(v[0, s], "float64") for k, v in a.raw.unconstrained.items()}
            terms = p.backend.log_joint(p.model, u, *a.bound.arguments)
            for name in set(first) - imputed:
                whole = float(np.sum(p.backend.numpy(terms[name])))
                assert first[name][0, s].sum() == pytest.approx(whole, rel=1e-9, abs=1e-9), name


def _same_predictions(model: gd.Model, a: Fit, b: Fit, count: int) -> None:
    """Shapes and kinds agree; so does how often a prediction is at most its average over both, within 4 errors."""
    first, second = a.sample(seed=1), b.sample(seed=2)
    for name, x in first.items():
        y = second[name]
        assert x.shape == y.shape
        assert x.dtype == y.dtype
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()
        center = (x.mean((0, 1)) + y.mean((0, 1))) / 2
        below = [(v <= center)[0].reshape(count, -1).mean(1) for v in (x, y)]  # one number for each draw
        error = np.sqrt(sum(v.var(ddof=1) / count for v in below)) + 1e-3
        assert abs(below[0].mean() - below[1].mean()) < 4 * error, name
