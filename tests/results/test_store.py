"""A fit comes back from its file as it was; whatever is wrong with a file or a disk is said, and loses nothing."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import gendsl as gd
from gendsl.backend import Draws
from gendsl.fit import Fit
from gendsl.methods import Method
from gendsl.results import config, files, store
from tests.fit.models import QUICK, SCHOOLS, regression, schools
from tests.predict.exact import fit_of, regression_fit

ENDS = (".nc", ".zarr")
RAW = ("unconstrained", "stats", "warmup", "warmup_stats")


def same(a: Fit, b: Fit) -> None:
    """Everything that a fit holds is equal, to the bit."""
    assert list(a.draws) == list(b.draws)
    pairs = [(a.draws, b.draws), *((getattr(a.raw, k), getattr(b.raw, k)) for k in RAW)]
    states = [{} if x.state is None else x.state.to_arrays() for x in (a, b)]
    for x, y in [*pairs, (states[0], states[1])]:
        assert list(x) == list(y)
        for k in x:
            assert (x[k].dtype, x[k].shape, x[k].tobytes()) == (y[k].dtype, y[k].shape, y[k].tobytes()), k
    assert a.program.declared == b.program.declared
    assert a.program.source == b.program.source
    assert (a.method, a.seed, a.seconds) == (b.method, b.seed, b.seconds)
    assert (a.raw.seconds, a.raw.complete, a.raw.note) == (b.raw.seconds, b.raw.complete, b.raw.note)
    assert a.program.backend is b.program.backend
    assert a.bound.bound.sizes == b.bound.bound.sizes
    for x, y in ((a.bound.bound.arrays, b.bound.bound.arrays), (a.bound.bound.coords, b.bound.bound.coords)):
        assert list(x) == list(y)
        for k in x:
            assert x[k].dtype == y[k].dtype
            np.testing.assert_array_equal(x[k], y[k])
    assert a.idata.groups() == b.idata.groups()
    for group in a.idata.groups():
        assert a.idata[group].identical(b.idata[group].assign_attrs(a.idata[group].attrs))


def small(**stats: np.ndarray) -> Fit:
    """A fit without a run."""
    draws = {"mu": np.zeros((2, 4)), "tau": np.ones((2, 4)), "theta": np.arange(64.0).reshape(2, 4, 8)}
    out = fit_of(schools(), SCHOOLS, "pyro", draws)
    out.raw = Draws({}, stats)
    return out


@pytest.mark.parametrize("end", ENDS)
def test_a_fit_comes_back(fitted: Callable[[str, str], Fit], backend: str, end: str, tmp_path: Path) -> None:
    fit = fitted("schools", backend)
    fit.save(tmp_path / f"fit{end}")
    back = gd.load(str(tmp_path / f"fit{end}"))
    same(fit, back)
    assert [p.name for p in tmp_path.iterdir()] == [f"fit{end}"]
    # And it can do what a fit can.
    assert np.array_equal(back.sample(seed=3)["y"], fit.sample(seed=3)["y"])
    assert back.log_prob(SCHOOLS).value == fit.log_prob(SCHOOLS).value
    assert back.summary().equals(fit.summary())
    back.save(tmp_path / f"again{end}")
    same(fit, gd.load(tmp_path / f"again{end}"))


@pytest.mark.parametrize("end", ENDS)
def test_a_fit_goes_on_from_its_file(backend: str, end: str, tmp_path: Path) -> None:
    method = gd.NUTS(chains=2, warmup=60, draws=30, keep_warmup=True, init=gd.init.Given({"mu": 1.0}, jitter=0.1))
    fit = schools().fit(SCHOOLS, method, backend=backend, seed=4, progress=False)
    fit.save(tmp_path / f"fit{end}")
    back = gd.load(tmp_path / f"fit{end}")
    same(fit, back)
    assert back.idata["warmup_posterior"].sizes["draw"] == 60
    more, again = fit.continue_(20, progress=False), back.continue_(20, progress=False)
    for k, x in more.draws.items():
        assert x.shape[1] == 50
        assert np.array_equal(x, again.draws[k])


@pytest.mark.parametrize("end", ENDS)
def test_labels_masks_and_all_dtypes_come_back(end: str, tmp_path: Path) -> None:
    m = gd.Model("mixed")
    day = m.plate("day")
    group, row = m.plate("group", coords=["a", "β", ""]), m.plate("row")
    axis = m.axis("weight", 2, coords=[0.5, 1.5])
    g = m.data("g", dims=row, indexes=group)
    w = m.latent("w", gd.Normal(0, 1).expand(axis), dims=group)
    s = m.latent("s", gd.HalfNormal(1), dims=day)
    m.let("big", s > 1)
    m.observe("n", gd.Poisson(s), dims=day)
    m.observe("y", gd.Normal(w[g][..., 0], 1), dims=row, missing=gd.Missing.IMPUTE)
    m.observe("z", gd.Bernoulli(logits=w[g][..., 1]), dims=row, missing=gd.Missing.MASK)
    data = {
        "g": ["a", "", "β", "a"],
        "n": pd.Series([1, 2], index=pd.DatetimeIndex(["2026-01-01", "2026-01-02 12:30"], name="day")),
        "y": [1.0, np.nan, 0.1, 0.2],
        "z": [1, 0, np.nan, 1],
    }
    fit = m.fit(data, gd.NUTS(chains=1, warmup=10, draws=6, dense=False), backend="pyro", progress=False)
    assert fit.draws["big"].dtype == bool
    assert {"M", "U"} <= {x.dtype.kind for x in fit.bound.bound.coords.values()}
    fit.save(tmp_path / f"fit{end}")
    same(fit, gd.load(tmp_path / f"fit{end}"))


def test_nan_infinity_and_signed_zero_keep_their_bits(tmp_path: Path) -> None:
    fit = small(lp=np.array([[np.nan, np.inf, -np.inf, -0.0]] * 2))
    fit.raw.complete, fit.raw.note = False, "interrupted: 1 of 2 chains"
    fit.save(tmp_path / "fit.nc")
    same(fit, gd.load(tmp_path / "fit.nc"))


@pytest.mark.parametrize("end", ENDS)
def test_a_seed_of_many_bits_comes_back(end: str, tmp_path: Path) -> None:
    """numpy's SeedSequence makes seeds of 128 bits, and files have integers of 64."""
    fit = small(lp=np.ones((2, 4)))
    fit.seed = 2**127 + 3
    fit.save(tmp_path / f"fit{end}")
    same(fit, gd.load(tmp_path / f"fit{end}"))
    assert fit.idata.posterior.attrs["seed"] == str(2**127 + 3)


