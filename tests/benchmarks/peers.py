"""From data to summary: effective draws of the slowest parameter a second, against programs written by hand.

    python -m tests.benchmarks.peers [--pyro] [--repeats 3]

Each run is a process of its own without a compilation cache, so that importing apart, everything that a user waits for
counts: compiling, warming up, sampling, and the summary. All have 4 chains of 1,000 draws after 1,000 of warmup, in
float64. NumPyro's chains are vectorised; Pyro's run in turn, and only on request, as they take minutes. PyMC (with
nutpie) and PyStan are left out where they are not installed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from gendsl_models import reference
from gendsl_models.registry import ZOO

__all__ = ["MODELS", "PEERS", "Run"]

MODELS = {
    "eight_schools_noncentered": "schools",
    "radon_minnesota": "radon",
    "kidscore_interaction": "kidscore",
    "german_credit_logistic": "credit",
}
"""Case of the reference -> name of the hand-written programs."""
PEERS = ("gendsl numpyro", "gendsl numpyro nutpie", "gendsl numpyro native", "numpyro", "gendsl pyro", "pyro")


@dataclass(frozen=True)
class Run:
    """One run: seconds from data to summary, and the smallest bulk effective sample size."""

    seconds: float
    ess: float


def _gendsl(case: str, backend: str, engine: str, seed: int) -> Run:
    import gendsl as gd
    from gendsl.diagnostics import smallest_ess

    model, data = ZOO[case].build(), ZOO[case].data()
    method = gd.NUTS(engine=gd.Engine(engine)) if engine else gd.NUTS()
    began = time.perf_counter()
    fit = model.fit(data, method, backend=backend, seed=seed, progress=False)
    fit.summary()
    seconds = time.perf_counter() - began
    return Run(seconds, smallest_ess(_sampled(case, fit.draws)))


def _sampled(case: str, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What all programs of a model sample."""
    shared = {
        "schools": ("mu", "tau"),
        "radon": ("county_effect_mean", "county_effect_scale", "log_radon_scale", "weight"),
    }
    names = shared.get(MODELS[case], tuple(draws))
    return {k: draws[k] for k in names}


# -- by hand -------------------------------------------------------------------------------------------------------
def _numpyro_program(name: str) -> Callable[..., None]:
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as d

    def schools(J: Any, y: Any, sigma: Any) -> None:
        mu, tau = numpyro.sample("mu", d.Normal(0, 5)), numpyro.sample("tau", d.HalfCauchy(5))
        with numpyro.plate("school", J):
            base = numpyro.sample("theta_trans", d.Normal(0, 1))
            numpyro.sample("y", d.Normal(mu + tau * base, sigma), obs=y)

    def radon(county_of: Any, log_uranium: Any, floor: Any, floor_by_county: Any, log_radon: Any) -> None:
        mean = numpyro.sample("county_effect_mean", d.Normal(0, 1))
        scale, noise = (numpyro.sample(k, d.HalfNormal(1)) for k in ("county_effect_scale", "log_radon_scale"))
        w = numpyro.sample("weight", d.Normal(0, 1).expand([3]).to_event(1))
        with numpyro.plate("county", 85):
            base = numpyro.sample("base", d.Normal(0, 1))
        m = (mean + scale * base)[county_of] + w[0] * log_uranium + w[1] * floor + w[2] * floor_by_county
        with numpyro.plate("obs", len(log_radon)):
            numpyro.sample("y", d.Normal(m, noise), obs=log_radon)

    def kidscore(mom_hs: Any, mom_iq: Any, kid_score: Any) -> None:
        beta = numpyro.sample("beta", d.ImproperUniform(d.constraints.real_vector, (), (4,)))
        sigma = numpyro.sample("sigma", d.HalfCauchy(2.5))
        x = jnp.stack([jnp.ones_like(mom_iq), mom_hs, mom_iq, mom_hs * mom_iq], -1)
        with numpyro.plate("child", len(kid_score)):
            numpyro.sample("y", d.Normal(x @ beta, sigma), obs=kid_score)

    def credit(X: Any, y: Any) -> None:
        w = numpyro.sample("weights", d.Normal(0, 1).expand([25]).to_event(1))
        with numpyro.plate("customer", len(y)):
            numpyro.sample("y", d.Bernoulli(logits=X @ w), obs=y)

    return {"schools": schools, "radon": radon, "kidscore": kidscore, "credit": credit}[name]


