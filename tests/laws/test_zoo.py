"""The law of the compiler for every model of the zoo, the reference cases among them."""

from __future__ import annotations

import pytest
from law import check_batched, check_law

import gendsl as gd
from gendsl_models import reference
from gendsl_models.registry import ZOO, Entry

# An adaptive solver is right to its own tolerance (1e-6), not to rounding; the engines' step-size rules differ.
ODE_TOLERANCE = 1e-3


def entry_of(name: str) -> Entry:
    entry = ZOO[name]
    if entry.reference is not None and not reference.available():
        pytest.skip("the reference posteriors are absent: their data are read from there")
    return entry


def tolerance(model: gd.Model) -> float:
    return ODE_TOLERANCE if model.graph.of("odeint") else 1e-10


@pytest.mark.parametrize("name", sorted(ZOO))
def test_programs_agree(name: str) -> None:
    entry = entry_of(name)
    model = entry.build()
    for seed in (0, 1):
        check_law(model, entry.data(), seed, tolerance=tolerance(model), ppl_gradient=seed == 0)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_left_batched_equals_the_loop(name: str) -> None:
    entry = entry_of(name)
    model = entry.build()
    check_batched(model, entry.data(), 2, tolerance=tolerance(model))


@pytest.mark.parametrize("name", sorted(ZOO))
def test_json_round_trip_gives_the_same_program(name: str) -> None:
    model = ZOO[name].build()
    again = gd.Model.from_json(model.to_json())
    assert again == model
    for backend in ("pyro", "numpyro"):
        assert again.compile(backend).source == model.compile(backend).source
