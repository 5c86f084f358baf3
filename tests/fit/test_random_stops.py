"""Ctrl-C at random moments of a run: what was drawn is in the fit that comes back."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from tests.fit.models import SCHOOLS, schools


def press(backend: str, engine: str, times: int) -> None:
    """Fit again and again, and press once in each run; to be run in a process of its own."""
    engines = importlib.import_module(f"gendsl_{backend}.mcmc")
    gather, made = engines.gather, [0]

    def spy(runs: list[Any], *rest: Any, **options: Any) -> Any:
        made[0] = max(map(len, runs), default=0)
        return gather(runs, *rest, **options)

    engines.gather = spy
    method = gd.NUTS(chains=2, warmup=100, draws=400, engine=gd.Engine(engine), max_tree_depth=5)
    model, rng = schools(), np.random.default_rng(0)

    def fit() -> gd.Fit:
        return model.fit(SCHOOLS, method, backend=backend, progress=False)

    fit()
    began = time.perf_counter()
    fit()
    length = time.perf_counter() - began
    for _ in range(times):
        made[0] = 0
        timer = threading.Timer(rng.uniform(0, 1.02 * length), lambda: os.kill(os.getpid(), signal.SIGINT))
        try:
            timer.start()
            try:
                out = "whole" if fit().raw.complete else "cut"
            except KeyboardInterrupt:
                out = "lost" if made[0] else "nothing drawn"
            timer.join()
            time.sleep(0.05)
        except KeyboardInterrupt:
            out = "pressed after the fit"
        print(out)


@pytest.mark.slow
@pytest.mark.parametrize(("on", "engine"), [("numpyro", "native"), ("numpyro", "nutpie"), ("pyro", "nutpie")])
def test_no_draws_are_lost(on: str, engine: str) -> None:
    code = "import sys; from tests.fit.test_random_stops import press; press(*sys.argv[1:3], int(sys.argv[3]))"
    done = subprocess.run([sys.executable, "-c", code, on, engine, "20"], capture_output=True, text=True, check=False)
    outcomes = done.stdout.splitlines()
    assert len(outcomes) == 20, done.stderr[-2000:]
    assert "lost" not in outcomes, outcomes
