"""Adversarial objectives as games of two players, who see the rows of one observation of a pushforward.

In a round the critic moves its own parameters, "critic.*", `critic_steps` times, then the generator those of the model
once. Each draws noise z of its own, from which the generator makes as many samples as the batch has rows.

Under a context y the sample that stands beside row x_i is g(z_i, y_i), and the critic is D(x, y), of the row with its
context behind the last axis (gendsl/networks/beside.py): one that saw x alone could not tell a sample of another
context. Penalties are of its gradient in x, and mix rows and samples of one context. No gradient flows into y through
the critic, so that networks in a context learn from what the generator makes of it, and cannot hide it from the critic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.densities import PushforwardDensity
from gendsl.errors import ModelError
from gendsl.graph.networks import Used, networks_of
from gendsl.graph.node import Array as Constant
from gendsl.graph.node import Graph, Node
from gendsl.networks import beside, initial, placing, seen_event
from gendsl.networks.base import shape_words
from gendsl.objectives.base import Refusal
from gendsl.objectives.contexts import Contexts, contexts_of
from gendsl.objectives.game import Batch, Loss, Noise, Params, Player, State
from gendsl.objectives.observed import Observed, observed
from gendsl.objectives.parameters import Parameters, parameters_of
from gendsl.objectives.setting import Bindable, Setting

if TYPE_CHECKING:
    from gendsl.objectives.adversarial import GAN

__all__ = ["CRITIC", "bind_adversarial", "critic_refusals", "noise_refusals"]

CRITIC = "critic"
"""The name of the critic's network, and of the player."""

Array = Any


def noise_refusals(graph: Graph, at: Observed, who: str) -> list[Refusal]:
    """Why the noise of a pushforward cannot be drawn while training."""
    base = graph.nodes[at.dist.args[0]]
    known = all(graph.nodes[a].op == "const" for a in base.args)
    if base.op in ("dist.Normal", "dist.Uniform") and known:
        return []
    kind = base.op.removeprefix("dist.")
    return [
        Refusal(
            f"{who} draws the noise of '{at.name}' itself, and knows normal and uniform noise",
            node=at.name,
            given=f"gd.{kind}" + ("" if known else " with parameters that are no numbers"),
            needed="gd.Normal or gd.Uniform of numbers",
            fix="gd.Normal(0, 1).expand(8): the network makes of it what is needed",
            where=at.node.where,
        )
    ]


def critic_refusals(graph: Graph, at: Observed, objective: GAN) -> list[Refusal]:
    """Why the critic does not fit the rows, or the model's names."""
    out, critic = [], objective.critic
    taken: list[Node | Used] = [n for _, n in graph.of("param") if n.name == CRITIC]
    taken += [used for used in networks_of(graph.nodes).values() if used.name == CRITIC]
    if at.used.name == CRITIC or taken:
        out.append(
            Refusal(
                f"names of the critic's parameters begin with '{CRITIC}.', and '{graph.name}' learns a '{CRITIC}' too",
                node=CRITIC,
                given=f"the parameters of '{CRITIC}'",
                needed="another name",
                fix=f"name=\"generator\" in gd.Pushforward, or rename '{CRITIC}'",
                where=(taken[0] if taken else at.node).where,
            )
        )
    seen = seen_event(at.event, at.context)
    try:
        output = critic.output(seen)
        problem, given = "a critic gives each row one number", f"{critic!r}: event {shape_words(output)}"
        fits = int(np.prod(output)) == 1
        if critic.integers:
            problem, given, fits = f"the critic takes integers, and rows of '{at.name}' are not", f"{critic!r}", False
    except ModelError as e:
        problem, given, fits = f"the critic does not take rows of '{at.name}': {e.problem}", f"{critic!r}", False
    if not fits:
        out.append(
            Refusal(
                problem,
                node=at.name,
                given=given[:160],
                needed=f"a network from events {shape_words(seen)} to one number{_with(at)}",
                fix="critic=gd.MLP(1, hidden=(128, 128))",
                where=at.node.where,
            )
        )
    return out


def _with(at: Observed) -> str:
    return f": a row, {shape_words(at.event)}, with its context of {at.context} behind the last axis" * bool(at.context)


def bind_adversarial(objective: GAN, setting: Setting) -> Bindable:
    """An adversarial objective of a model's rows as a game."""
    objective.check(setting.graph)
    bound = setting.program()
    contexts = contexts_of(setting)
    rows, by_row, whole = setting.laid({"model": bound} | contexts.programs)
    game = _AdversarialGame(objective, setting, parameters_of(bound), rows, contexts)
    return Bindable(game, by_row, whole, {"model": bound})


