"""Every model of the zoo declares, takes its data, and has the dims that its docstring states."""

import numpy as np
import pytest

import gendsl as gd
from gendsl_models import ZOO, Entry, reference
from gendsl_models.cases import CASES

needs_reference = pytest.mark.skipif(
    not reference.available(), reason="the reference posteriors are absent (see gendsl_models.reference)"
)
entries = pytest.mark.parametrize("entry", ZOO.values(), ids=list(ZOO))


@entries
def test_declares_with_unique_names(entry: Entry) -> None:
    model = entry.build()
    graph = model.graph
    data = [n.name for n in graph.nodes if n.op == "data"]
    sites = [n.name for n in graph.nodes if n.op != "data" and n.name]
    names = [*sites, *(p.name for p in graph.plates), *(a.name for a in graph.axes)]
    assert len(names) == len(set(names))
    assert len(data) == len(set(data))
    observed = {n.name for _, n in graph.of("observe")}
    assert set(names) & set(data) <= observed, "only an observation shares its name with data"
    assert graph.of("latent")
    assert entry.build() == model, "a model is the same each time it is built"


@entries
def test_describes_itself(entry: Entry) -> None:
    function = getattr(entry.build, "func", entry.build)
    doc = function.__doc__ or ""
    assert "~" in doc, "the equations"
    assert "Data" in doc
    assert "http" in doc, "the source"
    for name in _given(entry.build()):
        assert name in doc, f"the docstring does not name the data '{name}'"
    for plate in entry.build().graph.plates:
        if plate.base is None and not plate.name.endswith("_missing_element"):
            over = any(plate.name in n.type.dims for _, n in entry.build().graph.of("data"))
            assert not over or f"({plate.name}" in doc or f"{plate.name})" in doc, f"no '{plate.name}' in the docstring"


@entries
def test_data_are_those_of_the_model(entry: Entry) -> None:
    if entry.reference is not None and not reference.available():
        pytest.skip("the reference posteriors are absent")
    model, data = entry.build(), entry.data()
    assert set(data) == _given(model)
    for name, value in data.items():
        t = model[name].type
        assert np.ndim(value) == len(t.dims) + t.rank, name
        if entry.name != "brownian_missing" and name != "x":
            assert np.isfinite(value).all(), name
    again = entry.data()
    assert all(np.array_equal(data[k], again[k], equal_nan=True) for k in data), "data are the same at every call"


def _given(model: gd.Model) -> set[str]:
    """The data that a user gives: those that binding derives are left out."""
    return {n.name for _, n in model.graph.of("data") if n.name and n.attr["derived"] is None}


@entries
def test_sites_of_the_reference_exist(entry: Entry) -> None:
    model = entry.build()
    assert (entry.reference is None) == (not entry.sites)
    for site in entry.sites:
        assert site in model.graph.sites


@pytest.mark.parametrize(
    ("name", "site", "dims", "event"),
    [
        ("eight_schools_centered", "theta", ("school",), ()),
        ("eight_schools_noncentered", "theta", ("school",), ()),
        ("logearn_interaction", "beta", (), (4,)),
        ("nes1980", "beta", (), (9,)),
        ("arK", "beta", (), (5,)),
        ("low_dim_gauss_mix", "mu", (), (2,)),
        ("radon_minnesota", "county_effect", ("county",), ()),
        ("brownian_missing", "locs", ("time",), ()),
        ("german_credit_logistic", "weights", (), (25,)),
        ("crossed_effects", "score", ("student", "item"), ()),
        ("correlated_slopes", "beta", ("group",), (2,)),
        ("dirichlet_multinomial", "count", ("sample",), (4,)),
        ("ordinal_regression", "cutpoints", (), (4,)),
        ("stochastic_volatility", "h", ("time",), ()),
        ("missing_data", "x_missing", ("x_missing_element",), ()),
    ],
)
def test_dims(name: str, site: str, dims: tuple[str, ...], event: tuple[int, ...]) -> None:
    model = ZOO[name].build()
    x = model[site]
    if x.name is not None and site in model.graph.inputs:
        x = gd.Expr(x.builder, model.graph.inputs[site])
    assert x.dims == dims
    assert x.event == event


def test_late_observations_lie_on_a_derived_plate() -> None:
    graph = ZOO["arK"].build().graph
    late = graph.plate["time_from_5"]
    assert (late.base, late.start, late.stop) == ("time", 5, 0)


def test_garch_bound_depends_on_alpha1() -> None:
    assert ZOO["garch11"].build()["beta1"].support.dynamic


