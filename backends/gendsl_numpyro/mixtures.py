"""Mixtures and masks whose parts differ in their batch axes, which NumPyro does not have."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpyro.distributions as dist
from numpyro.distributions import Distribution, biject_to, constraints

__all__ = ["Masked", "MixtureGeneral", "MixtureSameFamily", "Within"]


class MixtureGeneral(dist.MixtureGeneral):
    """NumPyro's mixture of any distributions, whose components may differ in their batch axes."""

    def component_log_probs(self, value: Any) -> Any:
        """log w[k] + log p_k(value), the components in the last axis."""
        terms = jnp.broadcast_arrays(*(d.log_prob(value) for d in self.component_distributions))
        return self.mixing_distribution.logits + jnp.stack(terms, -1)


class MixtureSameFamily(dist.MixtureSameFamily):
    """NumPyro's mixture of one family, also where the support, one for all components, depends on constants."""

    def __init__(self, mixing: Any, component: Distribution, *, validate_args: bool | None = None) -> None:
        self._mixing_distribution, self._component_distribution = mixing, component
        *batch, self._mixture_size = component.batch_shape
        shape = jnp.broadcast_shapes(mixing.batch_shape, tuple(batch))
        Distribution.__init__(self, shape, component.event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """The components' support, which is one for all."""
        s = self.component_distribution.support
        bounds = {k: getattr(s, k) for k in ("lower_bound", "upper_bound") if hasattr(s, k)}
        if not any(jnp.ndim(b) for b in bounds.values()):
            return s
        return type(s)(**{k: b[..., 0] if jnp.ndim(b) else b for k, b in bounds.items()})


def _inner(support: Any, value: Any) -> Any:
    """A value inside a support of numbers, for each element."""
    if support.is_discrete:
        return jnp.zeros_like(value) + getattr(support, "lower_bound", 0)
    return biject_to(support)(jnp.zeros_like(value))


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
        while hasattr(support, "base_constraint"):
            support = support.base_constraint
        if support.event_dim == 0:  # a gradient is 0 outside, not 0 times infinity
            value = jnp.where(support(value), value, _inner(support, value))
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
