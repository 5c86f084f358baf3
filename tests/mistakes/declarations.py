"""Mistakes in names, plates, axes, data, parameters, latents, observations, recorded values and factors."""

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


@mistake(gd.ModelError, "plate 'i' belongs to model 'other'", 'm.plate("i")')
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


# -- latents ----------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'theta'", "vary over 'school'", "dims ()", "dims=(school)", "add 'school' to dims")
def latent_lacks_a_dim():
    m = gd.Model("m")
    school = m.plate("school")
    mu = m.latent("mu", gd.Normal(0, 1), dims=school)
    m.latent("theta", gd.Normal(mu, 1))  # here


@mistake(gd.ModelError, "node 'y'", "vary over 'school'", "dims=(pupil, school)", "index the parameters")
def observation_over_another_plate():
    m = gd.Model("m")
    school, pupil = m.plate("school"), m.plate("pupil")
    mu = m.latent("mu", gd.Normal(0, 1), dims=school)
    m.observe("y", gd.Normal(mu, 1), dims=pupil)  # here


@mistake(gd.ModelError, "node 'x'", "a distribution is needed", "float: 3.0", "gd.Normal(0, 1)")
def latent_of_a_number():
    m = gd.Model("m")
    m.latent("x", 3.0)  # here


@mistake(gd.ModelError, "node 'x'", "a distribution is needed", "class 'gendsl.lang")
def latent_of_a_class():
    m = gd.Model("m")
    m.latent("x", gd.Normal)  # here


@mistake(gd.ModelError, "a distribution is needed", "an expression", 'm.let("x", value)')
def latent_of_an_expression():
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.latent("x", mu + 1)  # here


@mistake(TypeError, "unexpected keyword argument 'shape'")
def unknown_option_of_latent():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), shape=3)


@mistake(gd.ModelError, "centered is True, False or None", "'no'")
def option_of_another_type():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), centered="no")  # here


@mistake(gd.ModelError, "node 'x'", "continuous prior", "distribution of int")
def constraint_on_counts():
    m = gd.Model("m")
    m.latent("x", gd.Poisson(1.0), constraint=gd.positive)  # here


@mistake(gd.ModelError, "node 'x'", "reaches outside", "constraint: real; prior: positive")
def constraint_wider_than_the_prior():
    m = gd.Model("m")
    m.latent("x", gd.Gamma(1.0, 1.0), constraint=gd.real)  # here


@mistake(gd.ModelError, "node 'x'", "ordered", "event ax", ".expand(3)")
def constraint_of_vectors_on_a_scalar():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), constraint=gd.ordered)  # here


# -- observations, recorded values, factors ---------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'y'", "another event shape", "event (3,)", "scalar")
def observed_value_of_another_shape():
    m = gd.Model("m")
    x = m.data("x", event=3)
    m.observe("y", gd.Normal(0, 1), value=x)  # here


@mistake(gd.ModelError, "node 'y'", "does not vary over 'i'", 'give the values under "y"')
def observed_array_in_place_of_data():
    m = gd.Model("m")
    i = m.plate("i")
    m.observe("y", gd.Normal(0, 1), dims=i, value=np.zeros(3))  # here


@mistake(gd.ModelError, "node 'y'", "varies over 'j'", "dims=(i, j)")
def observed_value_over_more_dims():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    x = m.data("x", dims=(i, j))
    m.observe("y", gd.Normal(0, 1), dims=i, value=x)  # here


@mistake(gd.ModelError, "node 'y'", "outside the support", "-3.0", "positive")
def observed_constant_outside():
    m = gd.Model("m")
    m.observe("y", gd.Gamma(1.0, 1.0), value=-3.0)  # here


@mistake(gd.ModelError, "node 'y'", "a mask is boolean", "float, dims (i)")
def mask_of_numbers():
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    m.observe("y", gd.Normal(0, 1), dims=i, mask=x)  # here


@mistake(gd.ModelError, "missing is one of gd.Missing", "'mask'", "gd.Missing.MASK")
def missing_as_text():
    m = gd.Model("m")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("i"), missing="mask")  # here


@mistake(gd.ModelError, "node 'y'", "can be imputed", "distribution of int", "gd.Missing.MASK")
def counts_imputed():
    m = gd.Model("m")
    m.observe("y", gd.Poisson(1.0), dims=m.plate("i"), missing=gd.Missing.IMPUTE)  # here


@mistake(gd.ModelError, "looked for in data only", "leave value out")
def missing_elements_of_an_expression():
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"))
    m.observe("y", gd.Normal(0, 1), value=x, missing=gd.Missing.MASK)  # here


@mistake(gd.ModelError, "node 'f'", "cannot be masked one by one", "impute them")
def joint_distribution_masked():
    m = gd.Model("m")
    i = m.plate("i")
    x = m.data("x", dims=i)
    gp = gd.GaussianProcess(gd.kernel.SquaredExponential(), x)
    m.observe("f", gp, dims=i, missing=gd.Missing.MASK)  # here


@mistake(gd.ModelError, "node 'w'", "the axes do not fit", "length 2", "event (3,)")
def axes_of_another_length():
    m = gd.Model("m")
    x, a = m.data("x", event=3), m.axis("a", 2)
    m.let("w", x, axes=[a])  # here


@mistake(gd.ModelError, "needs a value, not a distribution", "Normal(loc=0, scale=1)", "m.latent")
def distribution_recorded():
    m = gd.Model("m")
    m.let("w", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "NoneType", "return a value")
def nothing_recorded():
    m = gd.Model("m")
    m.let("w", None)  # here


@mistake(gd.ModelError, "node 'f'", "one log-weight for each element", "event (3,)", "x.sum()")
def factor_with_event_axes():
    m = gd.Model("m")
    x = m.data("x", event=3)
    m.factor("f", x)  # here


@mistake(gd.ModelError, "node 'f'", "a log-weight, not a condition", "gd.where")
def factor_of_a_condition():
    m = gd.Model("m")
    x = m.data("x")
    m.factor("f", x > 0)  # here


@mistake(gd.ModelError, "model 'm' has nothing named 'sigma'", "one of x, mu")
def unknown_site():
    m = gd.Model("m")
    m.data("x")
    m.latent("mu", gd.Normal(0, 1))
    m["sigma"]  # here


# -- methods ----------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "chains must be a positive integer", "0")
def no_chains():
    gd.NUTS(chains=0)  # here


@mistake(gd.ModelError, "target_accept is a probability", "1.5", "between 0 and 1")
def acceptance_above_one():
    gd.NUTS(target_accept=1.5)  # here


@mistake(TypeError, "unexpected keyword argument 'samples'")
def unknown_method_option():
    gd.NUTS(samples=100)
