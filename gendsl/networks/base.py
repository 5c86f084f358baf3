"""Networks: specs of functions with parameters, f_theta(x), f_theta(x, t) or f_theta(x, t, y), from events to events.

A spec knows shapes and arithmetic and holds no numbers: for an event shape, and the length of a context y where it sees
one, it names its parameters, and `apply` evaluates it on given ones over a backend's layers. All of a model's
parameters are one flat dict, in which a network's stand under its name: "decoder.layers.0.weight". Layouts are torch's,
on both backends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.networks.layers import Array, Layers, Values, broadcast_lead
from gendsl.networks.parameter import Parameters, draw
from gendsl.networks.spec import Spec
from gendsl.networks.time import TimeFeatures

__all__ = ["Event", "Network", "Timed", "shape_words"]

Event = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Network(Spec):
    """The base of all networks. A subclass gives `output`, `parameters` and `forward`.

    Attributes:
        rank: event axes that `forward` works on; what is given with other ones goes with `event=`.
    """

    rank: ClassVar[int] = 1

    def __call__(self, *args: Any, **options: Any) -> NoReturn:
        """A spec has no parameters: the model's network of it is called.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"{type(self).__name__} is a spec, which has no parameters to be called with",
            given=f"{self!r}(...)"[:100],
            needed="a network of the model",
            fix=f'm.network("decoder", gd.{type(self).__name__}(...))(x)',
            where=caller(),
        )

    @property
    def timed(self) -> bool:
        """Whether it is a function of a time too."""
        return False

    @property
    def contextual(self) -> bool:
        """Whether it can see a context, a vector beside the time."""
        return False

    @property
    def integers(self) -> bool:
        """Whether its input are integers, such as tokens."""
        return False

    def with_time(self, time: TimeFeatures) -> Self:
        """The same network as a function of a time too; itself where it is one already.

        Raises:
            ModelError: if this kind takes none.
        """
        if self.timed:
            return self
        return self._refuse(
            "this network takes no time",
            repr(self),
            "a network of x and t",
            "one that is built to take it, such as gd.MLP(..., time=gd.Sinusoidal())",
        )

    # -- shapes -------------------------------------------------------------------------------------------------------
    def output(self, event: Event) -> Event:
        """The event shape of the result for an input of shape `event`.

        Raises:
            ModelError: if the network cannot take such an input.
        """
        raise NotImplementedError

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """Its parameters for an input of shape `event`: name -> shape and initial distribution.

        Args:
            event: event shape of the input.
            context: numbers in the context that it sees; 0 for none.

        Raises:
            ModelError: if the network cannot take such an input.
        """
        raise NotImplementedError

    def init(self, event: Event, seed: int, prefix: str = "", context: int = 0) -> dict[str, np.ndarray]:
        """Initial values, float64: keyed draws in numpy by (seed, full name), so equal on both backends.

        Args:
            event: event shape of the input.
            seed: a nonnegative integer.
            prefix: stands before each name as it is, such as "decoder.".
            context: numbers in the context that it sees; 0 for none.
        """
        return draw(self.parameters(event, context) if context else self.parameters(event), seed, prefix)

    def count(self, event: Event) -> int:
        """How many numbers its parameters are."""
        return sum(math.prod(p.shape) for p in self.parameters(event).values())

    # -- arithmetic ---------------------------------------------------------------------------------------------------
    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """The network at x, (..., *event), a time and a context, (..., numbers), whose left axes are there in x."""
        raise NotImplementedError

    def apply(
        self,
        nn: Layers,
        params: Values,
        x: Array,
        *,
        event: Event | None = None,
        time: Array | None = None,
        context: Array | None = None,
    ) -> Array:
        """The network on given parameters.

        Args:
            nn: a backend's layers.
            params: name -> array, names as in `parameters`.
            x: (..., *event), any axes on the left.
            event: event shape of x; left out, its last `rank` axes.
            time: (...), for a network that takes a time; it broadcasts with the left axes of x.
            context: (..., numbers), for one with the parameters of a context; its left axes broadcast likewise.

        Returns:
            (..., *output(event)).

        Raises:
            ModelError: if x has another shape, or a time or a context is given or lacking where it should not be.
        """
        event = tuple(x.shape[len(x.shape) - self.rank :]) if event is None else tuple(event)
        if len(event) > len(x.shape) or tuple(x.shape[len(x.shape) - len(event) :]) != event:
            self._refuse("the input has another shape", f"shape {tuple(x.shape)}", f"(..., {shape_words(event)[1:]}")
        self.check_time(time is not None)
        if time is not None:
            if not hasattr(time, "shape"):
                time = nn.ops.full((), float(time), like=next(iter(params.values())))
            x = broadcast_lead(nn.ops, x, len(event), time.shape)
        if context is None:
            return self.forward(nn, params, x, time, event)
        self.check_context()
        x = broadcast_lead(nn.ops, x, len(event), context.shape[:-1])
        return self.forward(nn, params, x, time, event, context)

    # -- checks -------------------------------------------------------------------------------------------------------
    def check_time(self, given: bool) -> None:
        """Raise a ModelError where a time is given to a network that takes none, or lacking."""
        if given and not self.timed:
            self._refuse(
                "a time is given to a network that takes none",
                repr(self),
                "no time",
                "leave time out, or build the network to take it: time=gd.Sinusoidal()",
            )
        if self.timed and not given:
            self._refuse(
                "a network that takes a time is given none",
                repr(self),
                "a value and a time",
                "f(x, time=t), or leave time= out of the network",
            )

    def check_context(self) -> None:
        """Raise a ModelError where it can see no context."""
        if not self.contextual:
            self._refuse(
                "this network sees no context",
                repr(self),
                "a network of x, a time and a context",
                "one that is built to take a time, such as gd.MLP(..., time=gd.Sinusoidal())",
            )

    def _event(self, event: Any, rank: int | None, needed: str) -> Event:
        """Check an input's event shape: fixed lengths, and `rank` of them where it matters."""
        if not all(isinstance(s, int) and s > 0 for s in event):
            self._refuse(
                "an input has a fixed shape of positive lengths",
                f"event {shape_words(event)}",
                needed,
                "an axis that runs over a plate stays a dim: the network is applied to each of its elements",
            )
        if rank is not None and len(event) != rank:
            self._refuse(
                f"the input has {len(event)} event axes",
                f"event {shape_words(event)}",
                needed,
                "declare them: event=..., .expand(...), or gd.reshape(x, ...)",
            )
        return tuple(event)


@dataclass(frozen=True, kw_only=True, repr=False)
class Timed(Network):
    """A network that takes a time where `time=` says how it sees it, and with it a context where there is one."""

    time: TimeFeatures | None = None

    @property
    def timed(self) -> bool:
        """Whether it is a function of a time too."""
        return self.time is not None

    @property
    def contextual(self) -> bool:
        """Where it sees time, it can see a context."""
        return self.timed

    def with_time(self, time: TimeFeatures) -> Self:
        """The same network as a function of a time too; itself where it is one already."""
        return self if self.timed else replace(self, time=time)

    def _time(self) -> None:
        if self.time is not None and not isinstance(self.time, TimeFeatures):
            given = f"the class {self.time.__name__}" if isinstance(self.time, type) else f"time={self.time!r}"
            self._refuse("time says how a network sees time", given, "features of time", "time=gd.Sinusoidal()")


def shape_words(event: Any) -> str:
    """An event shape in words."""
    inner = ", ".join(map(str, event))
    return f"({inner}{',' if len(event) == 1 else ''})"
