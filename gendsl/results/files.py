"""Writing a file, or a folder of files, whole or not at all.

What is new is written beside the target under a temporary name, flushed to the disk and renamed, so that a full disk, a
crash or a kill leaves an earlier file as it was. A folder cannot be renamed over another one: the earlier folder steps
aside under the name that `aside` gives, and is deleted when the new one is in its place; a reader that finds no target
looks there.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gendsl.errors import FitError, caller

__all__ = ["aside", "in_the_way", "refused", "write_file", "write_folder"]


def write_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all; folders above it are made.

    Raises:
        OSError: if it cannot be written; an earlier file is untouched, and nothing new is left.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _temporary(path)
    try:
        _write(new, content)
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    _sync(path.parent)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files whole or not at all.

    Args:
        path: the folder; an earlier one is replaced as a whole.
        files: path inside the folder, with /, -> content.

    Raises:
        OSError: if it cannot be written; an earlier folder is untouched, and nothing new is left.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    before = aside(path)
    if before.exists() and not path.exists():  # an earlier run was killed between its two renames
        os.replace(before, path)
    new = _temporary(path)
    try:
        for name, content in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            _write(new / name, content)
        for folder, _, _ in os.walk(new):
            _sync(Path(folder))
        shutil.rmtree(before, ignore_errors=True)
        if path.exists():
            os.replace(path, before)
        os.replace(new, path)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        if before.exists() and not path.exists():
            os.replace(before, path)
        raise
    _sync(path.parent)
    shutil.rmtree(before, ignore_errors=True)


def aside(path: Path) -> Path:
    """Where an earlier folder is while a new one takes its place."""
    return path.with_name(f".{path.name}.before")


def in_the_way(path: Path) -> Path | None:
    """The file that is where a path needs a folder."""
    return next((p for p in path.parents if p.exists() and not p.is_dir()), None)


def refused(what: str, path: Path, size: float, error: OSError) -> FitError:
    """What is said where the disk refuses.

    Args:
        what: what was to be written.
        path: where to.
        size: about how many bytes.
        error: what the system says.
    """
    if isinstance(error, (FileExistsError, IsADirectoryError, NotADirectoryError)):
        file = in_the_way(path)
        return FitError(
            f"{what} could not be saved to '{path.name}': '{file or path}' is a {'file' if file else 'folder'}",
            given=repr(str(path)),
            needed="a path through folders" if file else "the name of a file",
            fix="give another path, and save again: the fit in memory is as it was",
            where=caller(),
        )
    return FitError(
        f"{what} could not be saved to '{path.name}': {error.strerror or error}",
        given=f"about {max(size / 1e6, 0.1):.1f} MB to write",
        needed="room on the disk, and leave to write there",
        fix="make room or give a path on another disk, and save again: the fit in memory is as it was, and so is an "
        "earlier file",
        where=caller(),
    )


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _write(path: Path, content: bytes | memoryview) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Flush the entries of a folder, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
