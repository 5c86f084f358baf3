"""Objectives: what a model is trained for, as data.

An objective is a frozen dataclass. `refusals` says why it does not apply to a graph, from the graph alone; `bind` makes
it a `Game` (gendsl/objectives/game.py) of a model with data on a backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

import numpy as np

from gendsl.checked import Configuration
from gendsl.errors import FitError, Location, caller
from gendsl.graph.node import Graph

if TYPE_CHECKING:
    from gendsl.objectives.setting import Bindable, Setting

_T = TypeVar("_T", bound="type[Objective]")

__all__ = ["OBJECTIVES", "Objective", "Refusal", "register"]


@dataclass(frozen=True)
class Refusal:
    """Why an objective does not apply to a graph.

    Attributes:
        problem: in words.
        node: which node it is.
        given: what that is.
        needed: what it should be.
        fix: the likely mend.
        where: the node's line.
    """

    problem: str
    node: str | None = None
    given: str | None = None
    needed: str | None = None
    fix: str | None = None
    where: Location | None = None

    def error(self) -> FitError:
        """The refusal as an error."""
        more = {k: getattr(self, k) for k in ("node", "given", "needed", "fix")}
        return FitError(self.problem, **more, where=self.where or caller())


@dataclass(frozen=True, kw_only=True)
class Objective(Configuration):
    """What a model is trained for."""

    purpose: ClassVar[str] = ""
    """One line for `model.explain()`."""
    comparable: ClassVar[bool] = True
    """Whether a lower loss, at another step, is a better model: not where the loss is seen by what is trained too."""

    @classmethod
    def turn(cls, graph: Graph) -> int | None:
        """When it is tried for a model that declares no objective: lower first; None where it must be declared.

        What is exact and cheap comes before what is dear, and a bound or a substitute for a likelihood after it.
        """
        return None

    @classmethod
    def usual(cls) -> Self:
        """One of this kind with what it has by default, for `model.explain()`."""
        return cls()

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """Why it does not apply to a graph; nothing where it does."""
        return ()

    def check(self, graph: Graph) -> None:
        """Raise a FitError where it does not apply to a graph."""
        for refusal in self.refusals(graph):
            raise refusal.error()

    def bind(self, setting: Setting) -> Bindable:
        """The objective as a game of a model with its data.

        Raises:
            FitError: if it does not apply.
        """
        raise NotImplementedError

    def remarks(self, curves: Mapping[str, np.ndarray]) -> Sequence[str]:
        """What the curves of a run tell of it, in sentences, for `fit.check()`; nothing where all is well."""
        return ()

    def __str__(self) -> str:
        return repr(self)


OBJECTIVES: dict[str, type[Objective]] = {}
"""The objectives by name."""


def register(kind: _T) -> _T:
    """Enter an objective into the table."""
    OBJECTIVES[kind.__name__] = kind
    return kind
