"""Progress of a run: one line a chain, on a terminal or in a notebook, and nothing elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from gendsl.backend import Progress

__all__ = ["Bars", "Silent", "make"]


class Silent:
    """Shows nothing."""

    def start(self, chains: int, total: int) -> None:
        """A run begins."""

    def update(self, chain: int, done: int, divergences: int) -> None:
        """A chain has come further."""

    def stop(self) -> None:
        """The run is over."""


class Bars:
    """A bar for each chain: iterations done, divergences, time left.

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
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
        )
        self._title = title
        self._tasks: list[Any] = []

    def start(self, chains: int, total: int) -> None:
        """Draw the bars."""
        self._progress.start()
        self._tasks = [
            self._progress.add_task(f"{self._title}, chain {chain}", total=total, note="") for chain in range(chains)
        ]

    def update(self, chain: int, done: int, divergences: int) -> None:
        """Move a bar; engines may call this from their own threads."""
        note = f"{divergences} divergent" if divergences else ""
        self._progress.update(self._tasks[chain], completed=done, note=note)

    def stop(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()


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
