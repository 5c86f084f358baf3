"""Mistakes in latents, observations, recorded values and factors."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


# -- latents ----------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'theta'", "vary over 'school'", "dims ()", "dims=(school)", "add 'school' to dims")
def latent_lacks_a_dim():
    m = gd.Model("m")
    school = m.plate("school")
    mu = m.latent("mu", gd.Normal(0, 1), dims=school)
    m.latent("theta", gd.Normal(mu, 1))  # here


@mistake(gd.ModelError, "node 'y'", "vary over 'school'", "dims=(pupil, school)", "mu[school_of]")
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


@mistake(gd.ModelError, "node 'x'", "an axis does not fit", "<axis k, length 3>", "length 2")
def latent_with_an_axis_of_another_length():
    m = gd.Model("m")
    k = m.axis("k", 3)
    m.latent("x", gd.Normal(0, 1).expand(2), axes=k)  # here


@mistake(gd.ModelError, "an axis does not fit", "'k'", 'm.axis("name", length)')
def latent_with_an_axis_by_name():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1).expand(2), axes="k")  # here


@mistake(gd.ModelError, "node 'y'", "more axes than event axes", "at most 1")
def observation_with_two_axes_for_one():
    m = gd.Model("m")
    k, j = m.axis("k", 2), m.axis("j", 2)
    m.observe("y", gd.Normal(0, 1).expand(2), axes=(k, j))  # here


@mistake(gd.ModelError, "m.latent has no argument 'shape'", "shape=3", "dims, centered")
def unknown_option_of_latent():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), shape=3)  # here


@mistake(gd.ModelError, "m.latent has no argument 'dim'", "did you mean 'dims'?")
def misspelt_option_of_latent():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), dim=m.plate("i"))  # here


@mistake(gd.ModelError, "node 'y'", "vary over 'j'", "loc=effect * x", "'of' says which 'j'", "effect[of]")
def forgotten_index():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    x, _ = m.data("x", dims=i), m.data("of", dims=i, indexes=j)
    effect = m.latent("effect", gd.Normal(0, 1), dims=j)
    m.observe("y", gd.Normal(effect * x, 1), dims=i)  # here


@mistake(gd.ModelError, "node 'y'", "vary over 'j'", 'm.data("j_of", dims=i, indexes=j)', "effect[j_of]")
def forgotten_index_and_its_data():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    x = m.data("x", dims=i)
    effect = m.latent("effect", gd.Normal(0, 1), dims=j)
    m.observe("y", gd.Normal(effect + x, 1), dims=i)  # here


@mistake(gd.ModelError, "nothing gives plate 'i' a size", "'y' (sites.py:", "has no dims", "dims=i)", later=True)
def forgotten_dims():
    m = gd.Model("m")
    m.plate("i")  # here
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1))
    m.fit({"y": [1.0, 2.0]}, gd.NUTS(), backend="numpyro")


@mistake(gd.DataError, "node 'y'", "another number of axes", "declare 'y' with dims=i")
def forgotten_dims_of_an_observation():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i"))
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1))  # here
    m.fit({"x": [1.0, 2.0], "y": [1.0, 2.0]}, gd.NUTS(), backend="numpyro")


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


@mistake(gd.CompileError, "node 'z'", "needs continuous latents, and 'z' is discrete", "gd.Mixture", "HiddenMarkov")
def discrete_latent_compiled():
    m = gd.Model("m")
    m.latent("z", gd.Categorical([0.2, 0.8]))  # here
    m.compile("pyro")


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


@mistake(gd.ModelError, "has nothing named 'thta'", "one of y, theta\n", "did you mean 'theta'?")
def misspelt_site():
    m = gd.Model("m")
    theta = m.latent("theta", gd.Normal(0, 1))
    m.observe("y", gd.Normal(theta, 1))
    m["thta"]  # here
