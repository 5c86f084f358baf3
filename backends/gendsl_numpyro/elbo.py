"""Bounds on the evidence, by NumPyro's own losses; draws are functions of noise that is given.

NumPyro maps a particle over random keys. Its losses take a function that does so (`vectorize_particles`); ours maps the
noise along with the keys.
"""

from __future__ import annotations

import copy
import math
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
from gendsl_numpyro.families import Learned
from gendsl_numpyro.unconstrained import trace_at

__all__ = ["NumpyroEvidence"]

_WRAPPERS = (dist.Independent, ExpandedDistribution, dist.MaskedDistribution)


class NumpyroEvidence:
    """See `gendsl.objectives.pair.Evidence`."""

    ppl: Any = numpyro
    dist: Any = dist

    def loss(self, pair: Pair) -> jax.Array:
        """The negative bound, by Trace_ELBO, TraceGraph_ELBO, TraceMeanField_ELBO or RenyiELBO."""
        return _loss(pair, {})

    def loss_and_costs(self, pair: Pair) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The same, and what the scores of sites with baselines weigh: the slope of the loss in a shift of them."""
        if not pair.baselines:
            return self.loss(pair), {}
        shifts = {k: jnp.zeros_like(b) for k, b in pair.baselines.items()}
        counts: dict[str, int] = {}
        value, slopes = jax.value_and_grad(lambda x: _loss(pair, x, counts))(shifts)
        return value, {k: -jax.lax.stop_gradient(slopes[k]) / counts[k] for k in shifts}

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


def _loss(pair: Pair, shifts: Mapping[str, jax.Array], counts: dict[str, int] | None = None) -> jax.Array:
    """The negative bound; elements of sites with baselines are counted."""
    now: list[_Inject] = [_Inject(pair, {k: x[0] for k, x in pair.draws.items()}, shifts)]

    def guide() -> None:
        with _Scale(pair.scales), now[-1]:
            pair.guide()

    def model() -> None:
        with _Scale(pair.scales):
            pair.model()
        for name, baseline in pair.baselines.items():  # of value zero, with the gradient of a control variate
            scores = now[-1].scores[name]
            if counts is not None:
                counts[name] = scores.size
            total = scores.sum()
            numpyro.factor(f"{name}_baseline", -baseline * (total - jax.lax.stop_gradient(total)))

    def over_particles(function: Callable[[Any], Any], keys: Any) -> Any:
        def one(key: Any, draws: Mapping[str, jax.Array]) -> Any:
            now.append(_Inject(pair, draws, shifts))
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
    """Sets the draws of a guide to the images of their noise, and keeps the scores of sites with baselines."""

    def __init__(self, pair: Pair, draws: Mapping[str, jax.Array], shifts: Mapping[str, jax.Array]) -> None:
        super().__init__()
        self.pair, self.draws, self.shifts = pair, draws, shifts
        self.scores: dict[str, jax.Array] = {}

    def process_message(self, msg: Any) -> None:
        """Set the site's value."""
        name = msg["name"]
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        score = name in self.pair.score
        if score:
            scale = math.prod(self.pair.scales.get(f.name, 1.0) for f in msg["cond_indep_stack"])
            msg["fn"] = _detached(msg["fn"], scale, self.shifts.get(name, 0.0))
        if name in self.draws and msg["value"] is None:
            value = _image(msg["fn"], self.draws[name])
            msg["value"] = jax.lax.stop_gradient(value) if score else value
            msg["kwargs"]["rng_key"] = jax.random.key(0)  # TraceGraph_ELBO draws once more, and forgets the draw

    def postprocess_message(self, msg: Any) -> None:
        """Keep the score; TraceGraph_ELBO runs the guide again to see what depends on what, and that is another."""
        name = msg["name"]
        if msg["type"] == "sample" and name in self.pair.baselines and name not in self.scores:
            self.scores[name] = msg["fn"].score(jax.lax.stop_gradient(msg["value"]))


def _image(fn: Any, eps: jax.Array) -> jax.Array:
    """The draw of a distribution whose standard normal noise is eps."""
    if isinstance(fn, _WRAPPERS):
        return _image(fn.base_dist, eps)
    if isinstance(fn, Learned):
        return fn.image(eps if fn.base is None else _image(fn.base, eps))
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


def _detached(fn: Any, scale: float = 1.0, shift: Any = 0.0) -> Any:
    """The same distribution, whose draws no gradient passes through.

    Of the two factors of its gradient, grad log q and the cost, NumPyro scales both where rows stand for others; one
    scale is taken from the first again. A shift, of value 0, is added to log q.
    """
    out = copy.copy(fn)
    if isinstance(fn, _WRAPPERS):
        out.base_dist = _detached(fn.base_dist)
    out.__class__ = _without_path(type(fn))
    out.score_scale, out.score_shift = scale, shift
    return out


def _without_path(kind: type[Any]) -> type[Any]:
    if kind not in _DETACHED:

        def log_prob(self: Any, value: Any, *more: Any) -> Any:
            out = kind.log_prob(self, value, *more) + self.score_shift
            if self.score_scale == 1.0:
                return out
            return out / self.score_scale + jax.lax.stop_gradient(out - out / self.score_scale)

        def score(self: Any, value: Any) -> Any:
            return kind.log_prob(self, value)

        own = {"has_rsample": False, "log_prob": log_prob, "score": score, "score_scale": 1.0, "score_shift": 0.0}
        _DETACHED[kind] = type(kind.__name__, (kind,), own)
    return _DETACHED[kind]


_DETACHED: dict[type[Any], type[Any]] = {}  # a class for each, made once
