"""Learned densities as NumPyro's distributions: one class for all of them, over gendsl/densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, constraints

from gendsl.densities import Noise, Placed, placing
from gendsl.graph.constraints import Constraint, Integers, Interval
from gendsl_numpyro.networks import LAYERS

__all__ = ["Learned", "density"]


class Learned(Distribution):
    """A learned density on given parameters.

    Args:
        placed: the density, with its event shape.
        params: its own parameters.
        base: the distribution of the noise; None for independent standard noise.
        context: (..., numbers); its left axes, and those of the base, are the batch.
        validate_args: whether values are checked.
    """

    pytree_data_fields = ("params", "base", "context")
    pytree_aux_fields = ("placed",)
    _last: tuple[Any, Any] | None = None

    def __init__(
        self,
        placed: Placed,
        params: Mapping[str, jax.Array],
        base: Any = None,
        context: jax.Array | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.placed, self.params, self.base, self.context = placed, dict(params), base, context
        shapes = [() if base is None else base.batch_shape, () if context is None else context.shape[:-1]]
        super().__init__(jnp.broadcast_shapes(*shapes), placed.event, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """Each element's support."""
        inner = _constraint(self.placed.spec.support)
        return constraints.independent(inner, len(self.event_shape)) if self.event_shape else inner

    @property
    def has_rsample(self) -> bool:
        """Whether a draw is a smooth function of its noise."""
        return self.placed.spec.noise is Noise.NORMAL and (self.base is None or bool(self.base.has_rsample))

    @property
    def _like(self) -> jax.Array:
        return next(iter(self.params.values())) if self.params else jnp.zeros(())

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-density; -inf outside the support. That of the last draw came with it."""
        if self._last is not None and value is self._last[0]:
            return jnp.broadcast_to(self._last[1], jnp.broadcast_shapes(self._last[1].shape, self.batch_shape))
        x = value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(self._like.dtype)
        base = None if self.base is None else self.base.log_prob
        out = self.placed.log_prob(self.params, x, base, self.context)
        return jnp.broadcast_to(out, jnp.broadcast_shapes(out.shape, self.batch_shape))

    def sample(self, key: Any, sample_shape: Any = ()) -> Any:
        """A draw, of noise of the batch's shape."""
        shape = (*sample_shape, *self.batch_shape, *self.event_shape)
        if self.base is not None:
            noise = self.base.expand(self.batch_shape).sample(key, tuple(sample_shape))
        else:
            make = jax.random.normal if self.placed.spec.noise is Noise.NORMAL else jax.random.uniform
            noise = make(key, shape, self._like.dtype)
        return self.image(noise)

    def image(self, noise: Any) -> Any:
        """The draw that noise makes, a draw of the base or of standard noise, (..., *batch, *event)."""
        base = None if self.base is None else self.base.log_prob
        x, log_prob = self.placed.sample(self.params, noise, base, self.context)
        self._last = None if log_prob is None else (x, log_prob)
        return x.astype(int) if self.placed.spec.support.discrete else x


def _constraint(c: Constraint) -> Any:
    if isinstance(c, Integers) and isinstance(c.lower, float) and isinstance(c.upper, float):
        return constraints.integer_interval(int(c.lower), int(c.upper))
    low, high = (c.lower, c.upper) if isinstance(c, Interval) else (None, None)
    if not isinstance(low, float):
        return constraints.less_than(high) if isinstance(high, float) else constraints.real
    if not isinstance(high, float):
        return constraints.positive if low == 0.0 else constraints.greater_than(low)
    return constraints.unit_interval if (low, high) == (0.0, 1.0) else constraints.interval(low, high)


density = placing(LAYERS, Learned)
"""`density(spec, event=, name=)`: what programs make their learned distributions with."""
