"""A density at its place in a program: what gives a backend's distribution for the dict of all parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gendsl.densities.base import Density, Event
from gendsl.errors import FitError, caller
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.placed import own_parameters

__all__ = ["Placed", "placing"]


class Placed:
    """A density of events of one shape, over a backend's layers.

    Args:
        nn: a backend's layers.
        spec: the density.
        event: event shape of a draw.
        name: its name, before whose dot its parameters stand.
        distribution: the backend's class of distributions: (placed, params, base, context, validate_args).
    """

    def __init__(self, nn: Layers, spec: Density, event: Event, name: str, distribution: Callable[..., Any]) -> None:
        self.nn, self.spec, self.event, self.name = nn, spec, tuple(event), name
        self._distribution = distribution
        self._names = {short: f"{name}.{short}" for short in spec.parameters(self.event)}

    def __repr__(self) -> str:
        return f"<density {self.name}: {self.spec!r}, event {self.event}>"

    def __call__(
        self, params: Values, base: Any = None, *, context: Array | None = None, validate_args: bool | None = None
    ) -> Any:
        """The backend's distribution.

        Args:
            params: all parameters of the program.
            base: the distribution of the noise, of the same event shape; None for standard noise.
            context: (..., numbers), for a density that is conditional on one.
            validate_args: as the engine has it.
        """
        own = own_parameters(params, self._names, f"the density of '{self.name}'", self.name)
        return self._distribution(self, own, base, context, validate_args)

    def log_prob(self, params: Values, x: Array, base: Callable[[Array], Array] | None, context: Array | None) -> Array:
        """The log-density on its own parameters; see `Density.log_prob`.

        Raises:
            FitError: if it has none.
        """
        if not {"log_prob", "energy"} & set(self.spec.offers):
            raise FitError(
                "an implicit distribution has draws and no density",
                node=self.name,
                given=f"the log-density of {self.spec!r}"[:160],
                needed="a distribution with a density, or an objective that asks for draws alone, such as gd.GAN",
                fix="gd.Flow has both",
                where=caller(),
            )
        return self.spec.log_prob(self.nn, params, x, context, self.event, base)

    def sample(
        self, params: Values, noise: Array, base: Callable[[Array], Array] | None, context: Array | None
    ) -> tuple[Array, Array | None]:
        """The draw that the noise makes, with its log-density or None; see `Density.sample_and_log_prob`.

        Raises:
            FitError: if it takes more than noise.
        """
        if "sample" not in self.spec.offers:
            raise FitError(
                "an energy has no draws of its own: they take a sampler",
                node=self.name,
                given=f"a draw of {self.spec!r}"[:160],
                needed="its value given, or a Markov chain on its density",
                fix="gd.MALA() draws latents with such a prior; gd.Flow has draws and a density",
                where=caller(),
            )
        return self.spec.sample_and_log_prob(self.nn, params, noise, context, self.event, base)


def placing(nn: Layers, distribution: Callable[..., Any]) -> Callable[..., Placed]:
    """`density(spec, event=, name=)` of a backend."""

    def density(spec: Density, *, event: Event, name: str) -> Placed:
        """A density at its place in a program.

        Args:
            spec: the density.
            event: event shape of a draw.
            name: its name: parameter "transforms.0.bias" is params[f"{name}.transforms.0.bias"].

        Returns:
            A function of (params, base, context=...) that gives the engine's distribution.
        """
        return Placed(nn, spec, event, name, distribution)

    return density
