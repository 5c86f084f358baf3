"""The fused density of a flat vector, compiled with the data as inputs.

What is compiled depends on the program and the shapes of its data alone, and is kept with the program: other data of
the same shapes use it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from gendsl.backend import CPU
from gendsl.coordinates import Coordinates
from gendsl.math.affine import placed
from gendsl_numpyro.ops import OPS

if TYPE_CHECKING:
    from gendsl.math.langevin import Target
    from gendsl.program import BoundProgram

__all__ = ["FlatDensity", "ShapedDensity"]

Array = Any
Data = list[dict[str, Array]]


class ShapedDensity:
    """The log-density of a vector that holds all unconstrained sites, as a function of the data too.

    Args:
        program: a bound program; only its shapes are kept.

    Attributes:
        names: the sites, in order.
        shapes: their shapes.
        value_and_gradient: (data, z) -> the log-density at z, followed by its gradient: one array, so that one transfer
            brings both; compiled.
    """

    def __init__(self, program: BoundProgram) -> None:
        self.names, self.shapes = list(program.shapes), list(program.shapes.values())
        self._density = program.program.log_density
        self._static = [{k: v for k, v in group.items() if isinstance(v, int)} for group in program.density_arguments]
        self.value_and_gradient = jax.jit(self._value_and_gradient)

    def log_density(self, data: Data, z: Array) -> Array:
        """To be traced: the log-density of z. The last of the data says how z is placed; see `_placing`."""
        *groups, at = data
        if at:
            z = placed(OPS, z, **at)
        arguments = [d | s for d, s in zip(groups, self._static, strict=True)]
        return self._density(self.split(z), *arguments)

    def split(self, z: Any) -> dict[str, Any]:
        """The sites of a vector in the last axis."""
        out, at = {}, 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            size = int(np.prod(shape, dtype=int))
            out[name] = z[..., at : at + size].reshape((*z.shape[:-1], *shape))
            at += size
        return out

    def _value_and_gradient(self, data: Data, z: Array) -> Array:
        value, gradient = jax.value_and_grad(self.log_density, argnums=1)(data, z.astype(float))
        return jnp.concatenate([value[None], gradient])


_thread = threading.local()  # the precision that a thread has entered for good


@cache
def _caller_s_own() -> Any:
    """A device on the CPU that computes in the calling thread.

    jax's own hands all but the smallest computations to a thread of its pool, and waits: that takes longer than most
    densities do (radon 20 to 90 us, against 16). None where jaxlib offers no such client.
    """
    try:
        from jaxlib import xla_client

        client: Any = xla_client.make_cpu_client(asynchronous=False, num_devices=1)
    except (ImportError, AttributeError, TypeError):
        return None
    return client.devices()[0]


class FlatDensity:
    """The density of a bound program as a function of a vector.

    It may be called from any thread: each call enters the program's precision, which in jax is a property of the
    thread, unless the thread has entered it for good.

    Args:
        program: the bound program.
        coordinates: in which the vector is given; None where it holds the unconstrained values themselves.

    Attributes:
        data: the arrays that the density reads. Sizes of plates are static; all else is an input of what is compiled.
        shaped: the density as a function of them.
        key: all that what is compiled depends on.
    """

    def __init__(self, program: BoundProgram, coordinates: Coordinates | None = None) -> None:
        self._program = p = program.program
        self.coordinates = coordinates
        groups = program.density_arguments
        self.data = [{k: v for k, v in group.items() if not isinstance(v, int)} for group in groups]
        self._dimension = program.dimension
        self.data.append(self._placing(coordinates))
        self.key = (
            tuple(program.shapes.items()),
            None if coordinates is None else len(coordinates.index),
            tuple(
                (k, v if isinstance(v, int) else (v.shape, str(v.dtype))) for group in groups for k, v in group.items()
            ),
        )
        found = p.cache.get(("density", self.key))
        self.shaped: ShapedDensity = found or p.cache.setdefault(("density", self.key), ShapedDensity(program))

    @cached_property
    def _here(self) -> Data:
        """The data where single calls are computed."""
        return self._moved(self.data) if self._program.device == CPU else self.data

    def on(self, device: str) -> Data:
        """The data on a device of the program's kind, such as "cuda:1"."""
        p = self._program
        if device == p.device:
            return self.data
        with p.backend.context(p.precision, device):
            out: Data = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), self.data)
            return out

    def _placing(self, coordinates: Coordinates | None) -> dict[str, Array]:
        """What places a vector (gendsl/math/affine.py)."""
        if coordinates is None:
            return {}
        p, c = self._program, coordinates
        with p.context():
            return {k: p.backend.array(x, p.precision) for k, x in c.layout(self._dimension).items()}

    def _moved(self, data: Data) -> Data:
        """Data on the device that computes in the calling thread."""
        device = _caller_s_own()
        if device is None:
            return data
        with self._program.context():
            out: Data = jax.device_put(jax.tree.map(np.asarray, data), device)
            return out

    def __call__(self, z: np.ndarray, data: Data | None = None) -> tuple[float, np.ndarray]:
        """The log-density at z and its gradient; `data` in place of its own."""
        data = self._here if data is None else data
        if getattr(_thread, "precision", None) == (self._program.precision, self._program.device):
            out = np.asarray(self.shaped.value_and_gradient(data, z))
        else:
            with self._program.context():
                out = np.asarray(self.shaped.value_and_gradient(data, z))
        return float(out[0]), out[1:].astype(np.float64)

    def compiled(self, key: tuple[Any, ...], make: Callable[[Callable[[Data], Target]], Callable[..., Any]]) -> Any:
        """See `gendsl.backend.Density`."""
        shaped, name = self.shaped, ("compiled", key, self.key)

        def target_of(data: Data) -> Target:
            both = jax.vmap(jax.value_and_grad(shaped.log_density, argnums=1), (None, 0))
            return lambda z: both(data, z)

        found = self._program.cache.get(name)
        return found or self._program.cache.setdefault(name, jax.jit(make(target_of)))

    def stay(self) -> None:
        """Enter the precision in this thread for as long as it lives; for threads that do nothing else."""
        self._program.context().__enter__()
        _thread.precision = (self._program.precision, self._program.device)

    def evaluate(self, u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        """The log-density at a point given by site, and its gradient by site."""
        value, gradient = self(self.flat(u), self._plain)
        return value, self.shaped.split(gradient)

    @cached_property
    def _plain(self) -> Data:
        """The data with which a vector holds the unconstrained values."""
        if self.coordinates is None:
            return self._here
        k = len(self.coordinates.index)
        same = self._placing(Coordinates(self.coordinates.index, np.eye(k), np.zeros(k), np.ones(k)))
        return [*self._here[:-1], *(self._moved([same]) if self._program.device == CPU else [same])]

    def flat(self, u: dict[str, np.ndarray]) -> np.ndarray:
        """A point given by site as a vector."""
        return np.concatenate([np.ravel(u[k]) for k in self.shaped.names]).astype(np.float64)
