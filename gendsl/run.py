"""`run`: from a model, data and a method to a fit, whatever the method and the backend."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU
from gendsl.errors import FitError, caller
from gendsl.fit import Fit
from gendsl.graph.learned import UsedDensity, learned_of
from gendsl.graph.node import Graph, Node
from gendsl.groups import constrained
from gendsl.methods import MCMC, Centering, Method, Train
from gendsl.methods.choose import chosen
from gendsl.methods.interrupt import interrupts
from gendsl.methods.sample import sample

if TYPE_CHECKING:
    from gendsl.backend import Draws, Progress
    from gendsl.lang.model import Model
    from gendsl.program import BoundProgram
    from gendsl.trained import TrainedFit

__all__ = ["LATE", "check_nuts", "finished", "infer", "run"]

_TRAINS = ("adam", "advi", "elbo", "svi", "train", "vi")
LATE = "interrupted when all draws were made"
"""What a run says that Ctrl-C reached after its last draw."""


def run(
    model: Model,
    data: Mapping[str, Any],
    method: Method | None,
    *,
    backend: str,
    seed: int = 0,
    precision: str | None = None,
    device: str = CPU,
    progress: bool = True,
    resume: Any = None,
) -> Fit | TrainedFit:
    """Infer the latents of a model, or train it; see `Model.fit`.

    Raises:
        DataError: if the data do not fit the model.
        FitError: if the method cannot run on the model, or no starting point is found.
        CompileError: if the backend cannot express the model.
        BackendError: if the backend is missing, or has no such device.
    """
    from gendsl.program import compile_graph
    from gendsl.progress import make

    began = time.perf_counter()
    graph = model.graph
    if not isinstance(method, (MCMC, Train)):
        raise _no_method(method)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise FitError("a seed is a nonnegative integer", given=repr(seed), where=caller())
    if isinstance(method, Train):
        from gendsl.train import train

        _one_precision(precision, method)
        return train(
            model, data, method, backend=backend, seed=int(seed), device=device, progress=progress, resume=resume
        )
    if resume is not None:
        raise FitError(
            f"{type(method).__name__} does not resume a run",
            given="resume=...",
            needed="gd.Train, or a fit",
            fix="fit.continue_() goes on with a fit's draws",
            where=caller(),
        )
    check_nuts(graph, type(method).__name__)
    partly = method.centering is Centering.LEARNED
    kind = "float64" if precision is None else precision
    program = compile_graph(graph, backend, precision=kind, device=device, partly_centered=partly)
    out = infer(program.bind(data), method, int(seed), make(progress, graph.name))
    out.seconds["total"] = time.perf_counter() - began
    return out


def _one_precision(given: str | None, method: Train) -> None:
    """Raise where training is given a precision beside its method's own."""
    if given is not None and given != method.precision:
        raise FitError(
            "training computes in the precision of its method",
            given=f"precision='{given}', and gd.Train(precision='{method.precision}')",
            needed="one precision",
            fix=f"gd.Train(..., precision='{given}'), and leave it out of m.fit",
            where=caller(),
        )


def _no_method(given: Any) -> FitError:
    """What was given is none, or is its class."""
    if given is None:
        problem, shown, fix = "no method is given", None, 'm.fit(data, gd.NUTS(), backend="auto")'
    elif isinstance(given, type):
        problem, shown, fix = "a method is an instance", f"the class {given.__name__}", f"gd.{given.__name__}()"
    else:
        problem, shown, fix = "an unknown method", f"{type(given).__name__}: {given!r}"[:80], "gd.NUTS()"
        if str(given).lower() in _TRAINS:
            fix = "gd.Train(), with m.objective(gd.ELBO(guide=...)) where the model has latents"
    return FitError(problem, given=shown, needed="a method, such as gd.NUTS(draws=1000)", fix=fix, where=caller())


def infer(bound: BoundProgram, method: Method, seed: int, progress: Progress) -> Fit:
    """Run a method on a bound program, which a `Fit` then holds.

    Raises:
        FitError: if no starting point is found.
    """
    began = time.perf_counter()
    if not isinstance(method, MCMC):
        raise TypeError(f"not a method: {method!r}")
    where = bound.program
    method = chosen(method, where.backend.name, bound.dimension, on_cpu=where.device.startswith(CPU))
    raw, note = None, ""
    if method.centering is Centering.LEARNED:
        from gendsl.centering import learn

        learnt = learn(bound, method, seed, progress)
        bound, rest, note, raw = learnt.bound, learnt.method, learnt.note, learnt.cut
    else:
        rest = method
    raw = raw or sample(bound, rest, seed, progress)
    raw.note = "; ".join(x for x in (raw.note, note) if x)
    draws = finished(bound, raw)
    return Fit(bound, method, seed, raw, draws, raw.seconds | {"total": time.perf_counter() - began})


def finished(bound: BoundProgram, raw: Draws) -> dict[str, np.ndarray]:
    """Every declared latent and recorded value of what a sampler returned.

    It may take a while, for the map to them is compiled. Ctrl-C meanwhile is noted, and loses nothing.
    """
    with interrupts() as pressed:
        out = constrained(bound, raw.unconstrained)
        if pressed():
            raw.note = "; ".join(x for x in (raw.note, LATE) if x)
    return out


def check_nuts(graph: Graph, method: str = "NUTS") -> None:
    """Raise a FitError where NUTS or HMC cannot run on a model, whatever the data."""
    from gendsl.program import discrete_latents

    latents = [n for _, n in graph.of("latent")]
    if not latents:
        raise FitError(
            f"model '{graph.name}' has no latents: there is nothing to infer",
            fix='declare what is unknown, for example m.latent("mu", gd.Normal(0, 1))',
            where=caller(),
        )
    if words := discrete_latents(graph):
        problem, more = words
        raise FitError(f"{method} needs continuous latents, and {problem}", **more)
    if params := [n for _, n in graph.of("param")]:
        first = params[0]
        raise FitError(
            f"{method} draws from a posterior, and {_listed(params)} {'has' if len(params) == 1 else 'have'} no prior",
            node=first.name,
            given=f'm.param("{first.name}", ...)',
            fix=f'give it one: m.latent("{first.name}", gd.Normal(0, 1))',
            where=first.where,
        )
    for name, used in learned_of(graph.nodes).items():
        density = isinstance(used, UsedDensity)
        raise FitError(
            f"{method} draws from a posterior, and the parameters of "
            + (f"the distribution of '{name}'" if density else f"network '{name}'")
            + " have no prior",
            node=name,
            given=repr(used.spec)[:120] if density else f'm.network("{name}", {used.spec!r})',
            needed="a model whose distributions have no parameters to learn" if density else "a model without networks",
            fix="a method that learns parameters, such as gd.Train",
            where=used.where,
        )
    if subsampled := [p for p in graph.plates if p.subsample is not None]:
        plate = subsampled[0]
        raise FitError(
            f"{method} needs all of the data, and plate '{plate.name}' is subsampled",
            node=plate.name,
            given=f"subsample={plate.subsample}",
            fix=f'leave subsample out: m.plate("{plate.name}")',
            where=plate.where,
        )


def _listed(nodes: Iterable[Node]) -> str:
    return ", ".join(f"'{n.name}'" for n in nodes)
