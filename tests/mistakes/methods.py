"""Mistakes in methods: settings that make no sense, starts that do not fit the model, deadlines that come too soon."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from tests.fit.models import SCHOOLS, schools
from tests.mistakes.table import mistake
from tests.predict.exact import regression_fit


def _start(values: dict[str, Any], m: gd.Model | None = None, data: Any = SCHOOLS, **options: Any) -> None:
    method = gd.NUTS(chains=2, warmup=5, draws=5, init=gd.init.Given(values, **options))
    (m or schools()).fit(data, method, backend="pyro", progress=False)


# -- settings ---------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "HMC: trajectory is a positive length", "given:  0", "math.pi / 2")
def trajectory_without_length():
    gd.HMC(trajectory=0)  # here


@mistake(gd.ModelError, "HMC: max_steps must be a positive integer", "2.5", "max_steps=1000")
def fractional_steps():
    gd.HMC(max_steps=2.5)  # here


@mistake(gd.ModelError, "HMC: target_accept is a probability", "1.5", "between 0 and 1")
def impossible_acceptance():
    gd.HMC(target_accept=1.5)  # here


@mistake(gd.ModelError, "NUTS: thinning must be a positive integer", "given:  0", "thinning=1")
def thinning_to_nothing():
    gd.NUTS(thinning=0)  # here


@mistake(gd.ModelError, "NUTS: deadline is a positive number of seconds", "'10 min'", "such as 600")
def deadline_in_words():
    gd.NUTS(deadline="10 min")  # here


@mistake(gd.ModelError, "NUTS: keep_warmup is True, False", "'yes'", "a boolean")
def warmup_kept_in_words():
    gd.NUTS(keep_warmup="yes")  # here


@mistake(gd.ModelError, "NUTS: init is a way to choose starting points", "{'mu': 0.0}", "gd.init.Given({...})")
def start_as_a_dict():
    gd.NUTS(init={"mu": 0.0})  # here


@mistake(gd.ModelError, "NUTS: unknown centering", "'partial'", "gd.Centering.AUTO or gd.Centering.LEARNED")
def unknown_centering():
    gd.NUTS(centering="partial")  # here


@mistake(gd.ModelError, "NUTS: whiten is True, False", "'qr'", "a boolean")
def whitening_by_name():
    gd.NUTS(whiten="qr")  # here


@mistake(gd.ModelError, "gd.init.Uniform: candidates is a positive integer", "given:  0", "1 or more")
def no_candidates():
    gd.init.Uniform(candidates=0)  # here


@mistake(gd.BackendError, "pyro finds no such device", "device='cuda:99'", "one of cpu", "leave device out")
def device_that_is_not_there():
    schools().fit(SCHOOLS, gd.NUTS(), backend="pyro", device="cuda:99")  # here


@mistake(gd.BackendError, "numpyro finds no such device", "device='tpu'", "one of cpu")
def device_of_another_kind():
    schools().compile("numpyro", device="tpu")  # here


@mistake(gd.ModelError, "nutpie has nothing but warmup to adapt in", "given:  0", "warmup=300")
def nutpie_without_warmup():
    gd.NUTS(engine=gd.Engine.NUTPIE, warmup=0)  # here


@mistake(gd.ModelError, "gd.init.Uniform: radius is a positive number", "-2", "for example 2.0")
def start_within_a_negative_radius():
    gd.init.Uniform(-2)  # here


@mistake(gd.ModelError, "gd.init.Given: jitter is a nonnegative number", "'a little'")
def start_with_a_jitter_in_words():
    gd.init.Given({"mu": 0.0}, jitter="a little")  # here


@mistake(gd.ModelError, "values are given by the latents' names", "given:  [0.0, 1.0]", 'gd.init.Given({"mu": 0.0})')
def start_without_names():
    gd.init.Given([0.0, 1.0])  # here


@mistake(gd.ModelError, "node 'mu'", "a starting value is not finite", "given:  nan")
def start_at_nan():
    gd.init.Given({"mu": np.nan})  # here


# -- starts that do not fit the model ---------------------------------------------------------------------------------
@mistake(gd.FitError, "node 'nu'", "there is no latent 'nu'", "some of mu, tau, theta", "check the spelling")
def start_of_an_unknown_latent():
    method = gd.NUTS(chains=2, warmup=5, draws=5, init=gd.init.Given({"nu": 0.0}))
    schools().fit(SCHOOLS, method, backend="pyro", progress=False)  # here


@mistake(gd.FitError, "node 'sigma'", "'sigma' is data, and has no starting value", "some of mu, tau, theta")
def start_of_data():
    _start({"sigma": np.ones(8)})


@mistake(gd.FitError, "node 'rate'", "'rate' is computed from latents, and has no starting value", "some of x")
def start_of_a_recorded_value():
    m = gd.Model("m")
    m.let("rate", gd.exp(m.latent("x", gd.Normal(0, 1))))  # here
    _start({"rate": 1.0}, m, {})


@mistake(gd.FitError, "node 'x'", "wrong shape", "shape (3,)", "(5,) for all 2 chains alike, or (2, 5)")
def start_of_another_shape():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), dims=m.plate("row", 5))  # here
    _start({"x": np.zeros(3)}, m, {})


@mistake(gd.FitError, "node 'x'", "lies outside its support", "given:  -1.0", "values in the support: nonnegative")
def start_outside_the_support():
    m = gd.Model("m")
    m.latent("x", gd.HalfNormal(1))  # here
    _start({"x": -1.0}, m, {})


@mistake(gd.FitError, "node 'x'", "a start from the prior draws 'x', whose prior is improper", "gd.Normal")
def start_from_an_improper_prior():
    m = gd.Model("m")
    x = m.latent("x", gd.ImproperUniform(gd.real))  # here
    m.observe("y", gd.Normal(x, 1), dims=m.plate("row"))
    m.fit({"y": [1.0]}, gd.NUTS(init=gd.init.Prior()), backend="pyro", progress=False)


@mistake(
    gd.FitError,
    "node 'wall'",
    "no starting point with a finite density",
    "in 1 try (chain 0)",
    "values of gd.init.Given",
)
def start_where_there_is_no_density():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("wall", gd.where(x > 3.0, -np.inf, 0.0))  # here
    _start({"x": 4.0}, m, {})


# -- going on, and ending ---------------------------------------------------------------------------------------------
@mistake(gd.FitError, "the deadline came before warmup was over", "deadline=1e-06 s", "a later deadline")
def deadline_that_is_too_soon():
    schools().fit(SCHOOLS, gd.NUTS(deadline=1e-6, chains=1, warmup=100), backend="pyro", progress=False)


@mistake(gd.FitError, "holds no state of a sampler", "such as gd.NUTS()", "fit again")
def continuation_without_a_state():
    regression_fit("pyro", 8).continue_()  # here


@mistake(gd.FitError, "draws is a positive integer", "given:  0", "draws=1000")
def continuation_by_nothing():
    fit = schools().fit(SCHOOLS, gd.NUTS(chains=1, warmup=2, draws=2), backend="pyro", progress=False)
    fit.continue_(0)  # here


@mistake(gd.FitError, "a calibration needs all draws of each fit", "deadline=60", "leave deadline out")
def calibration_with_a_deadline():
    gd.calibrate(schools(), SCHOOLS, gd.NUTS(deadline=60), backend="pyro", progress=False)  # here


@mistake(gd.ModelError, "NUTS: unknown chain method", "'lanes'", "gd.ChainMethod.PARALLEL")
def unknown_chain_method():
    gd.NUTS(chain_method="lanes")  # here


@mistake(gd.ModelError, "NUTS: nutpie's chains are apart", "gd.ChainMethod.VECTORIZED", "leave chain_method out")
def nutpie_vectorised():
    gd.NUTS(engine="nutpie", chain_method="vectorized")  # here


@mistake(gd.ModelError, "MALA: its chains move together", "gd.ChainMethod.PARALLEL", "gd.ChainMethod.VECTORIZED")
def mala_in_parallel():
    gd.MALA(chain_method=gd.ChainMethod.PARALLEL)  # here
