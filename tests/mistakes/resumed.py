"""Mistakes of somebody who keeps what was trained: what is saved, loaded, resumed and predicted from."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake

DATA = {"y": np.linspace(-1.0, 1.0, 6)}


def _mean(guide: Any = None) -> gd.Model:
    m = gd.Model("mean")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1.0), dims=m.plate("row"))
    m.objective(gd.ELBO(guide=guide or gd.guide.FullRank()))
    return m


def _fit(m: gd.Model, data: Any = DATA, steps: int = 2, resume: Any = None, **options: Any) -> Any:
    more = {} if resume is None else {"resume": resume}
    return m.fit(data, gd.Train(steps=steps, **options), backend="pyro", progress=False, **more)


def _checkpoints(folder: str) -> str:
    path = os.path.join(folder, "run")
    _fit(_mean(), checkpoint=gd.Checkpoint(path=path, every=1))
    return path


# -- classes of the user's own -----------------------------------------------------------------------------------------
class MyAdam(gd.optim.Adam):
    """An optimiser that gendsl does not know."""


class Steady(gd.optim.Schedule):
    """A schedule that gendsl does not know."""

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """See `gd.optim.Schedule.rates`."""
        return np.full(np.shape(steps), 0.01)


@mistake(
    gd.FormatError,
    "the method holds a class of your own, MyAdam, which files cannot hold",
    "tests.mistakes.resumed.MyAdam",
    "dataclasses.replace(fit, method=gd.Train(...)).save('fit.safetensors')",
)
def saved_with_an_optimizer_of_ones_own():
    with tempfile.TemporaryDirectory() as folder:
        _fit(_mean(), optimizer=MyAdam(0.01)).save(os.path.join(folder, "fit.safetensors"))  # here


@mistake(gd.FormatError, "the method holds a class of your own, Steady", "gendsl's own classes")
def saved_with_a_schedule_of_ones_own():
    with tempfile.TemporaryDirectory() as folder:
        _fit(_mean(), optimizer=gd.optim.Adam(Steady())).save(os.path.join(folder, "fit.safetensors"))  # here


# -- one file in place of another ------------------------------------------------------------------------------------
@mistake(gd.FormatError, "'fit.safetensors' is a fit that fit.save wrote, not a checkpoint", "resume=gd.load('")
def resumed_from_the_path_of_a_fit():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fit.safetensors")
        _fit(_mean()).save(path)
        _fit(_mean(), steps=4, resume=path)


@mistake(gd.FormatError, "'run' is a folder of checkpoints of training, not a fit", "resume='", "returns a fit")
def loaded_from_a_folder_of_checkpoints():
    with tempfile.TemporaryDirectory() as folder:
        gd.load(_checkpoints(folder))  # here


@mistake(gd.FormatError, "'step-000000002.safetensors' is a checkpoint of training, not a trained fit", "resume='")
def loaded_from_a_checkpoint():
    with tempfile.TemporaryDirectory() as folder:
        gd.load(os.path.join(_checkpoints(folder), "step-000000002.safetensors"))  # here


# -- other runs -----------------------------------------------------------------------------------------------------
@mistake(
    gd.FitError,
    "is of a run with another guide",
    "given:  gd.guide.FullRank, parameters location (1,)",
    "needed: gd.guide.MeanField",
    "resume with the guide that was trained",
)
def resumed_with_another_guide():
    _fit(_mean(gd.guide.MeanField()), steps=4, resume=_fit(_mean()))


@mistake(
    gd.FitError, "is of a run by another optimizer", "given:  gd.optim.Adam or gd.optim.AdamW", "needed: gd.optim.SGD"
)
def resumed_with_another_optimizer():
    _fit(_mean(), steps=4, optimizer=gd.optim.SGD(0.01), resume=_fit(_mean()))


@mistake(gd.FitError, "checkpoints need a folder, and '", "fit.safetensors' is a file", "fit_run")
def checkpoints_into_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fit.safetensors")
        _fit(_mean()).save(path)
        _fit(_mean(), checkpoint=gd.Checkpoint(path=path, every=1))


@mistake(gd.FitError, "the trained fit could not be saved", "fit.safetensors' is a file", "give another path")
def saved_below_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fit.safetensors")
        fit = _fit(_mean())
        fit.save(path)
        fit.save(os.path.join(path, "more.safetensors"))


# -- elements that the fit does not have -------------------------------------------------------------------------------
def _groups(indexed: bool) -> Any:
    m = gd.Model("groups")
    row, group = m.plate("row"), m.plate("group", 3)
    theta = m.latent("theta", gd.Normal(0, 1), dims=group)
    g = m.data("g", dims=row, indexes=group) if indexed else m.data("g", dims=row, dtype=int)
    m.observe("y", gd.Normal(theta[g], 1), dims=row)
    m.objective(gd.ELBO(guide=gd.guide.MeanField()))
    return _fit(m, {**DATA, "g": np.arange(6) % 3})


@mistake(gd.DataError, "'g'", "out of range", "the fit has elements 0 to 2; new ones", "new='group', numbered 0, 1")
def index_of_a_new_group():
    _groups(True).sample({"g": [3]})


@mistake(gd.DataError, "'g'", "out of range", "the fit has elements 0 to 2; new ones", "new='group', numbered 0, 1")
def position_of_a_new_group():
    _groups(False).sample({"g": [0, 3]})


@mistake(gd.DataError, "'g'", "new='group', numbered 0, 1, ...; if the indices count from 1, data[\"g\"] - 1")
def index_of_a_new_group_or_from_1():
    _groups(True).sample({"g": [1, 3]})


@mistake(gd.DataError, "'g'", "they count from 1", 'fix:    subtract 1: data["g"] - 1')
def indices_of_all_groups_from_1():
    _groups(True).sample({"g": [1, 2, 3]})


# -- parts of the rows ------------------------------------------------------------------------------------------------
HELD = gd.Validation(fraction=0.5, every=1)


@mistake(gd.FitError, "'z'", "some of which are held out", "; validation=", "a model as guide, or leave validation out")
def free_latents_beside_held_out_rows():
    m = gd.Model("free")
    row = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1), dims=row)  # here
    m.observe("y", gd.Normal(z, 1), dims=row)
    m.objective(gd.ELBO(guide=gd.guide.MeanField()))
    _fit(m, validation=HELD)


@mistake(gd.FitError, "'w'", "some of which are held out", "leave validation out, or compute it by a network")
def parameters_beside_held_out_rows():
    m = gd.Model("each")
    row = m.plate("row")
    m.observe("y", gd.Normal(m.param("w", 0.0, dims=row), 1), dims=row)  # here
    _fit(m, validation=HELD)


@mistake(
    gd.FitError, "'y' is one draw over all of 'row' together", "gd.GaussianProcess, joint over 'row'; batch_size=",
    "fix:    leave batch_size out",
)  # fmt: skip
def batches_of_a_function():
    m = gd.Model("smooth")
    row = m.plate("row")
    kernel = gd.kernel.SquaredExponential(length=m.param("length", 1.0, constraint=gd.positive))
    m.observe("y", gd.GaussianProcess(kernel, m.data("x", dims=row), noise=0.1), dims=row)  # here
    _fit(m, {**DATA, "x": DATA["y"]}, batch_size=2)


# -- values and shapes of what is trained ------------------------------------------------------------------------------
@mistake(gd.DataError, "'x'", "15 of 15 with a fraction", 'data["x"] > 0.5', "gd.Normal, or gd.Beta between 0 and 1")
def grey_values_as_bits():
    m = gd.Model("image")
    p = m.param("p", 0.5, constraint=gd.unit_interval)
    m.observe("x", gd.Bernoulli(probs=p).expand(3), dims=m.plate("image"))  # here
    _fit(m, {"x": np.full((5, 3), 0.25)})


@mistake(gd.DataError, "'n'", "with a fraction", 'declare numbers with a fraction: m.data("n", ..., dtype=float)')
def fractions_as_counts():
    m = gd.Model("counts")
    row = m.plate("row")
    n = m.data("n", dims=row, dtype=int)  # here
    m.observe("y", gd.Normal(m.param("w", 0.0) * n, 1), dims=row)
    _fit(m, {**DATA, "n": DATA["y"]})


@mistake(gd.DataError, "'y'", "the initial value of 't', of shape (4,)", 'm.param("t", 0.0, dims=group)')
def initial_values_of_all_elements():
    m = gd.Model("each")
    group = m.plate("group", 4)
    m.observe("y", gd.Normal(m.param("t", np.zeros(4), dims=group), 1), dims=group)  # here
    _fit(m, {"y": np.zeros(4)})


@mistake(
    gd.FitError, "'z'", "another shape", "the initial value of 'scale', of shape (4,)", 'm.param("scale", 1.0, dims'
)
def initial_values_of_all_elements_in_a_guide():
    m, g = gd.Model("each"), gd.Model("guide")
    group, same = m.plate("group", 4), g.plate("group", 4)
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1), dims=group), 1), dims=group)
    scale = g.param("scale", np.ones(4), constraint=gd.positive, dims=same)
    g.latent("z", gd.Normal(0, scale), dims=same)  # here
    m.objective(gd.ELBO(guide=g))
    _fit(m, {"y": np.zeros(4)})


@mistake(gd.ModelError, "a context is a vector of fixed length", "c[..., None] makes one of a number")
def number_as_a_context():
    m = gd.Model("flow")
    row = m.plate("row")
    c = m.data("c", dims=row)
    m.observe("x", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2), context=c), dims=row)  # here
