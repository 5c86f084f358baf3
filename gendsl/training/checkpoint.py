"""Checkpoints of training: one safetensors file a step, written whole or not at all.

    <folder>/step-000012000.safetensors
        arrays      `TrainState.to_arrays`
        metadata    {"gendsl": JSON text}: format, version, the numbers of the state, and for each array its type, shape
                    and SHA-256; and the SHA-256 of all this

A file is written beside its place, flushed and renamed (gendsl/results/files.py), so a kill at any moment leaves the
checkpoints that were there. Whatever has been cut off, changed or mixed up is refused. Nothing is pickled.

Reference:
    safetensors, the format | https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from gendsl.errors import FitError, FormatError, caller
from gendsl.results.files import refused, write_file
from gendsl.training.state import TrainState

__all__ = ["FORMAT", "VERSION", "checkpoints", "find", "load", "refuse_earlier", "save"]

FORMAT, VERSION = "gendsl-checkpoint", 1
_NAME = re.compile(r"step-(\d{9,})\.safetensors")
_KEY = "gendsl"


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
    from safetensors.numpy import save as serialise

    arrays = {k: np.asarray(x, order="C") for k, x in state.to_arrays().items()}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "gendsl": version("gendsl"),
        "state": state.to_numbers(),
        "arrays": {k: {"dtype": x.dtype.str, "shape": list(x.shape), "sha256": _hash(x)} for k, x in arrays.items()},
    }
    text = json.dumps(content | {"sha256": _checksum(content)}, allow_nan=False)
    target = Path(folder) / f"step-{state.step:09d}.safetensors"
    try:
        write_file(target, serialise(arrays, {_KEY: text}))
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
    from safetensors import SafetensorError
    from safetensors.numpy import load as deserialise

    target = Path(path)
    content = target.read_bytes()
    manifest = _manifest(target, content)
    try:
        arrays = deserialise(content)
    except SafetensorError as e:
        raise _refuse(target, f"it is cut off or damaged ({str(e)[:60]})") from None
    entries = manifest["arrays"]
    if set(arrays) != set(entries):
        name = min(set(arrays) ^ set(entries))
        raise _refuse(target, f"'{name}' is {'missing' if name in entries else 'too much'}")
    for name, entry in entries.items():
        x = arrays[name]
        if [x.dtype.str, list(x.shape), _hash(x)] != [entry["dtype"], entry["shape"], entry["sha256"]]:
            raise _refuse(target, f"'{name}' is damaged: the checksum does not fit")
    ordered = {name: arrays[name] for name in entries}  # the format sorts names
    return TrainState.from_parts(ordered, manifest["state"])


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


def _manifest(target: Path, content: bytes) -> dict[str, Any]:
    """The manifest, its format, version and checksum checked, in the order in which they tell most."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= len(content) - 8:
        raise _refuse(target, "it is cut off, or no safetensors file")
    try:
        text = json.loads(content[8 : 8 + length]).get("__metadata__", {}).get(_KEY)
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, AttributeError):
        raise _refuse(target, "its header is damaged") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _refuse(target, "it is a safetensors file, but no checkpoint of gendsl")
    if isinstance(found.get("version"), int) and found["version"] > VERSION:
        raise FormatError(
            f"'{target.name}' was written by a later gendsl",
            given=f"version {found['version']} of the format, by gendsl {found.get('gendsl')}",
            needed=f"version {VERSION} or earlier",
            fix="upgrade gendsl: pip install --upgrade gendsl",
            where=caller(),
        )
    if _checksum({k: v for k, v in found.items() if k != "sha256"}) != found.get("sha256"):
        raise _refuse(target, "its manifest is damaged: the checksum does not fit")
    return found


def _hash(x: np.ndarray) -> str:
    return hashlib.sha256(x.tobytes()).hexdigest()


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
