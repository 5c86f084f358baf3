"""Mistakes in diffusions: processes that are none, samplers and networks that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from gendsl.densities import DiffusionDensity
from gendsl.methods import Train
from gendsl.networks import MLP
from gendsl.objectives.diffusion import DenoisingScoreMatching, FlowMatching
from gendsl.processes import EDM, VE, VP, Process, Rectified, schedule
from gendsl.samplers import DDIM, Ancestral, DPMSolver, GivenTimes, Heun, Karras, ProbabilityFlow
from tests.mistakes.table import mistake


# -- processes --------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "the log-SNR does not fall at t = 0.5", "noise only grows", "turn it round")
def schedule_that_turns_back():
    Process(alpha=lambda ops, t: 1.0 + 0.0 * t, sigma=lambda ops, t: 1.0 - ops.square(t - 0.5))  # here


@mistake(gd.ModelError, "the log-SNR does not fall at t = 0.001", "time runs from data")
def time_from_noise_to_data():
    Process(alpha=lambda ops, t: t, sigma=lambda ops, t: 1.0 - 0.9 * t)  # here


@mistake(gd.ModelError, "alpha is not a positive number at t = 1", "alpha(1) = 0", "move start or end")
def signal_that_vanishes_at_the_end():
    Process(alpha=lambda ops, t: 1.0 - t, sigma=lambda ops, t: t)  # here


@mistake(gd.ModelError, "f does not follow from alpha and sigma at t = ", "f = -0.5", "give one of the two")
def two_descriptions_that_disagree():
    Process(  # here
        alpha=lambda ops, t: ops.exp(-t),
        sigma=lambda ops, t: ops.sqrt(1.0 - ops.exp(-2.0 * t)),
        f=lambda ops, t: -0.5,
        g=lambda ops, t: 2.0**0.5,
    )


@mistake(gd.ModelError, "f cannot be integrated near t = 0.99", "move end")
def drift_that_is_infinite():
    Process(f=lambda ops, t: -1.0 / (1.0 - t), g=lambda ops, t: 1.0)  # here


@mistake(gd.ModelError, "these functions do not describe a process", "given:  f", "f and g; or beta")
def drift_without_diffusion():
    Process(f=lambda ops, t: -t)  # here


@mistake(gd.ModelError, "beta is a function of time", "given:  20.0", "beta=lambda ops, t: ...")
def number_for_a_function():
    Process(beta=20.0)  # type: ignore[arg-type]  # here


@mistake(gd.ModelError, "sigma cannot be evaluated", "no attribute 'sinus'", "lambda ops, t: ops.exp(-t)")
def function_that_ops_lacks():
    Process(alpha=lambda ops, t: ops.cos(t), sigma=lambda ops, t: ops.sinus(t))  # here


@mistake(gd.ModelError, "alpha cannot be evaluated", "takes 1 positional argument")
def function_of_time_alone():
    Process(alpha=lambda t: 1.0 - t, sigma=lambda t: t)  # type: ignore[arg-type, misc]  # here


@mistake(gd.ModelError, "VE: sigma_min is a number above 0 and below 1", "sigma_min=50.0")
def noise_levels_swapped():
    VE(50.0, 1.0)  # here


@mistake(gd.ModelError, "VP: schedule is of another kind", "schedule=LinearSchedule(...)")
def schedule_without_parentheses():
    VP(schedule.Linear)  # type: ignore[arg-type]  # here


@mistake(gd.ModelError, "Rectified: end is a number above 0 and below 1", "end=1.0")
def straight_path_to_its_end():
    Rectified(end=1.0)  # here


@mistake(gd.ModelError, "gd.EDM has no argument 'sigma_mn'", "did you mean 'sigma_min'?")
def misspelt_level():
    EDM(sigma_mn=0.01)  # type: ignore[call-arg]  # here


@mistake(gd.FormatError, "a process that is given by functions cannot be written", "processes of gendsl: EDM")
def functions_in_a_file():
    from gendsl.graph.json.nodes import Codec

    process = Process(beta=lambda ops, t: 1.0 + t)
    Codec(set(), set()).encode(process, "nodes[3].attrs.process")


# -- samplers ---------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "DDIM: eta is a number at least 0 and at most 1", "eta=2.0")
def more_noise_than_there_is():
    DDIM(eta=2.0)  # here


@mistake(gd.ModelError, "DPMSolver: order is 1, 2 or 3", "given:  4")
def order_that_is_not_there():
    DPMSolver(order=4)  # here


@mistake(gd.ModelError, "GivenTimes: values are times that fall", "from the noise to the data")
def times_from_data_to_noise():
    GivenTimes((0.0, 0.5, 1.0))  # here


@mistake(gd.ModelError, "the sampler takes another number of steps", "2 times", "4 times", "steps=1")
def times_and_steps_that_differ():
    DDIM(steps=3, grid=GivenTimes((1.0, 0.1))).table(VP())  # here


@mistake(gd.ModelError, "Ancestral: variance is none that is known", "'fixed large'", "variance='fixed large'")
def variance_by_half_its_name():
    Ancestral(variance="large")  # type: ignore[arg-type]  # here


@mistake(gd.ModelError, "Heun: grid is of another kind", "grid=Karras(...)")
def grid_without_parentheses():
    Heun(grid=Karras)  # type: ignore[arg-type]  # here


@mistake(gd.ModelError, "ProbabilityFlow: steps are even", "steps=51", "steps=52")
def odd_steps():
    ProbabilityFlow(steps=51)  # here


@mistake(gd.ModelError, "ProbabilityFlow: atol goes with rtol", "atol=1e-06")
def tolerance_alone():
    ProbabilityFlow(atol=1e-6)  # here


# -- densities and objectives -----------------------------------------------------------------------------------------
@mistake(
    gd.ModelError, "a distribution's own sampler is a function of one normal event", "fit.sample(..., sampler=...)"
)
def noisy_sampler_in_a_density():
    DiffusionDensity(VP(), MLP(2), sampler=Ancestral())  # here


@mistake(gd.ModelError, "predicts is none that is known", "predicts='epsilon'", "'velocity'", "predicts='eps'")
def output_by_another_name():
    DiffusionDensity(VP(), MLP(2), predicts="epsilon")  # type: ignore[arg-type]  # here


@mistake(gd.ModelError, "the network gives another shape than it takes", "(2,) -> (3,)", "as wide at its end")
def network_of_another_width():
    DiffusionDensity(VP(), MLP(3)).parameters((2,))  # here


@mistake(gd.ModelError, "DenoisingScoreMatching: weight is none that is known", "'likelihood'")
def weight_by_another_name():
    DenoisingScoreMatching(weight="elbo")  # type: ignore[arg-type]  # here


@mistake(gd.ModelError, "gd.FlowMatching has no argument 'weight'")
def weight_of_a_flow():
    FlowMatching(weight="simple")  # type: ignore[call-arg]  # here


@mistake(gd.ModelError, "FlowMatching: times is none that is known", "'stratified'", "times='stratified'")
def times_by_another_name():
    FlowMatching(times="strat")  # type: ignore[arg-type]  # here


# -- models that denoising does not learn -----------------------------------------------------------------------------
DATA = {"x": np.zeros((4, 2)), "y": np.zeros(4)}


def _diffusion(**options: Any) -> gd.Distribution:
    return gd.Diffusion(VP(), network=MLP(2, hidden=(4,)), event=2, **options)


def _fit(m: gd.Model, **data: Any) -> gd.TrainedFit:
    m.objective(gd.DenoisingScoreMatching())
    return m.fit(data or DATA, Train(steps=2), backend="pyro", progress=False)


def _plain() -> gd.TrainedFit:
    m = gd.Model("points")
    m.observe("x", _diffusion(), dims=m.plate("row"))
    return _fit(m, x=DATA["x"])


@mistake(gd.FitError, "'y'", "model 'line' observes no diffusion", "'y' ~ Normal", "gd.Diffusion(")
def denoising_without_a_diffusion():
    m = gd.Model("line")
    m.observe("y", gd.Normal(m.param("w", 0.0), 1), dims=m.plate("row"))  # here
    _fit(m, y=DATA["y"])


@mistake(gd.FitError, "model 'empty' observes no diffusion", "no observation")
def denoising_of_nothing():
    m = gd.Model("empty")
    m.data("x", dims=m.plate("row"), event=2)
    _fit(m, x=DATA["x"])


@mistake(gd.FitError, "'y' is no diffusion, so gd.DenoisingScoreMatching does not learn it", "gd.MaximumLikelihood()")
def denoising_beside_a_normal():
    m = gd.Model("both")
    row = m.plate("row")
    m.observe("x", _diffusion(), dims=row)
    m.observe("y", gd.Normal(0, 1), dims=row)  # here
    _fit(m)


@mistake(gd.FitError, "learns diffusions of data, and 'z' is drawn", "latents 'z'", "gd.ELBO()")
def denoising_with_a_latent():
    m = gd.Model("latent")
    row = m.plate("row")
    m.observe("x", _diffusion(), dims=row)
    m.latent("z", _diffusion(), dims=row)  # here
    _fit(m, x=DATA["x"])


@mistake(gd.FitError, "factor 'more' cannot be added to it", "gd.MaximumLikelihood() takes factors")
def denoising_with_a_factor():
    m = gd.Model("weighted")
    x = m.observe("x", _diffusion(), dims=m.plate("row"))
    m.factor("more", -x.sum())  # here
    _fit(m, x=DATA["x"])


@mistake(gd.FitError, "'x' is a diffusion under a mask", "looks past", "leave out the rows that do not count")
def denoising_under_a_mask():
    m = gd.Model("masked")
    row = m.plate("row")
    keep = m.data("keep", dims=row, dtype=bool)
    m.observe("x", _diffusion(), dims=row, mask=keep)  # here
    _fit(m, x=DATA["x"], keep=np.ones(4, bool))


@mistake(gd.FitError, "'x' is a diffusion within a MixtureGeneral", "gd.MaximumLikelihood()")
def denoising_of_a_mixture():
    m = gd.Model("mixed")
    part = gd.Normal(0, 1).expand(2)
    m.observe("x", gd.Mixture(np.array([0.5, 0.5]), [_diffusion(), part]), dims=m.plate("row"))  # here
    _fit(m, x=DATA["x"])


@mistake(gd.FitError, "puts noise on data, and 'x' is computed", "leave value out")
def denoising_of_an_expression():
    m = gd.Model("scaled")
    raw = m.data("raw", dims=m.plate("row"), event=2)
    m.observe("x", _diffusion(), value=raw / 255)  # here
    _fit(m, raw=DATA["x"])


@mistake(gd.FitError, "no diffusion depends on 'w'", "leave 'w' out")
def denoising_beside_a_parameter():
    m = gd.Model("idle")
    m.observe("x", _diffusion(), dims=m.plate("row"))
    m.let("twice", 2 * m.param("w", 0.0))  # here
    _fit(m, x=DATA["x"])


@mistake(gd.FitError, "a sampler is one of gd.sampler", "sampler='ddim'")
def sampler_by_its_name():
    _plain().sample(sampler="ddim")  # type: ignore[arg-type]


@mistake(gd.FitError, "a sampler is one of gd.sampler", "gd.sampler.DDIM()")
def sampler_without_parentheses():
    _plain().sample(sampler=DDIM)  # type: ignore[arg-type]


@mistake(gd.FitError, "sampler= says how diffusions are drawn, and none is drawn for 'y'", "leave sampler out")
def sampler_of_a_normal():
    m = gd.Model("line")
    m.observe("y", gd.Normal(m.param("w", 0.0), 1), dims=m.plate("row"))
    m.fit({"y": DATA["y"]}, Train(steps=2), backend="pyro", progress=False).sample(sampler=DDIM())


@mistake(gd.FitError, "these draws are of a posterior", "leave sampler out")
def sampler_of_a_posterior():
    m = gd.Model("mean")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=m.plate("row"))
    m.fit({"y": DATA["y"]}, Train(steps=2), backend="pyro", progress=False).sample(sampler=DDIM())
