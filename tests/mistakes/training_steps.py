"""Mistakes of somebody who writes the README's training examples anew: shapes, values, spellings, what is called."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake

H = (4,)
DIGITS = np.zeros((6, 16))
IMAGES = np.zeros((6, 4, 4, 1))
CLOUD = np.ones((6, 2))


def _vae(encoder: gd.Model | None = None) -> gd.Model:
    m = gd.Model("vae")
    image = m.plate("image")
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=image)
    m.observe("x", gd.Bernoulli(logits=m.network("decoder", gd.MLP(16, hidden=H))(z)), dims=image)
    if encoder is not None:
        m.objective(gd.ELBO(guide=encoder))
    return m


def _encoder(out: int = 4, event: Any = (16,)) -> gd.Model:
    e = gd.Model("encoder")
    x = e.data("x", dims=e.plate("image"), event=event)
    loc, raw = gd.split(e.network("encoder", gd.MLP(out, hidden=H))(x), 2)
    e.latent("z", gd.Normal(loc, gd.softplus(raw)), dims="image")
    return e


def _ddpm() -> gd.Model:
    m = gd.Model("ddpm")
    net = gd.UNet(channels=(4, 8), groups=2)
    x = gd.Diffusion(gd.VP(), network=net, event=(4, 4, 1))
    m.observe("x", x, dims=m.plate("image"))  # here
    return m


def _made() -> gd.Model:
    m = gd.Model("made")
    m.observe("x", gd.Pushforward(gd.Normal(0, 1).expand(2), gd.MLP(2, hidden=H)), dims=m.plate("row"))
    m.objective(gd.WGAN(critic=gd.MLP(1, hidden=H)))
    return m


def _fit(m: gd.Model, x: Any, **options: Any) -> Any:
    more = {"resume": options.pop("resume")} if "resume" in options else {}
    return m.fit({"x": x}, gd.Train(steps=1, **options), backend="pyro", progress=False, **more)


# -- networks ---------------------------------------------------------------------------------------------------------
@mistake(
    gd.ModelError,
    "'encoder'",
    "'scale' of Normal must be positive",
    "as network 'encoder' does",
    "gd.softplus(encoder(x)[..., 2:4])",
)
def scale_that_a_network_gives():
    e = gd.Model("encoder")
    x = e.data("x", dims=e.plate("image"), event=16)
    loc, scale = gd.split(e.network("encoder", gd.MLP(4, hidden=H))(x), 2)
    e.latent("z", gd.Normal(loc, scale), dims="image")  # here


@mistake(gd.ModelError, "'decoder'", "'probs' of Bernoulli", "give it as logits=decoder(z)")
def probabilities_that_a_network_gives():
    m = gd.Model("vae")
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=m.plate("image"))
    m.observe("x", gd.Bernoulli(m.network("decoder", gd.MLP(16, hidden=H))(z)), dims="image")  # here


@mistake(gd.ModelError, "MLP is a spec, which has no parameters to be called with", 'm.network("decoder", gd.MLP(...))')
def spec_that_is_called():
    m = gd.Model("vae")
    gd.MLP(16)(m.latent("z", gd.Normal(0, 1).expand(2)))  # here


@mistake(gd.ModelError, "gd.MLP: missing a required argument: 'out'", "gd.MLP(out, hidden, activation, time)")
def network_without_anything():
    gd.MLP()  # here


@mistake(gd.ModelError, "an axis of length 5 does not split into 2 equal parts", "a multiple of the number of parts")
def encoder_of_odd_width():
    e = gd.Model("encoder")
    x = e.data("x", dims=e.plate("image"), event=16)
    gd.split(e.network("encoder", gd.MLP(5, hidden=H))(x), 2)  # here


@mistake(gd.FitError, "'z'", "guide 'encoder' gives 'z' another shape", "event (3,)", "event (2,)")
def encoder_too_wide():
    _fit(_vae(_encoder(out=6)), DIGITS)


@mistake(gd.FitError, "'x'", "guide 'encoder' reads 'x' in another shape than the model", "event (14,)", "event (16,)")
def encoder_of_another_event():
    _fit(_vae(_encoder(event=14)), DIGITS)


# -- data -------------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "'x'", "3 axes", "event (16,)", "np.reshape(x, (6, 16))")
def images_for_flat_rows():
    _fit(_vae(_encoder()), IMAGES[..., 0])


@mistake(gd.DataError, "'x'", "3 axes", "event (4, 4, 1)", "np.reshape(x, (6, 4, 4, 1))")
def images_without_a_channel():
    _fit(_ddpm(), IMAGES[..., 0])


@mistake(gd.DataError, "'x'", "1 along event axis 0", "exchange the axes")
def channels_first():
    _fit(_ddpm(), IMAGES.transpose(0, 3, 1, 2))


@mistake(gd.DataError, "'x'", "values are missing", "leave out those rows", "gd.Diffusion")
def images_with_gaps():
    _fit(_ddpm(), np.where(IMAGES == 0, np.nan, 1.0))


@mistake(gd.DataError, "'x'", "values are missing", "leave out those rows", "gd.Pushforward")
def rows_with_gaps():
    _fit(_made(), np.array([[1.0, np.nan], [1.0, 2.0]]))


@mistake(gd.DataError, "'x'", "integers are needed", "0.5", "a continuous distribution")
def grey_digits():
    _fit(_vae(_encoder()), DIGITS + 0.5)


@mistake(gd.DataError, "'x'", "outside the support of Bernoulli", "16", "0 or 1")
def digits_up_to_sixteen():
    _fit(_vae(_encoder()), DIGITS + 16)


@mistake(gd.DataError, "data are given by name", "ndarray of shape (6, 4, 4, 1)", '{"x": values}')
def held_out_images_without_a_name():
    _fit(_ddpm(), IMAGES).log_prob(IMAGES)  # here


# -- what is written --------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "gd.WGAN: missing a required argument: 'critic'", "gd.WGAN(critic, loss")
def adversary_without_a_critic():
    gd.WGAN()  # here


@mistake(gd.ModelError, "WGAN: critic is of another kind", "<network critic: MLP(1)>", "critic=gd.MLP(1")
def critic_of_the_model():
    m = _made()
    critic = m.network("critic", gd.MLP(1))
    m.objective(gd.WGAN(critic=critic))  # here


@mistake(gd.FitError, "'made' declares no objective", "gd.GAN, gd.WGAN", "m.objective(gd.WGAN(critic=gd.MLP(1)))")
def pushforward_without_an_objective():
    m = gd.Model("made")
    noise = gd.Normal(0, 1).expand(2)
    m.observe("x", gd.Pushforward(noise, gd.MLP(2, hidden=H)), dims=m.plate("row"))  # here
    _fit(m, CLOUD)


@mistake(gd.ModelError, "m.objective is a method", "m.objective = ELBO", "m.objective(...)")
def objective_that_is_assigned():
    m = _vae()
    m.objective = gd.ELBO()  # type: ignore[method-assign, assignment]  # here


@mistake(gd.ModelError, "gd.Train has no argument 'step'", "step=5", "did you mean 'steps'?")
def one_step_for_many():
    gd.Train(step=5)  # type: ignore[call-arg]  # here


@mistake(gd.ModelError, "gd.Train has no argument 'lr'", "optimizer=gd.optim.Adam(0.001)")
def learning_rate_of_the_loop():
    gd.Train(steps=5, lr=1e-3)  # type: ignore[call-arg]  # here


@mistake(AttributeError, "gd.optim has no 'Adagrad'", "there are Adam, AdamW")
def optimiser_that_is_not_there():
    gd.Train(steps=5, optimizer=gd.optim.Adagrad())  # type: ignore[attr-defined]


@mistake(AttributeError, "gd.sampler has no 'DPMSolverPP'", "did you mean gd.sampler.DPMSolver?")
def sampler_that_is_not_there():
    gd.sampler.DPMSolverPP()  # type: ignore[attr-defined]


@mistake(gd.FitError, "it is not clear of which plate a batch is a part", 'observe with dims=m.plate("row")')
def batches_of_what_is_observed_once():
    m = gd.Model("flow")
    m.observe("x", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2)))
    _fit(m, CLOUD[0], batch_size=2)


@mistake(gd.FitError, "training resumes from a fit, or from a checkpoint", "<model vae", "resume=fit")
def resumed_from_a_model():
    _fit(_made(), CLOUD, resume=_vae())
