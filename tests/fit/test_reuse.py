"""What NumPyro compiled for a model serves the next fit of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import jax
import numpy as np
import pytest

import gendsl as gd
from gendsl import program
from gendsl.methods import MALA
from tests.fit.models import NATIVE, SCHOOLS, schools

METHOD = gd.NUTS(chains=2, warmup=20, draws=20, engine=NATIVE)
NUTPIE = replace(METHOD, engine=gd.Engine.NUTPIE)


def _fit(shift: float, seed: int, method: gd.methods.MCMC = METHOD) -> dict[str, np.ndarray]:
    data = SCHOOLS | {"y": [y + shift for y in SCHOOLS["y"]]}
    return schools().fit(data, method, backend="numpyro", seed=seed, progress=False).draws


@pytest.mark.parametrize(
    "method", [METHOD, NUTPIE, gd.HMC(chains=2, warmup=20, draws=20), MALA(chains=2, warmup=20, draws=20)]
)
def test_the_second_fit_compiles_nothing(method: gd.methods.MCMC, caplog: pytest.LogCaptureFixture) -> None:
    _fit(0.0, 1, method)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        _fit(40.0, 2, method)
    assert not [r.getMessage() for r in caplog.records if "ompil" in r.getMessage()]


def test_other_shapes_and_settings_are_compiled_anew(caplog: pytest.LogCaptureFixture) -> None:
    _fit(0.0, 1)
    short = {k: v[:5] for k, v in SCHOOLS.items()}
    for data, method in ((short, METHOD), (SCHOOLS, replace(METHOD, max_tree_depth=3))):
        caplog.clear()
        with caplog.at_level(logging.WARNING), jax.log_compiles():
            fit = schools().fit(data, method, backend="numpyro", progress=False)
        assert [r for r in caplog.records if "ompil" in r.getMessage()]
        assert fit.draws["theta"].shape[2] == len(data["y"])
        assert fit.raw.stats["n_steps"].max() <= 2**method.max_tree_depth - 1


def test_more_rows_are_compiled_anew() -> None:
    m = gd.Model("robust")
    x = m.latent("x", gd.Normal(0, 10))
    m.observe("y", gd.StudentT(4, x, 1), dims=m.plate("row"))
    for rows in (3, 40, 3):
        fit = m.fit({"y": np.linspace(4, 6, rows)}, METHOD, backend="numpyro", progress=False)
        assert abs(fit.draws["x"].mean() - 5) < 2


def test_draws_are_those_of_a_fresh_program() -> None:
    _fit(0.0, 1)
    again = _fit(40.0, 2)
    program._compiled.cache_clear()
    fresh = _fit(40.0, 2)
    assert all(np.array_equal(x, again[k]) for k, x in fresh.items())
    assert not np.array_equal(fresh["mu"], _fit(0.0, 2)["mu"])


def test_models_on_other_lines_keep_their_own_lines() -> None:
    """Equal models are one program only where their errors name the same lines."""

    def first() -> gd.Model:
        m = gd.Model("m")
        m.observe("y", gd.Normal(m.latent("x", gd.Normal(0, 1)), 1), dims=m.plate("row"))
        return m

    def second() -> gd.Model:
        m = gd.Model("m")
        m.observe("y", gd.Normal(m.latent("x", gd.Normal(0, 1)), 1), dims=m.plate("row"))
        return m

    a, b = first(), second()
    assert a.graph == b.graph
    assert a.compile("numpyro") is a.compile("numpyro")
    assert a.compile("numpyro") is first().compile("numpyro")
    assert a.compile("numpyro") is not b.compile("numpyro")
    for m in (a, b):
        with pytest.raises(gd.DataError) as e:
            m.fit({"y": ["a"]}, METHOD, backend="numpyro", progress=False)
        assert e.value.where == next(n.where for _, n in m.graph.of("observe"))