def _numpyro(case: str, seed: int) -> Run:
    import arviz as az
    import jax
    from numpyro.infer import MCMC, NUTS

    from gendsl.diagnostics import smallest_ess

    program, data = _numpyro_program(MODELS[case]), _arguments(case)
    began = time.perf_counter()
    with jax.enable_x64(True):
        kernel = NUTS(program, target_accept_prob=0.9)
        mcmc = MCMC(
            kernel, num_warmup=1000, num_samples=1000, num_chains=4, chain_method="vectorized", progress_bar=False
        )
        mcmc.run(jax.random.PRNGKey(seed), **data)
        az.summary(az.from_numpyro(mcmc))
        draws = {k: np.asarray(v) for k, v in mcmc.get_samples(group_by_chain=True).items()}
    seconds = time.perf_counter() - began
    return Run(seconds, smallest_ess(_sampled(case, draws)))


def _pyro(case: str, seed: int) -> Run:
    import arviz as az
    import pyro
    import pyro.distributions as d
    import torch
    from pyro.infer import MCMC, NUTS

    from gendsl.diagnostics import smallest_ess

    def schools(J: Any, y: Any, sigma: Any) -> None:
        mu, tau = pyro.sample("mu", d.Normal(0.0, 5.0)), pyro.sample("tau", d.HalfCauchy(5.0))
        with pyro.plate("school", int(J)):
            base = pyro.sample("theta_trans", d.Normal(0.0, 1.0))
            pyro.sample("y", d.Normal(mu + tau * base, sigma), obs=y)

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    pyro.set_rng_seed(seed)
    data = {k: torch.as_tensor(np.array(v)) for k, v in _arguments(case).items()}
    began = time.perf_counter()
    mcmc = MCMC(NUTS(schools, target_accept_prob=0.9), num_samples=1000, warmup_steps=1000, num_chains=4)
    mcmc.run(**data)
    az.summary(az.from_pyro(mcmc, log_likelihood=False))
    draws = {k: v.numpy() for k, v in mcmc.get_samples(group_by_chain=True).items()}
    return Run(time.perf_counter() - began, smallest_ess(_sampled(case, draws)))


def _arguments(case: str) -> dict[str, Any]:
    data = dict(ZOO[case].data())
    if MODELS[case] == "schools":
        data["J"] = len(data["y"])
    return data


# -- all of them ---------------------------------------------------------------------------------------------------
def _one(peer: str, case: str, seed: int) -> Run:
    if peer.startswith("gendsl"):
        _, backend, *engine = peer.split()
        return _gendsl(case, backend, engine[0] if engine else "", seed)
    return (_numpyro if peer == "numpyro" else _pyro)(case, seed)


def _measure(peer: str, case: str, seed: int) -> Run | None:
    """In a fresh process, without a compilation cache."""
    hidden = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    command = [sys.executable, "-m", "tests.benchmarks.peers", "--one", peer, case, str(seed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        Console(stderr=True).print(f"{peer} on {case}: {done.stderr.strip().splitlines()[-1]}")
        return None
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--one", nargs=3)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--pyro", action="store_true", help="Pyro by hand too")
    options.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    options.add_argument("--peers", nargs="+", default=list(PEERS[:-1]))
    given = options.parse_args()
    if given.one:
        print(json.dumps(asdict(_one(given.one[0], given.one[1], int(given.one[2])))))
        return
    if not reference.available():
        Console().print("the reference data are absent: this benchmark is left out")
        return
    peers = [*given.peers, *(["pyro"] if given.pyro else [])]
    table = Table("model", "program", "s", "spread", "ESS", "ESS / s", "against numpyro")
    for case in given.models:
        here = [p for p in peers if p != "pyro" or MODELS[case] == "schools"]  # written in Pyro by hand for that alone
        runs = {p: [r for s in range(given.repeats) if (r := _measure(p, case, s))] for p in here}
        rates = {p: float(np.median([r.ess / r.seconds for r in rs])) for p, rs in runs.items() if rs}
        for p, rs in runs.items():
            if rs:
                times = [r.seconds for r in rs]
                ratio = f"{rates[p] / rates['numpyro']:.2f}" if "numpyro" in rates else ""
                size = f"{np.median([r.ess for r in rs]):.0f}"
                spread = f"{min(times):.1f} - {max(times):.1f}"
                table.add_row(case, p, f"{np.median(times):.2f}", spread, size, f"{rates[p]:.1f}", ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
