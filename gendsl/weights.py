"""Parameters as safetensors files: one flat dict, name -> array, that either backend reads.

    file = length of header, header (JSON: name -> dtype, shape, place; metadata), bytes of the arrays

The metadata say that gendsl wrote the file and hold the SHA-256 of names, dtypes, shapes and bytes; files of others,
which have none, are read without that check. A file is written whole or not at all.

Reference:
    safetensors (Hugging Face) | https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gendsl.errors import FormatError, caller
from gendsl.results.files import refused, write_file

__all__ = ["load_weights", "save_weights"]

_FORMAT = "gendsl-weights"
_AGAIN = "save the parameters again, or take an undamaged copy"


def save_weights(params: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write parameters to a safetensors file, whole or not at all.

    Args:
        params: name -> array, numpy or what numpy can read.
        path: where to; by custom it ends in ".safetensors".

    Returns:
        The path.

    Raises:
        FormatError: if a value is no array of numbers.
        FitError: if the disk refuses; an earlier file is as it was.
    """
    from safetensors.numpy import save

    target = Path(path)
    arrays = {}
    for name, value in params.items():
        x = np.asarray(value)
        if not isinstance(name, str) or x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
            raise FormatError(
                "a parameter is an array of numbers under a name",
                node=str(name),
                given=f"{type(value).__name__} of dtype {x.dtype}",
                needed="float64 or float32",
                where=caller(),
            )
        arrays[name] = np.ascontiguousarray(x).reshape(x.shape)
    metadata = {"format": _FORMAT, "version": "1", "sha256": _checksum(arrays)}
    content = save(arrays, metadata)
    try:
        write_file(target, content)
    except OSError as e:
        raise refused("the parameters", target, len(content), e) from e
    return target


def load_weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The parameters of a safetensors file, whoever wrote it.

    Args:
        path: the file.

    Returns:
        Name -> array.

    Raises:
        FormatError: if there is no such file, or it is no safetensors file, cut off or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    source = Path(path)
    try:
        content = source.read_bytes()
    except OSError as e:
        _fail(source, f"cannot be read: {e.strerror or e}", "check the path")
    try:
        found: dict[str, np.ndarray] = load(content)
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as e:
        _fail(source, f"is no whole safetensors file ({e})", _AGAIN)
    if metadata.get("format") == _FORMAT and metadata.get("sha256") != _checksum(found):
        _fail(source, "is damaged: its checksum does not fit its content", _AGAIN)
    return {name: np.array(x) for name, x in found.items()}


def _fail(path: Path, problem: str, fix: str) -> NoReturn:
    raise FormatError(
        f"'{path.name}' {problem}", given=str(path), needed="a safetensors file", fix=fix, where=caller()
    ) from None


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    out = hashlib.sha256()
    for name in sorted(arrays):
        x = arrays[name]
        out.update(json.dumps([name, x.dtype.str, list(x.shape)]).encode())
        out.update(np.ascontiguousarray(x).tobytes())
    return out.hexdigest()
