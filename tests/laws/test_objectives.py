"""Every registered objective has a case of the law: equal parameters and noise give equal losses and gradients."""

from __future__ import annotations

from gendsl.objectives import OBJECTIVES, Objective
from tests.objectives import test_adversarial, test_bounds, test_diffusions, test_energies


def test_every_objective_has_a_case() -> None:
    cases: list[Objective] = [*test_bounds.LINE.values(), test_bounds.LIKELIHOOD]
    cases += [*test_adversarial.OBJECTIVES.values(), *test_energies.OBJECTIVES.values()]
    cases += test_diffusions.OBJECTIVES.values()
    assert {type(o) for o in cases} == set(OBJECTIVES.values())
