"""Mistakes in predictions: of a fit, of the prior, of new data."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from tests.fit.models import SCHOOLS, schools
from tests.mistakes.table import mistake
from tests.predict.exact import fit_of


def _schools() -> Any:
    draws = {"mu": np.zeros((1, 4)), "tau": np.ones((1, 4)), "theta": np.zeros((1, 4, 8))}
    return fit_of(schools(), SCHOOLS, "pyro", draws)


# -- of a fit ---------------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "no site named 'z'", "some of mu, tau, theta, y", "check the spelling")
def prediction_of_an_unknown_site():
    _schools().sample(names=["z"])  # here


@mistake(gd.FitError, "node 'sigma'", "is data, which is given and not drawn", "names=['sigma']")
def prediction_of_data():
    _schools().sample(names=["sigma"])  # here


@mistake(gd.FitError, "names are a list of sites", "given:  3", "some of")
def prediction_of_a_number():
    _schools().sample(names=3)  # here


@mistake(gd.FitError, "no name is given", "names=[]", "leave names out")
def prediction_of_nothing():
    _schools().sample(names=[])  # here


@mistake(gd.FitError, "observes nothing", "m.observe(...)", 'names=["x"]')
def prediction_without_observations():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1))
    fit_of(m, {}, "pyro", {"x": np.zeros((1, 3))}).sample()  # here


@mistake(gd.FitError, "a seed is a nonnegative integer", "-1", "seed=0")
def prediction_with_a_negative_seed():
    _schools().sample(seed=-1)  # here


@mistake(gd.DataError, "node 'sigma'", "sizes of plate 'school' differ", "drawn for 8 elements", "new='school'")
def prediction_for_another_number_of_groups():
    m = gd.Model("m")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school)  # here
    theta = m.latent("theta", gd.Normal(0, 1), dims=school)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    fit = fit_of(m, SCHOOLS, "pyro", {"theta": np.zeros((1, 4, 8))})
    fit.sample({"sigma": [1.0, 2.0]})


@mistake(gd.FitError, "node 'school'", "drawn for another number of elements", "needed: 8", 'new="school"')
def prediction_for_another_size_of_a_plate_with_latents():
    m = gd.Model("m")
    school = m.plate("school")  # here
    theta = m.latent("theta", gd.Normal(0, 1), dims=school)
    m.observe("y", gd.Normal(theta, 1), dims=school)
    fit = fit_of(m, {"y": SCHOOLS["y"]}, "pyro", {"theta": np.zeros((1, 4, 8))})
    fit.sample(sizes={"school": 5})


@mistake(gd.DataError, "node 'row'", "nothing gives plate 'row' a size", 'sizes={"row": 100}')
def prediction_without_a_size():
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))
    row = m.plate("row")  # here
    m.observe("y", gd.Normal(mu, 1), dims=row)
    fit_of(m, {"y": [1.0, 2.0]}, "pyro", {"mu": np.zeros((1, 3))}).sample({})


@mistake(gd.DataError, "node 'x'", "data are missing for 'x'", "given:  y", 'add "x" to the data')
def prediction_without_a_covariate():
    m = gd.Model("m")
    row = m.plate("row")
    x = m.data("x", dims=row)  # here
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu * x, 1), dims=row)
    fit_of(m, {"x": [1.0, 2.0], "y": [1.0, 2.0]}, "pyro", {"mu": np.zeros((1, 3))}).sample({"y": [1.0]})


@mistake(gd.DataError, "node 'sigma'", "data are missing for 'sigma'", "is 'sgima' meant for 'sigma'?")
def prediction_with_a_typo_in_the_data():
    m = gd.Model("m")
    row = m.plate("row")
    sigma = m.data("sigma", dims=row)  # here
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), sigma), dims=row)
    fit_of(m, SCHOOLS, "pyro", {"mu": np.zeros((1, 3))}).sample({"sgima": [1.0]})


@mistake(gd.FitError, "no plate 'row' of latents that could be drawn anew", "new='row'", "some of school")
def prediction_with_an_unknown_new_plate():
    _schools().sample({"sigma": [1.0]}, new="row")  # here


@mistake(gd.FitError, "node 'theta'", "prior is improper", "gd.ImproperUniform", "a proper prior")
def prediction_of_new_groups_with_an_improper_prior():
    m = gd.Model("m")
    school = m.plate("school")
    theta = m.latent("theta", gd.ImproperUniform(gd.real), dims=school)  # here
    m.observe("y", gd.Normal(theta, 1), dims=school)
    fit = fit_of(m, {"y": [1.0, 2.0]}, "pyro", {"theta": np.zeros((1, 4, 2))})
    fit.sample({"y": [1.0]}, new="school")


@mistake(gd.DataError, "node 'y'", "data are missing for 'y'", 'add "y" to the data')
def density_without_observations():
    m = gd.Model("m")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1), dims=row)
    m.observe("y", gd.Normal(mu, 1), dims=row)  # here
    fit_of(m, {"y": [1.0]}, "pyro", {"mu": np.zeros((1, 3, 1))}).log_prob({})


@mistake(gd.FitError, "it has no likelihood", "at least one observation", "m.observe(")
def likelihood_of_factors():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("f", -x * x)
    fit_of(m, {}, "pyro", {"x": np.zeros((1, 3))}).log_likelihood()  # here


@mistake(gd.FitError, "no observation named 'theta'", "one of y", "leave the name out")
def loo_of_a_latent():
    _schools().loo("theta")  # here


@mistake(gd.FitError, "no observed element counts", "leave nothing of y", "check the masks")
def loo_of_nothing():
    m = gd.Model("m")
    mu = m.latent("mu", gd.Normal(0, 1))
    row = m.plate("row")
    m.observe("y", gd.Normal(mu, 1), dims=row, mask=m.data("there", dims=row, dtype=bool))
    fit_of(m, {"y": [1.0], "there": [False]}, "pyro", {"mu": np.zeros((1, 3))}).loo()  # here


@mistake(gd.FitError, "two or more fits are compared by name", "a dict of fits", "gd.compare({")
def comparison_of_one_fit():
    gd.compare({"only": _schools()})  # here


@mistake(gd.FitError, "has no observation 'mu' that could be shown", "some of y", "check the spelling")
def plot_of_predictions_of_a_latent():
    _schools().plot_predictive(["mu"])  # here


# -- of the prior -----------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "node 'mu'", "prior is improper", "gd.ImproperUniform", "gd.Normal")
def prior_that_is_improper():
    m = gd.Model("m")
    m.latent("mu", gd.ImproperUniform(gd.real))  # here
    m.prior_predictive(backend="pyro")


@mistake(gd.FitError, "node 'mu'", "prior is improper", "with constraint=, which is not normalised")
def prior_with_a_constraint():
    m = gd.Model("m")
    m.latent("mu", gd.Normal(0, 1).expand(2), constraint=gd.ordered)  # here
    m.prior_predictive(backend="pyro")


@mistake(gd.FitError, "node 'wall'", "factor 'wall' reweights", 'm.factor("wall", ...)')
def prior_with_a_factor():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("wall", -x * x)  # here
    m.prior_predictive(backend="pyro")


@mistake(gd.FitError, "draws is a positive integer", "given:  -5", "draws=1000")
def prior_with_negative_draws():
    schools().prior_predictive(SCHOOLS, -5, backend="pyro")  # here


@mistake(gd.DataError, "no plate 'shcool' that could be given a size", "some of school", "check the spelling")
def prior_with_a_size_of_no_plate():
    schools().prior_predictive(SCHOOLS, backend="pyro", sizes={"shcool": 3})  # here


@mistake(gd.DataError, "node 'sigma'", "sizes of plate 'school' differ", "size=5", "needed: 5")
def prior_with_a_size_that_data_contradict():
    m = gd.Model("m")
    school = m.plate("school", 5)
    m.data("sigma", dims=school)  # here
    theta = m.latent("theta", gd.Normal(0, 1), dims=school)
    m.observe("y", gd.Normal(theta, m["sigma"]), dims=school)
    m.prior_predictive({"sigma": [1.0, 2.0]}, backend="pyro")


@mistake(gd.DataError, "node 'row'", "at least one element", "a positive integer", 'sizes={"row": 100}')
def prior_with_an_empty_plate():
    m = gd.Model("m")
    row = m.plate("row")  # here
    m.observe("y", gd.Normal(0, 1), dims=row)
    m.prior_predictive(backend="pyro", sizes={"row": 0})


@mistake(gd.DataError, "node 'row'", "declared with another size", "needed: 3", "leave size= out")
def prior_with_another_size_than_declared():
    m = gd.Model("m")
    row = m.plate("row", 3)  # here
    m.observe("y", gd.Normal(0, 1), dims=row)
    m.prior_predictive(backend="pyro", sizes={"row": 5})


@mistake(gd.DataError, "sizes are given by plate", "100", "a dict")
def prior_with_a_bare_size():
    schools().prior_predictive(SCHOOLS, backend="pyro", sizes=100)  # here


@mistake(gd.ModelError, "neither latents nor observations", "at least one", "m.latent(")
def prior_of_nothing():
    gd.Model("m").prior_predictive(backend="pyro")  # here
