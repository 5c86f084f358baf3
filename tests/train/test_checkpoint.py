"""Going on exactly: after SIGKILL, an interrupt, or early; and files that are not what was written."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gendsl.errors import FitError, FormatError, GendslWarning
from gendsl.methods import Checkpoint, Validation
from gendsl.optim import SGD, Adam
from gendsl.training import Stream, TrainState, checkpoints, load
from tests.train.games import Duel, Network, Running, Squares, rows, train
from tests.train.test_stop import Failing, Pressing

DATA = rows()
X = {"x": DATA["x"]}


def equal(a: TrainState, b: TrainState) -> None:
    """Bitwise, but for wall time."""
    first, second = a.to_arrays(), b.to_arrays()
    assert list(first) == list(second)
    for k, x in first.items():
        if k != "history/seconds":
            np.testing.assert_array_equal(second[k], x, err_msg=k)
    assert (a.step, a.seed, a.signature) == (b.step, b.seed, b.signature)


LONG = """
import sys, time
from gendsl.methods import Checkpoint, Validation
from tests.train.games import Network, rows, train
from gendsl.training.progress import Silent

class Slow(Silent):
    def update(self, done, values):
        if done > 100:
            print(done, flush=True)
            time.sleep(0.05)

if __name__ == "__main__":
    backend, folder = sys.argv[1:]
    train(
        backend, Network, {"x": rows()["x"]}, steps=10_000_000, batch_size=16, ema=0.99, clip=1.0, seed=5,
        report=Slow(), checkpoint=Checkpoint(path=folder, every=40), validation=Validation(fraction=0.2, every=60),
    )
