"""Mixtures and counts whose parts have different batch axes, which NumPyro does not have."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpyro.distributions as dist
from numpyro.distributions import Distribution, constraints

__all__ = ["DirichletMultinomial", "MixtureGeneral", "Multinomial", "Within"]


class MixtureGeneral(dist.MixtureGeneral):
    """NumPyro's mixture of any distributions, whose components may differ in their batch axes."""

    def component_log_probs(self, value: Any) -> Any:
        """log w[k] + log p_k(value), the components in the last axis."""
        terms = jnp.broadcast_arrays(*(d.log_prob(value) for d in self.component_distributions))
        return self.mixing_distribution.logits + jnp.stack(terms, -1)


class Within(Distribution):
    """A distribution that is -inf outside its support also where nothing is validated: for components of mixtures."""

    pytree_data_fields = ("base",)

    def __init__(self, base: Any) -> None:
        self.base = base
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @constraints.dependent_property
    def support(self) -> Any:
        """All reals: a mixture of these is finite where one of them is."""
        return constraints.independent(constraints.real, len(self.event_shape))

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-probability; -inf outside."""
        return jnp.where(self.base.support(value), self.base.log_prob(value), -jnp.inf)

    def sample(self, key: Any, sample_shape: Any = ()) -> Any:
        """A draw."""
        return self.base.sample(key, sample_shape)


class _Counts(type(constraints.multinomial(1))):  # type: ignore[misc]
    """Counts that sum to a total, which may have more batch axes than a value."""

    def feasible_like(self, prototype: Any) -> Any:
        """Such counts, over the batch axes of both."""
        total = jnp.expand_dims(self.upper_bound, -1)
        first = jnp.arange(prototype.shape[-1]) == 0
        return jnp.broadcast_to(total * first, jnp.broadcast_shapes(total.shape[:-1] + (1,), prototype.shape))


class _Probs(dist.MultinomialProbs):
    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that sum to the total."""
        return _Counts(self.total_count)


class _Logits(dist.MultinomialLogits):
    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that sum to the total."""
        return _Counts(self.total_count)


def Multinomial(
    total_count: Any, probs: Any = None, logits: Any = None, *, validate_args: bool | None = None
) -> Distribution:
    """NumPyro's multinomial, which can be masked under any batch axes."""
    if probs is None:
        return _Logits(logits, total_count, validate_args=validate_args)
    return _Probs(probs, total_count, validate_args=validate_args)


class DirichletMultinomial(dist.DirichletMultinomial):
    """NumPyro's Dirichlet-multinomial, which can be masked under any batch axes."""

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that sum to the total."""
        return _Counts(self.total_count)
