"""Mixtures as latents and over components of any kind, and masks over values outside, which Pyro does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyro.distributions as dist
import torch
from pyro.distributions import TorchDistribution, constraints
from torch.distributions import biject_to

__all__ = ["Masked", "MixtureGeneral", "MixtureSameFamily", "Within"]


class MixtureSameFamily(dist.MixtureSameFamily):
    """Pyro's mixture of one family, whose support is its components', so that it has a bijection.

    The weights may have batch axes that the components lack.
    """

    def __init__(self, mixing: Any, component: Any, validate_args: bool | None = None) -> None:
        *batch, count = component.batch_shape
        shape = torch.broadcast_shapes(mixing.batch_shape, batch)
        if shape != torch.Size(batch):
            component = component.expand(torch.Size((*shape, count)))
        super().__init__(mixing, component, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """The components' support, which is one for all."""
        s = self.component_distribution.support
        bounds = {k: getattr(s, k) for k in ("lower_bound", "upper_bound") if hasattr(s, k)}
        if not any(isinstance(b, torch.Tensor) and b.dim() for b in bounds.values()):
            return s
        first = {k: b[..., 0] if isinstance(b, torch.Tensor) and b.dim() else b for k, b in bounds.items()}
        return type(s)(**first)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with a larger batch shape."""
        return super().expand(batch_shape, self._get_checked_instance(MixtureSameFamily, _instance))


class MixtureGeneral(TorchDistribution):
    """A mixture of distributions with one support, the component summed out."""

    arg_constraints: dict[str, Any] = {}

    def __init__(self, mixing: Any, components: Sequence[Any], validate_args: bool | None = None) -> None:
        self.mixing, self.components = mixing, list(components)
        shape = torch.broadcast_shapes(mixing.batch_shape, *(c.batch_shape for c in self.components))
        super().__init__(shape, self.components[0].event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """The components' support."""
        return self.components[0].support

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """log sum_k w[k] p_k(value)."""
        terms = torch.broadcast_tensors(*(c.log_prob(value) for c in self.components))
        return torch.logsumexp(torch.stack(terms, -1) + self.mixing.logits, -1)

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw of the component, then of the value."""
        shape = torch.Size(sample_shape) + self.batch_shape
        draws = torch.stack([c.expand(self.batch_shape).sample(sample_shape) for c in self.components], -1)
        which = self.mixing.expand(self.batch_shape).sample(sample_shape)
        which = which.reshape(shape + (1,) * (len(self.event_shape) + 1)).expand(*shape, *self.event_shape, 1)
        return draws.gather(-1, which)[..., 0]

    def expand(self, batch_shape: Any, _instance: Any = None) -> MixtureGeneral:
        """The same with a larger batch shape."""
        new = self._get_checked_instance(MixtureGeneral, _instance)
        new.mixing = self.mixing.expand(batch_shape)
        new.components = [c.expand(batch_shape) for c in self.components]
        super(MixtureGeneral, new).__init__(torch.Size(batch_shape), self.event_shape, validate_args=False)
        return new


def _inner(support: Any, value: Any) -> Any:
    """A value inside a support of numbers, for each element."""
    if support.is_discrete:
        return torch.zeros_like(value) + getattr(support, "lower_bound", 0)
    return biject_to(support)(torch.zeros_like(value))


class Within(TorchDistribution):
    """A distribution that is -inf outside its support also where nothing is validated: for components of mixtures."""

    arg_constraints: dict[str, Any] = {}

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

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-probability; -inf outside."""
        support = self.base.support
        inside = support.check(value)
        while hasattr(support, "base_constraint"):
            support = support.base_constraint
        if support.event_dim == 0:  # a gradient is 0 outside, not 0 times infinity
            value = torch.where(support.check(value), value, _inner(support, value))
        return torch.where(inside, self.base.log_prob(value), -torch.inf)

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw."""
        out: torch.Tensor = self.base.sample(sample_shape)
        return out

    def expand(self, batch_shape: Any, _instance: Any = None) -> Within:
        """The same with a larger batch shape."""
        return Within(self.base.expand(batch_shape))


class Masked(dist.MaskedDistribution):
    """Pyro's masked distribution, whose masked values may lie outside the support."""

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The base's log-probability; 0 where masked, else -inf outside."""
        terms = Within(self.base_dist).log_prob(value)
        return torch.where(torch.as_tensor(self._mask), terms, torch.zeros_like(terms))
