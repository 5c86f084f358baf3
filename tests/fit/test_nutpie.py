"""nutpie's NUTS: on a known Gaussian, on both backends against the reference, and when something goes wrong."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.methods import nutpie
from gendsl.methods.chains import Start, gather
from gendsl_models import reference
from gendsl_models.registry import ZOO
from tests.fit.models import SCHOOLS, schools

MEAN = np.array([1.0, -2.0, 0.5])
COV = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.3], [0.0, 0.3, 4.0]])
PRECISION = np.linalg.inv(COV)


def gaussian(z: np.ndarray) -> tuple[float, np.ndarray]:
    g = -PRECISION @ (z - MEAN)
    return float(0.5 * g @ (z - MEAN)), g


def chain(number: int = 0, density: Any = gaussian, draws: int = 500, **options: Any) -> Any:
    settings = nutpie.Settings(draws=draws, warmup=300, target_accept=0.9, max_tree_depth=10, seed=3)
    return nutpie.run_chain(density, settings, Start(number, np.zeros(3)), lambda *_: None, **options)


def test_a_known_gaussian() -> None:
    import arviz as az

    runs = [chain(k, draws=1000) for k in range(4)]
    x = np.stack([r.positions for r in runs])
    for k in range(3):
        error = 4 * float(az.mcse(x[..., k]))
        assert abs(x[..., k].mean() - MEAN[k]) < min(error, 0.2)
    assert np.abs(np.cov(x.reshape(-1, 3).T) - COV).max() < 0.5
    for r in runs:
        np.testing.assert_allclose(r.stats["lp"], [gaussian(z)[0] for z in r.positions], rtol=1e-10, atol=1e-12)
        steps, depth = r.stats["n_steps"], r.stats["tree_depth"]
        assert (steps >= 2.0 ** (depth - 1)).all()
        assert (steps < 2.0**depth).all()
        assert not r.error


def test_draws_depend_on_seed_and_chain_alone() -> None:
    one, again, other = chain(0), chain(0), chain(1)
    np.testing.assert_array_equal(one.positions, again.positions)
    assert not np.array_equal(one.positions, other.positions)


def test_a_density_that_raises_keeps_the_draws() -> None:
    calls = [0]

    def broken(z: np.ndarray) -> tuple[float, np.ndarray]:
        calls[0] += 1
        if calls[0] > 4000:
            raise ValueError("the dog ate it")
        return gaussian(z)

    run = chain(0, broken, draws=100_000)
    assert 0 < len(run) < 100_000
    assert np.isfinite(run.positions).all()
    assert "the dog ate it" in run.error
    out = gather([run], {"x": (3,)}, 1, 100_000, {})
    assert not out.complete
    assert "the dog ate it" in out.note


def test_a_density_that_raises_at_once() -> None:
    def broken(z: np.ndarray) -> tuple[float, np.ndarray]:
        raise ValueError("the dog ate it")

    with pytest.raises(gd.FitError, match="the dog ate it"):
        gather([chain(0, broken)], {"x": (3,)}, 1, 500, {})


def test_points_without_a_density_do_not_end_the_chain() -> None:
    def bounded(z: np.ndarray) -> tuple[float, np.ndarray]:
        if z[2] > 6.0:
            raise np.linalg.LinAlgError("singular")
        return gaussian(z)

    run = chain(0, bounded, clean=lambda e: isinstance(e, np.linalg.LinAlgError))
    assert len(run) == 500
    assert run.positions[:, 2].max() <= 6.0
    assert not run.error


def test_a_chain_that_is_stopped_keeps_the_draws() -> None:
    seen: list[int] = []
    settings = nutpie.Settings(draws=10**6, warmup=100, target_accept=0.9, max_tree_depth=10, seed=3)

    def report(done: int, divergences: int) -> None:
        seen.append(done)

    run = nutpie.run_chain(gaussian, settings, Start(0, np.zeros(3)), report, lambda: bool(seen) and seen[-1] > 300)
    assert 0 < len(run) < 10**6
    assert {len(v) for v in run.stats.values()} == {len(run)}


@pytest.mark.skipif(not reference.available(), reason="the reference posteriors are absent")
@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_fit_reproduces_the_reference(backend: str) -> None:
    entry = ZOO["eight_schools_noncentered"]
    fit = entry.build().fit(entry.data(), gd.NUTS(engine=gd.Engine.NUTPIE), backend=backend, seed=0, progress=False)
    rows = reference.check("eight_schools_noncentered", fit.draws, fit.raw.stats["diverging"])
    assert not [str(r) for r in rows if not r.passed]


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_precision_and_density_in_nutpie_s_threads(backend: str) -> None:
    """lp is the fused density at the draw to double accuracy, so nothing was computed in single."""
    method = gd.NUTS(engine=gd.Engine.NUTPIE, chains=2, draws=50, warmup=50)
    fit = schools().fit(SCHOOLS, method, backend=backend, seed=1, progress=False)
    again = schools().fit(SCHOOLS, method, backend=backend, seed=1, progress=False)
    b = fit.program.backend
    with b.context("float64"):
        for c in range(2):
            for i in (0, 17, 49):
                u = {k: b.array(v[c, i], "float64") for k, v in fit.raw.unconstrained.items()}
                assert float(b.numpy(fit.bound.log_density(u))) == pytest.approx(fit.raw.stats["lp"][c, i], rel=1e-12)
    for name, x in fit.draws.items():
        np.testing.assert_array_equal(x, again.draws[name])


def test_nutpie_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(gd.BackendError, match=r"pip install 'gendsl\[nutpie\]'"):
        nutpie.require()


def test_mistakes() -> None:
    with pytest.raises(gd.ModelError, match=r"gd\.Engine\.NUTPIE"):
        gd.NUTS(engine="nutpi")  # type: ignore[arg-type]
    with pytest.raises(gd.ModelError, match="leave dense out"):
        gd.NUTS(engine=gd.Engine.NUTPIE, dense=True)
