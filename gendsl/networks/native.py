"""The user's own modules, one factory for each backend.

A torch module maps a batch, (N, *event), to (N, *out), as torch's own do. A module of equinox maps one event, (*event),
to (*out), and is mapped over the rest. With a time, both are called as module(x, t), t being (N,) or a number.

Parameters are named as the module names them: torch's `named_parameters`, and on jax the path to a float array in the
tree, joined by dots: `layers.0.weight` of an `eqx.nn.MLP`. They are passed in from outside, so a module must be a
function of its input and its parameters alone: batch normalisation, whose state changes, and dropout, whose noise no
one can repeat, are refused. Only where the two factories name and lay out their parameters alike can what one backend
has learned be loaded on the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gendsl.errors import CompileError, ModelError, caller, said
from gendsl.networks.base import Event, Network, shape_words
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters

__all__ = ["Native"]

_KIND = {"torch": "a torch.nn.Module", "jax": "a module of equinox"}


@dataclass(frozen=True, repr=False, kw_only=True)
class Native(Network):
    """A network that the user builds with torch or equinox. It cannot be written to JSON.

    Its parameters are named as the module names them, behind the network's name: "decoder.0.weight" of a
    torch.nn.Sequential, "decoder.layers.0.weight" of an eqx.nn.MLP.

    Args:
        torch: event -> a torch.nn.Module that maps (N, *event) to (N, *out).
        jax: (event, key) -> a module of equinox, or any pytree that can be called, that maps (*event) to (*out).
        out: numbers in the result, or its event shape.
        takes_time: whether the module is called with a time as second argument.

    Raises:
        ModelError: if no factory is given, or one that cannot be called.
    """

    torch: Callable[..., Any] | None = None
    jax: Callable[..., Any] | None = None
    out: int | tuple[int, ...]
    takes_time: bool = False

    def __post_init__(self) -> None:
        self._shape("out")
        self._flag("takes_time")
        if self.torch is None and self.jax is None:
            fix = "gd.Native(torch=lambda event: torch.nn.Linear(event[0], 3), out=3)"
            self._refuse("a factory is needed for a backend", "neither torch= nor jax=", "at least one of them", fix)
        for name in ("torch", "jax"):
            factory = getattr(self, name)
            if factory is not None and (isinstance(factory, Network) or not callable(factory) or _is_module(factory)):
                fix = f"{name}=lambda event{', key' if name == 'jax' else ''}: module"
                self._refuse(f"{name} is a function that makes a module", f"{name}={factory!r}", "a function", fix)

    @property
    def timed(self) -> bool:
        """Whether it is a function of a time too."""
        return self.takes_time

    def output(self, event: Event) -> Event:
        """`out` as an event shape."""
        self._event(event, None, "an event of any fixed shape")
        return (self.out,) if isinstance(self.out, int) else self.out

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """Not known here: the module is asked, on its backend."""
        raise self._unknown()

    def init(self, event: Event, seed: int, prefix: str = "", context: int = 0) -> dict[str, np.ndarray]:
        """Not known here: the module is asked, on its backend."""
        raise self._unknown()

    def _unknown(self) -> ModelError:
        return ModelError(
            "the parameters of a user's own module are known to its backend alone",
            given=repr(self)[:100],
            needed="a program: model.compile(backend)",
            fix="program.network_parameters(seed)",
        )

    def factory(self, backend: str) -> Callable[..., Any]:
        """The factory for a backend: "torch" or "jax".

        Raises:
            CompileError: if there is none.
        """
        out: Callable[..., Any] | None = getattr(self, backend)
        if out is None:
            other, engine = ("torch", "pyro") if backend == "jax" else ("jax", "numpyro")
            raise CompileError(
                f"Native: there is no module for {backend}",
                given=f"{other}= alone",
                needed=f"{backend}=",
                fix=f'give {backend}= too, or use backend="{engine}"',
            )
        return out

    def not_made(self, backend: str, event: Event, error: Exception) -> ModelError:
        """What a factory's own error means."""
        name = getattr(getattr(self, backend), "__name__", "...")
        return ModelError(
            f"Native: {backend}= makes no module for event {shape_words(event)}",
            given=f"{backend}={name}: {said(error)}",
            needed=self._needed(backend, event),
            fix=self._example(backend, event),
            where=caller(),
        )

    def no_module(self, backend: str, event: Event, made: Any) -> ModelError:
        """A factory made something else."""
        return ModelError(
            f"Native: {backend}= does not make {_KIND[backend]}",
            given=f"{type(made).__name__}: {made!r}"[:100],
            needed=self._needed(backend, event),
            fix=self._example(backend, event),
            where=caller(),
        )

    def stateful(self, backend: str, part: str) -> ModelError:
        """A part of a module is no function of its input and its parameters."""
        return ModelError(
            "Native: a module must be a function of its input and its parameters",
            given=part,
            needed="no batch normalisation, whose state changes, and no dropout, whose noise is hidden",
            fix=f"{'torch' if backend == 'torch' else 'eqx'}.nn.LayerNorm or GroupNorm; or leave it out",
            where=caller(),
        )

    def not_called(self, backend: str, event: Event, given: Event, error: Exception) -> ModelError:
        """What a module's own error means.

        Args:
            backend: "torch" or "jax".
            event: event shape of its input.
            given: shape of what it was called with.
            error: what it raised.
        """
        return ModelError(
            f"Native: the module of {backend}= cannot be called on event {shape_words(event)}",
            given=f"shape {shape_words(given)}{', and times' * self.timed}: {said(error)}",
            needed=self._needed(backend, event),
            fix=f"build it for the event that it is called on: {self._example(backend, event)}",
            where=caller(),
        )

    def result(self, backend: str, event: Event, given: Event, y: Any) -> Array:
        """A module's result, checked.

        Args:
            backend: "torch" or "jax".
            event: event shape of its input.
            given: shape of what it was called with, (N, *event).
            y: what it returned.

        Raises:
            ModelError: if that is no array (N, *out).
        """
        needed, shape = (given[0], *self.output(event)), getattr(y, "shape", None)
        if shape is None or tuple(shape) != needed:
            others = () if shape is None else tuple(shape[1:])
            one_each = shape is not None and tuple(shape[:1]) == needed[:1]
            fix = f"out={others[0] if len(others) == 1 else others!r}, or " if one_each else ""
            came = type(y).__name__ if shape is None else f"shape {shape_words(shape)}"
            raise ModelError(
                "Native: the module's result has another shape",
                given=f"{came} for an input of {shape_words(given)}",
                needed=f"shape {shape_words(needed)}, by out={self.out!r}",
                fix=fix + self._example(backend, event),
                where=caller(),
            )
        return y

    def _needed(self, backend: str, event: Event) -> str:
        """What a factory must make, in words."""
        taken, lead = ("event", ("N",)) if backend == "torch" else ("(event, key)", ())
        time = " and times (N,)" * bool(lead) or " and a time"
        sides = shape_words((*lead, *event)) + time * self.timed, shape_words((*lead, *self.output(event)))
        return f"{taken} -> {_KIND[backend]} that maps {sides[0]} to {sides[1]}"

    def _example(self, backend: str, event: Event) -> str:
        """A factory that would do."""
        out = self.output(event)
        linear = len(event) == len(out) == 1 and not self.timed
        if backend == "torch":
            return f"torch=lambda event: {f'torch.nn.Linear(event[0], {out[0]})' if linear else 'module'}"
        return f"jax=lambda event, key: {f'eqx.nn.Linear(event[0], {out[0]}, key=key)' if linear else 'module'}"

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., *event) -> (..., *out)."""
        return nn.native(self, params, x, event, time)


def _is_module(x: Any) -> bool:
    """Whether it is a module of torch, equinox or flax itself, and not what makes one."""
    made = [k for k in type(x).__mro__ if k.__name__ == "Module"]
    return any(k.__module__.partition(".")[0] in ("torch", "equinox", "flax") for k in made)
