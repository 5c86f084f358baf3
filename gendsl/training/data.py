"""What is trained on: rows in memory or mapped from files, or blocks of rows that come one after another.

The loop asks a `Source` for batches. A source either tells rows (`index`), which the learner gathers on its device, or
gives the rows themselves (`blocks`), where there are too many to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gendsl.errors import DataError, caller
from gendsl.methods.train import Remainder
from gendsl.training.order import Order

__all__ = ["Data", "Source", "Stream", "Table", "as_data", "gathered", "rows_of"]

Arrays = dict[str, np.ndarray]
Sample = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in memory, or mapped (numpy.memmap): only what a step needs of mapped arrays is read.

    Attributes:
        rows: name -> array whose leading axis is the row.
        whole: arrays that every batch has as they are.
    """

    rows: Mapping[str, Any] = field(default_factory=dict)
    whole: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Stream:
    """Blocks of rows from a loader; they are cut and joined to batches of one size.

    Attributes:
        blocks: number of the pass -> its blocks, name -> array with rows along the leading axis. A run that is resumed
            goes through the blocks that were used before, so it is exact if a pass gives the same blocks every time.
        whole: arrays that every batch has as they are.
    """

    blocks: Callable[[int], Iterable[Mapping[str, Any]]]
    whole: Mapping[str, Any] = field(default_factory=dict)


Data = Table | Stream


def as_data(value: Any) -> Data:
    """A table or stream: of a dict of arrays, or of anything that gives blocks of rows again and again.

    Raises:
        DataError: if it is neither.
    """
    if isinstance(value, (Table, Stream)):
        return value
    if isinstance(value, Mapping):
        return Table(value)
    if isinstance(value, Iterator):
        raise DataError(
            "these batches can be gone through only once, and training goes through its data many times",
            given=type(value).__name__,
            needed="what can be iterated again, such as a list or a loader, or a function of the pass",
            fix="gendsl.training.Stream(lambda epoch: ...), which begins anew at every call",
            where=caller(),
        )
    if callable(value):
        return Stream(value)
    if isinstance(value, Iterable):
        return Stream(lambda epoch: value)
    raise DataError(
        "these are no data to train on",
        given=repr(value)[:80],
        needed="a dict of arrays, or batches that can be iterated",
        where=caller(),
    )


def rows_of(arrays: Mapping[str, Any]) -> tuple[Arrays, int]:
    """Arrays with rows along their leading axes, and how many rows.

    Raises:
        DataError: if their lengths differ, or there are none.
    """
    out = {str(k): v if isinstance(v, np.memmap) else np.asarray(v) for k, v in arrays.items()}
    for name, x in out.items():
        if not x.ndim:
            raise DataError(
                f"'{name}' is a single number and has no rows",
                node=name,
                given=f"shape {x.shape}",
                needed="an array whose leading axis is the row",
                fix="give what all rows share as `whole`",
                where=caller(),
            )
    lengths = {k: len(x) for k, x in out.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "the arrays have different numbers of rows",
            given=", ".join(f"{k}: {n}" for k, n in lengths.items()),
            needed="one length along the leading axis",
            fix="give what all rows share as `whole`",
            where=caller(),
        )
    count = next(iter(lengths.values()), 0)
    if out and not count:
        raise DataError("there are no rows to train on", given="arrays of length 0", where=caller())
    return out, count


class Source:
    """Where batches come from: here, every batch is all rows.

    Attributes:
        held: arrays with rows that the learner holds and gathers from.
        rows: how many rows there are; None where that is not known.
        size: rows of a batch.
        sample: shape and dtype of a row of each array that comes in blocks; empty where arrays are held.
    """

    def __init__(self, held: Arrays, rows: int | None, size: int, sample: Sample | None = None) -> None:
        self.held, self.rows, self.size, self.sample = held, rows, size, sample or {}

    @property
    def indexed(self) -> bool:
        """Whether batches are rows of what is held."""
        return False

    def index(self, first: int, count: int) -> np.ndarray | None:
        """Rows of `count` batches, (count, size); None where every batch is all that is held, or comes in blocks."""
        return None

    def blocks(self, first: int, count: int) -> Arrays:
        """Rows of `count` batches, (count, size, ...); empty where they are held."""
        return {}


