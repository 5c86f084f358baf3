"""The state of a run of training: all that it takes to go on exactly, as numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gendsl.training.contract import Arrays, Snapshot
from gendsl.training.history import History

__all__ = ["Best", "TrainState"]


@dataclass(frozen=True, eq=False)
class Best:
    """The parameters with the lowest loss on held-out rows so far.

    Attributes:
        loss: that loss.
        step: steps after which it was.
        waited: evaluations since.
        params: the parameters.
        average: their average.
    """

    loss: float
    step: int
    waited: int
    params: Arrays
    average: Arrays


@dataclass(frozen=True, eq=False)
class TrainState:
    """Where a run is.

    Random numbers and batches are functions of the seed and the step, so these two are all there is to say of them.

    Attributes:
        step: steps that are done.
        seed: of the run.
        snapshot: parameters, average, memories of the optimisers, state of the game.
        history: what happened so far.
        best: the best parameters, where held-out rows are evaluated to stop early.
        seconds: wall time so far.
        signature: what the run trains, on what and how (`gendsl.training.signature`), as JSON values.
    """

    step: int
    seed: int
    snapshot: Snapshot
    history: History
    best: Best | None = None
    seconds: float = 0.0
    signature: dict[str, Any] = field(default_factory=dict)

    def to_arrays(self) -> Arrays:
        """All arrays of the state, flat: the part's name, a slash, and the array's."""
        s = self.snapshot
        parts: dict[str, Mapping[str, np.ndarray]] = {
            "params": s.params,
            "average": s.average,
            "game": s.game,
            "history": self.history.to_arrays(),
        }
        for player, slots in s.memory.items():
            parts |= {f"memory/{player}/{slot}": arrays for slot, arrays in slots.items()}
        if self.best is not None:
            parts |= {"best_params": self.best.params, "best_average": self.best.average}
        return {f"{part}/{name}": x for part, arrays in parts.items() for name, x in arrays.items()}

    def to_numbers(self) -> dict[str, Any]:
        """What is not arrays, as JSON values."""
        best = None if self.best is None else {k: getattr(self.best, k) for k in ("loss", "step", "waited")}
        slots = {player: list(slots) for player, slots in self.snapshot.memory.items()}
        own = {"step": self.step, "seed": self.seed, "seconds": self.seconds, "signature": self.signature}
        return own | {"best": best, "slots": slots}

    @classmethod
    def from_parts(cls, arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Any]) -> TrainState:
        """The state that `to_arrays` and `to_numbers` gave."""

        def under(part: str) -> Arrays:
            return {k.removeprefix(f"{part}/"): v for k, v in arrays.items() if k.startswith(f"{part}/")}

        memory = {p: {s: under(f"memory/{p}/{s}") for s in slots} for p, slots in numbers["slots"].items()}
        found = numbers["best"]
        best = None if found is None else Best(**found, params=under("best_params"), average=under("best_average"))
        return cls(
            step=numbers["step"],
            seed=numbers["seed"],
            snapshot=Snapshot(under("params"), under("average"), memory, under("game")),
            history=History.from_arrays(under("history")),
            best=best,
            seconds=numbers["seconds"],
            signature=numbers["signature"],
        )
