"""Games: what a training loop runs.

Training is a game of players. Player k moves its own parameters theta_k to lower its own loss L_k(theta, batch, noise,
state); maximum likelihood, an ELBO or score matching have one player, an adversarial objective has two, and some carry
a state from step to step (the particles of persistent contrastive divergence). A round lets every player move in turn,
`steps` times each.

A loss is *drawn* first and *evaluated* on the draws: `draw` takes a key and gives all the noise as arrays, `loss` is a
deterministic function of parameters, batch, noise and state. So two backends are compared on equal numbers, and a step
can be repeated exactly.

Parameters are one flat dict, name -> array, with the canonical names of networks ("decoder.layers.0.weight"). A batch
is a dict of arrays whose rows lie along the leading axis, unless the loop was told otherwise. Losses are means over
rows, so that the size of a batch changes their noise and not their value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

__all__ = ["Batch", "Game", "Loss", "Noise", "Params", "Player", "State", "moved"]

Array = Any
Key = Any
Params = dict[str, Array]
Batch = dict[str, Array]
Noise = dict[str, Array]
State = dict[str, Array]


@dataclass(frozen=True)
class Player:
    """Who moves.

    Attributes:
        name: such as "generator"; names its curve.
        moves: names of parameters, or beginnings of names that end in a dot, such as "critic."; empty for all.
        steps: how often it moves in a round.
    """

    name: str = "loss"
    moves: tuple[str, ...] = ()
    steps: int = 1


@dataclass(frozen=True)
class Loss:
    """What a player's loss is at one step; a pytree in spirit, see `Game.loss`.

    Attributes:
        value: scalar, what the player lowers.
        parts: named terms of it, scalars, for the record.
        state: the game's state after this step.
    """

    value: Array
    parts: dict[str, Array] = field(default_factory=dict)
    state: State = field(default_factory=dict)


class Game(Protocol):
    """An objective bound to a model, a backend's `ops` and the shapes of the data."""

    players: tuple[Player, ...]

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        """Parameters before the first step; equal numbers on every backend."""

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        """The state before the first step; empty where there is none."""

    def draw(self, player: Player, key: Key, batch: Batch) -> Noise:
        """All the noise of one step, as arrays; a function of the key."""

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        """The player's loss: deterministic, differentiable in `params`; no gradient flows through the state."""


def moved(player: Player, names: Mapping[str, Any]) -> list[str]:
    """Which of the parameters a player moves.

    Raises:
        ValueError: if a name or a beginning fits none; objectives check theirs, so this is a fault of an objective.
    """
    if not player.moves:
        return list(names)
    out: list[str] = []
    for part in player.moves:
        found = [n for n in names if n == part or part.endswith(".") and n.startswith(part)]
        if not found:
            raise ValueError(f"player '{player.name}' moves '{part}', which no parameter is")
        out += [n for n in found if n not in out]
    return out
