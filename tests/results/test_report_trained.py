"""Pages and pictures of trained fits: what they say is what the fit says, whatever the family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.results.report_trained import page
from tests.results.test_report import Page, words

X = np.random.default_rng(0).normal(size=(30, 2))
METHOD = gd.Train(steps=20, precision=gd.Precision.FLOAT64)


def _fit(density: Any, x: np.ndarray = X, backend: str = "pyro", name: str = "m") -> Any:
    m = gd.Model(name)
    m.observe("x", density(m) if callable(density) else density, dims=m.plate("row"))
    return m.fit({"x": x}, METHOD, backend=backend, progress=False)


def _guided(backend: str) -> Any:
    m = gd.Model("line")
    row = m.plate("row")
    a = m.latent("a", gd.Normal(0, 1).expand(3))
    m.observe("y", gd.Normal(m.data("t", dims=row, event=3) @ a, m.param("s", 1.0, constraint=gd.positive)), dims=row)
    m.objective(gd.ELBO(guide=gd.guide.FullRank()))
    t = np.random.default_rng(1).normal(size=(20, 3))
    return m.fit({"t": t, "y": t.sum(1)}, METHOD, backend=backend, progress=False)


def test_a_page_says_what_the_fit_says(backend: str, tmp_path: Path) -> None:
    fit = _guided(backend)
    fit.report(tmp_path / "new" / "fit.html")
    text = (tmp_path / "new" / "fit.html").read_text()
    parsed = Page(text)
    assert parsed.ids >= {"model", "training", "parameters", "posterior", "samples", "program", "run"}
    assert all(link.removeprefix("#") in parsed.ids for link in parsed.links)
    assert len(parsed.images) == 3  # the diagram, the curves, predictions
    cells = words(parsed, "td")
    frame = fit.summary(round_to=8)
    assert all(label in cells for label in ("a[0]", "a[1]", "a[2]"))
    assert f"{frame.loc['a[0]', 'mean']:,.3f}" in cells
    assert np.array2string(fit.params["s"], precision=4) in cells
    assert fit.program.source.splitlines()[0] in words(parsed, "pre")
    assert "ELBO(guide=FullRank(" in cells
    for problem in fit.check().problems:
        assert problem[1:] in words(parsed, "li")


def test_an_energy_without_a_sampler_says_so_on_its_page() -> None:
    fit = _fit(gd.Energy(gd.MLP((), hidden=(4,)), 2, spread=2.0))
    assert "Not shown: draws of 'x' take a sampler" in words(Page(page(fit)), "p")
    sampler = gd.MALA(chains=2, warmup=10, draws=20)
    _, right = fit.plot_predictive(sampler=sampler).axes
    shown, drawn = np.asarray(right.collections[0].get_offsets()), fit.sample(sampler=sampler)["x"].reshape(-1, 2)
    np.testing.assert_array_equal(np.sort(shown, 0), np.sort(drawn, 0))  # in an order without meaning
    parsed = Page(page(fit, sampler=sampler))
    assert len(parsed.images) == 3
    assert "posterior" not in parsed.ids


def test_points_and_images_and_numbers_are_shown_as_such(backend: str) -> None:
    """The panels' titles tell which picture was made; points are those that were given."""
    flow = _fit(gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(4,))), backend=backend)
    left, right = flow.plot_predictive().axes
    assert [left.get_title(), right.get_title()] == ["x: data", "samples"]
    np.testing.assert_array_equal(np.asarray(left.collections[0].get_offsets()), X)
    np.testing.assert_array_equal(
        np.asarray(right.collections[0].get_offsets()), flow.sample(30, seed=0)["x"].reshape(-1, 2)
    )
    images = np.random.default_rng(2).random((7, 4, 4, 1))
    left, right = (
        _fit(lambda m: gd.Normal(m.param("a", 0.0), 1.0).expand(4, 4, 1), images, backend).plot_predictive().axes
    )
    shown = np.asarray(left.images[0].get_array())
    low, high = images.min(), images.max()
    np.testing.assert_allclose(shown[:4, 5:9], (images[1, :, :, 0] - low) / (high - low))  # the second of a row of ten
    left, right = _guided(backend).plot_predictive("y").axes
    assert left.get_title(loc="left").startswith("y: observed and")
    assert "within their 94 % intervals" in right.get_title(loc="left")


def test_unknown_observations_are_named() -> None:
    with pytest.raises(gd.FitError, match="no observation 'z'"):
        _fit(gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(4,)))).plot_predictive("z")
