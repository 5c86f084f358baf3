"""Mixtures and masks whose parts differ in their batch axes, which NumPyro does not have."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpyro.distributions as dist
from numpyro.distributions import Distribution, biject_to, constraints

__all__ = ["Masked", "MixtureGeneral", "Within"]


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
        part: Any = base
        while part is not None:  # parameters have been checked; values outside are -inf
            part._validate_args = False
            part = getattr(part, "base_dist", None)
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @constraints.dependent_property
    def support(self) -> Any:
        """All reals: a mixture of these is finite where one of them is."""
        return constraints.independent(constraints.real, len(self.event_shape))

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The log-probability; -inf outside."""
        support = self.base.support
        inside = support(value)
        if not support.is_discrete and not support.event_dim:  # a gradient is 0 outside, not 0 times infinity
            value = jnp.where(inside, value, biject_to(support)(jnp.zeros_like(value)))
        return jnp.where(inside, self.base.log_prob(value), -jnp.inf)

    def sample(self, key: Any, sample_shape: Any = ()) -> Any:
        """A draw."""
        return self.base.sample(key, sample_shape)


class Masked(dist.MaskedDistribution):
    """NumPyro's masked distribution, without its stand-in for masked values.

    The stand-in is made for a value's shape, which is not possible where the support has more batch axes than the
    value. Masked values may lie outside the support.
    """

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The base's log-probability; 0 where masked, else -inf outside."""
        return jnp.where(self._mask, Within(self.base_dist).log_prob(value), 0.0)
