"""Fits whose draws are given: exact draws of a known posterior, or any, without running a sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.backend import Draws
from gendsl.fit import Fit
from tests.fit.models import COV, MEAN, X, Y, regression


def fit_of(model: gd.Model, data: Mapping[str, Any], backend: str, draws: Mapping[str, np.ndarray]) -> Fit:
    """A fit with these draws, site -> (chain, draw, *dims, *event)."""
    bound = model.compile(backend).bind(data)
    given = {k: np.asarray(v, float) for k, v in draws.items()}
    return Fit(bound, gd.NUTS(), 0, Draws({}, {}), given, {"total": 0.0})


def regression_fit(backend: str, count: int = 8000, seed: int = 0) -> Fit:
    """The regression with independent draws of its posterior Normal(MEAN, COV), in 4 chains."""
    rng = np.random.default_rng(seed)
    w = rng.multivariate_normal(MEAN, COV, (4, count // 4))
    return fit_of(regression(), {"x": X, "y": Y}, backend, {"w": w, "first": w[..., 0]})


def prior_fit(model: gd.Model, data: Mapping[str, Any], backend: str, count: int, seed: int = 0) -> Fit:
    """Any draws: the images of small unconstrained values, one chain."""
    bound = model.compile(backend).bind(data)
    rng = np.random.default_rng(seed)
    u = {k: 0.3 * np.clip(rng.normal(size=(count, *s)), -3, 3) for k, s in bound.shapes.items()}
    values = bound.constrain(u)
    draws = {str(n.name): values[str(n.name)][None] for _, n in model.graph.of("latent", "let")}
    return Fit(bound, gd.NUTS(), 0, Draws({k: v[None] for k, v in u.items()}, {}), draws, {"total": 0.0})


def within(estimate: np.ndarray, truth: Any, error: Any, cap: float) -> None:
    """Every estimate is within 4 standard errors of the truth, and those are below a cap."""
    gap, error = np.abs(np.asarray(estimate) - truth), np.broadcast_to(error, np.shape(estimate))
    assert (error < cap).all(), f"too few draws: standard error {np.max(error):.3g}"
    assert (gap < 4 * error).all(), f"off by {np.max(gap / error):.2f} standard errors"
