"""Schedules of learning rates: functions of the step, written once, in numpy.

Step t = 0, 1, ... is moved with rate r(t); T is the length of the schedule, by default that of the run.

    Constant        r
    Cosine          r_T + (r - r_T) (1 + cos(pi min(t / T, 1))) / 2
    WarmupCosine    r_0 + (r - r_0) t / w  for t < w, then the cosine from r to r_T over the T - w steps that are left
    Exponential     r d^(t / k)
    Piecewise       r_i for b_i <= t < b_(i+1), with b_0 = 0

A loop asks for the rates of many steps at once and gives them to its optimiser as numbers, so both backends move by the
same ones.

Reference:
    SGDR: Stochastic Gradient Descent with Warm Restarts (Loshchilov, Hutter, 2017) | https://arxiv.org/abs/1608.03983
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from gendsl.checked import Configuration, number, refuse, whole
from gendsl.errors import FAULTS, ModelError, caller, said

__all__ = ["Constant", "Cosine", "Exponential", "Piecewise", "Schedule", "WarmupCosine"]

_OWN = "def rates(self, steps, total): return 1e-3 / (1 + steps)"
_OTHER = MappingProxyType(
    {"lr": "rate", "learning_rate": "rate", "init_value": "rate", "gamma": "decay", "eta_min": "final"}
)


@dataclass(frozen=True)
class Schedule(Configuration):
    """A learning rate as a function of the step; subclasses are frozen dataclasses."""

    where: ClassVar[str] = "gd.optim"
    other: ClassVar[Mapping[str, str]] = _OTHER

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """Learning rates, float64.

        Args:
            steps: numbers of steps, from 0, integers of any shape.
            total: steps of the whole run.
        """
        raise NotImplementedError

    def check(self, total: int) -> None:
        """Raise a ModelError where the schedule cannot be that of a run of so many steps."""
        self.checked(np.unique(np.linspace(0, total - 1, 100).astype(int)), total)

    def checked(self, steps: np.ndarray, total: int) -> np.ndarray:
        """`rates`, which may be the user's own, as nonnegative numbers of the shape of `steps`.

        Raises:
            ModelError: if they are none.
        """
        who = type(self).__name__
        needed, fix = "rates(self, steps, total) -> an array as long as steps", "np.full(np.shape(steps), 1e-3)"
        if type(self).rates is Schedule.rates:
            refuse(who, "a schedule has rates", "no method rates", needed, _OWN, in_words=True)
        try:
            out = np.asarray(self.rates(steps, total), float)
        except FAULTS as e:
            raise ModelError(f"{who}: rates fails", given=said(e), needed=needed, fix=_OWN, where=caller()) from e
        if out.shape != steps.shape:
            given = f"shape {out.shape} for {len(steps)} steps" if out.ndim else f"one number, {out}, for {len(steps)}"
            refuse(who, "rates gives a rate for each step", given, needed, fix, in_words=True)
        if (bad := np.flatnonzero(~(np.isfinite(out) & (out >= 0)))).size:
            given = f"{out[bad[0]]} at step {steps[bad[0]]}"
            refuse(who, "a learning rate is a nonnegative number", given, needed, "np.maximum(rates, 0)", in_words=True)
        return out

    def _rate(self, name: str, *, zero: bool = False) -> None:
        words = "a nonnegative learning rate" if zero else "a positive learning rate"
        given = getattr(self, name)
        object.__setattr__(self, name, number(self.who(), name, given, closed=zero, needed=words, usual="1e-3"))

    def _steps(self, name: str, least: int = 1) -> None:
        value = getattr(self, name)
        if value is not None:
            object.__setattr__(self, name, whole(self.who(), name, value, least=least, usual="1000"))


@dataclass(frozen=True)
class Constant(Schedule):
    """One rate for all steps; a number in place of a schedule means this."""

    rate: float = 1e-3

    def __post_init__(self) -> None:
        self._rate("rate")

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """See `Schedule.rates`."""
        return np.full(np.shape(steps), self.rate)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from `rate` down to `final`.

    Args:
        rate: at the first step.
        final: at the end, and after it.
        steps: how long it takes; left out, the whole run.
    """

    rate: float = 1e-3
    final: float = 0.0
    steps: int | None = None

    def __post_init__(self) -> None:
        self._rate("rate")
        self._rate("final", zero=True)
        self._steps("steps")

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """See `Schedule.rates`."""
        return _cosine(np.asarray(steps, float) / (self.steps or total), self.rate, self.final)


