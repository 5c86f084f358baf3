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

from gendsl.errors import CompileError, ModelError
from gendsl.networks.base import Event, Network
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters

__all__ = ["Native"]


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

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., *event) -> (..., *out)."""
        y = nn.native(self, params, x, event, time)
        out = self.output(event)
        if tuple(y.shape[len(y.shape) - len(out) :]) != out:
            self._refuse("the module's result has another shape", f"shape {tuple(y.shape)}", f"(..., {out}")
        return y


def _is_module(x: Any) -> bool:
    """Whether it is a module of torch, equinox or flax itself, and not what makes one."""
    made = [k for k in type(x).__mro__ if k.__name__ == "Module"]
    return any(k.__module__.partition(".")[0] in ("torch", "equinox", "flax") for k in made)
