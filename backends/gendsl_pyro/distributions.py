"""Distributions that Pyro does not have, or has in single accuracy only, over the densities in gendsl/math."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pyro.distributions as dist
import torch
from pyro.distributions import TorchDistribution, constraints
from torch.distributions.utils import lazy_property

from gendsl.math import directions, kumaraswamy, sequences, truncated
from gendsl_pyro.ops import OPS

__all__ = [
    "DirichletMultinomial",
    "HiddenMarkov",
    "Kumaraswamy",
    "LKJ",
    "LKJCholesky",
    "Markov",
    "Multinomial",
    "ProjectedNormal",
    "RelaxedBernoulli",
    "SineBivariateVonMises",
    "TruncatedNormal",
    "VonMises",
]


class Kumaraswamy(dist.Kumaraswamy):
    """Pyro's Kumaraswamy with the density of the formula; Pyro's own is -inf near the ends."""

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-density."""
        if self._validate_args:
            self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        out: torch.Tensor = kumaraswamy.log_prob(OPS, value, a, b)
        return out


class LKJCholesky(dist.LKJCholesky):
    """Torch's LKJCholesky with draws that follow its density (torch 2.13: from the third row on they do not)."""

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """Row i is sqrt(y) times a direction, y ~ Beta(i / 2, eta + (n - 1 - i) / 2): the onion method."""
        n, like = self.dim, self.concentration
        i = torch.arange(1, n, dtype=like.dtype, device=like.device)
        y = dist.Beta(i / 2, like[..., None] + (n - 1 - i) / 2).sample(sample_shape)
        z = torch.randn(*sample_shape, *self.batch_shape, n - 1, n, dtype=like.dtype, device=like.device).tril()
        rows = z / torch.linalg.vector_norm(z, dim=-1, keepdim=True) * y.sqrt()[..., None]
        below = torch.cat([torch.zeros_like(rows[..., :1, :]), rows], -2)
        diagonal = (1 - (below**2).sum(-1)).clamp(min=torch.finfo(like.dtype).tiny).sqrt()
        return below + torch.diag_embed(diagonal)


class LKJ(dist.LKJ):
    """Pyro's LKJ, which can also be expanded."""

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        super().__init__(dim, concentration, validate_args=validate_args)
        self.base_dist = LKJCholesky(dim, concentration, validate_args=False)  # its value is computed, not given

    def expand(self, batch_shape: Any, _instance: Any = None) -> LKJ:
        """The same with a larger batch shape."""
        out = LKJ(self.dim, self.concentration.expand(batch_shape), validate_args=False)
        out._validate_args = self._validate_args
        return out


