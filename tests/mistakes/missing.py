"""Mistakes with missing observations: something else is computed from the elements that are left out."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake

NAN = np.nan


@mistake(
    gd.DataError,
    "node 'y1'",
    "the observation 'y2' is computed from 'y1', of which elements are missing",
    "1 of 4 missing",
    "gd.Missing.MASK has no values",
    "mask= of 'y2', False there",
    'm.observe("y1", ..., missing=gd.Missing.IMPUTE) infers them; or give their values',
)
def an_observation_of_missing_elements():
    m = gd.Model("m")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1))
    a = m.observe("y1", gd.Normal(mu, 1), dims=row, missing=gd.Missing.MASK)  # here
    m.observe("y2", gd.Normal(a * mu, 1), dims=row)
    m.compile("pyro").bind({"y1": [2.0, NAN, 4.0, 9.0], "y2": [1.0, 2.0, 3.0, 5.0]})


@mistake(
    gd.DataError,
    "node 'count'",
    "the recorded value 'twice' is computed from 'count'",
    "2 of 3 missing",
    "give their values, or drop those rows",
)
def a_recorded_value_of_missing_counts():
    m = gd.Model("m")
    rate = m.latent("rate", gd.Gamma(1, 1))
    count = m.observe("count", gd.Poisson(rate), dims=m.plate("row"), missing=gd.Missing.MASK)  # here
    m.let("twice", 2 * count)
    m.compile("pyro").bind({"count": [2.0, NAN, NAN]})


@mistake(
    gd.DataError,
    "node 'y'",
    "the observation 'late' is computed from 'y'",
    "1 of 4 missing",
    "gd.Missing.IMPUTE",
)
def a_lag_of_missing_elements():
    m = gd.Model("m")
    t = m.plate("t")
    late = t >= 1
    y = m.observe("y", gd.Normal(0, 1), dims=t, missing=gd.Missing.MASK)  # here
    m.observe("late", gd.Normal(m.latent("phi", gd.Normal(0, 1)) * gd.lag(y, 1, late), 1), value=y[late])
    m.compile("pyro").bind({"y": [2.0, NAN, 4.0, 9.0]})


# -- fixes that were missing ------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "no argument 'support'", "did you mean 'constraint'?")
def a_parameter_with_a_support():
    m = gd.Model("m")
    m.param("s", 1.0, support=gd.positive)  # here


@mistake(
    gd.ModelError,
    "nutpie's chains are apart",
    "given:  gd.ChainMethod.VECTORIZED",
    "fix:    leave chain_method out, or engine=gd.Engine.NATIVE",
)
def nutpie_in_lockstep():
    gd.NUTS(engine=gd.Engine.NUTPIE, chain_method=gd.ChainMethod.VECTORIZED)  # here


@mistake(gd.ModelError, "its chains move together", "given:  gd.ChainMethod.PARALLEL", "fix:    leave chain_method out")
def lockstep_in_parallel():
    gd.MALA(chain_method=gd.ChainMethod.PARALLEL)  # here


@mistake(gd.FitError, "'z'", "learns from rows alone", "leave them out; what a row is given is data")
def score_matching_of_an_energy_given_a_latent():
    m = gd.Model("m")
    row = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1).expand(3), dims=row)  # here
    m.observe("x", gd.Energy(gd.MLP(1, hidden=(4,)), 2, context=z), dims=row)
    m.objective(gd.SlicedScoreMatching())
    m.fit({"x": np.zeros((4, 2))}, gd.Train(steps=2), backend="pyro", progress=False)
