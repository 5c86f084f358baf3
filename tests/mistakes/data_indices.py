"""Data that index a plate, wrongly. The marked line is the one that declared the node."""

from __future__ import annotations

import numpy as np
import pandas as pd

import gendsl as gd
from gendsl.data import bind
from tests.mistakes.table import mistake


@mistake(gd.DataError, "node 'k'", "count from 1", "values from 1 to 3", "0 to 2", 'data["k"] - 1')
def index_counts_from_one():
    m = gd.Model("m")
    county, obs = m.plate("county", size=3), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": [1, 2, 3, 3]})


@mistake(gd.DataError, "out of range", "values from 0 to 7", "k[2] = 7", "0 to 2")
def index_past_the_plate():
    m = gd.Model("m")
    county, obs = m.plate("county", size=3), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": [0, 1, 7]})


@mistake(gd.DataError, "out of range", "k[1] = -1", "do not count from the end")
def negative_index():
    m = gd.Model("m")
    county, obs = m.plate("county", size=3), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": [0, -1]})


@mistake(gd.DataError, "no labels of plate 'year'", "such as 2003", "2001, 2002", "looked up")
def unknown_integer_label():
    m = gd.Model("m")
    year, obs = m.plate("year", coords=[2001, 2002]), m.plate("obs")
    m.data("k", dims=obs, indexes=year)  # here
    bind(m.graph, {"k": [2001, 2003, 2002]})


@mistake(gd.DataError, "do not start at 0", "3 different values from 5 to 9", "subtract 1")
def identifiers_as_positions():
    m = gd.Model("m")
    group, obs = m.plate("group"), m.plate("obs")
    m.data("k", dims=obs, indexes=group)  # here
    bind(m.graph, {"k": [5, 9, 7, 5]})


@mistake(gd.DataError, "labels that plate 'county' does not have", "such as 'Anoka '", "did you mean 'Anoka'?")
def unknown_label():
    m = gd.Model("m")
    county, obs = m.plate("county", coords=["Aitkin", "Anoka"]), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": ["Aitkin", "Anoka "]})


@mistake(gd.DataError, "order of plate 'county' is not known", "without labels: u", "coords=[...]")
def labels_beside_unlabelled_data():
    m = gd.Model("m")
    county, obs = m.plate("county"), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    m.data("u", dims=county)
    bind(m.graph, {"k": ["B", "A"], "u": [0.1, 0.2]})


@mistake(gd.DataError, "another number of labels", "2 labels (A, B)", "3", "coords=[...]")
def fewer_labels_than_elements():
    m = gd.Model("m")
    county, obs = m.plate("county", size=3), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": ["A", "B"]})


@mistake(gd.DataError, "labels along 'county' are not unique", "such as '1'")
def categories_that_read_alike():
    m = gd.Model("m")
    county, obs = m.plate("county"), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": pd.Categorical([1, "1"])})


@mistake(gd.DataError, "node 'k'", "values are missing", "1 of 2", "k[1]")
def index_with_a_missing_label():
    m = gd.Model("m")
    county, obs = m.plate("county"), m.plate("obs")
    m.data("k", dims=obs, indexes=county)  # here
    bind(m.graph, {"k": ["A", None]})


# -- integers that index without indexes= -----------------------------------------------------------------------------
@mistake(gd.DataError, "node 'k'", "out of range", "values from 1 to 3", "k[2] = 3", "0 to 2", 'data["k"] - 1')
def plain_index_counts_from_one():
    m = gd.Model("m")
    p, o = m.plate("p", size=3), m.plate("o")
    x = m.latent("x", gd.Normal(0, 1), dims=p)
    k = m.data("k", dims=o, dtype=int)  # here
    m.observe("y", gd.Normal(x[k], 1), dims=o)
    bind(m.graph, {"k": [1, 2, 3], "y": [0.0, 0.0, 0.0]})


@mistake(gd.DataError, "node 'k'", "out of range", "k[0] = 9", "of plate 'p' of x", 'indexes="p"')
def plain_index_past_the_plate():
    m = gd.Model("m")
    p, o = m.plate("p"), m.plate("o")
    m.observe("w", gd.Normal(0, 1), dims=p)
    x = m.latent("x", gd.Normal(0, 1), dims=p)
    k = m.data("k", dims=o, dtype=int)  # here
    m.let("y", x[k])
    bind(m.graph, {"k": [9, 2, 3], "w": [0.0] * 4})


@mistake(gd.DataError, "node 'k'", "out of range", "k[1] = 3", "computed from k", "the last element is 2")
def computed_index_past_the_plate():
    m = gd.Model("m")
    p, o = m.plate("p", size=3), m.plate("o")
    x = m.latent("x", gd.Normal(0, 1), dims=p)
    k = m.data("k", dims=o, dtype=int)  # here
    m.let("y", x[k + 1])
    bind(m.graph, {"k": [0, 2]})


@mistake(gd.DataError, "node 'k'", "out of range", "k[1] = 4", "0 to 2", "an axis of x")
def index_past_an_event_axis():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1).expand(3))
    k = m.data("k", dims=m.plate("o"), dtype=int)  # here
    m.let("y", x[..., k])
    bind(m.graph, {"k": [0, 4]})


@mistake(gd.DataError, "node 'x'", "out of range", "100", "0 to 1")
def number_past_the_plate():
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("p"))  # here
    m.let("y", x[100])
    bind(m.graph, {"x": [0.0, 4.0]})


@mistake(gd.DataError, "node 'x'", "out of range", "100", "0 to 1")
def numbers_past_the_plate():
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("p"))  # here
    m.let("y", x[np.array([0, 100])])
    bind(m.graph, {"x": [0.0, 4.0]})


@mistake(gd.DataError, "node 'k'", "out of range", "k[2] = 3", "0 to 2")
def index_in_a_step():
    m = gd.Model("m")
    t = m.plate("t")
    x = m.latent("x", gd.Normal(0, 1).expand(3))
    k = m.data("k", dims=t, dtype=int)  # here
    m.let("y", gd.scan(lambda c, j: (c + x[j], c), 0.0, k, dim=t)[0])
    bind(m.graph, {"k": [0, 1, 3]})


@mistake(gd.DataError, "node 'of'", "values are missing", "1 of 3", "of[2]", "a label of their own")
def missing_label():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    of = m.data("of", dims=i, indexes=j)  # here
    effect = m.latent("effect", gd.Normal(0, 1), dims=j)
    m.observe("y", gd.Normal(effect[of], 1), dims=i)
    labels = np.array(["a", "b", None], object)
    m.fit({"of": labels, "y": [1.0, 2.0, 3.0]}, gd.NUTS(), backend="numpyro")
