"""Progress of a run: one line a chain, on a terminal or in a notebook, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn, Task

    from gendsl.backend import Progress

__all__ = ["Bars", "Silent", "make"]


class Silent:
    """Shows nothing."""

    def start(self, chains: Sequence[int], total: int) -> None:
        """A run begins."""

    def update(self, chain: int, done: int, divergences: int) -> None:
        """A chain has come further."""

    def stop(self) -> None:
        """The run is over."""


class Bars:
    """A bar for each chain: iterations done, divergences, iterations a second, time left.

    Args:
        title: what runs.
        console: where to draw.
    """

    def __init__(self, title: str, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            _speed(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
        )
        self._title = title
        self._tasks: dict[int, Any] = {}

    def start(self, chains: Sequence[int], total: int) -> None:
        """Draw the bars."""
        self._progress.start()
        self._tasks = {
            chain: self._progress.add_task(f"{self._title}, chain {chain}", total=total, note="") for chain in chains
        }

    def update(self, chain: int, done: int, divergences: int) -> None:
        """Move a bar; engines may call this from their own threads."""
        note = f"{divergences} divergent" if divergences else ""
        self._progress.update(self._tasks[chain], completed=done, note=note)

    def stop(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()


def _speed() -> ProgressColumn:
    """Iterations a second, over the last half minute."""
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.0f} its/s")

    return Speed()


def make(show: bool, title: str) -> Progress:
    """Bars where someone can see them, else nothing.

    Args:
        show: whether progress is wanted.
        title: what runs.
    """
    if not show:
        return Silent()
    from rich.console import Console

    console = Console(stderr=True)
    return Bars(title, console) if console.is_terminal or console.is_jupyter else Silent()
