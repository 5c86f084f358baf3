"""Early stopping: the best parameters on held-out rows, and when to wait no longer.

An evaluation improves if its loss is finite and below the lowest so far. After `patience` evaluations that do not,
training stops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from gendsl.training.contract import Snapshot
from gendsl.training.state import Best

__all__ = ["Watch"]


class Watch:
    """Follows the loss on held-out rows.

    Args:
        patience: evaluations without improvement to wait for.
        best: what was best before.
    """

    def __init__(self, patience: int, best: Best | None) -> None:
        self._patience, self.best = patience, best

    @property
    def over(self) -> bool:
        """Whether it waits no longer."""
        return self.best is not None and self.best.waited >= self._patience

    def see(self, step: int, loss: float, snapshot: Callable[[], Snapshot]) -> None:
        """An evaluation after some steps."""
        if math.isfinite(loss) and (self.best is None or loss < self.best.loss):
            now = snapshot()
            self.best = Best(loss, step, 0, now.params, now.average)
        elif self.best is not None:
            self.best = replace(self.best, waited=self.best.waited + 1)
