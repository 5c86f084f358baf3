"""Arrays and JSON values as one safetensors file whose content is vouched for.

    file        a safetensors file: arrays by name
    metadata    {"gendsl": JSON text}: format, version, the writer's own values, and for each array its type, shape and
                SHA-256; and the SHA-256 of all this

A file is written beside its place, flushed and renamed (gendsl/results/files.py), so it is there whole or not at all.
Whatever has been cut off, changed or mixed up is refused. Nothing is pickled.

Reference:
    safetensors, the format | https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from gendsl.errors import FitError, FormatError, caller
from gendsl.results.files import refused, write_file

__all__ = ["Seal"]

_KEY = "gendsl"


@dataclass(frozen=True)
class Seal:
    """A kind of file.

    Attributes:
        format: its name, written into the file.
        version: of the format; files of later versions are refused.
        what: what it is called in messages.
        refuse: path, why -> the error of a file that cannot be read.
        others: formats that a user may give in place of this one -> what they are called, and what reads them, {} being
            the path.
    """

    format: str
    version: int
    what: str
    refuse: Callable[[Path, str], FormatError]
    others: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def write(self, target: Path, arrays: Mapping[str, np.ndarray], content: Mapping[str, Any]) -> None:
        """Write arrays and JSON values.

        Raises:
            FitError: if the disk refuses, or there is more text than the format takes; an earlier file is as it was.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save

        held = {k: np.array(x, order="C", copy=None) for k, x in arrays.items()}
        entries = {k: {"dtype": x.dtype.str, "shape": list(x.shape), "sha256": _hash(x)} for k, x in held.items()}
        own = {"format": self.format, "version": self.version, "gendsl": version("gendsl"), **content}
        own["arrays"] = entries
        text = json.dumps(own | {"sha256": _checksum(own)}, allow_nan=False)
        try:
            write_file(target, save(held, {_KEY: text}))
        except SafetensorError as e:
            raise FitError(
                f"the {self.what} is more than a safetensors file holds",
                given=f"{len(text):,} characters of labels and settings",
                needed="less than 100 million: string labels, and held-out rows of gd.Validation(data=)",
                fix="numbers as labels; gd.Validation(fraction=) in place of data=",
                where=caller(),
            ) from e
        except OSError as e:
            raise refused(f"the {self.what}", target, sum(x.nbytes for x in held.values()), e) from e

    def read(self, target: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The arrays and values that `write` wrote.

        Raises:
            FormatError: if the file is damaged, of a later version, or of another kind.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        bytes_ = target.read_bytes()
        content = self._manifest(target, bytes_)
        try:
            arrays = load(bytes_)
        except SafetensorError as e:
            raise self.refuse(target, f"it is cut off or damaged ({str(e)[:60]})") from None
        entries = content["arrays"]
        if set(arrays) != set(entries):
            name = min(set(arrays) ^ set(entries))
            raise self.refuse(target, f"'{name}' is {'missing' if name in entries else 'too much'}")
        for name, entry in entries.items():
            x = arrays[name]
            if [x.dtype.str, list(x.shape), _hash(x)] != [entry["dtype"], entry["shape"], entry["sha256"]]:
                raise self.refuse(target, f"'{name}' is damaged: the checksum does not fit")
        return {name: arrays[name] for name in entries}, content  # the format sorts names

    def _manifest(self, target: Path, bytes_: bytes) -> dict[str, Any]:
        """The manifest, its format, version and checksum checked, in the order in which they tell most."""
        length = int.from_bytes(bytes_[:8], "little")
        if not 2 <= length <= len(bytes_) - 8:
            raise self.refuse(target, "it is cut off, or no safetensors file")
        try:
            text = json.loads(bytes_[8 : 8 + length]).get("__metadata__", {}).get(_KEY)
            found = json.loads(text) if isinstance(text, str) else None
        except (ValueError, AttributeError):
            raise self.refuse(target, "its header is damaged") from None
        if isinstance(found, dict) and (other := self.others.get(str(found.get("format")))):
            raise FormatError(
                f"'{target.name}' is {other[0]}, not a {self.what}",
                given=repr(str(target)),
                needed=f"a {self.what}",
                fix=other[1].format(repr(str(target))),
                where=caller(),
            )
        if not isinstance(found, dict) or found.get("format") != self.format:
            raise self.refuse(target, f"it is a safetensors file, but no {self.what} of gendsl")
        if isinstance(found.get("version"), int) and found["version"] > self.version:
            raise FormatError(
                f"'{target.name}' was written by a later gendsl",
                given=f"version {found['version']} of the format, by gendsl {found.get('gendsl')}",
                needed=f"version {self.version} or earlier",
                fix="upgrade gendsl: pip install --upgrade gendsl",
                where=caller(),
            )
        if _checksum({k: v for k, v in found.items() if k != "sha256"}) != found.get("sha256"):
            raise self.refuse(target, "its manifest is damaged: the checksum does not fit")
        return found


def _hash(x: np.ndarray) -> str:
    return hashlib.sha256(x.tobytes()).hexdigest()


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
