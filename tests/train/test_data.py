"""Batches: which rows they have, wherever rows come from; and data that cannot be trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gendsl.errors import DataError, FitError
from gendsl.methods import Remainder, Validation
from gendsl.optim import SGD
from gendsl.training import Stream, Table
from gendsl.training.order import Order, held_out
from tests.train.games import Duel, Fitting, Squares, rows, train

DATA = rows()


def held(fraction: float) -> dict[str, Any]:
    return {"validation": Validation(fraction=fraction, every=1)}


@pytest.mark.parametrize("remainder", list(Remainder))
def test_every_row_is_used_once_a_pass(remainder: Remainder) -> None:
    order = Order(20, 6, 3, remainder)
    batches = order.batches(0, 40)
    assert batches.shape == (40, 6)
    if remainder is Remainder.WRAP:
        for at in range(0, 240, 20):
            assert sorted(batches.ravel()[at : at + 20]) == list(range(20))
    else:
        for at in range(0, 39, 3):
            assert len(set(batches[at : at + 3].ravel())) == 18
    parts = [Order(20, 6, 3, remainder).batches(first, count) for first, count in ((0, 7), (7, 1), (8, 32))]
    np.testing.assert_array_equal(np.concatenate(parts), batches)
    assert np.any(Order(20, 6, 4, remainder).batches(0, 40) != batches)


@pytest.mark.parametrize("remainder", list(Remainder))
def test_the_gradient_of_a_batch_is_unbiased(remainder: Remainder) -> None:
    """The mean over a pass is exact where batches divide the rows, and within 4 standard errors where they do not."""
    values = DATA["y"][:20] ** 3
    whole = values[Order(20, 5, 0, remainder).batches(0, 4)].mean(1)
    assert whole.mean() == pytest.approx(values.mean(), rel=1e-12)
    firsts = np.array([values[Order(20, 6, seed, remainder).batches(2, 1)[0]].mean() for seed in range(2000)])
    assert abs(firsts.mean() - values.mean()) < 4 * firsts.std() / np.sqrt(2000)


def test_held_out_rows_are_a_share_and_no_others() -> None:
    kept, held = held_out(50, 0.2, 1)
    assert len(held) == 10
    assert sorted([*kept, *held]) == list(range(50))
    assert np.any(held != held_out(50, 0.2, 2)[1])
    assert len(held_out(50, 0.001, 1)[1]) == 1


def _same(a: Any, b: Any) -> None:
    for k, x in a.params.items():
        np.testing.assert_array_equal(b.params[k], x)


def test_rows_in_files_and_in_memory_are_the_same_batches(backend: str, tmp_path: Path) -> None:
    mapped = {}
    for k, x in DATA.items():
        file = np.memmap(tmp_path / k, np.float64, "w+", shape=x.shape)
        file[:] = x
        mapped[k] = np.memmap(tmp_path / k, np.float64, "r", shape=x.shape)
    runs = [
        train(backend, Squares, d, steps=30, batch_size=10, optimizer=SGD(0.1), **held(0.25)) for d in (DATA, mapped)
    ]
    _same(*runs)
    np.testing.assert_array_equal(runs[0].history.validation["loss"], runs[1].history.validation["loss"])


def test_blocks_are_cut_and_joined_to_batches(backend: str) -> None:
    """A stream of uneven blocks is a table whose order is known."""
    seen = []

    class Seeing(Squares):
        def loss(self, player: Any, params: Any, batch: Any, noise: Any, state: Any) -> Any:
            seen.append(batch["y"].shape)
            return super().loss(player, params, batch, noise, state)

    cuts = (0, 3, 4, 30, 31, 64)

    def blocks(epoch: int) -> Iterator[dict[str, np.ndarray]]:
        order = np.random.default_rng(epoch).permutation(64)
        for a, b in zip(cuts, cuts[1:], strict=False):
            yield {k: x[order[a:b]] for k, x in DATA.items()}

    out = train(backend, Seeing, Stream(blocks), steps=10, batch_size=20, optimizer=SGD(0.1))
    assert set(seen) == {(20,)}
    p = {"w": np.zeros(3), "b": 0.0}
    for step in range(10):
        epoch, part = divmod(step, 3)
        at = np.random.default_rng(epoch).permutation(64)[20 * part : 20 * part + 20]
        error = DATA["x"][at] @ p["w"] + p["b"] - DATA["y"][at]
        p = {"w": p["w"] - 0.1 * 2 * DATA["x"][at].T @ error / 20, "b": p["b"] - 0.1 * 2 * error.mean()}
    np.testing.assert_allclose(out.params["w"], p["w"], rtol=1e-10)


def test_a_stream_may_wrap_and_gives_its_first_size(backend: str) -> None:
    blocks = [{k: x[a : a + 8] for k, x in DATA.items()} for a in range(0, 20, 8)]
    runs = [
        train(backend, Squares, data, steps=9, batch_size=size, remainder=Remainder.WRAP, optimizer=SGD(0.1))
        for data, size in ((blocks, None), (lambda epoch: iter(blocks), 8))
    ]
    _same(*runs)


def test_what_all_rows_share_is_whole(backend: str) -> None:
    class Scaled(Fitting):
        def initial_params(self, seed: int) -> dict[str, np.ndarray]:
            return {"b": np.zeros(())}

        def loss(self, player: Any, params: Any, batch: Any, noise: Any, state: Any) -> Any:
            from gendsl.objectives.game import Loss

            o = self.ops
            return Loss(o.mean(o.square(batch["y"] - o.sum(batch["weights"]) * params["b"])))

    data = Table({"y": DATA["y"]}, {"weights": np.array([1.0, 2.0])})
    out = train(backend, Scaled, data, steps=300, batch_size=64, optimizer=SGD(0.05))
    assert out.params["b"] == pytest.approx(DATA["y"].mean() / 3, rel=1e-10)


def _loader(epoch: int) -> Iterator[dict[str, np.ndarray]]:
    yield DATA
    yield {"x": DATA["x"], "y": DATA["y"][:, None]}


@pytest.mark.parametrize(
    ("data", "method", "words"),
    [
        (DATA, {"batch_size": 65}, ("the batch is larger than the data", "64 rows", "batch_size of at most 64")),
        (
            DATA,
            {"batch_size": 60} | held(0.25),
            ("larger than the data", "48 rows"),
        ),
        ({"x": DATA["x"], "y": DATA["y"][:9]}, {}, ("different numbers of rows", "x: 64, y: 9")),
        ({"x": DATA["x"], "y": 1.0}, {}, ("'y'", "has no rows", "`whole`")),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, {}, ("no rows to train on",)),
        (iter([DATA]), {}, ("only once", "Stream(lambda epoch")),
        (3, {}, ("no data to train on",)),
        (Stream(lambda epoch: []), {}, ("the loader gives no rows",)),
        ([DATA], {"batch_size": 100}, ("the batch is larger than the data", "in a pass of the loader")),
        (Stream(_loader), {}, ("differ in more than their length", "'y'", "shape (1,)", "shape ()")),
        ([DATA], held(0.1), ("not of a stream", "gd.Validation(data=")),
        (DATA, {"validation": Validation(data={"x": DATA["x"]}, every=1)}, ("not like those to train on",)),
        (
            {"x": DATA["x"][:1], "y": DATA["y"][:1]},
            held(0.5),
            ("no rows are left",),
        ),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused(data: Any, method: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as e:
        train("pyro", Squares, data, **({"steps": 3} | method))
    for part in words:
        assert part in str(e.value)


def test_players_are_named_rightly() -> None:
    with pytest.raises(FitError, match="one of 'low', 'high'"):
        train("pyro", Duel, {}, steps=2, players={"critic": SGD(0.1)})
    with pytest.raises(FitError, match="the validation is for a player"):
        train("pyro", Squares, DATA, steps=2, validation=Validation(fraction=0.5, player="critic", every=1))
    with pytest.raises(FitError, match="nonnegative integer"):
        train("pyro", Squares, DATA, steps=2, seed=-1)
