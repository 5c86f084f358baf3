"""What each pass does to a graph: its effect on known graphs, and its notes."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.node import Graph
from gendsl.passes import PASSES, optimise
from gendsl.passes.bounds import bounds
from gendsl.passes.noncenter import noncenter
from gendsl.passes.simplify import fold, prune, share
from gendsl.passes.validate import validate


def latents(graph: Graph) -> list[str]:
    return [str(n.name) for _, n in graph.of("latent")]


def hierarchy(**options: bool) -> gd.Model:
    m = gd.Model("hierarchy")
    school = m.plate("school", 3)
    mu, tau = m.latent("mu", gd.Normal(0, 5)), m.latent("tau", gd.HalfCauchy(5))
    m.latent("theta", gd.Normal(mu, tau), dims=school, **options)  # type: ignore[arg-type]
    return m


def test_a_random_scale_is_non_centred_and_the_name_kept() -> None:
    graph, notes = noncenter(hierarchy().graph)
    assert latents(graph) == ["mu", "tau", "theta_base"]
    assert graph.nodes[graph.sites["theta"]].op == "let"
    assert "'theta'" in notes[0]


def test_centered_true_is_kept_and_false_is_forced() -> None:
    assert latents(noncenter(hierarchy(centered=True).graph)[0]) == ["mu", "tau", "theta"]
    m = gd.Model("m")
    m.latent("x", gd.Normal(1, 2), centered=False)
    assert latents(noncenter(m.graph)[0]) == ["x_base"]
    m.latent("g", gd.Gamma(1.0, 1.0), centered=False)
    with pytest.raises(gd.ModelError, match="no non-centred form"):
        noncenter(m.graph)


def test_a_fixed_scale_stays_centred() -> None:
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.latent("x", gd.Normal(mu, 2.0))
    assert latents(noncenter(m.graph)[0]) == ["mu", "x"]


def test_shape_parameters_with_event_axes_survive_non_centring() -> None:
    m = gd.Model("m")
    s = m.latent("s", gd.HalfNormal(1))
    m.latent("x", gd.StudentT([3.0, 5.0], 0.0, s))
    graph, _ = noncenter(m.graph)
    assert graph.nodes[graph.sites["x_base"]].type.event == (2,)  # type: ignore[union-attr]
    assert graph.nodes[graph.sites["x"]].type.event == (2,)  # type: ignore[union-attr]


def test_prune_drops_what_nothing_uses_and_says_so() -> None:
    m = gd.Model("m")
    unused = m.data("unused")
    _ = gd.exp(unused) * 3
    m.latent("x", gd.Normal(0, 1))
    graph, notes = prune(m.graph)
    assert "unused" not in graph.inputs
    assert any("'unused'" in n for n in notes)


def test_fold_computes_constants_and_drops_neutral_elements() -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("f", (x + 0.0) * 1.0 - 0.0)
    graph, notes = fold(prune(m.graph)[0])
    factor = graph.nodes[graph.sites["f"]]
    assert graph.nodes[factor.args[0]].name == "x"
    assert notes


def test_share_merges_equal_expressions_but_not_draws() -> None:
    m = gd.Model("m")
    x, y = m.latent("x", gd.Normal(0, 1)), m.latent("y", gd.Normal(0, 1))
    m.factor("f", gd.exp(x) + gd.exp(x) * gd.exp(y))
    graph, _ = share(m.graph)
    assert sum(n.op == "exp" for n in graph.nodes) == 2
    assert latents(graph) == ["x", "y"]


def test_share_tells_integers_from_floats() -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    k = m.data("k", dtype=int)
    m.factor("f", x * 1.0)
    m.let("i", k + 1)
    m.let("j", k + 1.0)
    graph, _ = share(m.graph)
    assert str(graph.nodes[graph.sites["i"]].type.dtype) == "int"  # type: ignore[union-attr]
    assert str(graph.nodes[graph.sites["j"]].type.dtype) == "float"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uniform", ["a", "x_unit"]),
        ("truncated", ["a", "x_excess"]),
        ("pareto", ["a", "x_excess"]),
        ("von_mises", ["a", "x"]),
        ("wishart", ["a", "x_free"]),
        ("projected", ["a", "x_raw"]),
    ],
)
def test_bounds_lowers_what_engines_map_differently(name: str, expected: list[str]) -> None:
    m = gd.Model("m")
    a = m.latent("a", gd.HalfNormal(1))
    dist = {
        "uniform": lambda: gd.Uniform(0, a),
        "truncated": lambda: gd.TruncatedNormal(0, 1, low=a),
        "pareto": lambda: gd.Pareto(a, 2.0),
        "von_mises": lambda: gd.VonMises(0.0, 2.0),
        "wishart": lambda: gd.Wishart(4.0, covariance_matrix=np.eye(2)),
        "projected": lambda: gd.ProjectedNormal(np.zeros(3)),
    }[name]()
    m.latent("x", dist)
    graph, notes = bounds(m.graph)
    assert latents(graph) == expected
    assert "x" in graph.sites
    assert notes


def test_static_bounds_are_left_alone() -> None:
    m = gd.Model("m")
    m.latent("x", gd.Uniform(-1, 2))
    m.latent("y", gd.TruncatedNormal(0, 1, low=0))
    assert latents(bounds(m.graph)[0]) == ["x", "y"]


def test_validate_wants_something_said_and_sizes_for_plates() -> None:
    with pytest.raises(gd.ModelError, match="declares no latent"):
        validate(gd.Model("empty").graph)
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), dims=m.plate("p"))
    with pytest.raises(gd.ModelError, match="nothing gives plate 'p' a size"):
        validate(m.graph)


def test_passes_keep_what_the_user_sees() -> None:
    """Every declared latent and recorded value is still there after all passes, with its dims and event shape."""
    m = hierarchy()
    m.let("double", m["theta"] * 2)
    before = {n.name: n.type for _, n in m.graph.of("latent", "let")}
    graph, _ = optimise(m.graph)
    for name, t in before.items():
        after = graph.nodes[graph.sites[str(name)]].type
        assert (after.dims, after.event, after.dtype) == (t.dims, t.event, t.dtype)  # type: ignore[union-attr]


def test_the_report_names_every_pass_and_node() -> None:
    m = hierarchy()
    report = m.explain()
    text, full = str(report), report.full()
    for p in PASSES:
        assert f"  {p.name}: {p.purpose}" in text
    assert len(report.rows) == len(m.graph.nodes)
    for word in ("mu", "tau", "theta", "school", "nonnegative", "reparam"):
        assert word in text
    assert full.count("\n") > text.count("\n")
    assert "distribution" in full
