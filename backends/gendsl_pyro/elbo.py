"""Bounds on the evidence, by Pyro's own losses; draws are functions of noise that is given."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pyro
import torch
from pyro import distributions as dist
from pyro import poutine
from pyro.distributions.torch_distribution import ExpandedDistribution, MaskedDistribution
from pyro.infer import RenyiELBO, Trace_ELBO, TraceGraph_ELBO, TraceMeanField_ELBO
from pyro.infer.enum import get_importance_trace
from pyro.infer.util import get_dependent_plate_dims, torch_sum
from pyro.ops.provenance import detach_provenance, get_provenance, track_provenance
from pyro.poutine.messenger import Messenger

from gendsl.objectives.pair import Bound, Pair
from gendsl_pyro.families import Learned
from gendsl_pyro.seeded import seeded
from gendsl_pyro.unconstrained import Unconstrained

__all__ = ["PyroEvidence"]

_WRAPPERS = (dist.Independent, ExpandedDistribution, MaskedDistribution)


class PyroEvidence:
    """See `gendsl.objectives.pair.Evidence`."""

    ppl: Any = pyro
    dist: Any = dist

    def loss(self, pair: Pair) -> torch.Tensor:
        """The negative bound, by Trace_ELBO, TraceGraph_ELBO, TraceMeanField_ELBO or RenyiELBO."""
        return self.loss_and_costs(pair)[0]

    def loss_and_costs(self, pair: Pair) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The same, and what the scores of sites with baselines weigh."""
        wide = pair.particles > 1
        kind: Any = {Bound.ELBO: Trace_ELBO, Bound.ANALYTIC: TraceMeanField_ELBO, Bound.IWAE: _Renyi}[pair.bound]
        options: dict[str, Any] = {"alpha": 0.0} if pair.bound is Bound.IWAE else {}
        costs: dict[str, torch.Tensor] = {}
        if pair.score and pair.bound is not Bound.IWAE:
            kind, options = _Graph, {"pair": pair, "costs": costs}
        elbo = kind(num_particles=pair.particles, vectorize_particles=wide, max_plate_nesting=pair.depth, **options)

        def guide() -> None:
            with _Scale(pair.scales), _Inject(pair, wide):
                pair.guide()

        def model() -> None:
            with _Scale(pair.scales):
                pair.model()

        random: AbstractContextManager[Any] = nullcontext()
        if pair.seed is not None:
            random = seeded(int(pair.seed), str(pair.seed.device))
        with random:
            out: torch.Tensor = elbo.differentiable_loss(model, guide)
        return out, costs

    def image(self, distribution: Any, noise: torch.Tensor) -> torch.Tensor:
        """The draws of a distribution whose standard normal noise is given."""
        return _image(distribution, noise)

    def log_joint(
        self, model: Callable[..., Any], u: Mapping[str, Any], scales: Mapping[str, float], *arguments: Any
    ) -> torch.Tensor:
        """The log-density of a PPL model at unconstrained latents."""
        terms: dict[str, torch.Tensor] = {}
        with poutine.block(), _Scale(scales), Unconstrained(u, terms):  # no handler around the caller sees the sites
            total: Any = poutine.trace(model).get_trace(*arguments).log_prob_sum()
        for term in terms.values():
            total = total + term.sum()
        return torch.as_tensor(total)


class _Renyi(RenyiELBO):
    """Pyro's, as a loss that can be differentiated: it has one for `backward` alone.

    With alpha = 0, the gradient of log mean exp of the log weights is the mean of their gradients by normalised weight.
    """

    def differentiable_loss(self, model: Callable[[], Any], guide: Callable[[], Any]) -> torch.Tensor:
        weights = []
        for model_trace, guide_trace in self._get_traces(model, guide, (), {}):
            over = get_dependent_plate_dims(model_trace.nodes.values())
            weight: Any = 0.0
            for sign, trace in ((1.0, model_trace), (-1.0, guide_trace)):
                for site in trace.nodes.values():
                    if site["type"] == "sample":
                        weight = weight + sign * torch_sum(site["log_prob"], over)
            weights.append(weight)
        log_weights = weights[0] if self.vectorize_particles and self.num_particles > 1 else torch.stack(weights)
        return -(torch.logsumexp(log_weights, 0) - math.log(self.num_particles)).sum()


