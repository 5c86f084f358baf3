"""Adversarial objectives, as specs over gendsl/math/adversarial: a critic and a generator play in turn.

References:
    Generative Adversarial Networks (Goodfellow et al., 2014) | https://arxiv.org/abs/1406.2661
    Improved Training of Wasserstein GANs (Gulrajani et al., 2017) | https://arxiv.org/abs/1704.00028
    Which Training Methods for GANs do actually Converge? (Mescheder, Geiger, Nowozin, 2018) |
    https://arxiv.org/abs/1801.04406
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from gendsl.graph.node import Graph
from gendsl.math.adversarial import AdversarialLoss, NonSaturating, Wasserstein, gradient_penalty, mixed, r1
from gendsl.networks import MLP, Network
from gendsl.objectives.adversarial_game import bind_adversarial, critic_refusals, noise_refusals
from gendsl.objectives.base import Objective, Refusal, register
from gendsl.objectives.game import Loss, Noise
from gendsl.objectives.idle import idle
from gendsl.objectives.observed import observed, row_refusals
from gendsl.objectives.setting import Bindable, Setting
from gendsl.spec import Checked

__all__ = ["GAN", "PENALTIES", "R1", "WGAN", "GradientPenalty", "Penalty"]

Array = Any
Critic = Callable[[Array], Array]


@dataclass(frozen=True, repr=False)
class Penalty(Checked):
    """What keeps a critic smooth. To add one, write a subclass and name it in `PENALTIES`."""

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """The noise of a batch x (n, *event)."""
        return {}

    def value(self, ops: Any, critic: Critic, data: Array, samples: Array, noise: Noise) -> Array:
        """What the critic's loss is raised by, of each row, (n,).

        Args:
            ops: array functions.
            critic: D, (n, *event) -> (n,).
            data: (n, *event).
            samples: of the generator, likewise.
            noise: what `draw` gave.
        """
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class GradientPenalty(Penalty):
    """weight (|grad D| - 1)^2 between data and samples.

    At its best a critic is then a little steeper than 1: it sees W1 (1 + W1 / (2 weight)). Of events of one number,
    where a gradient cannot turn, the two-sided penalty has a second optimum, a critic that slopes the wrong way; there
    take one_sided=True.

    Args:
        weight: positive.
        one_sided: whether only norms above 1 count.

    Raises:
        ModelError: if a value is not what it should be.
    """

    weight: float = 10.0
    one_sided: bool = False

    def __post_init__(self) -> None:
        self._number("weight", 0.0)
        self._flag("one_sided")

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """{"mix": (n,)}."""
        return {"mix": ops.uniform(key, x.shape[:1], like=x)}

    def value(self, ops: Any, critic: Critic, data: Array, samples: Array, noise: Noise) -> Array:
        """weight (|grad D(z)| - 1)^2 at z = u data + (1 - u) samples, (n,)."""
        z = mixed(ops, data, samples, noise["mix"])
        return self.weight * gradient_penalty(ops, critic, z, one_sided=self.one_sided)


@dataclass(frozen=True, repr=False)
class R1(Penalty):
    """weight |grad D|^2 / 2 at data.

    Args:
        weight: positive.

    Raises:
        ModelError: if it is not.
    """

    weight: float = 10.0

    def __post_init__(self) -> None:
        self._number("weight", 0.0)

    def value(self, ops: Any, critic: Critic, data: Array, samples: Array, noise: Noise) -> Array:
        """weight |grad D|^2 / 2, (n,)."""
        return self.weight * r1(ops, critic, data)


PENALTIES: dict[str, type[Penalty]] = {k.__name__: k for k in (R1, GradientPenalty)}
"""The penalties that files may hold, by name."""


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class GAN(Checked, Objective):
    """A generator against a critic, for a model that observes rows of one gd.Pushforward.

    The players are "critic" and "generator"; `gd.Train(players={"critic": ...})` gives one an optimiser of its own. The
    critic's parameters are trained and kept beside the model's, under names that begin with "critic.".

    Args:
        critic: a network from an event of the data to one number. Where the pushforward has a context, from the event
            with the context's numbers behind its last axis, at every place of its other axes: rows of event (2,) and
            3 classes make (5,), images (8, 8, 1) make (8, 8, 4). Penalties are of its gradient in the event alone.
        loss: what they play for.
        penalty: what keeps the critic smooth; None for nothing.
        critic_steps: how often the critic moves before the generator does.

    Raises:
        ModelError: if a value is not what it should be.
    """

    purpose: ClassVar[str] = "a pushforward, against a critic"
    comparable: ClassVar[bool] = False

    critic: Network
    loss: AdversarialLoss = NonSaturating()
    penalty: Penalty | None = None
    critic_steps: int = 1

    def __post_init__(self) -> None:
        self._part("critic", Network, "gd.MLP(1, hidden=(128, 128))")
        self.critic.check_time(False)
        self._part("loss", AdversarialLoss, "NonSaturating()")
        if self.penalty is not None:
            self._part("penalty", Penalty, "GradientPenalty(10.0), or None")
        self._count("critic_steps")

    @classmethod
    def usual(cls) -> Self:
        """With a critic that takes rows of any event shape."""
        return cls(critic=MLP(1))

    def refusals(self, graph: Graph) -> Sequence[Refusal]:
        """It needs one observation of a pushforward over a plate, noise that it can draw, and a critic that fits."""
        out = row_refusals(graph, self.who(), "Pushforward")
        if out:
            return out
        at = observed(graph)
        out = noise_refusals(graph, at, self.who()) + critic_refusals(graph, at, self)
        return out + idle(graph, self.who(), "pushforward")

    def remarks(self, curves: Mapping[str, np.ndarray]) -> Sequence[str]:
        """A critic whose distance is negative is worse than a constant one: its slope is the wrong way round."""
        values = curves.get("critic.value", np.zeros(0))
        last = values[-max(1, len(values) // 10) :]
        if (
            not isinstance(self.loss, Wasserstein)
            or not len(last)
            or last.mean() >= -2 * last.std() / np.sqrt(len(last))
        ):
            return ()
        return (
            f"the critic sees a distance of {last.mean():.3g}, below zero: it slopes the wrong way, where the penalty "
            "keeps it; try penalty=gd.GradientPenalty(10.0, one_sided=True), or more critic_steps",
        )

    def bind(self, setting: Setting) -> Bindable:
        """The objective of a model's rows as a game."""
        return bind_adversarial(self, setting)

    def draw(self, ops: Any, key: Any, x: Array) -> Noise:
        """The critic's noise for a batch x (n, *event); the generator's own noise makes its samples."""
        return {} if self.penalty is None else self.penalty.draw(ops, key, x)

    def critic_loss(self, ops: Any, critic: Critic, data: Array, samples: Array, noise: Noise) -> Loss:
        """What the critic lowers: -V, and the penalty. No gradient flows into the samples.

        Args:
            ops: array functions.
            critic: D, (n, *event) -> (n,).
            data: (n, *event).
            samples: of the generator, (n, *event).
            noise: what `draw` gave.
        """
        samples = ops.stop_gradient(samples)
        value = self.loss.critic_loss(ops, critic(data), critic(samples))
        if self.penalty is None:
            return Loss(value, {"value": -value})
        extra = ops.mean(self.penalty.value(ops, critic, data, samples, noise))
        return Loss(value + extra, {"value": -value, "penalty": extra})

    def generator_loss(self, ops: Any, critic: Critic, samples: Array) -> Loss:
        """What the generator lowers at its samples, (n, *event)."""
        return Loss(self.loss.generator_loss(ops, critic(samples)))


@register
@dataclass(frozen=True, kw_only=True, repr=False)
class WGAN(GAN):
    """The Wasserstein GAN with gradient penalty: a `GAN` with other values left out; see there."""

    purpose: ClassVar[str] = "a pushforward, by the Wasserstein distance that a critic sees"

    loss: AdversarialLoss = Wasserstein()
    penalty: Penalty | None = GradientPenalty(10.0)
    critic_steps: int = 5
