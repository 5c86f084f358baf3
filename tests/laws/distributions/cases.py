"""The table of cases. A new family is tested by being registered and having a case here."""

from __future__ import annotations

from tests.laws.distributions import continuous, discrete, matrix, multivariate, sequence, structured
from tests.laws.distributions.case import Case

__all__ = ["CASES", "ELSEWHERE"]

CASES: list[Case] = [
    *continuous.CASES,
    *discrete.CASES,
    *multivariate.CASES,
    *matrix.CASES,
    *structured.CASES,
    *sequence.CASES,
]

# Families whose draws cannot be data (an empty vector, an improper law), and those that are learned: each has its own
# tests.
ELSEWHERE = {
    "Unit": "test_special.py",
    "ImproperUniform": "test_special.py",
    "Diffusion": "tests/diffusion/test_models.py",
    **dict.fromkeys(("Autoregressive", "Flow"), "tests/families/test_models.py"),
    **dict.fromkeys(("Energy", "Pushforward"), "tests/families/test_unnormalised.py"),
}
