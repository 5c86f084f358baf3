"""Checkpoints of training: one sealed safetensors file a step (gendsl/results/sealed.py).

    <folder>/step-000012000.safetensors
        arrays    `TrainState.to_arrays`
        values    `TrainState.to_numbers`

A kill at any moment leaves the checkpoints that were there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from gendsl.errors import FitError, FormatError, caller
from gendsl.results.files import in_the_way, refused
from gendsl.results.sealed import Seal
from gendsl.training.state import TrainState

__all__ = ["FORMAT", "VERSION", "checkpoints", "find", "load", "refuse_earlier", "refuse_file", "save"]

FORMAT, VERSION = "gendsl-checkpoint", 1
_NAME = re.compile(r"step-(\d{9,})\.safetensors")


def checkpoints(folder: str | os.PathLike[str]) -> list[Path]:
    """The checkpoints in a folder, the earliest first."""
    path = Path(folder)
    found = [(int(m[1]), p) for p in (path.iterdir() if path.is_dir() else ()) if (m := _NAME.fullmatch(p.name))]
    return [p for _, p in sorted(found)]


def save(state: TrainState, folder: str | os.PathLike[str], keep: int) -> Path:
    """Write a checkpoint, then delete all but the last `keep`.

    Raises:
        FitError: if the disk refuses; earlier checkpoints are as they were.
    """
    target = Path(folder) / f"step-{state.step:09d}.safetensors"
    arrays = state.to_arrays()
    _SEAL.write(target, arrays, {"state": state.to_numbers()})
    try:
        for old in checkpoints(folder)[:-keep]:
            if old != target:
                old.unlink(missing_ok=True)
    except OSError as e:
        raise refused("the checkpoint", target, sum(x.nbytes for x in arrays.values()), e) from e
    return target


def find(path: str | os.PathLike[str]) -> tuple[TrainState, str]:
    """The state at a path, a checkpoint or a folder whose newest is meant, and its words.

    Raises:
        FitError: if there is none.
        FormatError: if it is damaged.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise FitError(
            "training resumes from a fit, or from a checkpoint",
            given=repr(path)[:80],
            needed="a trained fit, the path of a checkpoint, or a folder of them",
            fix="resume=fit, what an earlier m.fit(...) returned",
            where=caller(),
        )
    target = Path(path)
    if target.is_dir():
        found = checkpoints(target)
        if not found:
            raise FitError(
                f"there is no checkpoint in '{target.name}'",
                given=repr(os.fspath(path)),
                needed="a folder that a run with gd.Checkpoint has written",
                fix="check the path, or leave resume out to begin anew",
                where=caller(),
            )
        target = found[-1]
    if not target.is_file():
        raise FitError(
            f"there is no '{target.name}' to resume",
            given=repr(os.fspath(path)),
            needed="a checkpoint, or a folder of them",
            fix="check the path",
            where=caller(),
        )
    return load(target), f"the checkpoint '{target.name}'"


def load(path: str | os.PathLike[str]) -> TrainState:
    """The state that `save` wrote.

    Raises:
        FormatError: if the file is damaged, of a later version, or no checkpoint.
    """
    arrays, content = _SEAL.read(Path(path))
    return TrainState.from_parts(arrays, content["state"])


def refuse_file(folder: str) -> None:
    """Raise a FitError where a file stands in the way of a folder for checkpoints."""
    if file := in_the_way(Path(folder) / "step"):
        raise FitError(
            f"checkpoints need a folder, and '{file}' is a file",
            given=f"gd.Checkpoint(path={folder!r})",
            needed="a folder, or a path that is not there",
            fix=f"gd.Checkpoint(path={str(file.with_name(f'{file.stem}_run'))!r}, ...), or move the file away",
            where=caller(),
        )


def refuse_earlier(folder: str) -> None:
    """Raise a FitError where a folder has checkpoints of an earlier run, which a new one would be mixed up with."""
    if found := checkpoints(folder):
        raise FitError(
            f"'{Path(folder).name}' has checkpoints of an earlier run",
            given=f"'{found[-1].name}'",
            needed="an empty folder, or one that is not there",
            fix="resume the run that is there, delete it, or give another path",
            where=caller(),
        )


def _refuse(target: Path, why: str) -> FormatError:
    others = [p.name for p in checkpoints(target.parent) if p.name < target.name]
    fix = f"resume from '{others[-1]}' beside it, and delete this one" if others else "take an undamaged copy"
    return FormatError(
        f"'{target.name}' cannot be resumed: {why}",
        given=f"a file of {target.stat().st_size:,} bytes",
        needed="a checkpoint as it was written",
        fix=fix,
        where=caller(),
    )


_SEAL = Seal(
    FORMAT, VERSION, "checkpoint", _refuse, {"gendsl-trained": ("a fit that fit.save wrote", "resume=gd.load({})")}
)
