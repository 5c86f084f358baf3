"""`make cases`: every reference posterior, fitted and compared, with its gradients, time and effective draws a second.

    python -m tests.benchmarks.cases --backends numpyro pyro --engines nutpie native --out .cache/cases.jsonl

A case runs in a process of its own, so that nothing compiled or allocated is left to the next one. What is done is
kept in the file and not run again; remove it to start anew.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import multiprocessing
import textwrap
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import gendsl as gd
from gendsl.methods import Engine
from gendsl_models import reference
from gendsl_models.registry import ZOO

__all__ = ["Result", "lines", "measure"]

STAN_LINES = {
    "eight_schools_noncentered": 20, "eight_schools_centered": 16, "logearn_interaction": 20,
    "kidscore_interaction": 19, "logmesquite": 34, "nes1980": 30, "arK": 23, "arma11": 25, "garch11": 20,
    "low_dim_gauss_mix": 18, "hmm_example": 36, "gp_regr": 19, "lotka_volterra": 43, "blr": 15,
}  # fmt: skip
"""Lines of posteriordb's Stan programs, without blank lines, comments and generated quantities."""


def lines(declare: Callable[..., object]) -> int:
    """Lines of a model's declaration in Python, without blank lines, comments and docstrings."""
    source = textwrap.dedent(inspect.getsource(declare.func if isinstance(declare, partial) else declare))
    (function,) = ast.parse(source).body
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(f"not a function: {declare!r}")
    text = source.splitlines()
    doc = function.body[0] if ast.get_docstring(function) else None
    skipped = set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1)) if doc is not None else set()
    counted = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return sum(k not in skipped and bool(x := text[k - 1].strip()) and not x.startswith("#") for k in counted)


@dataclass(frozen=True)
class Result:
    """One fit.

    Attributes:
        key: case, backend, engine.
        seconds: wall time of `fit`, compilation included, and of the effective sample sizes.
        compile: of it, until the chains started.
        gradients: leapfrog steps of the kept draws, all chains.
        ess: the smallest bulk effective sample size.
        divergences: of the kept draws.
        missed: the bounds that are missed, in words.
        note: what the fit says of itself.
    """

    key: tuple[str, str, str]
    seconds: float
    compile: float
    gradients: int
    ess: float
    divergences: int
    missed: tuple[str, ...]
    note: str = ""


def measure(case: str, backend: str, engine: str, deadline: float) -> Result:
    """Fit one case at the defaults of the engine."""
    from gendsl.diagnostics import smallest_ess

    entry = ZOO[case]
    model, data = entry.build(), entry.data()
    began = time.perf_counter()
    fit = model.fit(data, gd.NUTS(engine=Engine(engine), deadline=deadline), backend=backend, seed=0, progress=False)
    ess = smallest_ess(fit.draws)
    seconds = time.perf_counter() - began
    diverging = fit.raw.stats["diverging"]
    whole = fit.raw.complete
    missed = [str(r) for r in reference.check(case, fit.draws, diverging) if not r.passed] if whole else [fit.raw.note]
    return Result(
        key=(case, backend, engine),
        seconds=seconds,
        compile=fit.seconds.get("compile", 0.0),
        gradients=int(fit.raw.stats["n_steps"].sum()),
        ess=float(ess),
        divergences=int(np.sum(diverging)),
        missed=tuple(missed),
        note=fit.raw.note,
    )


def _run(job: tuple[str, str, str, float]) -> Result:
    try:
        return measure(*job)
    except gd.GendslError as e:
        return Result(job[:3], 0.0, 0.0, 0, 0.0, 0, (str(e).splitlines()[0],), "failed")


def main() -> None:
    names = [c for c in reference.load_descriptions() if c in ZOO]
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cases", nargs="+", default=names, choices=names)
    options.add_argument("--backends", nargs="+", default=["numpyro", "pyro"])
    options.add_argument("--engines", nargs="+", default=["auto", "native"])
    options.add_argument("--deadline", type=float, default=300.0, help="seconds for each fit")
    options.add_argument("--out", type=Path, default=Path(".cache/cases.jsonl"))
    given = options.parse_args()
    done = {}
    if given.out.exists():
        entries = [json.loads(line) for line in given.out.read_text().splitlines()]
        done = {tuple(e["key"]): Result(**{**e, "key": tuple(e["key"])}) for e in entries}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    console = Console()
    jobs = [(c, b, e, given.deadline) for b in given.backends for e in given.engines for c in given.cases]
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool, given.out.open("a") as file:
        for result in pool.imap(_run, [j for j in jobs if j[:3] not in done]):
            done[result.key] = result
            print(json.dumps(asdict(result)), file=file, flush=True)
            console.print(*result.key, f"{result.seconds:.1f} s", *(result.missed[:1] or ["within bounds"]))
    table = Table("case", "backend", "engine", "s", "compile s", "gradients", "ESS", "ESS / s", "divergent", "missed")
    for job in jobs:
        r = done[job[:3]]
        speed = r.ess / r.seconds if r.seconds else 0.0
        figures = (f"{r.seconds:.1f}", f"{r.compile:.1f}", f"{r.gradients:,}", f"{r.ess:.0f}", f"{speed:.0f}")
        table.add_row(*r.key, *figures, str(r.divergences), r.note if r.note == "failed" else str(len(r.missed)))
    console.print(table)
    sizes = Table("case", "lines declared", "lines in Stan")
    for case in given.cases:
        sizes.add_row(case, str(lines(ZOO[case].build)), str(STAN_LINES.get(case, "-")))
    console.print(sizes)


if __name__ == "__main__":
    main()
