"""The demo's page of learned models: what is on it, and what an interrupt leaves. Short runs, on one backend."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl_models import LEARNED, demo, toys
from gendsl_models.judged import judge_digits, judge_eight, sliced_distance
from gendsl_models.lessons import LESSONS, Lesson


def _short(name: str, **changes: Any) -> Lesson:
    """A lesson with a few steps, on the backend that need not compile."""
    lesson = next(x for x in LESSONS if x.entry.name == name)
    method = replace(lesson.entry.method, steps=3, batch_size=16)
    return replace(lesson, entry=replace(lesson.entry, method=method), backend="pyro", **changes)


def _main(monkeypatch: pytest.MonkeyPatch, lessons: tuple[Lesson, ...], out: Path) -> int:
    monkeypatch.setattr(demo, "JOBS", ())
    monkeypatch.setattr(demo, "LESSONS", lessons)
    return demo.main(["--out", str(out)])


def test_the_page_has_samples_curves_and_both_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lessons = (_short("eight_gan"), _short("digits_vae"))
    assert _main(monkeypatch, lessons, tmp_path) == 1, "three steps teach nothing, and that is said"
    page = (tmp_path / "learned.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page needs nothing beside it"
    for lesson in lessons:
        model, folder = lesson.entry.build(), tmp_path / lesson.entry.name
        assert page.count(f'id="{lesson.entry.name}"') == 1
        for backend in ("pyro", "numpyro"):
            source = model.compile(backend).source
            assert (folder / f"program_{backend}.py").read_text() == source
            assert source in unescape(page)
        assert gd.load(folder / "fit.safetensors").raw.step == 3
        for name in ("samples", "learning", "diagram"):
            assert (folder / f"{name}.png").stat().st_size > 2_000
    assert page.count("data:image/png") == 4
    assert "nats an image" in page
    assert "of each of the 8 modes" in page
    assert "3 steps in" in page


def test_what_was_done_before_an_interrupt_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    lessons = (_short("eight_gan"), _short("digits_vae", show=interrupted), _short("eight_flow"))
    assert _main(monkeypatch, lessons, tmp_path) == 130
    page = (tmp_path / "learned.html").read_text()
    assert 'id="eight_gan"' in page
    assert "digits_vae" not in page
    assert (tmp_path / "digits_vae" / "fit.safetensors").exists()
    assert not (tmp_path / "eight_flow").exists()


def test_a_fit_that_was_cut_short_is_shown_and_ends_the_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As after Ctrl-C, which leaves the fit so far."""
    short = _short("eight_gan")
    method = replace(short.entry.method, steps=10**6, deadline=1.0)
    cut = replace(short, entry=replace(short.entry, method=method))
    assert _main(monkeypatch, (cut, _short("eight_flow")), tmp_path) == 130
    page = (tmp_path / "learned.html").read_text()
    assert "of 1000000" in page
    assert not (tmp_path / "eight_flow").exists()


# -- the figures --------------------------------------------------------------------------------------------------
def test_modes_that_are_missing_are_seen() -> None:
    x = toys.eight_gaussians(4_000, 5)
    words, fine = judge_eight(x)
    assert fine
    assert "of the data 0.108" in words["of each of the 8 modes"]
    mode, _ = toys.nearest(x)
    assert not judge_eight(x[mode != 3])[1]
    disc = x * np.sqrt(np.random.default_rng(0).uniform(size=(len(x), 1)))
    assert not judge_eight(disc)[1], "what fills the middle has no modes"


def test_digits_that_are_none_are_seen() -> None:
    learnt, held_out = (LEARNED["digits_vae"].data(held_out=h)["x"] for h in (False, True))
    assert judge_digits(held_out, learnt, held_out)[1]
    rng = np.random.default_rng(0)
    shuffled = rng.permuted(held_out, axis=1)
    assert not judge_digits(shuffled, learnt, held_out)[1]
    words, fine = judge_digits(np.repeat(held_out[:1], 50, 0), learnt, held_out)
    assert not fine, "one digit alone"
    assert "50" in words["digits 0 to 9 among the samples"]


def test_the_sliced_distance_of_a_shift() -> None:
    """The mean over directions of |cos| is 2 / pi."""
    x = toys.two_moons(2_000)
    assert sliced_distance(x, x) == 0.0
    assert sliced_distance(x, x + np.array([0.3, 0.0])) == pytest.approx(0.3 * 2 / np.pi, rel=1e-3)
