"""Mistakes in names, plates, axes, data, parameters and methods."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


# -- names ------------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "a model's name is a Python identifier", "'8schools'")
def model_name_starts_with_a_digit():
    gd.Model("8schools")  # here


@mistake(gd.ModelError, "Python identifier", "'class'")
def model_name_is_a_keyword():
    gd.Model("class")  # here


@mistake(gd.ModelError, "m.latent: the name is missing", "Normal(", "m.latent(name, dist)", 'm.latent("mu", ...)')
def latent_without_a_name():
    m = gd.Model("m")
    mu = m.latent(gd.Normal(0, 1))  # here
    m.let("twice", 2 * mu)


@mistake(gd.ModelError, "m.factor: the name is missing", "x * a", "m.factor(name, log_weight)", 'm.factor("x", ...)')
def factor_without_a_name():
    m = gd.Model("m")
    x, a = m.data("x"), m.latent("a", gd.Normal(0, 1))
    m.factor(x * a)  # here


@mistake(gd.ModelError, "node 'my mu'", "Python identifier", "letters, digits and _")
def name_with_a_blank():
    m = gd.Model("m")
    m.latent("my mu", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "'lambda'", "not a keyword")
def name_is_a_keyword():
    m = gd.Model("m")
    m.latent("lambda", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "Python identifier", "Normal(loc=0, scale=1)")
def name_and_distribution_swapped():
    m = gd.Model("m")
    m.observe(gd.Normal(0, 1), "y")  # here


@mistake(gd.ModelError, "the name 'mu' is taken", "first declared at declarations.py", "'mu_2'")
def name_twice():
    m = gd.Model("m")
    m.latent("mu", gd.Normal(0, 1))
    m.latent("mu", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "the name 'school' is taken", "one name for each node, plate and axis")
def name_of_a_plate():
    m = gd.Model("m")
    school = m.plate("school")
    m.latent("school", gd.Normal(0, 1), dims=school)  # here


@mistake(gd.ModelError, "the name 'z' is taken")
def observation_of_a_latent():
    m = gd.Model("m")
    m.latent("z", gd.Normal(0, 1))
    m.observe("z", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "'chain'", "kept for the draws")
def plate_named_as_the_chains():
    m = gd.Model("m")
    m.plate("chain")  # here


# -- plates and axes --------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'school'", "at least one element", "size=0", "positive integer")
def plate_of_length_zero():
    m = gd.Model("m")
    m.plate("school", size=0)  # here


@mistake(gd.ModelError, "node 'school'", "size='8'", "positive integer")
def plate_size_as_text():
    m = gd.Model("m")
    m.plate("school", size="8")  # here


@mistake(gd.ModelError, "size and coords differ", "size=3, 2 coords", "leave size out")
def plate_size_against_coords():
    m = gd.Model("m")
    m.plate("school", size=3, coords=["A", "B"])  # here


@mistake(gd.ModelError, "coords are not unique", "'A' more than once")
def plate_coords_twice():
    m = gd.Model("m")
    m.plate("school", coords=["A", "B", "A"])  # here


@mistake(gd.ModelError, "coords are a list of labels", "'ABC'")
def plate_coords_as_one_text():
    m = gd.Model("m")
    m.plate("school", coords="ABC")  # here


@mistake(gd.ModelError, "coords are a list of labels", "size=n")
def plate_coords_as_a_size():
    m = gd.Model("m")
    m.plate("school", coords=8)  # here


@mistake(gd.ModelError, "coords are a list of labels")
def plate_coords_ragged():
    m = gd.Model("m")
    m.plate("school", coords=[["A"], ["B", "C"]])  # here


@mistake(gd.ModelError, "smaller than its plate", "subsample=9", "from 1 to 8")
def minibatch_larger_than_its_plate():
    m = gd.Model("m")
    m.plate("school", size=8, subsample=9)  # here


@mistake(gd.ModelError, "smaller than its plate", "'all'")
def minibatch_as_text():
    m = gd.Model("m")
    m.plate("school", subsample="all")  # here


@mistake(gd.ModelError, "node 'k'", "size and coords differ", "size=2, 1 coords")
def axis_length_against_coords():
    m = gd.Model("m")
    m.axis("k", 2, coords=["a"])  # here


@mistake(gd.ModelError, "node 'k'", "positive length", "size=0")
def axis_of_length_zero():
    m = gd.Model("m")
    m.axis("k", 0)  # here


@mistake(gd.ModelError, "there is no plate 'scool'", "school", 'm.plate("scool")')
def unknown_plate():
    m = gd.Model("m")
    m.plate("school")
    m.latent("theta", gd.Normal(0, 1), dims="scool")  # here


@mistake(gd.ModelError, "node 'theta'", "dims are plates", "int: 8", "dims=school")
def size_as_dims():
    m = gd.Model("m")
    m.latent("theta", gd.Normal(0, 1), dims=8)  # here


@mistake(gd.ModelError, "dims are plates", "Axis", "<axis k, length 3>")
def axis_as_dims():
    m = gd.Model("m")
    k = m.axis("k", 3)
    m.latent("theta", gd.Normal(0, 1), dims=k)  # here


@mistake(gd.ModelError, "dims are plates", "Expr")
def expression_as_dims():
    m = gd.Model("m")
    x = m.data("x")
    m.data("y", dims=x)  # here


@mistake(gd.ModelError, "dim 'i' is given twice", "rename")
def dims_twice():
    m = gd.Model("m")
    i = m.plate("i")
    m.latent("theta", gd.Normal(0, 1), dims=(i, "i"))  # here


@mistake(gd.ModelError, "plate 'i' belongs to another model, 'other'", 'm.plate("i")')
def plate_of_another_model():
    m = gd.Model("m")
    i = gd.Model("other").plate("i")
    m.latent("theta", gd.Normal(0, 1), dims=i)  # here


# -- data and parameters ----------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'x'", "event axes have positive lengths", "<plate i>", "a plate goes into dims")
def plate_as_event_axis():
    m = gd.Model("m")
    i = m.plate("i")
    m.data("x", event=i)  # here


@mistake(gd.ModelError, "an unknown dtype", "complex", "float, int or bool")
def complex_data():
    m = gd.Model("m")
    m.data("x", dtype=complex)  # here


@mistake(gd.ModelError, "a support is a set", "'positive'", "gd.positive")
def support_as_text():
    m = gd.Model("m")
    m.data("x", support="positive")  # here


@mistake(gd.ModelError, "on the simplex", "event=()", "1 event axis")
def vector_support_of_a_scalar():
    m = gd.Model("m")
    m.data("p", dims=m.plate("i"), support=gd.simplex)  # here


@mistake(gd.ModelError, "data index one plate", "one plate")
def index_of_two_plates():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    m.data("k", indexes=(i, j))  # here


@mistake(gd.ModelError, "node 'k'", "dims are plates", "int: 3")
def index_of_a_size():
    m = gd.Model("m")
    m.data("k", indexes=3)  # here


@mistake(gd.ModelError, "node 's'", "outside the constraint", "-1.0", "positive")
def parameter_starts_outside():
    m = gd.Model("m")
    m.param("s", -1.0, gd.positive)  # here


@mistake(gd.ModelError, "node 's'", "a number or an array", "Normal", "m.latent")
def parameter_with_a_prior():
    m = gd.Model("m")
    m.param("s", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "node 's'", "a number or an array", "[1, [2]]")
def parameter_ragged():
    m = gd.Model("m")
    m.param("s", [1, [2]])  # here


@mistake(gd.ModelError, "outside the constraint", "finite")
def parameter_infinite():
    m = gd.Model("m")
    m.param("s", np.inf)  # here


@mistake(gd.ModelError, "a constraint is a set", "'positive'")
def parameter_constraint_as_text():
    m = gd.Model("m")
    m.param("s", 1.0, "positive")  # here


# -- methods ----------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "chains must be a positive integer", "0")
def no_chains():
    gd.NUTS(chains=0)  # here


@mistake(gd.ModelError, "target_accept is a probability", "1.5", "between 0 and 1")
def acceptance_above_one():
    gd.NUTS(target_accept=1.5)  # here


@mistake(gd.ModelError, "gd.NUTS has no argument 'samples'", "did you mean 'draws'?")
def unknown_method_option():
    gd.NUTS(samples=100)  # here


@mistake(gd.ModelError, "node '\u03bc'", "the name '\u03bc' is taken", "NFKC", "another name")
def two_names_that_are_one_to_python():
    m = gd.Model("m")
    m.latent("\u00b5", gd.Normal(0, 1))
    m.latent("\u03bc", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "node 'x'", "an unknown dtype", "[<class 'int'>]", "dtype=float")
def dtype_in_a_list():
    m = gd.Model("m")
    m.data("x", dtype=[int])  # here


@mistake(gd.ModelError, "node 'x'", "dims are plates", "int: 3", 'm.plate("school", size=...)')
def dims_as_a_number():
    m = gd.Model("m")
    m.data("x", dims=3)  # here


@mistake(gd.ModelError, "node 'i'", "a label is missing among the coords", "nan", "drop or name")
def coords_with_nan():
    gd.Model("m").plate("i", coords=[1.0, float("nan")])  # here


@mistake(gd.ModelError, "node 'x'", "a distribution is needed", "gd.Normal(...)")
def latent_of_a_family_without_parameters():
    m = gd.Model("m")
    m.latent("x", gd.Normal)  # here


@mistake(gd.ModelError, "node 'y'", "a mask is boolean", "event (2,)", "over plates", "dtype=bool")
def mask_as_a_list():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), mask=[True, False])  # here


# -- copies -----------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'z'", "'t_from_2' belongs to another model", 'model.plates["t"][2:]')
def part_of_the_original_s_plate_in_a_copy():
    m = gd.Model("m")
    t = m.plate("t")
    c = m.copy()
    c.latent("z", gd.Normal(0, 1), dims=t >= 2)  # here


@mistake(gd.ModelError, "node 'x'", "'t_from_2' belongs to another model", 'model.plates["t"][2:]')
def cut_by_the_original_s_plate_in_a_copy():
    m = gd.Model("m")
    t = m.plate("t")
    m.data("x", dims=t)
    c = m.copy()
    c["x"][t >= 2]  # here


@mistake(gd.ModelError, "is used in a copy of it", 'model.plates["t"]')
def positions_along_the_original_s_plate_in_a_copy():
    m = gd.Model("m")
    t = m.plate("t")
    m.data("x", dims=t)
    c = m.copy()
    c["x"] + t.index  # here


@mistake(gd.FitError, "no method is given", 'm.fit(data, gd.NUTS(), backend="auto")')
def fit_without_a_method():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1))
    m.fit({})  # here


@mistake(gd.FitError, "a method is an instance", "the class NUTS", "gd.NUTS()")
def fit_by_a_class():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1))
    m.fit({}, gd.NUTS)  # here