def gathered(data: Data, chosen: np.ndarray | None, size: int | None, seed: int, remainder: Remainder) -> Source:
    """The source of some data.

    Args:
        data: what to train on.
        chosen: the rows of a table that may be used; None for all.
        size: rows of a batch; None for all.
        seed: of the order of rows.
        remainder: what becomes of rows that do not fill a batch.

    Raises:
        DataError: if a batch is larger than the data, or the data are no rows.
    """
    if isinstance(data, Stream):
        return _Blocks(data, size, remainder)
    rows, count = rows_of(data.rows)
    count = count if chosen is None else len(chosen)
    if size is not None and size > count:
        raise DataError(
            "the batch is larger than the data",
            given=f"batch_size={size}, {count} rows to train on",
            needed=f"batch_size of at most {count}",
            fix=f"batch_size={min(128, count)}, or leave it out to use all rows at every step"
            if count
            else "leave it out",
            where=caller(),
        )
    if size is None or not rows:
        return Source({k: np.asarray(x if chosen is None else x[chosen]) for k, x in rows.items()}, count, count)
    order = Order(count, size, seed, remainder)
    if any(isinstance(x, np.memmap) for x in rows.values()):
        return _Mapped(rows, order, chosen)
    return _Held(rows, order, chosen)


class _Held(Source):
    """Rows in memory, gathered by the learner."""

    def __init__(self, rows: Arrays, order: Order, chosen: np.ndarray | None) -> None:
        super().__init__(rows, order.rows, order.size)
        self._order, self._chosen = order, chosen

    @property
    def indexed(self) -> bool:
        return True

    def index(self, first: int, count: int) -> np.ndarray | None:
        at = self._order.batches(first, count)
        return at if self._chosen is None else self._chosen[at]


class _Mapped(Source):
    """Rows in files, read batch by batch."""

    def __init__(self, rows: Arrays, order: Order, chosen: np.ndarray | None) -> None:
        super().__init__({}, order.rows, order.size, {k: (x.shape[1:], x.dtype) for k, x in rows.items()})
        self._rows, self._order, self._chosen = rows, order, chosen

    def blocks(self, first: int, count: int) -> Arrays:
        at = self._order.batches(first, count)
        at = at if self._chosen is None else self._chosen[at]
        return {k: np.asarray(x[at]) for k, x in self._rows.items()}


class _Blocks(Source):
    """Blocks of a loader, cut and joined to batches."""

    def __init__(self, stream: Stream, size: int | None, remainder: Remainder) -> None:
        first, count = rows_of(next(iter(stream.blocks(0)), {}))
        if not count:
            raise _nothing()
        super().__init__({}, None, size or count, {k: (x.shape[1:], x.dtype) for k, x in first.items()})
        self._stream, self._remainder = stream, remainder
        self._batches, self._next = self._run(), 0

    def blocks(self, first: int, count: int) -> Arrays:
        if first < self._next:
            self._batches, self._next = self._run(), 0
        while self._next < first:
            next(self._batches)
            self._next += 1
        taken = [next(self._batches) for _ in range(count)]
        self._next += count
        return {k: np.stack([b[k] for b in taken]) for k in self.sample}

    def _run(self) -> Iterator[Arrays]:
        epoch = 0
        rest: list[Arrays] = []
        while True:
            seen = given = 0
            for block in self._stream.blocks(epoch):
                rest.append(self._checked(block))
                seen += _length(rest[-1])
                have = sum(map(_length, rest))
                if have < self.size:
                    continue
                joined = {k: np.concatenate([b[k] for b in rest]) for k in self.sample}
                for at in range(0, have - self.size + 1, self.size):
                    yield {k: x[at : at + self.size] for k, x in joined.items()}
                    given += 1
                left = have % self.size
                rest = [{k: x[have - left :] for k, x in joined.items()}] if left else []
            if not seen:
                raise _nothing()
            if self._remainder is Remainder.DROP:
                if not given:
                    raise _too_few(self.size, seen)
                rest = []
            epoch += 1

    def _checked(self, block: Mapping[str, Any]) -> Arrays:
        rows, _ = rows_of(block)
        for name, (shape, _) in self.sample.items():
            x = rows.get(name)
            if x is None or x.shape[1:] != shape or set(rows) != set(self.sample):
                raise DataError(
                    "the blocks of rows differ in more than their length",
                    node=name,
                    given="none" if x is None else f"rows of shape {x.shape[1:]}; arrays {', '.join(rows)}",
                    needed=f"rows of shape {shape}, as in the first block; arrays {', '.join(self.sample)}",
                    where=caller(),
                )
        return {k: rows[k].astype(dtype, copy=False) for k, (_, dtype) in self.sample.items()}


def _nothing() -> DataError:
    return DataError(
        "the loader gives no rows",
        given="a pass without blocks",
        needed="a dict of arrays, name -> rows, at every turn",
        where=caller(),
    )


def _too_few(size: int, rows: int) -> DataError:
    return DataError(
        "the batch is larger than the data",
        given=f"batch_size={size}, {rows} rows in a pass of the loader",
        needed=f"batch_size of at most {rows}",
        fix=f"batch_size={rows}, or remainder=gd.Remainder.WRAP",
        where=caller(),
    )


def _length(rows: Arrays) -> int:
    return len(next(iter(rows.values())))
