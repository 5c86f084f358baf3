"""The law of the compiler for every model of the zoo, the reference cases among them.

One examination checks, on both backends: fused density and PPL trace in value and gradient, batch axes on the left
against the loop, and the JSON round trip.
"""

from __future__ import annotations

import pytest

from gendsl_models import reference
from gendsl_models.registry import ZOO
from tests.laws.law_whole import examine

# An adaptive solver is right to its own tolerance (1e-6), not to rounding; the engines' step-size rules differ.
ODE_TOLERANCE = 1e-3


@pytest.mark.parametrize("name", sorted(ZOO))
def test_programs_obey_the_law(name: str) -> None:
    entry = ZOO[name]
    if entry.reference is not None and not reference.available():
        pytest.skip("the reference posteriors are absent: their data are read from there")
    model = entry.build()
    tolerance = ODE_TOLERANCE if model.graph.of("odeint") else 1e-10
    seen = examine(model, entry.data(), 1, tolerance=tolerance)
    assert seen.finite
