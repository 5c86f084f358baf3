"""Mistakes with contexts: their shapes and plates, networks and critics that do not fit, data that lack them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake

H = (4,)
LABELS, ROWS = np.eye(3)[[0, 1, 2, 0, 1, 2]], np.zeros((6, 2))
DATA = {"x": ROWS, "label": LABELS}


def _model(family: Any) -> gd.Model:
    m = gd.Model("classes")
    row = m.plate("row")
    m.observe("x", family(m.data("label", dims=row, event=3)), dims=row)
    return m


def _pushed(label: Any, network: Any = gd.MLP(2, hidden=H)) -> Any:
    return gd.Pushforward(gd.Normal(0, 1).expand(3), network, context=label)


def _diffusion(label: Any, **options: Any) -> Any:
    network = options.pop("network", gd.MLP(2, hidden=H, time=gd.Sinusoidal(size=2, width=2)))
    return gd.Diffusion(gd.VP(), network=network, event=2, context=label, **options)


def _energy(label: Any) -> Any:
    return gd.Energy(gd.MLP(1, hidden=H), 2, context=label)


def _fit(m: gd.Model, objective: Any, data: Any = DATA) -> Any:
    m.objective(objective)
    return m.fit(data, gd.Train(steps=1), backend="pyro", progress=False)


# -- shapes and plates ------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "'Flow'", "a context is a vector of fixed length", "an event axis", "np.eye(classes)[labels]")
def label_that_is_a_number():
    m = gd.Model("flow")
    label = m.data("label", dims=m.plate("row"), dtype=int)
    gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2), context=label)  # here


@mistake(gd.ModelError, "'Diffusion'", "a context is a vector of fixed length", "np.eye(classes)[labels]")
def label_of_a_diffusion_that_is_a_number():
    m = gd.Model("ddpm")
    label = m.data("label", dims=m.plate("row"), dtype=int)
    _ = gd.Diffusion(gd.VP(), network=gd.MLP(2), event=2, context=label)  # here


@mistake(gd.ModelError, "'Pushforward'", "a context is a vector of fixed length", "an event axis")
def context_along_a_plate():
    m = gd.Model("made")
    weight = m.data("weight", dims=m.plate("row"))
    _ = gd.Pushforward(gd.Normal(0, 1).expand(2), gd.MLP(2), context=weight)  # here


@mistake(gd.ModelError, "node 'x'", "the parameters vary over 'batch'", "dims=(row, batch)")
def context_over_another_plate():
    m = gd.Model("energy")
    label = m.data("label", dims=m.plate("batch"), event=3)
    m.observe("x", gd.Energy(gd.MLP(1), 2, context=label), dims=m.plate("row"))  # here


@mistake(gd.ModelError, "gd.Diffusion has no argument 'labels'", "did you mean 'context'?")
def context_by_another_name():
    gd.Diffusion(gd.VP(), network=gd.MLP(2), event=2, labels=LABELS)  # here


@mistake(gd.ModelError, "Native", "this network sees no context", "time=gd.Sinusoidal()")
def network_that_sees_no_context():
    native = gd.Native(torch=lambda event: None, out=2, takes_time=True)
    m = gd.Model("ddpm")
    gd.Diffusion(gd.VP(), network=native, event=2, context=m.data("label", event=3))  # here


@mistake(gd.ModelError, "Diffusion.chain", "a model of its own, which has no context", "gd.DenoisingScoreMatching()")
def chain_with_a_context():
    m = gd.Model("ddpm")
    d = gd.Diffusion(gd.VP(), network=gd.MLP(2), event=2, context=m.data("label", dims=m.plate("row"), event=3))
    d.chain(10)  # here


# -- objectives -------------------------------------------------------------------------------------------------------
@mistake(
    gd.FitError,
    "'x'",
    "gd.PersistentContrastiveDivergence carries samples from step to step",
    "those of 'x' have contexts",
    "each step has other rows",
    "gd.ContrastiveDivergence()",
)
def chains_that_outlive_their_contexts():
    m = gd.Model("classes")
    row = m.plate("row")
    label = m.data("label", dims=row, event=3)
    m.observe("x", gd.Energy(gd.MLP(1, hidden=H), 2, context=label), dims=row)  # here
    _fit(m, gd.PersistentContrastiveDivergence())


@mistake(
    gd.FitError, "'x'", "the critic does not take rows of 'x'", "from events (5,)", "a row, (2,), with its context of 3"
)
def critic_of_images_beside_a_class():
    _fit(_model(_pushed), gd.WGAN(critic=gd.ConvNet(1)))


@mistake(gd.FitError, "'critic'", "begin with 'critic.', and 'classes' learns a 'critic' too", "rename 'critic'")
def network_of_a_context_that_is_called_the_critic():
    m = gd.Model("classes")
    row = m.plate("row")
    seen = m.network("critic", gd.MLP(2))(m.data("label", dims=row, event=3))  # here
    m.observe("x", gd.Pushforward(gd.Normal(0, 1).expand(3), gd.MLP(2, hidden=H), context=seen), dims=row)
    _fit(m, gd.WGAN(critic=gd.MLP(1)))


# -- data -------------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "'label'", "2 along event axis 0", "event (3,)")
def labels_of_fewer_classes():
    m = gd.Model("classes")
    row = m.plate("row")
    label = m.data("label", dims=row, event=3)  # here
    m.observe("x", _diffusion(label), dims=row)
    m.fit(DATA | {"label": LABELS[:, :2]}, gd.Train(steps=1), backend="pyro", progress=False)


@mistake(gd.DataError, "the sizes of plate 'row' differ", "'label' has 4 along 'row'", "'x' has 6")
def labels_of_fewer_rows():
    _model(_energy).fit(DATA | {"label": LABELS[:4]}, gd.Train(steps=1), backend="pyro", progress=False)


@mistake(gd.DataError, "data are missing for 'label'", 'add "label" to the data')
def rows_without_their_labels():
    _model(_diffusion).fit({"x": ROWS}, gd.Train(steps=1), backend="pyro", progress=False)


@cache
def _trained(kind: str) -> Any:
    objective: Any = {
        "diffusion": gd.DenoisingScoreMatching(),
        "energy": gd.SlicedScoreMatching(),
        "pushed": gd.WGAN(critic=gd.MLP(1, hidden=H)),
    }[kind]
    return _fit(_model({"diffusion": _diffusion, "energy": _energy, "pushed": _pushed}[kind]), objective)


@mistake(gd.DataError, "data are missing for 'label'", 'add "label" to the data')
def draws_of_no_class():
    _trained("diffusion").sample(10)


@mistake(gd.DataError, "data are missing for 'label'", 'add "label" to the data')
def draws_of_a_pushforward_of_no_class():
    _trained("pushed").sample(10)


@mistake(
    gd.FitError, "'x'", "which a number of rows does not give", "10 rows", 'fit.sample({"label": ...}, sampler=...)'
)
def draws_of_an_energy_of_no_class():
    _trained("energy").sample(10, sampler=gd.MALA(chains=1))


@mistake(gd.DataError, "'label'", "1 axis", "dims (row), event (3,)")
def draws_of_a_class_by_its_number():
    _trained("diffusion").sample({"label": np.array([0, 1, 2])})


@mistake(gd.DataError, "data are missing for 'label'", 'add "label" to the data')
def held_out_rows_without_labels():
    _trained("diffusion").log_prob({"x": ROWS})


@mistake(gd.FitError, "'y'", "its context depends on 'x', which is drawn", "leave sampler out")
def sampler_of_what_is_drawn_under_a_draw():
    m = gd.Model("two")
    row = m.plate("row")
    x = m.observe("x", _diffusion(m.data("label", dims=row, event=3)), dims=row)
    y = gd.Diffusion(gd.VP(), network=gd.MLP(2, hidden=H), event=2, context=x)
    m.observe("y", y, dims=row)  # here
    fit = _fit(m, gd.DenoisingScoreMatching(), DATA | {"y": ROWS})
    fit.sample({"label": LABELS}, sampler=gd.sampler.DDIM(steps=2))