class Multinomial(TorchDistribution):
    """A multinomial whose number of trials may vary over the batch, which Pyro's may not."""

    arg_constraints: dict[str, Any] = {}

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        kinds = dist.Categorical(probs=probs, logits=logits, validate_args=validate_args)
        trials = torch.as_tensor(total_count, device=kinds.logits.device)
        shape = torch.broadcast_shapes(trials.shape, kinds.batch_shape)
        self.total_count, self.kinds = trials.expand(shape), kinds.expand(shape)
        super().__init__(shape, kinds.logits.shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that sum to the number of trials."""
        return constraints.multinomial(self.total_count)

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-probability; 0 log 0 = 0."""
        if self._validate_args:
            self._validate_sample(value)
        logits = torch.where(value == 0, 0.0, self.kinds.logits)
        ways = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        return ways + (value * logits).sum(-1)

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """As many draws of a class as the largest number of trials, of which each takes its share."""
        trials = self.total_count[..., None]
        most = int(trials.max())
        which = self.kinds.sample((most, *sample_shape)).movedim(0, -1)
        counted = torch.arange(most, device=which.device) < trials
        out = self.kinds.logits.new_zeros(*sample_shape, *self.batch_shape, *self.event_shape)
        return out.scatter_add(-1, which, counted.to(out.dtype).expand(which.shape))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Multinomial:
        """The same with a larger batch shape."""
        new = self._get_checked_instance(Multinomial, _instance)
        new.total_count, new.kinds = self.total_count.expand(batch_shape), self.kinds.expand(batch_shape)
        super(Multinomial, new).__init__(torch.Size(batch_shape), self.event_shape, validate_args=False)
        return new


class DirichletMultinomial(dist.DirichletMultinomial):
    """Pyro's, whose draws may also have a number of trials that varies over the batch."""

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """Draws of the probabilities, then of the counts."""
        probs = dist.Dirichlet(self.concentration).expand(self.batch_shape).sample(sample_shape)
        return Multinomial(self.total_count.long(), probs=probs).sample()


class ProjectedNormal(dist.ProjectedNormal):
    """Pyro's projected normal with a density that holds far from the mean direction, in any dimension."""

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-density."""
        if self._validate_args:
            self._validate_sample(value)
        out: torch.Tensor = directions.projected_normal_log_prob(OPS, value, self.concentration)
        return out


class SineBivariateVonMises(dist.SineBivariateVonMises):
    """Pyro's sine model with its normaliser in double accuracy."""

    @lazy_property
    def norm_const(self) -> torch.Tensor:
        """The logarithm of the integral over the torus."""
        a, b, rho = self.phi_concentration, self.psi_concentration, self.correlation
        out: torch.Tensor = directions.torus_log_normaliser(OPS, a, b, rho)
        return out


class VonMises(dist.VonMises):
    """Pyro's von Mises with the normaliser 2 pi I0(k) in full accuracy; Pyro's own is right to 1e-7 only."""

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-density; angles count modulo 2 pi."""
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        return k * (torch.cos(value - self.loc) - 1) - torch.log(2 * math.pi * torch.special.i0e(k))


def RelaxedBernoulli(
    temperature: torch.Tensor, probs: Any = None, logits: Any = None, *, validate_args: bool | None = None
) -> Any:
    """Pyro's relaxed Bernoulli, whose batch axes are those of the temperature too."""
    if probs is None:
        temperature, logits = torch.broadcast_tensors(temperature, logits)
        return dist.RelaxedBernoulli(temperature, logits=logits, validate_args=validate_args)
    temperature, probs = torch.broadcast_tensors(temperature, probs)
    return dist.RelaxedBernoulli(temperature, probs=probs, validate_args=validate_args)


class TruncatedNormal(TorchDistribution):
    """Normal(loc, scale) restricted to [low, high] and normalised."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    has_rsample = True

    def __init__(
        self, loc: Any, scale: Any, *, low: Any = None, high: Any = None, validate_args: bool | None = None
    ) -> None:
        given = {"loc": loc, "scale": scale, "low": low, "high": high}
        first = next((x for x in given.values() if isinstance(x, torch.Tensor)), torch.tensor(0.0))
        known = {
            k: torch.as_tensor(x, dtype=first.dtype, device=first.device) for k, x in given.items() if x is not None
        }
        self.low = self.high = None
        self._ends = known.get("low"), known.get("high")  # as given: a support has no batch axes of its parameters
        for name, x in zip(known, torch.broadcast_tensors(*known.values()), strict=True):
            setattr(self, name, x)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """[low, high]."""
        low, high = self._ends
        if high is None:
            return constraints.real if low is None else constraints.greater_than_eq(low)
        return constraints.less_than(high) if low is None else constraints.interval(low, high)

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-density; -inf outside."""
        out: torch.Tensor = truncated.log_prob(OPS, value, self.loc, self.scale, self.low, self.high)
        out = out if self.low is None else torch.where(value >= self.low, out, -torch.inf)
        return out if self.high is None else torch.where(value <= self.high, out, -torch.inf)

    def rsample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw, by the quantile function."""
        p = torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        out: torch.Tensor = truncated.quantile(OPS, p, self.loc, self.scale, self.low, self.high)
        return out

    def expand(self, batch_shape: Any, _instance: Any = None) -> TruncatedNormal:
        """The same with a larger batch shape."""
        new = self._get_checked_instance(TruncatedNormal, _instance)
        new._ends = self._ends
        for name in ("loc", "scale", "low", "high"):
            have = getattr(self, name)
            setattr(new, name, None if have is None else have.expand(batch_shape))
        super(TruncatedNormal, new).__init__(torch.Size(batch_shape), validate_args=False)
        return new


class Markov(TorchDistribution):
    """A Markov chain of `length` elements as one distribution; see gendsl/math/sequences.py."""

    arg_constraints: dict[str, Any] = {}

    def __init__(
        self,
        init: Any,
        step: Callable[..., Any],
        length: int,
        *,
        inputs: Sequence[torch.Tensor] = (),
        ranks: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self.init, self.step, self.length = init, step, length
        self.inputs, self.ranks = tuple(inputs), tuple(ranks)
        shape = torch.Size((length, *init.event_shape))
        super().__init__(init.batch_shape, shape, validate_args=False)

    @constraints.dependent_property
    def support(self) -> Any:
        """The elements' support."""
        inner = self.init.support
        return constraints.independent(inner, 1 + len(self.init.event_shape) - inner.event_dim)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether every element is reparametrised."""
        return bool(self.init.has_rsample)

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-probability of the sequence."""
        rank = len(self.init.event_shape)
        out: torch.Tensor = sequences.markov_log_prob(OPS, self.init, self.step, value, self.inputs, self.ranks, rank)
        return out.expand(torch.broadcast_shapes(out.shape, self.batch_shape))

    def rsample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw, element by element."""
        shape = torch.Size(sample_shape) + self.batch_shape
        draw = "rsample" if self.has_rsample else "sample"
        xs = [getattr(self.init.expand(shape), draw)()]
        for t in range(1, self.length):
            at = [v.select(-r - 1, t) for v, r in zip(self.inputs, self.ranks, strict=True)]
            d = self.step(xs[-1], *at)
            new = getattr(d.expand(torch.broadcast_shapes(d.batch_shape, shape)), draw)()
            xs.append(sequences.trimmed(new, xs[0].ndim))
        return torch.stack(xs, -1 - len(self.init.event_shape))

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Markov:
        """The same with a larger batch shape."""
        new = self._get_checked_instance(Markov, _instance)
        Markov.__init__(
            new, self.init.expand(batch_shape), self.step, self.length, inputs=self.inputs, ranks=self.ranks
        )
        return new


class HiddenMarkov(TorchDistribution):
    """Observations of a hidden Markov chain of `length` steps, the states summed out; see gendsl/math/sequences.py."""

    arg_constraints: dict[str, Any] = {}

    def __init__(
        self, initial: Any, transition: Any, emission: Any, length: int, validate_args: bool | None = None
    ) -> None:
        self.initial, self.transition, self.emission, self.length = initial, transition, emission, length
        shape = torch.broadcast_shapes(initial.shape[:-1], transition.shape[:-2], emission.batch_shape[:-2])
        super().__init__(shape, torch.Size((length, *emission.event_shape)), validate_args=False)

    @constraints.dependent_property
    def support(self) -> Any:
        """The emissions' support."""
        inner = self.emission.support
        return constraints.independent(inner, 1 + len(self.emission.event_shape) - inner.event_dim)

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """The log-probability of the observations."""
        rank = len(self.emission.event_shape)
        each = self.emission.log_prob(value.unsqueeze(-1 - rank))
        out: torch.Tensor = sequences.hidden_markov_log_prob(OPS, self.initial, self.transition, each)
        return out.expand(torch.broadcast_shapes(out.shape, self.batch_shape))

    def sample(self, sample_shape: Any = torch.Size()) -> torch.Tensor:
        """A draw of the states, then of the observations."""
        shape = torch.Size(sample_shape) + self.batch_shape
        k = self.initial.shape[-1]
        weights = (self.initial / self.initial.sum(-1, keepdim=True)).expand(*shape, k)
        rows = self.transition.expand(*shape, k, k)
        states = [torch.distributions.Categorical(weights).sample()]
        for _ in range(1, self.length):
            row = rows.gather(-2, states[-1][..., None, None].expand(*shape, 1, k))[..., 0, :]
            states.append(torch.distributions.Categorical(row).sample())
        path = torch.stack(states, -1)[..., None]
        event = self.emission.event_shape
        draws = self.emission.expand((*shape, self.length, k)).sample()
        which = path.reshape(*path.shape, *(1,) * len(event)).expand(*path.shape, *event)
        return draws.gather(len(shape) + 1, which).squeeze(len(shape) + 1)

    def expand(self, batch_shape: Any, _instance: Any = None) -> HiddenMarkov:
        """The same with a larger batch shape."""
        new = self._get_checked_instance(HiddenMarkov, _instance)
        initial = self.initial.expand(*batch_shape, self.initial.shape[-1])
        HiddenMarkov.__init__(new, initial, self.transition, self.emission, self.length)
        return new