@pytest.mark.parametrize("end", ENDS)
def test_arviz_and_xarray_open_the_file(end: str, tmp_path: Path) -> None:
    fit = regression_fit("pyro", 80)
    fit.save(tmp_path / f"fit{end}")
    engine = "h5netcdf" if end == ".nc" else "zarr"
    with xr.open_dataset(tmp_path / f"fit{end}", group="posterior", engine=engine) as posterior:
        assert posterior["w"].identical(fit.idata.posterior["w"])
    with xr.open_datatree(tmp_path / f"fit{end}", engine=engine) as tree:
        assert tree["posterior"]["w"].identical(fit.idata.posterior["w"])


def test_a_configuration_is_typed_on_both_ways() -> None:
    for method in (gd.NUTS(), gd.NUTS(chains=2, dense=True), gd.NUTS(engine=gd.Engine.NUTPIE, target_accept=0.99)):
        text = json.dumps(config.encode(method))
        assert config.decode(json.loads(text)) == method
        assert isinstance(config.decode(json.loads(text)).engine, gd.Engine)  # type: ignore[attr-defined]
    content = config.encode(gd.NUTS())
    assert config.decode({"class": "NUTS", "fields": {}}) == gd.NUTS()  # of a version that had no fields yet
    for wrong, words in (
        ({"class": "os.system", "fields": {}}, "is unknown"),
        (content | {"fields": {"chainz": 4}}, "other fields"),
        (content | {"fields": {"chains": -1}}, "is damaged"),
        (content | {"fields": {"engine": "x"}}, "is damaged"),
        ("NUTS", "is damaged"),
    ):
        with pytest.raises(gd.FormatError, match=words):
            config.decode(wrong)


@dataclass(frozen=True)
class Start:
    """A part of a configuration, which others derive from."""


@dataclass(frozen=True, eq=False)
class Given(Start):
    values: Mapping[str, np.ndarray]
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Later(Method):
    start: Start | None = None
    engine: gd.Engine | None = None


