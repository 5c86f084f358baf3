"""The catalogue's table: each entry makes one mistake; the error must name it, show it, and say what mends it.

An entry is a function under `@mistake(error, *fragments)`. The line that the error must point to ends in `# here`: the
line that makes the mistake, or, for data that do not fit and runs that cannot start, the line that declared the node.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["TABLE", "Mistake", "mistake"]

MARK = "# here"


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        make: makes it.
        error: the class that must be raised.
        fragments: what the message must hold.
        later: a fault of the declaration that shows when the model is whole.
    """

    make: Callable[[], object]
    error: type[Exception]
    fragments: tuple[str, ...]
    later: bool = False

    @property
    def name(self) -> str:
        """The test's id: the function's module and name."""
        return f"{self.make.__module__.rpartition('.')[2]}-{self.make.__name__}"

    @property
    def line(self) -> int | None:
        """The marked line of the file, where there is one."""
        lines, start = inspect.getsourcelines(self.make)
        marked = [start + k for k, text in enumerate(lines) if text.rstrip().endswith(MARK)]
        assert len(marked) <= 1, f"{self.name} marks several lines"
        return marked[0] if marked else None


TABLE: list[Mistake] = []


def mistake(
    error: type[Exception], *fragments: str, later: bool = False
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Enter the decorated function into the table."""

    def enter(make: Callable[[], object]) -> Callable[[], object]:
        TABLE.append(Mistake(make, error, fragments, later))
        return make

    return enter
