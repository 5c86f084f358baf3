"""One shard: a process that examines its seeds one after the other and appends a line for each."""

from __future__ import annotations

import signal
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from tests.fuzz.record import Record, append

__all__ = ["examine_seed", "shard"]

_CLEAR = 40  # models between two emptyings of jax's caches, which grow without bound
_PATIENCE = 600  # seconds for one model


def examine_seed(seed: int) -> Record:
    """Draw the model of a seed and hold it to the law."""
    from tests.laws.law_whole import examine
    from tests.laws.strategy import seeded_case

    start = time.perf_counter()
    uses: dict[str, int] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # as in pyproject.toml: torch's own modules still use torch.jit
            warnings.filterwarnings("ignore", r".torch\.jit\.\w+. is deprecated", DeprecationWarning)
            case = seeded_case(seed)
            uses = dict(case.uses)
            lead = (3,) if seed % 3 else (2, 2)
            seen = examine(case.model, case.data, seed, tolerance=case.tolerance, lead=lead)
    except Exception as e:  # whatever it is, it is a finding
        where = traceback.extract_tb(e.__traceback__)[-1]
        error = f"{type(e).__name__}: {str(e)[:400]} ({Path(where.filename).name}:{where.lineno})"
        return Record(seed, False, time.perf_counter() - start, error=error, uses=uses)
    return Record(seed, True, time.perf_counter() - start, seen.finite, seen.gap, seen.gradient_gap, uses=uses)


def _late(*_: Any) -> None:
    raise TimeoutError(f"more than {_PATIENCE} s")


def shard(path: str, seeds: list[int], until: float) -> None:
    """Examine the seeds, until a time; interrupted, it stops between two lines."""
    import jax
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops it
    signal.signal(signal.SIGALRM, _late)
    for k, seed in enumerate(seeds):
        if time.time() > until:
            return
        signal.alarm(_PATIENCE)
        record = examine_seed(seed)
        signal.alarm(0)
        append(Path(path), record)
        if k % _CLEAR == _CLEAR - 1:
            jax.clear_caches()
