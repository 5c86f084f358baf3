"""Mistakes in what a trained fit is asked: of given values, of what other fits have, of fits beside each other."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import gendsl as gd
from tests.fit.models import SCHOOLS, schools
from tests.mistakes.table import mistake
from tests.predict.exact import fit_of

ROWS = {"x": np.zeros((6, 2))}


def _trained(density: Any, data: Any = ROWS) -> Any:
    m = gd.Model("trained")
    m.observe("x", density, dims=m.plate("row"))
    return m.fit(data, gd.Train(steps=1), backend="pyro", progress=False)


@cache
def _flow() -> Any:
    return _trained(gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(4,))))


@cache
def _energy() -> Any:
    return _trained(gd.Energy(gd.MLP((), hidden=(4,)), 2, spread=1.0))


@cache
def _diffusion() -> Any:
    process = gd.VP(gd.schedule.Linear(0.1, 20.0))
    return _trained(gd.Diffusion(process, network=gd.MLP(2, hidden=(4,)), event=2))


@cache
def _shared() -> Any:
    m = gd.Model("shared")
    m.observe("x", gd.Normal(m.latent("mu", gd.Normal(0, 1).expand(2)), 1.0), dims=m.plate("row"))
    m.objective(gd.ELBO())
    return m.fit(ROWS, gd.Train(steps=1), backend="pyro", progress=False)


def _schools() -> Any:
    draws = {"mu": np.zeros((1, 4)), "tau": np.ones((1, 4)), "theta": np.zeros((1, 4, 8))}
    return fit_of(schools(), SCHOOLS, "pyro", draws)


# -- scores and codes -------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "'mu'", "an integral over 'mu', which is latent", "fit.log_prob(data)")
def score_of_a_model_with_latents():
    _shared().score(ROWS)  # here


@mistake(gd.FitError, "only the score of a diffusion has a time", "time=0.5", "leave time out")
def score_of_a_flow_at_a_time():
    _flow().score(ROWS, time=0.5)  # here


@mistake(gd.FitError, "'x' has no such time", "time=2.0", "from 0.001, the data, to 1, the noise", "time=0.5005")
def time_after_the_end():
    _diffusion().score(ROWS, time=2.0)  # here


@mistake(gd.FitError, "'x' has no such time", "or one for each row")
def times_of_other_rows():
    _diffusion().denoise(ROWS, time=[0.1, 0.2])  # here


@mistake(gd.FitError, "'x' has no such time", "time='late'")
def time_as_a_word():
    _diffusion().denoise(ROWS, time="late")  # here


@mistake(gd.FitError, "a diffusion denoises", "observes something else", "fit.score(data)")
def denoising_by_a_flow():
    _flow().denoise(ROWS)  # here


@mistake(gd.FitError, "'x' does not vary over the real line", "Gamma", "fit.log_prob(data).elements")
def score_of_positive_numbers():
    m = gd.Model("positive")
    m.observe("x", gd.Gamma(m.param("a", 2.0, constraint=gd.positive), 1.0), dims=m.plate("row"))  # here
    m.fit({"x": np.ones(3)}, gd.Train(steps=1), backend="pyro", progress=False).score({"x": np.ones(3)})


@mistake(gd.FitError, "'x' does not vary over the real line", "Poisson")
def score_of_counts():
    m = gd.Model("counts")
    m.observe("x", gd.Poisson(m.param("a", 2.0, constraint=gd.positive)), dims=m.plate("row"))  # here
    m.fit({"x": np.ones(3)}, gd.Train(steps=1), backend="pyro", progress=False).score({"x": np.ones(3)})


@mistake(gd.FitError, "some values of 'x' are missing", "1 missing of 3", "leave rows with missing values out")
def score_at_missing_values():
    m = gd.Model("missing")
    row = m.plate("row")
    m.observe("x", gd.Normal(m.param("a", 2.0), 1.0), dims=row, missing=gd.Missing.MASK)  # here
    fit = m.fit({"x": np.ones(3)}, gd.Train(steps=1), backend="pyro", progress=False)
    fit.score({"x": [1.0, np.nan, 2.0]})


@mistake(gd.FitError, "a mask leaves elements of 'x' out", "False at 1 of 3", ".mask(keep)")
def score_under_a_mask():
    m = gd.Model("masked")
    row = m.plate("row")
    m.observe("x", gd.Normal(m.param("a", 2.0), 1.0), dims=row, mask=m.data("ok", dims=row, dtype=bool))  # here
    data = {"x": np.ones(3), "ok": [True, False, True]}
    m.fit(data, gd.Train(steps=1), backend="pyro", progress=False).score(data)


@mistake(gd.FitError, "'x' has no such time", "[[0.5], [0.5, 0.6]]")
def times_in_rows_of_other_lengths():
    _diffusion().score(ROWS, time=[[0.5], [0.5, 0.6]])  # here


@mistake(gd.FitError, "some values of 'x' are missing", "leave rows with missing values out")
def codes_of_missing_rows():
    m = gd.Model("missing")
    flow = gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, hidden=(4,)))
    m.observe("x", flow, dims=m.plate("row"), missing=gd.Missing.MASK)  # here
    fit = m.fit(ROWS, gd.Train(steps=1), backend="pyro", progress=False)
    fit.encode({"x": [[1.0, 2.0], [np.nan, np.nan]]})


@mistake(gd.FitError, "'x' has draws and no density", "fit.sample(...)")
def score_of_a_pushforward():
    m = gd.Model("pushed")
    m.observe("x", gd.Pushforward(gd.Normal(0, 1).expand(2), gd.MLP(2, hidden=(4,))), dims=m.plate("row"))  # here
    m.objective(gd.WGAN(critic=gd.MLP(1, hidden=(4,))))
    m.fit(ROWS, gd.Train(steps=1), backend="pyro", progress=False).score(ROWS)


@mistake(gd.FitError, "has nothing that encodes rows", "or observations of gd.Flow", "gd.ELBO(guide=encoder)")
def codes_by_an_energy():
    _energy().encode(ROWS)  # here


@mistake(gd.FitError, "has nothing that encodes rows", "fit.draws has the latents that were learnt")
def codes_by_a_guide_that_reads_nothing():
    _shared().encode(ROWS)  # here


@mistake(gd.FitError, "draws is a positive integer", "given:  0")
def no_codes():
    _flow().encode(ROWS, draws=0)  # here


@mistake(gd.FitError, "the fit has no draws named 'z'", "some of x")
def codes_of_another_name():
    _flow().encode(ROWS, "z")  # here


@mistake(gd.FitError, "the fit has no draws named 'm'", "some of mu")
def summary_of_another_name():
    _shared().summary("m")  # here


# -- of other data ----------------------------------------------------------------------------------------------------
def _by_rows(each: bool) -> Any:
    """A guide that reads nothing, or a latent that is learnt beside one that is read."""
    m, g = gd.Model("m"), gd.Model("g")
    row, own = m.plate("row"), g.plate("row")
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1), dims=row), 1.0), dims=row)
    if each:
        g.latent("z", gd.Normal(g.param("loc", 0.0, dims=own), 1.0), dims=own)
    else:
        g.latent("z", gd.Normal(g.data("y", dims=own) + g.param("loc", 0.0, dims=own), 1.0), dims=own)  # here
    m.objective(gd.ELBO(guide=g))
    return m.fit({"y": np.zeros(4)}, gd.Train(steps=1), backend="pyro", progress=False)


@mistake(gd.FitError, "'mu'", "the guide reads no data", "guide=MeanField", "fit.log_prob(data)")
def other_data_of_a_guide_that_reads_none():
    _shared().on({"x": np.ones((1, 2))})  # here


@mistake(gd.FitError, "'z'", "the guide reads no data", "fit.sample(data)")
def other_data_of_a_model_that_reads_none():
    _by_rows(True).on({"y": np.zeros(4)})  # here


@mistake(gd.FitError, "'loc' was learnt for the elements of 'row'", "3 elements", "4, those of the fit")
def parameters_of_other_rows():
    _by_rows(False).on({"y": np.zeros(3)})


@mistake(gd.DataError, "'trained' has no data named 'junk'", "1 too many: 'junk'", "leave them out")
def predictions_with_other_data():
    _flow().sample({"junk": 2}, sizes={"row": 2})  # here


# -- what other fits have ---------------------------------------------------------------------------------------------
@mistake(gd.FitError, "this fit has no loo: it was trained, not sampled", "gd.compare(")
def loo_of_a_trained_fit():
    _flow().loo()  # here


@mistake(gd.FitError, "this fit has no mu: draws are found by name", 'fit.draws["mu"]')
def draws_as_an_attribute():
    _ = _shared().mu  # here


@mistake(gd.FitError, "this fit has no continue_", "resume=fit")
def continuing_what_was_trained():
    _flow().continue_()  # here


@mistake(gd.FitError, "this fit has no history: it was sampled, not trained", "fit.plot()")
def history_of_a_sampled_fit():
    _ = _schools().history  # here


@mistake(gd.FitError, "this fit has no to: chains are of one backend", "m.fit(")
def sampled_fit_elsewhere():
    _schools().to("numpyro")  # here


@mistake(gd.FitError, "a fit has no attribute 'sumary'", "did you mean fit.summary?")
def attribute_of_a_trained_fit_misspelt():
    _flow().sumary()  # here


@mistake(gd.FitError, "has no observation 'y' that could be shown", "some of x", "check the spelling")
def picture_of_an_unknown_observation():
    _flow().plot_predictive("y")  # here


@mistake(gd.FitError, "a report is an HTML page", "'fit.pdf'", "'fit.html'")
def report_of_a_trained_fit_as_another_file():
    _flow().report("fit.pdf")  # here


@mistake(gd.FitError, "has learnt no latents over plates, so all rows are new", "new='row'", "leave new out")
def new_rows_of_a_flow():
    _flow().sample({}, new="row", sizes={"row": 3})  # here


@mistake(gd.FitError, "has learnt no latents over plates, so all rows are new", "new='row'")
def log_probability_of_new_rows_of_a_flow():
    _flow().log_prob(ROWS, new="row")  # here


# -- beside each other ------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "leave-one-out is by draws of a sampler, and 'flow' was trained", "flow, energy", "held_out")
def comparison_of_trained_fits_without_data():
    gd.compare({"flow": _flow(), "energy": _energy()})  # here


@mistake(gd.FitError, "the density of 'energy' is known up to a constant", "compares with no other", "gd.Flow")
def comparison_with_an_energy():
    gd.compare({"flow": _flow(), "energy": _energy()}, ROWS)  # here


@mistake(gd.DataError, "no model has data named 'X'", "some of x", "did you mean 'x'?")
def comparison_on_data_of_another_name():
    gd.compare({"flow": _flow(), "shared": _shared()}, {"X": ROWS["x"]})  # here


@mistake(gd.FitError, "'flow' and 'schools' are of different observations", "the same observations")
def comparison_of_different_observations():
    gd.compare({"flow": _flow(), "schools": _schools()}, ROWS | SCHOOLS)  # here


@mistake(gd.FitError, "'all' and 'some' are of different elements of 'y'", "4 and 2 elements that count")
def comparison_of_other_elements():
    fits = {}
    for name in ("all", "some"):
        m = gd.Model(name)
        row = m.plate("row")
        mask = m.data("ok", dims=row, dtype=bool) if name == "some" else None
        m.observe("y", gd.Normal(m.param("a", 0.0), 1.0), dims=row, mask=mask)
        data = {"y": np.zeros(4)} | ({} if mask is None else {"ok": [True, True, False, False]})
        fits[name] = m.fit(data, gd.Train(steps=1), backend="pyro", progress=False)
    gd.compare(fits, {"y": np.zeros(4), "ok": [True, True, False, False]})  # here


@mistake(gd.DataError, "data are given by name", "int: 5", "a dict with the keys 'x'")
def comparison_on_a_number():
    gd.compare({"flow": _flow(), "shared": _shared()}, 5)  # here


@mistake(gd.DataError, "data are given by name", "a dict with the keys 'x'")
def comparison_on_an_array():
    gd.compare({"flow": _flow(), "shared": _shared()}, ROWS["x"])  # here
