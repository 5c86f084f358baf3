"""Native NUTS against the same kernel on a hand-written program: time a gradient while it samples, and memory.

    python -m tests.benchmarks.sampling [--repeats 3]

Time is that of sampling after warmup, compiled before, over the leapfrog steps of the kept draws. Memory is what the
resident set grows by, at its peak, from the end of warmup on (Linux). NumPyro's chains are vectorised on both sides.
Each run is a process of its own; ours and theirs take turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from gendsl_models.registry import ZOO
from tests.benchmarks.peers.by_hand import PROGRAMS, arguments

__all__ = ["Sampled", "measure"]

_CASES = ("eight_schools_noncentered", "radon_minnesota")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Sampled:
    """Seconds a gradient; gradients; growth of memory in MB."""

    each: float
    gradients: int
    growth: float


class _Watch:
    """Time and memory from the end of warmup on."""

    def __init__(self, warmup: int) -> None:
        self.warmup, self.at, self.before = warmup, 0.0, 0.0

    def begin(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        self.before, self.at = _megabytes("VmRSS"), time.perf_counter()

    # -- as gendsl's progress --
    def start(self, chains: Sequence[int], total: int) -> None:
        pass

    def update(self, chain: int, done: int, divergences: int) -> None:
        if not self.at and done >= self.warmup:
            self.begin()

    def stop(self) -> None:
        pass


def _megabytes(what: str) -> float:
    line = next(x for x in _STATUS.read_text().splitlines() if x.startswith(what))
    return int(line.split()[1]) / 1024


def _gendsl(case: str, backend: str, draws: int) -> Sampled:
    import gendsl as gd

    bound = ZOO[case].build().compile(backend).bind(ZOO[case].data())
    if backend == "numpyro":
        from gendsl_numpyro.mcmc import NumpyroEngine

        engine, chains, how = NumpyroEngine(), 4, gd.ChainMethod.VECTORIZED
    else:
        from gendsl_pyro.mcmc import PyroEngine

        engine, chains, how = PyroEngine(), 1, gd.ChainMethod.SEQUENTIAL
    method = gd.NUTS(chains=chains, draws=draws, dense=False, engine=gd.Engine.NATIVE, chain_method=how)
    watch = _Watch(method.warmup)
    out = engine.mcmc(bound, method, 0, watch)
    growth = _megabytes("VmHWM") - watch.before
    steps = int(out.stats["n_steps"].sum())
    return Sampled(out.seconds["sampling"] / steps, steps, growth)


def _numpyro(case: str, draws: int) -> Sampled:
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as d
    from numpyro.infer import MCMC, NUTS

    data = arguments(ZOO[case].data())
    with jax.enable_x64(True):
        kernel = NUTS(lambda **x: PROGRAMS[case](numpyro, d, jnp, **x), target_accept_prob=0.9)
        options: Any = {"num_chains": 4, "chain_method": "vectorized", "progress_bar": False}
        mcmc = MCMC(kernel, num_warmup=1000, num_samples=draws, **options)
        mcmc.warmup(jax.random.PRNGKey(0), **data, extra_fields=("num_steps",))
        mcmc.run(jax.random.PRNGKey(1), **data, extra_fields=("num_steps",))  # compiles
        mcmc.post_warmup_state = mcmc.last_state
        watch = _Watch(0)
        watch.begin()
        mcmc.run(jax.random.PRNGKey(2), **data, extra_fields=("num_steps",))
        steps = int(np.asarray(mcmc.get_extra_fields()["num_steps"]).sum())
    return Sampled((time.perf_counter() - watch.at) / steps, steps, _megabytes("VmHWM") - watch.before)


def _pyro(case: str, draws: int) -> Sampled:
    import pyro
    import pyro.distributions as d
    import torch
    from pyro.infer import MCMC, NUTS

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    pyro.set_rng_seed(0)
    data = {k: torch.as_tensor(v) for k, v in arguments(ZOO[case].data()).items()}
    data = {k: v if k == "county_of" else v.double() for k, v in data.items()}
    calls = 0

    def program(**x: Any) -> None:
        nonlocal calls
        calls += 1
        PROGRAMS[case](pyro, d, torch, **x)

    watch = _Watch(1000)
    before = 0

    def hook(kernel: Any, state: Any, stage: str, i: int) -> None:
        nonlocal before
        if not watch.at and stage.startswith("Sample"):
            before = calls
            watch.begin()

    kernel = NUTS(program, target_accept_prob=0.9)
    MCMC(kernel, num_samples=draws, warmup_steps=1000, num_chains=1, disable_progbar=True, hook_fn=hook).run(**data)
    steps, seconds = calls - before, time.perf_counter() - watch.at
    return Sampled(seconds / steps, steps, _megabytes("VmHWM") - watch.before)


def _one(who: str, case: str) -> Sampled:
    if who.startswith("gendsl"):
        backend = who.split()[1]
        return _gendsl(case, backend, 4000 if backend == "numpyro" else 500)
    return _numpyro(case, 4000) if who == "numpyro" else _pyro(case, 500)


def measure(who: str, case: str) -> Sampled:
    """In a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.sampling", "--one", who, case]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Sampled(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    if given.one:
        print(json.dumps(asdict(_one(*given.one))))
        return
    table = Table("case", "engine", "ours us", "by hand us", "ratio", "spread", "ours MB", "by hand MB")
    for case in _CASES:
        for backend in ("numpyro", "pyro"):
            pairs = [(measure(f"gendsl {backend}", case), measure(backend, case)) for _ in range(given.repeats)]
            ratios = [a.each / b.each for a, b in pairs]
            each = [f"{1e6 * np.median([p[k].each for p in pairs]):.1f}" for k in (0, 1)]
            memory = [f"{np.median([p[k].growth for p in pairs]):.1f}" for k in (0, 1)]
            spread = f"{min(ratios):.3f} - {max(ratios):.3f}"
            table.add_row(case, backend, *each, f"{np.median(ratios):.3f}", spread, *memory)
    Console().print(table)


if __name__ == "__main__":
    main()
