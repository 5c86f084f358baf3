"""A fit as one file (netCDF, `.nc`) or folder (Zarr, `.zarr`), and back; nothing is pickled.

The groups posterior, sample_stats, observed_data and constant_data are those of `fit.idata`, so arviz and xarray can
open the file. What makes it a fit again is

    unconstrained_posterior   the sampler's own draws
    gendsl/data               bound data, in the declared layout
    gendsl/labels             labels of plates and axes
    gendsl/state              where the sampler is, so that the fit can go on
    gendsl/warmup             the sampler's own draws of warmup, and gendsl/warmup_stats, where they were kept
    gendsl                    `manifest`: JSON text as bytes

and a new part is one more group: a reader takes those that it knows. The manifest has the declared graph, the method's
configuration, backend, precision, seed, times and, for each array, its type, shape and SHA-256; and its own SHA-256.
Whatever has been cut off, changed or mixed up is refused, and never becomes a wrong number.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from gendsl.backend import CPU, Draws, get_backend
from gendsl.data import Bound
from gendsl.errors import FitError, FormatError, GendslError, caller
from gendsl.fit import Fit
from gendsl.graph.json import dumps, loads
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType
from gendsl.groups import dims_of
from gendsl.methods import MCMC, Centering
from gendsl.program import BoundProgram, compile_graph
from gendsl.results import config, trained_store
from gendsl.results.container import Group, Kind, read, write
from gendsl.results.files import aside, refused
from gendsl.state import SamplerState
from gendsl.training.checkpoint import checkpoints

__all__ = ["FORMAT", "VERSION", "load", "save"]

FORMAT, VERSION = "gendsl-fit", 1
_AGAIN = "take an undamaged copy, or save the fit again with fit.save(path)"
_POSTERIOR, _STATS, _RAW = "posterior", "sample_stats", "unconstrained_posterior"
_DATA, _LABELS, _HEAD = "gendsl/data", "gendsl/labels", "gendsl"
_STATE, _WARMUP, _WARMUP_STATS = "gendsl/state", "gendsl/warmup", "gendsl/warmup_stats"
_PARAMS = "gendsl/params"
_PARTS = (_POSTERIOR, _STATS, _RAW, _DATA, _LABELS, _STATE, _WARMUP, _WARMUP_STATS, _PARAMS)
_SAMPLE = ("chain", "draw")


# -- writing -------------------------------------------------------------------------------------------------------
def save(fit: Fit, path: str | os.PathLike[str]) -> None:
    """See `Fit.save`."""
    target = Path(path)
    kind = _kind(target)
    if kind is Kind.ZARR and target.exists() and not (target / ".zgroup").is_file():
        raise FitError(
            f"'{target.name}' is there already, and is no Zarr group that could be replaced",
            given="a folder of other things" if target.is_dir() else "a file",
            needed="a new name, or a fit saved earlier",
            fix="give another path",
            where=caller(),
        )
    groups = _groups(fit)
    manifest = _manifest(fit, groups)
    bytes_ = np.frombuffer(json.dumps(manifest, allow_nan=False).encode(), np.uint8)
    groups[_HEAD] = Group({"manifest": (("byte",), bytes_)}, attrs={"content": "JSON, UTF-8"})
    about = {"format": FORMAT, "creator": f"gendsl {manifest['gendsl']}", "model": fit.program.declared.name}
    try:
        write(target, kind, groups, about)
    except OSError as e:
        size = sum(x.nbytes for g in groups.values() for _, x in g.variables.values())
        raise refused("the fit", target, size, e) from e


def _kind(path: Path) -> Kind:
    if path.suffix not in list(Kind):
        raise FitError(
            "the path does not say the format",
            given=f"'{path.name}'",
            needed="a name that ends in .nc (netCDF, one file) or .zarr (Zarr, a folder)",
            fix=f"'{path.stem or 'fit'}.nc'",
            where=caller(),
        )
    return Kind(path.suffix)


def _groups(fit: Fit) -> dict[str, Group]:
    graph, bound = fit.program.declared, fit.bound.bound
    out = {}
    for name in fit.idata.groups():  # as arviz has them, labels included
        group = fit.idata[name]
        variables = {str(k): (tuple(map(str, v.dims)), v.values) for k, v in group.items()}
        out[name] = Group(variables, {str(k): v.values for k, v in group.coords.items()}, dict(group.attrs))
    out.setdefault(_STATS, Group({}))
    out[_RAW] = Group({k: (_own(k, x, _SAMPLE), x) for k, x in fit.raw.unconstrained.items()})
    state = {} if fit.raw.state is None else fit.raw.state.to_arrays()
    out[_STATE] = Group({k: (_own(k, x, ()), x) for k, x in state.items()})
    out[_WARMUP] = Group({k: (_own(k, x, _SAMPLE), x) for k, x in fit.raw.warmup.items()})
    out[_WARMUP_STATS] = Group({k: (_SAMPLE, x) for k, x in fit.raw.warmup_stats.items()})
    shares = fit.bound.params_of_passes()
    out[_PARAMS] = Group({k: (_own(k, x, ()), x) for k, x in shares.items()})
    nodes = {str(n.name): n for _, n in graph.of("data")}
    out[_DATA] = Group({k: (dims_of(graph, nodes[k]), x) for k, x in bound.arrays.items()})
    out[_LABELS] = Group({k: ((f"{k}_element",), _stored(x)) for k, x in _labels(bound).items()})
    return out


def _labels(bound: Bound) -> dict[str, np.ndarray]:
    """The labels; what is neither a number, a date nor a string becomes its text."""
    return {k: np.array([str(v) for v in x]) if x.dtype.kind == "O" else x for k, x in bound.coords.items()}


def _own(name: str, x: np.ndarray, lead: tuple[str, ...]) -> tuple[str, ...]:
    """The leading dims, and dims of the array's own."""
    return (*lead, *(f"{name}_dim_{k}" for k in range(x.ndim - len(lead))))


