"""A step of mean-field SVI on eight schools, against SVI of programs written by hand."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import numpyro
import numpyro.distributions as nd
import pyro
import pyro.distributions as pd
import torch
from pyro.infer import Trace_ELBO

from gendsl_models import eight_schools
from gendsl_models.demo import JOBS
from tests.benchmarks.learning import svi
from tests.benchmarks.learning.turns import Against, bind, loss_of, same, train

__all__ = ["measure"]

_GOAL = 1.03


def _model(ppl: Any, d: Any, y: Any, sigma: Any) -> None:
    mu, tau = ppl.sample("mu", d.Normal(0.0, 5.0)), ppl.sample("tau", d.HalfCauchy(5.0))
    with ppl.plate("school", 8):
        base = ppl.sample("base", d.Normal(0.0, 1.0))
        ppl.sample("y", d.Normal(mu + tau * base, sigma), obs=y)


def _guide(ppl: Any, d: Any, begin: Any) -> None:
    def normal(name: str) -> tuple[Any, Any]:
        loc, scale = begin[name]
        positive = d.constraints.positive
        return ppl.param(f"{name}_loc", loc), ppl.param(f"{name}_scale", scale, constraint=positive)

    ppl.sample("mu", d.Normal(*normal("mu")))
    ppl.sample("tau", d.LogNormal(*normal("tau")))
    with ppl.plate("school", 8):
        ppl.sample("base", d.Normal(*normal("base")))


def measure() -> list[Against]:
    """On both backends."""
    data = {k: np.asarray(v, np.float32) for k, v in dict(JOBS[0].simulate()).items()}
    rng = np.random.default_rng(0)
    loc, log_scale, eps = (rng.normal(0.0, s, 10) for s in (0.5, 0.3, 1.0))
    params = {"guide.location": loc, "guide.log_scale": log_scale}
    numbers = np.stack([loc, np.exp(log_scale)]).astype(np.float32)
    places = {"mu": numbers[:, 0], "tau": numbers[:, 1], "base": numbers[:, 2:]}
    draws = {"mu": loc[0] + np.exp(log_scale[0]) * eps[0], "tau": np.exp(loc[1] + np.exp(log_scale[1]) * eps[1])}
    draws["base"] = loc[2:] + np.exp(log_scale[2:]) * eps[2:]
    out = []
    for backend in ("pyro", "numpyro"):
        made = bind(eight_schools.centered(), data, backend, False)
        ours = loss_of(made, backend, params, {"z": eps[None]})
        loops = (_pyro if backend == "pyro" else _numpyro)(data, places, draws, ours)
        out += train(f"SVI step, eight schools, {backend}", made, backend, loops)
    return out


def _pyro(data: Any, places: Any, draws: Any, ours: float) -> Any:
    y, sigma = (torch.tensor(data[k]) for k in ("y", "sigma"))
    begin = {k: tuple(torch.tensor(x) for x in v) for k, v in places.items()}
    pyro.clear_param_store()

    def model(y: Any, sigma: Any) -> Any:
        return _model(pyro, pd, y, sigma)

    def guide(y: Any, sigma: Any) -> Any:
        return _guide(pyro, pd, begin)

    given = {k: torch.tensor(v, dtype=torch.float32) for k, v in draws.items()}
    same("Pyro", ours, Trace_ELBO().loss(model, _given(guide, given), y, sigma))
    return svi.pyro_loops(model, guide, (y, sigma), None, _GOAL)


def _given(guide: Any, values: Any) -> Any:
    """A guide whose draws are given, and remain draws."""

    class Given(pyro.poutine.messenger.Messenger):
        def _pyro_sample(self, msg: Any) -> None:
            if msg["name"] in values:
                msg["value"], msg["done"] = values[msg["name"]], True

    def run(*args: Any) -> None:
        with Given():
            guide(*args)

    return run


def _numpyro(data: Any, places: Any, draws: Any, ours: float) -> Any:
    begin = {k: tuple(jax.numpy.asarray(x) for x in v) for k, v in places.items()}

    def model(y: Any, sigma: Any) -> Any:
        return _model(numpyro, nd, y, sigma)

    def guide(y: Any, sigma: Any) -> Any:
        return _guide(numpyro, nd, begin)

    given = numpyro.handlers.substitute(guide, {k: np.asarray(v, np.float32) for k, v in draws.items()})
    elbo = numpyro.infer.Trace_ELBO()
    same("NumPyro", ours, float(elbo.loss(jax.random.PRNGKey(0), {}, model, given, data["y"], data["sigma"])))
    return svi.numpyro_loops(model, guide, (data["y"], data["sigma"]), None, _GOAL)
