"""Data of the wrong kind or value: dtypes, missing elements, supports, parameters. The marked line is the node's."""

from __future__ import annotations

import numpy as np
import pandas as pd

import gendsl as gd
from gendsl.data import bind
from tests.mistakes.table import mistake


# -- kinds ------------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "node 'x'", "not numbers", "strings such as '1.5'", "float, dims (i)", "indexes=plate")
def numbers_in_quotes():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": ["1.5", "2"]})


@mistake(gd.DataError, "not numbers", "dict: {'a': 1}")
def dict_for_an_array():
    m = gd.Model("m")
    m.data("x")  # here
    bind(m.graph, {"x": {"a": 1}})


@mistake(gd.DataError, "not numbers", "categories", "indexes=plate")
def categories_for_numbers():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": pd.Categorical(["a", "b"])})


@mistake(gd.DataError, "node 'y'", "strings such as 'no'", "compare: y == 'yes'")
def strings_for_a_binary_observation():
    m = gd.Model("m")
    m.observe("y", gd.Bernoulli(m.latent("p", gd.Beta(1, 1))), dims=m.plate("i"))  # here
    bind(m.graph, {"y": ["no", "yes", "no"]})


@mistake(gd.DataError, "node 'y'", "Series of shape (2,), categories\n", "y.cat.codes")
def categories_for_an_ordered_observation():
    m = gd.Model("m")
    m.observe("y", gd.OrderedLogistic(m.latent("eta", gd.Normal(0, 1)), [-1.0, 1.0]), dims=m.plate("i"))  # here
    bind(m.graph, {"y": pd.Series(["low", "high"], dtype=pd.CategoricalDtype(["low", "mid", "high"], ordered=True))})


@mistake(gd.DataError, "node 'y'", "strings such as 'low'", "pd.Categorical(y, categories=[...], ordered=True).codes")
def strings_for_an_ordered_observation():
    m = gd.Model("m")
    m.observe("y", gd.OrderedLogistic(m.latent("eta", gd.Normal(0, 1)), [-1.0, 1.0]), dims=m.plate("i"))  # here
    bind(m.graph, {"y": ["low", "high"]})


@mistake(gd.DataError, "not numbers", "complex", "x.real")
def complex_numbers():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": [1, 2j]})


@mistake(gd.DataError, "not numbers", "dates", "np.timedelta64(1, 'D')")
def dates_for_numbers():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": pd.date_range("2020", periods=3)})


@mistake(gd.DataError, "not numbers", "time differences", "divide by a unit")
def durations_for_numbers():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": np.array([1, 2], "m8[h]")})


@mistake(gd.DataError, "not numbers", "shape (1,)", "float, dims (i)")
def records_for_numbers():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": np.array([(1, 2.0)], dtype="i4,f4")})


@mistake(gd.DataError, "cannot be read as an array", "requires grad", "convert it to a numpy array")
def tensor_with_a_gradient():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")

    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": Tensor()})


@mistake(gd.DataError, "not numbers", "str: 'n/a' in it")
def text_among_numbers():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": pd.Series([1.0, "n/a"], dtype=object)})


@mistake(gd.DataError, "numbers, not declarations", "Normal(loc=0, scale=1)")
def distribution_for_data():
    m = gd.Model("m")
    m.data("x")  # here
    bind(m.graph, {"x": gd.Normal(0, 1)})


@mistake(gd.DataError, "node 'n'", "integers are needed", "1 of 3", "n[1] = 2.5", "dtype=float")
def fraction_for_an_integer():
    m = gd.Model("m")
    m.data("n", dims=m.plate("i"), dtype=int)  # here
    bind(m.graph, {"n": [1.0, 2.5, 3.0]})


@mistake(gd.DataError, "node 'y'", "integers are needed", "0.5")
def fraction_for_a_count():
    m = gd.Model("m")
    m.observe("y", gd.Poisson(1.0), dims=m.plate("i"))  # here
    bind(m.graph, {"y": [1, 0.5]})


