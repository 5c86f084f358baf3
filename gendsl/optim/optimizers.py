"""Optimisers as data; the engines run torch's and optax's own, which mean the same by these numbers.

With gradient g_t, rate r_t and t = 1, 2, ...:

    SGD    g = g_t + w theta;  v_t = m v_(t-1) + g;  theta -= r_t v_t            (Nesterov: theta -= r_t (g + m v_t))
    Adam   m_t = b1 m_(t-1) + (1 - b1) g_t;  s_t = b2 s_(t-1) + (1 - b2) g_t^2
           theta -= r_t (m_t / (1 - b1^t)) / (sqrt(s_t / (1 - b2^t)) + eps)
    AdamW  Adam, and theta -= r_t w theta

So eps stands outside the root, SGD's weight decay is the gradient of w |theta|^2 / 2, and AdamW's is apart from the
moments and scaled by the rate.

References:
    Adam: A Method for Stochastic Optimization (Kingma, Ba, 2015) | https://arxiv.org/abs/1412.6980
    Decoupled Weight Decay Regularization (Loshchilov, Hutter, 2019) | https://arxiv.org/abs/1711.05101
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from gendsl.checked import Configuration, boolean, number, refuse
from gendsl.optim.schedules import Constant, Schedule

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]

_OTHER = MappingProxyType(
    {"lr": "learning_rate", "rate": "learning_rate", "b1": "beta1", "b2": "beta2", "epsilon": "eps"}
)


@dataclass(frozen=True)
class Optimizer(Configuration):
    """How parameters follow their gradients; subclasses are frozen dataclasses.

    Args:
        learning_rate: a number, or a schedule.
    """

    where: ClassVar[str] = "gd.optim"
    other: ClassVar[Mapping[str, str]] = _OTHER

    learning_rate: float | Schedule = 1e-3

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if isinstance(rate, type) or not isinstance(rate, (int, float, Schedule)) and not hasattr(rate, "dtype"):
            refuse(
                self.who(), "learning_rate is a number or a schedule", rate, "such as 1e-3 or gd.optim.Cosine(1e-3)",
                f"an instance: gd.optim.{rate.__name__}(1e-3)"
                if isinstance(rate, type)
                else "a subclass of gd.optim.Schedule with rates(self, steps, total) -> an array"
                if callable(rate)
                else None,
            )  # fmt: skip
        if not isinstance(rate, Schedule):
            needed = "a positive number, or a schedule"
            value = number(self.who(), "learning_rate", rate, needed=needed, usual="1e-3")
            object.__setattr__(self, "learning_rate", value)

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a schedule."""
        return self.learning_rate if isinstance(self.learning_rate, Schedule) else Constant(self.learning_rate)

    @property
    def slots(self) -> tuple[str, ...]:
        """What it remembers of each parameter, by name, each of the parameter's shape."""
        return ()

    def _share(self, name: str) -> None:
        value = number(
            self.who(), name, getattr(self, name), high=1.0, closed=True, needed="a number in [0, 1)", usual="0.9"
        )
        object.__setattr__(self, name, value)

    def _weight(self, name: str) -> None:
        value = number(self.who(), name, getattr(self, name), closed=True, needed="a nonnegative number", usual="0.01")
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent.

    Args:
        learning_rate: a number, or a schedule.
        momentum: m above.
        nesterov: whether the momentum looks ahead.
        weight_decay: w above.
    """

    learning_rate: float | Schedule = 1e-2
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._share("momentum")
        self._weight("weight_decay")
        object.__setattr__(self, "nesterov", boolean(self.who(), "nesterov", self.nesterov))
        if self.nesterov and not self.momentum:
            refuse(
                self.who(),
                "Nesterov's step needs momentum",
                "momentum=0.0",
                "momentum in (0, 1)",
                "momentum=0.9",
                in_words=True,
            )

    @property
    def slots(self) -> tuple[str, ...]:
        """See `Optimizer.slots`."""
        return ("momentum",) if self.momentum else ()


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam.

    Args:
        learning_rate: a number, or a schedule.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        eps: added to the root of the latter.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        self._share("beta1")
        self._share("beta2")
        object.__setattr__(self, "eps", number(self.who(), "eps", self.eps, usual="1e-8"))

    @property
    def slots(self) -> tuple[str, ...]:
        """See `Optimizer.slots`."""
        return ("mean", "square")


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay.

    Args:
        learning_rate, beta1, beta2, eps: see `Adam`.
        weight_decay: w above; decays all parameters.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self._weight("weight_decay")
