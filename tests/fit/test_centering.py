"""Partial centring: one density whatever the shares, shares that follow from the data, and the same posterior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pytest

import gendsl as gd
from gendsl.centering import best_shares, partly_centered
from gendsl.program import BoundProgram, compile_graph
from tests.fit.models import SCHOOLS, schools
from tests.laws import law

LEARNED = gd.Centering.LEARNED
RNG = np.random.default_rng(5)
SIZES = [1] * 6 + [400] * 6
OF = np.repeat(np.arange(12), SIZES)
TRUTH = RNG.normal(2.0, 1.5, 12)
GROUPS = {"y": RNG.normal(TRUTH[OF], 3.0), "of": OF}


def groups() -> gd.Model:
    """Six groups that the data say all of, and six that they say next to nothing of."""
    m = gd.Model("groups")
    group, row = m.plate("group", 12), m.plate("row")
    of = m.data("of", dims=row, indexes=group)
    mu, tau = m.latent("mu", gd.Normal(0, 5)), m.latent("tau", gd.HalfNormal(3))
    level = m.latent("level", gd.Normal(mu, tau), dims=group)
    m.observe("y", gd.Normal(level[of], 3.0), dims=row)
    return m


def many() -> gd.Model:
    """Dims in another order, event axes, a family with a third parameter, names that are taken, a chain of two."""
    m = gd.Model("many")
    a, b, row = m.plate("a", 3), m.plate("b", 2), m.plate("row")
    of, at = m.data("of", dims=row, indexes=a), m.data("at", dims=row, indexes=b)
    s, t = m.latent("s", gd.HalfNormal(1)), m.latent("x_scale", gd.Gamma(2, 1), dims=b)
    mean = m.latent("mean", gd.Normal(0, s), dims=b)
    x = m.latent("x", gd.StudentT(4.0, mean, t), dims=(a, b))
    w = m.latent("w", gd.Normal(0, s).expand(2), dims=a)
    m.observe("y", gd.Normal(x[of, at] + w[of].sum(-1), 1.0), dims=row)
    return m


MANY = {"of": [0, 1, 2, 0], "at": [0, 1, 1, 1], "y": [0.3, -1.0, 2.0, 0.1]}
MODELS = {"groups": (groups, GROUPS), "many": (many, MANY), "schools": (schools, SCHOOLS)}


def partly(model: gd.Model, data: Any, backend: str) -> BoundProgram:
    return compile_graph(model.graph, backend, partly_centered=True).bind(data)


def shares(bound: BoundProgram, seed: int) -> BoundProgram:
    rng = np.random.default_rng(seed)
    return bound.with_params({k: rng.uniform(0, 1, v.shape) for k, v in bound.params_of_passes().items()})


@pytest.mark.parametrize("name", MODELS)
def test_programs_obey_the_law_at_any_shares(name: str) -> None:
    build, data = MODELS[name]
    programs = {b: shares(partly(build(), data, b), 1) for b in law.BACKENDS}
    u = law.draw(programs["pyro"], 2)
    points = {b: law.fused(p, u) for b, p in programs.items()}
    traces = {b: law.ppl(p, u) for b, p in programs.items()}
    scale = max(t.scale for t in traces.values())
    law.close(points["pyro"], points["numpyro"], scale, "pyro / numpyro")
    for b in law.BACKENDS:
        law.close(points[b], traces[b], scale, f"fused {b} / trace {b}")


@pytest.mark.parametrize("name", MODELS)
def test_the_posterior_does_not_depend_on_the_shares(name: str, backend: str) -> None:
    """log p(z_c) - log p(z_0) is the log-determinant of the map, c log scale an element."""
    build, data = MODELS[name]
    plain = partly(build(), data, backend)
    moved = shares(plain, 3)
    u = law.draw(plain, 4)
    values = {k: v[0] for k, v in plain.constrain({k: v[None] for k, v in u.items()}).items()}
    latents = [str(n.name) for _, n in plain.program.declared.of("latent")]
    from gendsl.invert import unconstrained

    at = unconstrained(moved, {k: values[k] for k in latents}, {k: np.zeros_like(v) for k, v in u.items()})
    given, c = moved.params_of_passes(), 0.0
    for x in partly_centered(moved.program.graph, moved.program.declared):
        share, scale = given[x.share], values[x.scale]
        if name == "many" and x.name == "x":
            share, scale = share, scale[None]
        elif share.ndim > scale.ndim:
            scale = scale.reshape(scale.shape + (1,) * (share.ndim - scale.ndim))
        c += float((share * np.log(scale)).sum())
    assert law.fused(moved, at).value + c == pytest.approx(law.fused(plain, u).value, rel=1e-9)


def test_which_latents_are_centred_by_shares() -> None:
    bound = partly(many(), MANY, "pyro")
    found = {x.name: x for x in partly_centered(bound.program.graph, bound.program.declared)}
    assert set(found) == {"mean", "x", "w"}
    assert found["x"].scale == "x_scale_2"  # x_scale is the user's
    assert {k: v.shape for k, v in bound.params_of_passes().items()} == {
        "mean_centering": (2,),
        "x_centering": (3, 2),
        "w_centering": (3, 2),
    }
    assert set(bound.constrain({k: np.zeros((1, *s)) for k, s in bound.shapes.items()})) > {"x_loc", "x_scale_2"}


def test_shares_follow_from_what_the_data_say() -> None:
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 0.7, (4000, 1)))
    loc = rng.normal(0, 1, (4000, 1))
    free = loc + scale * rng.normal(size=(4000, 1))  # the data say nothing
    fixed = 1.3 + 0.05 * rng.normal(size=(4000, 1))  # and all
    out = best_shares(np.concatenate([free, fixed], 1), loc, scale)
    assert out[0] <= 0.1
    assert out[1] >= 0.9


@pytest.mark.parametrize("engine", [gd.Engine.NATIVE, gd.Engine.NUTPIE])
@pytest.mark.parametrize("backend", ["numpyro", pytest.param("pyro", marks=pytest.mark.slow)])
def test_the_same_posterior_and_shares_between_none_and_all(backend: str, engine: gd.Engine) -> None:
    method = gd.NUTS(chains=2, warmup=400, draws=400, engine=engine)
    plain = groups().fit(GROUPS, method, backend=backend, seed=1, progress=False)
    method = gd.NUTS(chains=2, warmup=400, draws=400, engine=engine, centering=LEARNED)
    fit = groups().fit(GROUPS, method, backend=backend, seed=1, progress=False)
    assert "'level' is centred by " in fit.raw.note
    assert "'level' is centred by " in repr(fit)
    found = fit.bound.params_of_passes()["level_centering"]
    assert found[:6].max() < 0.5 < 0.8 < found[6:].min()
    assert list(fit.draws) == list(plain.draws) == ["mu", "tau", "level"]
    for name in ("mu", "tau", "level"):
        for k in np.ndindex(fit.draws[name].shape[2:]):
            a, b = (f.draws[name][(..., *k)] for f in (plain, fit))
            error = 4 * float(np.hypot(az.mcse(a), az.mcse(b)))
            assert abs(a.mean() - b.mean()) < min(error, 1.0)


def test_a_fit_is_saved_and_goes_on_with_its_shares(backend: str, tmp_path: Path) -> None:
    method = gd.NUTS(chains=2, warmup=120, draws=30, centering=LEARNED, engine=gd.Engine.NATIVE)
    fit = groups().fit(GROUPS, method, backend=backend, seed=2, progress=False)
    fit.save(tmp_path / "fit.nc")
    there = gd.load(tmp_path / "fit.nc")
    assert there.method == method
    for k, v in fit.bound.params_of_passes().items():
        assert np.array_equal(there.bound.params_of_passes()[k], v)
    a, b = fit.continue_(20, progress=False), there.continue_(20, progress=False)
    assert np.array_equal(a.draws["level"], b.draws["level"])
    again = groups().fit(GROUPS, method, backend=backend, seed=2, progress=False)
    assert np.array_equal(again.draws["level"], fit.draws["level"])


def test_where_there_is_nothing_to_learn(backend: str) -> None:
    short = gd.NUTS(chains=1, warmup=40, draws=10, centering=LEARNED)
    fit = groups().fit(GROUPS, short, backend=backend, progress=False)
    assert "a warmup of 40 is too short" in fit.raw.note
    m = gd.Model("flat")
    x = m.latent("x", gd.Normal(0, 1))
    m.observe("y", gd.Normal(x, 1))
    fit = m.fit({"y": 0.3}, gd.NUTS(chains=1, warmup=200, draws=10, centering=LEARNED), backend=backend, progress=False)
    assert "no latent is non-centred" in fit.raw.note


def test_calibration_learns_too() -> None:
    method = gd.NUTS(chains=1, warmup=120, draws=100, centering=LEARNED)
    data = {"sigma": SCHOOLS["sigma"], "y": SCHOOLS["y"]}
    out = gd.calibrate(schools(), data, method, simulations=3, draws=50, backend="numpyro", processes=1, progress=False)
    assert out.ranks["mu"].shape == (3,)
