"""Data of the wrong names, axes, sizes and labels. The marked line is the one that declared the node."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

import gendsl as gd
from gendsl.data import bind
from tests.mistakes.table import mistake


def schools() -> gd.Model:
    """y over school, sigma over school."""
    m = gd.Model("schools")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school)
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 5)), sigma), dims=school)
    return m


# -- names ------------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "given by name", "list of length 2", "'sigma', 'y'")
def data_as_a_list():
    bind(schools().graph, [1, 2])


@mistake(gd.DataError, "given by name", "NoneType")
def data_forgotten():
    bind(schools().graph, None)


@mistake(gd.DataError, "data are missing for 'sigma', 'y'", "nothing", "'y' (float, dims (school))")
def all_data_missing():
    bind(schools().graph, {})


@mistake(gd.DataError, "node 'y'", "data are missing for 'y'", "sigma, Y", "is 'Y' meant for 'y'?")
def data_under_another_case():
    m = gd.Model("m")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school)
    m.observe("y", gd.Normal(0, sigma), dims=school)  # here
    bind(m.graph, {"sigma": [1, 2], "Y": [1, 2]})


@mistake(gd.DataError, "no data named 'sigmas'", "only sigma, y", "did you mean 'sigma'?")
def data_too_many():
    bind(schools().graph, {"sigma": [1, 2], "y": [1, 2], "sigmas": [1, 2]})


@mistake(gd.DataError, "node 'mu'", "'mu' is a latent", "leave it out")
def latent_given():
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))  # here
    m.observe("y", gd.Normal(mu, 1))
    bind(m.graph, {"y": 1.0, "mu": 0.0})


@mistake(gd.DataError, "node 'i'", "data over 'i' give its size")
def size_of_a_plate_given():
    m = gd.Model("m")
    i = m.plate("i")  # here
    m.observe("y", gd.Normal(0, 1), dims=i)
    bind(m.graph, {"y": [1.0, 2.0], "i": 2})


@mistake(gd.DataError, "'y_observed'", "follows from the missing elements")
def derived_data_given():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing=gd.Missing.MASK)  # here
    bind(m.graph, {"y": [1.0, 2.0], "y_observed": [True, True]})


@mistake(gd.DataError, "no data named 1", "as strings")
def data_under_a_number():
    bind(schools().graph, {"sigma": [1, 2], "y": [1, 2], 1: 3})


@mistake(gd.DataError, "no data named 'id'", "df[['sigma', 'y']]")
def table_with_more_columns():
    bind(schools().graph, pd.DataFrame({"sigma": [1.0], "y": [2.0], "id": [7]}))


# -- axes -------------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "node 'x'", "another number of axes", "shape (2, 3)", "2 axes", "1 axis: dims (i)", "event=")
def matrix_for_a_vector():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": np.zeros((2, 3))})


@mistake(gd.DataError, "another number of axes", "np.squeeze(x, 1)")
def column_for_a_vector():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": np.zeros((3, 1))})


@mistake(gd.DataError, "another number of axes", "float: 2.5", "not repeated", "np.full(n, 2.5)")
def number_for_a_vector():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": 2.5})


@mistake(gd.DataError, "node 'x'", "list of length 3", "one number", "dims=")
def vector_for_a_number():
    m = gd.Model("m")
    m.data("x")  # here
    bind(m.graph, {"x": [1, 2, 3]})


@mistake(gd.DataError, "node 'x'", "event axis has another length", "4 along event axis 0", "3", "event=(4,)")
def event_of_another_length():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"), event=3)  # here
    bind(m.graph, {"x": np.zeros((2, 4))})


@mistake(gd.DataError, "event axis has another length", "exchange the axes")
def event_axes_exchanged():
    m = gd.Model("m")
    m.data("x", event=(2, 3))  # here
    bind(m.graph, {"x": np.zeros((3, 2))})


@mistake(gd.DataError, "node 'x'", "rows have different lengths", "float, dims (i, j)", "pad the rows")
def ragged_list():
    m = gd.Model("m")
    m.data("x", dims=(m.plate("i"), m.plate("j")))  # here
    bind(m.graph, {"x": [[1, 2], [3]]})


@mistake(gd.DataError, "node 'x'", "rows have different lengths", "shape (2,)")
def ragged_object_array():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": np.array([[1, 2], 3], dtype=object)})


@mistake(gd.DataError, "no dim 'i'", "dims (row)", "x.rename({'row': 'i'})", "x.values")
def xarray_under_other_dims():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": xr.DataArray([1.0, 2.0], dims="row")})


@mistake(gd.DataError, "node 'x'", "several arrays", 'ds["x"]')
def xarray_dataset_for_an_array():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": xr.Dataset({"x": ("i", [1.0, 2.0])})})


# -- sizes ------------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "node 'y'", "sizes of plate 'i' differ", "'y' has 4", "'x' has 3", "3 along 'i'", "same rows")
def sizes_cross():
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    m.observe("y", gd.Normal(x, 1), dims=i)  # here
    bind(m.graph, {"x": [1, 2, 3], "y": [1, 2, 3, 4]})


@mistake(gd.DataError, "sizes of plate 'i' differ", "declared with size=8", "leave size=")
def size_against_declaration():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i", size=8))  # here
    bind(m.graph, {"x": [1, 2, 3]})


@mistake(gd.DataError, "sizes of plate 'i' differ", "transpose the data")
def matrix_transposed():
    m = gd.Model("m")
    i, j = m.plate("i", size=2), m.plate("j", size=3)
    m.data("x", dims=(i, j))  # here
    bind(m.graph, {"x": np.zeros((3, 2))})


@mistake(gd.DataError, "plate 'i' has no elements", "shape (0,)", "the filter")
def no_rows():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": np.zeros(0)})


@mistake(gd.DataError, "plate 't_from_3' has no elements", "'t' has 3", "drops 3", "at least 4 elements of 't'")
def series_shorter_than_its_lag():
    m = gd.Model("m")
    t = m.plate("t")
    x = m.data("x", dims=t)
    late = t >= 3  # here
    m.observe("y", gd.Normal(gd.lag(x, 3, late), 1), value=x[late])
    bind(m.graph, {"x": [1, 2, 3]})


@mistake(gd.DataError, "sizes of plate 't_from_1' differ", "'z' has 3", "2 along 't_from_1'", "'t' less 1")
def whole_series_over_the_cut_plate():
    m = gd.Model("m")
    t = m.plate("t")
    m.data("x", dims=t)
    m.data("z", dims=t >= 1)  # here
    bind(m.graph, {"x": [1, 2, 3], "z": [1, 2, 3]})


# -- labels -----------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "labels along 'i' are not unique", "1 repeated, such as 'a'", "reset_index")
def labels_twice():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": pd.Series([1.0, 2.0, 3.0], index=["a", "a", "b"])})


@mistake(gd.DataError, "node 'y'", "differ from those of other data", "['d']", "a, b", "to_numpy()")
def labels_of_other_rows():
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    m.observe("y", gd.Normal(x, 1), dims=i)  # here
    index = ["a", "b"], ["a", "d"]
    bind(m.graph, {"x": pd.Series([1.0, 2.0], index[0]), "y": pd.Series([1.0, 2.0], index[1])})


@mistake(gd.DataError, "differ from its coords", "['c']", "a, b")
def labels_against_declared_coords():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i", coords=["a", "b"]))  # here
    bind(m.graph, {"x": pd.Series([1.0, 2.0], index=["a", "c"])})


@mistake(gd.DataError, "labels of axis 'p' differ", "weight, height", "height, weight", "declared order")
def columns_in_another_order():
    m = gd.Model("m")
    p = m.axis("p", 2, coords=["height", "weight"])
    m.data("x", dims=m.plate("i"), event=p)  # here
    bind(m.graph, {"x": pd.DataFrame({"weight": [1.0], "height": [2.0]})})


@mistake(
    gd.DataError,
    "node 'y'",
    "another number of axes",
    "the constant of length 3",
    "event axis",
    "dims=school",
    "1 axis",
)
def constant_along_a_plate():
    m = gd.Model("m")
    school = m.plate("school")
    theta = m.latent("theta", gd.Normal(0, 1), dims=school)
    m.observe("y", gd.Normal(theta, [15.0, 10.0, 16.0]), dims=school)  # here
    bind(m.graph, {"y": [28.0, 8.0, -3.0]})
