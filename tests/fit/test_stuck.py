"""Chains that do not move are noticed, and said which they are."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl_models import reference
from gendsl_models.registry import ZOO


def spike() -> gd.Model:
    """A normal, and a point whose density is e^500 times higher: no step away from it is accepted."""
    m = gd.Model("spike")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("point", gd.where(gd.abs(x - 30.0) < 1e-300, 500.0, 0.0))
    return m


@pytest.mark.parametrize(
    ("backend", "kind"),
    [
        ("numpyro", gd.NUTS),
        ("numpyro", gd.HMC),
        ("pyro", gd.NUTS),
        pytest.param("pyro", gd.HMC, marks=pytest.mark.slow),
    ],
)
def test_a_chain_that_starts_on_a_spike_is_named(backend: str, kind: type[gd.methods.MCMC]) -> None:
    init = gd.init.Given({"x": [0.5, 30.0, -0.5]})
    method = kind(chains=3, warmup=60, draws=150, init=init)
    fit = spike().fit({}, method, backend=backend, seed=1, progress=False)
    assert np.unique(fit.draws["x"][1]).size == 1
    (problem,) = [p for p in fit.check(prior=False).problems if "stands still" in p]
    assert problem.startswith("chain 1 stands still: it leaves its place in 0% of its draws (acceptance ")
    assert "step size" in problem
    assert "gd.init.Prior()" in problem


@pytest.mark.skipif(not reference.available(), reason="the reference posteriors are absent")
def test_chains_do_not_move_to_where_momenta_overflow() -> None:
    """With a dense mass matrix, the kinetic energy of momenta of 1e168 is -inf on NumPyro, which accepts it."""
    entry = ZOO["arma11"]
    method = gd.NUTS(dense=True, engine=gd.Engine.NATIVE)
    for seed in range(3):
        fit = entry.build().fit(entry.data(), method, backend="numpyro", seed=seed, progress=False)
        assert fit.raw.stats["lp"].min() > 0
        assert np.isfinite(fit.raw.stats["energy"]).all()
