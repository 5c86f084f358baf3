"""Groups, dims and coords of the InferenceData."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import gendsl as gd
from gendsl.fit import Fit
from tests.fit.models import QUICK, SCHOOLS, X, schools


def _fit(m: gd.Model, data: dict[str, object], backend: str = "numpyro") -> Fit:
    return m.fit(data, QUICK, backend=backend, progress=False)


def test_groups_of_eight_schools(fitted: Callable[[str, str], Fit], backend: str) -> None:
    fit = fitted("schools", backend)
    idata = fit.idata
    assert list(idata.groups()) == ["posterior", "sample_stats", "observed_data", "constant_data"]
    # In declared order, and without the base that the compiler drew.
    assert list(idata.posterior) == list(fit.draws) == ["mu", "tau", "theta"]
    assert "theta_base" in fit.raw.unconstrained
    assert idata.posterior["theta"].dims == ("chain", "draw", "school")
    assert idata.posterior["mu"].dims == ("chain", "draw")
    assert (idata.posterior["tau"] > 0).all()
    assert idata.observed_data["y"].dims == ("school",)
    assert idata.observed_data["y"].values.tolist() == SCHOOLS["y"]
    assert list(idata.constant_data) == ["sigma"]
    assert idata.posterior.attrs["inference_library"] == backend
    assert idata.posterior.attrs["seed"] == 1
    assert idata is fit.idata


def test_named_and_unnamed_axes_and_their_coords(fitted: Callable[[str, str], Fit]) -> None:
    idata = fitted("regression", "numpyro").idata
    assert idata.posterior["w"].dims == ("chain", "draw", "weight")
    assert idata.posterior["w"].coords["weight"].values.tolist() == ["constant", "slope", "bend"]
    assert idata.constant_data["x"].dims == ("row", "weight")
    assert np.array_equal(idata.constant_data["x"], X)

    m = gd.Model("unnamed")
    group = m.plate("group", coords=["a", "b"])
    w = m.latent("w", gd.Normal(0, 1).expand(3), dims=group)
    m.let("total", w.sum(-1))
    m.let("pair", w[..., :2], axes=[m.axis("which", 2)])
    m.latent("p", gd.Dirichlet(np.ones(3)))
    posterior = _fit(m, {}).idata.posterior
    assert list(posterior) == ["w", "total", "pair", "p"]
    assert posterior["w"].dims == ("chain", "draw", "group", "w_dim_1")
    assert posterior["w"].coords["group"].values.tolist() == ["a", "b"]
    assert posterior["total"].dims == ("chain", "draw", "group")
    assert posterior["pair"].dims == ("chain", "draw", "group", "which")
    assert posterior["p"].dims == ("chain", "draw", "p_dim_0")
    assert np.allclose(posterior["p"].sum("p_dim_0"), 1)
    assert np.allclose(posterior["w"].sum("w_dim_1"), posterior["total"])


@pytest.mark.parametrize("kind", ["pandas", "xarray"])
def test_coords_come_from_the_data(kind: str) -> None:
    names = ["A", "B", "C", "D", "E", "F", "G", "H"]
    data: dict[str, object] = {}
    for k, v in SCHOOLS.items():
        index = pd.Index(names, name="school")
        data[k] = pd.Series(v, index=index) if kind == "pandas" else xr.DataArray(v, {"school": names}, "school")
    idata = _fit(schools(), data).idata
    assert idata.posterior["theta"].coords["school"].values.tolist() == names
    assert float(idata.observed_data["y"].sel(school="C")) == -3.0


def test_missing_observations_are_shown_as_missing() -> None:
    m = gd.Model("imputed")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1), dims=row, missing=gd.Missing.IMPUTE)
    fit = _fit(m, {"y": [1.0, np.nan, 0.5, np.nan]})
    assert list(fit.draws) == ["mu", "y_missing"]
    assert fit.idata.posterior["y_missing"].dims == ("chain", "draw", "y_missing_element")
    assert fit.draws["y_missing"].shape == (2, 20, 2)
    assert np.array_equal(fit.idata.observed_data["y"], [1.0, np.nan, 0.5, np.nan], equal_nan=True)
    assert "constant_data" not in fit.idata.groups()


def test_a_joint_distribution_has_its_plate_as_dim(backend: str) -> None:
    m = gd.Model("walk")
    t = m.plate("t", 5)
    s = m.latent("s", gd.HalfNormal(1))
    m.latent("x", gd.Markov(gd.Normal(0, s), lambda x: gd.Normal(x, s), dim=t), dims=t)
    fit = _fit(m, {}, backend)
    assert fit.idata.posterior["x"].dims == ("chain", "draw", "t")
    assert fit.draws["x"].shape == (2, 20, 5)


def test_order_and_layout_follow_the_declaration() -> None:
    m = gd.Model("two")
    b, a = m.plate("b", 2), m.plate("a", 3)
    x = m.latent("x", gd.Normal(0, 1), dims=(b, a))
    y = m.latent("y", gd.Normal(x, 1), dims=(a, b))
    m.let("gap", y - x)
    fit = _fit(m, {})
    assert {k: v.shape[2:] for k, v in fit.draws.items()} == {
        "x": (2, 3),
        "y": (3, 2),
        "gap": fit.draws["gap"].shape[2:],
    }
    gap = fit.idata.posterior["y"] - fit.idata.posterior["x"]
    assert np.allclose(gap.transpose(*fit.idata.posterior["gap"].dims), fit.idata.posterior["gap"])


def test_unknown_names_are_refused(fitted: Callable[[str, str], Fit]) -> None:
    fit = fitted("regression", "numpyro")
    for call in (fit.summary, fit.plot):
        with pytest.raises(gd.FitError, match="no draws named 'W'"):
            call(names=["W"])