def test_imputed_predictor_reaches_the_regression() -> None:
    model = ZOO["missing_data"].build()
    graph = model.graph
    reached = {graph.sites["x_missing"]}
    for i, n in graph:
        if reached.intersection(n.args):
            reached.add(i)
    assert graph.sites["y"] in reached, "the likelihood of y does not see the imputed x"


@pytest.mark.parametrize("name", [n for n, e in ZOO.items() if e.reference is None])
def test_simulations_follow_their_seed(name: str) -> None:
    simulate = ZOO[name].data
    one, two = simulate(0), simulate(1)  # type: ignore[call-arg]
    assert any(not np.array_equal(one[k], two[k], equal_nan=True) for k in one)


# -- the reference ----------------------------------------------------------------------------------------------------
def test_every_case_has_a_model() -> None:
    assert {e.reference for e in ZOO.values()} - {None} == set(CASES)


@needs_reference
def test_cases_are_those_of_the_reference() -> None:
    described = reference.load_descriptions()
    assert set(described) == set(CASES)
    for name, case in CASES.items():
        assert case.slow == described[name]["slow"]
        assert bool(case.data) == described[name]["data"]


@needs_reference
@pytest.mark.parametrize("name", CASES)
def test_scalars_cover_the_reference(name: str) -> None:
    entry = ZOO[name]
    model, data = entry.build(), entry.data()
    sizes = {p.name: p.size for p in model.graph.plates}
    for key in data:
        t = model[key].type
        sizes |= dict(zip(t.dims, np.shape(data[key]), strict=False))
        node = model.graph.nodes[model.graph.inputs[key]]
        if node.attr["indexes"]:
            assert np.min(data[key]) == 0
            sizes[node.attr["indexes"]] = int(np.max(data[key])) + 1
    draws = {}
    for site in entry.sites:
        x = model[site]
        shape = (2, 3, *(sizes[d] for d in x.dims), *x.event)
        draws[site] = np.arange(np.prod(shape)).reshape(shape)
    ours = reference.scalars(name, draws)
    assert set(ours) == set(reference.load_reference(name))
    assert all(x.shape == (2, 3) for x in ours.values())


def test_scalars_count_from_one() -> None:
    draws = {"v": np.zeros((4, 10)), "x": np.arange(4 * 10 * 9).reshape(4, 10, 9)}
    out = reference.scalars("funnel", draws)
    assert list(out) == [f"x[{k}]" for k in range(1, 11)]
    assert np.array_equal(out["x[2]"], draws["x"][..., 0])
    with pytest.raises(KeyError, match="needs draws of 'v'"):
        reference.scalars("funnel", {})
    with pytest.raises(KeyError, match="no reference case"):
        reference.scalars("nonesuch", {})


@needs_reference
def test_indices_count_from_zero_and_null_is_nan() -> None:
    assert reference.load_data("radon_minnesota")["county_of"].min() == 0
    assert np.isnan(reference.load_data("brownian_missing")["observed_locs"]).sum() == 10


@needs_reference
def test_check_accepts_exact_draws_and_refuses_wrong_ones() -> None:
    rng = np.random.default_rng(0)
    shape = (4, 2500)
    good = {"v": rng.normal(0, 3, shape), "x": rng.normal(size=(*shape, 9))}
    (row,) = reference.check("funnel", good, diverging=np.zeros(shape, bool))
    assert row.passed, str(row)
    assert row.name == "x[1]"
    assert row.sd_ratio == pytest.approx(1, abs=0.03)

    def failed(**changes: np.ndarray) -> set[str]:
        (r,) = reference.check("funnel", good | changes)
        return {k for k, ok in r.flags.items() if not ok}

    assert failed(v=good["v"] + 0.6) >= {"mean_within_mcse", "mean_within_sd", "quantiles_passed"}
    assert failed(v=good["v"] * 1.2) >= {"sd_passed", "quantiles_passed"}
    assert "rhat_passed" in failed(v=good["v"] + np.array([0.0, 0.0, 1.0, 1.0])[:, None])
    assert "ess_passed" in failed(v=np.repeat(good["v"][:, ::50], 50, axis=1))
    (row,) = reference.check("funnel", good, diverging=np.arange(10_000).reshape(shape) < 11)
    assert not row.divergences_passed
    with pytest.raises(ValueError, match="4 chains of 1000"):
        reference.check("funnel", {"v": good["v"][:, :999], "x": good["x"][:, :999]})


def test_absent_reference_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("GENDSL_REFERENCE", str(tmp_path))
    assert not reference.available()
    with pytest.raises(reference.ReferenceAbsentError, match="are absent.*GENDSL_REFERENCE"):
        reference.load_data("blr")