class _Graph(TraceGraph_ELBO):
    """Pyro's, as a loss that can be differentiated, with baselines that are given; `costs` are written down.

    Pyro's own decaying averages stand in its parameter store, element by element, and rows of a batch change places.
    What depends on what the graphs say: tensors that carry it lose it where torch maps functions.
    """

    def __init__(self, pair: Pair, costs: dict[str, torch.Tensor], **options: Any) -> None:
        super().__init__(**options)
        self.pair, self.costs = pair, costs

    def _get_trace(self, model: Any, guide: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        traces: tuple[Any, Any] = get_importance_trace("flat", self.max_plate_nesting, model, guide, args, kwargs)
        kinds = [site["log_prob_sum"].dtype for t in traces for site in t.nodes.values() if site["type"] == "sample"]
        dtype = functools.reduce(torch.promote_types, kinds)  # Pyro adds to the first, which for a mask is float32
        for trace, reads in zip(traces, (self.pair.model_reads, self.pair.guide_reads), strict=True):
            for name, site in trace.nodes.items():
                if site["type"] == "sample":
                    upstream = reads.get(name, self.pair.score) & self.pair.score
                    site["log_prob_sum"] = track_provenance(site["log_prob_sum"].to(dtype), upstream)
        return traces

    def differentiable_loss(self, model: Callable[[], Any], guide: Callable[[], Any]) -> Any:
        elbo, surrogate = self._loss_and_surrogate_loss(model, guide, (), {})
        return surrogate - (surrogate + elbo).detach()

    def _loss_and_surrogate_loss_particle(self, model_trace: Any, guide_trace: Any) -> tuple[Any, Any]:
        elbo, surrogate = super()._loss_and_surrogate_loss_particle(model_trace, guide_trace)
        for name, baseline in self.pair.baselines.items():
            site = guide_trace.nodes[name]
            self.costs[name] = _cost(site, model_trace, guide_trace)
            surrogate = surrogate + detach_provenance(baseline * site["score_parts"].score_function.sum())
        return elbo, surrogate


def _cost(site: Any, model_trace: Any, guide_trace: Any) -> torch.Tensor:
    """The mean over a site's elements of the terms that depend on them: each is a sum over the plates it has alone."""
    own, total = set(site["cond_indep_stack"]), torch.zeros(())
    for sign, trace in ((1.0, model_trace), (-1.0, guide_trace)):
        for term in trace.nodes.values():
            if term["type"] == "sample" and site["name"] in get_provenance(term["log_prob_sum"]):
                shared = math.prod(f.size for f in own & set(term["cond_indep_stack"]) if f.vectorized)
                total = total + sign * detach_provenance(term["log_prob_sum"]).detach() / shared
    return total


class _Scale(Messenger):
    """Multiplies the log-probabilities of the sites in some plates."""

    def __init__(self, scales: Mapping[str, float]) -> None:
        super().__init__()
        self.scales = scales

    def _pyro_sample(self, msg: Any) -> None:
        for frame in msg["cond_indep_stack"]:
            msg["scale"] = msg["scale"] * self.scales.get(frame.name, 1.0)


class _Inject(Messenger):
    """Sets the draws of a guide to the images of their noise; those of all particles at once where they are `wide`."""

    def __init__(self, pair: Pair, wide: bool) -> None:
        super().__init__()
        self.pair, self.wide = pair, wide

    def _pyro_sample(self, msg: Any) -> None:
        name = msg["name"]
        if msg["is_observed"] or msg["done"] or poutine.util.site_is_subsample(msg):
            return
        if name in self.pair.score:
            msg["fn"] = _detached(msg["fn"])
        if name not in self.pair.draws:
            return
        eps = self.pair.draws[name]
        if self.wide:
            slots = eps.ndim - 1 - msg["fn"].event_dim
            eps = eps.reshape(eps.shape[0], *(1,) * (self.pair.depth - slots), *eps.shape[1:])
        else:
            eps = eps[0]
        value = _image(msg["fn"], eps)
        msg["value"] = value.detach() if name in self.pair.score else value  # not done: a plate still widens the site


def _image(fn: Any, eps: torch.Tensor) -> torch.Tensor:
    """The draw of a distribution whose standard normal noise is eps."""
    if isinstance(fn, (*_WRAPPERS, torch.distributions.Independent)):
        return _image(fn.base_dist, eps)
    if isinstance(fn, Learned):
        return fn.image(eps if fn.base is None else _image(fn.base, eps))
    if isinstance(fn, torch.distributions.TransformedDistribution):  # Pyro's LogNormal is torch's, over torch's Normal
        x = _image(fn.base_dist, eps)
        for transform in fn.transforms:
            x = transform(x)
        return x
    if isinstance(fn, dist.LowRankMultivariateNormal):
        rank = fn._unbroadcasted_cov_factor.shape[-1]
        w, d = fn._unbroadcasted_cov_factor, fn._unbroadcasted_cov_diag
        return fn.loc + torch.einsum("...dr,...r->...d", w, eps[..., :rank]) + d.sqrt() * eps[..., rank:]
    if isinstance(fn, dist.MultivariateNormal):
        return fn.loc + torch.einsum("...ij,...j->...i", fn._unbroadcasted_scale_tril, eps)
    if isinstance(fn, torch.distributions.Normal):
        return fn.loc + fn.scale * eps
    if isinstance(fn, dist.Delta):
        return fn.v.expand(torch.broadcast_shapes(fn.v.shape, (*eps.shape[:-1], 1)))
    raise TypeError(f"{type(fn).__name__} is no image of normal noise")


def _detached(fn: Any) -> Any:
    """The same distribution, whose draws no gradient passes through."""
    out = copy.copy(fn)
    if isinstance(fn, _WRAPPERS):
        out.base_dist = _detached(fn.base_dist)
    out.__class__ = _without_path(type(fn))
    return out


def _without_path(kind: type[Any]) -> type[Any]:
    if kind not in _DETACHED:
        _DETACHED[kind] = type(kind.__name__, (kind,), {"has_rsample": False})
    return _DETACHED[kind]


_DETACHED: dict[type[Any], type[Any]] = {}  # a class for each, made once
