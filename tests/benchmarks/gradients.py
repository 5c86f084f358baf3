"""Time of one gradient of the fused density, against the potential that each engine makes of a hand-written program.

Both are timed in turn in one process, A B A B ..., and the ratio is taken pair by pair.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as nd
import pyro
import pyro.distributions as pd
import torch

import gendsl as gd
from gendsl_models import eight_schools, radon
from gendsl_models.demo import JOBS

__all__ = ["Ratio", "measure"]


@dataclass(frozen=True)
class Ratio:
    """Seconds a gradient of ours and of the hand-written program, and the spread of their ratio."""

    name: str
    ours: float
    theirs: float
    low: float
    median: float
    high: float


def _schools_numpyro(sigma: Any, y: Any) -> None:
    mu, tau = numpyro.sample("mu", nd.Normal(0, 5)), numpyro.sample("tau", nd.HalfCauchy(5))
    with numpyro.plate("school", len(y)):
        base = numpyro.sample("theta_base", nd.Normal(0, 1))
        numpyro.sample("y", nd.Normal(mu + tau * base, sigma), obs=y)


def _schools_pyro(sigma: Any, y: Any) -> None:
    mu, tau = pyro.sample("mu", pd.Normal(0.0, 5.0)), pyro.sample("tau", pd.HalfCauchy(5.0))
    with pyro.plate("school", len(y)):
        base = pyro.sample("theta_base", pd.Normal(0.0, 1.0))
        pyro.sample("y", pd.Normal(mu + tau * base, sigma), obs=y)


def _radon_numpyro(county_of: Any, log_uranium: Any, floor: Any, floor_by_county: Any, log_radon: Any) -> None:
    mean, scale = numpyro.sample("mean", nd.Normal(0, 1)), numpyro.sample("scale", nd.HalfNormal(1))
    noise = numpyro.sample("noise", nd.HalfNormal(1))
    w = numpyro.sample("weight", nd.Normal(0, 1).expand([3]).to_event(1))
    with numpyro.plate("county", 85):
        base = numpyro.sample("base", nd.Normal(0, 1))
    effect = mean + scale * base
    with numpyro.plate("obs", len(log_radon)):
        m = effect[county_of] + w[0] * log_uranium + w[1] * floor + w[2] * floor_by_county
        numpyro.sample("y", nd.Normal(m, noise), obs=log_radon)


def _radon_pyro(county_of: Any, log_uranium: Any, floor: Any, floor_by_county: Any, log_radon: Any) -> None:
    mean, scale = pyro.sample("mean", pd.Normal(0.0, 1.0)), pyro.sample("scale", pd.HalfNormal(1.0))
    noise = pyro.sample("noise", pd.HalfNormal(1.0))
    w = pyro.sample("weight", pd.Normal(0.0, 1.0).expand([3]).to_event(1))
    with pyro.plate("county", 85):
        base = pyro.sample("base", pd.Normal(0.0, 1.0))
    effect = mean + scale * base
    with pyro.plate("obs", len(log_radon)):
        m = effect[county_of] + w[0] * log_uranium + w[1] * floor + w[2] * floor_by_county
        pyro.sample("y", pd.Normal(m, noise), obs=log_radon)


def _ours(model: gd.Model, data: Any, backend: str) -> Callable[[], Any]:
    p = model.compile(backend).bind(data)
    b = p.program.backend
    with b.context("float64"):
        u = {k: b.array(np.zeros(s), "float64") for k, s in p.shapes.items()}
        f = b.value_and_grad(p.log_density)
        f(u)
    return lambda: f(u)


def _numpyro(model: Any, data: dict[str, Any]) -> Callable[[], Any]:
    arrays = {k: jnp.asarray(v) for k, v in data.items()}
    info = numpyro.infer.util.initialize_model(jax.random.PRNGKey(0), model, model_kwargs=arrays)
    f = jax.jit(jax.value_and_grad(info.potential_fn))
    u = jax.tree.map(lambda x: jnp.zeros_like(x), info.param_info.z)
    f(u)
    return lambda: f(u)


def _pyro(model: Any, data: dict[str, Any]) -> Callable[[], Any]:
    from pyro.infer.mcmc.util import initialize_model
    from pyro.ops.integrator import potential_grad

    arrays = {k: torch.as_tensor(np.array(v)) for k, v in data.items()}
    with torch.random.fork_rng():
        initial, potential, _, _ = initialize_model(model, model_kwargs=arrays)
    u = {k: torch.zeros_like(v, dtype=torch.float64) for k, v in initial.items()}
    return lambda: potential_grad(potential, {k: v.clone() for k, v in u.items()})


def _pair(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int = 15, calls: int = 200) -> Ratio:
    def once(f: Callable[[], Any]) -> float:
        t = time.perf_counter()
        out = None
        for _ in range(calls):
            out = f()
        jax.block_until_ready(out)
        return (time.perf_counter() - t) / calls

    once(ours), once(theirs)
    a, b = zip(*((once(ours), once(theirs)) for _ in range(rounds)), strict=True)
    ratio = np.array(a) / np.array(b)
    low, median, high = np.quantile(ratio, [0.1, 0.5, 0.9])
    return Ratio(name, float(np.median(a)), float(np.median(b)), float(low), float(median), float(high))


def measure() -> list[Ratio]:
    """Eight schools and radon on both backends; one torch thread, float64."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = []
        schools, counties = (dict(j.simulate()) for j in JOBS)
        with jax.enable_x64(True):
            for name, model, data, theirs in (
                ("eight schools, numpyro", eight_schools.centered(), schools, _schools_numpyro),
                ("radon, numpyro", radon.radon(), counties, _radon_numpyro),
            ):
                rows.append(_pair(name, _ours(model, data, "numpyro"), _numpyro(theirs, data)))
        for name, model, data, theirs in (
            ("eight schools, pyro", eight_schools.centered(), schools, _schools_pyro),
            ("radon, pyro", radon.radon(), counties, _radon_pyro),
        ):
            rows.append(_pair(name, _ours(model, data, "pyro"), _pyro(theirs, data)))
        return rows
    finally:
        torch.set_num_threads(threads)
