"""The file of a calibration: a line of JSON that says what it is, then one for each simulation.

A line is written whole and flushed to the disk before the next simulation ends, so whatever ends the process, what is
lost is at most the line being written; a torn last line is cut off when the file is opened again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gendsl.calibration.job import Record
from gendsl.errors import FitError, FormatError, caller

__all__ = ["Records"]


class Records:
    """What has been simulated, by number.

    Args:
        path: the file; None keeps nothing beyond this object.
        head: what the calibration is.

    Raises:
        FitError: if the file holds another calibration.
        FormatError: if it holds something else.
    """

    def __init__(self, path: Path | None, head: dict[str, Any]) -> None:
        self.path = path
        self.done: dict[int, Record] = {}
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes() if path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if text and not whole and not text.startswith(b'{"gendsl": "calibration"'):
            raise _foreign(path)
        lines = whole.splitlines()
        if lines:
            self._compare(lines[0], head)
        self._file = path.open("r+b" if text else "wb")
        self._file.seek(len(whole))
        self._file.truncate()
        if not lines:
            self._write(head)
        for line in lines[1:]:
            record = _parse(path, line)
            self.done[int(record["k"])] = record

    def add(self, record: Record) -> None:
        """Keep a simulation."""
        self.done[record["k"]] = record
        if self.path is not None:
            self._write(record)

    def close(self) -> None:
        """Close the file."""
        if self.path is not None:
            self._file.close()

    def _write(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _compare(self, line: bytes, head: dict[str, Any]) -> None:
        if self.path is None:
            return
        found = _parse(self.path, line)
        if found.get("gendsl") != "calibration":
            raise _foreign(self.path)
        differing = [k for k in head if found.get(k) != head[k]]
        if differing:
            words = {"given": "data of the model", "drawn": "data of the simulator", "draws": "ranks"}
            raise FitError(
                f"'{self.path.name}' holds another calibration",
                given=f"differing in {', '.join(words.get(k, k) for k in differing)}",
                needed="the model, data, method, backend and seed that it was begun with",
                fix="give another path, or delete the file",
                where=caller(),
            )


def _parse(path: Path, line: bytes) -> dict[str, Any]:
    try:
        out = json.loads(line)
    except ValueError:
        out = None
    if not isinstance(out, dict):
        raise _foreign(path)
    return out


def _foreign(path: Path) -> FormatError:
    return FormatError(
        f"'{path.name}' is not the file of a calibration",
        given="something else, or damaged lines",
        needed="a file that gd.calibrate wrote, or none",
        fix="give another path",
        where=caller(),
    )
