"""Progress of training: one line with steps, losses, speed and time left; nothing where nobody would see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from gendsl.training.contract import Report

__all__ = ["Bar", "Silent", "make"]


class Silent:
    """Shows nothing."""

    def start(self, total: int) -> None:
        """A run begins."""

    def update(self, done: int, values: Mapping[str, float]) -> None:
        """Some steps are done."""

    def stop(self) -> None:
        """The run is over."""


class Bar:
    """A bar of steps, with the last losses.

    Args:
        title: what is trained.
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
        self._task: Any = None

    def start(self, total: int) -> None:
        """Draw the bar."""
        self._progress.start()
        self._task = self._progress.add_task(self._title, total=total, note="")

    def update(self, done: int, values: Mapping[str, float]) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, note=", ".join(f"{k} {v:.4g}" for k, v in values.items()))

    def stop(self) -> None:
        """Leave the bar as it is."""
        self._progress.stop()


def make(show: bool, title: str) -> Report:
    """A bar where someone can see it, else nothing.

    Args:
        show: whether progress is wanted.
        title: what is trained.
    """
    if not show:
        return Silent()
    from rich.console import Console

    console = Console(stderr=True)
    return Bar(title, console) if console.is_terminal or console.is_jupyter else Silent()
