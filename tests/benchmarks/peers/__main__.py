"""From data to summary: effective draws of the slowest parameter a second, against programs written by hand.

    python -m tests.benchmarks.peers [--peers ...] [--models ...] [--repeats 3] [--python OTHER] [--out FILE]

Each run is a process of its own without a compilation cache, so that importing apart, everything that a user waits for
counts: compiling, warming up, sampling, and the summary. All have 4 chains of 1,000 draws after 1,000 of warmup, at a
target of 0.9, in float64. NumPyro's chains are vectorised; Pyro's run in turn. PyMC (with nutpie) and PyStan are run by
the interpreter of `--python`, as they need not fit beside gendsl (PyStan wants setuptools<80 beside it); they are left
out without one. The time of Stan's C++ compiler is shown beside, and not counted.

What is done is kept in the file and not run again; remove it to start anew. The slow programs by hand can so be given
fewer repeats than the others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from gendsl_models import reference
from gendsl_models.registry import ZOO
from tests.benchmarks.peers import foreign
from tests.benchmarks.peers.by_hand import PROGRAMS, SHARED, arguments

__all__ = ["PEERS", "Run"]

OWN = ("gendsl numpyro", "gendsl numpyro native", "gendsl pyro", "gendsl pyro native")
PEERS = (*OWN, "numpyro", "pyro", "pymc", "stan")
BASE = "numpyro"


@dataclass(frozen=True)
class Run:
    """One run: seconds from data to summary, the smallest bulk effective sample size, and what is not counted."""

    seconds: float
    ess: float
    build: float = 0.0


def _ess(case: str, draws: Mapping[str, np.ndarray]) -> float:
    from gendsl.diagnostics import smallest_ess

    return float(smallest_ess({k: draws[k] for k in SHARED[case]}))


def _gendsl(case: str, backend: str, engine: str, seed: int) -> Run:
    import gendsl as gd

    for module in (f"gendsl_{backend}.backend", f"gendsl_{backend}.mcmc", backend, "arviz", "nutpie"):
        import_module(module)
    model, data = ZOO[case].build(), ZOO[case].data()
    began = time.perf_counter()
    fit = model.fit(data, gd.NUTS(engine=gd.Engine(engine)), backend=backend, seed=seed, progress=False)
    fit.summary()
    return Run(time.perf_counter() - began, _ess(case, fit.draws))


def _numpyro(case: str, seed: int) -> Run:
    import arviz as az
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as d
    from numpyro.infer import MCMC, NUTS

    data = arguments(ZOO[case].data())
    began = time.perf_counter()
    with jax.enable_x64(True):
        kernel = NUTS(lambda **x: PROGRAMS[case](numpyro, d, jnp, **x), target_accept_prob=0.9)
        mcmc = MCMC(
            kernel, num_warmup=1000, num_samples=1000, num_chains=4, chain_method="vectorized", progress_bar=False
        )
        mcmc.run(jax.random.PRNGKey(seed), **data)
        az.summary(az.from_numpyro(mcmc))
        draws = {k: np.asarray(v) for k, v in mcmc.get_samples(group_by_chain=True).items()}
    return Run(time.perf_counter() - began, _ess(case, draws))


def _pyro(case: str, seed: int) -> Run:
    import arviz as az
    import pyro
    import pyro.distributions as d
    import torch
    from pyro.infer import MCMC, NUTS

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    pyro.set_rng_seed(seed)
    data = {k: torch.as_tensor(v) for k, v in arguments(ZOO[case].data()).items()}
    data = {k: v if k == "county_of" else v.double() for k, v in data.items()}
    began = time.perf_counter()
    kernel = NUTS(lambda **x: PROGRAMS[case](pyro, d, torch, **x), target_accept_prob=0.9)
    mcmc = MCMC(kernel, num_samples=1000, warmup_steps=1000, num_chains=4, disable_progbar=True)
    mcmc.run(**data)
    az.summary(az.from_pyro(mcmc, log_likelihood=False))
    draws = {k: v.numpy() for k, v in mcmc.get_samples(group_by_chain=True).items()}
    return Run(time.perf_counter() - began, _ess(case, draws))


def _one(peer: str, case: str, seed: int) -> Run:
    if peer.startswith("gendsl"):
        _, backend, *engine = peer.split()
        return _gendsl(case, backend, engine[0] if engine else "auto", seed)
    return (_numpyro if peer == "numpyro" else _pyro)(case, seed)


def _foreign(python: str, peer: str, case: str, seed: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "data.npz"), Path(folder, "draws.npz")
        np.savez(source, **arguments(ZOO[case].data()))
        command = [python, foreign.__file__, peer, case, str(source), str(target), str(seed)]
        subprocess.run(command, capture_output=True, text=True, check=True)
        with np.load(target) as found:
            draws = {k.removeprefix("draws_"): found[k] for k in found.files if k.startswith("draws_")}
            return Run(float(found["seconds"]), _ess(case, draws), float(found["build"]))


def _measure(peer: str, case: str, seed: int, python: str | None) -> Run | None:
    """In a fresh process, without a compilation cache."""
    try:
        if peer in ("pymc", "stan"):
            return None if python is None else _foreign(python, peer, case, seed)
        hidden = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
        environment = {k: v for k, v in os.environ.items() if k not in hidden}
        command = [sys.executable, "-m", "tests.benchmarks.peers", "--one", peer, case, str(seed)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return Run(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.CalledProcessError as e:
        Console(stderr=True).print(f"{peer} on {case}: {(e.stderr.strip().splitlines() or ['no output'])[-1]}")
        return None


def _kept(file: Path) -> dict[tuple[str, str, int], Run]:
    """The runs of a file."""
    found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {tuple(r.pop("key")): Run(**r) for r in found}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--models", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    options.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    options.add_argument("--python", help="an interpreter that has pymc, nutpie and pystan")
    options.add_argument("--out", type=Path, default=Path(".cache/peers.jsonl"), help="where runs are kept")
    given = options.parse_args()
    if given.one:
        print(json.dumps(asdict(_one(given.one[0], given.one[1], int(given.one[2])))))
        return
    if not reference.available():
        Console().print("the reference data are absent: this benchmark is left out")
        return
    ratios: dict[str, list[float]] = {}
    kept = _kept(given.out)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for s, case, p in product(range(given.repeats), given.models, given.peers):
        if (p, case, s) not in kept and (run := _measure(p, case, s, given.python)) is not None:
            kept[p, case, s] = run
            with given.out.open("a") as file:
                file.write(json.dumps({"key": (p, case, s), **asdict(run)}) + "\n")
    for case in given.models:
        table = Table("program", "s", "spread", "ESS", "ESS / s", f"against {BASE}", "C++ s", title=case)
        runs = {p: [r for (q, c, _), r in kept.items() if (q, c) == (p, case)] for p in PEERS}
        rates = {p: float(np.median([r.ess / r.seconds for r in rs])) for p, rs in runs.items() if rs}
        for p, rs in runs.items():
            if rs:
                times = [r.seconds for r in rs]
                if BASE in rates:
                    ratios.setdefault(p, []).append(rates[p] / rates[BASE])
                ratio = f"{ratios[p][-1]:.2f}" if p in ratios else ""
                size, build = np.median([r.ess for r in rs]), max(r.build for r in rs)
                figures = (f"{np.median(times):.2f}", f"{min(times):.2f} - {max(times):.2f}", f"{size:.0f}")
                table.add_row(p, *figures, f"{rates[p]:.1f}", ratio, f"{build:.0f}" if build else "")
        Console().print(table)
    for p, rs in ratios.items():
        Console().print(f"{p}: {np.median(rs):.2f} times {BASE} in the median, {min(rs):.2f} - {max(rs):.2f}")


if __name__ == "__main__":
    main()
