"""What critics and generators play for, as functions of the critic's number v at a row.

    loss            real(v)           fake(v)           generator(v), lowered      at the best critic
    minimax         log sigmoid(v)    log sigmoid(-v)   log sigmoid(-v)            V = 2 JSD(p, q) - log 4
    non-saturating  log sigmoid(v)    log sigmoid(-v)   -log sigmoid(v)            the same V
    Wasserstein     v                 -v                -v                         V = W1(p, q), D 1-Lipschitz

The best critic of the first two is v = log p - log q, of whose sigmoid one says the probability that a row is real.
A divergence of the f family is a row more: real(v) = g(v), fake(v) = -f*(g(v)), for its conjugate f* and a map g onto
the domain of that.

References:
    Generative Adversarial Networks (Goodfellow et al., 2014) | https://arxiv.org/abs/1406.2661
    Wasserstein GAN (Arjovsky, Chintala, Bottou, 2017) | https://arxiv.org/abs/1701.07875
    f-GAN (Nowozin, Cseke, Tomioka, 2016) | https://arxiv.org/abs/1606.00709
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gendsl.spec import Checked

__all__ = ["LOSSES", "AdversarialLoss", "Minimax", "NonSaturating", "Wasserstein"]

Array = Any


@dataclass(frozen=True, repr=False)
class AdversarialLoss(Checked):
    """The functions of a number that a game is played for. To add one, write a subclass and name it in `LOSSES`."""

    def real(self, ops: Any, v: Array) -> Array:
        """What the critic gains at data."""
        raise NotImplementedError

    def fake(self, ops: Any, v: Array) -> Array:
        """What the critic gains at samples."""
        raise NotImplementedError

    def generator(self, ops: Any, v: Array) -> Array:
        """What the generator loses at samples; left as it is, what the critic gains there."""
        return self.fake(ops, v)

    def critic_loss(self, ops: Any, on_data: Array, on_samples: Array) -> Array:
        """-V, a scalar: what the critic lowers.

        Args:
            ops: array functions.
            on_data: the critic's numbers at data, any shape.
            on_samples: likewise at samples.
        """
        return -ops.mean(self.real(ops, on_data)) - ops.mean(self.fake(ops, on_samples))

    def generator_loss(self, ops: Any, on_samples: Array) -> Array:
        """A scalar: what the generator lowers."""
        return ops.mean(self.generator(ops, on_samples))


@dataclass(frozen=True, repr=False)
class Minimax(AdversarialLoss):
    """Both play for one value. The generator's gradient vanishes where the critic is sure of its samples."""

    def real(self, ops: Any, v: Array) -> Array:
        """log sigmoid(v)."""
        return ops.log_sigmoid(v)

    def fake(self, ops: Any, v: Array) -> Array:
        """log sigmoid(-v)."""
        return ops.log_sigmoid(-v)


@dataclass(frozen=True, repr=False)
class NonSaturating(Minimax):
    """The critic's value as in `Minimax`; the generator raises log sigmoid(v), whose gradient does not vanish."""

    def generator(self, ops: Any, v: Array) -> Array:
        """-log sigmoid(v)."""
        return -ops.log_sigmoid(v)


@dataclass(frozen=True, repr=False)
class Wasserstein(AdversarialLoss):
    """The critic's mean on data above that on samples: W1 where it is 1-Lipschitz, which a penalty sees to."""

    def real(self, ops: Any, v: Array) -> Array:
        """v."""
        return v

    def fake(self, ops: Any, v: Array) -> Array:
        """-v."""
        return -v


LOSSES: dict[str, type[AdversarialLoss]] = {k.__name__: k for k in (Minimax, NonSaturating, Wasserstein)}
"""The losses that files may hold, by name."""
