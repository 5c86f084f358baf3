"""Mistakes in Langevin samplers and in the objectives of energies and adversarial games."""

from __future__ import annotations

from functools import cache

import gendsl as gd
from gendsl.fit import Fit
from gendsl.math.adversarial import Minimax
from gendsl.methods import MALA, ULA
from gendsl.networks import MLP
from gendsl.objectives.adversarial import GAN, R1, WGAN, GradientPenalty
from gendsl.objectives.contrastive import ContrastiveDivergence, PersistentContrastiveDivergence
from gendsl.objectives.energy import SlicedScoreMatching, SmoothedScoreMatching
from gendsl.results.kinds import Plot
from tests.fit.models import SCHOOLS, schools
from tests.mistakes.table import mistake


# -- samplers ---------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "ULA: step_size is a positive length", "given:  0", "such as 0.1")
def unadjusted_steps_of_no_length():
    ULA(step_size=0)  # here


@mistake(gd.ModelError, "MALA: precondition is True, False", "'dense'", "a boolean")
def preconditioner_by_name():
    MALA(precondition="dense")  # here


@mistake(gd.ModelError, "MALA: target_accept is a probability", "given:  1.5", "such as 0.574")
def acceptance_beyond_one():
    MALA(target_accept=1.5)  # here


@mistake(gd.ModelError, "gd.ULA has no argument 'target_accept'", "step_size")
def acceptance_where_nothing_is_refused():
    ULA(target_accept=0.8)  # here


@mistake(gd.ModelError, "gd.MALA has no argument 'max_tree_depth'", "step_size")
def trees_of_langevin():
    MALA(max_tree_depth=10)  # here


@mistake(gd.FitError, "ULA: chain 0 ran away before its first draw", "step_size=9", "gd.MALA()")
def unadjusted_steps_that_are_too_long():
    m = gd.Model("narrow")
    m.latent("x", gd.Normal(0, 1))
    method = ULA(step_size=9, precondition=False, warmup=0, thinning=500, draws=500)
    m.fit({}, method, backend="pyro", progress=False)


@cache
def _short() -> Fit:
    return schools().fit(SCHOOLS, MALA(chains=1, warmup=5, draws=5), backend="pyro", progress=False)


@mistake(gd.FitError, "energy", "gd.NUTS()")
def energy_of_a_sampler_that_has_none():
    _short().plot(Plot.ENERGY)


@mistake(gd.FitError, "MALA needs continuous latents, and 'k' is discrete", "gd.Mixture")
def langevin_over_integers():
    m = gd.Model("counts")
    m.latent("k", gd.Poisson(3.0))  # here
    m.fit({}, MALA(), backend="pyro", progress=False)


# -- objectives -------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "SlicedScoreMatching: projections is a positive integer", "projections=0")
def no_projections():
    SlicedScoreMatching(projections=0)  # here


@mistake(gd.ModelError, "SlicedScoreMatching: probe is none that is known", "'gaussian'", "'sign', 'normal'")
def probes_of_an_unknown_kind():
    SlicedScoreMatching(probe="gaussian")  # here


@mistake(gd.ModelError, "SmoothedScoreMatching: sigma is a number above 0", "sigma=-0.1")
def smoothing_by_less_than_nothing():
    SmoothedScoreMatching(sigma=-0.1)  # here


@mistake(gd.ModelError, "PersistentContrastiveDivergence: restart is a number at least 0 and below 1", "restart=1.0")
def particles_that_never_persist():
    PersistentContrastiveDivergence(restart=1.0)  # here


@mistake(gd.ModelError, "ContrastiveDivergence: steps is a positive integer", "steps=0")
def contrast_with_itself():
    ContrastiveDivergence(steps=0)  # here


@mistake(gd.ModelError, "ContrastiveDivergence: adjusted is True or False", "'mala'", "a boolean")
def acceptance_by_name():
    ContrastiveDivergence(adjusted="mala")  # here


@mistake(gd.ModelError, "GAN: critic is of another kind", "gd.MLP(1, hidden=(128, 128))")
def critic_as_a_function():
    GAN(critic=lambda x: x)  # here


@mistake(gd.ModelError, "GAN: loss is of another kind", "loss=Minimax(...)")
def loss_as_a_class():
    GAN(critic=MLP(1), loss=Minimax)  # here


@mistake(gd.ModelError, "WGAN: penalty is of another kind", "penalty=10.0", "GradientPenalty(10.0)")
def penalty_as_a_number():
    WGAN(critic=MLP(1), penalty=10.0)  # here


@mistake(gd.ModelError, "WGAN: critic_steps is a positive integer", "critic_steps=0")
def critic_that_never_moves():
    WGAN(critic=MLP(1), critic_steps=0)  # here


@mistake(gd.ModelError, "R1: weight is a number above 0", "weight=0")
def penalty_of_no_weight():
    R1(0)  # here


@mistake(gd.ModelError, "GradientPenalty has no argument 'lambda_'", "weight")
def penalty_by_another_name():
    GradientPenalty(lambda_=10.0)  # here
