"""The time until a deadline, shared among chains that start in turns."""

from __future__ import annotations

import threading
import time

__all__ = ["Clock"]

_PART = 0.2  # of the time, for what comes before the chains


class Clock:
    """Tells each chain, as it starts, until when it may run.

    Where fewer chains run at once than there are, those that start first must leave time for the others: a chain gets
    the time that is left, divided by the rounds that are still to start.

    Args:
        deadline: seconds from now; None for no end.
    """

    def __init__(self, deadline: float | None) -> None:
        self._end = None if deadline is None else time.time() + deadline
        self._soon = None if deadline is None else time.time() + _PART * deadline
        self._waiting, self._lanes = 1, 1
        self._lock = threading.Lock()

    def hurry(self) -> bool:
        """Whether so much time is gone that chains should start, however well."""
        return self._soon is not None and time.time() > self._soon

    def share(self, chains: int, lanes: int) -> None:
        """So many chains will start, and so many run at once."""
        self._waiting, self._lanes = chains, lanes

    def start(self) -> float | None:
        """A chain starts: the time (`time.time`, which all processes share) at which it must end; None for no end."""
        with self._lock:
            rounds = max(1, -(-self._waiting // self._lanes))
            self._waiting -= 1
        now = time.time()
        return None if self._end is None else now + max(0.0, self._end - now) / rounds
