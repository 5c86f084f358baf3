"""Mistakes in training energies and pushforwards: rows, critics, noise, and what a fit is asked."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import gendsl as gd
from gendsl import optim
from gendsl.math.adversarial import AdversarialLoss
from tests.mistakes.table import mistake

ROWS = {"x": np.zeros((6, 2))}
NETWORK = gd.MLP(1, hidden=(4,))
SLICED, WGAN = gd.SlicedScoreMatching(), gd.WGAN(critic=NETWORK)


def _fit(m: gd.Model, objective: Any, data: Any = ROWS, **options: Any) -> Any:
    m.objective(objective)
    return m.fit(data, gd.Train(steps=2, **options), backend="pyro", progress=False)


def _pushed(noise: Any = None, network: Any = gd.MLP(2, hidden=(4,)), name: str | None = None) -> gd.Model:
    m = gd.Model("pushed")
    noise = gd.Normal(0, 1).expand(3) if noise is None else noise
    m.observe("x", gd.Pushforward(noise, network, name=name), dims=m.plate("row"))
    return m


# -- the observation --------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "'x'", "gd.SlicedScoreMatching learns an energy", "gd.Normal", "gd.MaximumLikelihood()")
def score_matching_of_a_density_that_is_known():
    m = gd.Model("known")
    m.observe("x", gd.Normal(m.param("mu", 0.0), 1).expand(2), dims=m.plate("row"))  # here
    _fit(m, SLICED)


@mistake(gd.FitError, "'x'", "gd.WGAN learns a pushforward", "gd.Energy", "gd.SlicedScoreMatching()")
def critic_of_an_energy():
    m = gd.Model("energy")
    m.observe("x", gd.Energy(NETWORK, 2), dims=m.plate("row"))  # here
    _fit(m, WGAN)


@mistake(gd.FitError, "'x'", "gd.PersistentContrastiveDivergence learns an energy", "gd.WGAN(critic=gd.MLP(1))")
def chains_of_a_pushforward():
    _fit(_pushed(), gd.PersistentContrastiveDivergence())


@mistake(gd.FitError, "'x'", "the density of 'x' is known up to a constant", "gd.SlicedScoreMatching()")
def likelihood_of_an_energy():
    m = gd.Model("energy")
    m.observe("x", gd.Energy(NETWORK, 2), dims=m.plate("row"))  # here
    _fit(m, gd.MaximumLikelihood())


@mistake(gd.FitError, "'x'", "gd.Masked of a gd.Energy", 'm.observe("x", gd.Energy(...), dims=...)')
def energy_within_another_family():
    m = gd.Model("masked")
    m.observe("x", gd.Masked(gd.Energy(NETWORK, 2, name="e"), True), dims=m.plate("row"))  # here
    _fit(m, SLICED)


@mistake(gd.FitError, "model 'empty' observes nothing", "gd.GAN has no rows", 'm.observe("x", gd.Pushforward(...)')
def critic_without_data():
    m = gd.Model("empty")
    m.param("w", 0.0)
    _fit(m, gd.GAN(critic=NETWORK), {})


@mistake(gd.FitError, "'z'", "gd.SlicedScoreMatching learns from rows alone", "latents 'z'", 'data: m.data("z", ...)')
def score_matching_with_latents():
    m = gd.Model("latent")
    m.latent("z", gd.Normal(0, 1))  # here
    m.observe("x", gd.Energy(NETWORK, 2), dims=m.plate("row"))
    _fit(m, SLICED)


@mistake(gd.FitError, "'more'", "'weighted' has factors", "leave them out")
def critic_with_a_factor():
    m = gd.Model("weighted")
    m.observe("x", gd.Pushforward(gd.Normal(0, 1).expand(3), gd.MLP(2)), dims=m.plate("row"))
    m.factor("more", -(m.param("w", 1.0) ** 2))  # here
    _fit(m, WGAN)


@mistake(
    gd.FitError, "'y'", "the rows of one observation, and 'two' has 2", "observations 'x', 'y'", "a model for each"
)
def score_matching_of_two_observations():
    m = gd.Model("two")
    row = m.plate("row")
    m.observe("x", gd.Energy(NETWORK, 2), dims=row)
    m.observe("y", gd.Energy(NETWORK, 2), dims=row)  # here
    _fit(m, SLICED, ROWS | {"y": ROWS["x"]})


@mistake(gd.FitError, "'x'", "gd.ImplicitScoreMatching learns from rows, and 'x' is observed once", 'm.plate("row")')
def score_matching_of_one_row():
    m = gd.Model("once")
    m.observe("x", gd.Energy(NETWORK, 2))  # here
    _fit(m, gd.ImplicitScoreMatching(), {"x": np.zeros(2)})


@mistake(gd.FitError, "'x'", "whole rows, and elements of 'x' may be left out", "leave out the rows themselves")
def critic_of_rows_that_may_be_missing():
    m = gd.Model("gaps")
    noise = gd.Normal(0, 1).expand(3)
    m.observe("x", gd.Pushforward(noise, gd.MLP(2)), dims=m.plate("row"), missing=gd.Missing.MASK)  # here
    _fit(m, WGAN)


@mistake(gd.FitError, "'x'", "as the data give them, and those of 'x' are computed", "leave value out")
def score_matching_of_computed_rows():
    m = gd.Model("scaled")
    raw = m.data("raw", dims=m.plate("row"), event=(2,))
    m.observe("x", gd.Energy(NETWORK, 2), value=raw / 255.0)  # here
    _fit(m, SLICED, {"raw": ROWS["x"]})


# -- critics and noise ------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "'x'", "a critic gives each row one number", "MLP(2", "from events (2,) to one number")
def critic_of_two_numbers():
    _fit(_pushed(), gd.WGAN(critic=gd.MLP(2)))


@mistake(gd.FitError, "'x'", "the critic does not take rows of 'x'", "ConvNet", "gd.MLP(1, hidden=(128, 128))")
def critic_of_images_for_vectors():
    _fit(_pushed(), gd.WGAN(critic=gd.ConvNet(1)))


@mistake(gd.ModelError, "MLP: a network that takes a time is given none", "leave time= out of the network")
def critic_that_takes_a_time():
    gd.WGAN(critic=gd.MLP(1, time=gd.Sinusoidal()))  # here


@mistake(gd.FitError, "'critic'", "begin with 'critic.', and 'pushed' learns a 'critic' too", "another name")
def generator_that_is_called_the_critic():
    _fit(_pushed(name="critic"), WGAN)


@mistake(gd.FitError, "'x'", "gd.WGAN draws the noise of 'x' itself", "gd.StudentT", "gd.Normal(0, 1).expand(8)")
def noise_of_another_family():
    _fit(_pushed(gd.StudentT(4, 0, 1).expand(3)), WGAN)


@mistake(gd.FitError, "'x'", "the noise of 'x'", "gd.Normal with parameters that are no numbers")
def noise_with_a_parameter():
    m = gd.Model("shifted")
    noise = gd.Normal(m.param("shift", 0.0), 1).expand(3)
    m.observe("x", gd.Pushforward(noise, gd.MLP(2)), dims=m.plate("row"))  # here
    _fit(m, WGAN)


@mistake(gd.FitError, "a player that the objective does not have", "'discriminator'", "'critic', 'generator'")
def player_of_another_name():
    _fit(_pushed(), WGAN, players={"discriminator": optim.Adam()})


@mistake(gd.FormatError, "OwnLoss cannot be written")
def file_of_a_loss_of_the_users_own():
    class OwnLoss(AdversarialLoss):
        pass

    m = _pushed()
    m.objective(gd.GAN(critic=NETWORK, loss=OwnLoss()))
    m.to_json()


# -- what the fit is asked --------------------------------------------------------------------------------------------
@cache
def _energy() -> Any:
    m = gd.Model("energy")
    m.observe("x", gd.Energy(NETWORK, 2, spread=1.0), dims=m.plate("row"))
    return _fit(m, SLICED)


@cache
def _generator() -> Any:
    return _fit(_pushed(), WGAN)


@mistake(gd.FitError, "draws of 'x' take a sampler", "no sampler", "fit.sample(sampler=gd.MALA(")
def draws_of_an_energy_without_a_sampler():
    _energy().sample(draws=10)


@mistake(gd.FitError, "draws of 'x' take a sampler", "class", "sampler=gd.MALA()")
def sampler_as_a_class():
    _energy().sample(sampler=gd.MALA)


@mistake(gd.FitError, "chains are of one row of 'x'", "sizes={'row': 3}", "a sampler alone")
def chains_of_several_rows():
    _energy().sample(sizes={"row": 3}, sampler=gd.MALA())


@mistake(gd.FitError, "a sampler is for energies", "sampler=MALA", "fit.sample(draws=1000)")
def sampler_of_what_draws_at_once():
    _generator().sample(sampler=gd.MALA())


@mistake(gd.FitError, "'x' has draws and no density, so there is no log-probability", "fit.sample(...)")
def log_probability_of_a_pushforward():
    _generator().log_prob(ROWS)


@mistake(gd.FitError, "'x' has draws and no density, so there is no log-probability", "gd.Flow")
def evidence_of_a_pushforward():
    _generator().evidence()


@mistake(gd.FitError, "chains are of one row of 'x'", "64 rows", "sampler=gd.MALA(")
def rows_of_an_energy_by_number():
    _energy().sample(64, sampler=gd.MALA())


# -- what would not be learnt -----------------------------------------------------------------------------------------
@mistake(gd.FitError, "'scale'", "no energy depends on 'scale'", "leave 'scale' out")
def parameter_beside_an_energy():
    m = gd.Model("beside")
    m.param("scale", 1.0)  # here
    m.observe("x", gd.Energy(NETWORK, 2, spread=1.0), dims=m.plate("row"))
    _fit(m, SLICED)


@mistake(gd.FitError, "the loss of WGAN is not lower for a better model", "patience=3", "leave patience out")
def early_stopping_of_an_adversarial_game():
    _fit(_pushed(), WGAN, validation=gd.Validation(fraction=0.5, every=1, patience=3), batch_size=2)
