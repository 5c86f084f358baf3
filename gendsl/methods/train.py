"""Training by gradients, as data: what one loop does for every objective."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from gendsl.checked import Configuration, boolean, number, refuse, whole
from gendsl.methods.base import Method
from gendsl.optim import Adam, Optimizer

__all__ = ["Checkpoint", "Precision", "Remainder", "Train", "Validation"]


class Precision(StrEnum):
    """Of parameters and computation.

    BF16 keeps parameters, optimisers, losses and averages in float32 and lets matrix products and convolutions take
    bfloat16 operands: torch's autocast, and jax's product algorithm BF16_BF16_F32, which jax honours on accelerators
    (on its CPU it computes in float32).
    """

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    BF16 = "bf16 mixed"

    @property
    def dtype(self) -> str:
        """Of the parameters."""
        return "float64" if self is Precision.FLOAT64 else "float32"


class Remainder(StrEnum):
    """What becomes of the rows of a pass that do not fill a batch.

    DROP leaves them out of this pass; passes are shuffled anew, so all rows have the same chance. WRAP joins them to
    the first rows of the next pass, so that every row is used equally often.
    """

    DROP = "drop"
    WRAP = "wrap"


@dataclass(frozen=True, kw_only=True, eq=False)
class Validation(Configuration):
    """Losses on held-out rows, and when to stop by them.

    All rows are used, with the same noise every time, and with the averaged parameters where there are such.

    Args:
        fraction: of the rows, drawn by the seed, to hold out.
        data: or the held-out rows themselves, name -> array.
        every: steps between evaluations.
        patience: evaluations without a lower loss after which training stops and the best parameters are the result;
            left out, training goes on to its end.
        player: whose loss counts; left out, the first player's.
    """

    fraction: float | None = None
    data: Mapping[str, Any] | None = None
    every: int = 500
    patience: int | None = None
    player: str | None = None

    def __post_init__(self) -> None:
        if (self.fraction is None) == (self.data is None):
            given = "neither" if self.data is None else "both"
            refuse(
                self.who(),
                "held-out rows are a fraction of the data, or data",
                given,
                "one of fraction and data",
                in_words=True,
            )
        if self.fraction is not None:
            words = "a share of the rows in (0, 1)"
            value = number(self.who(), "fraction", self.fraction, high=1.0, needed=words, usual="0.1")
            object.__setattr__(self, "fraction", value)
        if self.data is not None:
            if not isinstance(self.data, Mapping) or not self.data:
                refuse(self.who(), "data are given by name", self.data, "a dict of arrays", 'data={"x": x}')
            arrays = {str(k): np.array(v) for k, v in self.data.items()}
            object.__setattr__(self, "data", MappingProxyType(arrays))
        object.__setattr__(self, "every", whole(self.who(), "every", self.every, usual="500"))
        if self.patience is not None:
            object.__setattr__(self, "patience", whole(self.who(), "patience", self.patience, usual="5"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Validation) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        data = tuple((k, v.dtype.str, v.shape, v.tobytes()) for k, v in sorted((self.data or {}).items()))
        return self.fraction, data, self.every, self.patience, self.player


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Configuration):
    """Where and how often a run is written down, so that it can go on exactly after whatever ends it.

    Args:
        path: a folder for this run alone.
        every: steps between checkpoints.
        minutes: or minutes between them; either that comes first, where both are given.
        keep: how many to keep.
    """

    path: str = ""
    every: int | None = None
    minutes: float | None = None
    keep: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, os.PathLike)) or not os.fspath(self.path):
            refuse(self.who(), "path is the name of a folder", self.path, 'a path, such as "runs/vae"')
        object.__setattr__(self, "path", os.fspath(self.path))
        if self.every is None and self.minutes is None:
            object.__setattr__(self, "minutes", 5.0)
        if self.every is not None:
            object.__setattr__(self, "every", whole(self.who(), "every", self.every, usual="1000"))
        if self.minutes is not None:
            needed = "a positive number of minutes"
            object.__setattr__(self, "minutes", number(self.who(), "minutes", self.minutes, needed=needed, usual="5"))
        object.__setattr__(self, "keep", whole(self.who(), "keep", self.keep, usual="2"))


@dataclass(frozen=True, kw_only=True)
class Train(Method):
    """Gradient training: minibatches, an optimiser for each player, an average of the parameters.

    The loss of a likelihood or a bound is a sum over all rows, and with `batch_size` the mean of a row, even where a
    batch has all rows: so are its gradients, which `clip` and `gd.optim.SGD` see. Other losses are means of a row.

    Args:
        steps: rounds, in each of which every player moves (as often as the objective says).
        batch_size: rows of a batch; left out, all rows at every step.
        optimizer: of all players, for example `gd.optim.Adam(gd.optim.Cosine(1e-3))`.
        players: optimisers of single players, by name.
        clip: largest norm of all gradients of a player together; longer ones are scaled down to it.
        ema: decay d of the average a <- d a + (1 - d) theta after each step, which begins at the first parameters.
        precision: of parameters and computation.
        remainder: what becomes of the rows of a pass that do not fill a batch.
        validation: losses on held-out rows, and early stopping.
        checkpoint: where and how often the run is written down.
        deadline: seconds of wall time, compilation included, after which training ends and keeps what it has.
        compiled: whether torch compiles losses by torch.compile, which takes a minute and pays for large networks;
            jax always compiles.

    Raises:
        ModelError: if a value is not what it should be.
    """

    other: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"epochs": "steps", "num_steps": "steps", "max_steps": "steps", "lr": "optimizer=gd.optim.Adam({})",
         "learning_rate": "optimizer=gd.optim.Adam({})", "optim": "optimizer", "grad_clip": "clip",
         "max_norm": "clip", "batch": "batch_size"}
    )  # fmt: skip

    steps: int = 10_000
    batch_size: int | None = None
    optimizer: Optimizer = field(default_factory=Adam)
    players: Mapping[str, Optimizer] = field(default_factory=dict)
    clip: float | None = None
    ema: float | None = None
    precision: Precision = Precision.FLOAT32
    remainder: Remainder = Remainder.DROP
    validation: Validation | None = None
    checkpoint: Checkpoint | None = None
    deadline: float | None = None
    compiled: bool = False

    def __post_init__(self) -> None:
        who = "Train"
        object.__setattr__(self, "steps", whole(who, "steps", self.steps, usual="10_000"))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", whole(who, "batch_size", self.batch_size, usual="128"))
        self._optimizers(who)
        for name, high, needed, usual in (
            ("clip", np.inf, "a positive norm", "1.0"),
            ("ema", 1.0, "a decay in (0, 1)", "0.999"),
            ("deadline", np.inf, "a positive number of seconds", "600"),
        ):
            if getattr(self, name) is not None:
                value = number(who, name, getattr(self, name), high=high, needed=needed, usual=usual)
                object.__setattr__(self, name, value)
        for name, kind in (("precision", Precision), ("remainder", Remainder)):
            if getattr(self, name) not in list(kind):
                choices = " or ".join(f"gd.{kind.__name__}.{c.name}" for c in kind)
                refuse(who, f"unknown {name}", getattr(self, name), choices)
            object.__setattr__(self, name, kind(getattr(self, name)))
        for name, part in (("validation", Validation), ("checkpoint", Checkpoint)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, part):
                refuse(who, f"{name} is a gd.{part.__name__}", value, f"gd.{part.__name__}(...) or None")
        if self.validation is not None and self.validation.every > self.steps:
            given, needed = f"every={self.validation.every} of {self.steps} steps", f"every of at most {self.steps}"
            fix = f"gd.Validation(..., every={max(1, self.steps // 10)})"
            refuse(who, "held-out rows would never be evaluated", given, needed, fix, in_words=True)
        object.__setattr__(self, "compiled", boolean(who, "compiled", self.compiled))

    def _optimizers(self, who: str) -> None:
        if not isinstance(self.players, Mapping):
            refuse(who, "players are given by name", self.players, "a dict of optimisers", "players={'critic': ...}")
        object.__setattr__(self, "players", MappingProxyType(dict(self.players)))
        for o in (self.optimizer, *self.players.values()):
            if not isinstance(o, Optimizer):
                fix = f"an instance: gd.optim.{o.__name__}(1e-3)" if isinstance(o, type) else "gd.optim.Adam(1e-3)"
                refuse(who, "an optimizer is one of gd.optim", o, "such as gd.optim.Adam(1e-3)", fix)
            o.schedule.check(self.steps)

    def __hash__(self) -> int:
        return hash((self.steps, self.batch_size, self.optimizer, tuple(sorted(self.players)), self.clip, self.ema))
