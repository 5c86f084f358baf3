"""Mistakes in diffusions: processes that are none, samplers and networks that do not fit."""

from __future__ import annotations

import gendsl as gd
from gendsl.densities import DiffusionDensity
from gendsl.networks import MLP
from gendsl.objectives.diffusion import DenoisingScoreMatching
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