@mistake(gd.DataError, "too large", "64-bit")
def integer_too_large():
    m = gd.Model("m")
    m.data("n", dtype=int)  # here
    bind(m.graph, {"n": 10**30})


@mistake(gd.DataError, "booleans are needed", "b[1] = 2", "True or False")
def number_for_a_boolean():
    m = gd.Model("m")
    m.data("b", dims=m.plate("i"), dtype=bool)  # here
    bind(m.graph, {"b": [0, 2]})


# -- missing and infinite ---------------------------------------------------------------------------------------------
@mistake(gd.DataError, "node 'x'", "values are missing", "2 of 4", "at x[1]", "drop or fill")
def nan_in_a_covariate():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))  # here
    bind(m.graph, {"x": [1, np.nan, np.nan, 2]})


@mistake(gd.DataError, "node 'y'", "1 of 4", "at y[0, 1]", "gd.Missing.MASK", "gd.Missing.IMPUTE")
def nan_in_an_observation():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=(m.plate("i"), m.plate("j")))  # here
    bind(m.graph, {"y": [[1, None], [2, 3]]})


@mistake(gd.DataError, "values are missing", "masked", "gd.Missing.MASK")
def masked_counts():
    m = gd.Model("m")
    m.observe("y", gd.Poisson(1.0), dims=m.plate("i"))  # here
    bind(m.graph, {"y": np.ma.array([1, 2], mask=[False, True])})


@mistake(gd.DataError, "node 'y'", "infinite", "1 of 2", "at y[1]", "log(0)")
def infinite_observation():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"))  # here
    bind(m.graph, {"y": np.array([1.0, np.inf])})


@mistake(gd.DataError, "infinite")
def infinite_observation_where_missing_is_allowed():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing=gd.Missing.MASK)  # here
    bind(m.graph, {"y": np.array([np.nan, -np.inf])})


@mistake(gd.DataError, "nothing to impute", "none of them missing", "drop missing=gd.Missing.IMPUTE")
def nothing_to_impute():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing=gd.Missing.IMPUTE)  # here
    bind(m.graph, {"y": [1.0, 2.0]})


# -- supports ---------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "node 'y'", "outside the support of Poisson", "1 of 3", "y[1] = -2", "nonnegative integer")
def negative_count():
    m = gd.Model("m")
    m.observe("y", gd.Poisson(1.0), dims=m.plate("i"))  # here
    bind(m.graph, {"y": [1, -2, 3]})


@mistake(gd.DataError, "support of Bernoulli", "y[1] = 2", "0 or 1")
def two_for_a_coin():
    m = gd.Model("m")
    m.observe("y", gd.Bernoulli(0.5), dims=m.plate("i"))  # here
    bind(m.graph, {"y": [0, 2]})


@mistake(gd.DataError, "support of Categorical", "y[2] = 3", "count from 1", 'data["y"] - 1')
def classes_count_from_one():
    m = gd.Model("m")
    m.observe("y", gd.Categorical([0.2, 0.3, 0.5]), dims=m.plate("i"))  # here
    bind(m.graph, {"y": [1, 2, 3]})


@mistake(gd.DataError, "support of Gamma", "y[0] = 0", "positive", "no density")
def zero_for_a_positive_distribution():
    m = gd.Model("m")
    m.observe("y", gd.Gamma(1.0, 1.0), dims=m.plate("i"))  # here
    bind(m.graph, {"y": [0.0, 1.0]})


@mistake(gd.DataError, "support of Dirichlet", "1 of 2", "y[1] = [0.5, 0.6]", "on the simplex")
def shares_that_do_not_sum_to_one():
    m = gd.Model("m")
    m.observe("y", gd.Dirichlet([1.0, 1.0]), dims=m.plate("i"))  # here
    bind(m.graph, {"y": [[0.5, 0.5], [0.5, 0.6]]})