def test_a_configuration_may_hold_others_arrays_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gendsl.methods.Later", Later, raising=False)
    monkeypatch.setattr(config, "_known", config._known.__wrapped__)
    monkeypatch.setattr(config, "_own", lambda kind: True)
    start = Given({"mu": np.array([[0.1, np.nan]]), "n": np.array(3)}, (1, 2))
    back: Any = config.decode(json.loads(json.dumps(config.encode(Later(start=start)), allow_nan=False)))
    assert isinstance(back, Later)
    assert isinstance(back.start, Given)
    assert back.start.lengths == (1, 2)
    for name, x in start.values.items():
        assert (back.start.values[name].dtype, back.start.values[name].shape) == (x.dtype, x.shape)
        assert back.start.values[name].tobytes() == x.tobytes()
    assert config.decode(config.encode(Later())) == Later()
    typed: Any = config.decode(config.encode(Later(engine=gd.Engine.NUTPIE)))
    assert typed.engine is gd.Engine.NUTPIE


# -- disks ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", ENDS)
def test_a_full_disk_leaves_the_earlier_file_and_the_fit(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fit = tmp_path / f"fit{end}", small()
    fit.save(path)
    other = small(lp=np.ones((2, 4)))
    calls = 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls > (0 if end == ".nc" else 5):  # in the midst of the folder's files
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(gd.FitError, match="No space left on device") as caught:
            other.save(path)
    assert "the fit in memory is as it was, and so is an earlier file" in str(caught.value)
    assert calls
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    same(fit, gd.load(path))
    other.save(path)  # there is room again
    same(other, gd.load(path))


_CHILD = """
import os, resource, signal, sys
import numpy as np
import gendsl as gd
from gendsl.results import files
from tests.results.test_store import small

fit = small(lp=np.random.default_rng(0).normal(size=(2, 4)))
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))  # a write beyond this fails, as on a full disk
else:
    name, at = sys.argv[2], int(sys.argv[3])
    real, calls = getattr(os, name), []
    def killed(*a):
        calls.append(a)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*a)
    setattr(files.os, name, killed)
try:
    fit.save(sys.argv[1])
except gd.FitError as e:
    print("refused:", e.problem)
"""


def _child(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _CHILD, str(path), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS)
def test_a_limit_of_the_system_is_reported(end: str, tmp_path: Path) -> None:
    fit, path = small(), tmp_path / f"fit{end}"
    fit.save(path)
    out = _child(path, "limit")
    assert "refused: the fit could not be saved" in out.stdout, out.stderr
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    same(fit, gd.load(path))


@pytest.mark.slow
@pytest.mark.parametrize(("end", "call", "at"), [(".nc", "fsync", 1), (".zarr", "fsync", 9), (".zarr", "replace", 2)])
def test_a_kill_while_saving_loses_nothing(end: str, call: str, at: int, tmp_path: Path) -> None:
    fit, path = small(), tmp_path / f"fit{end}"
    fit.save(path)
    out = _child(path, call, str(at))
    assert out.returncode == -9, out.stderr
    same(fit, gd.load(path))  # also where the earlier folder has only stepped aside
    later = small(lp=np.ones((2, 4)))
    later.save(path)
    same(later, gd.load(path))


def test_an_interrupt_between_the_renames_puts_the_earlier_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fit = tmp_path / "fit.zarr", small()
    fit.save(path)
    real, calls = os.replace, []

    def interrupted(a: Path, b: Path) -> None:
        calls.append(b)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(a, b)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small(lp=np.ones((2, 4))).save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["fit.zarr"]
    same(fit, gd.load(path))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "fit.nc").symlink_to(tmp_path / "there" / "real.nc")
    small().save(tmp_path / "fit.nc")
    assert (tmp_path / "fit.nc").is_symlink()
    same(small(), gd.load(tmp_path / "there" / "real.nc"))


# -- files that are not what they should be ------------------------------------------------------------------------
def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    small().save(path)
    whole = path.read_bytes()
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(gd.FormatError, match=r"'fit.nc' is not a fit that can be read"):
            gd.load(path)


def test_damaged_bytes_are_refused_or_change_nothing(tmp_path: Path) -> None:
    path, fit = tmp_path / "fit.nc", small(lp=np.ones((2, 4)))
    fit.save(path)
    whole, refused = path.read_bytes(), 0
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 60):
        broken = bytearray(whole)
        broken[at] ^= int(rng.integers(1, 256))
        path.write_bytes(broken)
        try:
            back = gd.load(path)
        except gd.FormatError:
            refused += 1
        else:
            same(fit, back)  # a byte that means nothing
    assert refused > 10


