"""What the diagnostics say, and progress bars."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from gendsl.progress import Bars, Silent, make
from gendsl.results.check import Check, check_draws
from gendsl.results.scalars import of_draws


def _check(x: np.ndarray, **stats: Any) -> Check:
    shape = x.shape[:2]
    rng = np.random.default_rng(1)
    base = {
        "diverging": np.zeros(shape, bool),
        "energy": rng.normal(size=shape),
        "tree_depth": np.full(shape, 3),
    } | stats
    return check_draws(of_draws({"x": x}, {"x": [range(n) for n in x.shape[2:]]}), base, 10)


GOOD = np.random.default_rng(0).normal(size=(4, 500, 3))


def test_nothing_is_wrong_with_independent_draws() -> None:
    out = _check(GOOD)
    assert out.ok
    assert out
    assert str(out).startswith("No problem found: R-hat 1")


def test_what_never_varies_has_no_diagnostics() -> None:
    x = GOOD.copy()
    x[..., 1] = 2.0
    assert _check(x).ok
    assert _check(np.ones((4, 500))).ok


def test_a_single_chain_is_compared_with_itself() -> None:
    assert _check(GOOD[:1]).ok
    assert "R-hat reaches" in str(_check(GOOD[:1] + np.linspace(0, 3, 500)[:, None]))


def test_a_run_without_statistics_is_checked_for_what_there_is() -> None:
    out = check_draws(of_draws({"x": GOOD[..., 0]}, {"x": []}), {})
    assert out.ok
    assert list(out.figures) == ["R-hat", "bulk ESS", "tail ESS"]


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (_check(GOOD + np.arange(4)[:, None, None] * [0, 0, 1]), ["R-hat reaches", "x[2]", "bulk ESS is only"]),
        (_check(GOOD[:, :40]), ["below 100 for each chain"]),
        (_check(GOOD, tree_depth=np.full((4, 500), 10)), ["100% of the draws reached max_tree_depth = 10:"]),
        (
            _check(GOOD, tree_depth=np.full((4, 500), 10) - 7 * (np.arange(4) != 2)[:, None]),
            ["25% of the draws reached max_tree_depth = 10 (chain 2)"],
        ),
        (
            _check(GOOD, energy=np.random.default_rng(2).normal(size=(4, 500)).cumsum(1)),
            ["E-BFMI is", "in 4 of 4 chains (chains 0, 1, 2 and 3)"],
        ),
        (_check(np.where(np.arange(500)[:, None] == 3, np.inf, GOOD)), ["draws that are not finite: x"]),
    ],
)
def test_problems_are_named(out: Check, words: list[str]) -> None:
    assert not out.ok
    for w in words:
        assert w in str(out)


def test_progress_is_quiet_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(make(False, "m"), Silent)
    quiet = make(True, "m")
    assert isinstance(quiet, Silent)
    quiet.start([0, 1], 10)
    quiet.update(0, 5, 0)
    quiet.stop()
    assert capsys.readouterr() == ("", "")


def test_progress_has_a_line_for_each_chain() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    bars = Bars("schools", console)
    bars.start([0, 2], 10)  # chain 1 was lost before the fit went on
    for done in (2, 6, 10):
        bars.update(0, done, 0)
    bars.update(2, 4, 3)
    bars.stop()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    last = text.split("schools, chain 0")[-1]
    assert "10/10" in last
    assert "its/s" in last.split("\n")[0]
    assert "schools, chain 2" in last
    assert "chain 1" not in text
    assert "4/10 3 divergent" in last.replace("  ", " ").replace("  ", " ")
