"""Calls that do not fit what is called: values by position that go by name, names from elsewhere."""

from __future__ import annotations

from typing import Any

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
