"""`calibrate`: checks the request, runs what is not done yet, and keeps what is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import get_backend
from gendsl.calibration.job import Inputs, Job, Record, sampled
from gendsl.calibration.record import Records
from gendsl.calibration.result import Calibration
from gendsl.data import bind
from gendsl.errors import FitError, caller
from gendsl.forward import bind_forward, simulate
from gendsl.graph.node import Graph
from gendsl.methods import MCMC
from gendsl.methods.chains import cores
from gendsl.predict import prior_program
from gendsl.request import check_seed, positive
from gendsl.run import check_nuts

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from gendsl.lang.model import Model

__all__ = ["calibrate"]

_FEW = 8  # simulations below which starting processes costs more than it saves


def calibrate(
    model: Model,
    data: Mapping[str, Any],
    method: MCMC,
    *,
    backend: str = "auto",
    simulations: int = 200,
    draws: int = 99,
    simulator: Model | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    path: str | PathLike[str] | None = None,
    processes: int | None = None,
    progress: bool = True,
) -> Calibration:
    """Check by simulation that a method draws from the posteriors of a model.

    Each simulation draws parameters from the prior and data given them, fits the data, and ranks each parameter among
    draws of the fit, taken at even distances, so that they depend little on each other. A simulation depends on the
    seed and its number alone.

    Args:
        model: the model.
        data: values of its data. Observations may be left out; where they are there they give sizes of plates, labels,
            and which elements are missing.
        method: how to fit, such as `gd.NUTS(chains=1, warmup=300, draws=500)`.
        backend: "numpyro", "pyro" or "auto".
        simulations: how many; a later call with the same path and more of them goes on.
        draws: how many draws of a fit are ranked against: ranks are 0, ..., draws.
        simulator: the model that parameters and data are drawn from, with sites of the same names; left out, the model
            itself.
        sizes: lengths of plates that no data have.
        seed: seed of all randomness.
        path: a file of JSON lines that is written as simulations end, and read first; left out, nothing is kept.
        processes: how many at once; left out, one for each core. With 1, all runs in this process.
        progress: whether to show progress.

    Returns:
        The ranks, their p-values and a verdict. An interrupt (Ctrl-C) ends it early with what is done.

    Raises:
        FitError: if the model cannot be simulated or fitted, or the file holds another calibration.
        DataError: if the data do not fit.

    Reference:
        Validating Bayesian Inference Algorithms with Simulation-Based Calibration (Talts, Betancourt, Simpson, Vehtari,
        Gelman, 2018) | https://arxiv.org/abs/1804.06788
    """
    count = positive("simulations", simulations, 200)
    if not isinstance(method, MCMC):
        needed = "a sampler, such as gd.NUTS(...)"
        raise FitError("an unknown method", given=repr(method)[:80], needed=needed, where=caller())
    if method.deadline is not None:
        raise FitError(
            "a calibration needs all draws of each fit",
            given=f"deadline={method.deadline:g}",
            needed="a method without a deadline",
            fix="leave deadline out; an interrupt (Ctrl-C) ends a calibration early",
            where=caller(),
        )
    if positive("draws", draws, 99) > method.chains * method.draws:
        raise FitError(
            "a fit has fewer draws than are ranked against",
            given=f"draws={draws}; the method keeps {method.chains} x {method.draws}",
            needed=f"at least {draws} kept draws",
            fix=f"gd.NUTS(draws={5 * draws}), or fewer: draws={max(1, method.chains * method.draws // 5)}",
            where=caller(),
        )
    workers = cores() if processes is None else positive("processes", processes, 2)
    job = _job(
        model.graph,
        (simulator or model).graph,
        data,
        method,
        get_backend(backend).name,
        check_seed(seed),
        int(draws),
        sizes,
    )
    records = Records(None if path is None else Path(path), job.head())
    todo = [k for k in range(count) if k not in records.done]
    complete = True
    try:
        with _bar(progress, model.name, count, count - len(todo)) as advance:
            for record in _run(job, todo, workers):
                records.add(record)
                advance()
    except KeyboardInterrupt:
        complete = False
    finally:
        records.close()
    done = [records.done[k] for k in sorted(records.done) if k < count]
    return Calibration.of(model.name, done, count, int(draws), complete)


def _run(job: Job, numbers: Sequence[int], workers: int) -> Iterator[Record]:
    if workers == 1 or len(numbers) < _FEW or not sys.executable:
        yield from map(job.run, numbers)
        return
    from gendsl.calibration.team import run_team

    yield from run_team(job, numbers, workers)


# -- the job -------------------------------------------------------------------------------------------------------
def _job(
    graph: Graph,
    source: Graph,
    data: Mapping[str, Any],
    method: MCMC,
    backend: str,
    seed: int,
    draws: int,
    sizes: Mapping[str, int] | None,
) -> Job:
    check_nuts(graph, type(method).__name__)
    for g in {id(g): g for g in (graph, source)}.values():
        _check_observations(g)
    observed = [str(n.name) for _, n in graph.of("observe")]
    _check_names(graph, source, observed)
    kept = frozenset(k for k in data if k in source.inputs)
    program = prior_program(source, backend, kept)
    drawn = bind_forward(program, {k: data[k] for k in data if k in source.inputs}, sizes)
    bound = drawn.bound
    first = simulate(drawn, {}, 1, (seed,), values=observed).values
    arrays = {name: first[name][0] for name in observed}
    for name in observed:  # the same elements are missing in every simulation
        there = [n for _, n in source.of("data") if n.attr["derived"] == ("observed", name)]
        if there and str(there[0].name) in bound.arrays:
            keep = bound.arrays[str(there[0].name)]
            x = arrays[name].astype(float)
            arrays[name] = np.where(keep.reshape(keep.shape + (1,) * (x.ndim - keep.ndim)), x, np.nan)
    roots = [p.name for p in graph.plates if p.base is None and p.name in bound.sizes]
    fixed = {p: (bound.sizes[p], bound.coords.get(p)) for p in roots}
    given = bind(graph, {**{k: v for k, v in data.items() if k not in observed}, **arrays}, fixed)
    needed = {str(n.name) for _, n in prior_program(source, backend).graph.of("data")}
    inputs = Inputs({k: v for k, v in bound.arrays.items() if k in needed}, dict(bound.sizes))
    rest = {k: v for k, v in given.arrays.items() if k not in observed}
    return Job(graph, source, Inputs(rest, dict(given.sizes)), inputs, method, backend, seed, draws)


def _check_observations(graph: Graph) -> None:
    """Simulated values must be able to take the place of data."""
    for _, n in graph.of("observe"):
        if n.name not in graph.inputs:
            raise FitError(
                f"'{n.name}' observes an expression (value=), which simulated values cannot take the place of",
                node=n.name,
                given="m.observe(..., value=...)",
                needed="observations that are data of their own",
                fix="write a series as a distribution over its plate: gd.Markov, gd.HiddenMarkov, gd.GaussianProcess; "
                "give constants as data",
                where=n.where,
            )


def _check_names(graph: Graph, source: Graph, observed: Sequence[str]) -> None:
    where = caller()
    if not observed:
        raise FitError(
            f"model '{graph.name}' observes nothing: there are no data to simulate",
            needed="at least one observation",
            fix='m.observe("y", distribution, dims=...)',
            where=where,
        )
    simulated = {str(n.name) for _, n in source.of("observe")}
    if lacking := [n for n in observed if n not in simulated]:
        raise FitError(
            f"the simulator '{source.name}' does not observe '{lacking[0]}'",
            node=lacking[0],
            given=f"observations {', '.join(sorted(simulated)) or 'none'}",
            needed=", ".join(observed),
            fix="give its observations the names that the model has",
            where=graph.nodes[graph.sites[lacking[0]]].where,
        )
    if not set(sampled(graph)) & set(sampled(source)):
        raise FitError(
            f"the simulator '{source.name}' has none of the model's latents, so nothing can be ranked",
            given=", ".join(sampled(source)) or "none",
            needed=f"some of {', '.join(sampled(graph))}",
            fix="give its latents the names that the model has",
            where=where,
        )


# -- progress ------------------------------------------------------------------------------------------------------
@contextmanager
def _bar(show: bool, name: str, total: int, done: int) -> Iterator[Callable[[], None]]:
    """One bar over all simulations, where someone can see it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not show or not (console.is_terminal or console.is_jupyter):
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"calibrating {name}", total=total, completed=done)
        yield lambda: bar.advance(task)
