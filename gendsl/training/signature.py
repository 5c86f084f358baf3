"""What a run trains, on what and how: what must be equal for a state of one run to be that of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.guide import GUIDES
from gendsl.objectives.unconstrained import PREFIX
from gendsl.training.contract import Job, Snapshot
from gendsl.training.data import Source

__all__ = ["compare", "signature"]

_WORDS = {
    "identity": ("of another model", "resume with the model that was trained"),
    "players": ("of an objective with other players", "resume with the objective that was trained"),
    "params": ("of a model with other parameters", "resume with the model that was trained"),
    "game": ("of an objective with another state", "resume with the objective that was trained"),
    "memory": ("of a run by another optimizer", "resume with an optimizer of the same kind; its numbers may change"),
    "average": ("of a run with another kind of average", "give ema in both runs, or in neither"),
    "precision": ("in another precision", "resume in the precision that was used"),
    "data": ("of other data", "resume with the same data"),
    "batches": ("of a run with other batches", "resume with the same batch_size, remainder and validation"),
}


def signature(job: Job, start: Snapshot, source: Source) -> dict[str, Any]:
    """The signature of a job, as JSON values."""
    m = job.method
    fraction = m.validation.fraction if m.validation else None
    arrays = source.held or {k: np.empty((0, *shape), dtype) for k, (shape, dtype) in source.sample.items()}
    return {
        "identity": job.identity,
        "players": [[p.name, list(p.moves), p.steps] for p in job.game.players],
        "params": {k: list(x.shape) for k, x in start.params.items()},
        "game": {k: list(x.shape) for k, x in start.game.items()},
        "memory": {player: list(slots) for player, slots in start.memory.items()},
        "average": bool(start.average),
        "precision": m.precision.dtype,
        "data": {"rows": source.rows, "arrays": _named({k: list(x.shape[1:]) for k, x in arrays.items()})},
        "batches": [m.batch_size, m.remainder.value, fraction],
    }


def _named(shapes: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Shapes of rows by the names of arrays, each once.

    A program's own copy, '<program>.<name>', stands beside '<name>' where it is of another type, which depends on the
    backend; one of another shape stays.
    """
    return {k: x for k, x in sorted(shapes.items()) if "." not in k or x != shapes.get(k.rpartition(".")[2])}


def compare(found: Mapping[str, Any], wanted: Mapping[str, Any], what: str) -> None:
    """Raise a FitError where a state is that of another run.

    Args:
        found: the state's signature.
        wanted: the job's.
        what: the state, in words.
    """
    data: Any = found.get("data") or {}
    if "arrays" in data:  # of earlier versions, with every program's own
        found = {**found, "data": {**data, "arrays": _named(data["arrays"])}}
    for key, (problem, fix) in _WORDS.items():
        if (a := found.get(key)) != (b := wanted[key]):
            name, given, needed = _difference(a, b)
            if key == "params" and a and str(name).startswith(PREFIX):
                problem, fix = (
                    "of a run with another guide",
                    "resume with the guide that was trained: gd.ELBO(guide=...)",
                )
                name, given, needed = None, _guide(a), _guide(b)
            elif key == "memory" and a:
                name, given, needed = name if len(b) > 1 else None, _rules(a), _rules(b)
            raise FitError(f"{what} is {problem}", node=name, given=given, needed=needed, fix=fix, where=caller())


def _guide(params: Mapping[str, Any]) -> str:
    """The guide whose parameters are among these, and what they are."""
    own = {k.removeprefix(PREFIX): tuple(x) for k, x in params.items() if k.startswith(PREFIX)}
    kinds = [f"gd.guide.{name}" for name, kind in GUIDES.items() if set(kind().initial(1, 0)) == set(own)]
    shapes = ", ".join(f"{k} {x}" for k, x in own.items())
    return f"{' or '.join(kinds) or 'a guide'}, parameters {shapes}" if own else "no guide on unconstrained space"


_RULES = {
    ("mean", "square"): "gd.optim.Adam or gd.optim.AdamW",
    ("momentum",): "gd.optim.SGD with momentum",
    (): "gd.optim.SGD without momentum",
}
"""What optimisers remember -> which they are."""


def _rules(memory: Mapping[str, Any]) -> str:
    """The optimisers of all players."""
    kinds = {p: _RULES.get(tuple(x), f"an optimizer that remembers {', '.join(x)}") for p, x in memory.items()}
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    return ", ".join(f"{rule} of '{player}'" for player, rule in kinds.items())


def _difference(a: Any, b: Any) -> tuple[str | None, str, str]:
    """The first entry in which two values differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in (*a, *b):
            if a.get(name) != b.get(name):
                pair = (a.get(name), b.get(name))
                return name, *("none" if x is None else _shown(x) for x in pair)
    return None, _shown(a), _shown(b)


def _shown(x: Any) -> str:
    return str(tuple(x) if isinstance(x, list) else x)[:100] or "none"
