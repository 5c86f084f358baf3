"""What happened in training: a curve for each loss and each of its terms, with wall time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["History", "Recorder"]


@dataclass(frozen=True, eq=False)
class History:
    """Curves of a run, float64.

    Attributes:
        curves: name -> (steps,): a player's loss under its name, the mean over its moves in the step; a term of it
            under "player.term"; the norm of its gradient, before clipping, under "player:gradient".
        seconds: wall time since the start of the first run, at the end of each step, (steps,).
        validation_step: steps that were done when held-out rows were evaluated, (evaluations,).
        validation: curves of those, (evaluations,), named as above.
    """

    curves: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: np.ndarray = field(default_factory=lambda: np.zeros(0))
    validation_step: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    validation: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def steps(self) -> np.ndarray:
        """Numbers of the steps of the curves: 1, 2, ..."""
        return np.arange(1, len(self.seconds) + 1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The history as arrays."""
        return {
            "seconds": self.seconds,
            "validation_step": self.validation_step,
            **{f"curves/{k}": v for k, v in self.curves.items()},
            **{f"validation/{k}": v for k, v in self.validation.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> History:
        """The history that `to_arrays` gave."""

        def under(beginning: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(beginning): v for k, v in arrays.items() if k.startswith(beginning)}

        return cls(under("curves/"), arrays["seconds"], arrays["validation_step"], under("validation/"))


class Recorder:
    """Collects a history part by part.

    Args:
        before: what was recorded earlier.
    """

    def __init__(self, before: History) -> None:
        self._curves = {k: [v] for k, v in before.curves.items()}
        self._seconds = [before.seconds]
        self._evaluated = [before.validation_step]
        self._validation = {k: [v] for k, v in before.validation.items()}

    def steps(self, curves: Mapping[str, np.ndarray], began: float, ended: float) -> None:
        """Some more steps, of equal length, between two times."""
        count = len(next(iter(curves.values()), ()))
        for name, values in curves.items():
            self._curves.setdefault(name, []).append(np.asarray(values, np.float64))
        self._seconds.append(began + (ended - began) * np.arange(1, count + 1) / max(count, 1))

    def evaluation(self, step: int, values: Mapping[str, float]) -> None:
        """Losses of held-out rows after some steps."""
        self._evaluated.append(np.array([step]))
        for name, value in values.items():
            self._validation.setdefault(name, []).append(np.array([value]))

    def history(self) -> History:
        """All of it."""
        for parts in (*self._curves.values(), *self._validation.values(), self._seconds, self._evaluated):
            parts[:] = [np.concatenate(parts)]  # so that the next time costs what is new
        return History(
            {k: v[0] for k, v in self._curves.items()},
            self._seconds[0],
            self._evaluated[0],
            {k: v[0] for k, v in self._validation.items()},
        )
