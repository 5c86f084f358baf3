"""Plate diagrams: every site with its label, nothing on top of another, each plate's frame around exactly its sites."""

from __future__ import annotations

import io
import itertools
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

import gendsl as gd
from gendsl.plot import plot_graph
from gendsl.plot.rows import arrange
from gendsl.plot.scene import scene
from gendsl_models import LEARNED, ZOO
from tests.graph.models import MODELS
from tests.plot.geometry import Drawn, drawn, faults, inside, overlap

SAMPLES = {**MODELS, **{f"zoo_{name}": entry.build for name, entry in (ZOO | LEARNED).items()}}


def picture(name: str) -> Drawn:
    return drawn(plot_graph(MODELS[name]().graph))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_is_correct(name: str) -> None:
    graph = SAMPLES[name]().graph
    figure = plot_graph(graph)
    seen = drawn(figure)
    assert faults(graph, seen) == []
    left, upper, right, lower = seen.limits
    assert (right - left, lower - upper) == pytest.approx(tuple(figure.get_size_inches()))


def random_model(seed: int) -> gd.Model:
    rng = random.Random(seed)
    m = gd.Model(f"random{seed}")
    plates = [m.plate(f"p{k}", rng.randint(2, 9)) for k in range(rng.randint(0, 4))]
    values: list[gd.Expr] = []
    for k in range(rng.randint(3, 14)):
        above = [x for x in values if rng.random() < 0.35][:4]
        dims = sorted({d for x in above for d in x.dims} | {p.name for p in plates if rng.random() < 0.2})
        mean = sum(above[1:], above[0]) if above else 0.0
        name, kind = rng.choice(["x", "theta", "a_long_name", "averyverylongname"]) + f"_{k}", rng.random()
        if kind < 0.6:
            values.append(m.latent(name, gd.Normal(mean, 1), dims=dims))
        elif kind < 0.7:
            values.append(m.data(name, dims=dims))
        elif kind < 0.75:
            values.append(m.param(name, 1.0, dims=dims))
        elif kind < 0.8 and above:
            m.factor(name, mean)
        elif kind < 0.9 and above:
            values.append(m.let(name, mean))
        else:
            m.observe(name, gd.Normal(mean, 1), dims=dims)
    return m


@pytest.mark.parametrize("seed", range(16))
def test_pictures_of_random_models_are_correct(seed: int) -> None:
    graph = random_model(seed).graph
    assert faults(graph, drawn(plot_graph(graph))) == []


# -- plates -----------------------------------------------------------------------------------------------------------
def test_crossing_plates_overlap_in_the_sites_they_share() -> None:
    seen = picture("crossed")
    (student,), (item,) = seen.frames["student"], seen.frames["item"]
    assert overlap(student, item)
    assert not inside(student, item)
    assert not inside(item, student)
    both = (max(student[0], item[0]), max(student[1], item[1]), min(student[2], item[2]), min(student[3], item[3]))
    assert {n for n, box in seen.sites.items() if inside(box, both)} == {"y"}
    edges = sorted([student[0], student[2], item[0], item[2]])
    assert min(b - a for a, b in itertools.pairwise(edges)) > 0.05, "no two lines coincide"
    assert abs(student[1] - item[1]) > 0.05
    assert abs(student[3] - item[3]) > 0.05


def test_three_crossing_plates_are_three_rectangles() -> None:
    seen = picture("three_crossed")
    assert all(len(f) == 1 for f in seen.frames.values())
    tops = [f[1] for (f,) in seen.frames.values()]
    assert min(abs(a - b) for a, b in itertools.combinations(tops, 2)) > 0.05


def test_plates_that_no_rectangles_show_are_drawn_in_parts() -> None:
    seen = picture("no_rectangles")
    assert max(len(f) for f in seen.frames.values()) > 1
    assert {p: len(f) for p, f in seen.frames.items()} == {p: len(f) for p, f in seen.labels.items()}


def test_nested_plates_are_nested() -> None:
    seen = picture("nested")
    (school,), (student,) = seen.frames["school"], seen.frames["student"]
    assert inside(student, school)
    assert min(student[0] - school[0], school[2] - student[2], student[1] - school[1], school[3] - student[3]) > 0.05


def test_plates_with_the_same_sites_are_nested_in_order() -> None:
    m = gd.Model("grid")
    m.latent("x", gd.Normal(0, 1), dims=(m.plate("row", 2), m.plate("column", 3)))
    seen = drawn(plot_graph(m.graph))
    assert inside(seen.frames["column"][0], seen.frames["row"][0])
    assert faults(m.graph, seen) == []


def test_separate_plates_do_not_touch() -> None:
    seen = picture("indexed")
    assert not overlap(seen.frames["county"][0], seen.frames["obs"][0])


@pytest.mark.parametrize(
    ("name", "plate", "label"),
    [
        ("nested", "student", "student (30)"),
        ("eight_schools", "school", "school"),
        ("markov", "t_from_2", "t_from_2: t \N{GREATER-THAN OR EQUAL TO} 2"),
    ],
)
def test_the_label_of_a_plate(name: str, plate: str, label: str) -> None:
    texts = plot_graph(MODELS[name]().graph).axes[0].texts
    assert [t.get_text() for t in texts if t.get_gid() == f"size:{plate}"] == [label]