def _stored(x: np.ndarray) -> np.ndarray:
    """Dates as integers: the manifest keeps their unit."""
    return x.view(np.int64) if x.dtype.kind in "mM" else x


def _manifest(fit: Fit, groups: dict[str, Group]) -> dict[str, Any]:
    from importlib.metadata import version

    p, bound = fit.program, fit.bound.bound
    arrays = {name: {k: _entry(x) for k, (_, x) in groups[name].variables.items()} for name in _PARTS}
    arrays[_LABELS] = {k: _entry(x) for k, x in _labels(bound).items()}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "gendsl": version("gendsl"),
        "graph": dumps(p.declared),
        "method": config.encode(fit.method, "fit.idata.to_netcdf(path) keeps the draws"),
        "backend": p.backend.name,
        "precision": p.precision,
        "device": p.device,
        "seed": fit.seed,
        "seconds": fit.seconds,
        "sampler_seconds": fit.raw.seconds,
        "complete": fit.raw.complete,
        "note": fit.raw.note,
        "sizes": bound.sizes,
        "source": hashlib.sha256(p.source.encode()).hexdigest(),
        "arrays": arrays,
    }
    return content | {"sha256": _checksum(content)}


def _entry(x: np.ndarray) -> dict[str, Any]:
    return {"dtype": "str" if x.dtype.kind == "U" else x.dtype.str, "shape": list(x.shape), "sha256": _hash(x)}


def _hash(x: np.ndarray) -> str:
    content = json.dumps(x.tolist()).encode() if x.dtype.kind == "U" else np.ascontiguousarray(x).tobytes()
    return hashlib.sha256(content).hexdigest()


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# -- reading -------------------------------------------------------------------------------------------------------
def load(path: str | os.PathLike[str]) -> Any:
    """The fit that `Fit.save` or `TrainedFit.save` wrote: the same draws or parameters, data, labels and method.

    Args:
        path: the file or folder.

    Returns:
        A `Fit`, or of a .safetensors file a `TrainedFit`.

    Raises:
        FitError: if there is nothing at the path.
        FormatError: if it is damaged, of a later version, or no fit.
        BackendError: if the backend that it was run on is not installed.
    """
    target = Path(path)
    found = target if target.exists() or not aside(target).exists() else aside(target)
    if not found.exists():
        raise FitError(
            f"there is no '{target.name}' to load",
            given=repr(os.fspath(path)),
            needed="what fit.save wrote",
            fix="check the path",
            where=caller(),
        )
    if found.is_dir() and checkpoints(found):
        raise FormatError(
            f"'{target.name}' is a folder of checkpoints of training, not a fit",
            given=repr(os.fspath(path)),
            needed="what fit.save wrote",
            fix=trained_store.RESUME.format(repr(os.fspath(path))),
            where=caller(),
        )
    if found.suffix == trained_store.SUFFIX:
        return trained_store.load(found)
    return _fit(target, found)


def _fit(target: Path, found: Path) -> Fit:
    """The fit in a netCDF file or a Zarr folder."""
    groups = read(found, _AGAIN)
    head = _head(target.name, groups)
    arrays = {name: _checked(target.name, name, groups, entries) for name, entries in head["arrays"].items()}
    try:
        graph, method = loads(head["graph"]), config.decode(head["method"])
    except FormatError as e:
        e.add_note(f"in the file '{target.name}'")
        raise
    backend, device = head["backend"], head.get("device", CPU)
    device = device if device in get_backend(backend).devices() else CPU
    partly = isinstance(method, MCMC) and method.centering is Centering.LEARNED
    program = compile_graph(graph, backend, precision=head["precision"], device=device, partly_centered=partly)
    bound = Bound(arrays[_DATA], head["sizes"], arrays[_LABELS])
    _check_data(target.name, graph, bound)
    data = BoundProgram(program, bound)
    if shares := arrays.get(_PARAMS):
        data = data.with_params(shares)
    state = SamplerState.from_arrays(arrays[_STATE]) if arrays.get(_STATE) else None
    raw = Draws(arrays[_RAW], arrays[_STATS], head["sampler_seconds"], head["complete"], head["note"], state)
    raw.warmup, raw.warmup_stats = arrays.get(_WARMUP, {}), arrays.get(_WARMUP_STATS, {})
    out = Fit(data, method, head["seed"], raw, arrays[_POSTERIOR], head["seconds"])
    _check_draws(target.name, out)
    if hashlib.sha256(program.source.encode()).hexdigest() != head["source"]:
        _check_program(target.name, out, head["gendsl"])
    return out


