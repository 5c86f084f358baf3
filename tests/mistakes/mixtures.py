"""Mistakes in distributions made of distributions: mixtures, masks, improper priors."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from gendsl.graph.constraints import boolean
from tests.mistakes.table import mistake


@mistake(gd.ModelError, "one event shape, dtype and support", "component 0", "component 1", "nonnegative")
def mixture_of_two_supports():
    gd.Mixture([0.5, 0.5], [gd.Normal(0, 1), gd.HalfNormal(1)])  # here


@mistake(gd.ModelError, "one weight is needed for each component", "event (3,), 2 components")
def mixture_with_three_weights_for_two():
    gd.Mixture([0.3, 0.3, 0.4], [gd.Normal(0, 1), gd.Normal(1, 1)])  # here


@mistake(gd.ModelError, "last independent axis must run over the weights", "an axis of length 2")
def mixture_of_one_component():
    gd.Mixture([0.5, 0.5], gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "components of a mixture are distributions", "int: 3")
def mixture_with_a_number():
    gd.Mixture([0.5, 0.5], [gd.Normal(0, 1), 3])  # here


@mistake(gd.ModelError, "2 to 8 distributions", "10 components")
def mixture_of_ten():
    gd.Mixture([0.1] * 10, [gd.Normal(0, 1)] * 10)  # here


@mistake(gd.ModelError, "node 'w'", "on the simplex", "gd.Dirichlet")
def mixture_weights_real():
    m = gd.Model("m")
    w = m.latent("w", gd.Normal(0, 1).expand(2))
    gd.Mixture(w, [gd.Normal(0, 1), gd.Normal(1, 1)])  # here


@mistake(gd.ModelError, "'weights'", "must be a vector", "dims (k)")
def mixture_weights_over_a_plate():
    m = gd.Model("m")
    k = m.plate("k", 2)
    w = m.latent("w", gd.Beta(1, 1), dims=k)
    gd.Mixture(w, [gd.Normal(0, 1), gd.Normal(1, 1)])  # here


@mistake(gd.ModelError, "only a distribution of counts", "float, scalar, real", "gd.Poisson")
def zero_inflated_normal():
    gd.ZeroInflated(gd.Normal(0, 1), 0.5)  # here


@mistake(gd.ModelError, "only a distribution on the reals", "nonnegative integer")
def folded_poisson():
    gd.Folded(gd.Poisson(1.0))  # here


@mistake(gd.ModelError, "a mask must be boolean", "float", "x > 0")
def mask_of_floats():
    m = gd.Model("m")
    x = m.data("x")
    gd.Normal(0, 1).mask(x)  # here


@mistake(gd.ModelError, "a mask must be boolean", "[True, False]", "dtype=bool")
def mask_as_a_list():
    gd.Normal(0, 1).mask([True, False])  # here


@mistake(gd.ModelError, "one element for each draw", "event (3,)", "mask.all()")
def mask_with_event_axes():
    m = gd.Model("m")
    x = m.data("x", event=3)
    gd.Normal(0, 1).expand(3).mask(x > 0)  # here


@mistake(gd.ModelError, "needs a constraint", "'real'", "gd.positive")
def improper_prior_on_a_text():
    gd.ImproperUniform("real")  # here


@mistake(gd.ModelError, "event axes", "shape ()", "gd.ImproperUniform(gd.simplex, 3)")
def improper_prior_without_a_shape():
    gd.ImproperUniform(gd.simplex)  # here


@mistake(gd.ModelError, "lengths of event axes", "'a'", "dims=plate")
def improper_prior_over_a_plate_name():
    gd.ImproperUniform(gd.positive, "a")  # here


@mistake(gd.ModelError, "weights of a mixture are one vector", "event (2, 2)", "over a plate instead")
def mixture_with_a_matrix_of_weights():
    gd.Mixture(np.full((2, 2), 0.5), gd.Normal([0, 1], 1))  # here


@mistake(gd.ModelError, "the base must be univariate", "a distribution of numbers")
def zero_inflated_vector():
    gd.ZeroInflated(gd.Multinomial(3, probs=[0.5, 0.5]), 0.5)  # here


@mistake(gd.ModelError, "only a distribution of angles", "real", "gd.VonMises")
def sine_skewed_normal():
    gd.SineSkewed(gd.Normal(0, 1).expand(1), [0.5])  # here


@mistake(gd.ModelError, "a matrix of this kind is square", "shape (2, 3)")
def improper_prior_on_a_rectangle():
    gd.ImproperUniform(gd.corr_cholesky, (2, 3))  # here


@mistake(gd.ModelError, "a fixed continuous set", "0 or 1")
def improper_prior_on_integers():
    gd.ImproperUniform(boolean)  # here


@mistake(gd.ModelError, "bounds of an interval are numbers", "gd.Uniform(low, high)")
def improper_prior_with_a_bound_that_varies():
    m = gd.Model("m")
    high = m.latent("high", gd.HalfNormal(1))
    gd.ImproperUniform(gd.Interval(0.0, high))  # here
