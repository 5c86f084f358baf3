"""Files of parameters: what one backend writes the other reads; damaged files are refused, earlier ones survive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gendsl.errors import FitError, FormatError
from gendsl.weights import load_weights, save_weights
from tests.laws.networks import CASES, Case
from tests.laws.test_networks import evaluate, get_backend, params_of, placed

ARRAYS = {
    "a.weight": np.arange(6.0).reshape(2, 3),
    "b": np.float32([1.5, -2.0]),
    "none": np.zeros((0, 3)),
    "number": np.array(3.25),
    "count": np.array([1, 2]),
}


def test_round_trip(tmp_path: Path) -> None:
    path = save_weights(ARRAYS, tmp_path / "deep" / "w.safetensors")
    again = load_weights(path)
    assert set(again) == set(ARRAYS)
    for name, x in ARRAYS.items():
        assert again[name].dtype == np.asarray(x).dtype
        np.testing.assert_array_equal(again[name], x)
    assert all(x.flags.writeable for x in again.values())
    assert [p.name for p in path.parent.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_one_backend_reads_what_the_other_wrote(case: Case, tmp_path: Path) -> None:
    """Written from torch's tensors, read into jax's arrays; equal outputs."""
    torch, jax = get_backend("pyro"), get_backend("numpyro")
    with torch.context("float64"):
        there = {k: torch.array(v, "float64") for k, v in params_of(case).items()}
        save_weights({k: torch.numpy(v) for k, v in there.items()}, tmp_path / "w.safetensors")
    x, time = case.x(), case.time()
    with jax.context("float64"):
        here = {k: jax.array(v, "float64") for k, v in load_weights(tmp_path / "w.safetensors").items()}
        import jax as engine

        net = engine.jit(placed(case, "numpyro"))
        y = jax.numpy(net(here, jax.array(x, "float64"), None if time is None else jax.array(time, "float64")))
    np.testing.assert_allclose(y, evaluate(case, "pyro", x, time), rtol=1e-10, atol=1e-10)


def test_files_of_others_are_read(tmp_path: Path) -> None:
    save_file({"w": np.ones(3)}, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(load_weights(tmp_path / "w.safetensors")["w"], np.ones(3))


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    path = save_weights(ARRAYS, tmp_path / "w.safetensors")
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(FormatError, match="no whole safetensors file"):
            load_weights(path)


def test_every_flipped_byte_of_the_arrays_is_refused(tmp_path: Path) -> None:
    path = save_weights(ARRAYS, tmp_path / "w.safetensors")
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    for at in range(start, len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :])
        with pytest.raises(FormatError, match="damaged"):
            load_weights(path)


def test_damage_to_the_header_is_refused_or_changes_no_number(tmp_path: Path) -> None:
    path = save_weights(ARRAYS, tmp_path / "w.safetensors")
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    refused = 0
    for at in range(start):
        path.write_bytes(content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :])
        try:
            found = load_weights(path)
        except FormatError:
            refused += 1
            continue
        for name, x in found.items():
            np.testing.assert_array_equal(x, ARRAYS[name])
    assert refused > 0.8 * start


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}x", b"\x02\0\0\0\0\0\0\0[]"]
)
def test_what_is_no_safetensors_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(FormatError, match="'w' is no whole safetensors file"):
        load_weights(tmp_path / "w")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read: No such file"):
        load_weights(tmp_path / "w")


def test_a_failed_write_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_weights(ARRAYS, tmp_path / "w.safetensors")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gendsl.results.files.os.replace", full)
    with pytest.raises(FitError, match="No space left"):
        save_weights({"a.weight": np.zeros(2)}, path)
    monkeypatch.undo()
    np.testing.assert_array_equal(load_weights(path)["a.weight"], ARRAYS["a.weight"])
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("value", ["text", np.array(["a"]), np.array([1j]), None])
def test_what_is_no_number_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="an array of numbers"):
        save_weights({"w": value}, tmp_path / "w")
    assert not list(tmp_path.iterdir())
