"""Mistakes with what becomes of a fit: files, pictures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import gendsl as gd
from tests.fit.models import SCHOOLS, schools
from tests.mistakes.table import mistake
from tests.predict.exact import fit_of


def _schools() -> Any:
    draws = {"mu": np.zeros((1, 4)), "tau": np.ones((1, 4)), "theta": np.zeros((1, 4, 8))}
    return fit_of(schools(), SCHOOLS, "pyro", draws)


# -- files ------------------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "the path does not say the format", "'fit.pkl'", ".nc (netCDF, one file)", "fix:    'fit.nc'")
def saving_under_an_unknown_ending():
    _schools().save("fit.pkl")  # here


@mistake(gd.FitError, "is no Zarr group that could be replaced", "a folder of other things", "give another path")
def saving_over_a_folder_of_other_things():
    with tempfile.TemporaryDirectory(suffix=".zarr") as folder:
        Path(folder, "notes.txt").write_text("mine")
        _schools().save(folder)  # here


@mistake(gd.FitError, "there is no 'fit.nc' to load", "what fit.save wrote", "check the path")
def loading_what_is_not_there():
    gd.load("nowhere/fit.nc")  # here


@mistake(gd.FormatError, "'fit.nc' is not a fit that can be read", "the file is not netCDF", "take an undamaged copy")
def loading_a_table():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "fit.nc").write_text("mu,tau\n0,1\n")
        gd.load(Path(folder, "fit.nc"))  # here


@mistake(gd.FormatError, "it is no fit of gendsl", "groups posterior", "what fit.save wrote")
def loading_a_file_of_arviz():
    with tempfile.TemporaryDirectory() as folder:
        idata = _schools().idata
        del idata.observed_data, idata.constant_data
        idata.to_netcdf(str(Path(folder, "idata.nc")))
        gd.load(Path(folder, "idata.nc"))  # here


# -- pictures ---------------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "an unknown kind of plot", "['theta']", "gd.Plot.TRACE, gd.Plot.RANK", "names=['theta']")
def plotting_names_in_the_place_of_the_kind():
    _schools().plot(["theta"])  # here


@mistake(gd.FitError, "an unknown kind of plot", "'violin'", "gd.Plot.FOREST", "fit.plot(gd.Plot.TRACE)")
def plotting_an_unknown_kind():
    _schools().plot("violin")  # here


@mistake(gd.FitError, "there is no energy to show", "gd.NUTS()", "fit.plot(gd.Plot.TRACE)")
def plotting_an_energy_that_is_not_there():
    _schools().plot(gd.Plot.ENERGY)  # here


@mistake(gd.FitError, "has no unconstrained draws", "leave unconstrained out")
def plotting_unconstrained_draws_that_are_not_there():
    _schools().plot(unconstrained=True)  # here


# -- pages ------------------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "a report is an HTML page", "'fit.pdf'", "ends in .html", "fix:    'fit.html'")
def reporting_under_an_unknown_ending():
    _schools().report("fit.pdf")  # here


# -- names ------------------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "the fit has no draws named 'thta'", "some of mu, tau, theta", "did you mean 'theta'?")
def misspelt_draws():
    _schools().draws["thta"]  # here


@mistake(KeyError, "the fit has no draws named 'y' (results.py:", "observations are in fit.sample()")
def draws_of_an_observation():
    _schools().draws["y"]


@mistake(gd.FitError, "no draws named 'thta'", "did you mean 'theta'?")
def summary_of_a_misspelt_site():
    _schools().summary("thta")  # here


@mistake(AttributeError, "a fit has no attribute 'posterior'", "fix:    fit.idata.posterior")
def group_of_arviz_as_an_attribute():
    return _schools().posterior


@mistake(gd.FitError, "a fit has no attribute 'posterior_predictive'", "fit.with_groups(posterior_predictive=True)")
def group_that_is_made_when_asked_for():
    return _schools().posterior_predictive  # here


@mistake(gd.FitError, "a fit has no attribute 'theta'", 'fix:    fit.draws["theta"]')
def site_as_an_attribute():
    return _schools().theta  # here


@mistake(gd.FitError, "a fit has no attribute 'sumary'", "did you mean fit.summary?")
def misspelt_method():
    _schools().sumary()  # here
