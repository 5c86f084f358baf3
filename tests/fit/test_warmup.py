"""Draws of warmup that are kept, and draws that are thinned out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gendsl as gd
from gendsl.fit import Fit
from gendsl.methods.chains import Thinning
from tests.fit.models import SCHOOLS, schools

METHODS: dict[str, gd.methods.MCMC] = {
    "NUTS": gd.NUTS(chains=2, warmup=30, draws=12, engine=gd.Engine.NATIVE),
    "HMC": gd.HMC(chains=2, warmup=30, draws=12),
    "nutpie": gd.NUTS(chains=2, warmup=30, draws=12, engine=gd.Engine.NUTPIE),
}


def _fit(backend: str, method: gd.methods.MCMC) -> Fit:
    return schools().fit(SCHOOLS, method, backend=backend, seed=7, progress=False)


@pytest.mark.parametrize("name", METHODS)
def test_kept_warmup_has_groups_of_its_own(backend: str, name: str) -> None:
    plain = _fit(backend, METHODS[name])
    fit = _fit(backend, replace(METHODS[name], keep_warmup=True))
    assert "warmup_posterior" not in plain.idata.groups()
    posterior, stats = fit.idata.warmup_posterior, fit.idata.warmup_sample_stats
    assert list(posterior) == list(fit.idata.posterior)
    assert posterior["theta"].dims == ("chain", "draw", "school")
    assert posterior["theta"].shape == (2, 30, 8)
    assert set(stats) == set(fit.idata.sample_stats)
    assert stats["lp"].shape == (2, 30)
    assert len(np.unique(stats["step_size"])) > 5  # it was adapting
    for k, x in plain.draws.items():
        assert np.array_equal(x, fit.draws[k])
    # The chain goes from warmup to the kept draws: lp of a warmup draw is the density there.
    b = fit.program.backend
    with b.context("float64"):
        u = {k: b.array(v[1, 29], "float64") for k, v in fit.raw.warmup.items()}
        assert float(b.numpy(fit.bound.log_density(u))) == pytest.approx(float(stats["lp"][1, 29]), rel=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_thinning_keeps_every_third_draw_of_the_same_chain(backend: str, name: str) -> None:
    whole = _fit(backend, replace(METHODS[name], draws=36))
    thin = _fit(backend, replace(METHODS[name], thinning=3))
    assert thin.draws["mu"].shape == (2, 12)
    for k, x in thin.draws.items():
        assert np.array_equal(x, whole.draws[k][:, 2::3])
    for k, v in thin.raw.stats.items():
        if k != "diverging":
            assert np.array_equal(v, whole.raw.stats[k][:, 2::3]), k


def test_a_thinned_draw_tells_of_divergences_before_it() -> None:
    rng = np.random.default_rng(0)
    diverging = rng.random((2, 50)) < 0.2
    whole = {"diverging": diverging, "x": rng.normal(size=(2, 50, 3))}
    for every in (1, 3, 7, 60):
        for cuts in ([], [1, 2, 4, 20], [25]):
            thin = Thinning(every)
            edges = [0, *cuts, 50]
            pieces = [thin({k: v[:, a:b] for k, v in whole.items()}) for a, b in zip(edges, edges[1:], strict=False)]
            got = {k: np.concatenate([p[k] for p in pieces], 1) for k in whole}
            n = 50 // every
            assert np.array_equal(got["x"], whole["x"][:, every - 1 :: every])
            assert np.array_equal(got["diverging"], diverging[:, : n * every].reshape(2, n, every).any(2))
            assert got["diverging"].dtype == bool
