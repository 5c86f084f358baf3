"""A report is one page that stands alone, says what `check` says, and shows nothing that it has not escaped."""

from __future__ import annotations

import base64
import errno
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import Draws
from gendsl.fit import Fit
from gendsl.results import files
from gendsl.results.report import page
from tests.predict.exact import fit_of

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags that balance, and what they hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.images: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(str(given.get("id")))
        if tag == "img":
            assert given["alt"]
            self.images.append(str(given["src"]))
        if tag == "a":
            self.links.append(str(given["href"]))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self.stack[-1] if self.stack else "", []).append(data)


def words(parsed: Page, tag: str) -> str:
    return " ".join(parsed.text.get(tag, []))


def test_a_page_of_a_run(fitted: Callable[[str, str], Fit], backend: str, tmp_path: Path) -> None:
    fit = fitted("schools", backend)
    fit.report(tmp_path / "fit.html")
    text = (tmp_path / "fit.html").read_text(encoding="utf-8")
    parsed = Page(text)
    # It needs nothing beside it: no address but those inside the page.
    outside = re.sub(r'src="data:image/[^"]*"', "", text)
    assert not re.search(r"https?:|//|url\(|@import|<script|<link", outside.replace("<!DOCTYPE", ""))
    assert {link.removeprefix("#") for link in parsed.links} <= parsed.ids
    kinds = [src.split(";")[0] for src in parsed.images]
    assert kinds == ["data:image/svg+xml"] + 6 * ["data:image/png"]
    starts = [base64.b64decode(src.split(",")[1])[:6] for src in parsed.images]
    assert starts[0].startswith(b"<?xml")
    assert all(s.startswith(b"\x89PNG") for s in starts[1:])
    # It says what check says, and shows the model, the program and every scalar.
    said = fit.check().problems
    assert f"{len(said)} problems found." in words(parsed, "strong")
    assert [t.lower() for t in parsed.text["li"]] == [p.lower() for p in said]
    assert str(gd.Model.from_graph(fit.program.declared)) in parsed.text["pre"]
    assert fit.program.source in parsed.text["pre"]
    assert set(fit.summary().index) <= set(parsed.text["td"])
    assert {"warmup", "target_accept", "gendsl", backend} <= set(parsed.text["th"])
    assert "prefers-color-scheme: dark" in text


def test_a_page_of_a_sound_fit() -> None:
    rng = np.random.default_rng(0)
    m = gd.Model("free")
    m.latent("x", gd.Normal(0, 1))
    fit = fit_of(m, {}, "pyro", {"x": rng.normal(size=(4, 500))})
    parsed = Page(page(fit))
    assert words(parsed, "strong") == "No problem found."
    assert "Not shown: there is no energy to show." in parsed.text["p"]
    assert any("observes nothing" in t or "no observation" in t for t in parsed.text["p"])
    assert len(parsed.images) == 5


def test_texts_are_escaped() -> None:
    m = gd.Model("m")
    place = m.plate("place", 2, coords=["<script>alert(1)</script>", '"&amp;'])
    x = m.latent("x", gd.Normal(0, 1), dims=place)
    m.observe("y", gd.Normal(x, 1), dims=place)
    rng = np.random.default_rng(0)
    fit = fit_of(m, {"y": [0.0, 1.0]}, "pyro", {"x": 9 * np.arange(4)[:, None, None] + rng.normal(size=(4, 100, 2))})
    fit.raw = Draws({}, {}, complete=False, note="<b>stopped</b>")
    text = page(fit)
    assert "<script" not in text
    assert "<b>" not in text
    parsed = Page(text)
    assert "x[<script>alert(1)</script>]" in parsed.text["td"]
    assert 'x["&amp;]' in parsed.text["td"]
    assert "<b>stopped</b>" in parsed.text["li"]


def test_of_many_scalars_those_that_mix_worst_are_in_the_table() -> None:
    m = gd.Model("many")
    m.latent("x", gd.Normal(0, 1), dims=m.plate("row", 300))
    x = np.random.default_rng(0).normal(size=(2, 20, 300))
    x[1, :, 299] += 5
    parsed = Page(page(fit_of(m, {}, "pyro", {"x": x}), prior=False))
    shown = [t for t in parsed.text["td"] if t.startswith("x[")]
    assert len(shown) == 200
    assert shown[-1] == "x[299]"
    assert "200 of 300 scalars, those whose chains differ most." in parsed.text["p"]


def test_a_full_disk_leaves_the_earlier_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    m = gd.Model("free")
    m.latent("x", gd.Normal(0, 1))
    fit = fit_of(m, {}, "pyro", {"x": np.random.default_rng(0).normal(size=(2, 50))})
    (tmp_path / "fit.html").write_text("earlier")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(gd.FitError, match="the report could not be saved to 'fit.html': No space left"):
        fit.report(tmp_path / "fit.html")
    assert [p.name for p in tmp_path.iterdir()] == ["fit.html"]
    assert (tmp_path / "fit.html").read_text() == "earlier"
