"""How many steps to do before looking up: for the screen, the keyboard and the clock.

Between two looks a learner is given about a third of a second of work. The first plan is one step, and each is at most
four times the one before, so a rate that was measured on too few steps does not lead far.
"""

from __future__ import annotations

__all__ = ["Pace"]

_PAUSE, _GROWTH = 0.3, 4


class Pace:
    """The length of plans.

    Args:
        most: steps of a plan at most; None for any number.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.count = 1

    def took(self, count: int, seconds: float) -> None:
        """So many steps took so long."""
        fits = int(_PAUSE * count / max(seconds, 1e-6))
        self.count = max(1, min(fits, _GROWTH * self.count, self._most or fits))
