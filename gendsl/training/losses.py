"""What a game's loss must be, checked where it is called; the same for every backend."""

from __future__ import annotations

from typing import Any

from gendsl.objectives.game import Loss, Player

__all__ = ["checked"]


def checked(out: Loss, player: Player, state: dict[str, Any]) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Value, named terms and new state of a loss.

    Args:
        out: the loss.
        player: whose.
        state: the game's state before it.

    Raises:
        ValueError: if the value or a term is no scalar, or the state has other entries or shapes than before; a fault
            of the objective.
    """
    for name, x in (("the loss", out.value), *((f"its term '{k}'", v) for k, v in out.parts.items())):
        if getattr(x, "shape", None) != ():
            raise ValueError(f"player '{player.name}': {name} is a scalar, not {_words(x)}")
    for name, x in out.state.items():
        if name not in state:
            raise ValueError(f"player '{player.name}': the state has no '{name}', only {', '.join(state) or 'nothing'}")
        if tuple(x.shape) != tuple(state[name].shape):
            raise ValueError(f"player '{player.name}': the state '{name}' is {_words(state[name])}, not {_words(x)}")
    return out.value, out.parts, out.state


def _words(x: Any) -> str:
    shape = getattr(x, "shape", None)
    return repr(x)[:40] if shape is None else f"of shape {tuple(shape)}"
