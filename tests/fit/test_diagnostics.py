"""What the diagnostics say, and progress bars."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from gendsl.diagnostics import check, inference_data
from gendsl.progress import Bars, Silent, make


def _idata(x: np.ndarray, **stats: Any) -> Any:
    shape = x.shape[:2]
    rng = np.random.default_rng(1)
    base = {
        "diverging": np.zeros(shape, bool),
        "energy": rng.normal(size=shape),
        "tree_depth": np.full(shape, 3),
    } | stats
    sample = ("chain", "draw")
    variables = {"x": ((*sample, "k")[: x.ndim], x)}
    return inference_data({"posterior": variables, "sample_stats": {k: (sample, v) for k, v in base.items()}}, {}, {})


GOOD = np.random.default_rng(0).normal(size=(4, 500, 3))


def test_nothing_is_wrong_with_independent_draws() -> None:
    out = check(_idata(GOOD), 10)
    assert out.ok
    assert out
    assert str(out).startswith("No problem found: R-hat 1")


def test_what_never_varies_has_no_diagnostics() -> None:
    x = GOOD.copy()
    x[..., 1] = 2.0
    assert check(_idata(x)).ok
    assert check(_idata(np.ones((4, 500)))).ok


@pytest.mark.parametrize(
    ("idata", "words"),
    [
        (_idata(GOOD + np.arange(4)[:, None, None] * [0, 0, 1]), ["R-hat reaches", "x[2]", "bulk ESS is only"]),
        (_idata(GOOD[:, :40]), ["below 100 for each chain"]),
        (_idata(GOOD, diverging=np.arange(2000).reshape(4, 500) == 7), ["1 of 2000 draws diverged"]),
        (_idata(GOOD, tree_depth=np.full((4, 500), 10)), ["100% of the draws reached max_tree_depth = 10"]),
        (
            _idata(GOOD, energy=np.random.default_rng(2).normal(size=(4, 500)).cumsum(1)),
            ["E-BFMI is", "in 4 of 4 chains"],
        ),
        (_idata(np.where(np.arange(500)[:, None] == 3, np.inf, GOOD)), ["draws that are not finite: x"]),
    ],
)
def test_problems_are_named(idata: Any, words: list[str]) -> None:
    out = check(idata, 10)
    assert not out.ok
    for w in words:
        assert w in str(out)


def test_progress_is_quiet_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(make(False, "m"), Silent)
    quiet = make(True, "m")
    assert isinstance(quiet, Silent)
    quiet.start(2, 10)
    quiet.update(0, 5, 0)
    quiet.stop()
    assert capsys.readouterr() == ("", "")


def test_progress_has_a_line_for_each_chain() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    bars = Bars("schools", console)
    bars.start(2, 10)
    bars.update(0, 10, 0)
    bars.update(1, 4, 3)
    bars.stop()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    last = text.split("schools, chain 0")[-1]
    assert "10/10" in last
    assert "schools, chain 1" in last
    assert "4/10 3 divergent" in last.replace("  ", " ").replace("  ", " ")
