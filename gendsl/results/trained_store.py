"""A trained fit as one sealed safetensors file (gendsl/results/sealed.py), and back.

    arrays    state/...     where training is: parameters, averages, optimisers, curves (`TrainState.to_arrays`)
              data/...      bound data, in the declared layout
              labels/...    labels of plates and axes that are numbers or dates
    values    the declared graph, the objective, the method's configuration, backend, precision, seed, times, labels
              that are strings

Parameters are those of either backend, so `fit.to` and `gd.load` meet: a file that one wrote, the other goes on from.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, get_backend
from gendsl.data import Bound
from gendsl.errors import FitError, FormatError, caller
from gendsl.graph.json import dumps, loads
from gendsl.methods import Train
from gendsl.objectives import json as objectives
from gendsl.objectives.setting import Setting
from gendsl.results import config
from gendsl.results.sealed import Seal
from gendsl.training import Trained
from gendsl.training.state import TrainState

if TYPE_CHECKING:
    from gendsl.trained import TrainedFit

__all__ = ["RESUME", "SUFFIX", "load", "save"]

SUFFIX = ".safetensors"
RESUME = "m.fit(data, gd.Train(...), backend=..., resume={}) goes on from it, and returns a fit"
"""What to do with a checkpoint."""


def _refuse(target: Path, why: str) -> FormatError:
    return FormatError(
        f"'{target.name}' is not a fit that can be read: {why}",
        given=f"a file of {target.stat().st_size:,} bytes",
        needed="what fit.save wrote",
        fix="take an undamaged copy, or save the fit again with fit.save(path)",
        where=caller(),
    )


_SEAL = Seal("gendsl-trained", 1, "trained fit", _refuse, {"gendsl-checkpoint": ("a checkpoint of training", RESUME)})


def save(fit: TrainedFit, path: str | os.PathLike[str]) -> None:
    """See `TrainedFit.save`."""
    target = Path(path)
    if target.suffix != SUFFIX:
        raise FitError(
            "the path does not say the format",
            given=f"'{target.name}'",
            needed=f"a name that ends in {SUFFIX}",
            fix=f"'{target.stem or 'fit'}{SUFFIX}'",
            where=caller(),
        )
    s, raw = fit.setting, fit.raw
    arrays = {f"state/{k}": x for k, x in raw.state.to_arrays().items()}
    arrays |= {f"data/{k}": x for k, x in s.bound.arrays.items()}
    labels: dict[str, Any] = {}
    for k, x in s.bound.coords.items():
        if x.dtype.kind in "biuf":
            arrays[f"labels/{k}"] = x
        elif x.dtype.kind in "mM":
            arrays[f"labels/{k}"], labels[k] = x.view(np.int64), x.dtype.str
        else:
            labels[k] = [str(v) for v in x]
    content = {
        "graph": dumps(s.graph),
        "objective": objectives.encode(fit.objective),
        "method": config.encode(
            fit.method,
            f"dataclasses.replace(fit, method=gd.Train(...)).save({target.name!r}) keeps what was learnt, "
            "with a method of gendsl's own classes",
        ),
        "backend": s.backend.name,
        "precision": s.precision,
        "device": s.device,
        "plate": s.plate,
        "count": s.count,
        "sizes": s.bound.sizes,
        "labels": labels,
        "seed": int(fit.seed),
        "seconds": fit.seconds,
        "training": {"complete": raw.complete, "note": raw.note, "error": raw.error, "seconds": raw.seconds},
        "state": raw.state.to_numbers(),
    }
    _SEAL.write(target, arrays, content)


def load(path: str | os.PathLike[str]) -> TrainedFit:
    """The trained fit that `TrainedFit.save` wrote; see `gendsl.results.store.load`."""
    from gendsl.trained import TrainedFit

    target = Path(path)
    arrays, content = _SEAL.read(target)
    try:
        graph, objective = loads(content["graph"]), objectives.decode(content["objective"])
        method = config.decode(content["method"])
    except FormatError as e:
        e.add_note(f"in the file '{target.name}'")
        raise
    if not isinstance(method, Train):
        raise _refuse(target, "its method does not train")
    backend = get_backend(content["backend"])
    device = content["device"] if content["device"] in backend.devices() else CPU
    coords = _under(arrays, "labels")
    for k, kind in content["labels"].items():
        coords[k] = coords[k].view(np.dtype(kind)) if isinstance(kind, str) else np.array(kind, str)
    bound = Bound(_under(arrays, "data"), content["sizes"], coords)
    setting = Setting(graph, bound, backend, content["precision"], device, content["plate"], content["count"])
    state = TrainState.from_parts(_under(arrays, "state"), content["state"])
    best, now = state.best, state.snapshot
    raw = Trained(
        params=now.params if best is None else best.params,
        average=now.average if best is None else best.average,
        game=now.game,
        step=state.step if best is None else best.step,
        history=state.history,
        state=state,
        **content["training"],
    )
    return TrainedFit(setting, objective.bind(setting), objective, method, content["seed"], raw, content["seconds"])


def _under(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(f"{part}/"): x for k, x in arrays.items() if k.startswith(f"{part}/")}