class _AdversarialGame:
    """The game: critic, then generator."""

    def __init__(self, objective: GAN, setting: Setting, parameters: Parameters, rows: Any, contexts: Contexts) -> None:
        self.objective, self.setting, self.rows, self.parameters = objective, setting, rows, parameters
        self.at, self.contexts = observed(setting.graph), contexts
        self.seen = seen_event(self.at.event, self.at.context)
        self.ops, self.layers = setting.backend.ops, setting.backend.layers
        self.base = _Noise(setting.graph, self.at)
        with setting.context():  # a user's own module is asked for its parameters
            self.network = placing(self.layers)(objective.critic, event=self.seen, name=CRITIC)
        self.players: tuple[Player, ...] = (
            Player(CRITIC, (f"{CRITIC}.",), objective.critic_steps),
            Player("generator", tuple(parameters.initial(0))),
        )

    def initial_params(self, seed: int) -> dict[str, np.ndarray]:
        with self.setting.context():
            own = initial(self.layers, self.objective.critic, self.seen, seed, f"{CRITIC}.")
        return self.parameters.initial(seed) | own

    def initial_state(self, seed: int) -> dict[str, np.ndarray]:
        return {}

    def draw(self, player: Player, key: Any, batch: Batch) -> Noise:
        x = self.at.rows(self.ops, self.rows, batch)
        first, second = self.ops.split(key, 2)
        out = {"z": self.base.draw(self.ops, first, x)}
        return out | self.objective.draw(self.ops, second, x) if player.name == CRITIC else out

    def loss(self, player: Player, params: Params, batch: Batch, noise: Noise, state: State) -> Loss:
        context = self._context(params, batch)
        samples, critic = self._samples(params, noise["z"], context), self._critic(params, context)
        if player.name != CRITIC:
            return self.objective.generator_loss(self.ops, critic, samples)
        x = self.at.rows(self.ops, self.rows, batch)
        return self.objective.critic_loss(self.ops, critic, x, samples, noise)

    def _context(self, params: Params, batch: Batch) -> Array | None:
        """The contexts of the batch's rows, (n, numbers)."""
        theta = self.parameters.constrained(self.ops, params)
        return self.contexts.rows(self.ops, theta, self.rows, batch).get(self.at.name)

    def _critic(self, params: Params, context: Array | None) -> Any:
        """D at given parameters and contexts, (n, *event) -> (n,)."""
        rank, fixed = len(self.at.event), None if context is None else self.ops.stop_gradient(context)

        def critic(x: Array) -> Array:
            value = self.network(params, beside(self.ops, x, fixed, rank))
            return self.ops.reshape(value, tuple(x.shape[: x.ndim - rank]))

        return critic

    def _samples(self, params: Params, z: Array, context: Array | None) -> Array:
        """The generator's samples of noise, (n, *source) -> (n, *event)."""
        spec, noise = self.at.used.spec, self.base.image(self.ops, z)
        return spec.sample(self.layers, self.at.own(params), noise, context, self.at.event)


class _Noise:
    """The noise of a pushforward: standard numbers, shifted and scaled."""

    def __init__(self, graph: Graph, at: Observed) -> None:
        if not isinstance(at.used.spec, PushforwardDensity):
            raise TypeError("a pushforward")
        base = graph.nodes[at.dist.args[0]]
        first, second = (_number(graph.nodes[a]) for a in base.args)
        self.source, self.normal = at.used.spec.source, base.op == "dist.Normal"
        self.shift, self.scale = first, second if self.normal else second - first

    def draw(self, ops: Any, key: Any, x: Array) -> Array:
        """Standard normal numbers, or uniform ones on [0, 1): (n, *source) for n rows x."""
        shape = (x.shape[0], *self.source)
        return ops.normal(key, shape, like=x) if self.normal else ops.uniform(key, shape, like=x)

    def image(self, ops: Any, z: Array) -> Array:
        """The noise that standard numbers make, (n, *source)."""
        return ops.constant(self.shift, z) + ops.constant(self.scale, z) * z


def _number(n: Node) -> np.ndarray:
    value = n.attr["value"]
    return np.array(value.numpy() if isinstance(value, Constant) else value, np.float64)  # torch asks for its own
