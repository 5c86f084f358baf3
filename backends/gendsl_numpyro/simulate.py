"""The PPL model run forward: one point at a time, mapped over draws and compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from numpyro import handlers

from gendsl.backend import Simulation

__all__ = ["simulate"]

Data = list[dict[str, Any]]
Names = tuple[tuple[str, ...], tuple[str, ...]]
"""Values and log-probabilities that are wanted."""


def simulate(run: Simulation) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """See `gendsl.backend.Backend.simulate`. A draw comes from the seed and its number alone."""
    words = np.random.SeedSequence(list(run.seed)).generate_state(2, np.uint32)
    key = jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")
    chunks = math.ceil(run.count / run.chunk)
    size = math.ceil(run.count / chunks)  # equal chunks, so that one compiled program does for all
    parts = []
    for start in range(0, size * chunks, size):
        at = np.minimum(np.arange(start, start + size), run.count - 1)
        given = {k: jnp.asarray(v[at], run.precision if v.dtype.kind == "f" else None) for k, v in run.given.items()}
        values, terms = _compiled(run, key, jnp.asarray(at), given)
        parts.append(({k: np.asarray(v) for k, v in values.items()}, {k: np.asarray(v) for k, v in terms.items()}))
    whole = [{k: np.concatenate([p[i][k] for p in parts])[: run.count] for k in parts[0][i]} for i in (0, 1)]
    return whole[0], whole[1]


def _compiled(run: Simulation, *inputs: Any) -> Any:
    """Run what was compiled for this model, or compile it.

    Data are inputs, so that other data of the same shapes need no compilation. Some draws have shapes that follow from
    integers among the data (a multinomial of so many trials): then integers are constants, or nothing is compiled; or
    even from other draws: then they are made one by one.
    """
    names = (run.names, run.log_probs)
    *ways, last = run.cache.setdefault(("way", names), [_all_inputs, _floats_inputs, _mapped, _one_by_one])
    for way in ways:
        try:
            out = way(run, names)(*inputs)
        except (jax.errors.JAXTypeError, NotImplementedError, ValueError):
            continue
        run.cache["way", names] = [way]
        return out
    run.cache["way", names] = [last]
    return last(run, names)(*inputs)


def _all_inputs(run: Simulation, names: Names) -> Callable[..., Any]:
    return _with_inputs(run, names, lambda x: not isinstance(x, int))


def _floats_inputs(run: Simulation, names: Names) -> Callable[..., Any]:
    return _with_inputs(run, names, lambda x: not isinstance(x, int) and jnp.issubdtype(x.dtype, jnp.floating))


def _with_inputs(run: Simulation, names: Names, is_input: Callable[[Any], bool]) -> Callable[..., Any]:
    data: Data = [{k: v for k, v in group.items() if is_input(v)} for group in run.arguments]
    rest: Data = [{k: v for k, v in group.items() if not is_input(v)} for group in run.arguments]
    where = (names, str([{k: _fixed(v) for k, v in group.items()} for group in rest]))
    if where not in run.cache:
        point = _point(run.model, *names, run.checked)

        def many(data: Data, key: Any, at: Any, given: Any) -> Any:
            arguments = [d | r for d, r in zip(data, rest, strict=True)]
            return jax.vmap(lambda i, g: point(arguments, jax.random.fold_in(key, i), g))(at, given)

        run.cache[where] = jax.jit(many)
    compiled = run.cache[where]
    return lambda key, at, given: compiled(data, key, at, given)


def _fixed(x: Any) -> Any:
    return x if isinstance(x, int) else (x.shape, str(x.dtype), np.asarray(x).tobytes())


def _mapped(run: Simulation, names: Names) -> Callable[..., Any]:
    point = _point(run.model, *names, run.checked)
    data = list(run.arguments)
    return lambda key, at, given: jax.vmap(lambda i, g: point(data, jax.random.fold_in(key, i), g))(at, given)


def _one_by_one(run: Simulation, names: Names) -> Callable[..., Any]:
    point = _point(run.model, *names, run.checked)

    def each(key: Any, at: Any, given: dict[str, Any]) -> Any:
        rows = [{k: v[row] for k, v in given.items()} for row in range(len(at))]
        outs = [point(list(run.arguments), jax.random.fold_in(key, i), g) for i, g in zip(at, rows, strict=True)]
        return jax.tree.map(lambda *xs: jnp.stack(xs), *outs)

    return each


def _point(
    model: Callable[..., Any], names: tuple[str, ...], log_probs: tuple[str, ...], checked: frozenset[str]
) -> Callable[[Data, Any, dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]:
    """One run of the model."""

    def point(arguments: Data, key: Any, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        seeded = handlers.seed(handlers.substitute(model, data=given), key)
        with handlers.block():  # no handler around the caller sees what is sampled
            sites = handlers.trace(seeded).get_trace(*arguments)
        values = {name: jnp.asarray(sites[name]["value"]) for name in names}
        return values, {name: _log_prob(sites[name], name in checked) for name in log_probs}

    return point


def _log_prob(site: Any, check: bool) -> Any:
    fn, value = site["fn"], site["value"]
    out = fn.log_prob(value)
    if check and not _masked(fn):  # a masked one knows its own
        out = jnp.where(fn.support(value), out, -jnp.inf)
    return out


def _masked(fn: Any) -> bool:
    while fn is not None:
        if isinstance(fn, dist.MaskedDistribution):
            return True
        fn = getattr(fn, "base_dist", None)
    return False