def test_damaged_folders_are_refused_or_change_nothing(tmp_path: Path) -> None:
    path, fit = tmp_path / "fit.zarr", small(lp=np.ones((2, 4)))
    fit.save(path)
    chunk = path / "posterior" / "theta" / "0.0.0"
    whole = chunk.read_bytes()
    assert len(whole) == 8 * 64  # as they are: a decompressor trips over damaged bytes
    chunk.unlink()  # Zarr reads a chunk that is not there as zeros
    with pytest.raises(gd.FormatError, match="'theta' in its group posterior is damaged"):
        gd.load(path)
    chunk.write_bytes(whole)
    found = sorted(p for p in path.rglob("*") if p.is_file())
    rng, refused = np.random.default_rng(0), 0
    for number, file in enumerate(rng.permutation(found)[:60]):
        whole = file.read_bytes()
        broken = bytearray(whole)
        if number % 3 == 0:
            file.unlink()
        elif number % 3 == 1 and whole:
            broken[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
            file.write_bytes(broken)
        else:
            file.write_bytes(whole[: len(whole) // 2])
        try:
            back = gd.load(path)
        except gd.FormatError:
            refused += 1
        else:
            same(fit, back)  # of a group that arviz reads and a fit does not
        file.write_bytes(whole)
    assert refused > 20


def _rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Save a small fit with another manifest, whose checksum fits."""
    true = store._manifest

    def changed(fit: Fit, groups: Any) -> dict[str, Any]:
        content = {k: v for k, v in true(fit, groups).items() if k != "sha256"}
        change(content)
        return content | {"sha256": store._checksum(content)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_manifest", changed)
        small().save(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(version=2), ["written by a later gendsl", "version 2 of the format", "pip install --upg"]),
        (lambda c: c.update(format="other"), ["it is no fit of gendsl"]),
        (lambda c: c["arrays"]["posterior"].pop("mu"), ["its draws are not those of its model: 'mu'", "given:  none"]),
        (lambda c: c["sizes"].update(school=7), ["its data are not those of its model", "shape (8,)", "shape (7,)"]),
        (lambda c: c["arrays"]["posterior"].update(nu=c["arrays"]["posterior"]["mu"]), ["'nu' is missing"]),
        (lambda c: c.update(graph=regression().to_json()), ["its data are not those of its model: 'x'"]),
        (lambda c: c.update(graph="{}"), ["not a gendsl graph"]),
        (lambda c: c.update(method={"class": "Later", "fields": {}}), ["method 'Later' is unknown"]),
        (lambda c: c.update(backend="stan"), ["there is no backend 'stan'"]),
    ],
)
def test_what_does_not_fit_together_is_refused(
    change: Callable[[dict[str, Any]], None], words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "fit.nc"
    _rewritten(path, change)
    with pytest.raises((gd.FormatError, gd.BackendError)) as caught:
        gd.load(path)
    for w in words:
        assert w in str(caught.value)


def test_a_changed_manifest_is_refused(tmp_path: Path) -> None:
    true = store._checksum
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_checksum", lambda content: true(content | {"seed": 99}))
        small().save(tmp_path / "fit.nc")
    with pytest.raises(gd.FormatError, match="its manifest is damaged"):
        gd.load(tmp_path / "fit.nc")


def test_draws_of_another_program_are_refused(fitted: Callable[[str, str], Fit], tmp_path: Path) -> None:
    """A version that compiles otherwise may load what means the same, and nothing else."""
    fit, true = fitted("schools", "pyro"), store._manifest
    for shift in (0.0, 1.0):
        raw = Draws({k: v + shift for k, v in fit.raw.unconstrained.items()}, fit.raw.stats, fit.raw.seconds)
        other = Fit(fit.bound, QUICK, 0, raw, fit.draws, fit.seconds)

        def old(f: Fit, groups: Any) -> dict[str, Any]:
            content = {k: v for k, v in true(f, groups).items() if k != "sha256"} | {"source": "0", "gendsl": "0.0.9"}
            return content | {"sha256": store._checksum(content)}

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "_manifest", old)
            other.save(tmp_path / "fit.nc")
        if shift:
            with pytest.raises(gd.FormatError, match=r"compiles its model otherwise(.|\n)*gendsl==0.0.9"):
                gd.load(tmp_path / "fit.nc")
        else:
            assert np.array_equal(gd.load(tmp_path / "fit.nc").draws["mu"], fit.draws["mu"])
