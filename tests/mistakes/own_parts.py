"""Mistakes in what a user adds: modules of torch and equinox, schedules; and calls with names that belong elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake

f: Any = gd  # the mistakes are of types too
X = np.random.default_rng(0).normal(size=(6, 3))


def _mean(native: Any) -> gd.Model:
    m = gd.Model("regression")
    row = m.plate("row")
    x = m.data("x", dims=row, event=1)
    m.observe("y", gd.Normal(m.network("net", native)(x), 1.0), dims=row)
    return m


DATA = {"x": X[:, :1], "y": X[:, 1:]}
ONE = gd.Train(steps=1)


# -- the user's own modules -------------------------------------------------------------------------------------------
@mistake(
    gd.ModelError, "node 'net'", "the module of torch= cannot be called on event (1,)",
    "given:  shape (6, 1): RuntimeError: mat1 and mat2 shapes cannot be multiplied",
    "needed: event -> a torch.nn.Module that maps (N, 1) to (N, 2)",
    "called on: torch=lambda event: torch.nn.Linear(event[0], 2)",
)  # fmt: skip
def torch_module_of_another_width():
    import torch

    m = _mean(gd.Native(torch=lambda event: torch.nn.Linear(5, 2), out=2))
    m.fit(DATA, ONE, backend="pyro", progress=False)  # here


@mistake(
    gd.ModelError, "node 'net'", "the module of jax= cannot be called on event (1,)", "TypeError: dot_general",
    "needed: (event, key) -> a module of equinox that maps (1,) to (2,)", "eqx.nn.Linear(event[0], 2, key=key)",
)  # fmt: skip
def equinox_module_of_another_width():
    import equinox as eqx

    m = _mean(gd.Native(jax=lambda event, key: eqx.nn.Linear(5, 2, key=key), out=2))
    m.fit(DATA, ONE, backend="numpyro", progress=False)  # here


@mistake(
    gd.ModelError, "node 'net'", "torch= makes no module for event (1,)", "torch=Linear: TypeError: Linear.__init__()",
    "fix:    torch=lambda event: torch.nn.Linear(event[0], 2)",
)  # fmt: skip
def class_of_torch_as_a_factory():
    import torch

    _mean(gd.Native(torch=torch.nn.Linear, out=2)).fit(DATA, ONE, backend="pyro", progress=False)  # here


@mistake(
    gd.ModelError, "node 'net'", "jax= makes no module for event (1,)", "IndexError",
    "fix:    jax=lambda event, key: eqx.nn.Linear(event[0], 2, key=key)",
)  # fmt: skip
def factory_of_equinox_with_the_key_first():
    import equinox as eqx

    m = _mean(f.Native(jax=lambda key, event: eqx.nn.Linear(event[0], 2, key=key), out=2))
    m.fit(DATA, ONE, backend="numpyro", progress=False)  # here


@mistake(gd.ModelError, "node 'net'", "jax= makes no module", "takes 0 positional arguments but 2 were given")
def factory_without_arguments():
    _mean(f.Native(jax=lambda: None, out=2)).fit(DATA, ONE, backend="numpyro", progress=False)  # here


@mistake(gd.ModelError, "node 'net'", "torch= does not make a torch.nn.Module", "NoneType", "torch.nn.Linear(event[0]")
def factory_that_forgets_to_return():
    _mean(gd.Native(torch=lambda event: None, out=2)).fit(DATA, ONE, backend="pyro", progress=False)  # here


@mistake(
    gd.ModelError, "node 'net'", "the module's result has another shape", "shape (6, 3) for an input of (6, 1)",
    "needed: shape (6, 2), by out=2", "fix:    out=3, or torch=lambda event: torch.nn.Linear(event[0], 2)",
)  # fmt: skip
def torch_module_of_more_numbers():
    import torch

    m = _mean(gd.Native(torch=lambda event: torch.nn.Linear(event[0], 3), out=2))
    m.fit(DATA, ONE, backend="pyro", progress=False)  # here


@mistake(gd.ModelError, "node 'net'", "another shape", "given:  tuple for an input of (6, 1)", "shape (6, 2), by out=2")
def equinox_module_of_two_results():
    import equinox as eqx

    class Two(eqx.Module):
        inner: Any

        def __call__(self, x: Any) -> Any:
            return self.inner(x), x

    m = _mean(gd.Native(jax=lambda event, key: Two(eqx.nn.Linear(1, 2, key=key)), out=2))
    m.fit(DATA, ONE, backend="numpyro", progress=False)  # here


@mistake(
    gd.ModelError, "node 'critic'", "the module's result has another shape", "by out=1", "fix:    out=2, or torch="
)
def critic_of_two_numbers():
    import torch

    m = gd.Model("implicit")
    m.observe("x", gd.Pushforward(gd.Normal(0, 1).expand(2), network=gd.MLP(2)), dims=m.plate("row"))
    m.objective(gd.GAN(critic=gd.Native(torch=lambda event: torch.nn.Linear(event[0], 2), out=1)))
    m.fit({"x": X[:, :2]}, ONE, backend="pyro", progress=False)  # here


# -- the user's own schedules -----------------------------------------------------------------------------------------
class _OneNumber(gd.optim.Schedule):
    def rates(self, steps: np.ndarray, total: int) -> Any:
        return 1e-3


class _Nothing(gd.optim.Schedule):
    pass


class _Negative(gd.optim.Schedule):
    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        return 1e-3 - np.asarray(steps, float)


class _OfOneStep(gd.optim.Schedule):
    def rates(self, steps: np.ndarray) -> np.ndarray:  # type: ignore[override] - the mistake that is made
        return 1e-3 / (1 + steps)


class _LateNan(gd.optim.Schedule):
    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        return np.where(steps == 450, np.nan, 1e-3)


@mistake(gd.ModelError, "_OneNumber: rates gives a rate for each step", "one number, 0.001, for 3", "np.full(np.shape")
def schedule_of_one_number():
    gd.Train(steps=3, optimizer=gd.optim.Adam(_OneNumber()))  # here


@mistake(gd.ModelError, "_Nothing: a schedule has rates", "no method rates", "def rates(self, steps, total)")
def schedule_without_rates():
    gd.Train(steps=3, optimizer=gd.optim.Adam(_Nothing()))  # here


@mistake(gd.ModelError, "_Negative: a learning rate is a nonnegative number", "given:  -0.999 at step 1")
def schedule_below_zero():
    gd.Train(steps=3, players={"critic": gd.optim.Adam(_Negative())})  # here


@mistake(gd.ModelError, "_LateNan: a learning rate is a nonnegative number", "given:  nan at step 450")
def schedule_that_is_no_number_once():
    m = gd.Model("mean")
    m.observe("y", gd.Normal(m.param("mu", 0.0), 1.0), dims=m.plate("row"))
    method = gd.Train(steps=500, optimizer=gd.optim.Adam(_LateNan()))
    m.fit({"y": X[:, 0]}, method, backend="pyro", progress=False)  # here


@mistake(
    gd.ModelError, "_OfOneStep: rates fails", "TypeError", "rates(self, steps, total) -> an array as long as steps"
)
def schedule_of_another_signature():
    gd.Train(steps=3, optimizer=gd.optim.Adam(_OfOneStep()))  # here


@mistake(gd.ModelError, "gd.optim.Adam: learning_rate is a number or a schedule", "a subclass of gd.optim.Schedule")
def rate_by_a_function():
    f.optim.Adam(lambda step: 1e-3)  # here


# -- flows by name ----------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "gd.flows.nsf: layers is a positive integer", "given:  0", "for example layers=4")
def flow_of_no_layers():
    gd.flows.nsf(0)  # here


@mistake(gd.ModelError, "gd.flows.nsf: layers is a positive integer", "given:  '2'")
def layers_by_a_word():
    f.flows.nsf("2")  # here


@mistake(gd.ModelError, "gd.flows.maf: layers is a positive integer", "given:  -3")
def masked_flow_of_fewer_than_no_layers():
    gd.flows.maf(-3)  # here


@mistake(gd.ModelError, "gd.flows.iaf: layers is a positive integer", "given:  2.5")
def inverse_flow_of_half_a_layer():
    f.flows.iaf(2.5)  # here


@mistake(gd.ModelError, "gd.flows.realnvp: seed is a nonnegative integer", "given:  1.5")
def shuffles_by_a_fraction():
    f.flows.realnvp(4, seed=1.5)  # here


@mistake(gd.ModelError, "gd.flows.coupling_flow: layers is a positive integer", "given:  MLP(3)")
def network_as_a_number_of_layers():
    f.flows.coupling_flow(gd.transform.Affine(), gd.MLP(3))  # here


@mistake(gd.ModelError, "gd.flows.autoregressive_flow: layers is a positive integer", "given:  0")
def chain_of_no_masked_layers():
    gd.flows.autoregressive_flow(gd.transform.Affine(), 0)  # here


# -- what belongs elsewhere -------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "m.fit has no argument 'steps'", "given:  steps=100", "fix:    gd.Train(steps=100)")
def steps_of_training_in_fit():
    m: Any = gd.Model("m")
    m.fit({}, gd.Train(), steps=100)  # here


@mistake(gd.ModelError, "m.fit has no argument 'num_samples'", "fix:    gd.NUTS(draws=500)")
def draws_in_fit_by_another_name():
    m: Any = gd.Model("m")
    m.fit({}, gd.NUTS(), num_samples=500)  # here


@mistake(gd.ModelError, "m.fit has no argument 'chains'", "fix:    gd.NUTS(chains=2)")
def chains_in_fit_without_a_method():
    m: Any = gd.Model("m")
    m.fit({}, chains=2)  # here


@mistake(gd.ModelError, "m.fit has no argument 'objective'", "fix:    m.objective(gd.ELBO(...)), before m.fit")
def objective_in_fit():
    m: Any = gd.Model("m")
    m.fit({}, gd.Train(), objective=gd.ELBO(guide=gd.guide.MeanField()))  # here


def _fit() -> Any:
    m = gd.Model("mean")
    m.observe("y", gd.Normal(m.param("mu", 0.0), 1.0), dims=m.plate("row"))
    return m.fit({"y": X[:, 0]}, ONE, backend="pyro", progress=False)


@mistake(gd.FitError, "cannot be pickled", "<fit of mean", "fix:    fit.save(path), and gd.load(path)")
def fit_by_pickle():
    import pickle

    pickle.dumps(_fit())


@mistake(gd.FitError, "cannot be copied", "fix:    fit.save(path), and gd.load(path)")
def copy_of_a_fit():
    import copy

    copy.deepcopy(_fit())


@mistake(AttributeError, "gd.optim has no 'Adamw': did you mean gd.optim.AdamW?")
def optimiser_in_other_letters():
    f.optim.Adamw(1e-3)


@mistake(AttributeError, "did you mean gd.Train(), with m.objective(gd.ELBO(guide=...))?")
def inference_by_the_engines_name():
    f.SVI()


@mistake(AttributeError, "did you mean gd.Diffusion(...), drawn by gd.sampler.Ancestral()?")
def diffusion_by_its_papers_name():
    f.DDPM()


@mistake(gd.ModelError, "gd.GAN has no argument 'discriminator'", "did you mean 'critic'?")
def critic_by_another_name():
    f.GAN(discriminator=gd.MLP(1))  # here


@mistake(gd.FitError, "an unknown method", "str: 'svi'", "fix:    gd.Train(), with m.objective(gd.ELBO(guide=...))")
def method_by_a_word():
    m: Any = gd.Model("m")
    m.fit({}, "svi")


@mistake(gd.ModelError, "gd.sampler.DDIM has no argument 'step'", "did you mean 'steps'?")
def sampler_with_a_slip():
    f.sampler.DDIM(step=5)  # here


@mistake(gd.ModelError, "gd.transform.Spline has no argument 'bin'", "did you mean 'bins'?")
def transform_with_a_slip():
    f.transform.Spline(bin=5)  # here