# -- rows -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", MODELS)
def test_edges_lead_down(name: str) -> None:
    seen = picture(name)
    for a, b in seen.edges:
        assert seen.markers[a][3] < seen.markers[b][1]


def test_few_edges_cross() -> None:
    """Straight lines between the markers' centres do not cross in these models."""
    for name in (
        "scrambled",
        "eight_schools",
        "crossed",
        "gaussian_process",
        "hidden_markov",
        "equation",
        "regression",
    ):
        seen = picture(name)
        centre = {n: ((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for n, b in seen.markers.items()}
        lines = [(centre[a], centre[b], {a, b}) for a, b in seen.edges]
        for (a, b, s), (c, d, t) in itertools.combinations(lines, 2):
            assert s & t or not (_turn(a, b, c) != _turn(a, b, d) and _turn(c, d, a) != _turn(c, d, b)), (name, s, t)


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])


# -- notation ---------------------------------------------------------------------------------------------------------
def test_markers_follow_the_notation() -> None:
    m = gd.Model("all")
    i = m.plate("i")
    x, w = m.data("x", dims=i), m.param("w", 1.0)
    z = m.latent("z", gd.Normal(0, 1))
    mean = m.let("mean", w * x + z)
    m.observe("y", gd.Normal(mean, 1), dims=i)
    m.factor("f", -z * z)
    marker = {str(p.get_gid())[5:]: p for p in plot_graph(m.graph).axes[0].patches}
    white, shade = (1.0, 1.0, 1.0, 1.0), marker["y"].get_facecolor()
    assert isinstance(marker["z"], Circle)
    assert marker["z"].get_facecolor() == white
    assert marker["z"].get_linestyle() == "-"
    assert isinstance(marker["y"], Circle)
    assert 0.7 < shade[0] < 0.95
    assert marker["mean"].get_linestyle() == "--"
    assert marker["mean"].get_facecolor() == white
    assert isinstance(marker["x"], FancyBboxPatch)
    assert marker["x"].get_boxstyle().__class__.__name__ == "Round"
    assert marker["w"].get_radius() < 0.1
    assert marker["f"].get_width() == marker["f"].get_height() < 0.2


def test_captions_are_the_distributions() -> None:
    words = picture("eight_schools").words
    assert words["theta"].split() == ["theta", "~", "Normal(mu,", "tau)"]
    assert words["sigma"].split() == ["sigma"]
    assert "joint over i" in picture("gaussian_process").words["f"]
    assert "= a + gamma * ses" in picture("nested").words["eta"]


def test_names_in_dollars_are_not_mathematics() -> None:
    m = gd.Model("m")
    m.plate("i", coords=["$a$"])
    m.latent("x", gd.Normal(0, 1), dims="i")
    plot_graph(m.graph, title="$\\frac$").savefig(io.BytesIO())


# -- figures ----------------------------------------------------------------------------------------------------------
def test_the_title() -> None:
    graph = MODELS["eight_schools"]().graph
    for given, shown in ((None, "eight_schools"), ("Schools", "Schools"), ("", None)):
        texts = [t.get_text() for t in plot_graph(graph, title=given).axes[0].texts if t.get_gid() == "title"]
        assert texts == ([] if shown is None else [shown])


def test_on_axes_that_are_given() -> None:
    graph = MODELS["crossed"]().graph
    figure = Figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2)
    assert plot_graph(graph, ax=right) is figure
    assert not left.patches
    assert faults(graph, drawn(figure, right)) == []


def test_a_model_without_sites() -> None:
    m = gd.Model("empty")
    m.plate("i")
    assert not list(plot_graph(m.graph).axes[0].patches)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_saved(kind: str) -> None:
    out = io.BytesIO()
    MODELS["markov"]().plot().savefig(out, format=kind)
    assert len(out.getvalue()) > 1000
    if kind == "svg":
        assert b'id="site:z"' in out.getvalue()


def test_the_same_picture_each_time() -> None:
    graph = MODELS["regression"]().graph
    assert drawn(plot_graph(graph)) == drawn(plot_graph(graph))


def test_no_window_and_no_state() -> None:
    code = (
        "import sys, gendsl as gd; assert 'matplotlib' not in sys.modules; "
        "m = gd.Model('m'); m.latent('x', gd.Normal(0, 1)); m.plot(); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_the_passages_of_edges_are_bounded() -> None:
    for count, direct in ((10, False), (60, True)):
        picture = scene(_chain(count).graph)
        rows = arrange(picture, [1.0] * len(picture.sites))
        passages = len(rows.row) - len(picture.sites)
        assert (passages == 0) == direct
        assert all(rows.row[b] == rows.row[a] + 1 for a, b in rows.segments)


def test_large_models_are_drawn_in_seconds() -> None:
    start = time.process_time()
    figure = plot_graph(_chain(60).graph)
    assert time.process_time() - start < 30
    assert max(figure.get_size_inches()) <= 100


def _chain(count: int) -> gd.Model:
    """A chain of latents, each with an observation that also depends on an earlier one."""
    m = gd.Model("large")
    i = m.plate("i")
    xs = [m.latent("x0", gd.Normal(0, 1))]
    for k in range(1, count):
        xs.append(m.latent(f"x{k}", gd.Normal(xs[-1], 1)))
    for k in range(count):
        m.observe(f"y{k}", gd.Normal(xs[k] + xs[k // 2], 1), dims=i)
    return m
