"""Distributions that NumPyro does not have, or not in far tails, over the densities in gendsl/math."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from numpyro.distributions import Distribution, constraints

from gendsl.math import counts, directions, kumaraswamy, sequences, truncated
from gendsl_numpyro.ops import OPS

__all__ = [
    "BetaBinomial",
    "GammaPoisson",
    "HiddenMarkov",
    "Kumaraswamy",
    "Markov",
    "NegativeBinomial",
    "ProjectedNormal",
    "TruncatedNormal",
]


class Kumaraswamy(dist.Kumaraswamy):
    """NumPyro's Kumaraswamy with 1 - x^a free of cancellation near 1."""

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-density."""
        return kumaraswamy.log_prob(OPS, value, self.concentration1, self.concentration0)


class BetaBinomial(dist.BetaBinomial):
    """NumPyro's beta-binomial in double accuracy."""

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-probability."""
        a, b = self.concentration1, self.concentration0
        return counts.beta_binomial_log_prob(OPS, value, self.total_count, a, b)


class GammaPoisson(dist.GammaPoisson):
    """NumPyro's Gamma-Poisson in double accuracy."""

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-probability."""
        return counts.gamma_poisson_log_prob(OPS, value, self.concentration, self.rate)


def NegativeBinomial(
    total_count: Any, probs: Any = None, logits: Any = None, *, validate_args: bool | None = None
) -> Distribution:
    """NumPyro's negative binomial in double accuracy."""
    if probs is None:
        return dist.NegativeBinomialLogits(total_count, logits, validate_args=validate_args)
    return GammaPoisson(total_count, 1.0 / probs - 1.0, validate_args=validate_args)


class ProjectedNormal(dist.ProjectedNormal):
    """NumPyro's projected normal with a density that holds far from the mean direction, in any dimension."""

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-density."""
        return directions.projected_normal_log_prob(OPS, value, self.concentration)


class TruncatedNormal(Distribution):
    """Normal(loc, scale) restricted to [low, high] and normalised, right however far in a tail the interval lies."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    reparametrized_params = ["loc", "scale", "low", "high"]
    pytree_data_fields = ("loc", "scale", "low", "high", "_ends")

    def __init__(
        self, loc: Any, scale: Any, *, low: Any = None, high: Any = None, validate_args: bool | None = None
    ) -> None:
        given = {"loc": loc, "scale": scale, "low": low, "high": high}
        known = {k: jnp.asarray(x, float) for k, x in given.items() if x is not None}
        shape = jnp.broadcast_shapes(*(x.shape for x in known.values()))
        self.low = self.high = None
        self._ends = known.get("low"), known.get("high")  # as given: a support has no batch axes of its parameters
        for name, x in known.items():
            setattr(self, name, jnp.broadcast_to(x, shape))
        super().__init__(shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """[low, high]."""
        low, high = self._ends
        if high is None:
            return constraints.real if low is None else constraints.greater_than_eq(low)
        return constraints.less_than_eq(high) if low is None else constraints.interval(low, high)

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-density; -inf outside."""
        out = truncated.log_prob(OPS, value, self.loc, self.scale, self.low, self.high)
        out = out if self.low is None else jnp.where(value >= self.low, out, -jnp.inf)
        return out if self.high is None else jnp.where(value <= self.high, out, -jnp.inf)

    def sample(self, key: Any, sample_shape: Any = ()) -> Any:
        """A draw, by the quantile function."""
        p = jax.random.uniform(key, (*sample_shape, *self.batch_shape), self.loc.dtype)
        return truncated.quantile(OPS, p, self.loc, self.scale, self.low, self.high)


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
        first = self.init.expand(shape).sample(keys[0])
        moved = [jnp.moveaxis(v, v.ndim - r - 1, 0)[1:] for v, r in zip(self.inputs, self.ranks, strict=True)]

        def draw(x: Any, at: Any) -> tuple[Any, Any]:
            d = self.step(x, *at[1:])
            new = d.expand(jnp.broadcast_shapes(d.batch_shape, shape)).sample(at[0]).astype(first.dtype)
            new = sequences.trimmed(new, first.ndim)
            return new, new

        _, rest = jax.lax.scan(draw, first, (keys[1:], *moved))
        return jnp.moveaxis(jnp.concatenate([first[None], rest]), 0, -1 - len(self.init.event_shape))

    def expand(self, batch_shape: Any) -> Markov:
        """The same with a larger batch shape; NumPyro's own expansion does not reach the steps."""
        init = self.init.expand(tuple(batch_shape))
        return Markov(init, self.step, self.length, inputs=self.inputs, ranks=self.ranks)


class HiddenMarkov(Distribution):
    """Observations of a hidden Markov chain of `length` steps, the states summed out; see gendsl/math/sequences.py."""

    pytree_data_fields = ("initial", "transition", "emission")
    pytree_aux_fields = ("length",)

    def __init__(
        self, initial: Any, transition: Any, emission: Any, length: int, validate_args: bool | None = None
    ) -> None:
        self.initial, self.transition, self.emission = jnp.asarray(initial), jnp.asarray(transition), emission
        self.length = length
        shape = jnp.broadcast_shapes(self.initial.shape[:-1], self.transition.shape[:-2], emission.batch_shape[:-2])
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
        start = jax.random.categorical(keys[0], first)

        def move(state: Any, key: Any) -> tuple[Any, Any]:
            row = jnp.take_along_axis(rows, state[..., None, None], -2)[..., 0, :]
            new = jax.random.categorical(key, row)
            return new, new

        _, rest = jax.lax.scan(move, start, keys[1:-1])
        path = jnp.moveaxis(jnp.concatenate([start[None], rest]), 0, -1)[..., None]
        event = self.emission.event_shape
        draws = self.emission.expand((*shape, self.length, k)).sample(keys[-1])
        which = path.reshape(*path.shape, *(1,) * len(event))
        return jnp.take_along_axis(draws, which, len(shape) + 1).squeeze(len(shape) + 1)
