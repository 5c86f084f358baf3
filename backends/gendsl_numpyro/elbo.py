"""Bounds on the evidence, by NumPyro's own losses; draws are functions of noise that is given.

NumPyro maps a particle over random keys. Its losses take a function that does so (`vectorize_particles`); ours maps the
noise along with the keys.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
from numpyro import distributions as dist
from numpyro.distributions.distribution import ExpandedDistribution
from numpyro.infer import RenyiELBO, Trace_ELBO, TraceGraph_ELBO, TraceMeanField_ELBO
from numpyro.primitives import Messenger

from gendsl.objectives.pair import Bound, Pair
from gendsl_numpyro.unconstrained import trace_at

__all__ = ["NumpyroEvidence"]

_WRAPPERS = (dist.Independent, ExpandedDistribution, dist.MaskedDistribution)


class NumpyroEvidence:
    """See `gendsl.objectives.pair.Evidence`."""

    ppl: Any = numpyro
    dist: Any = dist

    def loss(self, pair: Pair) -> jax.Array:
        """The negative bound, by Trace_ELBO, TraceGraph_ELBO, TraceMeanField_ELBO or RenyiELBO."""
        now: list[Mapping[str, jax.Array]] = [{k: x[0] for k, x in pair.draws.items()}]

        def guide() -> None:
            with _Scale(pair.scales), _Inject(now[-1], pair.score):
                pair.guide()

        def model() -> None:
            with _Scale(pair.scales):
                pair.model()

        def over_particles(function: Callable[[Any], Any], keys: Any) -> Any:
            def one(key: Any, draws: Mapping[str, jax.Array]) -> Any:
                now.append(draws)
                out = function(key)
                now.pop()
                return out

            return jax.vmap(one)(keys, dict(pair.draws))

        elbo: Any
        if pair.bound is Bound.IWAE:
            elbo = RenyiELBO(alpha=0, num_particles=pair.particles)
            elbo.vectorize_particles_fn = over_particles
        else:
            kind = TraceMeanField_ELBO if pair.bound is Bound.ANALYTIC else Trace_ELBO
            kind = TraceGraph_ELBO if pair.score else kind
            elbo = kind(num_particles=pair.particles, vectorize_particles=over_particles)
        key = jax.random.key(0 if pair.seed is None else pair.seed)
        with numpyro.handlers.block():  # no handler around the caller sees what is sampled
            out: jax.Array = elbo.loss(key, {}, model, guide)
        return out

    def image(self, distribution: Any, noise: jax.Array) -> jax.Array:
        """The draws of a distribution whose standard normal noise is given."""
        return _image(distribution, noise)

    def log_joint(
        self, model: Callable[..., Any], u: Mapping[str, Any], scales: Mapping[str, float], *arguments: Any
    ) -> jax.Array:
        """The log-density of a PPL model at unconstrained latents."""

        def scaled(*args: Any) -> None:
            with _Scale(scales):
                model(*args)

        with numpyro.handlers.block():  # no handler around the caller sees the sites
            sites, terms = trace_at(scaled, u, *arguments)
        total = jnp.zeros(())
        for site in sites.values():
            if site["type"] == "sample":
                term = site["fn"].log_prob(site["value"]).sum()
                total = total + (term if site["scale"] is None else site["scale"] * term)
        for jacobian in terms.values():
            total = total + jacobian.sum()
        return total


class _Scale(Messenger):
    """Multiplies the log-probabilities of the sites in some plates."""

    def __init__(self, scales: Mapping[str, float]) -> None:
        super().__init__()
        self.scales = scales

    def process_message(self, msg: Any) -> None:
        """Set the site's scale."""
        if msg["type"] != "sample":
            return
        for frame in msg["cond_indep_stack"]:
            if frame.name in self.scales:
                factor = self.scales[frame.name]
                msg["scale"] = factor if msg["scale"] is None else msg["scale"] * factor


class _Inject(Messenger):
    """Sets the draws of a guide to the images of their noise."""

    def __init__(self, draws: Mapping[str, jax.Array], score: frozenset[str]) -> None:
        super().__init__()
        self.draws, self.score = draws, score

    def process_message(self, msg: Any) -> None:
        """Set the site's value."""
        name = msg["name"]
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        if name in self.score:
            msg["fn"] = _detached(msg["fn"])
        if name in self.draws and msg["value"] is None:
            value = _image(msg["fn"], self.draws[name])
            msg["value"] = jax.lax.stop_gradient(value) if name in self.score else value
            msg["kwargs"]["rng_key"] = jax.random.key(0)  # TraceGraph_ELBO draws once more, and forgets the draw


def _image(fn: Any, eps: jax.Array) -> jax.Array:
    """The draw of a distribution whose standard normal noise is eps."""
    if isinstance(fn, _WRAPPERS):
        return _image(fn.base_dist, eps)
    if isinstance(fn, dist.TransformedDistribution):
        x = _image(fn.base_dist, eps)
        for transform in fn.transforms:
            x = transform(x)
        return x
    if isinstance(fn, dist.LowRankMultivariateNormal):
        rank = fn.cov_factor.shape[-1]
        spread = jnp.einsum("...dr,...r->...d", fn.cov_factor, eps[..., :rank])
        return fn.loc + spread + jnp.sqrt(fn.cov_diag) * eps[..., rank:]
    if isinstance(fn, dist.MultivariateNormal):
        return fn.loc + jnp.einsum("...ij,...j->...i", fn.scale_tril, eps)
    if isinstance(fn, dist.Normal):
        return fn.loc + fn.scale * eps
    if isinstance(fn, dist.Delta):
        return jnp.broadcast_to(fn.v, (*eps.shape[:-1], fn.v.shape[-1]))
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