"""


def test_a_run_goes_on_exactly_after_sigkill(backend: str, tmp_path: Path) -> None:
    """A process is killed in the middle of its steps; another goes on from its last checkpoint, 30 steps further."""
    script, folder = tmp_path / "long.py", tmp_path / "run"
    script.write_text(LONG)
    process = subprocess.Popen(
        [sys.executable, str(script), backend, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) > 150:
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    state = load(checkpoints(folder)[-1])
    assert state.step >= 120
    assert state.step % 40 == 0
    method: dict[str, Any] = {"steps": state.step + 30, "batch_size": 16, "ema": 0.99, "clip": 1.0}
    method |= {"validation": Validation(fraction=0.2, every=60)}
    whole = train(backend, Network, X, seed=5, **method)
    rest = train(backend, Network, X, seed=5, resume=folder, **method)
    equal(whole.state, rest.state)
    assert rest.history.steps[-1] == whole.step == rest.step
    assert rest.state.seconds > state.seconds


CASES: dict[str, tuple[type[Any], Any, dict[str, Any]]] = {
    "two players": (Duel, {}, {"optimizer": SGD(0.1, momentum=0.5), "players": {"high": Adam(0.1)}}),
    "a state": (Running, DATA, {"batch_size": 8, "optimizer": SGD(0.1)}),
    "early stopping": (
        Squares,
        DATA,
        {"validation": Validation(fraction=0.3, every=4, patience=30), "ema": 0.5, "batch_size": 9},
    ),
    "a stream": (Squares, Stream(lambda e: [DATA, {k: x[e:9] for k, x in DATA.items()}]), {"batch_size": 10}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_goes_on_from_a_state_and_from_a_file(backend: str, case: str, tmp_path: Path) -> None:
    kind, data, method = CASES[case]
    folder = str(tmp_path / "run")
    first = train(backend, kind, data, steps=13, checkpoint=Checkpoint(path=folder, every=5), **method)
    whole = train(backend, kind, data, steps=21, **method)
    for resume in (first.state, folder):
        equal(train(backend, kind, data, steps=21, resume=resume, **method).state, whole.state)
    assert [p.name for p in checkpoints(folder)] == ["step-000000010.safetensors", "step-000000013.safetensors"]
    early = checkpoints(folder)[0]
    equal(train(backend, kind, data, steps=13, resume=early, **method).state, first.state)


def test_an_interrupt_writes_where_the_run_is(backend: str, tmp_path: Path) -> None:
    kept = Checkpoint(path=tmp_path / "run", minutes=60)
    out = train(backend, Squares, DATA, steps=10**7, batch_size=8, report=Pressing(30), checkpoint=kept)
    (file,) = checkpoints(tmp_path / "run")
    equal(load(file), out.state)
    whole = train(backend, Squares, DATA, steps=out.step + 9, batch_size=8)
    rest = train(backend, Squares, DATA, steps=out.step + 9, batch_size=8, resume=file, checkpoint=kept)
    equal(rest.state, whole.state)


def test_checkpoints_come_by_the_clock_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl.training import pace

    monkeypatch.setattr(pace, "_PAUSE", 0.0)
    kept = Checkpoint(path=tmp_path / "run", minutes=1e-6, keep=3)
    train("pyro", Squares, DATA, steps=8, checkpoint=kept)
    assert [load(p).step for p in checkpoints(tmp_path / "run")] == [6, 7, 8]


def test_a_state_of_one_backend_goes_on_on_the_other() -> None:
    """Noise differs, and here is none: 10 steps on torch and 10 on jax are 20 on either."""
    method: dict[str, Any] = {"batch_size": 16, "optimizer": Adam(0.05), "ema": 0.9}
    first = train("pyro", Squares, DATA, steps=10, **method)
    rest = train("numpyro", Squares, DATA, steps=20, resume=first.state, **method)
    whole = train("pyro", Squares, DATA, steps=20, **method)
    np.testing.assert_allclose(rest.params["w"], whole.params["w"], rtol=1e-11)
    np.testing.assert_allclose(rest.average["w"], whole.average["w"], rtol=1e-11)


def test_a_failed_run_leaves_its_last_good_checkpoint(tmp_path: Path) -> None:
    train("pyro", Failing, DATA, steps=40, checkpoint=Checkpoint(path=tmp_path / "run", every=5))
    assert [load(p).step for p in checkpoints(tmp_path / "run")] == [5, 10]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "run"
    train("pyro", Squares, DATA, steps=10, checkpoint=Checkpoint(path=folder, every=5), batch_size=8, identity="one")
    return checkpoints(folder)[-1]


def _copy(written: Path, tmp_path: Path, change: Any) -> Path:
    out = tmp_path / written.name
    content = bytearray(written.read_bytes())
    changed = change(content)
    out.write_bytes(content if changed is None else changed)
    return out


def _flip(at: int) -> Any:
    def change(content: bytearray) -> None:
        content[at] ^= 1

    return change


def _resume(path: Path | str, **changed: Any) -> None:
    train("pyro", Squares, DATA, **({"steps": 12, "batch_size": 8, "identity": "one", "resume": path} | changed))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_flip(-3), "is damaged: the checksum does not fit"),
        (_flip(100), "damaged"),
        (lambda c: c[:-100], "it is cut off or damaged"),
        (lambda c: c[:50], "it is cut off"),
        (lambda c: c[:3], "it is cut off"),
        (lambda c: b"", "it is cut off"),
        (lambda c: c + b"more", "it is cut off or damaged"),
        (lambda c: bytes(c).replace(b'\\"step\\": 10', b'\\"step\\": 11'), "its manifest is damaged"),
        (lambda c: bytes(c).replace(b"gendsl-checkpoint", b"gendsl-checkpaint"), "no checkpoint of gendsl"),
    ],
)
def test_a_damaged_checkpoint_is_refused(written: Path, tmp_path: Path, change: Any, words: str) -> None:
    path = _copy(written, tmp_path, change)
    assert path.read_bytes() != written.read_bytes()
    with pytest.raises(FormatError, match=words) as e:
        _resume(path)
    assert path.name in str(e.value)


def test_every_changed_byte_is_refused(written: Path, tmp_path: Path) -> None:
    content = written.read_bytes()
    for at in range(0, len(content), 37):
        with pytest.raises(FormatError):
            load(_copy(written, tmp_path, _flip(at)))


def test_a_damaged_newest_names_the_one_before(written: Path, tmp_path: Path) -> None:
    for p in checkpoints(written.parent):
        (tmp_path / p.name).write_bytes(p.read_bytes())
    _copy(written, tmp_path, lambda c: c[:-8])
    with pytest.raises(FormatError, match=r"resume from 'step-000000005\.safetensors' beside it"):
        _resume(tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"identity": "two"}, "of another model"),
        ({"seed": 3}, "of a run with another seed"),
        ({"optimizer": SGD(0.1)}, "of a run by another optimizer"),
        ({"ema": 0.9}, "of a run with another kind of average"),
        ({"batch_size": 9}, "of a run with other batches"),
        ({"precision": "float32"}, "in another precision"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(written: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(FitError, match=words):
        _resume(written, **changed)


def test_a_checkpoint_of_another_model_or_of_other_data_is_refused(written: Path) -> None:
    method: dict[str, Any] = {"steps": 12, "resume": written, "identity": "one"}
    with pytest.raises(FitError, match="of other data"):
        train("pyro", Squares, {k: x[:50] for k, x in DATA.items()}, batch_size=8, **method)
    with pytest.raises(FitError, match="of an objective with other players"):
        train("pyro", Duel, {}, **method)

    class Wider(Squares):
        def initial_params(self, seed: int) -> dict[str, np.ndarray]:
            return super().initial_params(seed) | {"b": np.zeros(2)}

    with pytest.raises(FitError, match="of a model with other parameters") as e:
        train("pyro", Wider, DATA, batch_size=8, **method)
    assert e.value.node == "b"


def test_there_must_be_something_to_resume(tmp_path: Path) -> None:
    with pytest.raises(FitError, match="there is no checkpoint in"):
        _resume(tmp_path)
    with pytest.raises(FitError, match="there is no 'nothing' to resume"):
        _resume(tmp_path / "nothing")


def test_a_new_run_does_not_write_among_the_checkpoints_of_another(written: Path) -> None:
    before = checkpoints(written.parent)
    with pytest.raises(FitError, match="has checkpoints of an earlier run"):
        train("pyro", Squares, DATA, steps=3, checkpoint=Checkpoint(path=written.parent))
    assert checkpoints(written.parent) == before


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gendsl.results import sealed

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed, "write_file", full)
    with pytest.raises(FitError, match="the checkpoint could not be saved"):
        train("pyro", Squares, DATA, steps=3, checkpoint=Checkpoint(path=tmp_path, every=1))


def test_a_finished_run_has_nothing_to_do(written: Path) -> None:
    began = time.perf_counter()
    out = train("pyro", Squares, DATA, steps=10, batch_size=8, identity="one", resume=written)
    assert out.complete
    assert out.step == 10
    assert time.perf_counter() - began < 30


@pytest.mark.parametrize("steps", [5, 3])
def test_a_run_that_has_its_steps_says_that_nothing_is_left(steps: int) -> None:
    first = train("pyro", Squares, DATA, steps=5, batch_size=8)
    with pytest.warns(GendslWarning, match=r"nothing is left to train: the state has 5 steps") as said:
        again = train("pyro", Squares, DATA, steps=steps, batch_size=8, resume=first.state)
    assert f"gd.Train(steps={steps + 5}) for {steps} more" in str(said[0].message)
    assert again.step == 5
    np.testing.assert_array_equal(again.params["w"], first.params["w"])