@mistake(gd.DataError, "node 'y'", "range that 'n' gives", "1 of 2", "y[1] = 7 with n = 5", "at most 'n'")
def more_successes_than_trials():
    m = gd.Model("m")
    i = m.plate("i")
    n = m.data("n", dims=i, dtype=int)
    m.observe("y", gd.Binomial(n, probs=0.5), dims=i)  # here
    bind(m.graph, {"n": [3, 5], "y": [3, 7]})


@mistake(gd.DataError, "range that 'n' gives", "that sum to 'n'", "4 with n = 5")
def counts_that_do_not_sum_to_the_total():
    m = gd.Model("m")
    i = m.plate("i")
    n = m.data("n", dims=i, dtype=int)
    m.observe("y", gd.Multinomial(n, probs=[0.5, 0.5]), dims=i)  # here
    bind(m.graph, {"n": [5, 5], "y": [[2, 3], [2, 2]]})


@mistake(gd.DataError, "range that 'low' gives", "at least 'low'", "y[0] = 0.5 with low = 1")
def value_below_a_bound_in_the_data():
    m = gd.Model("m")
    i = m.plate("i")
    low = m.data("low", dims=i)
    m.observe("y", gd.TruncatedNormal(0, 1, low=low), dims=i)  # here
    bind(m.graph, {"low": [1, 2], "y": [0.5, 2.5]})


@mistake(gd.DataError, "node 'x'", "outside its support", "x[1] = -1", "positive", "declare the support")
def covariate_outside_its_support():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"), support=gd.positive)  # here
    bind(m.graph, {"x": [1, -1]})


@mistake(gd.DataError, "node 'z'", "outside the support of Gamma", "z[1] = -1")
def computed_observation_outside():
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"))
    m.observe("z", gd.Gamma(1.0, 1.0), value=x - 2.0)  # here
    bind(m.graph, {"x": [3.0, 1.0]})


# -- parameters given by data -----------------------------------------------------------------------------------------
@mistake(gd.DataError, "node 'sigma'", "used as 'scale' of 'y' (Normal)", "1 of 2", "sigma[1] = 0", "positive")
def zero_standard_error():
    m = gd.Model("m")
    i = m.plate("i")
    sigma = m.data("sigma", dims=i)  # here
    m.observe("y", gd.Normal(0, sigma), dims=i)
    bind(m.graph, {"sigma": [1, 0], "y": [1, 2]})


@mistake(gd.DataError, "node 'v'", "used as 'scale'", "nan", "computed from v")
def root_of_a_negative_variance():
    m = gd.Model("m")
    i = m.plate("i")
    v = m.data("v", dims=i)  # here
    m.observe("y", gd.Normal(0, gd.sqrt(v)), dims=i)
    bind(m.graph, {"v": [1, -4], "y": [1, 2]})


@mistake(gd.DataError, "node 'p'", "used as 'probs' of 'y' (Categorical)", "p[1] = [0.2, 0.2]", "on the simplex")
def probabilities_in_data_that_do_not_sum_to_one():
    m = gd.Model("m")
    i = m.plate("i")
    p = m.data("p", dims=i, event=2)  # here
    m.observe("y", gd.Categorical(p), dims=i)
    bind(m.graph, {"p": [[0.5, 0.5], [0.2, 0.2]], "y": [0, 1]})


@mistake(gd.DataError, "node 'n'", "used as 'total_count' of 'y' (Binomial)", "n[0] = -3", "nonnegative integer")
def negative_number_of_trials():
    m = gd.Model("m")
    i = m.plate("i")
    n = m.data("n", dims=i, dtype=int)  # here
    m.observe("y", gd.Binomial(n, probs=0.5), dims=i)
    bind(m.graph, {"n": [-3, 2], "y": [0, 1]})


@mistake(gd.DataError, "node 'low'", "bounds of Uniform are not in order", "low = 2, high = 1", "low < high")
def bounds_in_data_exchanged():
    m = gd.Model("m")
    i = m.plate("i")
    low, high = m.data("low", dims=i), m.data("high", dims=i)
    m.latent("x", gd.Uniform(low, high), dims=i)  # here
    bind(m.graph, {"low": [0, 2], "high": [1, 1]})
