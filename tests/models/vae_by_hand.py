"""The digits VAE as a person writes it with NumPyro and jax: no gendsl in it."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
from numpyro.infer import Trace_ELBO

__all__ = ["elbo", "first", "train"]

Params = dict[str, Any]
PIXELS, LATENT, WIDTH = 64, 8, 128


def _layers(x: Any, params: list[Params]) -> Any:
    for p in params[:-1]:
        x = jax.nn.silu(x @ p["w"] + p["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


def model(params: Params, x: Any, rows: int) -> None:
    """z ~ Normal(0, I), x ~ Binomial(16, decoder(z)), of a batch of so many rows."""
    with numpyro.plate("image", rows, subsample_size=x.shape[0]):
        z = numpyro.sample("z", dist.Normal(0.0, 1.0).expand([LATENT]).to_event(1))
        numpyro.sample("x", dist.Binomial(16, logits=_layers(z, params["decoder"])).to_event(1), obs=x)


def guide(params: Params, x: Any, rows: int) -> None:
    """z ~ Normal(loc, softplus(raw)), (loc, raw) = encoder(x)."""
    loc, raw = jnp.split(_layers(x, params["encoder"]), 2, -1)
    with numpyro.plate("image", rows, subsample_size=x.shape[0]):
        numpyro.sample("z", dist.Normal(loc, jax.nn.softplus(raw)).to_event(1))


def first(seed: int) -> Params:
    """Weights and biases U(-1, 1) / sqrt(n), n the numbers that go in, as torch begins."""
    rng = np.random.default_rng([seed, 7])

    def layer(a: int, b: int) -> Params:
        return {"w": rng.uniform(-1, 1, (a, b)) / np.sqrt(a), "b": rng.uniform(-1, 1, b) / np.sqrt(a)}

    def layers(*sizes: int) -> list[Params]:
        return [layer(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]

    encoder, decoder = layers(PIXELS, WIDTH, WIDTH, 2 * LATENT), layers(LATENT, WIDTH, WIDTH, PIXELS)
    return {"encoder": encoder, "decoder": decoder}


def train(x: np.ndarray, steps: int, batch: int, rate: float, seed: int) -> Params:
    """Adam with a cosine schedule on shuffled batches; float32, one scan for each pass."""
    schedule = optax.cosine_decay_schedule(rate, steps)
    optimizer = optax.adam(schedule)
    loss = Trace_ELBO()
    per_pass = len(x) // batch
    rows = jnp.asarray(x, jnp.float32)

    def step(carry: Any, given: Any) -> tuple[Any, Any]:
        params, state = carry
        key, index = given
        value = lambda p: loss.loss(key, {}, model, guide, p, rows[index], len(x)) / len(x)  # noqa: E731
        updates, state = optimizer.update(jax.grad(value)(params), state)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def one_pass(carry: Any, key: Any) -> Any:
        a, b = jax.random.split(key)
        order = jax.random.permutation(a, len(x))[: per_pass * batch].reshape(per_pass, batch)
        return jax.lax.scan(step, carry, (jax.random.split(b, per_pass), order))[0]

    params = jax.tree.map(partial(jnp.asarray, dtype=jnp.float32), first(seed))
    carry = (params, optimizer.init(params))
    for key in jax.random.split(jax.random.key(seed), round(steps / per_pass)):
        carry = one_pass(carry, key)
    return carry[0]


def elbo(params: Params, x: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Estimates of the ELBO of all rows together, by one draw each, (draws,)."""
    loss = Trace_ELBO()
    dtype = jax.tree.leaves(params)[0].dtype
    rows = jnp.asarray(x, dtype)
    keys = jax.random.split(jax.random.key(seed), draws)
    values = jax.jit(jax.vmap(lambda k: -loss.loss(k, {}, model, guide, params, rows, len(x))))(keys)
    return np.asarray(values, np.float64)
