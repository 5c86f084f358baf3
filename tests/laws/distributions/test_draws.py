"""Draws follow their distribution: KS for numbers, chi-square for counts, identities for vectors and matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gendsl.graph.constraints import violations
from tests.laws.distributions.case import SETTINGS, Case, Counted, Many, One, rows
from tests.laws.distributions.cases import CASES
from tests.laws.distributions.checks import Check, Ranks, frequencies
from tests.laws.distributions.evaluate import BACKENDS
from tests.laws.distributions.sampling import DRAWS, draws


def statements(case: Case, x: np.ndarray) -> list[Check]:
    """What the draws (draw, setting, *event) of a case are held to."""
    settings = list(enumerate(rows(case)))
    if isinstance(case, One):
        ranks = [case.oracle(p).cdf(x[:, k]) for k, p in settings]  # type: ignore[misc]
        return [Ranks("value", np.concatenate(ranks))]
    if isinstance(case, Counted):
        last = [int(min(case.last(p), 400)) for p in rows(case)]
        tables = [np.exp(case.oracle(p).logpmf(np.arange(last[k] + 1))) for k, p in settings]  # type: ignore[misc]
        return [frequencies(f"setting {k}", x[:, k], tables[k]) for k, _ in settings]
    assert isinstance(case, Many)
    assert case.checks is not None
    return [c for k, p in settings for c in case.checks(p, x[:, k])]


@pytest.mark.filterwarnings("ignore:Singular sample detected")  # torch's Wishart, of draws near the edge
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_draws_follow_the_density(case: Case, backend: str) -> None:
    """Thresholds and seeds are fixed: a failure is a fault, or one of few chances in a hundred over the whole table."""
    x = draws(case, backend)
    assert np.isfinite(x).all()
    for k in range(SETTINGS if not case.time else 0):
        t = case.build(case.setting(k)).type
        assert x.shape == (DRAWS, SETTINGS, *t.event)
        assert not violations(x[:, k], t.support).any(), f"setting {k}: outside {t.support}"
    wrong = [text for check in statements(case, x) if (text := check.run())]
    assert not wrong, wrong


def test_the_global_generator_is_left_as_it_was() -> None:
    before = torch.get_rng_state()
    draws(CASES[0], "pyro")
    assert torch.equal(before, torch.get_rng_state())
