"""Networks in a model: the handle that `m.network` returns, which is called on expressions."""

from __future__ import annotations

import inspect
from typing import Any

from gendsl.errors import Location, ModelError, caller, check_call
from gendsl.graph.networks import Used, calls, check_alike
from gendsl.lang.builder import Builder
from gendsl.lang.expr import Expr, Value, apply, innermost
from gendsl.networks import Network

__all__ = ["NetworkHandle", "check_network"]


class NetworkHandle:
    """A network of a model: a function of expressions.

    Attributes:
        builder: the model's graph.
        name: its name.
    """

    __slots__ = ("builder", "name")

    def __init__(self, builder: Builder, name: str) -> None:
        self.builder, self.name = builder, name

    @property
    def spec(self) -> Network:
        """What it is."""
        return self.builder.networks[self.name]

    def __repr__(self) -> str:
        return f"<network {self.name}: {self.spec!r}>"

    def __call__(self, *args: Value, **kwargs: Value) -> Expr:
        """The network at a value, `f(x)` or `f(x, time=t)`.

        Args:
            *args: x, an expression; the network is applied to the event of each element of its plates.
            **kwargs: time, a number for each element of its plates, for a network that takes one.

        Returns:
            An expression over the plates of both, whose event shape the network says.

        Raises:
            ModelError: if the event does not fit the network, or another call's, or a time is lacking or too much.
        """
        check_call(self.name, _SIGNATURE, args, kwargs, {"t": "time"})
        return self._apply(*args, **kwargs)

    def _apply(self, x: Value, *, time: Value | None = None) -> Expr:
        values = [x] if time is None else [x, time]
        builder = innermost(values) or self.builder
        if builder.root is not self.builder:
            raise ModelError(
                f"network '{self.name}' of model '{self.builder.name}' is applied to a value of "
                + (f"model '{builder.root.name}'" if builder.root.name != self.builder.name else "a copy of it"),
                node=self.name,
                given=", ".join(repr(v) for v in values if isinstance(v, Expr))[:120],
                needed="values of the model that declares it",
                fix=f'model.networks["{self.name}"] of the value\'s model'
                if self.name in builder.root.networks
                else "declare the network in that model",
                where=caller(),
            )
        if isinstance(x, Expr):
            self._check_event(builder, x.event)
        return apply("network", *values, builder=builder, where=caller(), network=self.name, spec=self.spec)

    def _check_event(self, builder: Builder, event: tuple[Any, ...]) -> None:
        """Raise a ModelError unless the network was called on this event shape before, if at all."""
        at: Builder | None = builder
        while at is not None:
            first = next((c for c in calls(at.nodes) if c.name == self.name), None)
            if first is not None:
                check_alike(first, Used(self.name, self.spec, event, caller()))
            at = at.parent


_SIGNATURE = inspect.signature(NetworkHandle._apply).replace(
    parameters=list(inspect.signature(NetworkHandle._apply).parameters.values())[1:]
)


def check_network(name: str, spec: Any, where: Location | None) -> Network:
    """A network as the user gave it."""
    if isinstance(spec, Network):
        return spec
    fix = "for example gd.MLP(64, hidden=(128, 128))"
    if isinstance(spec, type) and issubclass(spec, Network):
        given, fix = f"the class {spec.__name__}", f"an instance: gd.{spec.__name__}(...)"
    elif isinstance(spec, NetworkHandle):
        given, fix = repr(spec), "call the network that is there: calls share its parameters"
    else:
        given = f"{type(spec).__name__}: {spec!r}"
        kind = type(spec).__module__.partition(".")[0]
        if callable(spec):
            fix = (
                f"gd.Native({'jax=lambda event, key' if kind == 'equinox' else 'torch=lambda event'}: module, out=...)"
            )
    raise ModelError(
        "a network is a spec of gendsl", node=name, given=given[:120], needed="gd.MLP(...), ...", fix=fix, where=where
    )
