"""Calls that do not fit what is called: values by position that go by name, names from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake

f: Any = gd  # the mistakes are of types too


@mistake(gd.ModelError, "gd.Checkpoint: too many positional", "give it by name, for example path='run'")
def folder_by_position():
    f.Checkpoint("run")  # here


@mistake(gd.ModelError, "gd.Train: too many positional", "for example steps=100, batch_size=32")
def steps_by_position():
    f.Train(100, 32)  # here


@mistake(gd.ModelError, "gd.NUTS: too many positional", "for example draws=100")
def draws_by_position():
    f.NUTS(100)  # here


@mistake(gd.ModelError, "gd.ELBO: too many positional", "gd.ELBO(guide, particles", "for example guide=...")
def guide_by_position():
    f.ELBO(gd.Model("encoder"))  # here


@mistake(gd.ModelError, "gd.MLP: too many positional", "for example hidden=(128, 128)")
def widths_by_position():
    f.MLP(64, 128, 128)  # here


@mistake(gd.ModelError, "gd.Train has no argument 'learning_rate'", "fix:    optimizer=gd.optim.Adam(0.01)")
def rate_that_is_the_optimizers():
    f.Train(learning_rate=0.01)  # here


@mistake(AttributeError, "gd.guide has no 'AutoNormal': did you mean gd.guide.MeanField?")
def guide_by_the_engines_name():
    f.guide.AutoNormal()


@mistake(AttributeError, "gd.guide has no 'Normal': there are Delta, FullRank, Guide, Laplace, LowRank, MeanField")
def guide_that_is_none():
    f.guide.Normal()


@mistake(AttributeError, "gd.kernel has no 'RBF': did you mean gd.kernel.SquaredExponential?")
def kernel_by_another_name():
    f.kernel.RBF()


@mistake(AttributeError, "gd.flows has no 'glow': there are autoregressive_flow, coupling_flow, iaf, maf, nsf, realnvp")
def flow_that_is_none():
    f.flows.glow(4)


@mistake(AttributeError, "gd.schedule has no 'linear': did you mean gd.schedule.Linear?")
def schedule_in_small_letters():
    f.schedule.linear(0.1, 20.0)


# -- what a fit is asked ----------------------------------------------------------------------------------------------
X = np.random.default_rng(0).normal(size=(6, 2))


def _density(data: Any, backend: str = "pyro") -> Any:
    m = gd.Model("density")
    row = m.plate("row")
    label = m.data("label", dims=row, event=3)
    m.observe("x", gd.Autoregressive(2, context=label, hidden=(4,)), dims=row)
    return m.fit({"x": X, "label": data}, gd.Train(steps=1), backend=backend, progress=False)


def _fit() -> Any:
    return _density(np.eye(3)[[0, 1, 2, 0, 1, 2]])


@mistake(gd.FitError, "data are given by name", "float: 3.5", "a dict of arrays, or a number of new rows")
def fraction_of_a_row():
    _fit().sample(3.5)


@mistake(gd.ModelError, "fit.sample has no argument 'steps'", "sampler=gd.sampler.DPMSolver(steps=5)")
def steps_of_a_sampler_in_sample():
    _fit().sample(3, steps=5)  # here


@mistake(gd.BackendError, "there is no backend 'cuda'", "fix:    device='cuda' says where")
def device_as_a_backend():
    _fit().to("cuda")


@mistake(gd.BackendError, "there is no backend 'jax'", "did you mean 'numpyro'?")
def engine_as_a_backend():
    _density([0] * 6, backend="jax")


@mistake(gd.DataError, "'label'", "needed: 2 axes: dims (row), event (3,)", "np.eye(3)[label], if they are 3 classes")
def classes_by_their_numbers():
    _density([0, 1, 2, 0, 1, 2])


@mistake(gd.DataError, "'label'", "np.eye(3)[np.unique(label, return_inverse=True)[1]], if they are names of 3 classes")
def classes_by_their_names():
    _density(["a", "b", "c", "a", "b", "c"])


@mistake(gd.DataError, "'y'", "event (1,)", "by gd.MLP(()) or [..., 0] behind a network; or give y[..., None]")
def mean_by_a_network_of_one_number():
    m = gd.Model("regression")
    row = m.plate("row")
    mean = m.network("mean", gd.MLP(1, hidden=(4,)))(m.data("x", dims=row, event=2))
    m.observe("y", gd.Normal(mean, 1.0), dims=row)  # here
    m.fit({"x": X, "y": X[:, 0]}, gd.Train(steps=1), backend="pyro", progress=False)


# -- the words for what is wrong --------------------------------------------------------------------------------------
@mistake(gd.ModelError, "Diffusion: network is of another kind", "given:  network=3")
def diffusion_without_a_network():
    f.Diffusion(gd.VP(), network=3, event=2)  # here


@mistake(gd.ModelError, "Flow: a flow is made of transforms")
def flow_without_transforms():
    f.Flow(gd.Normal(0, 1).expand(2), 3)  # here


@mistake(gd.ModelError, "Native: torch is a function that makes a module", "torch=lambda event: module")
def module_where_its_factory_goes():
    import torch

    gd.Native(torch=torch.nn.Linear(2, 1), out=1)  # here
