"""Mistakes with learned distributions: transforms that cannot be, events and contexts that do not fit, names."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from gendsl import densities as de
from gendsl import transforms as tr
from gendsl.graph.constraints import simplex
from gendsl.lang.distributions import Autoregressive, Flow
from tests.mistakes.table import mistake

NORMAL = gd.Normal(0, 1).expand(2)


# -- transforms -------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "has no argument 'num_bins'", "did you mean 'bins'?")
def bins_by_another_name():
    tr.Spline(num_bins=8)  # here


@mistake(gd.ModelError, "Spline: bins is an integer of at least 2", "bins=1")
def one_bin():
    tr.Spline(bins=1)  # here


@mistake(gd.ModelError, "Spline: the box has no room for so many bins", "bins=1000", "at most 500")
def too_many_bins():
    tr.Spline(bins=1000)  # here


@mistake(gd.ModelError, "Spline: bound is a positive number", "bound=-3")
def negative_box():
    tr.Spline(bound=-3)  # here


@mistake(gd.ModelError, "Affine: limit is a positive number", "limit=0")
def scale_without_room():
    tr.Affine(limit=0)  # here


@mistake(gd.ModelError, "Coupling: scalar is a map of the line", "Spline")
def class_instead_of_a_scalar():
    tr.Coupling(scalar=tr.Spline)  # here


@mistake(gd.ModelError, "Coupling: activation is a gd.Activation", "'relu'")
def activation_of_a_coupling_as_text():
    tr.Coupling(activation="relu")  # here


@mistake(gd.ModelError, "Elementwise: scalar is a map of the line", "'affine'")
def scalar_as_text():
    tr.Elementwise(scalar="affine")  # here


@mistake(gd.ModelError, "Permutation: a permutation has each element once", "(1, 2, 3)", "0, 1, ..., d - 1")
def permutation_that_starts_at_one():
    tr.Permutation((1, 2, 3))  # here


@mistake(gd.ModelError, "Shuffle: seed is an integer of at least 0", "seed=-1")
def negative_seed_of_a_shuffle():
    tr.Shuffle(-1)  # here


@mistake(gd.ModelError, "Scale: a map that can be inverted does not shrink to a point", "scale=0.0")
def scale_of_zero():
    tr.Scale(1.0, 0.0)  # here


@mistake(gd.ModelError, "Scale: loc is a finite number", "inf")
def infinite_shift():
    tr.Scale(float("inf"))  # here


@mistake(gd.ModelError, "Chain: the parts of a chain are transforms", "its parentheses")
def class_in_a_chain():
    tr.Chain((tr.LULinear(), tr.Reverse))  # here


@mistake(gd.ModelError, "Inverse: only a transform can be turned round", "Spline()")
def inverse_of_a_scalar():
    tr.Inverse(tr.Spline())  # here


@mistake(gd.ModelError, "a flow's elements lie on the line or in a fixed interval", "simplex", "gd.positive")
def flow_onto_the_simplex():
    tr.onto(simplex)  # here


# -- flows ------------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "gd.Flow: missing a required argument: 'transforms'", "gd.Flow(base, transforms")
def flow_without_transforms():
    Flow(NORMAL)  # here


@mistake(gd.ModelError, "gd.Flow has no argument 'transform'", "did you mean 'transforms'?")
def flow_with_a_misspelt_argument():
    Flow(NORMAL, transform=tr.nsf())  # here


@mistake(gd.ModelError, "Flow: a flow is made of transforms", "nsf", "gd.flows.nsf()")
def flow_by_its_name():
    Flow(NORMAL, "nsf")  # here


@mistake(gd.ModelError, "parameter 'base' must be a distribution", "gd.Normal(0, 1)")
def flow_of_a_number():
    Flow(2, tr.nsf())  # here


@mistake(gd.ModelError, "the base of a flow is a distribution on the reals", "nonnegative", "gd.transform.Exp()")
def flow_of_positive_noise():
    Flow(gd.HalfNormal(1).expand(2), tr.nsf())  # here


@mistake(gd.ModelError, "the base of a flow is a distribution on the reals", "int")
def flow_of_counts():
    Flow(gd.Poisson(3.0).expand(2), tr.nsf())  # here


@mistake(gd.ModelError, "Coupling: a coupling needs an element that chooses", "event (1,)", "transform.Elementwise")
def coupling_of_one_number():
    Flow(gd.Normal(0, 1), tr.nsf())  # here


@mistake(gd.ModelError, "Permutation: the order has another length", "3 elements, event (2,)")
def permutation_of_another_length():
    Flow(NORMAL, (tr.Permutation((2, 0, 1)),))  # here


@mistake(gd.ModelError, "LULinear: acts on all of the real line", "positive", "comes last")
def constraint_in_the_middle():
    Flow(NORMAL, (tr.Exp(), tr.LULinear()))  # here


@mistake(gd.ModelError, "node 'Flow'", "a context is a vector of fixed length", "gd.stack")
def context_of_one_number():
    m = gd.Model("m")
    z = m.latent("z", gd.Normal(0, 1))
    Flow(NORMAL, tr.nsf(), context=z)  # here


@mistake(gd.ModelError, "the name of a distribution's parameters is a Python identifier", "'two words'")
def name_of_two_words():
    Flow(NORMAL, tr.nsf(), name="two words")  # here


@mistake(gd.ModelError, "a learned distribution outside a site needs a name", 'gd.Flow(..., name="prior")')
def density_without_a_name():
    m = gd.Model("m")
    x = m.latent("x", NORMAL)
    m.factor(
        "f",
        Flow(NORMAL, tr.nsf()).log_prob(x),  # here
    )


@mistake(gd.ModelError, "node 'x'", "the parameters vary over 'i'", "dims=(i)")
def context_over_a_plate_that_the_latent_lacks():
    m = gd.Model("m")
    c = m.data("c", dims=m.plate("i"), event=2)
    m.latent("x", Flow(NORMAL, tr.nsf(), context=c))  # here


@mistake(gd.ModelError, "learn parameters named 'common'", "give each its own name", later=True)
def two_flows_of_one_name():
    m = gd.Model("m")
    m.latent("a", Flow(NORMAL, tr.nsf(2), name="common"))
    m.latent("b", Flow(NORMAL, tr.nsf(3), name="common"))  # here
    m.compile("pyro")


@mistake(gd.FitError, "NUTS draws from a posterior", "the distribution of 'z' have no prior", "gd.Train")
def nuts_with_a_flow_to_learn():
    m = gd.Model("m")
    z = m.latent("z", Flow(NORMAL, tr.nsf()))  # here
    m.observe("y", gd.Normal(z.sum(), 1.0))
    m.fit({"y": 0.0}, gd.NUTS(draws=10, warmup=10), progress=False)


# -- autoregressive models --------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "gd.Autoregressive: missing a required argument: 'event'")
def autoregressive_model_of_nothing():
    Autoregressive()  # here


@mistake(gd.ModelError, "an event shape is made of positive lengths", "event=(2, 0)")
def autoregressive_model_of_an_empty_event():
    Autoregressive((2, 0))  # here


@mistake(gd.ModelError, "an event shape is made of positive lengths", "dims=plate")
def autoregressive_model_along_a_plate():
    m = gd.Model("m")
    Autoregressive(m.plate("i"))  # here


@mistake(gd.ModelError, "element is the distribution of one element", "CategoricalElement", "an Element")
def class_instead_of_an_element():
    Autoregressive(3, de.CategoricalElement)  # here


@mistake(gd.ModelError, "CategoricalElement: classes is an integer of at least 2", "classes=1")
def one_class():
    de.CategoricalElement(1)  # here


@mistake(gd.ModelError, "Autoregressive: hidden are positive integers", "(8, 0)")
def masked_network_without_units():
    Autoregressive(3, hidden=(8, 0))  # here


@mistake(gd.DataError, "node 'x'", "0 or 1", "2")
def class_that_is_none():
    m = gd.Model("m")
    m.observe("x", Autoregressive(2, de.CategoricalElement(2)), dims=m.plate("i"))  # here
    m.compile("pyro").bind({"x": np.array([[0, 1], [2, 0]])})
