"""Learned densities as Pyro's distributions: one class for all of them, over gendsl/densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pyro.distributions import TorchDistribution
from torch.distributions import constraints

from gendsl.densities import Noise, Placed, placing
from gendsl.graph.constraints import Constraint, Integers, Interval
from gendsl_pyro.networks import LAYERS

__all__ = ["Learned", "density"]


class Learned(TorchDistribution):
    """A learned density on given parameters.

    Args:
        placed: the density, with its event shape.
        params: its own parameters.
        base: the distribution of the noise; None for independent standard noise.
        context: (..., numbers); its left axes, and those of the base, are the batch.
        validate_args: whether values are checked.
    """

    arg_constraints: dict[str, Any] = {}

    def __init__(
        self,
        placed: Placed,
        params: Mapping[str, torch.Tensor],
        base: Any = None,
        context: torch.Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.placed, self.params, self.base, self.context = placed, params, base, context
        self._last: tuple[torch.Tensor, torch.Tensor] | None = None
        shapes = [() if base is None else base.batch_shape, () if context is None else context.shape[:-1]]
        super().__init__(torch.broadcast_shapes(*shapes), torch.Size(placed.event), validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """Each element's support."""
        inner = _constraint(self.placed.spec.support)
        return constraints.independent(inner, len(self.event_shape)) if self.event_shape else inner

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether a draw is a smooth function of its noise."""
        return self.placed.spec.noise is Noise.NORMAL and (self.base is None or bool(self.base.has_rsample))

    @property
    def _like(self) -> torch.Tensor:
        return next(iter(self.params.values())) if self.params else torch.zeros(())

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-density; -inf outside the support. That of the last draw came with it."""
        if self._last is not None and value is self._last[0]:
            return self._last[1].expand(torch.broadcast_shapes(self._last[1].shape, self.batch_shape))
        x = value if value.is_floating_point() else value.to(self._like.dtype)
        base = None if self.base is None else self.base.log_prob
        out: torch.Tensor = self.placed.log_prob(self.params, x, base, self.context)
        return out.expand(torch.broadcast_shapes(out.shape, self.batch_shape))

    def rsample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw, of noise of the batch's shape."""
        shape = self._extended_shape(sample_shape)
        if self.base is not None:
            noise = self.base.expand(self.batch_shape)(sample_shape)
        else:
            make = torch.randn if self.placed.spec.noise is Noise.NORMAL else torch.rand
            noise = make(shape, dtype=self._like.dtype, device=self._like.device)
        return self.image(noise)

    def image(self, noise: torch.Tensor) -> torch.Tensor:
        """The draw that noise makes, a draw of the base or of standard noise, (..., *batch, *event)."""
        base = None if self.base is None else self.base.log_prob
        x, log_prob = self.placed.sample(self.params, noise, base, self.context)
        self._last = None
        if log_prob is not None and torch.is_grad_enabled():  # else its own gradient would be lacking
            self._last = (x, log_prob)
        return x.long() if self.placed.spec.support.discrete else x

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw through which no gradient flows."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Learned:
        """The same with a larger batch shape."""
        new = self._get_checked_instance(Learned, _instance)
        new.placed, new.params, new.base = self.placed, self.params, self.base
        new.context = None if self.context is None else self.context.expand((*batch_shape, self.context.shape[-1]))
        super(Learned, new).__init__(torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args, new._last = self._validate_args, self._last
        return new


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
