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
