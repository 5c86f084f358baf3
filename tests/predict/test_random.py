"""Random graphs are run forward: likelihoods are the terms of the sampled program, predictions fit the data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from gendsl.passes.forward import imputing
from gendsl.predict import named
from tests.laws.strategy import Case, seeded_case
from tests.predict.exact import fit_of, prior_fit


def _terms(fit: Fit) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gd.GendslWarning)  # most random graphs have a factor
        return fit.log_likelihood()


def examine(case: Case, seed: int, backends: tuple[str, ...]) -> None:
    model, first = case.model, backends[0]
    graph = model.graph
    fit = prior_fit(model, case.data, first, 3, seed)
    terms = _terms(fit)
    p = fit.program
    with p.backend.context("float64"):
        for s in range(3):
            u = {k: p.backend.array(v[0, s], "float64") for k, v in fit.raw.unconstrained.items()}
            whole = p.backend.log_joint(p.model, u, *fit.bound.arguments)
            for name in set(terms) - set(imputing(graph).values()):
                total, mine = float(np.sum(p.backend.numpy(whole[name]))), terms[name][0, s]
                if np.isfinite(total):
                    assert abs(mine.sum() - total) <= 1e-9 * (1 + np.abs(mine).sum()), name
    for backend in backends:
        other = fit if backend == first else fit_of(model, case.data, backend, fit.draws)
        for name, x in _terms(other).items():
            assert x.shape == terms[name].shape
            finite = np.isfinite(terms[name])
            assert np.array_equal(np.isfinite(x), finite)
            scale = 1 + np.abs(terms[name][finite])
            assert (np.abs(x[finite] - terms[name][finite]) <= 10 * case.tolerance * scale).all(), name
        try:
            _predictions(model, case, other.sample(seed=seed), other.bound.bound.arrays)
        except gd.FitError as e:
            assert "EnergyDensity" in case.text or "Energy(" in case.text  # noqa: PT017
            assert "cannot be drawn from" in str(e)  # noqa: PT017 - an energy has no draws
        try:
            model.prior_predictive(case.data, 4, backend=backend)
        except gd.FitError as e:
            assert "cannot be drawn from" in str(e)  # noqa: PT017 - most random graphs have a factor


def _predictions(model: gd.Model, case: Case, drawn: dict[str, np.ndarray], arrays: dict[str, np.ndarray]) -> None:
    for name, (dims, x) in named(model.graph, drawn).items():
        assert len(dims) == x.ndim
        if name in model.graph.inputs:
            assert x.shape == (1, 3, *arrays[name].shape)


def _cases(seeds: range) -> list[tuple[int, Case]]:
    found = [(seed, seeded_case(seed)) for seed in seeds]
    return [(seed, case) for seed, case in found if case.model.graph.of("observe")]


def test_random_graphs_in_torch() -> None:
    for seed, case in _cases(range(60)):
        examine(case, seed, ("pyro",))


@pytest.mark.slow
def test_random_graphs_on_both_backends() -> None:
    for seed, case in _cases(range(1000, 1040)):
        examine(case, seed, ("pyro", "numpyro"))
