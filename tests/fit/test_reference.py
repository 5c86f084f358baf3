"""Fits against reference posteriors, under the bounds of the reference's README."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl_models import reference
from gendsl_models.registry import ZOO

CASES = ("eight_schools_centered", "eight_schools_noncentered", "radon_minnesota", "kidscore_interaction")


@pytest.mark.skipif(not reference.available(), reason="the reference posteriors are absent")
@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
@pytest.mark.parametrize("case", CASES)
def test_fit_reproduces_the_reference(case: str, backend: str) -> None:
    entry = ZOO[case]
    fit = entry.build().fit(entry.data(), gd.NUTS(), backend=backend, seed=0, progress=False)
    rows = reference.check(case, fit.draws, np.asarray(fit.idata["sample_stats"]["diverging"]))
    assert rows
    missed = [r for r in rows if not r.passed]
    assert not missed, "\n".join(map(str, missed))
