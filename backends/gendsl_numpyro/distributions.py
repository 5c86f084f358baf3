"""Distributions that NumPyro does not have, over the densities in gendsl/math."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, constraints

from gendsl.math import sequences
from gendsl_numpyro.ops import OPS

__all__ = ["HiddenMarkov", "Markov"]


class Markov(Distribution):
    """A Markov chain of `length` elements as one distribution; see gendsl/math/sequences.py."""

    pytree_data_fields = ("init", "inputs")
    pytree_aux_fields = ("step", "length", "ranks")

    def __init__(
        self,
        init: Any,
        step: Callable[..., Any],
        length: int,
        *,
        inputs: Sequence[Any] = (),
        ranks: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self.init, self.step, self.length = init, step, length
        self.inputs, self.ranks = tuple(inputs), tuple(ranks)
        super().__init__(init.batch_shape, (length, *init.event_shape), validate_args=False)

    @constraints.dependent_property
    def support(self) -> Any:
        """The elements' support."""
        inner = self.init.support
        return constraints.independent(inner, 1 + len(self.init.event_shape) - inner.event_dim)

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-probability of the sequence."""
        rank = len(self.init.event_shape)
        out = sequences.markov_log_prob(OPS, self.init, self.step, value, self.inputs, self.ranks, rank)
        return jnp.broadcast_to(out, jnp.broadcast_shapes(out.shape, self.batch_shape))

    def sample(self, key: Any, sample_shape: Any = ()) -> Any:
        """A draw, element by element."""
        shape = tuple(sample_shape) + self.batch_shape
        keys = jax.random.split(key, self.length)
        xs = [self.init.expand(shape).sample(keys[0])]
        for t in range(1, self.length):
            at = [jnp.take(v, t, axis=v.ndim - r - 1) for v, r in zip(self.inputs, self.ranks, strict=True)]
            d = self.step(xs[-1], *at)
            xs.append(d.expand(jnp.broadcast_shapes(d.batch_shape, shape)).sample(keys[t]))
        return jnp.stack(xs, -1 - len(self.init.event_shape))


class HiddenMarkov(Distribution):
    """Observations of a hidden Markov chain of `length` steps, the states summed out; see gendsl/math/sequences.py."""

    pytree_data_fields = ("initial", "transition", "emission")
    pytree_aux_fields = ("length",)

    def __init__(
        self, initial: Any, transition: Any, emission: Any, length: int, validate_args: bool | None = None
    ) -> None:
        self.initial, self.transition, self.emission = jnp.asarray(initial), jnp.asarray(transition), emission
        self.length = length
        shape = jnp.broadcast_shapes(
            self.initial.shape[:-1], self.transition.shape[:-2], emission.batch_shape[:-2]
        )
        super().__init__(shape, (length, *emission.event_shape), validate_args=False)

    @constraints.dependent_property
    def support(self) -> Any:
        """The emissions' support."""
        inner = self.emission.support
        return constraints.independent(inner, 1 + len(self.emission.event_shape) - inner.event_dim)

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-probability of the observations."""
        rank = len(self.emission.event_shape)
        each = self.emission.log_prob(jnp.expand_dims(value, -1 - rank))
        out = sequences.hidden_markov_log_prob(OPS, self.initial, self.transition, each)
        return jnp.broadcast_to(out, jnp.broadcast_shapes(out.shape, self.batch_shape))

    def sample(self, key: Any, sample_shape: Any = ()) -> Any:
        """A draw of the states, then of the observations."""
        shape = tuple(sample_shape) + self.batch_shape
        k = self.initial.shape[-1]
        keys = jax.random.split(key, self.length + 1)
        first = jnp.broadcast_to(jnp.log(self.initial), (*shape, k))
        rows = jnp.broadcast_to(jnp.log(self.transition), (*shape, k, k))
        states = [jax.random.categorical(keys[0], first)]
        for t in range(1, self.length):
            row = jnp.take_along_axis(rows, states[-1][..., None, None], -2)[..., 0, :]
            states.append(jax.random.categorical(keys[t], row))
        path = jnp.stack(states, -1)[..., None]
        event = self.emission.event_shape
        draws = self.emission.expand((*shape, self.length, k)).sample(keys[-1])
        which = path.reshape(*path.shape, *(1,) * len(event))
        return jnp.take_along_axis(draws, which, len(shape) + 1).squeeze(len(shape) + 1)