def _head(file: str, groups: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    """The manifest, its format, version and checksum checked, in the order in which they tell most."""
    bytes_ = groups.get(_HEAD, {}).get("manifest")
    if bytes_ is None:
        raise _refuse(file, "it is no fit of gendsl", f"groups {', '.join(filter(None, groups)) or 'none'}")
    try:
        content = json.loads(bytes_.astype(np.uint8).tobytes())
    except ValueError:
        raise _refuse(file, "its manifest is damaged") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _refuse(file, "it is no fit of gendsl")
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise FormatError(
            f"'{file}' was written by a later gendsl",
            given=f"version {version} of the format, by gendsl {content.get('gendsl')}",
            needed=f"version {VERSION} or earlier",
            fix="upgrade gendsl: pip install --upgrade gendsl",
            where=caller(),
        )
    if _checksum({k: v for k, v in content.items() if k != "sha256"}) != content.get("sha256"):
        raise _refuse(file, "its manifest is damaged: the checksum does not fit")
    return content


def _checked(
    file: str, group: str, groups: dict[str, dict[str, np.ndarray]], entries: dict[str, dict[str, Any]]
) -> dict[str, np.ndarray]:
    """The arrays of a group, of the types and with the content that the manifest tells."""
    out = {}
    for name, entry in entries.items():
        x = groups.get(group, {}).get(name)
        if x is None:
            raise _refuse(file, f"'{name}' is missing from its group {group}")
        if list(x.shape) == entry["shape"]:
            kind = np.dtype("U" if entry["dtype"] == "str" else entry["dtype"])
            if kind.kind == "U":
                x = np.asarray(x.tolist(), str)
            else:
                x = x.view(kind) if kind.kind in "mM" and x.dtype == np.int64 else x.astype(kind, copy=False)
        if list(x.shape) != entry["shape"] or _hash(x) != entry["sha256"]:
            raise _refuse(file, f"'{name}' in its group {group} is damaged: the checksum does not fit")
        out[name] = x
    return out


def _shape(n: Node, sizes: dict[str, int]) -> tuple[int | None, ...]:
    """The shape of a value in the user's layout; None where a plate has no size."""
    t = n.attr["type"] if n.op == "data" else n.type
    if not isinstance(t, ArrayType):
        raise TypeError(f"'{n.name}' is not a value")
    return (*map(sizes.get, t.dims), *(e if isinstance(e, int) else sizes.get(e) for e in t.event))


def _check_data(file: str, graph: Graph, bound: Bound) -> None:
    for _, n in graph.of("data"):
        x = bound.arrays.get(str(n.name))
        if x is None or x.shape != _shape(n, bound.sizes):
            raise _refuse(file, f"its data are not those of its model: '{n.name}'", x=x, wanted=_shape(n, bound.sizes))


def _check_draws(file: str, fit: Fit) -> None:
    graph, sizes = fit.program.declared, fit.bound.bound.sizes
    lead = next(iter(fit.draws.values())).shape[:2] if fit.draws else ()
    wanted = {str(n.name): _shape(n, sizes) for _, n in graph.of("latent", "let")}
    pairs = ((fit.draws, wanted), (fit.raw.unconstrained, fit.bound.shapes if fit.raw.unconstrained else {}))
    for draws, shapes in pairs:
        for name in dict.fromkeys([*shapes, *draws]):
            x = draws.get(name)
            if x is None or name not in shapes or x.shape != (*lead, *shapes[name]):
                raise _refuse(
                    file, f"its draws are not those of its model: '{name}'", x=x,
                    wanted=(*lead, *shapes[name]) if name in shapes else None,
                )  # fmt: skip


def _check_program(file: str, fit: Fit, version: str) -> None:
    """Another version may emit another program; its unconstrained draws must mean the same."""
    try:
        values = fit.bound.constrain({k: x[:, 0] for k, x in fit.raw.unconstrained.items()})
        same = all(np.allclose(values[k], x[:, 0], rtol=1e-6, equal_nan=True) for k, x in fit.draws.items())
    except (GendslError, KeyError):
        same = False
    if fit.raw.unconstrained and not same:
        raise FormatError(
            f"'{file}' was written by a gendsl that compiles its model otherwise",
            given=f"unconstrained draws of the program of gendsl {version}",
            fix=f"pip install gendsl=={version}",
            where=caller(),
        )


def _refuse(
    file: str, why: str, given: str | None = None, *, x: np.ndarray | None = None, wanted: object = None
) -> FormatError:
    if wanted is not None:
        given = "none" if x is None else f"shape {x.shape}"
    return FormatError(
        f"'{file}' is not a fit that can be read: {why}",
        given=given,
        needed=f"shape {wanted}" if wanted is not None else "what fit.save wrote",
        fix=_AGAIN,
        where=caller(),
    )
