"""The fused density of a flat vector, compiled with the data as inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from gendsl.program import BoundProgram

__all__ = ["FlatDensity"]

Array = Any


class FlatDensity:
    """The log-density of a vector that holds all unconstrained sites, and its gradient.

    It may be called from any thread: each call enters the program's precision, which in jax is a property of the
    thread.

    Args:
        program: the bound program.

    Attributes:
        data: the arrays that the density reads.
    """

    def __init__(self, program: BoundProgram) -> None:
        p = program.program
        self._precision = lambda: p.backend.precision(p.precision)
        self._names, self._shapes = list(program.shapes), list(program.shapes.values())
        self._density = p.log_density
        # Sizes of plates are static; all else is an input of the compiled function.
        self._static = [{k: v for k, v in group.items() if isinstance(v, int)} for group in program.density_arguments]
        self.data = [{k: v for k, v in group.items() if not isinstance(v, int)} for group in program.density_arguments]
        self._both = jax.jit(self._value_and_gradient)

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """The log-density at z and its gradient."""
        with self._precision():
            out = np.asarray(self._both(self.data, z))
        return float(out[0]), out[1:].astype(np.float64)

    def evaluate(self, u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        """The log-density at a point given by site, and its gradient by site."""
        value, gradient = self(self.flat(u))
        return value, self.split(gradient)

    def flat(self, u: dict[str, np.ndarray]) -> np.ndarray:
        """A point given by site as a vector."""
        return np.concatenate([np.ravel(u[k]) for k in self._names]).astype(np.float64)

    def _value_and_gradient(self, data: list[dict[str, Array]], z: Array) -> Array:
        """One array, so that one transfer brings both."""
        value, gradient = jax.value_and_grad(self.log_density, argnums=1)(data, z.astype(float))
        return jnp.concatenate([value[None], gradient])

    def log_density(self, data: list[dict[str, Array]], z: Array) -> Array:
        """To be traced: the log-density of z as a function of the data too."""
        arguments = [d | s for d, s in zip(data, self._static, strict=True)]
        return self._density(self.split(z), *arguments)

    def split(self, z: Any) -> dict[str, Any]:
        """The sites of a vector in the last axis."""
        out, at = {}, 0
        for name, shape in zip(self._names, self._shapes, strict=True):
            size = int(np.prod(shape, dtype=int))
            out[name] = z[..., at : at + size].reshape((*z.shape[:-1], *shape))
            at += size
        return out
