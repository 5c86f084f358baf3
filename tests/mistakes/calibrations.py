"""Mistakes in calibrations: models that cannot be simulated, requests that make no sense."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from tests.fit.models import SCHOOLS, schools
from tests.mistakes.table import mistake

QUICK = gd.NUTS(chains=1, warmup=10, draws=100)


def _run(m: gd.Model, data: dict[str, Any] | None = None, method: Any = QUICK, **options: Any) -> None:
    gd.calibrate(m, data or {}, method, backend="pyro", progress=False, processes=1, **options)


@mistake(gd.FitError, "node 'mu'", "prior is improper", "gd.ImproperUniform", "gd.Normal")
def calibration_with_an_improper_prior():
    m = gd.Model("m")
    mu = m.latent("mu", gd.ImproperUniform(gd.real))  # here
    m.observe("y", gd.Normal(mu, 1), dims=m.plate("row", 3))
    _run(m)


@mistake(gd.FitError, "node 'late'", "observes an expression (value=)", "gd.Markov")
def calibration_of_an_observed_expression():
    m = gd.Model("m")
    t = m.plate("t")
    y = m.data("y", dims=t)
    a = m.latent("a", gd.Normal(0, 1))
    m.observe("late", gd.Normal(a * gd.lag(y, 1, t >= 1), 1), value=y[t >= 1])  # here
    _run(m, {"y": np.arange(4.0)})


@mistake(gd.FitError, "node 'z'", "'z' is discrete", "gd.Mixture")
def calibration_of_a_discrete_latent():
    m = gd.Model("m")
    z = m.latent("z", gd.Bernoulli(probs=0.5))  # here
    m.observe("y", gd.Normal(z, 1), dims=m.plate("row", 3))
    _run(m)


@mistake(gd.FitError, "observes nothing", "no data to simulate", "m.observe(")
def calibration_without_observations():
    m = gd.Model("m")
    m.latent("mu", gd.Normal(0, 1))
    _run(m)


@mistake(gd.DataError, "node 'row'", "nothing gives plate 'row' a size", 'sizes={"row": 100}')
def calibration_without_a_size():
    m = gd.Model("m")
    row = m.plate("row")  # here
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=row)
    _run(m)


@mistake(gd.DataError, "data are missing for 'sigma'", 'add "sigma" to the data')
def calibration_without_covariates():
    _run(schools())


@mistake(gd.DataError, "no data named 'tau_scale'", "1 too many", "leave them out")
def calibration_with_unknown_data():
    _run(schools(), {"sigma": SCHOOLS["sigma"], "tau_scale": 3.0})


@mistake(gd.FitError, "simulations is a positive integer", "given:  0", "simulations=200")
def calibration_without_simulations():
    _run(schools(), SCHOOLS, simulations=0)


@mistake(gd.FitError, "fewer draws than are ranked against", "draws=500", "1 x 100", "gd.NUTS(draws=2500)")
def calibration_with_too_few_draws():
    _run(schools(), SCHOOLS, draws=500)


@mistake(gd.FitError, "an unknown method", "'nuts'", "gd.NUTS(...)")
def calibration_of_an_unknown_method():
    _run(schools(), SCHOOLS, "nuts")


@mistake(
    gd.FitError, "node 'y'", "simulator 'other' does not observe 'y'", "observations z", "names that the model has"
)
def calibration_by_a_simulator_of_other_data():
    m = gd.Model("m")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=m.plate("row", 3))  # here
    other = gd.Model("other")
    other.observe("z", gd.Normal(other.latent("mu", gd.Normal(0, 1)), 1), dims=other.plate("row", 3))
    _run(m, simulator=other)


@mistake(gd.FitError, "none of the model's latents", "nothing can be ranked", "given:  b", "some of a")
def calibration_by_a_simulator_of_other_latents():
    m, other = gd.Model("m"), gd.Model("other")
    m.observe("y", gd.Normal(m.latent("a", gd.Normal(0, 1)), 1), dims=m.plate("row", 3))
    other.observe("y", gd.Normal(other.latent("b", gd.Normal(0, 1)), 1), dims=other.plate("row", 3))
    _run(m, simulator=other)
