"""Groups of named arrays as netCDF (one file) or Zarr (one folder).

Both are built in memory and then written as plain bytes (gendsl/results/files.py), so what can fail on a disk fails
there, as an OSError, and never inside a library that holds a file open.
"""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gendsl.errors import BackendError, FormatError, caller
from gendsl.results.files import write_file, write_folder

__all__ = ["Group", "Kind", "read", "write"]

Variables = Mapping[str, tuple[tuple[str, ...], np.ndarray]]
"""Name -> its dims and values."""

_BROKEN = (
    *(OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError, EOFError),
    *(ArithmeticError, MemoryError, SystemError),
)
"""What h5py and zarr raise where a file is damaged: whatever its bytes happen to mean."""


class Kind(StrEnum):
    """The formats, by the ends of their paths."""

    NETCDF = ".nc"
    ZARR = ".zarr"


@dataclass(frozen=True)
class Group:
    """One group.

    Attributes:
        variables: name -> dims and values: numbers, truth values or strings.
        coords: labels of dims, for whoever opens the file with xarray or arviz; `read` gives them as variables.
        attrs: what the group says of itself.
    """

    variables: Variables
    coords: Mapping[str, np.ndarray] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)


def write(path: Path, kind: Kind, groups: Mapping[str, Group], attrs: Mapping[str, str]) -> None:
    """Write groups, whole or not at all.

    Args:
        path: where to.
        kind: in what format.
        groups: path of the group -> its content.
        attrs: what the whole says of itself.

    Raises:
        BackendError: if the package for the format is not installed.
        OSError: if the disk refuses.
    """
    import xarray as xr

    _require(kind)
    sets = {name: xr.Dataset(dict(g.variables), dict(g.coords), dict(g.attrs)) for name, g in groups.items()}
    tree = xr.DataTree.from_dict(sets)
    tree.attrs.update(attrs)
    if kind is Kind.NETCDF:
        write_file(path, tree.to_netcdf(None, engine="h5netcdf"))
        return
    from zarr.storage import MemoryStore

    files: dict[str, Any] = {}
    # Format 3 has no strings yet. Draws hardly compress, and a decompressor trips over damaged bytes.
    plain = {
        n.path: {str(k): {"compressors": None} for k in n.to_dataset(inherit=False).variables} for n in tree.subtree
    }
    tree.to_zarr(MemoryStore(files), zarr_format=2, consolidated=True, encoding=plain)
    write_folder(path, {name: buffer.to_bytes() for name, buffer in files.items()})


def read(path: Path, again: str) -> dict[str, dict[str, np.ndarray]]:
    """Every group's variables, labels of dims among them, as they lie in the file: truth values as bytes.

    Args:
        path: the file or folder.
        again: what to do where it is damaged.

    Raises:
        FormatError: if it is neither netCDF nor Zarr, or damaged.
        BackendError: if the package for the format is not installed.
        OSError: if it cannot be read.
    """
    folder = path.is_dir()
    _require(Kind.ZARR if folder else Kind.NETCDF)
    if folder and not (path / ".zgroup").is_file():
        raise _damaged(path, "the folder is not a Zarr group", again)
    content = b"" if folder else path.read_bytes()
    if not folder and not content.startswith(b"\x89HDF\r\n\x1a\n"):
        raise _damaged(path, "the file is not netCDF" if content else "the file is empty", again)
    out: dict[str, dict[str, np.ndarray]] = {}
    try:
        for name, x in _folder(path) if folder else _file(content):
            group, _, variable = name.rpartition("/")
            out.setdefault(group, {})[variable] = x
    except (*_BROKEN, zlib.error) as e:
        raise _damaged(path, f"the file is damaged or cut off ({type(e).__name__})", again) from e
    return out


def _file(content: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a netCDF file, read as the HDF5 file that it is."""
    import h5py

    found: list[tuple[str, Any]] = []
    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(lambda name, item: found.append((name, item)))
        for name, item in found:
            if isinstance(item, h5py.Dataset) and item.dtype.kind != "V":
                yield name, np.asarray(item.asstr()[...] if h5py.check_string_dtype(item.dtype) else item[...])


def _folder(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    import zarr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of what is no array or group: it is missed by whoever needs it
        # what lies there is read; the list of it all in one file is for xarray, which asks for one
        members = zarr.open_group(path, mode="r", zarr_format=2, use_consolidated=False).members(max_depth=None)
    for name, item in members:
        if isinstance(item, zarr.Array):
            yield name, np.asarray(item[...])


def _damaged(path: Path, given: str, again: str) -> FormatError:
    return FormatError(
        f"'{path.name}' is not a fit that can be read", given=given, needed="what fit.save wrote", fix=again,
        where=caller(),
    )  # fmt: skip


def _require(kind: Kind) -> None:
    package = "h5netcdf" if kind is Kind.NETCDF else "zarr"
    if find_spec(package) is None:
        raise BackendError(
            f"'{kind.value}' needs a package that is not installed: {package}",
            fix=f"pip install {package}",
            where=caller(),
        )
