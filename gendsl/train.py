"""`train`: from a model, data and `gd.Train` to a fit, whatever the objective and the backend."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gendsl.backend import find_device
from gendsl.errors import FitError, FormatError, caller
from gendsl.graph.json import dumps
from gendsl.graph.show import show
from gendsl.objectives.choose import default_objective, warn_of_solvers
from gendsl.objectives.rows import Rows
from gendsl.objectives.setting import Bindable, Setting
from gendsl.program import BoundProgram
from gendsl.trained import TrainedFit
from gendsl.training.contract import Job
from gendsl.training.data import Table
from gendsl.training.order import held_out
from gendsl.training.progress import make

if TYPE_CHECKING:
    import os

    from gendsl.graph.node import Graph
    from gendsl.lang.model import Model
    from gendsl.methods import Train
    from gendsl.objectives import Objective
    from gendsl.training import TrainState

__all__ = ["train"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def train(
    model: Model,
    data: Mapping[str, Any],
    method: Train,
    *,
    backend: str,
    seed: int,
    device: str,
    progress: bool,
    resume: TrainedFit | TrainState | str | os.PathLike[str] | None = None,
) -> TrainedFit:
    """Train a model for its objective; see `Model.fit`.

    Raises:
        DataError: if the data do not fit the model, or a batch is larger than they are.
        FitError: if the objective does not apply to the model, or the run cannot start.
        CompileError: if the backend cannot express the model.
        BackendError: if the backend is missing, or has no such device.
    """
    began = time.perf_counter()
    graph = model.graph
    objective = model.objective()
    if objective is None:
        objective = default_objective(graph)
        warn_of_solvers(graph, objective)
    objective.check(graph)
    _comparable(objective, method)
    asked = _asked(graph, method)
    method = _batches(graph, method)
    setting = Setting.of(
        graph, data, backend, batched=bool(asked), precision=method.precision.dtype, asked=asked or ("batch_size",)
    )
    setting = replace(setting, device=find_device(setting.backend, device), count=_count(setting, method, seed))
    made = objective.bind(setting)
    method = _held(setting, made, method)
    job = Job(
        game=made.game,
        data=Table(made.rows, made.whole),
        method=method,
        seed=seed,
        device=setting.device,
        resume=resume.raw.state if isinstance(resume, TrainedFit) else resume,
        identity=_identity(made),
    )
    raw = setting.backend.engine.train(job, make(progress, graph.name))
    seconds = raw.seconds | {"total": time.perf_counter() - began}
    return TrainedFit(setting, made, objective, method, seed, raw, seconds)


def _comparable(objective: Objective, method: Train) -> None:
    """Raise where training would stop early by a loss that does not tell a better model."""
    v = method.validation
    if v is not None and v.patience is not None and not objective.comparable:
        raise FitError(
            f"the loss of {type(objective).__name__} is not lower for a better model: training cannot stop early by it",
            given=f"gd.Validation(patience={v.patience})",
            needed="a fixed number of steps",
            fix="leave patience out, and compare fit.sample(...) with held-out rows",
            where=caller(),
        )


def _asked(graph: Graph, method: Train) -> tuple[str, ...]:
    """What asks for a part of the rows."""
    given = {
        "batch_size": method.batch_size is not None,
        "subsample": any(p.subsample is not None for p in graph.plates),
        "validation": method.validation is not None,
    }
    return tuple(k for k, is_given in given.items() if is_given)


def _batches(graph: Any, method: Train) -> Train:
    """The method with the batch size that a plate is declared with, where it has none."""
    declared = [p for p in graph.plates if p.subsample is not None]
    if not declared:
        return method
    plate = declared[0]
    if method.batch_size not in (None, plate.subsample):
        raise FitError(
            "the method and a plate give batches of different sizes",
            node=plate.name,
            given=f"batch_size={method.batch_size}, subsample={plate.subsample}",
            needed="one size",
            fix="leave one of them out",
            where=plate.where,
        )
    return replace(method, batch_size=plate.subsample)


def _count(setting: Setting, method: Train, seed: int) -> int | None:
    """Rows that are trained on, where some are held out."""
    if setting.plate is None:
        return None
    rows = setting.bound.sizes[setting.plate]
    share = method.validation.fraction if method.validation else None
    return rows if share is None else max(1, len(held_out(rows, share, seed)[0]))


def _held(setting: Setting, made: Bindable, method: Train) -> Train:
    """The method with held-out data as rows of the programs' arrays."""
    v = method.validation
    if v is None or v.data is None:
        return method
    theirs = replace(setting, data=v.data, count=None)
    programs = {}
    for role, bound in made.programs.items():
        at = theirs if role == "model" else theirs.guide(bound.program.declared)
        programs[role] = BoundProgram(bound.program, at.bound)
    rows = Rows.of(programs, setting.plate, 1)[1]
    return replace(method, validation=replace(v, data=rows))


def _identity(made: Bindable) -> str:
    """What tells this model from others, on either backend: its declared graphs."""
    parts = [f"{role}\n{_text(bound)}" for role, bound in sorted(made.programs.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _text(bound: BoundProgram) -> str:
    try:
        return dumps(bound.program.declared)
    except FormatError:  # something of the user's own, which may print as where it lies in memory
        return _ADDRESS.sub("", show(bound.program.declared))
