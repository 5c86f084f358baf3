"""Fits against reference posteriors, under the bounds of the reference's README."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl.methods import Engine
from gendsl_models import reference
from gendsl_models.registry import ZOO

pytestmark = pytest.mark.skipif(not reference.available(), reason="the reference posteriors are absent")

QUICK = (
    "eight_schools_noncentered",
    "eight_schools_centered",
    "logearn_interaction",
    "kidscore_interaction",
    "logmesquite",
    "nes1980",
    "arK",
    "arma11",
    "garch11",
    "low_dim_gauss_mix",
    "hmm_example",
    "gp_regr",
    "blr",
    "radon_minnesota",
    "german_credit_logistic",
    "brownian_missing",
    "funnel",
)
SLOW = ("item_response", "lotka_volterra")
PYRO = (
    "eight_schools_noncentered",
    "eight_schools_centered",
    "kidscore_interaction",
    "low_dim_gauss_mix",
    "german_credit_logistic",
    "radon_minnesota",
    "arK",
    "blr",
)
"""What is sampled on Pyro in the suite; the others, recurrences above all, are slow."""
KERNEL = ("gp_regr", *(c for c in PYRO if c != "radon_minnesota"))
"""Likewise by Pyro's own kernel."""


def check(case: str, backend: str, engine: Engine) -> None:
    entry = ZOO[case]
    fit = entry.build().fit(entry.data(), gd.NUTS(engine=engine), backend=backend, seed=0, progress=False)
    rows = reference.check(case, fit.draws, np.asarray(fit.idata["sample_stats"]["diverging"]))
    assert rows
    missed = [r for r in rows if not r.passed]
    assert not missed, "\n".join(map(str, missed))


def test_every_case_is_here() -> None:
    assert set(reference.load_descriptions()) == {*QUICK, *SLOW}


@pytest.mark.parametrize(("case", "on"), [*((c, "numpyro") for c in QUICK), *((c, "pyro") for c in PYRO)])
def test_the_default_engine(case: str, on: str) -> None:
    check(case, on, Engine.AUTO)


@pytest.mark.parametrize("case", QUICK)
def test_numpyro_s_own_kernel(case: str) -> None:
    check(case, "numpyro", Engine.NATIVE)


@pytest.mark.parametrize("case", KERNEL)
def test_pyro_s_own_kernel(case: str) -> None:
    check(case, "pyro", Engine.NATIVE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "engine"),
    [
        *((c, Engine.AUTO) for c in QUICK if c not in PYRO),
        *((c, Engine.NATIVE) for c in QUICK if c not in KERNEL),
    ],
)
def test_the_other_cases_on_pyro(case: str, engine: Engine) -> None:
    check(case, "pyro", engine)


@pytest.mark.slow
@pytest.mark.parametrize("engine", [Engine.AUTO, Engine.NATIVE])
@pytest.mark.parametrize("case", SLOW)
def test_the_slow_cases_on_numpyro(case: str, engine: Engine) -> None:
    check(case, "numpyro", engine)


@pytest.mark.slow
def test_item_response_on_pyro() -> None:
    check("item_response", "pyro", Engine.AUTO)