@dataclass(frozen=True)
class WarmupCosine(Schedule):
    """A line from `initial` up to `rate`, then half a cosine down to `final`.

    Args:
        rate: the highest rate.
        warmup: steps until it is reached.
        initial: at the first step.
        final: at the end, and after it.
        steps: how long it takes, warmup included; left out, the whole run.
    """

    rate: float = 1e-3
    warmup: int = 1000
    initial: float = 0.0
    final: float = 0.0
    steps: int | None = None

    def __post_init__(self) -> None:
        self._rate("rate")
        self._rate("initial", zero=True)
        self._rate("final", zero=True)
        self._steps("warmup", 0)
        self._steps("steps")
        if self.steps is not None:
            self.check(self.steps)

    def check(self, total: int) -> None:
        """See `Schedule.check`."""
        length = self.steps or total
        if self.warmup >= length:
            refuse(
                self.who(), "the warmup must end before the schedule does", f"warmup={self.warmup} of {length} steps",
                f"warmup below {length}", f"warmup={length // 10}", in_words=True,
            )  # fmt: skip

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """See `Schedule.rates`."""
        t, end = np.asarray(steps, float), self.steps or total
        up = self.initial + (self.rate - self.initial) * t / max(self.warmup, 1)
        down = _cosine((t - self.warmup) / (end - self.warmup), self.rate, self.final)
        return np.where(t < self.warmup, up, down)


@dataclass(frozen=True)
class Exponential(Schedule):
    """A rate that is multiplied by `decay` in every `every` steps, a little at each.

    Args:
        rate: at the first step.
        decay: the factor, in (0, 1].
        every: steps that it takes.
    """

    rate: float = 1e-3
    decay: float = 0.5
    every: int = 1000

    def __post_init__(self) -> None:
        self._rate("rate")
        decay = number(
            self.who(), "decay", self.decay, high=np.nextafter(1, 2), needed="a factor in (0, 1]", usual="0.5"
        )
        object.__setattr__(self, "decay", decay)
        self._steps("every")

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """See `Schedule.rates`."""
        out: np.ndarray = self.rate * self.decay ** (np.asarray(steps, float) / self.every)
        return out


@dataclass(frozen=True)
class Piecewise(Schedule):
    """Constant pieces.

    Args:
        steps: where the second piece and those after it begin, increasing.
        values: the rates of the pieces, one more than `steps`.
    """

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = (1e-3,)

    def __post_init__(self) -> None:
        steps = tuple(whole(self.who(), "steps", s, usual="(1000,)") for s in _items(self.who(), "steps", self.steps))
        needed = "positive learning rates"
        values = tuple(
            number(self.who(), "values", v, needed=needed) for v in _items(self.who(), "values", self.values)
        )
        if any(a >= b for a, b in zip(steps, steps[1:], strict=False)):
            refuse(self.who(), "the pieces begin one after the other", steps, "steps that increase", "sort them")
        if len(values) != len(steps) + 1:
            refuse(
                self.who(), "each piece has a rate", f"{len(values)} values for {len(steps) + 1} pieces",
                "one value more than steps", "gd.optim.Piecewise(steps=(1000,), values=(1e-3, 1e-4))", in_words=True,
            )  # fmt: skip
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "values", values)

    def rates(self, steps: np.ndarray, total: int) -> np.ndarray:
        """See `Schedule.rates`."""
        return np.asarray(self.values)[np.searchsorted(self.steps, steps, side="right")]


def _cosine(share: np.ndarray, rate: float, final: float) -> np.ndarray:
    """Half a cosine at a share of its length, which may lie outside [0, 1]."""
    out: np.ndarray = final + (rate - final) * (1 + np.cos(np.pi * np.clip(share, 0, 1))) / 2
    return out


def _items(who: str, name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        refuse(who, f"{name} is a tuple", value, "a tuple of numbers", f"{name}=({value!r},)")
    return value
