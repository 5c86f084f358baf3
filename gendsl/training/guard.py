"""What is said where a loss or its gradient is not finite."""

from __future__ import annotations

import math

from gendsl.errors import FitError
from gendsl.training.contract import Failure

__all__ = ["at_once", "too_late", "words"]


def words(failure: Failure, step: int) -> str:
    """What was not finite, and when.

    Args:
        failure: the move.
        step: the number of its step, from 1.
    """
    player = failure.player
    value = failure.values[player]
    of = "" if player == "loss" else f" of '{player}'"  # a single player's name
    parts = {k.removeprefix(f"{player}."): v for k, v in failure.values.items() if k.startswith(f"{player}.")}
    bad = [f"'{name}' ({v:g})" for name, v in parts.items() if not math.isfinite(v)]
    if not math.isfinite(value):
        terms = f": its {'terms' if len(bad) > 1 else 'term'} {', '.join(bad)}" if bad else ""
        return f"the loss{of} became {value:g} at step {step}{terms or (failure.why and f': {failure.why}')}"
    names = ", ".join(f"'{n}'" for n in failure.gradients[:3])
    more = f" and {len(failure.gradients) - 3} more" if len(failure.gradients) > 3 else ""
    where = f" in {names}{more}" if names else ""
    return f"the gradient of the loss{of} is not finite{where} at step {step}, where the loss is {value:g}"


def at_once(failure: Failure) -> FitError:
    """The error of a run whose first step fails: nothing has been learnt that could be kept."""
    return FitError(
        words(failure, 1),
        node=next((n for n in failure.gradients if math.isfinite(failure.values[failure.player])), None),
        given=", ".join(f"{k} = {v:g}" for k, v in failure.values.items())[:200],
        needed="a finite loss and gradient at the first parameters",
        fix="check that the data lie in the support of the model; a where() whose other branch is not finite has no "
        "gradient either",
    )


def too_late(deadline: float) -> FitError:
    """The error of a run whose time is up before its first step."""
    return FitError(
        "the deadline came before the first step",
        given=f"deadline={deadline:g} s",
        needed="time to compile, and for at least one step",
        fix="a later deadline",
    )
