"""Networks on jax: the layers that gendsl's networks are written over, and `network` of emitted programs.

Layers are jax.nn and jax.lax on given arrays; weights lie as torch's do, which `lax` is told. A user's own module is
equinox's, or any pytree that can be called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gendsl.errors import FAULTS
from gendsl.networks import EPSILON, placing
from gendsl_numpyro.ops import OPS

if TYPE_CHECKING:
    from gendsl.networks import Event, Native

__all__ = ["LAYERS", "JaxLayers", "network"]

Params = Mapping[str, jax.Array]


class JaxLayers:
    """gendsl.networks.Layers over jax.nn and jax.lax."""

    ops: Any = OPS

    def linear(self, params: Params, name: str, x: jax.Array) -> jax.Array:
        """x W' + b, or x W' where there is no bias."""
        y, bias = _matmul(x, params[f"{name}.weight"]), params.get(f"{name}.bias")
        return y if bias is None else y + bias

    def masked_linear(self, params: Params, name: str, x: jax.Array, mask: np.ndarray) -> jax.Array:
        """x (M * W)' + b."""
        weight = params[f"{name}.weight"]
        return _matmul(x, weight * OPS.constant(mask, like=weight)) + params[f"{name}.bias"]

    def conv(self, params: Params, name: str, x: jax.Array, stride: int = 1) -> jax.Array:
        """A convolution over height and width with zeros around."""
        weight = params[f"{name}.weight"]
        around = weight.shape[-1] // 2
        images = x.reshape((math.prod(x.shape[:-3]), *x.shape[-3:]))
        y = lax.conv_general_dilated(
            images,
            weight,
            window_strides=(stride, stride),
            padding=((around, around), (around, around)),
            dimension_numbers=("NHWC", "OIHW", "NHWC"),
        )
        return y.reshape((*x.shape[:-3], *y.shape[1:])) + params[f"{name}.bias"]

    def group_norm(self, params: Params, name: str, x: jax.Array, groups: int) -> jax.Array:
        """Normalised over height, width and each group of channels."""
        grouped = x.reshape((*x.shape[:-1], groups, x.shape[-1] // groups))
        y = _standardize(grouped, (-4, -3, -1)).reshape(x.shape)
        return y * params[f"{name}.weight"] + params[f"{name}.bias"]

    def layer_norm(self, params: Params, name: str, x: jax.Array) -> jax.Array:
        """Normalised over the last axis."""
        y = _standardize(x, -1)
        return y * params[f"{name}.weight"] + params[f"{name}.bias"]

    def embedding(self, params: Params, name: str, index: jax.Array) -> jax.Array:
        """Rows of the weight."""
        return jnp.take(params[f"{name}.weight"], index, axis=0)

    def native_init(self, spec: Native, event: Event, seed: int) -> dict[str, np.ndarray]:
        """Names and initial values of a user's module, as its own constructors draw them."""
        arrays, _ = _parts(_checked(spec, event, seed))
        return {name: np.asarray(value, np.float64) for name, value in arrays.items()}

    def native(self, spec: Native, params: Params, x: jax.Array, event: Event, time: jax.Array | None) -> jax.Array:
        """A user's module, mapped over the left axes."""
        lead = tuple(x.shape[: x.ndim - len(event)])
        module = _module(spec, event)
        arrays, structure = _parts(module)
        given = jax.tree.unflatten(structure, [params[name] for name in arrays])
        filled = eqx.combine(given, eqx.filter(module, eqx.is_inexact_array, inverse=True))
        rows = [x.reshape((math.prod(lead), *event))]
        if time is not None:
            rows.append(jnp.broadcast_to(time, lead).reshape(-1))
        given = tuple(rows[0].shape)
        try:
            y = jax.vmap(filled)(*rows)
        except FAULTS as e:
            raise spec.not_called("jax", event, given, e) from e
        y = spec.result("jax", event, given, y)
        return y.reshape((*lead, *y.shape[1:]))


def _standardize(x: jax.Array, axis: int | tuple[int, ...]) -> jax.Array:
    """(x - mean) / sqrt(var + epsilon); jax.nn's own takes the difference of two squares for the variance."""
    x = x - x.mean(axis, keepdims=True)
    return x * lax.rsqrt(jnp.square(x).mean(axis, keepdims=True) + EPSILON)


def _matmul(x: jax.Array, weight: jax.Array) -> jax.Array:
    """x W', without transposing."""
    return lax.dot_general(x, weight, (((x.ndim - 1,), (1,)), ((), ())))


def _parts(module: Any) -> tuple[dict[str, Any], Any]:
    """The float arrays of a module by name, and its structure."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(eqx.filter(module, eqx.is_inexact_array))
    return {".".join(map(_key, path)): leaf for path, leaf in leaves}, structure


def _key(entry: Any) -> str:
    """One step of a path: an attribute, an index, a key."""
    for attribute in ("name", "idx", "key"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)


def _checked(spec: Native, event: Event, seed: int) -> Any:
    factory = spec.factory("jax")
    with jax.ensure_compile_time_eval():  # it may be built while a function is traced
        key = jax.random.key(seed)
        try:
            module = factory(event, key)
        except FAULTS as e:
            raise spec.not_made("jax", event, e) from e
    if not callable(module):
        raise spec.no_module("jax", event, module)
    refused = (eqx.nn.BatchNorm, eqx.nn.Dropout)
    for part in jax.tree.leaves(module, is_leaf=lambda m: isinstance(m, refused)):
        if isinstance(part, refused) and getattr(part, "p", True):
            raise spec.stateful("jax", type(part).__name__)
    return module


@lru_cache(maxsize=32)
def _module(spec: Native, event: Event) -> Any:
    return _checked(spec, event, 0)


LAYERS = JaxLayers()
network = placing(LAYERS)
