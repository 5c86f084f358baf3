"""The law for random graphs: 100 of them, driven by hypothesis; `make fuzz` runs 2,000."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from tests.laws.law_whole import examine
from tests.laws.strategy import seeded_case


@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 10**6))
def test_random_graphs_obey_the_law(seed: int) -> None:
    """Programs agree in value and gradient, also under batch axes on the left; JSON gives the same programs."""
    case = seeded_case(seed)
    examine(case.model, case.data, seed, tolerance=case.tolerance)
