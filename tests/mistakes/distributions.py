"""Mistakes in distributions: parameters, shapes; distributions used as values and the reverse."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


# -- which parameters -------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "Normal has no parameter 'sigma'", "Normal(loc, scale)")
def unknown_parameter():
    gd.Normal(0, sigma=1)  # here


@mistake(gd.ModelError, "did you mean 'scale'?")
def misspelt_parameter():
    gd.Normal(0, scal=1)  # here


@mistake(gd.ModelError, "too many parameters", "3", "Normal(loc, scale)")
def too_many_parameters():
    gd.Normal(0, 1, 2)  # here


@mistake(gd.ModelError, "'loc' is given twice")
def parameter_twice():
    gd.Normal(0, loc=1)  # here


@mistake(gd.ModelError, "Gamma needs parameter 'concentration'", "Gamma(concentration, rate)")
def parameter_lacking():
    gd.Gamma()  # here


@mistake(gd.ModelError, "exactly one of probs, logits", "none of them")
def neither_probs_nor_logits():
    gd.Bernoulli()  # here


@mistake(
    gd.ModelError, "exactly one of covariance_matrix, precision_matrix, scale_tril", "covariance_matrix, scale_tril"
)
def two_scales():
    gd.MultivariateNormal([0, 0], covariance_matrix=np.eye(2), scale_tril=np.eye(2))  # here


@mistake(gd.ModelError, "'loc' of Normal is None", "leave it out for 0")
def parameter_none():
    gd.Normal(None, 1)  # here


# -- their values -----------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'Normal'", "'scale' of Normal must be positive", "-1")
def negative_scale():
    gd.Normal(0, -1)  # here


@mistake(gd.ModelError, "'scale' of Normal must be positive", "-1.")
def one_negative_scale_of_three():
    gd.Normal(0, [1, -1, 2])  # here


@mistake(gd.ModelError, "'scale' of Normal must be positive", "shape (20,)", "the first wrong at [7]", "-2")
def one_negative_scale_of_many():
    gd.Normal(0, np.where(np.arange(20) == 7, -2.0, 1.0))  # here


@mistake(gd.ModelError, "node 's'", "must be positive", "'s', which is real", "gd.exp(s)", "gd.HalfNormal")
def real_latent_as_scale():
    m = gd.Model("m")
    s = m.latent("s", gd.Normal(0, 1))
    m.latent("x", gd.Normal(0, s))  # here


@mistake(gd.ModelError, "node 'p'", "in [0, 1]", "which is nonnegative", "gd.sigmoid(p)")
def positive_latent_as_probability():
    m = gd.Model("m")
    p = m.latent("p", gd.HalfNormal(1))
    m.observe("y", gd.Bernoulli(probs=p))  # here


@mistake(gd.ModelError, "'probs' of Bernoulli must be in [0, 1]", "1.5")
def probability_above_one():
    gd.Bernoulli(1.5)  # here


@mistake(gd.ModelError, "on the simplex", "[0.5, 0.6]", "divide by the sum")
def probabilities_that_do_not_sum_to_one():
    gd.Categorical([0.5, 0.6])  # here


@mistake(gd.ModelError, "node 'p'", "on the simplex", "'p', which is real", "logits=p", "gd.Dirichlet")
def real_latent_as_probabilities():
    m = gd.Model("m")
    p = m.latent("p", gd.Normal(0, 1).expand(3))
    m.observe("y", gd.Categorical(p))  # here


@mistake(gd.ModelError, "node 'c'", "ordered", "constraint=gd.ordered")
def unordered_cutpoints():
    m = gd.Model("m")
    c = m.latent("c", gd.Normal(0, 1).expand(3))
    m.observe("y", gd.OrderedLogistic(0.0, c))  # here


@mistake(gd.ModelError, "a nonnegative integer", "2.5")
def fractional_count():
    gd.Binomial(2.5, probs=0.5)  # here


@mistake(gd.ModelError, "'total_count' of Binomial counts", "n: float", "dtype=int")
def float_data_as_count():
    m = gd.Model("m")
    n = m.data("n")
    m.observe("y", gd.Binomial(n, probs=0.5))  # here


@mistake(gd.ModelError, "'loc' of Normal must be real", "nan", "finite")
def nan_parameter():
    gd.Normal(np.nan, 1)  # here


@mistake(gd.ModelError, "'high' of TruncatedNormal", "inf", "leave the bound out")
def infinite_bound():
    gd.TruncatedNormal(0, 1, low=0, high=np.inf)  # here


@mistake(gd.ModelError, "bounds of Uniform are not in order", "low < high", "exchange them")
def bounds_exchanged():
    gd.Uniform(1, 0)  # here


@mistake(gd.ModelError, "positive-definite", "[[1., 2.], [2., 1.]]")
def covariance_not_positive_definite():
    gd.MultivariateNormal([0, 0], covariance_matrix=[[1, 2], [2, 1]])  # here


@mistake(gd.ModelError, "Cholesky factor of a covariance matrix")
def upper_triangular_factor():
    gd.MultivariateNormal([0, 0], scale_tril=[[1, 2], [0, 1]])  # here


@mistake(gd.ModelError, "'loc' of Normal is not a number", "str: 'a'")
def parameter_as_text():
    gd.Normal("a", 1)  # here


@mistake(gd.ModelError, "is not a number", "complex")
def complex_parameter():
    gd.Normal(1j, 1)  # here


@mistake(gd.ModelError, "is not a number", "[1, [2]]")
def ragged_parameter():
    gd.Normal([1, [2]], 1)  # here


@mistake(gd.ModelError, "dim must be an integer of at least 2", "1")
def correlation_of_one():
    gd.LKJCholesky(1)  # here


# -- their shapes -----------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "parameters of Normal do not broadcast", "loc: event (3,), scale: event (2,)")
def parameters_of_two_lengths():
    gd.Normal([0, 1, 2], [1, 1])  # here


@mistake(gd.ModelError, "'probs' of Categorical must be a vector", "scalar")
def number_as_probabilities():
    gd.Categorical(0.5)  # here


@mistake(gd.ModelError, "'logits' of Categorical must be a vector", "dims (k)", "a plate is not an event axis")
def plate_in_event_position():
    m = gd.Model("m")
    k = m.plate("k", 3)
    a = m.latent("a", gd.Normal(0, 1), dims=k)
    m.observe("y", gd.Categorical(logits=a))  # here


@mistake(gd.ModelError, "'loc' of MultivariateNormal must be a vector", "dims (k)")
def plate_as_vector():
    m = gd.Model("m")
    k = m.plate("k", 3)
    a = m.latent("a", gd.Normal(0, 1), dims=k)
    m.latent("x", gd.MultivariateNormal(a, covariance_matrix=np.eye(3)))  # here


@mistake(gd.ModelError, "sizes of location and matrix differ", "event (2,)", "event (3, 3)")
def covariance_of_another_size():
    gd.MultivariateNormal([0, 0], covariance_matrix=np.eye(3))  # here


@mistake(gd.ModelError, ".expand takes lengths", "<plate i>", "dims=plate")
def expanded_over_a_plate():
    m = gd.Model("m")
    i = m.plate("i")
    gd.Normal(0, 1).expand(i)  # here


@mistake(gd.ModelError, ".expand takes lengths", "0", "positive integers")
def expanded_to_nothing():
    gd.Normal(0, 1).expand(0)  # here


# -- values and distributions -----------------------------------------------------------------------------------------
@mistake(gd.ModelError, "'loc' of Normal is a distribution", "Normal(loc=0, scale=1)", "m.latent")
def distribution_as_parameter():
    gd.Normal(gd.Normal(0, 1), 1)  # here


@mistake(gd.ModelError, "a distribution is not a value", "a draw of it", "m.latent")
def distribution_plus_one():
    gd.Normal(0, 1) + 1  # here


@mistake(gd.ModelError, "a distribution is not a value")
def one_minus_distribution():
    1 - gd.Beta(1, 1)  # here


@mistake(gd.ModelError, "add needs a value, not a distribution", "m.latent")
def latent_plus_distribution():
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))
    mu + gd.Normal(0, 1)  # here


@mistake(gd.ModelError, "exp needs a value, not a distribution")
def exponential_of_a_distribution():
    gd.exp(gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "a distribution is not a value")
def numpy_on_a_distribution():
    np.exp(gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "'base' must be a distribution", "3")
def value_as_base():
    gd.Folded(3)  # here


@mistake(gd.ModelError, "Normal has no parameter 'mu'", "Normal(loc, scale)", "did you mean 'loc'?")
def parameter_named_as_elsewhere():
    gd.Normal(mu=0, sigma=1)  # here


@mistake(gd.ModelError, "Gamma has no parameter 'scale'", "rate=1 / scale")
def gamma_by_its_scale():
    gd.Gamma(2, scale=3)  # here


@mistake(AttributeError, "no attribute 'Norml'", "did you mean gd.Normal?")
def misspelt_distribution():
    gd.Norml(0, 1)


@mistake(
    gd.ModelError, "node 'a'", "'probs' of Bernoulli", "a + b * x, which takes every real value", "logits=a + b * x"
)
def a_linear_predictor_as_probabilities():
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    a, b = m.latent("a", gd.Normal(0, 1)), m.latent("b", gd.Normal(0, 1))
    m.observe("y", gd.Bernoulli(a + b * x), dims=i)  # here


@mistake(gd.ModelError, "node 'w'", "'rate' of Poisson", "x @ w, which takes every real value", "gd.exp(x @ w)")
def a_linear_predictor_as_rates():
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i, event=3)
    w = m.latent("w", gd.Normal(0, 1).expand(3))
    m.observe("y", gd.Poisson(x @ w), dims=i)  # here


@mistake(gd.ModelError, "node 's'", "'scale' of Normal", "2 * s[county], which takes", "gd.exp(2 * s[county])")
def a_multiple_of_a_number_of_any_sign_as_scale():
    m = gd.Model("m")
    i, group = m.plate("i"), m.plate("group")
    county = m.data("county", dims=i, indexes=group)
    s = m.latent("s", gd.Normal(0, 1), dims=group)
    m.observe("y", gd.Normal(0, 2 * s[county]), dims=i)  # here


@mistake(gd.ModelError, "network 'net'", "'scale' of Normal", "gd.exp(")
def a_raw_network_as_scale():
    m = gd.Model("m")
    i = m.plate("i")
    net = m.network("net", gd.MLP(1))
    m.observe("y", gd.Normal(0, 0.5 * net(m.data("x", dims=i, event=2))[0]), dims=i)  # here


@mistake(AttributeError, "no attribute 'Flat'", "did you mean gd.ImproperUniform?")
def the_name_of_another_library():
    gd.Flat()


@mistake(gd.ModelError, "node 'phi'", "parameter 'probs' of NegativeBinomial", "gd.GammaPoisson(phi, phi / mu)")
def negative_binomial_by_its_mean():
    m = gd.Model("m")
    eta, phi = m.latent("eta", gd.Normal(0, 1)), m.latent("phi", gd.HalfNormal(1))
    m.observe("y", gd.NegativeBinomial(gd.exp(eta), phi))  # here
